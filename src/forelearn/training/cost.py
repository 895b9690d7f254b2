"""The deterministic cost of a stage: token·epochs·layers. It orders and budgets; no stopwatch does."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def units(lengths: ArrayLike, max_length: int, epochs: int, layers: int) -> float:
    """Cost of training on examples of `lengths` tokens, each cut to `max_length`.

    One unit is one token through one layer, forward and backward. Padding is not counted: it depends on the
    batches. Prediction on dev and test is not counted either.
    """
    return float(np.minimum(np.asarray(lengths, dtype=np.int64), max_length).sum()) * epochs * layers
