import dataclasses
import importlib
import sys

import numpy as np
import pytest
from mapie.regression import CrossConformalRegressor
from sklearn.model_selection import PredefinedSplit
from tests.estimators.conftest import family
from xgboost import XGBRegressor

from forelearn.core.errors import InputError
from forelearn.estimators.boosting import Boosting, choose_backend
from forelearn.estimators.features import Columns, FeatureTable
from forelearn.estimators.predictor import PredictorOptions, fit_predictor

BACKENDS = ["xgboost", "sklearn"]


def columns_of(table: FeatureTable) -> Columns:
    return Columns(table.names, table.rows)


@pytest.fixture(params=BACKENDS, scope="module")
def fitted(request, made):
    return fit_predictor(made[0], options=PredictorOptions(backend=request.param))


@pytest.mark.slow
def test_predictions_follow_the_true_gain_of_targets_never_seen(fitted):
    """Trained on seven targets, the order of the eighth's sources beats the mean gain and random."""
    rhos, errors, plain = [], [], []
    for seed in range(4):
        table, gains = family(seed=seed)
        held = np.array(
            [group == "t0" or source == "t0" for group, source in zip(table.groups, table.sources)]
        )
        test = np.array([group == "t0" for group in table.groups])
        predictor = fit_predictor(table.pick(np.flatnonzero(~held)), options=fitted.options)
        mean = predictor.predict(columns_of(table.pick(np.flatnonzero(test)))).mean
        rhos.append(np.corrcoef(mean, gains[test])[0, 1])
        errors.append(np.mean((mean - gains[test]) ** 2))
        plain.append(np.mean((table.gains[~held].mean() - gains[test]) ** 2))
    assert np.mean(rhos) > 0.6
    assert np.mean(errors) < 0.8 * np.mean(plain)


def test_the_order_of_rows_and_columns_changes_nothing(fitted, made):
    table, _ = made
    rng = np.random.default_rng(0)
    again = fit_predictor(table.pick(rng.permutation(len(table))), options=fitted.options)
    order = rng.permutation(len(table.names))
    shuffled = columns_of(table).pick(order.tolist())
    first, second = fitted.predict(columns_of(table)), again.predict(shuffled)
    for end in ("mean", "low", "high"):
        assert np.array_equal(getattr(first, end), getattr(second, end))


def test_intervals_contain_the_mean_and_widen_with_the_level(fitted, made):
    narrow = fitted.predict(columns_of(made[0]), level=0.6)
    wide = fitted.predict(columns_of(made[0]), level=0.95)
    assert (narrow.low <= narrow.mean).all()
    assert (narrow.mean <= narrow.high).all()
    assert ((wide.high - wide.low) > (narrow.high - narrow.low)).all()
    assert narrow.fallback is None


def test_contributions_and_constant_sum_to_the_prediction(fitted, made):
    columns = columns_of(made[0])
    explanation = fitted.explain(columns)
    total = explanation.constant + sum(explanation.contributions.values())
    assert total == pytest.approx(fitted.predict(columns).mean, abs=1e-6)
    assert set(explanation.contributions) == {"f1", "ansat", "overlap"}
    moved = {group: np.abs(values).mean() for group, values in explanation.contributions.items()}
    assert moved["ansat"] > moved["overlap"] > 0


def test_intervals_agree_with_mapie_on_the_same_regressor_and_folds(made):
    """Targets t0 to t7 as sources outside the table, so that no row has a held-out target as its source."""
    table, _ = made
    table = FeatureTable(
        table.names, table.rows, table.groups, tuple(f"s{name}" for name in table.sources), table.gains
    ).in_order()
    settings = Boosting()
    predictor = fit_predictor(table, options=PredictorOptions(backend="xgboost", folds=4))
    regressor = XGBRegressor(
        n_estimators=settings.trees,
        max_depth=settings.depth,
        learning_rate=settings.rate,
        min_child_weight=settings.fewest,
        subsample=settings.rows,
        colsample_bytree=settings.columns,
        reg_lambda=settings.penalty,
        tree_method="hist",
        random_state=settings.seed,
        n_jobs=1,
    )
    oracle = CrossConformalRegressor(
        regressor, confidence_level=0.9, cv=PredefinedSplit(predictor.fold_of), method="plus"
    )
    _, ends = oracle.fit_conformalize(table.rows, table.gains).predict_interval(table.rows)
    mean = regressor.fit(table.rows, table.gains).predict(table.rows)
    ours = predictor.predict(columns_of(table), level=0.9)
    assert ours.mean == pytest.approx(mean, abs=1e-6)
    assert ours.low == pytest.approx(np.minimum(ends[:, 0, 0], mean), abs=1e-6)
    assert ours.high == pytest.approx(np.maximum(ends[:, 1, 0], mean), abs=1e-6)


def test_the_papers_form_predicts_the_performance(made):
    table, _ = made
    predictor = fit_predictor(table, options=PredictorOptions(form="performance"))
    mean = predictor.predict(columns_of(table)).mean
    assert np.corrcoef(mean, table.gains + table.baselines)[0, 1] > 0.8
    bare = FeatureTable(table.names, table.rows, table.groups, table.sources, table.gains)
    with pytest.raises(ValueError, match="needs the baselines"):
        fit_predictor(bare, options=PredictorOptions(form="performance"))


