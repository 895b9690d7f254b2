"""Intervals over targets and seeds."""

import itertools
import math

import numpy as np
import pytest

from forelearn.evaluation.figures import ratio
from forelearn.evaluation.hierarchical import mean_over, ratio_over, resampled


def test_the_mean_counts_each_target_once_however_many_seeds_it_has():
    """(1 + (2 + 4) / 2) / 2 = 2, not (1 + 2 + 4) / 3."""
    found = mean_over([[1.0, np.nan], [2.0, 4.0]])
    assert (found.mean, found.targets, found.undefined) == (2.0, 2, 0)


def test_the_draws_follow_the_two_level_distribution_by_brute_force():
    """Two targets of two seeds: every draw of targets, then of each drawn target's seeds, counted one by one."""
    values = [[0.0, 1.0], [4.0, 8.0]]
    exact = [
        np.mean([np.mean(one), np.mean(other)])
        for rows in itertools.product(values, repeat=2)
        for one, other in itertools.product(*(itertools.product(row, repeat=2) for row in rows))
    ]
    _, drawn, _, _ = resampled((values,), draws=20_000)
    for quantile in (0.05, 0.25, 0.5, 0.75, 0.95):
        inside = np.mean(drawn[:, 0] <= np.quantile(exact, quantile, method="lower") + 1e-9)
        assert inside == pytest.approx(
            np.mean(np.array(exact) <= np.quantile(exact, quantile, method="lower") + 1e-9), abs=0.02
        )


def test_one_seed_for_each_target_gives_the_bootstrap_over_targets():
    values = np.random.default_rng(0).normal(size=(12, 1))
    found = mean_over(values)
    spread = values.std() / math.sqrt(12)
    assert found.high - found.low == pytest.approx(2 * 1.645 * spread, rel=0.1)


def test_the_order_of_targets_and_seeds_changes_no_digit():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(7, 4))
    values[2, 1] = np.nan
    shuffled = rng.permuted(values, axis=1)[rng.permutation(7)]
    assert mean_over(values) == mean_over(shuffled)


def test_a_ratio_is_of_sums_and_unknown_where_nothing_was_to_gain():
    """(1 + 3) / (2 + 6) = 0.5, though the targets' own ratios are 0.5 and 0.5; a whole of −1 has no share."""
    assert ratio_over([[1.0], [3.0]], [[2.0], [6.0]]).mean == 0.5
    assert math.isnan(ratio_over([[1.0]], [[-1.0]]).mean)


def test_draws_without_a_whole_leave_a_bound_unknown_in_both_ratios():
    """A whole of 1 or −1 a target: a third of the draws have nothing to gain, and none of those is left out."""
    part, whole = np.ones(6), np.array([1.0, 1.0, 1.0, 1.0, -1.0, -1.0])
    for found in (ratio_over(part[:, None], whole[:, None]), ratio(part, whole, level=0.9, seed=0)):
        assert found.mean == pytest.approx(6 / 2)
        assert found.low == pytest.approx(1.0)
        assert found.high == math.inf


def test_what_is_undefined_is_counted_and_one_target_has_no_interval():
    found = mean_over([[np.nan], [3.0]])
    assert (found.mean, found.undefined, found.high) == (3.0, 1, math.inf)
    assert math.isnan(mean_over([[np.nan]]).mean)


def test_the_interval_covers_the_mean_of_a_population_of_targets_and_seeds():
    """Targets SD 1, seeds SD 1, 12 targets × 3 seeds: 90 % intervals hold the true mean 0 nearly so often."""
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(200):
        values = rng.normal(size=(12, 1)) + rng.normal(size=(12, 3))
        found = mean_over(values, draws=300)
        hits += found.low <= 0 <= found.high
    assert 0.83 <= hits / 200 <= 0.96
