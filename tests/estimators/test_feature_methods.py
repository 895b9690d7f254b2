"""What every estimator of features owes: the same invariances, the same refusals, and that it tells anything."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from tests.estimators.rows import clusters, slope

from forelearn.estimators.gbc import gbc
from forelearn.estimators.hscore import hscore
from forelearn.estimators.knn import knn
from forelearn.estimators.leep import leep
from forelearn.estimators.logme import logme
from forelearn.estimators.nce import nce
from forelearn.estimators.parc import parc
from forelearn.estimators.transrate import transrate

FEATURES = {
    "logme": logme,
    "hscore": hscore,
    "transrate": transrate,
    "gbc": gbc,
    "parc": parc,
    "knn": knn,
}
OF_CLASSES_ALONE = ("hscore", "transrate", "gbc")
OF_VALUES = ("logme", "parc", "knn")
WHATEVER_THE_SCALE = ("logme", "hscore", "parc", "knn")
"""TransRate's ε and GBC's floor are in the features' unit."""
SIZES = st.tuples(st.integers(8, 40), st.integers(3, 50), st.integers(2, 5), st.integers(0, 10_000))

each = pytest.mark.parametrize("name", FEATURES)


def close(value):
    return pytest.approx(value, rel=1e-9, abs=1e-9)


@each
@given(sizes=SIZES)
@settings(max_examples=25, deadline=None)
def test_the_names_of_classes_and_the_order_of_rows_say_nothing(name, sizes):
    n, d, count, seed = sizes
    rng = np.random.default_rng(seed)
    features, labels = clusters(rows=n, dimensions=d, classes=count, seed=seed)
    score = FEATURES[name](features, labels)
    names = rng.choice(1000, count, replace=False) - 500
    assert FEATURES[name](features, names[labels]) == close(score)
    order = rng.permutation(n)
    assert FEATURES[name](features[order], labels[order]) == close(score)


@pytest.mark.parametrize("name", OF_VALUES)
@given(sizes=SIZES)
@settings(max_examples=15, deadline=None)
def test_the_unit_of_values_and_the_order_of_rows_and_columns_say_nothing(name, sizes):
    n, d, count, seed = sizes
    rng = np.random.default_rng(seed)
    features, values = slope(rows=n, dimensions=d, seed=seed)
    values = np.stack([values, *rng.normal(size=(count - 1, n))], axis=1)
    score = FEATURES[name](features, values)
    assert FEATURES[name](features, values * np.linspace(0.5, 30, count) - 4.0) == close(score)
    order, columns = rng.permutation(n), rng.permutation(count)
    assert FEATURES[name](features[order], values[order][:, columns]) == close(score)


@each
def test_turning_the_features_says_nothing_where_columns_are_no_axes(name):
    features, labels = clusters(seed=3)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(12, 12)))[0]
    turned = FEATURES[name](features @ turn, labels)
    if name == "parc":  # a row's own mean and spread are those of its columns
        assert turned != close(FEATURES[name](features, labels))
    else:
        assert turned == close(FEATURES[name](features, labels))


@pytest.mark.parametrize("name", WHATEVER_THE_SCALE)
@pytest.mark.parametrize("scale", [1e-6, 1e5])
def test_the_unit_of_the_features_says_nothing(name, scale):
    for n, d in ((60, 12), (20, 30)):
        features, labels = clusters(rows=n, dimensions=d, seed=2)
        assert FEATURES[name](scale * features, labels) == close(FEATURES[name](features, labels))


@pytest.mark.parametrize("name", ["hscore", "transrate", "gbc", "knn"])
def test_where_the_features_lie_says_nothing(name):
    features, labels = clusters(seed=4)
    assert FEATURES[name](features + 50.0, labels) == pytest.approx(
        FEATURES[name](features, labels), rel=1e-7
    )


@each
def test_features_that_separate_the_classes_better_score_higher(name):
    gaps = np.linspace(0, 4, 9)
    scores = [FEATURES[name](*clusters(gap=gap, seed=5)) for gap in gaps]
    assert spearmanr(gaps, scores).statistic > 0.9


@each
def test_more_rows_than_columns_or_fewer_both_tell_something(name):
    near, far = (clusters(rows=40, dimensions=60, gap=gap, seed=6) for gap in (0.3, 4))
    assert FEATURES[name](*far) > FEATURES[name](*near)


@pytest.mark.parametrize("name", OF_VALUES)
def test_features_that_carry_the_values_more_strongly_score_higher(name):
    gaps = np.linspace(0, 2, 7)
    scores = [FEATURES[name](*slope(gap=gap, rows=200, seed=7)) for gap in gaps]
    assert spearmanr(gaps, scores).statistic > 0.9


@pytest.mark.parametrize("name", OF_CLASSES_ALONE)
def test_values_are_refused_where_classes_are_meant(name):
    features, values = slope()
    with pytest.raises(ValueError, match="classes alone"):
        FEATURES[name](features, values)


@each
def test_one_class_nothing_misaligned_and_not_finite_are_refused(name):
    features, labels = clusters(rows=20)
    method = FEATURES[name]
    with pytest.raises(ValueError, match="at least 2 classes, got 1"):
        method(features, np.zeros(20, int))
    for empty in (np.zeros((0, 3)), np.zeros((3, 0)), np.zeros(3)):
        with pytest.raises(ValueError, match="`features` must be"):
            method(empty, np.zeros(len(empty), int))
    with pytest.raises(ValueError, match="aligned with 20 rows"):
        method(features, labels[:-1])
    with pytest.raises(ValueError, match="aligned with 20 rows"):
        method(features, np.stack([labels, labels], axis=1))
    for bad in (np.nan, np.inf):
        broken = features.copy()
        broken[3, 1] = bad
        with pytest.raises(ValueError, match="`features` must be finite"):
            method(broken, labels)


@pytest.mark.parametrize("name", OF_VALUES)
def test_a_constant_column_of_values_and_values_that_are_not_finite_are_refused(name):
    features, values = slope(rows=20)
    with pytest.raises(ValueError, match="must not be constant"):
        FEATURES[name](features, np.stack([values, np.full(20, 0.1)], axis=1))
    with pytest.raises(ValueError, match="`targets` must be finite"):
        FEATURES[name](features, np.where(np.arange(20) == 3, np.nan, values))


@each
def test_a_class_with_one_row_is_scored(name):
    features, labels = clusters(rows=30)
    assert np.isfinite(FEATURES[name](features, np.append(labels[:-1], 99)))


@each
def test_the_arrays_that_are_given_stay_as_they_are(name):
    features, labels = clusters(rows=30)
    before = features.copy(), labels.copy()
    FEATURES[name](features, labels)
    assert np.array_equal(features, before[0])
    assert np.array_equal(labels, before[1])


@each
def test_single_precision_and_lists_are_taken(name):
    features, labels = clusters(rows=30)
    single = features.astype(np.float32)
    assert FEATURES[name](single, labels) == FEATURES[name](single.tolist(), labels.tolist())


@pytest.mark.parametrize("method", [leep, nce])
def test_a_source_that_confuses_classes_less_scores_higher(method):
    rng = np.random.default_rng(8)
    targets = rng.integers(0, 3, 300)
    scores = []
    for noise in (0.9, 0.6, 0.3, 0.1):
        seen = np.where(rng.random(300) < noise, rng.integers(0, 3, 300), targets)
        scores.append(method(seen if method is nce else np.eye(3)[seen] * 0.7 + 0.1, targets))
    assert scores == sorted(scores)
