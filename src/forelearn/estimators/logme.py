"""LogME: the largest log evidence of the targets under Bayesian linear regression on the features.

You, Liu, Wang & Long 2021, "LogME: Practical assessment of pre-trained models for transfer learning", equation
2 and algorithm 1. A column of targets y (one class against the rest, or values) has the evidence
N(y; 0, FFᵀ/α + I/β); the score is the mean over columns of max over (α, β) of its logarithm over n.

Differs from the paper. With λ = α/β, the best β is n / Q(λ), Q(λ) = yᵀ(FFᵀ/λ + I)⁻¹y, so what is left is one
variable. Its gradient is zero exactly where the paper's fixed point stands still. We take Newton's steps on
log λ from the best of a grid (and from its other maxima, where it has several), until |Δ log λ| < 1e-8: a
handful, where the fixed point can need hundreds at n < d, and the same for features in any unit, where the fixed
point starts at λ = 1. Every eigenvalue of FᵀF counts, zeros included (widely used code forgets them at n < d), and
nothing is carried from column to column.
Values are standardised (a choice), so that their unit changes nothing. The features are taken as they are:
no intercept is added, as in the paper.

With no signal λ grows without end: it stops at 1e9 times the largest eigenvalue, where the evidence is that of
N(0, I/β). A perfect fit with rows to spare has infinite evidence: what is left unexplained is therefore at
least 1e-12 of yᵀy, which is below what features in single precision can tell.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forelearn.estimators.inputs import (
    Array,
    is_classes,
    read_classes,
    read_features,
    read_values,
    standardise,
)
from forelearn.estimators.spectrum import spectrum

Indices = NDArray[np.intp]

CAP = 1e9
"""λ ends at this multiple of the largest eigenvalue."""
FLOOR = 1e-15
"""λ ends at this multiple of the smallest eigenvalue above 0."""
UNEXPLAINED = 1e-12
"""The least share of yᵀy that features of rank below n leave unexplained."""
TOLERANCE = 1e-8
"""Of log λ."""
MOST_STEPS = 200
GRID = 64


def logme(features: ArrayLike, targets: ArrayLike) -> float:
    """Mean over columns of the largest log evidence, over n; higher is better; any sign.

    features: [n, d]. targets: [n] integers (classes: a column each), or [n] or [n, k] floats (values).
    Raises `ValueError` for fewer than 2 classes, a constant column of values, and what is not finite.
    """
    rows = read_features(features)
    n, d = rows.shape
    if is_classes(targets):
        columns = read_classes(targets, n, method="LogME").one_hot()
    else:
        columns = standardise(read_values(targets, n))
    # the smaller of FᵀF and FFᵀ: their eigenvalues above 0 are the same
    if n >= d:
        eigenvalues, projections = spectrum(rows.T @ rows, rows.T @ columns)
    else:
        eigenvalues, along = spectrum(rows @ rows.T, columns)
        projections = np.sqrt(eigenvalues)[:, None] * along
    squares = np.einsum("nk,nk->k", columns, columns)
    evidences = log_evidences(eigenvalues, projections, squares, rows=n, dimensions=d)
    return float(evidences.mean() / n)


def log_evidence(
    eigenvalues: ArrayLike, projections: ArrayLike, square: float, *, rows: int, dimensions: int
) -> float:
    """max over (α, β) of ln N(y; 0, FFᵀ/α + I/β), not divided by n, for one column y.

    eigenvalues: [r] ≥ 0, of FᵀF = V diag(s) Vᵀ, r ≤ d; the other d − r are zero. projections: [r], VᵀFᵀy.
    square: yᵀy > 0. rows, dimensions: n, d.
    """
    found = np.asarray(projections, np.float64)
    return float(
        log_evidences(eigenvalues, found.reshape(-1, 1), [square], rows=rows, dimensions=dimensions)[0]
    )


def log_evidences(
    eigenvalues: ArrayLike, projections: ArrayLike, squares: ArrayLike, *, rows: int, dimensions: int
) -> Array:
    """[k], `log_evidence` of k columns that share their features.

    eigenvalues: [r]. projections: [r, k]. squares: [k].
    """
    s, z, square = (np.asarray(given, np.float64) for given in (eigenvalues, projections, squares))
    if s.ndim != 1 or len(s) > dimensions or z.shape != (len(s), len(square)):
        raise ValueError(
            f"expected eigenvalues [r], r ≤ {dimensions}, projections [r, k] and squares [k],"
            f" got {s.shape}, {z.shape}, {square.shape}"
        )
    if not (np.isfinite(s).all() and np.isfinite(z).all() and np.isfinite(square).all()):
        raise ValueError("eigenvalues, projections and squares must be finite")
    if (s < 0).any() or (square <= 0).any():
        raise ValueError("eigenvalues must be at least 0, and squares above 0")
    # eigenvalues below the rounding of the largest are zeros, and their projections noise
    kept = s > s.max(initial=0.0) * np.finfo(np.float64).eps * max(rows, dimensions)
    s, energy = s[kept], z[kept] ** 2 / s[kept, None]  # energy: y's squared length along each direction
    rest = np.zeros(len(square))
    if len(s) < rows:
        rest = np.maximum(square - energy.sum(axis=0), UNEXPLAINED * square)
    constant = -rows / 2 * (1.0 + math.log(2.0 * math.pi))
    if len(s) == 0:
        return np.asarray(constant - rows / 2 * np.log(square / rows), np.float64)
    return np.asarray(constant + _largest(s, energy, rest, rows), np.float64)


def _largest(s: Array, energy: Array, rest: Array, rows: int) -> Array:
    """[k], max over λ of −n/2 ln(Q(λ)/n) − ½ Σ ln(1 + s/λ).

    s: [r] above 0. energy: [r, k]. rest: [k], yᵀy outside the features' span.
    """
    grid = np.linspace(math.log(FLOOR * s.min()), math.log(CAP * s.max()), GRID)
    shrink = _shrink(grid, s)
    on_grid = _profile(rest[:, None] + energy.T @ shrink, shrink, rows)
    found = on_grid.max(axis=1)
    for column, index in _tops(on_grid):
        climbed = _climb(grid, index, s, energy[:, column], rest[column], rows)
        np.maximum.at(found, column, climbed)
    return np.asarray(found, np.float64)


def _tops(on_grid: Array) -> Iterator[tuple[Indices, Indices]]:
    """[k, GRID] → columns and places: first the highest of every column, then what else is a maximum of its own.

    Between two points of the grid a lower maximum may rise above the highest. Few columns have a second one.
    """
    best = on_grid.argmax(axis=1)
    yield np.arange(len(best)), best
    walled = np.pad(on_grid, ((0, 0), (1, 1)), constant_values=-np.inf)
    tops = (on_grid > walled[:, :-2]) & (on_grid >= walled[:, 2:])
    tops[np.arange(len(best)), best] = False
    if tops.any():
        columns, places = np.nonzero(tops)
        yield columns, places


def _climb(grid: Array, index: Indices, s: Array, energy: Array, rest: Array, rows: int) -> Array:
    """[m], the profile's maximum next to each place of the grid. energy: [r, m]. rest: [m]."""
    low, high = grid[np.maximum(index - 1, 0)], grid[np.minimum(index + 1, GRID - 1)]
    place = grid[index]
    for _ in range(MOST_STEPS):
        slope, curvature = _derivatives(place, s, energy, rest, rows)
        low, high = np.where(slope > 0, place, low), np.where(slope > 0, high, place)
        step = place + slope / np.where(curvature < 0, -curvature, np.inf)
        inside = (curvature < 0) & (low <= step) & (step <= high)
        after = np.where(inside, step, (low + high) / 2)
        moved, place = np.abs(after - place).max(), after
        if moved < TOLERANCE:
            break
    shrink = _shrink(place, s)
    return _profile(rest + np.einsum("rk,rk->k", energy, shrink), shrink, rows)


def _shrink(place: Array, s: Array) -> Array:
    """[r, k], λ / (s + λ) at log λ = place [k]."""
    scale = np.exp(place)
    return np.asarray(scale / (s[:, None] + scale), np.float64)


def _profile(unexplained: Array, shrink: Array, rows: int) -> Array:
    """What `_largest` maximises. unexplained: [..., k], Q(λ). shrink: [r, k]."""
    return np.asarray(-rows / 2 * np.log(unexplained / rows) + np.log(shrink).sum(axis=0) / 2, np.float64)


def _derivatives(place: Array, s: Array, energy: Array, rest: Array, rows: int) -> tuple[Array, Array]:
    """[k] each: twice the first and second derivative of the profile with respect to log λ."""
    shrink = _shrink(place, s)
    bend = shrink * (1.0 - shrink)
    unexplained = rest + np.einsum("rk,rk->k", energy, shrink)
    share = np.einsum("rk,rk->k", energy, bend) / unexplained
    change = np.einsum("rk,rk->k", energy, bend * (1.0 - 2.0 * shrink)) / unexplained
    slope = (1.0 - shrink).sum(axis=0) - rows * share
    return slope, -bend.sum(axis=0) - rows * (change - share**2)
