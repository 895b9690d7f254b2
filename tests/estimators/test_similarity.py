import math

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from forelearn.estimators.similarity import similarities


def test_the_mean_over_tasks_is_removed():
    """Rows (2, 1), (1, 2), (0, 0): mean (1, 1); centred (1, 0), (0, 1), (−1, −1): cosines 0 and −1/√2."""
    cosine = similarities([[2, 1], [1, 2], [0, 0]])
    half = -1 / math.sqrt(2)
    assert np.allclose(cosine, [[1, 0, half], [0, 1, half], [half, half, 1]])


def test_raw_and_centred_cosines_agree_with_sklearn():
    rows = np.random.default_rng(0).normal(size=(6, 9)) + 5
    assert np.allclose(similarities(rows, centred=False), cosine_similarity(rows))
    assert np.allclose(similarities(rows), cosine_similarity(rows - rows.mean(axis=0)))


def test_the_centred_cosine_does_not_depend_on_a_common_offset_or_scale():
    rows = np.random.default_rng(1).normal(size=(5, 4))
    assert np.allclose(similarities(rows), similarities(7 * rows + 100))


def test_the_order_of_tasks_only_permutes_the_table():
    rows, order = np.random.default_rng(2).normal(size=(5, 4)), [3, 0, 4, 1, 2]
    assert np.allclose(similarities(rows)[np.ix_(order, order)], similarities(rows[order]))


def test_two_tasks_equal_tasks_and_zero_rows_have_no_score():
    assert np.isnan(similarities([[1.0, 2.0], [3.0, 1.0]])).all()
    assert np.isnan(similarities(np.full((4, 3), 0.1))).all()
    assert np.isnan(similarities([[0.0, 0.0], [1.0, 0.0]], centred=False)[0]).all()
    assert similarities(np.zeros((0, 3))).shape == (0, 0)


def test_a_small_row_has_a_direction_as_good_as_a_large_one():
    rows = np.array([[1.0, 2.0, 3.0], [1e-14, 2e-14, 3e-14], [3.0, 0.0, 1.0]])
    assert similarities(rows, centred=False)[0, 1] == pytest.approx(1.0)


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="finite"):
        similarities([[1.0, math.nan]])


def test_centring_finds_the_neighbour_that_a_common_direction_hides():
    """Tasks on a line around a far common point: the raw cosines are all nearly 1, the centred ones order."""
    rng = np.random.default_rng(4)
    place = np.linspace(-1, 1, 7)
    rows = np.full((7, 20), 50.0) + np.outer(place, rng.normal(size=20)) + rng.normal(0, 0.05, (7, 20))
    assert similarities(rows, centred=False).min() > 0.998
    assert similarities(rows)[6, 5] > 0.9 > -0.9 > similarities(rows)[6, 0]
