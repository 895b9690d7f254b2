"""What the page of multitask training says in words, and its intervals over seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from scipy.stats import t as student

from forelearn.report.markup import Markup, element
from forelearn.report.multitask_summary import Arm, Auxiliary, Comparison, Difference, Worth
from forelearn.report.summary import Interval
from forelearn.report.wording import NONE, capital, number, of, signed
from forelearn.training.multitask.history import Epoch

Measure = Literal["select", "dev", "test"]
_FEW = 3
"""Names that a sentence holds."""
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


_UNEVEN = 1.5
"""Arms whose work at equal compute differs by more than this are named."""
_EQUAL = 1e-9
"""Measures nearer than this are the same, but for rounding."""


def finite(values: Iterable[float | None]) -> list[float]:
    """Those that are numbers."""
    return [value for value in values if value is not None and math.isfinite(value)]


def mean(values: Iterable[float | None]) -> float | None:
    """Of those that are numbers; None without any."""
    known = finite(values)
    return sum(known) / len(known) if known else None


def over_seeds(values: Iterable[float | None], level: float) -> Interval | None:
    """Student's interval of the mean over seeds; None with fewer than two, and where all are equal.

    Equal differences are common where dev is small; that their spread is 0 is not believed.
    """
    known = finite(values)
    if len(known) < 2 or max(known) - min(known) < _EQUAL:
        return None
    middle = sum(known) / len(known)
    variance = sum((value - middle) ** 2 for value in known) / (len(known) - 1)
    wide = float(student.ppf(0.5 + level / 2, len(known) - 1)) * math.sqrt(variance / len(known))
    return Interval(middle, middle - wide, middle + wide)


def paired(comparison: Comparison, arm: Arm, measure: Measure) -> list[float]:
    """The method less `arm` on every seed that both have run."""
    method = comparison.method
    mine = dict(zip(method.seeds, getattr(method, measure), strict=True))
    theirs = dict(zip(arm.seeds, getattr(arm, measure), strict=True))
    return finite(mine[seed] - theirs[seed] for seed in mine if seed in theirs)


def divided(comparison: Comparison) -> bool:
    """Whether a part of dev was kept for choosing epochs (the option `select`)."""
    return any(arm.select != arm.dev for arm in comparison.arms)


def arm_of(comparison: Comparison, difference: Difference) -> Arm | None:
    """The arm that a difference is about."""
    return next((arm for arm in comparison.arms if arm.name == difference.arm), None)


def decisive(comparison: Comparison) -> Difference | None:
    """The control that the verdict rests on; None if none does."""
    return next((one for one in comparison.differences if one.arm == comparison.rests_on), None)


def figure(value: float | None, *, sign: bool = False, digits: int = 4, full: bool = False) -> str:
    """Significant digits with a true minus sign, powers as `10⁻⁶`; a dash where there is no number.

    full: with zeros at the end.
    """
    if value is None or not math.isfinite(value):
        return NONE
    shown = format(value, f"{'+' if sign and value else ''}{'#' if full else ''}.{digits}g").rstrip(".")
    front, power, exponent = shown.partition("e")
    if power:
        raised = f"10{str(int(exponent)).translate(_RAISED)}"
        shown = front.replace("1", raised) if front.lstrip("+-") == "1" else f"{front} × {raised}"
    return shown.replace("-", "−")


def valued(
    shown: float | None, interval: Interval | None, *, sign: bool = False, places: int | None = 3
) -> Markup:
    """A figure with its interval small below it. places: None for three significant digits."""

    def say(value: float | None) -> str:
        if places is None or value is None or not math.isfinite(value):
            return figure(value, sign=sign, digits=3, full=True)
        return signed(value, places) if sign else number(value, places)

    has_ends = interval is not None and math.isfinite(interval.low) and math.isfinite(interval.high)
    below = f"{say(interval.low)} to {say(interval.high)}" if interval is not None and has_ends else None
    return element(
        "span", {}, say(shown), element("span", {"class": "quiet block"}, below) if below else None
    )


def memory(size: float | None) -> str:
    """`812 MB`, `3.1 GB`."""
    if size is None or not math.isfinite(size):
        return NONE
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def listed(names: Sequence[str], *, few: int = _FEW) -> str:
    """`A`, `A and B`, `A, B and C`; more are counted: `12 auxiliary tasks`."""
    if not names:
        return "no auxiliary task"
    if len(names) > few:
        return of(len(names), "auxiliary task")
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def lead(comparison: Comparison) -> tuple[str, str]:
    """The answer in a sentence: the verdict, and what it is about."""
    tasks, target, method = comparison.auxiliaries, comparison.target, comparison.method.method
    how = f"trained by {method} {f'together with {listed(tasks)}' if tasks else 'alone'}"
    rest: dict[Worth, str] = {
        "worth it": f": {how}, {target} does better than under every control.",
        "not worth it": f": {how}, {target} does no better than under the controls.",
        "not enough evidence": f" that {target}, {how}, does better than under the controls.",
    }
    return capital(comparison.worth), rest[comparison.worth]


def seeds_words(comparison: Comparison) -> str:
    """How sure the figures are, in a sentence."""
    method, level = comparison.method, f"{100 * comparison.level:.0f} %"
    if not method.seeds:
        return "No seed of the method has run: there is nothing to judge."
    if len(method.seeds) == 1:
        return "One seed has run: nothing tells an effect from luck, so there is no interval and no verdict."
    return f"Means over {len(method.seeds)} seeds with {level} intervals over seeds; differences are paired by seed."


def slope_of(epoch: Epoch, task: str) -> float | None:
    """⟨g, δ⟩ of a task in an epoch."""
    return epoch.tasks[task].slope if task in epoch.tasks else None


def alpha_of(epoch: Epoch, task: str) -> float | None:
    """α of a task in an epoch."""
    return epoch.tasks[task].alpha if task in epoch.tasks else None


def weight_of(epoch: Epoch, task: str) -> float | None:
    """The weight of a task after an epoch."""
    return epoch.tasks[task].weight if task in epoch.tasks else None


def uneven(comparison: Comparison) -> list[str]:
    """A sentence for each arm whose equal count of sample gradients was much less or more work than the method's."""
    whole = mean(comparison.method.units)
    found = []
    for arm in comparison.arms[1:]:
        its = mean(arm.units)
        if whole and its and not 1 / _UNEVEN <= its / whole <= _UNEVEN:
            found.append(
                f"{arm.name} read {its / whole:.2g} times the tokens of {comparison.method.name}: compute counts "
                "examples, and theirs differ in length."
            )
    return found


