"""Before any claim: do two seeds agree on the order of sources, and is there more than noise to find?"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from forelearn.evaluation.intervals import Interval, bootstrap_mean
from forelearn.evaluation.table import Array, Table, mean_known


@dataclass(frozen=True, slots=True)
class Reliability:
    """What a table can support. Each figure is a mean over targets with its interval.

    agreement: Spearman's rank correlation of sources between two seeds, mean over all pairs of seeds; None
    with one seed. harmful: share of pairs whose mean gain is at most 0; None without baselines.
    seed_sd: SD of a pair's runs over seeds, in points, pooled over pairs; None with one seed.
    source_sd: SD of the pairs' means over the sources of a target, in points, pooled over targets; it holds
    what seed noise the means still carry.
    """

    agreement: Interval | None
    harmful: Interval | None
    seed_sd: Interval | None
    source_sd: Interval


def reliability(table: Table, *, level: float = 0.9, seed: int = 0) -> Reliability:
    """Measure a table. level: of the intervals, bootstrapped over targets. seed: of the bootstrap."""
    values = np.where(table.candidates[:, :, None], table.values, np.nan)
    means = mean_known(values, axis=2)
    several = len(table.seeds) > 1
    gains = np.where(table.known[:, None], means, np.nan)
    harmful = mean_known(np.where(np.isfinite(gains), gains <= 0, np.nan), axis=1)
    return Reliability(
        agreement=bootstrap_mean(_agreement(values), level=level, seed=seed) if several else None,
        harmful=bootstrap_mean(harmful, level=level, seed=seed) if table.known.any() else None,
        seed_sd=_root(_variance_within(values), level, seed, table.unit) if several else None,
        source_sd=_root(np.array([_variance(row) for row in means]), level, seed, table.unit),
    )


def _agreement(values: Array) -> Array:
    """[T]: mean Spearman correlation over pairs of seeds, of the sources (at least 3) that both have."""
    found = np.full(len(values), np.nan)
    for target, runs in enumerate(values):
        pairs = [
            _spearman(runs[:, a], runs[:, b]) for a, b in itertools.combinations(range(runs.shape[1]), 2)
        ]
        known = [value for value in pairs if not math.isnan(value)]
        if known:
            found[target] = math.fsum(known) / len(known)
    return found


def _spearman(first: Array, second: Array) -> float:
    both = np.isfinite(first) & np.isfinite(second)
    if both.sum() < 3:
        return math.nan
    one, other = rankdata(first[both]), rankdata(second[both])
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return math.nan
    return float(np.corrcoef(one, other)[0, 1])


def _variance_within(values: Array) -> Array:
    """[T]: variance over seeds pooled over the target's pairs by their degrees of freedom."""
    known = np.isfinite(values)
    off = np.where(known, values - mean_known(values, axis=2)[:, :, None], 0.0)
    freedom = np.maximum(known.sum(axis=2) - 1, 0).sum(axis=1)
    pooled: Array = np.where(freedom > 0, (off**2).sum(axis=(1, 2)) / np.maximum(freedom, 1), np.nan)
    return pooled


def _variance(row: Array) -> float:
    known = row[np.isfinite(row)]
    return float(known.var(ddof=1)) if len(known) > 1 else math.nan


def _root(variances: Array, level: float, seed: int, unit: float) -> Interval:
    """The root of a mean variance, in points; its bounds are the roots of the variance's."""
    found = bootstrap_mean(variances * unit**2, level=level, seed=seed)
    low, mean, high = (math.sqrt(max(part, 0.0)) for part in (found.low, found.mean, found.high))
    return Interval(mean, low, high, found.targets, found.undefined)
