"""Whether multitask training was worth it: differences to the controls, what became of the auxiliary tasks, a verdict.

Differences are paired by seed, with Student's t over seeds. The verdict rests on the examples that chose the
snapshots, never on test, and says "worth it" only if every control is beaten surely and no seed of the method failed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from forelearn.report.multitask_summary import Arm, Auxiliary, Difference, Worth
from forelearn.report.multitask_words import listed, mean, over_seeds, share_of
from forelearn.report.wording import signed, with_bounds
from forelearn.training.multitask.history import TaskEpoch


def difference(method: Arm, other: Arm, level: float) -> Difference:
    """The method less another arm, on the seeds that both have."""
    both = [seed for seed in method.seeds if seed in other.seeds]

    def less(part: Callable[[Arm], Sequence[float]]) -> list[float]:
        mine = dict(zip(method.seeds, part(method), strict=True))
        theirs = dict(zip(other.seeds, part(other), strict=True))
        return [mine[seed] - theirs[seed] for seed in both]

    select = less(lambda arm: arm.select)
    return Difference(
        other.name,
        other.control,
        len(both),
        fmean(select) if select else None,
        over_seeds(select, level),
        over_seeds(less(lambda arm: arm.dev), level),
        over_seeds(less(lambda arm: arm.test), level),
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it was worth it, why in one sentence with numbers, and the control that this rests on, or ""."""

    worth: Worth
    reason: str
    rests_on: str = ""


def verdict(method: Arm, differences: Sequence[Difference], level: float) -> Verdict:
    """Whether the method was worth it, by its differences to the controls among `differences`."""
    against = [one for one in differences if one.control]
    if not against:
        seeds = _seeds(len(method.seeds))
        return Verdict(
            "not enough evidence", f"{method.name} ran on {seeds} without a control to compare it with."
        )
    known = [one for one in against if one.select is not None]
    if not known:
        return Verdict("not enough evidence", _without_interval(method.name, against))

    def low(one: Difference) -> float:
        return one.select.low if one.select else math.inf

    def high(one: Difference) -> float:
        return one.select.high if one.select else math.inf

    below = [one for one in known if high(one) < 0]
    unsure = [one for one in known if low(one) <= 0 <= high(one)]
    apart = [one.apart for one in against if one.apart is not None]
    worth: Worth = "not enough evidence"
    shown = min(known, key=low)
    if below:
        worth, shown = "not worth it", min(below, key=low)
        rest = "it is surely worse."
    elif all(one <= 0 for one in apart):
        worth, shown = "not worth it", max(known, key=lambda one: one.apart or 0.0)
        rest = "on average it is above none of its controls."
    elif unsure:
        rest = "that may be luck."
    elif method.failed:
        rest = f"but on {_seeds(len(method.failed))} it was not trained to its end ({method.failed[0]})."
    elif len(known) < len(against):
        rest = f"but {_without_interval('it', [one for one in against if one not in known])}"
    else:
        worth = "worth it"
        rest = "it is surely better than every control, and this one is the closest."
    assert shown.select is not None
    where = "dev" if method.select == method.dev else "the part of dev that chose the epochs"
    return Verdict(
        worth,
        f"On {_seeds(shown.seeds)} and at the same compute {method.name} differs from {shown.arm} by "
        f"{with_bounds(shown.select)} on {where} ({100 * level:g} % interval): {rest}",
        shown.arm,
    )


def _without_interval(name: str, controls: Sequence[Difference]) -> str:
    """Why differences to these controls have no interval. name: of the method, in the sentence."""
    few = [one for one in controls if one.seeds < 2]
    same = [one for one in controls if one not in few]
    parts = []
    if few:
        most = max(one.seeds for one in few)
        shared = "one seed" if most else "no seed"
        parts.append(f"shares {shared} with {listed([one.arm for one in few], few=9)}: an interval needs two")
    parts += [
        f"differs from {one.arm} by {signed(one.apart)} on every seed: that has no interval" for one in same
    ]
    return f"{name} {'; it '.join(parts)}."


def _seeds(count: int) -> str:
    return f"{count} seed{'' if count == 1 else 's'}"


def auxiliary(method: Arm, name: str) -> Auxiliary:
    """What became of an auxiliary task: means over the seeds of the method."""
    histories = method.histories

    def over(part: Callable[[TaskEpoch], float | None]) -> float | None:
        """Mean over seeds of the mean over epochs."""
        return mean(mean(part(epoch.tasks[name]) for epoch in one.epochs) for one in histories)

    def seen(what: str) -> int:
        start = f"{name} {what}"
        return sum(
            any(event.startswith(start) for epoch in one.epochs for event in epoch.events)
            for one in histories
        )

    shares = [mean(share_of(epoch, name) for epoch in one.epochs) for one in histories]
    return Auxiliary(
        name,
        first=mean(one.epochs[0].tasks[name].weight for one in histories),
        last=mean(one.epochs[-1].tasks[name].weight for one in histories),
        share=mean(shares),
        alpha=over(lambda task: task.alpha),
        slope=over(lambda task: task.slope),
        dropped=seen("dropped"),
        back=seen("back"),
    )
