"""How good predictions of performance are: RMSE@K.

Figure 1 of Pugantsov & McCreadie 2022: the error over the K pairs that are predicted to perform best. Equal
predictions are taken in every order at once (the expectation), so that the order of rows says nothing (a choice).
"""

from __future__ import annotations

import math

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


def _finite(values: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise ValueError(f"`{name}` must be a vector of finite numbers")
    return array
