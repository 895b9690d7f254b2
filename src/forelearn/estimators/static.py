"""Static source quality: the mean gain of a source on the *other* targets.

A baseline that every table prints, and a strong one: what helped everybody else will help here. Without
finished runs on other targets it has nothing to say.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def static(gains: ArrayLike, *, shrinkage: float = 0.0) -> NDArray[np.float64]:
    """Mean gain of each source over the targets other than the one it is scored for; higher is better.

    gains: [S, T], mean gain of source s on target t, NaN where no run has finished.
    shrinkage: the weight, in runs, of the mean over all sources on those other targets: with n runs of its
    own a source's score is (Σ gain + shrinkage · mean) / (n + shrinkage). 0 is the plain mean; a source seen
    once then counts as much as one seen ten times.
    Returns [S, T]; NaN where the source has no finished run on another target. Column t never depends on
    column t of `gains`.
    """
    table = np.asarray(gains, np.float64)
    if table.ndim != 2 or np.isinf(table).any():
        raise ValueError(f"expected gains [S, T], finite or NaN, got shape {table.shape}")
    if shrinkage < 0:
        raise ValueError(f"`shrinkage` must be at least 0, got {shrinkage}")
    scores = np.full(table.shape, np.nan)
    for target in range(table.shape[1]):
        others = np.delete(table, target, axis=1)
        runs = np.isfinite(others).sum(axis=1)
        if not runs.any():
            continue
        sums = np.nansum(others, axis=1)
        middle = sums.sum() / runs.sum()
        seen = runs > 0
        scores[seen, target] = (sums[seen] + shrinkage * middle) / (runs[seen] + shrinkage)
    return scores
