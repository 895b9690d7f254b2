"""Prediction intervals without a noise assumption: CV+ with folds of whole targets.

Barber, Candès, Ramdas & Tibshirani 2021, section 4 (CV+): with R_i the residual of row i under the regressor
fitted without its fold, and μ₋ᵢ that regressor, the interval of a new x runs from the ⌊α(n+1)⌋-th smallest of
μ₋ᵢ(x) − R_i to the ⌈(1−α)(n+1)⌉-th smallest of μ₋ᵢ(x) + R_i, α = 1 − level. Guaranteed: 1 − 2α; usual: 1 − α.
Differs from the
paper: folds are whole targets, because rows of a target share its level and its luck, so the rows are
exchangeable between targets only, and with few targets the guarantee is weaker than the number of rows
suggests.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def target_folds(groups: Sequence[str], *, folds: int) -> NDArray[np.int64]:
    """The fold of each row, [n]: whole targets, in turn in the order of their names; at most `folds`."""
    names = sorted(set(groups))
    count = min(folds, len(names))
    fold_of = {name: place % count for place, name in enumerate(names)}
    return np.array([fold_of[group] for group in groups], np.int64)


def training_rows(
    fold: int, fold_of: NDArray[np.int64], groups: Sequence[str], sources: Sequence[str], *, fewest: int
) -> NDArray[np.int64]:
    """The rows that the regressor of a fold is fitted on.

    Rows in which a held-out target is the *source* stay out too, so that a residual is that of a target never
    seen before, unless fewer than `fewest` rows would be left.
    """
    held = {group for group, place in zip(groups, fold_of, strict=True) if place == fold}
    apart = np.flatnonzero(fold_of != fold)
    strict = np.array([row for row in apart if sources[int(row)] not in held], np.int64)
    return strict if len(strict) >= fewest else apart


def cross_conformal(centres: Array, residuals: Array, *, level: float) -> tuple[Array, Array]:
    """Lower and upper ends, [m] each; infinite where n rows are too few for the level (n < level / (1 −
    level)).

    centres: [m, n], prediction for query q by the regressor fitted without row i's fold.
    residuals: [n], |value − out-of-fold prediction| of row i, at least 0. level: in (0, 1).
    """
    if not 0.5 <= level < 1:
        raise ValueError(f"`level` must be at least 0.5 and below 1, got {level}")
    n = len(residuals)
    # α(n+1) in floating point may fall just short of the whole number it stands for
    below = math.floor((1.0 - level) * (n + 1) + 1e-9)
    low = np.full(len(centres), -np.inf)
    high = np.full(len(centres), np.inf)
    if below >= 1 and len(centres):
        low = np.partition(centres - residuals, below - 1, axis=1)[:, below - 1]
        high = np.partition(centres + residuals, n - below, axis=1)[:, n - below]
    return low, high