def test_with_one_target_it_predicts_the_mean_gain_and_says_so(made):
    table, _ = made
    one = table.pick([row for row, group in enumerate(table.groups) if group == "t0"])
    predictor = fit_predictor(one, options=PredictorOptions())
    predictions = predictor.predict(columns_of(table))
    assert predictions.mean == pytest.approx(one.gains.mean())
    assert np.isinf(predictions.low).all()
    assert np.isinf(predictions.high).all()
    assert predictions.fallback == (
        "7 finished transfers on 1 target are too few to fit the predictor, which needs 8 on 2: "
        "the mean gain of what has finished stands for every pair, "
        "and the order of sources is left to the scores that need no runs."
    )
    assert predictor.explain(columns_of(table)).contributions == {}


def test_before_any_run_it_predicts_the_prior(made):
    table, _ = made
    predictor = fit_predictor(table.pick([]), options=PredictorOptions(prior=0.01))
    predictions = predictor.predict(columns_of(table))
    assert (predictions.mean == 0.01).all()
    assert "the prior gain +0.010 stands for every pair" in (predictions.fallback or "")


def test_without_features_it_says_so(made):
    table, _ = made
    bare = FeatureTable((), np.zeros((len(table), 0)), table.groups, table.sources, table.gains)
    predictions = fit_predictor(bare, options=PredictorOptions()).predict(columns_of(table))
    assert (predictions.fallback or "").startswith("There are no features to predict from")
    assert predictions.mean == pytest.approx(table.gains.mean())


def test_two_targets_and_eight_rows_are_enough_and_nine_give_a_finite_interval():
    table, _ = family(targets=6)
    two = table.pick([row for row, group in enumerate(table.groups) if group in ("t0", "t1")])
    for rows, finite in ((8, False), (9, True)):
        predictor = fit_predictor(two.pick(list(range(10 - rows, 10))), options=PredictorOptions())
        predictions = predictor.predict(columns_of(table))
        assert predictions.fallback is None
        assert np.isfinite(predictions.low).all() == finite


def test_all_values_missing_and_constant_columns_are_no_obstacle(made):
    table, _ = made
    rows = np.full((len(table), 2), np.nan)
    rows[:, 1] = 1.0
    flat = FeatureTable(("a", "b"), rows, table.groups, table.sources, table.gains)
    for backend in BACKENDS:
        predictor = fit_predictor(flat, options=PredictorOptions(backend=backend))
        mean = predictor.predict(columns_of(flat)).mean
        assert np.ptp(mean) == pytest.approx(0, abs=1e-9)
        assert mean == pytest.approx(table.gains.mean(), abs=0.01)


def test_a_missing_column_is_refused_by_name(fitted, made):
    columns = columns_of(made[0])
    with pytest.raises(InputError, match=r"no column `f1.source`. Known: "):
        fitted.predict(columns.pick(list(range(1, len(columns.names)))))


def test_a_single_fold_is_refused():
    with pytest.raises(ValueError, match="`folds` must be at least 2"):
        PredictorOptions(folds=1)


def test_without_xgboost_scikit_learn_takes_over(made, monkeypatch):
    def refuse(name):
        raise ImportError(f"{name}: no OpenMP library")

    monkeypatch.setattr(importlib, "import_module", refuse)
    assert choose_backend("auto") == "sklearn"
    with pytest.raises(ValueError, match="xgboost cannot be imported"):
        choose_backend("xgboost")
    auto = fit_predictor(made[0], options=PredictorOptions())
    named = fit_predictor(made[0], options=PredictorOptions(backend="sklearn"))
    assert auto.backend == "sklearn"
    columns = columns_of(made[0])
    assert np.array_equal(auto.predict(columns).mean, named.predict(columns).mean)


def test_an_absent_package_counts_as_one_that_cannot_be_imported(monkeypatch):
    monkeypatch.setitem(sys.modules, "xgboost", None)
    assert choose_backend("auto") == "sklearn"


def test_the_gains_of_a_target_do_not_move_what_it_is_predicted_unseen(fitted, made):
    """Neither those of its finished pairs nor of the others: all its pairs can be compared with each other."""
    table, _ = made
    half = table.pick(np.arange(0, len(table), 2))
    own = np.array([group == "t0" for group in half.groups])
    higher = dataclasses.replace(half, gains=half.gains + own)
    before, after = (fit_predictor(one, options=fitted.options) for one in (half, higher))
    columns, here = columns_of(table), np.array([group == "t0" for group in table.groups])
    assert np.array_equal(
        before.unseen(columns, table.groups)[here], after.unseen(columns, table.groups)[here]
    )
    assert not np.allclose(
        before.unseen(columns, table.groups)[~here], after.unseen(columns, table.groups)[~here]
    )
    assert not np.allclose(before.predict(columns).mean[here], after.predict(columns).mean[here])


def test_unseen_targets_without_rows_are_predicted_by_all_rows(fitted, made):
    columns = columns_of(made[0])
    strangers = ["elsewhere"] * len(made[0])
    assert np.array_equal(fitted.unseen(columns, strangers), fitted.predict(columns).mean)
    nothing = fit_predictor(made[0].pick([]), options=fitted.options)
    assert nothing.unseen(columns, strangers) is None
