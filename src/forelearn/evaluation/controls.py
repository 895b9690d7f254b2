"""What competes with every transfer and learns from no other task: each is always taken, in every split.

`another seed` trains the baseline twice and keeps the better run on dev: in hand that is a gain, on fresh seeds
it is the baseline. `everything` tries every source once and keeps the best on dev.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forelearn.evaluation.judging import found
from forelearn.evaluation.lived import Split, judged
from forelearn.evaluation.table import Array, mean_known
from forelearn.evaluation.truth import Side, Truth

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
        return np.stack([points, best, split.level + gain, _better_of_two(truth.dev, test, place)])
    if name == "no transfer":
        return np.stack([points, best, split.level + gain, split.own])
    runs = test.itself if name == "B → B" else test.longer
    others = [other for other in range(len(truth.seeds)) if other != place]
    own = mean_known(runs[:, others], axis=1) - split.level
    return np.stack([best - own, best, split.level + own, runs[:, place]])


def _better_of_two(dev: Side, test: Side, place: int) -> Array:
    """[T]: test of the better one on dev of this seed's baseline and another, mean over the others."""
    kept: Array = np.full(test.baselines.shape, np.nan)
    for other in range(kept.shape[1]):
        if other != place:
            first = dev.baselines[:, place] >= dev.baselines[:, other]
            pair = np.where(first, test.baselines[:, place], test.baselines[:, other])
            both = np.isfinite(dev.baselines[:, place]) & np.isfinite(dev.baselines[:, other])
            kept[:, other] = np.where(both, pair, np.nan)
    return mean_known(kept, axis=1)


def reseeded(truth: Truth) -> tuple[tuple[float, Array], ...]:
    """(share of the exhaustive cost, [T, 1]) for 1, 2, … baselines: test of the best of so many on dev, in hand.

    The expectation over which of the seeds; what the same money buys without any source.
    """
    dev, test = truth.dev.baselines, truth.test.baselines
    known = np.isfinite(dev) & np.isfinite(test)
    alone = float(truth.costs.sum())
    whole = alone + float((truth.candidates.sum(axis=1) * truth.costs).sum())
    rows: list[tuple[float, Array]] = []
    for count in range(1, int(known.sum(axis=1).min(initial=99)) + 1 if len(known) else 1):
        values = [
            found(np.zeros(int(here.sum())), d[here], v[here], count) for d, v, here in zip(dev, test, known)
        ]
        rows.append((count * alone / whole, np.array(values)[:, None]))
    return tuple(rows)


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
