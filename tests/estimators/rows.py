"""Generated rows whose order of usefulness is known: what the methods are tried on."""

import numpy as np


def clusters(
    *, rows: int = 120, dimensions: int = 12, classes: int = 3, gap: float = 1.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Features [n, d] of unit noise around class means `gap` apart from the middle, and labels [n].

    The noise, the labels and the directions of the means do not depend on `gap`.
    """
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(classes, dimensions))
    means *= 1 / np.linalg.norm(means, axis=1, keepdims=True)
    labels = np.arange(rows) % classes
    rng.shuffle(labels)
    return gap * means[labels] + rng.normal(size=(rows, dimensions)), labels


def slope(
    *, rows: int = 120, dimensions: int = 12, gap: float = 1.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Features [n, d] of unit noise, of which the first two columns carry values [n] `gap` times as strongly."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=rows)
    noise = rng.normal(size=(rows, dimensions))
    noise[:, :2] += gap * values[:, None]
    return noise, values
