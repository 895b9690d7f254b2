"""From values to pixels: scales with round ticks, and the ends of a diverging colour scale."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """Values in [low, high] onto pixels in [start, end]; what lies outside is drawn at the end it passed."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """The pixel of `value`."""
        low, high, at = (
            math.log(part) if self.logarithmic else part for part in (self.low, self.high, value)
        )
        part = (at - low) / (high - low) if high > low else 0.5
        return self.start + min(1.0, max(0.0, part)) * (self.end - self.start)

    def holds(self, value: float) -> bool:
        """Whether `value` lies on the scale."""
        return self.low <= value <= self.high


def round_step(width: float, parts: int) -> float:
    """The smallest of 1, 2, 2.5, 5 × 10ⁿ that cuts `width` into at most `parts` steps."""
    if width <= 0 or not math.isfinite(width):
        return 1.0
    power: float = 10 ** math.floor(math.log10(width / parts))
    return next(step * power for step in STEPS if step * power * parts >= width * 0.999)


def ticks(low: float, high: float, *, parts: int = 5) -> list[float]:
    """Round values within [low, high]."""
    step = round_step(high - low, parts)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(row * step, 12) for row in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2, 5 × 10ⁿ within [low, high], both above 0."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [float(f"{digit}e{power}") for power in powers for digit in (1, 2, 5)]
    return [value for value in found if low <= value <= high * 1.000001]


def reach(values: Iterable[float], *, quantile: float = 0.95) -> float:
    """The absolute value at which a diverging colour is full: a round number near the `quantile` of |values|.

    One degenerate source must not turn all others pale, hence not the largest.
    """
    sizes = sorted(abs(value) for value in values)
    if not sizes or sizes[-1] == 0:
        return 0.01
    at = sizes[min(len(sizes) - 1, math.ceil(quantile * len(sizes)) - 1)] or sizes[-1]
    step = round_step(at, 2)
    return round(step * math.ceil(at / step - 1e-9), 12)
