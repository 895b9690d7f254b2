"""Half of the seeds learns, the other half judges, and the best reference is free of its own luck."""

import itertools

import numpy as np
import pytest
from tests.evaluation.tables import table_of

from forelearn.evaluation.judging import found, split
from forelearn.evaluation.orders import seen
from forelearn.evaluation.ranking import regret_at


@pytest.mark.parametrize("seeds", [2, 3, 4, 8])
def test_no_seed_both_teaches_and_judges(seeds):
    gains = np.random.default_rng(0).normal(size=(3, 4, seeds))
    for number in range(20):
        here = split(table_of(gains), np.random.default_rng(number))
        assert set(here.learn) | set(here.judge) == set(range(seeds))
        assert not set(here.learn) & set(here.judge)


def test_a_fold_is_valued_on_seeds_on_which_its_reference_was_not_chosen():
    """Gains that are 1 on one seed and 0 elsewhere: what one fold calls worth 1, its chooser has never seen."""
    gains = np.zeros((1, 4, 4))
    for seed in range(4):
        gains[0, seed, seed] = 1.0
    for number in range(10):
        for fold in split(table_of(gains), np.random.default_rng(number)).folds:
            assert np.nanmax(fold.value[0][fold.chooser[0] > 0]) == 0.0


def test_the_best_of_pure_noise_is_worth_nothing_when_cross_fitted():
    """200 targets of 10 sources with gains of pure noise, SD 1: the plain best of 4-seed means is worth +1.1,
    the cross-fitted best 0 within three standard errors (1 / sqrt(200 · 2) · 3 = 0.15)."""
    gains = np.random.default_rng(1).normal(size=(200, 10, 8))
    here = split(table_of(gains), np.random.default_rng(0))
    plain = np.mean([fold.value.max(axis=1).mean() for fold in here.folds])
    fitted = np.mean([f.value[np.arange(200), f.chooser.argmax(axis=1)].mean() for f in here.folds])
    assert plain > 0.9
    assert abs(fitted) < 0.15


def test_one_seed_judges_what_it_taught():
    here = split(table_of([[0.1, 0.2]]), np.random.default_rng(0))
    assert here.learn == here.judge == (0,)
    np.testing.assert_allclose(here.folds[0].chooser, here.folds[0].value)


def test_with_equal_predictions_the_find_is_the_mean_over_all_subsets():
    chooser, value = np.array([3.0, 1.0, 2.0, 5.0]), np.array([0.3, 0.9, 0.1, 0.4])
    for k in (1, 2, 3, 4):
        subsets = list(itertools.combinations(range(4), k))
        expected = np.mean([value[max(subset, key=lambda index: chooser[index])] for subset in subsets])
        assert found(np.zeros(4), chooser, value, k) == pytest.approx(expected)


def test_a_find_that_is_valued_as_it_is_chosen_has_the_regret_of_the_ranking_room():
    rng = np.random.default_rng(3)
    for _ in range(30):
        guess, truth = rng.integers(0, 3, 6).astype(float), rng.random(6)
        guess[rng.random(6) < 0.2] = np.nan
        for k in (1, 2, 5, 9):
            lost = truth.max() - found(guess, truth, truth, k)
            assert lost == pytest.approx(regret_at(guess, truth, k, relative=False))


def test_what_learns_sees_one_run_of_the_first_seed_it_has():
    gains = np.array([[[1.0, 2.0, 3.0, 4.0], [np.nan, 20.0, np.nan, 40.0]]])
    view = seen(table_of(gains), (2, 1), np.random.default_rng(0))
    np.testing.assert_array_equal(view.single, [[3.0, 20.0]])
    np.testing.assert_array_equal(view.means, [[2.5, 20.0]])
    assert view.table.seeds == ("2", "1")
