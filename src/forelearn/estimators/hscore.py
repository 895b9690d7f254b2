"""H-score: how far apart the class means lie, in units of the features' own spread.

Bao et al. 2019, "An information-theoretic approach to transferability in task transfer learning", definition
2: tr(cov(f)⁻¹ cov(E[f|y])); in the regularised form of Ibrahim, Ponomareva & Mazumder 2022, "Newer is not
always better", section 4: (1 − a) tr(S_a⁻¹ cov(E[f|y])), S_a the covariance shrunk by a towards a multiple of
the identity, a after Ledoit & Wolf 2004. The plain form is C − 1 for any features once n ≤ d.

Differs from the papers in arithmetic alone: a from the lengths of the rows rather than a d × d product of
squares, and a Cholesky factor applied to the C class means rather than an inverse. As in the code of the second
paper, cov(f) divides by n and cov(E[f|y]) by n − 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import cholesky, solve_triangular

from forelearn.estimators.inputs import Array, centre, read_classes, read_features

LEAST_SHRINKAGE = 1e-9
"""Below it a singular covariance is still singular, and the pseudo-inverse is taken."""


def hscore(features: ArrayLike, targets: ArrayLike) -> float:
    """Regularised H-score, at least 0; higher is better; 0 for constant features.

    features: [n, d]. targets: [n] integers, at least 2 classes; a class may have one row. Raises `ValueError`
    for values, and for what is not finite.
    """
    rows = read_features(features)
    classes = read_classes(targets, len(rows), method="the H-score")
    rows = centre(rows)
    covariance = rows.T @ rows / len(rows)
    share, scale = shrinkage(rows, covariance)
    means = classes.means(rows) * np.sqrt(classes.sizes / (len(rows) - 1))[:, None]
    covariance *= 1.0 - share
    covariance[np.diag_indices_from(covariance)] += share * scale
    if share < LEAST_SHRINKAGE:
        inverse = np.linalg.pinv(covariance, rcond=1e-12, hermitian=True)
        return float((1.0 - share) * np.einsum("cd,de,ce->", means, inverse, means))
    factor = cholesky(covariance, lower=True, overwrite_a=True, check_finite=False)
    whitened = solve_triangular(factor, means.T, lower=True, check_finite=False)
    return float((1.0 - share) * (whitened**2).sum())


def shrinkage(rows: Array, covariance: Array) -> tuple[float, float]:
    """Share a in [0, 1] of the identity that Ledoit & Wolf 2004 give, and its scale μ = tr(covariance) / d.

    rows: [n, d], centred. covariance: [d, d], rowsᵀrows / n.
    """
    n, d = rows.shape
    scale = float(np.trace(covariance)) / d
    if d == 1:  # a single number is a multiple of the identity already
        return 0.0, scale
    squared = float((covariance**2).sum())
    # the mean over rows of ‖x xᵀ − S‖² / n is the error of S; ‖x xᵀ‖² is the fourth power of the row's length
    error = (float((np.einsum("nd,nd->n", rows, rows) ** 2).sum()) / n - squared) / n
    distance = squared - d * scale**2
    if error <= 0.0:
        return 0.0, scale
    return min(error / distance, 1.0) if distance > 0.0 else 1.0, scale
