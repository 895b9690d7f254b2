"""A vector of any length in few numbers, such that cosines stay near: a sparse random projection.

Charikar, Chen & Farach-Colton 2002 (count sketch); as a projection, Weinberger et al. 2009: every coordinate is
added to one of k numbers, with a random sign. No matrix is held: numbers and signs are drawn again from the same
seed, a stretch of coordinates at a time. The product of two sketches is that of their vectors in expectation, with
a standard deviation of at most √(2/k) of the product of their lengths: .063 at k = 512. Few large coordinates make
it smaller, for what stands alone in its number is exact.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forelearn.core.keys import seed_from

_STRETCH = 1 << 20
"""Coordinates that are drawn at once."""


def sketch(vectors: NDArray[np.floating], name: str, *, size: int, seed: int = 0) -> NDArray[np.float64]:
    """Vectors [m, n] in `size` numbers each, [m, size]; as they are if n ≤ size.

    Only sketches of the same name, n, size and seed can be compared: these decide where coordinates go.
    """
    vectors = np.asarray(vectors)
    length = vectors.shape[1]
    if length <= size:
        return vectors.astype(np.float64)
    chance = np.random.default_rng(seed_from("sketch", seed, name, length, size))
    found = np.zeros((len(vectors), 2 * size))
    for start in range(0, length, _STRETCH):
        part = vectors[:, start : start + _STRETCH]
        place = chance.integers(0, 2 * size, part.shape[1], dtype=np.int32)
        for row, values in enumerate(part):
            found[row] += np.bincount(place, weights=values, minlength=2 * size)
    # the second half of the numbers are those with a minus
    return found[:, :size] - found[:, size:]


def cosine(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """In [−1, 1], summed in 64 bits; NaN if a vector is 0."""
    sums = np.zeros(3)
    for start in range(0, len(one), _STRETCH):
        a, b = (np.asarray(rows[start : start + _STRETCH], np.float64) for rows in (one, other))
        sums += a @ b, a @ a, b @ b
    lengths = float(np.sqrt(sums[1]) * np.sqrt(sums[2]))
    return float(np.clip(sums[0] / lengths, -1.0, 1.0)) if lengths > 0 else float("nan")
