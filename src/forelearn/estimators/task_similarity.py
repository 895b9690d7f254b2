"""Similarity of tasks by TaskEmb: sources are ranked by cosine in every component, and the ranks are fused.

Vu et al. 2020, and their code: fused(s) = Σ over components of 1 / (60 + rank of s in it), see `fusion.py`. The
cosine is the raw one, as there; with the mean over the tasks removed as an option (`similarity.py`), which needs
three tasks. Differs from the code in what it leaves out: a component that the target does not have (a tagger reads no
pooled output), or in which its vector is 0, says nothing of any source and has no vote.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from forelearn.core.scores import Scores
from forelearn.estimators.fusion import fuse
from forelearn.estimators.similarity import similarities

Vectors = Mapping[str, ArrayLike]
"""Component → vector [n]."""


def task_similarity(target: str, tasks: Mapping[str, Vectors], *, centred: bool = False) -> Scores:
    """Fused reciprocal ranks of all other tasks as sources of `target`; higher is better.

    tasks: name → vectors, `target` among them. A source that shares no component with the target is failed.
    Raises `ValueError` if the lengths of a component differ between tasks.
    """
    rankings = component_similarities(target, tasks, centred=centred)
    sources = sorted(set(tasks) - {target})
    if not rankings:
        return Scores(target, "taskemb", {}, dict.fromkeys(sources, "no component in common"))
    fused = fuse(tuple(rankings.values()))
    return replace(fused, estimator="taskemb", failed=dict.fromkeys(fused.failed, "no component in common"))


def component_similarities(
    target: str, tasks: Mapping[str, Vectors], *, centred: bool = False
) -> dict[str, Scores]:
    """Component → cosine of every source with the target, in [−1, 1]; components that rank nothing are left out."""
    sources = sorted(set(tasks) - {target})
    found = {}
    for component, vector in sorted(tasks[target].items()):
        having = [source for source in sources if component in tasks[source]]
        rows = [np.asarray(values, np.float64) for values in (vector, *(tasks[s][component] for s in having))]
        if len({row.shape for row in rows}) > 1:
            raise ValueError(
                f"`{component}` has different lengths: compare tasks of one encoder, kept in one size"
            )
        cosines = similarities(np.stack(rows), centred=centred)[0, 1:]
        values = {name: float(value) for name, value in zip(having, cosines) if np.isfinite(value)}
        if values:
            failed = {source: "has no direction in it" for source in having if source not in values}
            failed |= {source: "does not have it" for source in sources if source not in having}
            found[component] = Scores(target, f"taskemb {component}", values, failed)
    return found
