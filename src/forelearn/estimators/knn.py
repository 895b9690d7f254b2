"""kNN: how well a row's nearest neighbours tell its target, each row (or its whole example) left out in turn.

Cover & Hart 1967 with leave-one-out; Euclidean distance. Choices: every row as far as the k-th nearest takes
part, so that the order of equal rows says nothing; a tied vote goes to the class whose voters are nearer, and is
shared where they are equally near, so that the names of classes say nothing. Values are judged by R² of the
neighbours' mean, which is not above 0 where they tell nothing; a correlation would not do, for the mean of all
*other* rows correlates perfectly, and negatively, with the row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forelearn.estimators.inputs import (
    Array,
    Classes,
    centre,
    is_classes,
    read_classes,
    read_features,
    read_values,
    standardise,
)

NEIGHBOURS = 3
ROUNDING = 1e-10
"""Squared distances that differ by less than this share of the mean squared length are equal."""
BLOCK = 512


def knn(
    features: ArrayLike,
    targets: ArrayLike,
    *,
    neighbours: int = NEIGHBOURS,
    examples: ArrayLike | None = None,
) -> float:
    """Leave-one-out accuracy in [0, 1] for classes, mean R² over columns, at most 1, for values.

    Higher is better. features: [n, d], n > neighbours. targets: [n] integers (classes), or [n] or [n, k]
    floats (values). neighbours: at least 1. examples: [n], which example each row is of: all rows of an example are
    left out together, as of two choices with one premise the one would vote for the other; None: each of its own.
    """
    rows = read_features(features)
    n = len(rows)
    if not 1 <= neighbours < n:
        raise ValueError(f"`neighbours` must be at least 1 and fewer than the {n} rows, got {neighbours}")
    own = np.arange(n) if examples is None else np.asarray(examples)
    if own.shape != (n,):
        raise ValueError(f"`examples` must name one for each of the {n} rows, got shape {own.shape}")
    most = int(np.unique(own, return_counts=True)[1].max())
    if n - most < neighbours:
        raise ValueError(
            f"{neighbours} neighbours of other examples are needed, but one has {most} of {n} rows"
        )
    if is_classes(targets):
        return _accuracy(rows, read_classes(targets, n, method="kNN"), neighbours, own)
    values = standardise(read_values(targets, n))
    errors = 0.0
    for start, row, other, _ in _nearest(rows, neighbours, own):
        size = min(BLOCK, n - start)
        votes = np.bincount(row, minlength=size)
        sums = [np.bincount(row, column[other], minlength=size) for column in values.T]
        errors += float(((np.stack(sums, axis=1) / votes[:, None] - values[start : start + size]) ** 2).sum())
    return 1.0 - errors / values.size


def _accuracy(rows: Array, classes: Classes, neighbours: int, examples: NDArray[Any]) -> float:
    right = 0.0
    slack = ROUNDING * _mean_square(rows)
    for start, row, other, distance in _nearest(rows, neighbours, examples):
        own = classes.index[start : start + BLOCK]
        place = row * classes.count + classes.index[other]
        shape = (len(own), classes.count)
        votes = np.bincount(place, minlength=len(own) * classes.count).reshape(shape)
        far = np.bincount(place, distance, minlength=len(own) * classes.count).reshape(shape)
        # of the classes with most votes, those whose voters are nearest
        far = np.where(votes == votes.max(axis=1, keepdims=True), far, np.inf)
        ahead = far <= far.min(axis=1, keepdims=True) + slack * neighbours
        right += float((ahead[np.arange(len(own)), own] / ahead.sum(axis=1)).sum())
    return right / len(rows)


def _nearest(
    rows: Array, neighbours: int, examples: NDArray[Any]
) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64], Array]]:
    """The neighbours of a block of rows at a time: its first row, then a line for each (row, neighbour).

    Yields start; row: [m], counted from start; other: [m]; how far: [m], the squared distance less the row's own
    squared length, which moves no order.
    """
    # distances are differences of squared lengths: without the mean less is lost in them
    rows = centre(rows)
    lengths = np.einsum("nd,nd->n", rows, rows)
    slack = ROUNDING * float(lengths.mean())
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        away = (-2.0 * block) @ rows.T
        away += lengths
        away[examples[start : start + len(block), None] == examples] = np.inf
        limit = np.partition(away, neighbours - 1, axis=1)[:, neighbours - 1]
        row, other = np.nonzero(away <= limit[:, None] + slack)
        yield start, row, other, away[row, other]


def _mean_square(rows: Array) -> float:
    """The mean squared length of the centred rows."""
    return float(rows.var(axis=0).sum())
