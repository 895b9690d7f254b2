"""How good predictions of performance are: RMSE@K, the no-model rule, and what a pick loses.

RMSE@K is figure 1 of Pugantsov & McCreadie 2022: the error over the K pairs that are predicted to perform
best. Equal predictions are taken in every order at once (the expectation), so that the order of rows says
nothing (a choice). The loss differs from the paper, which divides by the best performance and so calls a pick
at the plain baseline "10.78 % worse than the best": here it is divided by what there was to gain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


def rmse_at(predicted: ArrayLike, actual: ArrayLike, k: int) -> float:
    """Root mean squared error over the K pairs with the highest predictions; lower is better, units as given.

    predicted, actual: [n], finite. k: at least 1; the RMSE over all pairs if k > n.
    """
    guess, truth = _finite(predicted, "predicted"), _finite(actual, "actual")
    if guess.shape != truth.shape or not len(guess) or k < 1:
        raise ValueError(f"expected equal lengths and k ≥ 1, got {guess.shape}, {truth.shape}, {k}")
    k = min(k, len(guess))
    last = np.sort(guess)[::-1][k - 1]
    above, tied = guess > last, guess == last
    errors = (guess - truth) ** 2
    left = k - int(above.sum())
    return math.sqrt((float(errors[above].sum()) + left * float(errors[tied].mean())) / k)


def no_model(targets: Sequence[str], baselines: Mapping[str, float]) -> NDArray[np.float64]:
    """The prediction without a predictor: a pair performs as the target's baseline does (its gain is 0).

    targets: [n]. baselines: target → seed-averaged performance. Returns [n].
    """
    return np.array([baselines[target] for target in targets], np.float64)


@dataclass(frozen=True, slots=True)
class Loss:
    """What a pick leaves on the table; lower is better.

    points: best − pick, in units of the metric. share: points / (best − baseline), 0 for the best, 1 for the
    baseline, above 1 for a pick that harms; NaN where nothing beats the baseline.
    """

    points: float
    share: float


def loss(best: float, pick: float, baseline: float) -> Loss:
    """The loss of a pick. best: the largest performance to be had, that of no transfer included."""
    points = best - pick
    return Loss(points, points / (best - baseline) if best > baseline else math.nan)


def mean_loss(best: ArrayLike, pick: ArrayLike, baseline: ArrayLike) -> Loss:
    """The loss over targets: mean points, and the points lost in all over what there was to gain in all.

    best, pick, baseline: [T], T ≥ 1. A mean of the targets' own shares would be ruled by those where there
    was next to nothing to gain.
    """
    tops, picks, plain = _finite(best, "best"), _finite(pick, "pick"), _finite(baseline, "baseline")
    if not len(tops) or tops.shape != picks.shape or tops.shape != plain.shape:
        raise ValueError(f"expected three vectors [T], T ≥ 1, got {tops.shape}, {picks.shape}, {plain.shape}")
    return loss(float(tops.mean()), float(picks.mean()), float(plain.mean()))


def _finite(values: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise ValueError(f"`{name}` must be a vector of finite numbers")
    return array
