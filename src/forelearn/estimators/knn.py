"""kNN: how well a row's nearest neighbours tell its target, each row left out in turn.

Cover & Hart 1967 with leave-one-out; Euclidean distance. Choices: every row as far as the k-th nearest takes
part, so that the order of equal rows says nothing; a tied vote goes to the class whose voters are nearer, and is
shared where they are equally near, so that the names of classes say nothing. Values are judged by R² of the
neighbours' mean, which is not above 0 where they tell nothing; a correlation would not do, for the mean of all
*other* rows correlates perfectly, and negatively, with the row.
"""

from __future__ import annotations

from collections.abc import Iterator

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


def knn(features: ArrayLike, targets: ArrayLike, *, neighbours: int = NEIGHBOURS) -> float:
    """Leave-one-out accuracy in [0, 1] for classes, mean R² over columns, at most 1, for values.

    Higher is better. features: [n, d], n > neighbours. targets: [n] integers (classes), or [n] or [n, k]
    floats (values). neighbours: at least 1.
    """
    rows = read_features(features)
    n = len(rows)
    if not 1 <= neighbours < n:
        raise ValueError(f"`neighbours` must be at least 1 and fewer than the {n} rows, got {neighbours}")
    if is_classes(targets):
        return _accuracy(rows, read_classes(targets, n, method="kNN"), neighbours)
    values = standardise(read_values(targets, n))
    errors = 0.0
    for start, row, other, _ in _nearest(rows, neighbours):
        size = min(BLOCK, n - start)
        votes = np.bincount(row, minlength=size)
        sums = [np.bincount(row, column[other], minlength=size) for column in values.T]
        errors += float(((np.stack(sums, axis=1) / votes[:, None] - values[start : start + size]) ** 2).sum())
    return 1.0 - errors / values.size


def _accuracy(rows: Array, classes: Classes, neighbours: int) -> float:
    right = 0.0
    slack = ROUNDING * _mean_square(rows)
    for start, row, other, distance in _nearest(rows, neighbours):
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
    rows: Array, neighbours: int
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
        away[np.arange(len(block)), np.arange(start, start + len(block))] = np.inf
        limit = np.partition(away, neighbours - 1, axis=1)[:, neighbours - 1]
        row, other = np.nonzero(away <= limit[:, None] + slack)
        yield start, row, other, away[row, other]


def _mean_square(rows: Array) -> float:
    """The mean squared length of the centred rows."""
    return float(rows.var(axis=0).sum())
