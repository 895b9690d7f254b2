"""What estimators of features are given, checked once at the door: rows of features, classes, values.

A row is an example, or a word where every word has a target. Everything that is refused is a `ValueError` of
one line that names the rule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Classes:
    """The classes of n rows. index: [n] in [0, C). sizes: [C], rows of each class, at least 1."""

    index: NDArray[np.int64]
    sizes: NDArray[np.int64]

    @property
    def count(self) -> int:
        """C."""
        return len(self.sizes)

    def one_hot(self) -> Array:
        """[n, C]: 1 where a row is of the class, 0 elsewhere."""
        return np.asarray(self.index[:, None] == np.arange(self.count), np.float64)

    def means(self, features: Array) -> Array:
        """[C, d]: the mean of the features [n, d] of each class."""
        return np.asarray(self.one_hot().T @ features / self.sizes[:, None], np.float64)


def read_features(features: ArrayLike, *, name: str = "features") -> Array:
    """[n, d] float64, finite, at least one row and one column. name: of the argument, for the message."""
    rows = np.asarray(features, np.float64)
    if rows.ndim != 2 or rows.size == 0:
        raise ValueError(f"`{name}` must be [n, d] with n, d at least 1, got shape {rows.shape}")
    if not np.isfinite(rows).all():
        raise ValueError(f"`{name}` must be finite, got NaN or infinity")
    return rows


def centre(rows: Array) -> Array:
    """[n, d], the rows without their mean; a constant column is exactly 0, not rounding."""
    centred = np.asarray(rows - rows.mean(axis=0), np.float64)
    centred[:, (rows == rows[0]).all(axis=0)] = 0.0
    return centred


def is_classes(targets: ArrayLike) -> bool:
    """Whether targets are class indices (integers or booleans) rather than values."""
    return np.asarray(targets).dtype.kind in "iub"


def read_classes(targets: ArrayLike, rows: int, *, method: str, fewest: int = 2) -> Classes:
    """The classes of [rows] integers; classes that no row has are left out, so any integers will do.

    method: what asks, for the message. fewest: the number of classes that it needs.
    """
    found = np.asarray(targets)
    if not is_classes(found):
        raise ValueError(f"{method} is defined for classes alone: `targets` must be integers, got values")
    _check_length(found, rows, dimensions=(1,))
    names, index, sizes = np.unique(found, return_inverse=True, return_counts=True)
    if len(names) < fewest:
        raise ValueError(f"{method} needs at least {fewest} classes, got {len(names)}")
    return Classes(index.astype(np.int64), sizes.astype(np.int64))


def read_values(targets: ArrayLike, rows: int) -> Array:
    """[rows, k] finite float64, from [rows] or [rows, k]; no column may be constant."""
    found = np.asarray(targets, np.float64)
    _check_length(found, rows, dimensions=(1, 2))
    if not np.isfinite(found).all():
        raise ValueError("`targets` must be finite, got NaN or infinity")
    columns = found.reshape(rows, -1)
    if columns.shape[1] == 0 or (columns == columns[0]).all(axis=0).any():
        raise ValueError("a column of `targets` must not be constant: there is nothing to predict in it")
    return columns


def standardise(values: Array) -> Array:
    """[n, k] columns with mean 0 and standard deviation 1: the unit of a value says nothing."""
    centred = values - values.mean(axis=0)
    return np.asarray(centred / np.sqrt((centred**2).mean(axis=0)), np.float64)


def _check_length(found: NDArray[np.generic], rows: int, *, dimensions: tuple[int, ...]) -> None:
    if found.ndim not in dimensions or len(found) != rows:
        raise ValueError(f"`targets` must be aligned with {rows} rows of features, got shape {found.shape}")
