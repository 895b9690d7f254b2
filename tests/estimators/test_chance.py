import numpy as np
import pytest

from forelearn.estimators.chance import random_scores

NAMES = [f"source {number}" for number in range(200)]


def test_a_seed_gives_one_order_and_another_seed_another():
    first = random_scores("t", NAMES, seed=0)
    assert first.values == random_scores("t", NAMES, seed=0).values
    assert first.order() != random_scores("t", NAMES, seed=1).order()
    assert first.order() != random_scores("u", NAMES, seed=0).order()
    assert (first.target, first.estimator) == ("t", "random")


def test_a_source_keeps_its_score_whatever_stands_beside_it():
    every = random_scores("t", NAMES, seed=3).values
    assert random_scores("t", NAMES[:50:-1], seed=3).values.items() <= every.items()


def test_scores_are_uniform():
    """Of 200 · 50 the mean is ½ within four standard errors, √(1 / 12 / 10,000) = .0029 each."""
    values = np.array([list(random_scores("t", NAMES, seed=seed).values.values()) for seed in range(50)])
    assert values.mean() == pytest.approx(0.5, abs=4 * 0.0029)
    assert values.min() >= 0
    assert values.max() < 1
    assert np.histogram(values, 10, (0, 1))[0].min() > 850


def test_places_are_even_over_seeds():
    firsts = [random_scores("t", ["a", "b", "c"], seed=seed).order()[0] for seed in range(600)]
    assert all(150 < firsts.count(name) < 250 for name in "abc")


def test_a_source_named_twice_is_refused():
    with pytest.raises(ValueError, match="each source once"):
        random_scores("t", ["a", "a"], seed=0)
