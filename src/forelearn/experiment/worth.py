"""Whether multitask training was worth it: differences to the controls, what became of the auxiliary tasks, a verdict.

Differences are paired by seed, with Student's t over seeds. The verdict rests on the examples that chose the
snapshots, never on test, and says "worth it" only if every control is beaten surely.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import fmean

from forelearn.report.multitask_summary import Arm, Auxiliary, Difference, Worth
from forelearn.report.multitask_words import over_seeds
from forelearn.report.summary import Interval
from forelearn.report.wording import with_bounds
from forelearn.training.multitask.history import TaskEpoch


def difference(method: Arm, other: Arm, level: float) -> Difference:
    """The method less another arm, on the seeds that both have."""
    both = [seed for seed in method.seeds if seed in other.seeds]

    def less(part: Callable[[Arm], Sequence[float]]) -> Interval | None:
        mine = dict(zip(method.seeds, part(method), strict=True))
        theirs = dict(zip(other.seeds, part(other), strict=True))
        return over_seeds([mine[seed] - theirs[seed] for seed in both], level)

    return Difference(
        other.name,
        other.control,
        less(lambda arm: arm.select),
        less(lambda arm: arm.dev),
        less(lambda arm: arm.test),
    )


def verdict(arms: Sequence[Arm], differences: Sequence[Difference], level: float) -> tuple[Worth, str]:
    """Whether the method, which is the first arm, was worth it, and why in one sentence with numbers."""
    method = arms[0]
    against = [one for one in differences if one.control]
    seeds = f"{len(method.seeds)} seed{'' if len(method.seeds) == 1 else 's'}"
    if not against:
        return "not enough evidence", f"{method.name} ran on {seeds} without a control to compare it with."
    known = {one.arm: one.select for one in against if one.select is not None}
    if not known:
        shared = max(len(set(method.seeds) & set(arm.seeds)) for arm in arms if arm.control)
        why = (
            f"{method.name} and its controls share {'one' if shared else 'no'} seed: an interval needs two."
            if shared < 2
            else f"{method.name} differs from each control by the same on every seed: that has no interval."
        )
        return "not enough evidence", why
    below = [name for name, found in known.items() if found.high < 0]
    unsure = [name for name, found in known.items() if found.low <= 0 <= found.high]
    missing = [one.arm for one in against if one.arm not in known]
    worth: Worth
    if below:
        worth, shown = "not worth it", min(below, key=lambda name: known[name].high)
        rest = "it is surely worse."
    elif all(found.mean <= 0 for found in known.values()):
        worth, shown = "not worth it", max(known, key=lambda name: known[name].mean)
        rest = "on average it is above none of its controls."
    elif unsure:
        worth, shown = "not enough evidence", min(unsure, key=lambda name: known[name].low)
        rest = "that may be luck."
    elif missing:
        worth, shown = "not enough evidence", min(known, key=lambda name: known[name].low)
        rest = f"but of {' and '.join(missing)} there are too few runs to compare."
    else:
        worth, shown = "worth it", min(known, key=lambda name: known[name].low)
        rest = "it is surely better than every control, and this one is the closest."
    return worth, (
        f"On {seeds} and at the same compute {method.name} differs from {shown} by {with_bounds(known[shown])} "
        f"on dev ({100 * level:g} % interval): {rest}"
    )


def auxiliary(method: Arm, name: str) -> Auxiliary:
    """What became of an auxiliary task: means over the seeds of the method."""
    histories = method.histories

    def over(part: Callable[[TaskEpoch], float | None]) -> float | None:
        """Mean over seeds of the mean over epochs."""
        return _mean([_mean([part(epoch.tasks[name]) for epoch in one.epochs]) for one in histories])

    def seen(what: str) -> int:
        start = f"{name} {what}"
        return sum(
            any(event.startswith(start) for epoch in one.epochs for event in epoch.events)
            for one in histories
        )

    shares = [
        _mean([_share(epoch.tasks[name], list(epoch.tasks.values())) for epoch in one.epochs])
        for one in histories
    ]
    return Auxiliary(
        name,
        first=_mean([one.epochs[0].tasks[name].weight for one in histories]),
        last=_mean([one.epochs[-1].tasks[name].weight for one in histories]),
        share=_mean(shares),
        alpha=over(lambda task: task.alpha),
        slope=over(lambda task: task.slope),
        dropped=seen("dropped"),
        back=seen("back"),
    )


def _share(task: TaskEpoch, every: Sequence[TaskEpoch]) -> float | None:
    """A weight's share of all weights of its epoch."""
    total = math.fsum(one.weight for one in every if one.weight is not None)
    return task.weight / total if task.weight is not None and total > 0 else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
