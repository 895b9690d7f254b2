"""CURVEGRAD: how fast a task's training loss still falls, at five points of its training.

A baseline of Vu et al. 2020 after Bingel & Søgaard 2017, "Identifying beneficial task relations for multi-task
learning in deep neural networks": slopes of the loss curve at 10, 20, 30, 50 and 70 % of training, each of which
orders the sources; the five orders are then fused by reciprocal rank (`fusion.py`).

The sources leave open how a slope is read off a noisy curve. Here (choices) it is that of the least-squares line
through the losses within 10 % of training on either side, wider where fewer than 4 fall in, and the slope is
turned round, so that higher is better: a source whose loss still falls has something left to teach. Losses of
different kinds of task have different units, which the orders inherit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from forelearn.estimators.inputs import Array

POINTS = (0.1, 0.2, 0.3, 0.5, 0.7)
"""Shares of training."""
HALF_WIDTH = 0.1
FEWEST = 4
"""Losses that a line is drawn through."""


def curvegrad(losses: ArrayLike, *, progress: ArrayLike | None = None) -> Array:
    """[5], how fast the loss falls at each of `POINTS`, in loss a whole training; higher is better.

    losses: [m], of the steps (or any even parts) of training in order, m ≥ 4. progress: [m], the share of
    training after each, in [0, 1], rising; None is even steps, each counted at its middle. Raises
    `ValueError` for a curve that is too short or not finite.
    """
    curve = np.asarray(losses, np.float64)
    if curve.ndim != 1 or len(curve) < FEWEST or not np.isfinite(curve).all():
        raise ValueError(f"`losses` must be at least {FEWEST} finite numbers, got shape {curve.shape}")
    middles = (np.arange(len(curve)) + 0.5) / len(curve)
    share = middles if progress is None else np.asarray(progress, np.float64)
    if share.shape != curve.shape or not ((share >= 0) & (share <= 1)).all() or (np.diff(share) <= 0).any():
        raise ValueError("`progress` must be one share in [0, 1] a loss, each above the one before")
    falls = []
    for point in POINTS:
        away = np.abs(share - point)
        # rounding must not decide whether a loss at the edge takes part
        width = max(HALF_WIDTH, float(np.partition(away, FEWEST - 1)[FEWEST - 1])) + 1e-9
        near = share[away <= width] - share[away <= width].mean()
        falls.append(-float(near @ curve[away <= width]) / float(near @ near))
    return np.array(falls)