def share_of(epoch: Epoch, task: str) -> float | None:
    """The weight of a task over the sum of all weights after an epoch."""
    weights = {name: one.weight for name, one in epoch.tasks.items() if one.weight is not None}
    total = sum(weights.values())
    return weights[task] / total if task in weights and total > 0 else None


def by_seed(arm: Arm, task: str, value: Callable[[Epoch, str], float | None]) -> list[float]:
    """The mean over epochs for each seed in which it is known."""
    return finite(mean(value(epoch, task) for epoch in history.epochs) for history in arm.histories)


def effect(arm: Arm, auxiliary: Auxiliary, level: float) -> tuple[str, str, str]:
    """What the changes of a task did to the target by the sign of ⟨g, δ⟩, in how many seeds, and its style.

    With several seeds only an interval that leaves out 0 is an effect; one seed has its sign, and no style.
    """
    slope = mean([auxiliary.slope])
    if slope is None:
        return "not known", "", "quiet"
    known = by_seed(arm, auxiliary.name, slope_of)
    hurt = slope > 0
    same = sum((one > 0) == hurt and one != 0 for one in known)
    seeds = "in one seed" if len(known) == 1 else f"in {same} of {of(len(known), 'seed')}"
    interval = over_seeds(known, level)
    word = "hurt" if hurt else "helped"
    if slope == 0 or (interval is not None and interval.low <= 0 <= interval.high):
        return "no clear effect", f"{word} {seeds}", "quiet"
    return f"{word} the target", seeds, "" if interval is None else "loss" if hurt else "won"
