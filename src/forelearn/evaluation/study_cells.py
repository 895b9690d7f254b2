"""The figures of one method in every split, before they are averaged: a value a target and a split."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean

import numpy as np

from forelearn.evaluation.budget import SHARES
from forelearn.evaluation.controls import Control
from forelearn.evaluation.lived import Lived, Split, depths, replayed
from forelearn.evaluation.orders import Method
from forelearn.evaluation.table import Array, mean_known

CONFIRMATION = 0.2
"""Share of a budget that confirmation takes; its runs tell what a pick is worth and pick nothing."""


KEPT_DEPTHS = (7, 10)
"""Sources tried for each target at which the paper compares its feature sets (figure 2)."""


@dataclass(frozen=True, slots=True, eq=False)
class StudyMethod:
    """An order to be judged. features: what its features cost, as a share of the exhaustive cost.

    confirmed: whether it pays for confirmation when everything is counted.
    """

    method: Method
    features: float = 0.0
    confirmed: bool = True


Cells = dict[str, Array]
"""Figure → [T, A]: a value a target and a split; NaN where undefined. `best@…` is the whole of `lost_share@…`."""


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """What one method has in one metric. cost: as in `StudyVerdict`. lives: shares, then fresh and in hand [K, T, A].

    band: 5 and 95 % over single lives; bands: the same for each point of the curve, fresh and in hand.
    """

    cells: Cells
    cost: dict[str, float]
    lives: tuple[tuple[float, ...], Array, Array] | None = None
    band: dict[str, tuple[float, float]] = field(default_factory=dict)
    bands: tuple[tuple[tuple[float, float], ...], ...] = ((), ())


def order_cells(one: StudyMethod, splits: Sequence[Split], *, draws: int, seed: int) -> Figures:
    """An order's figures at both budgets, with features and confirmation beside and inside, and its curve.

    A point of the curve is a number of sources tried in every split, at the mean of the shares that it takes.
    """
    if not splits:
        return Figures({}, {})
    by_split = depths(splits)
    rounds = [fmean(shares) for shares in zip(*by_split, strict=True)]
    inside = [share * (1 - CONFIRMATION * one.confirmed) - one.features for share in SHARES]
    shares = [[*SHARES, *inside, *own] for own in by_split]
    stream = zlib.crc32(one.method.name.encode())
    lives = replayed(one.method, splits, shares, seed=seed ^ stream, draws=draws)
    cells: Cells = {}
    for place, share in enumerate(SHARES):
        label = f"@{100 * share:g}"
        for name, values in (
            ("lost", _cells(lives, "lost", place) * 100),
            ("best", _cells(lives, "best", place) * 100),
            ("counted_lost", _cells(lives, "lost", place + len(SHARES)) * 100),
            ("fresh", _cells(lives, "fresh", place)),
            ("in_hand", _cells(lives, "in_hand", place)),
            ("overstated", _overstated(lives, splits, place) * 100),
            ("tried", _cells(lives, "tried", place)),
            ("counted_tried", _cells(lives, "tried", place + len(SHARES))),
        ):
            cells[name + label] = values
    cost = {"features": one.features, "confirmation": CONFIRMATION * one.confirmed}
    first = 2 * len(SHARES)
    fresh, in_hand = (
        np.stack([_cells(lives, name, first + k) for k in range(len(rounds))])
        for name in ("fresh", "in_hand")
    )
    for k in KEPT_DEPTHS:
        if k < len(rounds):
            cells[f"in_hand@K{k}"] = in_hand[k]
    band = {
        f"{name}@{100 * share:g}": _band(lives, name, place, factor)
        for place, share in enumerate(SHARES)
        for name, factor in (("lost", 100.0), ("fresh", 1.0), ("in_hand", 1.0))
    }
    bands = tuple(
        tuple(_band(lives, name, first + k, 1.0) for k in range(len(rounds))) for name in ("fresh", "in_hand")
    )
    return Figures(cells, cost, (tuple(rounds), fresh, in_hand), band, bands)


def _cells(lives: Sequence[Sequence[Lived]], name: str, place: int) -> Array:
    """[T, A], means over the draws of each split."""
    return np.stack(
        [mean_known(np.stack([getattr(life, name)[place] for life in split]), axis=0) for split in lives],
        axis=1,
    )


def _overstated(lives: Sequence[Sequence[Lived]], splits: Sequence[Split], place: int) -> Array:
    return np.stack(
        [
            mean_known(
                np.stack([one.claimed[place] - (one.fresh[place] - split.level) for one in many]), axis=0
            )
            for many, split in zip(lives, splits, strict=True)
        ],
        axis=1,
    )


def _band(lives: Sequence[Sequence[Lived]], name: str, place: int, factor: float) -> tuple[float, float]:
    """5 and 95 % over draws of the mean over targets and splits: where a single order ends by chance."""
    draws = [
        float(mean_known(np.concatenate([getattr(split[draw], name)[place] for split in lives]), axis=0))
        for draw in range(len(lives[0]))
    ]
    low, high = np.quantile(draws, [0.05, 0.95])
    return factor * float(low), factor * float(high)


def control_cells(found: Control) -> Figures:
    """A control's figures: the same at both budgets."""
    cells: Cells = {}
    for share in SHARES if found.lost.shape[1] else ():
        label = f"@{100 * share:g}"
        cells |= {
            f"lost{label}": found.lost * 100,
            f"best{label}": found.best * 100,
            f"fresh{label}": found.fresh,
            f"in_hand{label}": found.in_hand,
        }
    return Figures(cells, {"whole": found.cost})
