"""Reciprocal rank fusion: one order out of several estimators' orders.

fused(s) = Σ over rankings of 1 / (60 + rank(s)), Cormack, Clarke & Büttcher 2009; the fusion that the code of
Vu et al. 2020 uses over components. Ties share their average rank (a choice; the paper has none). A source
that a ranking could not score is put behind all that it could (`last`) or given the middle rank, which
neither helps nor harms (`middle`); it is never dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy.stats import rankdata

from forelearn.core.scores import Scores

CONSTANT = 60.0


def fuse(
    rankings: Sequence[Scores],
    *,
    constant: float = CONSTANT,
    unscored: Literal["last", "middle"] = "last",
) -> Scores:
    """Fuse rankings of one target's sources; higher is better.

    rankings: at least one, all of the same target; sources are the union of all that they score or list as
    failed. A source that no ranking scores is failed here too, with the reasons of all.
    unscored: where a ranking puts the sources that it could not score.
    """
    targets = {ranking.target for ranking in rankings}
    if len(targets) != 1:
        raise ValueError(f"fusion needs rankings of one target, got {sorted(targets)}")
    sources = sorted({source for ranking in rankings for source in (*ranking.values, *ranking.failed)})
    scored = [source for source in sources if any(source in ranking.values for ranking in rankings)]
    fused = np.zeros(len(scored))
    for ranking in rankings:
        known = np.array([source in ranking.values for source in scored], bool)
        values = np.array([ranking.values.get(source, -np.inf) for source in scored])
        if np.isnan(values).any():
            raise ValueError(f"a score of `{ranking.estimator}` is not a number: list it as failed instead")
        ranks = rankdata(-values, method="average")
        if unscored == "middle":
            ranks[known] = rankdata(-values[known], method="average")
            ranks[~known] = (known.sum() + 1) / 2
        fused += 1.0 / (constant + ranks)
    failed = {
        source: "; ".join(
            f"{ranking.estimator}: {ranking.failed.get(source, 'not ranked')}" for ranking in rankings
        )
        for source in sources
        if source not in scored
    }
    return Scores(targets.pop(), "fusion", dict(zip(scored, fused.tolist(), strict=True)), failed)
