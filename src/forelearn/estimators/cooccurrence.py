"""Label co-occurrence: do the documents that carry the source's label carry the target's too?

The φ coefficient (Pearson's correlation of two 0/1 vectors) over the documents that both tasks have labelled.
Costs nothing where tasks are columns of labels over shared documents; undefined where they share none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

FEWEST_SHARED = 20
"""Shared documents below which there is no score: the error of φ is about 1/√n."""


def phi(source: ArrayLike, target: ArrayLike, *, fewest: int = FEWEST_SHARED) -> float:
    """φ of two label vectors in [−1, 1]; higher is better.

    source, target: [n] 0/1, the labels of the same n documents. NaN if n < `fewest` or a vector is constant.
    """
    a, b = np.asarray(source), np.asarray(target)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"expected two label vectors of one length, got {a.shape} and {b.shape}")
    if not (np.isin(a, (0, 1)).all() and np.isin(b, (0, 1)).all()):
        raise ValueError("labels must be 0 or 1")
    a, b = a.astype(bool), b.astype(bool)
    n, in_a, in_b, in_both = len(a), int(a.sum()), int(b.sum()), int((a & b).sum())
    spread = in_a * (n - in_a) * in_b * (n - in_b)
    if n < fewest or spread == 0:
        return float("nan")
    return (n * in_both - in_a * in_b) / math.sqrt(spread)


def label_cooccurrence(
    source_ids: Sequence[str],
    source_labels: Sequence[int],
    target_ids: Sequence[str],
    target_labels: Sequence[int],
    *,
    fewest: int = FEWEST_SHARED,
) -> float:
    """φ over the documents that occur in both tasks, joined by id; higher is better.

    ids: unique within a task. labels: 0/1, as many as ids. NaN as for `phi`.
    """
    known = dict(zip(source_ids, source_labels, strict=True))
    if len(known) != len(source_ids) or len(set(target_ids)) != len(target_ids):
        raise ValueError("document ids must be unique within a task")
    shared = [
        (known[name], label) for name, label in zip(target_ids, target_labels, strict=True) if name in known
    ]
    return phi([a for a, _ in shared], [b for _, b in shared], fewest=fewest)
