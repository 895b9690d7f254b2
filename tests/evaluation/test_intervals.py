import math

import numpy as np
import pytest
from scipy.stats import bootstrap

from forelearn.evaluation.intervals import Interval, bootstrap_mean


def test_two_targets_have_the_quantiles_of_three_equally_spaced_means():
    """Values 0 and 1: the mean of two draws is 0, .5, 1 with chance ¼, ½, ¼, so the 5 % and 95 % quantiles
    are 0 and 1,

    and at level .4 (30 % and 70 %) both are .5.
    """
    assert bootstrap_mean([0, 1]) == Interval(0.5, 0.0, 1.0, 2, 0)
    assert bootstrap_mean([0, 1], level=0.4) == Interval(0.5, 0.5, 0.5, 2, 0)


def test_undefined_targets_are_counted_not_hidden():
    interval = bootstrap_mean([0.2, math.nan, 0.4])
    assert (interval.mean, interval.targets, interval.undefined) == (pytest.approx(0.3), 2, 1)
    assert math.isnan(bootstrap_mean([math.nan]).mean)
    assert bootstrap_mean([0.2]) == Interval(0.2, -math.inf, math.inf, 1, 0)


def test_the_order_of_targets_says_nothing_and_a_shift_shifts():
    values = np.random.default_rng(0).normal(size=12)
    interval, shifted = bootstrap_mean(values), bootstrap_mean(values[::-1] + 3)
    assert bootstrap_mean(values[::-1]) == interval
    assert (shifted.low, shifted.mean, shifted.high) == pytest.approx(
        (interval.low + 3, interval.mean + 3, interval.high + 3)
    )


def test_the_interval_agrees_with_scipys_percentile_bootstrap():
    values = np.random.default_rng(1).exponential(size=20)
    ours = bootstrap_mean(values, draws=20000)
    theirs = bootstrap(
        (values,), np.mean, confidence_level=0.9, method="percentile", n_resamples=20000, rng=0
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.01)


def test_infinite_values_and_bad_levels_are_refused():
    with pytest.raises(ValueError, match="finite"):
        bootstrap_mean([math.inf])
    with pytest.raises(ValueError, match="`level`"):
        bootstrap_mean([1.0], level=0)
