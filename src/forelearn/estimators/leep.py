"""LEEP: the log likelihood of the target's labels under the source's own predictions.

Nguyen, Hassner, Seeger & Archambeau 2020, "LEEP: A new measure to evaluate transferability of learned
representations", equations 1 and 2: P(y, z) is the mean over rows of class y of θ(x)_z, and the score the mean
over rows of ln Σ_z P(y|z) θ(x)_z. Differs from the paper: a source label that no row is given any
probability of is left out, where the paper would divide by P(z) = 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from forelearn.estimators.inputs import read_classes, read_features

ROUNDING = 1e-2
"""How far from 1 a row of probabilities may sum: half precision rounds that much."""


def leep(probabilities: ArrayLike, targets: ArrayLike) -> float:
    """Mean log likelihood in nats, at most 0; higher is better.

    probabilities: [n, Z], the source head's, for the target's rows; each row sums to 1 (and is made to,
    exactly). targets: [n] integers, at least 2 classes. Raises `ValueError` for values, and for rows that are
    no probabilities.
    """
    found = read_features(probabilities, name="probabilities")
    sums = found.sum(axis=1, keepdims=True)
    if (found < 0).any() or (np.abs(sums - 1.0) > ROUNDING).any():
        raise ValueError("each row of `probabilities` must be at least 0 and sum to 1: take the softmax")
    classes = read_classes(targets, len(found), method="LEEP")
    found = found[:, (found > 0).any(axis=0)] / sums
    joint = classes.one_hot().T @ found / len(found)
    given = joint / joint.sum(axis=0)
    return float(np.log((given[classes.index] * found).sum(axis=1)).mean())
