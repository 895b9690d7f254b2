"""What is measured on predicted numbers: the correlations of Pearson and of Spearman with the true ones.

Both lie in [−1, 1], higher is better, and both overlook the scale and the offset of the predictions: an error
that all predictions share is not seen. Spearman's is Pearson's between ranks, equal values sharing the mean of
their ranks.

What is undefined. Predictions that are all equal order nothing and get 0. True values that are all equal
cannot be measured against, and are refused.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forelearn.training.measures_groups import Undefined

Floats = NDArray[np.float64]


def value_measures(predicted: ArrayLike, truth: ArrayLike) -> dict[str, float]:
    """`pearson` and `spearman` between two columns of numbers, [n] each.

    Raises `Undefined`, a `ValueError`, without examples or if all true values are equal; `ValueError` if the
    columns differ in length or hold what is not a finite number.
    """
    guesses, values = np.asarray(predicted, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    if guesses.ndim != 1 or guesses.shape != values.shape:
        raise ValueError(f"predicted and truth must be two columns [n]; got {guesses.shape}, {values.shape}")
    if not (np.isfinite(guesses).all() and np.isfinite(values).all()):
        raise ValueError("predicted and truth must be finite numbers")
    if not len(values) or np.all(values == values[0]):
        raise Undefined(f"correlations are undefined: {len(values)} examples, all of one value")
    return {
        "pearson": _correlation(guesses, values),
        "spearman": _correlation(_ranks(guesses), _ranks(values)),
    }


def _correlation(one: Floats, two: Floats) -> float:
    """Pearson's correlation; 0 if `one` is constant."""
    if np.all(one == one[0]):
        return 0.0
    a, b = _unit(one), _unit(two)
    return float(np.clip(a @ b, -1.0, 1.0))


def _unit(values: Floats) -> Floats:
    """The values around their mean, at length 1; scaled first, so that no square under- or overflows."""
    scaled = values / np.abs(values).max()
    centred = scaled - scaled.mean()
    centred /= np.abs(centred).max()
    return np.asarray(centred / np.linalg.norm(centred), dtype=np.float64)


def _ranks(values: Floats) -> Floats:
    """Ranks from 1, equal values sharing the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2)[place], dtype=np.float64)
