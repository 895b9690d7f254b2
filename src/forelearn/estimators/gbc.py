"""GBC: how much the classes overlap, each taken for a Gaussian.

Pándy, Agostinelli, Uijlings, Ferrari & Mensink 2022, "Transferability estimation using Bhattacharyya class
separability", equations 2 to 4: −Σ_{c ≠ c'} exp(−D_B(c, c')) over ordered pairs of classes, D_B the
Bhattacharyya distance of two Gaussians with diagonal covariances, after a principal component analysis to 64
dimensions. Variances divide by the rows of the class and are at least 1e-4 (choices: the paper leaves both
open), so a class with one row is a narrow Gaussian around it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import eigh

from forelearn.estimators.inputs import Array, centre, read_classes, read_features

COMPONENTS = 64
FLOOR = 1e-4


def gbc(
    features: ArrayLike, targets: ArrayLike, *, components: int = COMPONENTS, floor: float = FLOOR
) -> float:
    """Minus the summed Bhattacharyya coefficients, in [−C(C − 1), 0]; higher is better.

    features: [n, d]. targets: [n] integers, at least 2 classes. components: at least 1, at most that many
    principal components are kept. floor: of a variance, above 0, in the features' squared unit: the score
    depends on their unit. Raises `ValueError` for values.
    """
    if components < 1 or not floor > 0:
        raise ValueError(f"`components` must be at least 1 and `floor` above 0, got {components} and {floor}")
    rows = read_features(features)
    classes = read_classes(targets, len(rows), method="GBC")
    rows = principal_components(centre(rows), components)
    means = classes.means(rows)
    variances = np.maximum(classes.means((rows - means[classes.index]) ** 2), floor)
    total = 0.0
    for place in range(classes.count - 1):
        others = slice(place + 1, None)
        between = (variances[place] + variances[others]) / 2
        distance = ((means[place] - means[others]) ** 2 / between).sum(axis=1) / 8
        spread = np.log(between) - (np.log(variances[place]) + np.log(variances[others])) / 2
        total += float(np.exp(-distance - spread.sum(axis=1) / 2).sum())
    return -2.0 * total


def principal_components(rows: Array, components: int) -> Array:
    """[n, k], the rows along their first k = min(components, n, d) principal axes. rows: [n, d], centred."""
    n, d = rows.shape
    size = min(n, d)
    gram = rows.T @ rows if d <= n else rows @ rows.T
    top = (max(size - components, 0), size - 1)
    values, vectors = eigh(gram, subset_by_index=top, overwrite_a=True, check_finite=False)
    return np.asarray(rows @ vectors if d <= n else vectors * np.sqrt(np.maximum(values, 0.0)), np.float64)
