"""ESM: LogME of a target as the source-tuned encoder would embed it, without that encoder.

Schulte, Hamborg & Akbik 2024, "Less is More: Parameter-Efficient Selection of Intermediate Tasks for Transfer
Learning" (embedding space maps): a linear map W takes the base encoder's embedding x of a text, with an
intercept (x̃ = [x, 1]), to that of the encoder fine-tuned on the source. A source's score is LogME of the
target's mapped rows X̃W.

Differs from the paper. The map is fitted in closed form by ridge regression, where the paper takes gradient
steps. The penalty weighs as much as `ridge` rows of mean variance; the intercept is not penalised. The target
enters through its moments X̃ᵀX̃, X̃ᵀY, yᵀy and n alone, so that a further source costs the same however many
rows the target has; the score is exactly LogME of the mapped rows. A target of fewer rows than the map has axes is
cheaper by its rows: X̃WWᵀX̃ᵀ has the same eigenvalues, and is [n, n].

The rank-r form keeps of the mapped embedding the r directions in which the source's own mapped rows are
longest, mean included. LogME does not see rotations, so their basis need not be kept: [d + 1, r] numbers, and
a score costs O(d²r + r³). Measured on 12 tasks of crisis tweets, a MiniLM encoder (d = 384), 384 to 394
rows a source, one seed: see docs/cards.md. Truncating W by its own singular values is worse at every rank;
W − I in rank r needs two factors and leaves an eigenproblem of size d.

Rows of a sequence labelling target are words, and the map was fitted on whole texts: it explains .5 to .7 of the
variance of words where it explains .6 to .8 of that of texts (UD-EWT, MiniLM, six sources), and whether the order of
sources survives that is not shown. Not covered: the error of the map itself on rows unlike the source's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import cho_factor, cho_solve, eigh

from forelearn.estimators.inputs import (
    Array,
    is_classes,
    read_classes,
    read_features,
    read_values,
    standardise,
)
from forelearn.estimators.logme import log_evidences

RIDGE = 30.0
"""Rows that the penalty weighs as much as; chosen on the measurement above among 10 to 4,000 rows."""


@dataclass(frozen=True, slots=True, eq=False)
class EsmMap:
    """An embedding space map, up to a rotation of the tuned space.

    projection: [d + 1, r]; [x, 1] times it is the mapped row on the axes that are kept, the longest first.
    energy: [r], mean squared length of the source's mapped rows along each axis, in units of their variance.
    error: what the axes left out hold of the source's mapped rows: root of their mean squared length over the
        variance; 0 if none is left out.
    """

    projection: Array
    energy: Array
    error: float = 0.0

    @property
    def dimensions(self) -> int:
        """d, the hidden size of the base encoder."""
        return len(self.projection) - 1

    @property
    def rank(self) -> int:
        """r."""
        return int(self.projection.shape[1])

    def apply(self, base: ArrayLike) -> Array:
        """[n, r], the mapped rows of base embeddings [n, d]."""
        return _with_intercept(read_features(base)) @ self.projection


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """All that a target says to the score of a source.

    gram: [d + 1, d + 1], X̃ᵀX̃. cross: [d + 1, k], X̃ᵀY. squares: [k], yᵀy of each column. rows: n.
    few: X̃, [n, d + 1], and Y, [n, k], where n ≤ d; else None.
    """

    gram: Array
    cross: Array
    squares: Array
    rows: int
    few: tuple[Array, Array] | None = None

    @property
    def mean(self) -> Array:
        """[d], the mean embedding (TextEmb where rows are mean token embeddings)."""
        return np.asarray(self.gram[-1, :-1] / self.rows, np.float64)


def fit_esm(base: ArrayLike, tuned: ArrayLike, *, ridge: float = RIDGE) -> EsmMap:
    """The map from embeddings under the base encoder to those under the tuned one, of the same source rows.

    base: [n, d]. tuned: [n, d′]. ridge: the penalty's weight, in rows; above 0.
    Raises ValueError if rows do not match, or embeddings do not vary.
    """
    x, t = read_features(base), read_features(tuned)
    if len(x) != len(t):
        raise ValueError(f"`base` and `tuned` must have the same rows, got {len(x)} and {len(t)}")
    if not ridge > 0:
        raise ValueError(f"`ridge` must be above 0, got {ridge}")
    n, d = x.shape
    x_mean, t_mean = x.mean(axis=0), t.mean(axis=0)
    centred = x - x_mean
    gram = centred.T @ centred
    variance = float(np.trace(gram)) / (n * d)
    if n < 2 or variance <= _rounding(x) or float(np.var(t, axis=0).mean()) <= _rounding(t):
        raise ValueError("embeddings must vary from row to row: there is no map to fit")
    penalised = cho_factor(gram + ridge * variance * np.eye(d))
    slope = cho_solve(penalised, centred.T @ (t - t_mean))
    weights = np.vstack([slope, t_mean - x_mean @ slope])
    mapped = _with_intercept(x) @ weights
    energy, axes = eigh(mapped.T @ mapped / n)
    spread = float(((mapped - t_mean) ** 2).sum()) / n
    return EsmMap(weights @ axes[:, ::-1], np.maximum(energy[::-1], 0.0) / spread)


def reduce(esm: EsmMap, rank: int) -> EsmMap:
    """The map on its `rank` longest axes (on all it has, if they are fewer), with its error."""
    if rank < 1:
        raise ValueError(f"`rank` must be at least 1, got {rank}")
    lost = esm.error**2 + float(esm.energy[rank:].sum())
    return EsmMap(esm.projection[:, :rank].copy(), esm.energy[:rank].copy(), float(np.sqrt(lost)))


def moments(base: ArrayLike, targets: ArrayLike) -> Moments:
    """The moments of a target: computed once, used by every source.

    base: [n, d], the target's rows under the base encoder. targets: as `logme` takes them: [n] integers
    (classes: a column each), or [n] or [n, k] floats (values, standardised).
    """
    rows = read_features(base)
    n = len(rows)
    if is_classes(targets):
        columns = read_classes(targets, n, method="ESM").one_hot()
    else:
        columns = standardise(read_values(targets, n))
    extended = _with_intercept(rows)
    squares = np.einsum("nk,nk->k", columns, columns)
    few = (extended, columns) if n < extended.shape[1] else None
    return Moments(extended.T @ extended, extended.T @ columns, squares, n, few)


def esm_score(esm: EsmMap, target: Moments) -> float:
    """LogME of the target's mapped rows; higher is better; any sign.

    Raises ValueError if map and target have different hidden sizes.
    """
    p = esm.projection
    if len(p) != len(target.gram):
        raise ValueError(
            f"the map takes embeddings of size {esm.dimensions}, the target's have {len(target.gram) - 1}"
        )
    if target.few is not None and target.rows < esm.rank:
        rows, columns = target.few
        mapped = rows @ p
        eigenvalues, vectors = eigh(mapped @ mapped.T, driver="evd", check_finite=False)
        eigenvalues = np.maximum(eigenvalues, 0.0)
        projections = np.sqrt(eigenvalues)[:, None] * (vectors.T @ columns)
    else:
        eigenvalues, vectors = eigh(p.T @ target.gram @ p, driver="evd", check_finite=False)
        # n rows span n dimensions at most: what lies beyond is rounding
        eigenvalues, vectors = np.maximum(eigenvalues, 0.0)[-target.rows :], vectors[:, -target.rows :]
        projections = vectors.T @ (p.T @ target.cross)
    evidences = log_evidences(eigenvalues, projections, target.squares, rows=target.rows, dimensions=esm.rank)
    return float(evidences.mean()) / target.rows


def _with_intercept(rows: Array) -> Array:
    """[n, d + 1]."""
    return np.hstack([rows, np.ones((len(rows), 1))])


def _rounding(rows: Array) -> float:
    """The variance that rounding alone gives constant rows."""
    return float((1e-12 * np.abs(rows).max()) ** 2)
