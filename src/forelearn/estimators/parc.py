"""PARC: are rows that look alike to the encoder alike in their targets?

Bolya, Mittapalli & Hoffman 2021, "Scalable diverse model selection for accessible transfer learning", section
3: 100 × Spearman's correlation, over all pairs of rows, of 1 − Pearson's correlation of their features with
1 − Pearson's correlation of their one-hot targets. The latter takes two values only, so all that counts is
whether a pair shares its class. Differs from the paper: values are taken too (a choice), with the distance
between two rows' standardised values as their dissimilarity. Dissimilarities are rounded to 12 decimals, so that
rows that are equal tie.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import pdist
from scipy.stats import rankdata

from forelearn.estimators.inputs import (
    Array,
    is_classes,
    read_classes,
    read_features,
    read_values,
    standardise,
)

MOST_ROWS = 10_000
"""Of which there are 50 million pairs, about 1.5 GB."""
DECIMALS = 12


def parc(features: ArrayLike, targets: ArrayLike) -> float:
    """100 × Spearman's correlation of dissimilarities, in [−100, 100]; higher is better.

    features: [n, d], 3 ≤ n ≤ 10,000, no row constant. targets: [n] integers (classes), or [n] or [n, k]
    floats (values). Raises `ValueError` where all pairs are equally dissimilar in features or in targets.
    """
    rows = read_features(features)
    n = len(rows)
    if not 3 <= n <= MOST_ROWS:
        raise ValueError(f"PARC compares all pairs of 3 to {MOST_ROWS} rows, got {n}: take a sample")
    if is_classes(targets):
        index = read_classes(targets, n, method="PARC").index
        apart = np.concatenate([index[row] != index[row + 1 :] for row in range(n - 1)]).astype(np.float64)
    else:
        apart = rankdata(np.round(pdist(standardise(read_values(targets, n))), DECIMALS))
    looks = rankdata(np.round(dissimilarities(rows), DECIMALS))
    looks -= looks.mean()
    apart -= apart.mean()
    scale = float(np.sqrt((looks @ looks) * (apart @ apart)))
    if scale == 0.0:
        raise ValueError("PARC is undefined: all pairs of rows are equally dissimilar")
    return 100.0 * float(looks @ apart) / scale


def dissimilarities(rows: Array) -> Array:
    """[n (n − 1) / 2], 1 − Pearson's correlation of each pair of rows [n, d], in [0, 2], row by row."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1)
    # what is left of a constant row after centring is rounding
    if (lengths <= 1e-12 * np.linalg.norm(rows, axis=1)).any():
        raise ValueError("PARC is undefined: a row of `features` is constant and correlates with nothing")
    centred /= lengths[:, None]
    step = 512
    found = []
    for start in range(0, len(rows), step):
        block = 1.0 - centred[start : start + step] @ centred[start:].T
        found += [line[place + 1 :] for place, line in enumerate(block)]
    return np.concatenate(found)
