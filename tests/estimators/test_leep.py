import numpy as np
import pytest
from benchmarks import _literal as literal
from hypothesis import given, settings
from hypothesis import strategies as st

from forelearn.estimators.leep import leep
from forelearn.estimators.nce import nce


def test_of_three_rows_by_hand():
    """θ = (.8, .2), (.6, .4), (.1, .9), y = 0 0 1. P(0|z) = 1.4 / 1.5, .6 / 1.5; P(1|z) = .1 / 1.5, .9 / 1.5.
    Likelihoods .826667, .72, .546667: mean logarithm −.374258.
    """
    theta = [[0.8, 0.2], [0.6, 0.4], [0.1, 0.9]]
    by_hand = np.log([0.8 * 1.4 / 1.5 + 0.2 * 0.4, 0.72, 0.82 / 1.5]).mean()
    assert by_hand == pytest.approx(-0.374258, abs=1e-6)
    assert leep(theta, [0, 0, 1]) == pytest.approx(by_hand, abs=1e-12)


@given(seed=st.integers(0, 10_000), width=st.integers(1, 5))
@settings(max_examples=40)
def test_it_agrees_with_the_loops_and_names_and_order_say_nothing(seed, width):
    rng = np.random.default_rng(seed)
    theta = rng.dirichlet(np.full(width, 0.3), 12)
    targets = np.append(rng.integers(0, 3, 10), [0, 1])
    value = leep(theta, targets)
    assert value == pytest.approx(literal.leep(theta, targets), abs=1e-12)
    rows, columns = rng.permutation(12), rng.permutation(width)
    assert leep(theta[rows][:, columns], 5 - targets[rows]) == pytest.approx(value, abs=1e-11)


def test_certain_predictions_give_nce():
    rng = np.random.default_rng(0)
    hard, targets = rng.integers(0, 4, 50), rng.integers(0, 3, 50)
    assert leep(np.eye(4)[hard], targets) == pytest.approx(nce(hard, targets), abs=1e-12)


def test_a_source_label_that_is_never_predicted_changes_nothing():
    theta, targets = np.random.default_rng(1).dirichlet(np.ones(3), 10), np.arange(10) % 2
    padded = np.hstack([theta, np.zeros((10, 2))])
    assert leep(padded, targets) == pytest.approx(leep(theta, targets), abs=1e-12)


def test_half_precision_rounds_and_is_taken():
    theta = np.random.default_rng(2).dirichlet(np.ones(5), 40)
    targets = np.arange(40) % 3
    assert leep(theta.astype(np.float16), targets) == pytest.approx(leep(theta, targets), abs=1e-3)


def test_rows_that_rounding_leaves_short_of_one_are_made_to_sum_to_it():
    theta, targets = np.random.default_rng(3).dirichlet(np.ones(4), 20), np.arange(20) % 2
    assert leep(theta * 0.995, targets) == pytest.approx(leep(theta, targets), abs=1e-12)


def test_what_is_no_probability_is_refused():
    for bad in ([[2.0, -1.0], [0.5, 0.5]], [[3.0, 1.0], [0.5, 0.5]], [[0.0, 0.0], [0.5, 0.5]]):
        with pytest.raises(ValueError, match="softmax"):
            leep(bad, [0, 1])
    with pytest.raises(ValueError, match="`probabilities` must be finite"):
        leep([[np.nan, 1.0], [0.5, 0.5]], [0, 1])
    with pytest.raises(ValueError, match="`probabilities` must be"):
        leep([0.5, 0.5], [0, 1])
    with pytest.raises(ValueError, match="classes alone"):
        leep([[0.5, 0.5], [0.5, 0.5]], [0.1, 0.2])
    with pytest.raises(ValueError, match="at least 2 classes"):
        leep([[0.5, 0.5], [0.5, 0.5]], [1, 1])
