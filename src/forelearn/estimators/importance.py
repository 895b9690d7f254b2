"""Why a prediction is what it is: what each group of features added to it.

With XGBoost, TreeSHAP's column contributions summed over the group. Otherwise exact Shapley values over the
groups (Shapley 1953; the interventional form: a group that is left out takes the values of background rows),
which need 2^g predictions for g groups. Both add up: constant + contributions = prediction.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
MOST_GROUPS = 10
MOST_BACKGROUND = 32


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What moved m predictions. constant: [m]; contributions: group → [m]; all in the prediction's unit."""

    constant: Array
    contributions: Mapping[str, Array]


def by_group(contributions: Array, groups: Mapping[str, Sequence[int]]) -> Explanation:
    """Sum column contributions [m, d + 1] (constant last) over groups of columns."""
    return Explanation(
        contributions[:, -1],
        {group: contributions[:, list(columns)].sum(axis=1) for group, columns in groups.items()},
    )


def group_shapley(
    predict: Callable[[Array], Array], rows: Array, background: Array, groups: Mapping[str, Sequence[int]]
) -> Explanation:
    """Shapley values of groups of columns for predict: [m, d] → [m].

    rows: [m, d]. background: [b, d]; at most 32 of them, evenly spread, stand in for what is left out.
    Raises `ValueError` for more than 10 groups.
    """
    names = list(groups)
    if len(names) > MOST_GROUPS:
        raise ValueError(f"exact Shapley values take at most {MOST_GROUPS} groups, got {len(names)}")
    step = max(1, math.ceil(len(background) / MOST_BACKGROUND))
    others = background[::step]
    value: dict[frozenset[str], Array] = {}
    for size in range(len(names) + 1):
        for kept in itertools.combinations(names, size):
            mixed = np.repeat(others[None], len(rows), axis=0)
            columns = [column for group in kept for column in groups[group]]
            mixed[:, :, columns] = rows[:, None, columns]
            flat = predict(mixed.reshape(-1, rows.shape[1]))
            value[frozenset(kept)] = flat.reshape(len(rows), len(others)).mean(axis=1)
    contributions = {name: np.zeros(len(rows)) for name in names}
    for subset, before in value.items():
        for name in set(names) - subset:
            share = 1.0 / (len(names) * math.comb(len(names) - 1, len(subset)))
            contributions[name] += share * (value[subset | {name}] - before)
    return Explanation(value[frozenset()], contributions)
