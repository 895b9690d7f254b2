"""What competes with every transfer and learns from no other task: each is always taken, in every split.

`another seed` trains the baseline twice and keeps the better run on dev: in hand that is a gain, on fresh seeds
it is the baseline. `everything` tries every source once and keeps the best on dev.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from forelearn.evaluation.lived import Split, judged
from forelearn.evaluation.table import Array, Mask, mean_known
from forelearn.evaluation.truth import Truth

CONTROLS: dict[str, str] = {
    "no transfer": "nothing",
    "another seed": "the better of two baselines on dev",
    "B → B": "nothing",
    "train longer": "nothing",
    "everything": "every source on one seed",
}
"""Control → what it sees."""


@dataclass(frozen=True, slots=True, eq=False)
class Control:
    """Arrays are [T, A], a column a split. cost: share of the exhaustive cost, baselines included."""

    lost: Array
    best: Array
    fresh: Array
    in_hand: Array
    cost: float


def control(truth: Truth, splits: Sequence[Split], name: str) -> Control:
    """One control in every split."""
    columns = [_column(truth, split, name) for split in splits]
    empty = np.empty((len(truth.targets), 0))
    parts = [np.stack([c[part] for c in columns], axis=1) if columns else empty for part in range(4)]
    return Control(parts[0], parts[1], parts[2], parts[3], _cost(truth, name))


def _column(truth: Truth, split: Split, name: str) -> Array:
    """[4, T]: lost, best, fresh, in hand."""
    stay = (None,) * len(truth.targets)
    points, best, gain = judged(stay, split)
    place = truth.seeds.index(split.seed)
    test = truth.test
    if name == "everything":
        runs = split.view.gains[:, :, 0]
        tops = [
            split.view.sources[int(np.nanargmax(row))] if np.nanmax(row, initial=0.0) > 0 else None
            for row in runs
        ]
        points, best, gain = judged(tuple(tops), split)
        kept = [
            split.own[row] if top is None else split.runs[row, split.view.sources.index(top)]
            for row, top in enumerate(tops)
        ]
        return np.stack([points, best, split.level + gain, np.array(kept)])
    if name == "another seed":
        two = reseeded(truth, [split])[1:2]
        either = two[0][1][:, 0] if two else np.full(len(points), np.nan)
        return np.stack([points, best, split.level + gain, either])
    if name == "no transfer":
        return np.stack([points, best, split.level + gain, split.own])
    runs = test.itself if name == "B → B" else test.longer
    others = [other for other in range(len(truth.seeds)) if other != place]
    own = mean_known(runs[:, others], axis=1) - split.level
    return np.stack([best - own, best, split.level + own, runs[:, place]])


MOST = 6
"""Baselines that `reseeded` goes up to."""


def reseeded(truth: Truth, splits: Sequence[Split]) -> tuple[tuple[float, Array], ...]:
    """(share of the exhaustive cost, [T, A]) for 1, 2, … baselines: test of the best of so many on dev, in hand.

    The search's own seed is among them; the expectation is over which others. What the same money buys without
    any source.
    """
    alone = float(truth.costs.sum())
    whole = alone + float((truth.candidates.sum(axis=1) * truth.costs).sum())
    dev, test = truth.dev.baselines, truth.test.baselines
    known = np.isfinite(dev) & np.isfinite(test)
    places = [truth.seeds.index(split.seed) for split in splits]
    most = min(MOST, int(known.sum(axis=1).min(initial=MOST)))
    return tuple(
        (
            count * alone / whole,
            np.array(
                [
                    [_best_of(dev[t], test[t], known[t], place, count) for place in places]
                    for t in range(len(dev))
                ]
            ),
        )
        for count in range(1, most + 1 if places else 1)
    )


def _best_of(dev: Array, test: Array, known: Mask, own: int, count: int) -> float:
    """Mean over every choice of `count` seeds that holds `own`: test of the one that is best on dev."""
    others = [int(place) for place in np.flatnonzero(known) if place != own]
    if not known[own]:
        return float("nan")
    kept = [test[max((own, *more), key=dev.tolist().__getitem__)] for more in combinations(others, count - 1)]
    return float(np.mean(kept)) if kept else float("nan")


def _cost(truth: Truth, name: str) -> float:
    """In runs of the target: the baseline is one, B → B another, a run of twice the epochs two."""
    pairs = float((truth.candidates.sum(axis=1) * truth.costs).sum())
    alone = float(truth.costs.sum())
    more = {
        "no transfer": 0.0,
        "another seed": alone,
        "B → B": alone,
        "train longer": 2 * alone,
        "everything": pairs,
    }
    return (alone + more[name]) / (alone + pairs)
