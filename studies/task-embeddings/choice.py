"""Which scores `rank` should take by itself: `python studies/task-embeddings/choice.py`, with the rule it follows.

The rule, written down before the runs were finished. What counts is NDCG on the mean of both seeds, sources that leak
left out. Candidates are every method and every fusion of the tables; where one has no score it counts as the default.
The default of that time, the reciprocal rank fusion of what is free, and of ANSAT where there are single-task models,
gives way to another candidate if

1. choosing candidates by their mean over the *other* targets beats the default on the target that is left out, with a
   90 % interval of the paired difference above 0;
2. that choice is one and the same for at least three quarters of the targets; and
3. the chosen one is above the default in the mean of the twelve crisis targets of the other study, too.

Of candidates that read single-task models and candidates that do not, each kind is chosen by itself, against the
default of its kind.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from estimators import SCORED, Draw, judged
from measured import ALL_FUSED, DEFAULT, FREE_DEFAULT, FUSED, HERE, Array, measured, said

from forelearn.estimators.methods import METHODS
from forelearn.evaluation.intervals import bootstrap_mean

CRISIS = HERE.parent / "inductive-transfer"
FIGURE = "ndcg"


def candidates(draws: Mapping[str, Draw], *, models: bool) -> dict[str, Array]:
    """Candidate → its NDCG on each target, [T]; where it has no score it counts as the default that it would replace.

    draws: what `judged` says. models: those that read single-task models, or those that do not; with their default.
    """
    default = DEFAULT if models else FREE_DEFAULT
    known = [name for name in (*METHODS, *FUSED) if name in draws and name not in ("random", "static")]
    allowed = [
        default,
        *(name for name in known if reads_models(name) is models and draws[name][SCORED].any()),
    ]
    level = draws[default][FIGURE]
    return {name: np.where(draws[name][SCORED] > 0, draws[name][FIGURE], level) for name in allowed}


def reads_models(name: str) -> bool:
    """Whether a candidate needs single-task models."""
    return any(METHODS[part].reads_models for part in ALL_FUSED.get(name, (name,)))


def left_out(values: Mapping[str, Array]) -> tuple[Array, list[str]]:
    """[T], what the candidate that is best on all other targets is worth on each one; and which it was."""
    count = len(next(iter(values.values())))
    chosen, worth = [], np.full(count, np.nan)
    for target in range(count):
        others = [row for row in range(count) if row != target]
        name = max(values, key=lambda one: float(np.nanmean(values[one][others])))
        chosen.append(name)
        worth[target] = values[name][target]
    return worth, chosen


def choice_lines(found: Mapping[str, Draw], crisis: Mapping[str, Draw]) -> list[str]:
    """The table: every candidate against the default of its kind, here and on the crisis targets, then the choices.

    Both as `judged` gives them.
    """
    text = [
        "| candidate | reads models | NDCG | less the default | less the default, crisis targets |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for models in (False, True):
        here, there = candidates(found, models=models), candidates(crisis, models=models)
        default = next(iter(here))
        for name in sorted(here, key=lambda name: -float(np.nanmean(here[name]))):
            apart = bootstrap_mean(here[name] - here[default]) if name != default else None
            also = bootstrap_mean(there[name] - there[default]) if name in there and name != default else None
            cells = (
                said(bootstrap_mean(here[name]), 3),
                said(apart, 3, signed=True),
                said(also, 3, signed=True),
            )
            text.append(f"| {name} | {'yes' if models else 'no'} | {' | '.join(cells)} |")
        worth, chosen = left_out(here)
        top, times = Counter(chosen).most_common(1)[0]
        apart = bootstrap_mean(worth - here[default])
        cells = (said(bootstrap_mean(worth), 3), said(apart, 3, signed=True))
        which = f"{top} for {times} of {len(chosen)}"
        text.append(
            f"| *chosen on the other targets: {which}* | {'yes' if models else 'no'} | {' | '.join(cells)} | |"
        )
    return [*text, "", *outcome_lines(found, crisis)]


def outcome_lines(found: Mapping[str, Draw], crisis: Mapping[str, Draw]) -> list[str]:
    """What the rule says, a sentence a kind."""
    return [
        f"- {what} single-task models: "
        + (f"`{name}` takes the place of the default." if name else "the default stays.")
        for models, what in ((False, "Without"), (True, "With"))
        for name in [changes(found, crisis, models=models)]
    ]


def changes(found: Mapping[str, Draw], crisis: Mapping[str, Draw], *, models: bool) -> str | None:
    """The candidate that takes the default's place by the rule; None if it stays. models: of which kind."""
    here, there = candidates(found, models=models), candidates(crisis, models=models)
    default = next(iter(here))
    worth, chosen = left_out(here)
    top, times = Counter(chosen).most_common(1)[0]
    sure = bootstrap_mean(worth - here[default]).low > 0
    also = top in there and bool(np.nanmean(there[top] - there[default]) > 0)
    return top if top != default and sure and 4 * times >= 3 * len(chosen) and also else None


def main(folders: Sequence[Path] = (HERE, CRISIS)) -> None:
    """Print the table and what the rule says."""
    warnings.simplefilter("ignore", RuntimeWarning)
    found, crisis = (judged(measured(folder).whole()) for folder in folders)
    print("\n".join(choice_lines(found, crisis)))


if __name__ == "__main__":
    main()
