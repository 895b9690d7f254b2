"""Before any claim of a study: do seeds agree on the order of sources, and is a best source more than luck?"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from forelearn.evaluation.hierarchical import mean_over
from forelearn.evaluation.intervals import Interval
from forelearn.evaluation.judging import found
from forelearn.evaluation.table import Array, mean_known
from forelearn.evaluation.truth import Side, Truth


@dataclass(frozen=True, slots=True)
class Noise:
    """Means over targets with intervals; standard deviations and gains in points (hundredths).

    agreement: Spearman's rank correlation of sources between two seeds, by side (`dev`, `test`), and `dev → test`
    of one seed. baseline_sd, pair_sd: between seeds. source_sd: of the pairs' means across the sources of a
    target; true_source_sd: the same less what seed noise the means still carry (0 if nothing is left).
    harmful: share of pairs whose mean gain on test is at most 0.
    best: (how many, what was tried, picked on) → gain on test of the best of so many single runs over the mean
    baseline; what: `sources` or `baselines`; picked on `test`, as the paper does, or on `dev`.
    """

    metric: str
    agreement: dict[str, Interval]
    baseline_sd: Interval
    pair_sd: Interval
    source_sd: Interval
    true_source_sd: Interval
    harmful: Interval
    best: dict[tuple[int, str, str], Interval]


def noise(truth: Truth, *, level: float = 0.9, seed: int = 0) -> Noise:
    """Measure a study. level: of the intervals, bootstrapped over targets (and seeds). seed: of the bootstrap."""
    test = truth.test
    means = mean_known(test.pairs, axis=2)
    within, runs = _within(test.pairs)
    across = np.array([_variance(row) for row in means])
    carried = mean_known(np.where(runs > 0, within[:, None] / np.maximum(runs, 1), np.nan), axis=1)
    gains = means - mean_known(test.baselines, axis=1)[:, None]
    harmful = mean_known(np.where(np.isfinite(gains), gains <= 0, np.nan), axis=1)

    def root(variances: Array) -> Interval:
        interval = mean_over(variances[:, None] * 1e4, level=level, seed=seed)
        low, mean, high = (math.sqrt(max(part, 0.0)) for part in (interval.low, interval.mean, interval.high))
        return Interval(mean, low, high, interval.targets, interval.undefined)

    return Noise(
        truth.metric,
        {
            **{
                name: mean_over(_between_seeds(side.pairs), level=level, seed=seed)
                for name, side in (("dev", truth.dev), ("test", test))
            },
            "dev → test": mean_over(_between_sides(truth), level=level, seed=seed),
        },
        root(_within(test.baselines[:, None])[0]),
        root(within),
        root(across),
        root(across - carried),
        mean_over(harmful[:, None], level=level, seed=seed),
        {key: mean_over(100 * values, level=level, seed=seed) for key, values in best_of(truth).items()},
    )


def best_of(truth: Truth) -> dict[tuple[int, str, str], Array]:
    """(how many, what, picked on) → [T, A] gain on test of the best of so many, the expectation over which.

    As many re-seeded baselines as there are, as many sources, and all sources.
    """
    reseeded = _fewest(truth.test.baselines[:, None])
    every = int(np.isfinite(truth.test.pairs).any(axis=2).sum(axis=1).max(initial=0))
    zero = mean_known(truth.test.baselines, axis=1)
    result: dict[tuple[int, str, str], Array] = {}
    for picked, chooser in (("test", truth.test), ("dev", truth.dev)):
        if reseeded:
            result[reseeded, "baselines", picked] = _best(
                chooser.baselines[:, :, None], truth.test.baselines[:, :, None], zero, reseeded
            )
            result[reseeded, "sources", picked] = _best(chooser.pairs, truth.test.pairs, zero, reseeded)
        if every:
            result[every, "sources", picked] = _best(chooser.pairs, truth.test.pairs, zero, every)
    return result


def _best(chooser: Array, value: Array, zero: Array, count: int) -> Array:
    """[T, A] from runs [T, m, A]: the chooser's best of `count` random ones of m, less the baseline."""
    best = np.full((len(value), value.shape[2]), np.nan)
    for row, column in np.ndindex(*best.shape):
        here = np.isfinite(chooser[row, :, column]) & np.isfinite(value[row, :, column])
        if here.sum() >= max(count, 1):
            runs = value[row, here, column]
            best[row, column] = (
                found(np.zeros(len(runs)), chooser[row, here, column], runs, count) - zero[row]
            )
    return best


def _fewest(runs: Array) -> int:
    counts = np.isfinite(runs).sum(axis=2)
    return int(counts[counts > 0].min(initial=99)) if counts.any() else 0


def _between_seeds(pairs: Array) -> Array:
    """[T, pairs of seeds]: Spearman's correlation over the sources that both have, at least 3."""
    couples = list(itertools.combinations(range(pairs.shape[2]), 2))
    values = [[_spearman(row[:, a], row[:, b]) for a, b in couples] or [math.nan] for row in pairs]
    return np.array(values, np.float64)


def _between_sides(truth: Truth) -> Array:
    """[T, R]: of one seed's dev with its test."""
    both = zip(truth.dev.pairs, truth.test.pairs, strict=True)
    return np.array([[_spearman(d[:, r], t[:, r]) for r in range(d.shape[1])] for d, t in both], np.float64)


def _spearman(first: Array, second: Array) -> float:
    both = np.isfinite(first) & np.isfinite(second)
    if both.sum() < 3 or np.ptp(first[both]) == 0 or np.ptp(second[both]) == 0:
        return math.nan
    return float(spearmanr(first[both], second[both]).statistic)


def _within(runs: Array) -> tuple[Array, Array]:
    """[T] variance over seeds pooled over a target's rows [m, R] by degrees of freedom; [T, m] how many runs."""
    known = np.isfinite(runs)
    off = np.where(known, runs - mean_known(runs, axis=2)[:, :, None], 0.0)
    freedom = np.maximum(known.sum(axis=2) - 1, 0).sum(axis=1)
    pooled = np.where(freedom > 0, (off**2).sum(axis=(1, 2)) / np.maximum(freedom, 1), np.nan)
    return pooled, known.sum(axis=2)


def _variance(row: Array) -> float:
    known = row[np.isfinite(row)]
    return float(known.var(ddof=1)) if len(known) > 1 else math.nan


def run_sd(side: Side) -> tuple[Array, Array]:
    """[T] standard deviation of a run between seeds, pooled over the target's pairs and baselines; [T] freedom."""
    runs = np.concatenate(
        [side.pairs, side.baselines[:, None], side.itself[:, None], side.longer[:, None]], axis=1
    )
    variance, counts = _within(runs)
    return np.sqrt(variance), np.maximum(counts - 1, 0).sum(axis=1).astype(np.float64)
