"""RMSE@K on single runs."""

import numpy as np
import pytest
from tests.evaluation.truths import noisy_truth, truth_of

from forelearn.evaluation.errors_at import (
    depths_of,
    error_curve,
    floor_curve,
    no_model_curve,
    rmse_difference,
    rmse_over,
)


def test_rmse_at_k_by_hand():
    """Predicted .9 and .5; runs .8, 1.0 and .1, .1. K = 1: √((.01 + .01) / 2) = .1; K = 2: √((.01 + .16) / 2)."""
    predicted = np.array([[0.9, 0.5]])
    runs = np.array([[[0.8, 1.0], [0.1, 0.1]]])
    found = rmse_over(predicted, predicted, runs, [1, 2], level=0.9, seed=0)
    assert [value.mean for value in found] == pytest.approx([10.0, 100 * np.sqrt(0.085)])


def test_the_rule_without_a_model_predicts_every_pair_at_its_baseline():
    found = no_model_curve(truth_of([[[0.03], [-0.04]]]))
    assert found.by_gain[-1].mean == pytest.approx(100 * np.sqrt((0.03**2 + 0.04**2) / 2))


def test_nothing_gets_below_the_noise_floor_but_by_luck():
    """A perfect predictor of many noisy pairs errs by their run noise, .02."""
    truth = noisy_truth(20, 20, 4)
    assert floor_curve(truth).by_performance[-1].mean == pytest.approx(2.0, rel=0.1)


def test_missing_pairs_are_left_out_and_k_ends_with_all_pairs():
    truth = noisy_truth(3, 4)
    predicted = np.full((3, 4), 0.5)
    predicted[0, 0] = np.nan
    assert error_curve("x", "gain", predicted, truth).ks[-1] == 11
    assert depths_of(132)[-2:] == (100, 132)


def test_the_order_of_targets_changes_no_digit():
    truth = noisy_truth(5, 4)
    other = truth.at([3, 1, 4, 0, 2])
    one, again = no_model_curve(truth), no_model_curve(other)
    assert (one.by_performance, one.by_gain) == (again.by_performance, again.by_gain)


def test_a_difference_of_errors_is_paired():
    """Off by .1 against off by .2 in every run: 10 points apart in every draw; a predictor and itself: 0."""
    truth = noisy_truth(6, 5, noise=0.0)
    right = truth.test.pairs[:, :, 0]
    found = rmse_difference(right + 0.1, right - 0.2, truth.test.pairs, 30)
    assert (found.mean, found.low, found.high) == pytest.approx((-10.0, -10.0, -10.0))
    assert rmse_difference(right, right, truth.test.pairs, 7).high == 0.0
