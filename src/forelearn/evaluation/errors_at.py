"""RMSE@K on a study's single runs, with what no predictor can get below.

Figure 1 of Pugantsov & McCreadie 2022. An error is that of one run, as in the paper: a perfect predictor still
errs by the noise between seeds, which is drawn as the floor. A pair's squared error is its mean over seeds; the
K pairs that are predicted to be best are taken as `rmse_at` takes them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forelearn.evaluation.intervals import Interval
from forelearn.evaluation.prediction import rmse_at
from forelearn.evaluation.table import Array, mean_known
from forelearn.evaluation.truth import Truth


@dataclass(frozen=True, slots=True, eq=False)
class ErrorCurve:
    """RMSE@K of one feature set or rule, in points. ks: K. ranked by predicted performance, and by predicted gain.

    form: `performance` (the paper's), `gain`, or `rule` for what needs no fit. predicted: [T, S], performances.
    """

    name: str
    form: str
    ks: tuple[int, ...]
    predicted: Array
    by_performance: tuple[Interval, ...]
    by_gain: tuple[Interval, ...]


def error_curve(
    name: str, form: str, predicted: Array, truth: Truth, *, level: float = 0.9, seed: int = 0
) -> ErrorCurve:
    """RMSE@K of predicted performances [T, S] on the test runs of a study."""
    gain = predicted - mean_known(truth.test.baselines, axis=1)[:, None]
    usable = np.isfinite(predicted) & np.isfinite(truth.test.pairs).any(axis=2)
    ks = depths_of(int(usable.sum())) if usable.any() else ()
    both = [
        tuple(rmse_over(order, predicted, truth.test.pairs, ks, level=level, seed=seed))
        for order in (predicted, np.round(gain, 12))
    ]
    return ErrorCurve(name, form, ks, predicted, both[0], both[1])


def no_model_curve(truth: Truth, *, level: float = 0.9, seed: int = 0) -> ErrorCurve:
    """The rule that needs no predictor: a pair performs as its target's baseline does."""
    rule = np.broadcast_to(mean_known(truth.test.baselines, axis=1)[:, None], truth.candidates.shape)
    known = np.where(truth.candidates, rule, np.nan)
    return error_curve("no model", "rule", known, truth, level=level, seed=seed)


def floor_curve(truth: Truth, *, level: float = 0.9, seed: int = 0) -> ErrorCurve:
    """What no predictor gets below: run noise. A run is predicted by the other runs' mean of its own pair, and the
    error is reduced to that of the pair's true mean: with R runs a pair, by √((R − 1) / R)."""
    runs = truth.test.pairs
    count = np.isfinite(runs).sum(axis=2)
    means = np.where(count > 1, mean_known(runs, axis=2), np.nan)
    spread = (runs - means[:, :, None]) * np.sqrt(count / np.maximum(count - 1, 1))[:, :, None]
    perfect = replace(truth, test=replace(truth.test, pairs=means[:, :, None] + spread))
    return error_curve("noise floor", "rule", means, perfect, level=level, seed=seed)


def depths_of(count: int) -> tuple[int, ...]:
    """K of the paper's figure, 5 to 100, as far as there are pairs, and all pairs."""
    return (*(k for k in (5, 7, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100) if k < count), count)


def rmse_over(
    order: Array,
    predicted: Array,
    runs: Array,
    ks: Sequence[int],
    *,
    level: float,
    seed: int,
    draws: int = 200,
) -> list[Interval]:
    """RMSE@K for each K, in points, with intervals over targets and seeds. Predictions are not refitted.

    order, predicted: [T, S], what pairs are ranked by and what is predicted of a run; runs: [T, S, R], what came
    of it. NaN where there is no such pair or no run.
    """
    squares = (runs - predicted[:, :, None]) ** 2
    usable = np.isfinite(order) & np.isfinite(squares).any(axis=2)
    rows = [_Row(order[t, usable[t]], squares[t, usable[t]]) for t in range(len(order)) if usable[t].any()]
    rows.sort(key=lambda row: (row.order.tolist(), np.nan_to_num(row.squares, nan=-1.0).tolist()))
    undefined = len(order) - len(rows)
    if not rows:
        return [Interval(math.nan, math.nan, math.nan, 0, undefined) for _ in ks]
    rng = np.random.default_rng(seed)
    own = _rmse([(row.order, mean_known(row.squares, axis=1)) for row in rows], ks)
    drawn = np.array(
        [
            _rmse([rows[index].drawn(rng) for index in rng.integers(0, len(rows), len(rows))], ks)
            for _ in range(draws)
        ]
    )
    low, high = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    return [
        Interval(100 * value, 100 * float(a), 100 * float(b), len(rows), undefined)
        for value, a, b in zip(own, low, high, strict=True)
    ]


def rmse_difference(
    first: Array, second: Array, runs: Array, k: int, *, level: float = 0.9, seed: int = 0, draws: int = 400
) -> Interval:
    """RMSE@K of one predictor less that of another, in points, on the same draws of targets and seeds.

    first, second: predicted performances [T, S]; each ranks the pairs that it is judged on. runs: [T, S, R].
    """
    both = np.isfinite(first) & np.isfinite(second) & np.isfinite(runs).any(axis=2)
    rows = [
        tuple(
            _Row(guess[t, both[t]], (runs[t, both[t]] - guess[t, both[t], None]) ** 2)
            for guess in (first, second)
        )
        for t in range(len(runs))
        if both[t].any()
    ]
    rows.sort(key=lambda pair: pair[0].order.tolist())
    undefined = len(runs) - len(rows)
    if not rows:
        return Interval(math.nan, math.nan, math.nan, 0, undefined)

    def difference(pairs: Sequence[Sequence[tuple[Array, Array]]]) -> float:
        one, other = (_rmse([pair[place] for pair in pairs], [k])[0] for place in (0, 1))
        return 100 * (one - other)

    rng = np.random.default_rng(seed)
    own = difference([[(row.order, mean_known(row.squares, axis=1)) for row in pair] for pair in rows])
    drawn = []
    for _ in range(draws):
        chosen = []
        for index in rng.integers(0, len(rows), len(rows)):
            seeds = rng.choice(rows[index][0].seeds, len(rows[index][0].seeds))
            chosen.append([row.at(seeds) for row in rows[index]])
        drawn.append(difference(chosen))
    low, high = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2])
    return Interval(own, float(low), float(high), len(rows), undefined)


class _Row:
    """The pairs of one target: what they are ranked by, [m], and squared errors of runs, [m, R]."""

    def __init__(self, order: Array, squares: Array) -> None:
        place = np.lexsort((mean_known(squares, axis=1), order))
        self.order, self.squares = order[place], squares[place]
        self.seeds = np.flatnonzero(np.isfinite(squares).any(axis=0))

    def drawn(self, rng: np.random.Generator) -> tuple[Array, Array]:
        return self.at(rng.choice(self.seeds, len(self.seeds)))

    def at(self, seeds: NDArray[np.int64]) -> tuple[Array, Array]:
        """What pairs are ranked by, and their squared errors as means over these seeds."""
        means = mean_known(self.squares[:, seeds], axis=1)
        known = np.isfinite(means)
        return self.order[known], means[known]


def _rmse(rows: Sequence[tuple[Array, Array]], ks: Sequence[int]) -> list[float]:
    order = np.concatenate([row for row, _ in rows])
    error = np.sqrt(np.concatenate([row for _, row in rows]))
    return [rmse_at(order, order + error, min(k, len(order))) for k in ks]
