"""Intervals over targets and seeds: would a figure hold for other targets of this kind, and for other luck?

The two-level percentile bootstrap (Davison & Hinkley 1997, 3.8): targets are drawn with replacement, then the
seeds of each drawn target. Targets come first because they differ more than seeds do; seeds are drawn within
targets because one target's luck is not another's. With fewer than about eight targets it is too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from forelearn.evaluation.intervals import Interval, shares
from forelearn.evaluation.table import Array

DRAWS = 2000


def mean_over(values: ArrayLike, *, level: float = 0.9, seed: int = 0, draws: int = DRAWS) -> Interval:
    """The mean over targets of the mean over seeds. values: [T, A]; NaN where a seed is missing.

    A target without a value is counted as undefined. One target has no interval (infinite), none no mean (NaN).
    """
    return _bounded((values,), lambda parts: parts[:, 0], level=level, seed=seed, draws=draws)


def ratio_over(
    part: ArrayLike, whole: ArrayLike, *, level: float = 0.9, seed: int = 0, draws: int = DRAWS
) -> Interval:
    """Mean part / mean whole, each a mean over targets of a mean over seeds. Both: [T, A].

    A mean of the targets' own ratios would be ruled by those where there was next to nothing to gain. NaN where
    the whole is not above 0; a bound is infinite where so many draws have no whole that it is not known.
    """
    found = _bounded(
        (part, whole), lambda parts: shares(parts[:, 0], parts[:, 1]), level=level, seed=seed, draws=draws
    )
    return (
        found
        if math.isfinite(found.mean)
        else Interval(math.nan, math.nan, math.nan, found.targets, found.undefined)
    )


def resampled(
    parts: Sequence[ArrayLike], *, seed: int = 0, draws: int = DRAWS
) -> tuple[Array, Array, int, int]:
    """Means of each part over targets and seeds: as measured [P], and drawn [draws, P]; targets with and without
    a value. Parts: each [T, A], drawn together; a seed counts where all parts have it.

    Rows and seeds are first put in an order of their contents, so that the draws do not depend on how they came.
    """
    stacked = np.stack([np.atleast_2d(np.asarray(part, np.float64)) for part in parts], axis=2)
    whole = np.asarray(np.isfinite(stacked).all(axis=2), np.bool_)
    rows = [_ordered(row[known]) for row, known in zip(stacked, whole, strict=True) if known.any()]
    rows.sort(key=lambda row: row.tolist())
    count, width = len(rows), stacked.shape[2]
    undefined = len(stacked) - count
    if not count:
        return np.full(width, np.nan), np.empty((0, width)), 0, undefined
    own = np.array([row.mean(axis=0) for row in rows])
    counts = np.array([len(row) for row in rows])
    padded = np.stack([np.pad(row, ((0, counts.max() - len(row)), (0, 0))) for row in rows])
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, count, (draws, count))
    many = counts[chosen]
    seeds = (rng.random((draws, count, counts.max())) * many[:, :, None]).astype(np.int64)
    drawn = padded[chosen[:, :, None], seeds]  # [draws, T, A, P]
    meant = np.arange(counts.max()) < many[:, :, None]
    means = np.where(meant[..., None], drawn, 0.0).sum(axis=2) / many[:, :, None]
    return own.mean(axis=0), np.asarray(means.mean(axis=1), np.float64), count, undefined


def _ordered(row: Array) -> Array:
    return row[np.lexsort(row.T)]


def _bounded(parts: Sequence[ArrayLike], figure: object, *, level: float, seed: int, draws: int) -> Interval:
    if not 0 < level < 1:
        raise ValueError(f"`level` must lie between 0 and 1, got {level}")
    assert callable(figure)
    own, drawn, count, undefined = resampled(parts, seed=seed, draws=draws)
    if not count:
        return Interval(math.nan, math.nan, math.nan, 0, undefined)
    value = float(figure(own[None, :])[0])
    if count == 1:
        return Interval(value, -math.inf, math.inf, 1, undefined)
    low, high = np.quantile(figure(drawn), [0.5 - level / 2, 0.5 + level / 2], method="nearest")
    return Interval(value, float(low), float(high), count, undefined)
