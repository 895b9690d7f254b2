"""Which scores `rank` should take by itself: `python studies/task-embeddings/choice.py`, with the rule it follows.

The rule, written down before the runs were finished. What counts is NDCG on the mean of both seeds, sources that leak
left out. Candidates are every method and every fusion of the tables. The present default, `prior` (reciprocal rank
fusion of what is free and of ANSAT), gives way to another candidate if

1. choosing candidates by their mean over the *other* targets beats the default on the target that is left out, with a
   90 % interval of the paired difference above 0;
2. that choice is one and the same for at least three quarters of the targets; and
3. the chosen one is above the default in the mean of the twelve crisis targets of the other study, too.

Of candidates that read single-task models and candidates that do not, each kind is chosen by itself.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from estimators import Draw, judged
from measured import FUSED, HERE, Array, measured, said

from forelearn.estimators.methods import METHODS
from forelearn.evaluation.intervals import bootstrap_mean

DEFAULT = "prior"
CRISIS = HERE.parent / "inductive-transfer"
FIGURE = "ndcg"


def candidates(draws: Mapping[str, Draw]) -> dict[str, Array]:
    """Candidate → its NDCG on each target, [T]; NaN where it has no score. draws: what `judged` says."""
    known = (*METHODS, *FUSED, DEFAULT)
    return {
        name: draw[FIGURE]
        for name, draw in draws.items()
        if name in known and name not in ("random", "static") and np.isfinite(draw[FIGURE]).any()
    }


def reads_models(name: str) -> bool:
    """Whether a candidate needs single-task models. The default takes ANSAT where there are any, and goes without."""
    return name != DEFAULT and any(METHODS[part].reads_models for part in FUSED.get(name, (name,)))


def left_out(values: Mapping[str, Array]) -> tuple[Array, list[str]]:
    """[T], what the candidate that is best on all other targets is worth on each one; and which it was.

    Where a candidate has no score for a target, it counts there as the default.
    """
    default = values[DEFAULT]
    filled = {name: np.where(np.isfinite(row), row, default) for name, row in values.items()}
    chosen, worth = [], np.full(len(default), np.nan)
    for target in range(len(default)):
        others = [row for row in range(len(default)) if row != target]
        name = max(filled, key=lambda one: float(np.nanmean(filled[one][others])))
        chosen.append(name)
        worth[target] = filled[name][target]
    return worth, chosen


def choice_lines(found: Mapping[str, Draw], crisis: Mapping[str, Draw]) -> list[str]:
    """The table: every candidate against the default here and on the crisis targets, then the choices.

    Both as `judged` gives them.
    """
    here, there = candidates(found), candidates(crisis)
    text = [
        "| candidate | reads models | NDCG | less the default | less the default, crisis targets |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    order = sorted(here, key=lambda name: -float(np.nanmean(here[name])))
    for name in order:
        apart = bootstrap_mean(here[name] - here[DEFAULT]) if name != DEFAULT else None
        also = (
            bootstrap_mean(there[name] - there[DEFAULT])
            if name in there and DEFAULT in there and name != DEFAULT
            else None
        )
        cells = (said(bootstrap_mean(here[name]), 3), said(apart, 3, signed=True), said(also, 3, signed=True))
        text.append(f"| {name} | {'yes' if reads_models(name) else 'no'} | {' | '.join(cells)} |")
    for what, names in (
        ("chosen on the other targets, of all", order),
        ("chosen on the other targets, of those without models", [n for n in order if not reads_models(n)]),
    ):
        worth, chosen = left_out({name: here[name] for name in {*names, DEFAULT}})
        top, times = Counter(chosen).most_common(1)[0]
        cells = (
            said(bootstrap_mean(worth), 3),
            said(bootstrap_mean(worth - here[DEFAULT]), 3, signed=True),
        )
        text.append(f"| *{what}: {top} in {times} of {len(chosen)}* | | {' | '.join(cells)} | |")
    return text


def changes(found: Mapping[str, Draw], crisis: Mapping[str, Draw], *, models: bool) -> str | None:
    """The candidate that takes the default's place by the rule; None if it stays. models: whether it may read them."""
    here, there = candidates(found), candidates(crisis)
    allowed = {name: row for name, row in here.items() if models or not reads_models(name) or name == DEFAULT}
    worth, chosen = left_out(allowed)
    top, times = Counter(chosen).most_common(1)[0]
    sure = bootstrap_mean(worth - here[DEFAULT]).low > 0
    also = top in there and bool(np.nanmean(there[top] - there[DEFAULT]) > 0)
    return top if top != DEFAULT and sure and 4 * times >= 3 * len(chosen) and also else None


def main(folders: Sequence[Path] = (HERE, CRISIS)) -> None:
    """Print the table and what the rule says."""
    warnings.simplefilter("ignore", RuntimeWarning)
    found, crisis = (judged(measured(folder)) for folder in folders)
    print("\n".join(choice_lines(found, crisis)), end="\n\n")
    for models, what in ((False, "without"), (True, "with")):
        print(f"{what} single-task models: {changes(found, crisis, models=models) or 'the default stays'}")


if __name__ == "__main__":
    main()
