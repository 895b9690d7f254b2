"""What the page of multitask training says in words, and its intervals over seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal

from scipy.stats import t as student

from forelearn.report.markup import Markup, element
from forelearn.report.multitask_summary import Arm, Auxiliary, Comparison, Difference, Worth
from forelearn.report.summary import Interval
from forelearn.report.wording import NONE, capital, number, of, signed

BADGES: dict[Worth, str] = {
    "worth it": "transfer",
    "not worth it": "do-not-transfer",
    "not enough evidence": "not-enough-evidence",
}
"""The style of a badge that says so."""
Measure = Literal["select", "dev", "test"]
_FEW = 3
"""Names that a sentence holds."""


def finite(values: Iterable[float | None]) -> list[float]:
    """Those that are numbers."""
    return [value for value in values if value is not None and math.isfinite(value)]


def mean(values: Iterable[float | None]) -> float | None:
    """Of those that are numbers; None without any."""
    known = finite(values)
    return sum(known) / len(known) if known else None


def over_seeds(values: Iterable[float | None], level: float) -> Interval | None:
    """Student's interval of the mean over seeds; None with fewer than two."""
    known = finite(values)
    if len(known) < 2:
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


def arm_of(comparison: Comparison, difference: Difference) -> Arm | None:
    """The arm that a difference is about."""
    return next((arm for arm in comparison.arms if arm.name == difference.arm), None)


def hardest(comparison: Comparison) -> Difference | None:
    """The control that the method leads by least on the examples that decide; None without an interval."""
    known = [one for one in comparison.differences if one.control and one.select is not None]
    return min(known, key=lambda one: one.select.mean if one.select else 0.0, default=None)


def figure(value: float | None, *, sign: bool = False) -> str:
    """Four significant digits, with a true minus sign; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return NONE
    shown = f"{value:+.4g}" if sign and value else f"{value:.4g}"
    return shown.replace("-", "−")


def valued(
    shown: float | None, interval: Interval | None, *, sign: bool = False, places: int | None = 3
) -> Markup:
    """A figure with its interval small below it. places: None for four significant digits."""

    def say(value: float | None) -> str:
        if places is None or value is None or not math.isfinite(value):
            return figure(value, sign=sign)
        return signed(value, places) if sign else number(value, places)

    below = None if interval is None else f"{say(interval.low)} to {say(interval.high)}"
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


def lead(comparison: Comparison) -> str:
    """The answer in a sentence."""
    method = comparison.method
    return (
        f"{capital(comparison.worth)}: {comparison.target} trained together with "
        f"{listed(comparison.auxiliaries)} by {method.method}."
    )


def seeds_words(comparison: Comparison) -> str:
    """How sure the figures are, in a sentence."""
    method, level = comparison.method, f"{100 * comparison.level:.0f} %"
    if not method.seeds:
        return "No seed of the method has run: there is nothing to judge."
    if len(method.seeds) == 1:
        return "One seed has run: nothing tells an effect from luck, so there is no interval and no verdict."
    return f"Means over {len(method.seeds)} seeds with {level} intervals over seeds; differences are paired by seed."


def slopes(arm: Arm, task: str) -> list[float]:
    """The mean ⟨g, δ⟩ of a task over the epochs of each seed, of seeds in which it is known."""
    return by_seed(arm, task, "slope")


def by_seed(arm: Arm, task: str, what: Literal["alpha", "slope"]) -> list[float]:
    """The mean over epochs for each seed in which it is known."""
    found = []
    for history in arm.histories:
        value = mean(getattr(epoch.tasks[task], what) for epoch in history.epochs if task in epoch.tasks)
        if value is not None:
            found.append(value)
    return found


def effect(arm: Arm, auxiliary: Auxiliary) -> str:
    """What the changes of a task did to the target, by the sign of ⟨g, δ⟩, and in how many seeds."""
    if not finite([auxiliary.slope]) or auxiliary.slope is None:
        return "not known: this method does not look"
    if auxiliary.slope == 0:
        return "its changes did nothing to the target"
    hurt = auxiliary.slope > 0
    known = slopes(arm, auxiliary.name)
    same = sum((slope > 0) == hurt and slope != 0 for slope in known)
    said = f"its changes {'hurt' if hurt else 'helped'} the target"
    if len(known) > 1:
        return f"{said}, in {same} of {len(known)} seeds"
    return f"{said}, in the one seed" if known else said
