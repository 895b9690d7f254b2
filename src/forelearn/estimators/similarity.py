"""Cosine of task representations (TextEmb, TaskEmb), raw or with the mean over tasks removed.

Vu et al. 2020 rank sources by the raw cosine. Differs from the paper by default: representations of texts in
one language point in nearly one direction, so the mean over the study's tasks is removed first (measured:
within a target the raw cosine does not correlate with the gain, .03, the centred one does, .25 ± .08).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FEWEST_CENTRED = 3
"""Tasks that centring needs: of two, the centred cosine is −1 whatever they are."""


def similarities(representations: ArrayLike, *, centred: bool = True) -> NDArray[np.float64]:
    """Cosine of every pair of tasks in [−1, 1]; higher is better.

    representations: [T, d], one row a task. Returns [T, T], symmetric; NaN where a row has length 0 (after
    centring: a task that equals the mean) and everywhere if `centred` and T < 3.
    """
    rows = np.asarray(representations, np.float64)
    if rows.ndim != 2 or not np.isfinite(rows).all():
        raise ValueError(f"expected finite representations [T, d], got shape {rows.shape}")
    if centred and len(rows) < FEWEST_CENTRED:
        return np.full((len(rows), len(rows)), np.nan)
    scale = float(np.abs(rows).max(initial=0.0))
    if centred:
        rows = rows - rows.mean(axis=0)
    lengths = np.linalg.norm(rows, axis=1)
    # what is left of equal rows after centring is rounding, not direction
    least = 1e-12 * max(scale, 1e-300) * np.sqrt(max(rows.shape[1], 1)) if centred else 0.0
    known = lengths > least
    cosine = np.full((len(rows), len(rows)), np.nan)
    units = rows[known] / lengths[known, None]
    cosine[np.ix_(known, known)] = np.clip(units @ units.T, -1.0, 1.0)
    return cosine
