"""Bootstrap intervals over targets: would the figure hold for other targets of this kind?

The percentile bootstrap (Efron 1979) of a mean. Targets are the units that are drawn, because the sources of
one target are judged against one baseline. With fewer than about eight targets it is too narrow; the number
of targets is part of the value so that nobody need guess.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over targets and its interval. targets: how many gave a value; undefined: how many did not."""

    mean: float
    low: float
    high: float
    targets: int
    undefined: int


def bootstrap_mean(values: ArrayLike, *, level: float = 0.9, draws: int = 2000, seed: int = 0) -> Interval:
    """The mean over targets with a percentile interval.

    values: [T], one a target; NaN where the figure is undefined, which is counted, not hidden. One defined
    target has no interval (infinite); none, no mean (NaN).
    level: in (0, 1). draws: bootstrap samples. seed: of the draws.
    """
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or np.isinf(array).any():
        raise ValueError(f"expected one finite value or NaN for each target, got shape {array.shape}")
    if not 0 < level < 1:
        raise ValueError(f"`level` must lie between 0 and 1, got {level}")
    # in canonical order, so that the draws do not depend on the order of the targets
    known = np.sort(array[np.isfinite(array)])
    undefined = len(array) - len(known)
    if not len(known):
        return Interval(math.nan, math.nan, math.nan, 0, undefined)
    mean = float(known.mean())
    if len(known) == 1:
        return Interval(mean, -math.inf, math.inf, 1, undefined)
    rows = np.random.default_rng(seed).integers(0, len(known), (draws, len(known)))
    low, high = np.quantile(known[rows].mean(axis=1), [0.5 - level / 2, 0.5 + level / 2])
    return Interval(mean, float(low), float(high), len(known), undefined)


def shares(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """part / whole of each draw, [draws]; infinite where there is no whole: a bound then says that it is not known."""
    none = whole <= 0
    return np.where(none, np.inf, part / np.where(none, 1.0, whole))
