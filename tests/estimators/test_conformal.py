import numpy as np
import pytest
from mapie.regression import CrossConformalRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import PredefinedSplit

from forelearn.estimators.conformal import cross_conformal, target_folds, training_rows


def test_the_ends_are_order_statistics_counted_by_hand():
    """n = 4, level .8: α(n + 1) = 1, so the smallest of μ − R and the largest of μ + R. Centres 0, 0, 1, 1
    and

    residuals .1, .4, .2, .3: μ − R = −.1, −.4, .8, .7 and μ + R = .1, .4, 1.2, 1.3. Interval [−.4, 1.3].
    """
    low, high = cross_conformal(np.array([[0, 0, 1, 1.0]]), np.array([0.1, 0.4, 0.2, 0.3]), level=0.8)
    assert (low[0], high[0]) == pytest.approx((-0.4, 1.3))


def test_too_few_rows_for_the_level_give_an_infinite_interval():
    """Level .9 needs .1 (n + 1) ≥ 1, so n ≥ 9."""
    for n, finite in ((8, False), (9, True)):
        low, high = cross_conformal(np.zeros((1, n)), np.ones(n), level=0.9)
        assert np.isfinite([low[0], high[0]]).all() == finite
    with pytest.raises(ValueError, match="`level`"):
        cross_conformal(np.zeros((1, 3)), np.ones(3), level=1.0)


def test_intervals_agree_with_mapie_on_the_same_folds():
    rng = np.random.default_rng(0)
    rows, new = rng.normal(size=(40, 3)), rng.normal(size=(15, 3))
    values = rows @ [1, 2, 3] + rng.normal(size=40)
    fold_of = target_folds([f"t{i % 8}" for i in range(40)], folds=5)
    fitted = [LinearRegression().fit(rows[fold_of != f], values[fold_of != f]) for f in range(5)]
    residuals = np.array([abs(values[i] - fitted[fold_of[i]].predict(rows[[i]])[0]) for i in range(40)])
    centres = np.stack([one.predict(new) for one in fitted], axis=1)[:, fold_of]
    for level in (0.8, 0.9):
        oracle = CrossConformalRegressor(
            LinearRegression(), confidence_level=level, cv=PredefinedSplit(fold_of), method="plus"
        )
        _, expected = oracle.fit_conformalize(rows, values).predict_interval(new)
        low, high = cross_conformal(centres, residuals, level=level)
        assert np.allclose(low, expected[:, 0, 0])
        assert np.allclose(high, expected[:, 1, 0])


def test_folds_are_whole_targets_whatever_the_order_of_rows():
    groups = ["b", "a", "c", "b", "a", "d"]
    fold_of = target_folds(groups, folds=3)
    assert fold_of.tolist() == [1, 0, 2, 1, 0, 0]
    assert target_folds(groups, folds=99).max() == 3


def test_rows_with_the_held_out_target_as_source_stay_out_unless_too_little_is_left():
    groups, sources = ["a", "b", "b", "c", "c"], ["b", "a", "c", "a", "b"]
    fold_of = target_folds(groups, folds=3)
    assert training_rows(0, fold_of, groups, sources, fewest=1).tolist() == [2, 4]
    assert training_rows(0, fold_of, groups, sources, fewest=3).tolist() == [1, 2, 3, 4]


def test_intervals_cover_new_targets_about_as_often_as_they_say():
    """Constant predictors of noisy values: 400 draws of 60 rows, level .9, coverage within .87 and .95."""
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        values, new = rng.normal(size=60), rng.normal()
        fold_of = target_folds([f"t{i % 10}" for i in range(60)], folds=10)
        means = np.array([values[fold_of != f].mean() for f in range(10)])
        low, high = cross_conformal(means[fold_of][None], np.abs(values - means[fold_of]), level=0.9)
        covered += low[0] <= new <= high[0]
    assert 0.87 <= covered / 400 <= 0.95
