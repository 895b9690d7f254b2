import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import root_mean_squared_error

from forelearn.evaluation.prediction import rmse_at

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
