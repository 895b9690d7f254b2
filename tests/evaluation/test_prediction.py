import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import root_mean_squared_error

from forelearn.evaluation.prediction import loss, mean_loss, no_model, rmse_at

PAIRS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12)


def test_rmse_is_over_the_pairs_that_are_predicted_best():
    """Predicted .9, .5, .1 and actual .5, .8, .1; the best two are off by .4 and −.3: √((.16 + .09) / 2) =
    .35355.
    """
    assert rmse_at([0.5, 0.1, 0.9], [0.8, 0.1, 0.5], 2) == pytest.approx(math.sqrt(0.125))


def test_tied_predictions_are_taken_in_every_order_at_once():
    """All predict 0, actual 1, 2, 3: the expected squared error of any one is (1 + 4 + 9) / 3."""
    assert rmse_at([0, 0, 0], [1, 2, 3], 1) == pytest.approx(math.sqrt(14 / 3))


@given(PAIRS, st.integers(1, 15), st.randoms(use_true_random=False))
@settings(max_examples=80)
def test_rmse_does_not_depend_on_the_order_of_rows_and_is_the_plain_one_over_all(pairs, k, random):
    shuffled = pairs[:]
    random.shuffle(shuffled)
    assert rmse_at(*zip(*pairs), k) == pytest.approx(rmse_at(*zip(*shuffled), k))
    predicted, actual = np.array(pairs, float).T
    assert rmse_at(predicted, actual, len(pairs)) == pytest.approx(root_mean_squared_error(actual, predicted))


def test_rmse_of_bad_input_is_refused():
    for predicted, actual, k in (
        ([], [], 1),
        ([1.0], [1.0], 0),
        ([1.0], [1.0, 2.0], 1),
        ([math.nan], [1.0], 1),
    ):
        with pytest.raises(ValueError):
            rmse_at(predicted, actual, k)


def test_without_a_predictor_a_pair_performs_as_the_baseline():
    assert no_model(["b", "a", "b"], {"a": 0.2, "b": 0.6}).tolist() == [0.6, 0.2, 0.6]


def test_the_papers_pick_at_16_percent_of_the_time_recovers_nothing_and_at_half_the_time_43_percent():
    """Best .3199, baseline .2856. Pick .2854: lost .0345 of .0343. Pick .3003: lost .0196 of .0343, so 57
    %.
    """
    early, late = loss(0.3199, 0.2854, 0.2856), loss(0.3199, 0.3003, 0.2856)
    assert early.points == pytest.approx(0.0345)
    assert early.share == pytest.approx(1.006, abs=1e-3)
    assert 1 - late.share == pytest.approx(0.43, abs=0.005)


def test_where_nothing_beats_the_baseline_the_share_is_undefined():
    assert math.isnan(loss(0.5, 0.4, 0.5).share)
    assert loss(0.5, 0.4, 0.5).points == pytest.approx(0.1)


def test_the_mean_loss_is_the_points_lost_over_the_points_to_be_had():
    """Lost .1 and 0 of .1 and .3: mean points .05; share .1 / .4 = .25 (the mean of the shares would be
    .5).
    """
    mean = mean_loss([0.6, 0.8], [0.5, 0.8], [0.5, 0.5])
    assert (mean.points, mean.share) == pytest.approx((0.05, 0.25))
    with pytest.raises(ValueError, match="T ≥ 1"):
        mean_loss([], [], [])
