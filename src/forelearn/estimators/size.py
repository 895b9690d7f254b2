"""Source size: the more there is to learn from, the better.

DATASIZE of Vu et al. 2020, a baseline that every table prints. Differs from the paper: the logarithm is
taken, which leaves the order as it is and makes the score a usable column of the predictor (a choice).
"""

from __future__ import annotations

import math


def source_size(rows: int) -> float:
    """Natural logarithm of the source's training rows; higher is better.

    rows: training examples of the source, at least 1. Raises `ValueError` below that.
    """
    if rows < 1:
        raise ValueError(f"`rows` must be at least 1, got {rows}: a source without training rows has no size")
    return math.log(rows)
