"""What is measured on chosen continuations: the share of examples whose right choice has the highest score.

Of equal scores the first counts, as it is the one that would be chosen: an encoder that tells no choices apart
is right as often as the first choice is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from forelearn.training.measures_groups import Undefined


def choice_measures(scores: ArrayLike, right: ArrayLike) -> dict[str, float]:
    """`accuracy`, in [0, 1].

    scores: [n, k], the higher the better the choice fits. right: [n] indices in [0, k).
    Raises `Undefined`, a `ValueError`, without examples; `ValueError` if the shapes do not agree, an index is
    out of range or a score is NaN.
    """
    table, truth = np.asarray(scores, dtype=np.float64), np.asarray(right, dtype=np.int64)
    if not truth.size:
        raise Undefined("accuracy is undefined: 0 examples")
    if table.ndim != 2 or truth.shape != table.shape[:1]:
        raise ValueError(f"scores must be [n, k] and right [n]; got {table.shape}, {truth.shape}")
    if truth.min() < 0 or truth.max() >= table.shape[1]:
        raise ValueError(f"right must lie in [0, {table.shape[1]}); got {truth.min()} to {truth.max()}")
    if np.isnan(table).any():
        raise ValueError("scores must be numbers; one is NaN")
    return {"accuracy": float(np.mean(table.argmax(axis=1) == truth))}
