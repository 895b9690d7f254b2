"""Leave one target out: the only split in which a predictor of gains is judged.

Rows that share a target share its level and its luck; random folds leak both (measured: they halve the RMSE).
Rows in which the held-out target is the *source* stay out too (a choice, stricter than the paper, which does
not say).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """One held-out target. train, test: row numbers; rows in neither have the target as their source."""

    target: str
    train: NDArray[np.int64]
    test: NDArray[np.int64]


def leave_one_target_out(targets: Sequence[str], sources: Sequence[str]) -> list[Fold]:
    """A fold for each target, in the order of their names.

    targets, sources: [n], the target and the source of each row.
    """
    target, source = np.asarray(targets, object), np.asarray(sources, object)
    if target.shape != source.shape:
        raise ValueError(f"{len(target)} targets but {len(source)} sources")
    return [
        Fold(name, np.flatnonzero((target != name) & (source != name)), np.flatnonzero(target == name))
        for name in sorted(set(targets))
    ]
