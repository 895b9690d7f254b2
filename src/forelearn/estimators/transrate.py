"""TransRate: how many more bits all features take than those of each class alone.

Huang et al. 2022, "Frustratingly easy transferability estimation", equations 5 to 7: R(Z) − R(Z|Y), where the
coding rate R(Z) = ½ ln det(I + ZᵀZ / (n ε)) approximates the entropy of Z at precision ε. Z is centred once; a
class is taken with its own n_c, not centred again, and weighs n_c / n. Differs from the code printed with the
paper, which gives every class the same weight 1 / C; the two agree where classes are equally large.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import cholesky

from forelearn.estimators.inputs import Array, centre, read_classes, read_features

EPSILON = 1e-4


def transrate(features: ArrayLike, targets: ArrayLike, *, epsilon: float = EPSILON) -> float:
    """Difference of coding rates in nats, at least 0; higher is better. It depends on the features' unit.

    features: [n, d]. targets: [n] integers, at least 2 classes; a class may have one row. epsilon: squared
    precision, above 0, in the features' squared unit; a report names it. Raises `ValueError` for values.
    """
    if not (epsilon > 0 and math.isfinite(epsilon)):
        raise ValueError(f"`epsilon` must be above 0, got {epsilon}")
    rows = read_features(features)
    classes = read_classes(targets, len(rows), method="TransRate")
    rows = centre(rows)
    inside = [
        float(size) / len(rows) * coding_rate(rows[classes.index == place], epsilon)
        for place, size in enumerate(classes.sizes)
    ]
    return coding_rate(rows, epsilon) - math.fsum(inside)


def coding_rate(rows: Array, epsilon: float) -> float:
    """½ ln det(I + rowsᵀrows / (n ε)) in nats. rows: [n, d]."""
    n, d = rows.shape
    # the determinant is the same from either side; the smaller is cheaper
    gram = (rows.T @ rows if d <= n else rows @ rows.T) / (n * epsilon)
    gram[np.diag_indices_from(gram)] += 1.0
    factor = cholesky(gram, lower=True, overwrite_a=True, check_finite=False)
    return float(np.log(np.diag(factor)).sum())
