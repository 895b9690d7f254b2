import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, weightedtau
from sklearn.metrics import ndcg_score

from forelearn.evaluation.ranking import DEFINITIONS, hit_at, ndcg, rank_of_best, regret_at, weighted_tau

ACTUAL = [0.2, 0.8, 0.4, 0.6]
PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 5)), min_size=2, max_size=6)


def test_regret_counted_by_hand():
    """Predicted order: 3rd (.4), 4th (.6), 2nd (.8), 1st. Regret@1 (.8 − .4) / .8 = .5; @2 .25; @3 0."""
    predicted = [0, 1, 3, 2]
    assert [regret_at(predicted, ACTUAL, k) for k in (1, 2, 3, 9)] == pytest.approx([0.5, 0.25, 0, 0])
    assert regret_at(predicted, ACTUAL, 1, relative=False) == pytest.approx(0.4)


def test_ndcg_counted_by_hand():
    """True ranks of ACTUAL: 4, 1, 3, 2, so gains m − rank 0, 3, 1, 2. Predicted order 2nd, 1st, 4th, 3rd:
    gains 3, 0, 2, 1.

    DCG 3/1 + 0 + 2/2 + 1/log₂5 = 4.43068; ideal 3 + 2/log₂3 + 1/2 + 0 = 4.76186; ratio .93045.
    """
    assert ndcg([3, 4, 1, 2], ACTUAL) == pytest.approx(4.430677 / 4.761860, abs=1e-6)


def test_a_perfect_order_is_perfect_by_every_figure_and_a_reversed_one_is_not():
    perfect, turned = ACTUAL, [-value for value in ACTUAL]
    assert (regret_at(perfect, ACTUAL, 1), ndcg(perfect, ACTUAL)) == (0, 1)
    assert weighted_tau(perfect, ACTUAL) == pytest.approx(1)
    assert (rank_of_best(perfect, ACTUAL), hit_at(perfect, ACTUAL, 1)) == (1, 1)
    assert weighted_tau(turned, ACTUAL) == pytest.approx(-1)
    assert ndcg(turned, ACTUAL) < 0.65
    assert (rank_of_best(turned, ACTUAL), hit_at(turned, ACTUAL, 3)) == (4, 0)


@given(PAIRS, st.integers(1, 6))
@settings(max_examples=80, deadline=None)
@pytest.mark.slow
def test_tied_predictions_measure_as_the_mean_over_all_their_orders(pairs, k):
    """Oracle: break the ties in every possible way, with the row's place in a permutation, and average."""
    predicted, actual = np.array(pairs, float).T
    orders = [predicted + 1e-3 * np.array(order) for order in itertools.permutations(range(len(pairs)))]
    assert regret_at(predicted, actual, k) == pytest.approx(
        np.mean([regret_at(o, actual, k) for o in orders])
    )
    assert hit_at(predicted, actual, k) == pytest.approx(np.mean([hit_at(o, actual, k) for o in orders]))
    assert ndcg(predicted, actual) == pytest.approx(np.mean([ndcg(o, actual) for o in orders]))


@given(PAIRS)
@settings(max_examples=80, deadline=None)
def test_ndcg_and_tau_agree_with_sklearn_and_scipy(pairs):
    predicted, actual = np.array(pairs, float).T
    gains = len(actual) - rankdata(-actual)
    assert ndcg(predicted, actual) == pytest.approx(ndcg_score([gains], [predicted]))
    if len(set(predicted)) > 1 and len(set(actual)) > 1:
        assert weighted_tau(predicted, actual) == pytest.approx(weightedtau(actual, predicted).statistic)


@given(PAIRS, st.integers(1, 6), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_row_order_and_monotone_rescaling_of_predictions_say_nothing(pairs, k, random):
    shuffled = pairs[:]
    random.shuffle(shuffled)
    predicted, actual = np.array(pairs, float).T
    again, true = np.array(shuffled, float).T
    for figure in (
        lambda p, a: regret_at(p, a, k),
        lambda p, a: hit_at(p, a, k),
        ndcg,
        weighted_tau,
        rank_of_best,
    ):
        assert figure(predicted, actual) == pytest.approx(figure(np.exp(again), true), nan_ok=True)


def test_a_failed_prediction_comes_last_and_is_not_dropped():
    """The best source has no prediction: it ranks 4th, or shares ranks 3 and 4 with another failure."""
    nan = math.nan
    assert rank_of_best([3, nan, 2, 1], ACTUAL) == 4
    assert rank_of_best([3, nan, nan, 1], ACTUAL) == 3.5
    assert regret_at([3, nan, 2, 1], ACTUAL, 3) == pytest.approx(0.25)
    assert hit_at([3, nan, nan, 1], ACTUAL, 3) == 0.5


def test_what_cannot_be_ranked_is_undefined_not_zero():
    assert math.isnan(weighted_tau([1, 2, 3], [0.5, 0.5, 0.5]))
    assert math.isnan(weighted_tau([1, 1, 1], [0.1, 0.2, 0.3]))
    assert math.isnan(weighted_tau([1], [0.1]))
    assert math.isnan(weighted_tau([math.nan, math.nan], [0.1, 0.2]))
    assert math.isnan(ndcg([1], [0.1]))
    assert math.isnan(regret_at([1, 2], [0.0, -0.1], 1))
    assert regret_at([1, 2], [0.0, -0.1], 1, relative=False) == pytest.approx(0.1)


def test_of_several_best_sources_the_first_found_counts():
    assert rank_of_best([3, 2, 1], [0.5, 0.9, 0.9]) == 2
    assert hit_at([3, 2, 1], [0.5, 0.9, 0.9], 2) == 1


def test_bad_input_is_refused():
    for predicted, actual in (([], []), ([1], [1, 2]), ([1], [math.nan])):
        with pytest.raises(ValueError):
            ndcg(predicted, actual)
    with pytest.raises(ValueError, match="`k`"):
        regret_at([1], [1], 0)


def test_every_figure_prefers_an_informed_order_to_random():
    rng = np.random.default_rng(0)
    informed, blind = [], []
    for _ in range(60):
        actual = rng.uniform(0.2, 0.8, 12)
        for kept, predicted in ((informed, actual + rng.normal(0, 0.1, 12)), (blind, rng.random(12))):
            kept.append(
                [
                    -regret_at(predicted, actual, 3),
                    ndcg(predicted, actual),
                    weighted_tau(predicted, actual),
                    -rank_of_best(predicted, actual),
                    hit_at(predicted, actual, 3),
                ]
            )
    assert (np.mean(informed, axis=0) > np.mean(blind, axis=0) + np.array([0.05, 0.1, 0.3, 2, 0.3])).all()


def test_every_figure_is_defined_in_words():
    assert all("better" in words for words in DEFINITIONS.values())
