"""Eigenvalues of a symmetric matrix, and a few vectors in its eigenbasis, without forming that basis.

A = Q T Qᵀ with T tridiagonal (LAPACK's dsytrd) and T = W diag(s) Wᵀ, so Vᵀb = Wᵀ(Qᵀb): Q is applied to the few
vectors b (dormqr) rather than to all of W, which is what makes it faster than a full decomposition.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh_tridiagonal, lapack

from forelearn.estimators.inputs import Array

BLOCK = 64
"""Columns that LAPACK takes at a time: its workspace."""


def spectrum(matrix: Array, vectors: Array) -> tuple[Array, Array]:
    """Eigenvalues [m], rising, of the symmetric positive semi-definite matrix [m, m], and Vᵀ vectors, [m, k].

    Eigenvalues that rounding leaves below 0 are 0. The signs of eigenvectors are arbitrary.
    """
    size = len(matrix)
    if size == 1:
        return np.maximum(matrix[0], 0.0), vectors.copy()
    reflectors, diagonal, beside, scales, failed = lapack.dsytrd(matrix.T, lower=1, lwork=BLOCK * size)
    turned = np.array(vectors, np.float64, order="F")
    # with the lower triangle, Q leaves the first coordinate alone
    inner = reflectors[1:, :-1]
    turned[1:], _, wrong = lapack.dormqr(
        "L", "T", inner, scales, turned[1:], BLOCK * max(size, turned.shape[1])
    )
    if failed or wrong:
        raise ValueError(f"LAPACK refused an argument ({failed or wrong})")
    eigenvalues, basis = eigh_tridiagonal(diagonal, beside, check_finite=False)
    return np.maximum(eigenvalues, 0.0), np.asarray(basis.T @ turned, np.float64)
