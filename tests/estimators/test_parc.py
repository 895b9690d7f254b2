import math

import numpy as np
import pytest
from benchmarks import _literal as literal
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from tests.estimators.rows import clusters, slope

from forelearn.estimators.parc import parc


def test_of_three_rows_by_hand():
    """(1, 2, 3), (1, 2, 4) and (3, 2, 1), classes 0 0 1: dissimilarities rank 1 (ab), 2 (bc), 3 (ac); targets
    1, 2.5, 2.5. Centred −1, 0, 1 against −1, ½, ½: 1.5 / √(2 · 1.5) = .866025.
    """
    rows = [[1, 2, 3], [1, 2, 4], [3, 2, 1]]
    assert parc(rows, [0, 0, 1]) == pytest.approx(100 * math.sqrt(3) / 2)


def test_of_values_by_hand():
    """Values 0, 1, 5: distances 1 (ab), 5 (ac), 4 (bc) rank as the dissimilarities do: 100."""
    assert parc([[1, 2, 3], [1, 2, 4], [3, 2, 1]], [0.0, 1.0, 5.0]) == pytest.approx(100)


@given(seed=st.integers(0, 10_000), count=st.integers(2, 6))
@settings(max_examples=25, deadline=None)
def test_it_agrees_with_the_literal_form(seed, count):
    features, labels = clusters(rows=25, dimensions=6, classes=count, seed=seed)
    assert parc(features, labels) == pytest.approx(literal.parc(features, labels), abs=1e-9)


def test_more_rows_than_a_block_agree_with_the_literal_form():
    features, labels = clusters(rows=700, dimensions=5, seed=1)
    assert parc(features, labels) == pytest.approx(literal.parc(features, labels), abs=1e-9)


def test_values_agree_with_the_literal_form():
    features, values = slope(rows=30, seed=2)
    upper = np.triu_indices(30, 1)
    apart = np.abs(values[:, None] - values)[upper]
    expected = 100 * spearmanr((1 - np.corrcoef(features))[upper], apart).statistic
    assert parc(features, values) == pytest.approx(expected, abs=1e-9)


def test_rows_that_are_equal_tie_in_any_order():
    rng = np.random.default_rng(3)
    features = np.repeat(rng.normal(size=(6, 5)), 4, axis=0)
    labels = rng.integers(0, 3, 24)
    expected = parc(features, labels)
    # a row's own unit and level say nothing, but what they round off could
    units, levels = rng.uniform(0.1, 9, (24, 1)), rng.normal(size=(24, 1))
    assert parc(features * units + levels, labels) == pytest.approx(expected, abs=1e-9)
    orders = [rng.permutation(24) for _ in range(5)]
    scores = [parc(features[order], labels[order]) for order in orders]
    assert np.ptp(scores) < 1e-9


def test_where_all_pairs_are_equally_dissimilar_there_is_no_score():
    with pytest.raises(ValueError, match="equally dissimilar"):
        parc(np.tile([1.0, 2.0, 4.0], (5, 1)), [0, 0, 1, 1, 1])
    with pytest.raises(ValueError, match="equally dissimilar"):
        parc(np.random.default_rng(0).normal(size=(4, 5)), [0, 1, 2, 3])


def test_constant_rows_too_few_and_too_many_are_refused():
    with pytest.raises(ValueError, match="correlates with nothing"):
        parc([[1.0, 2.0], [0.1, 0.1], [3.0, 1.0]], [0, 1, 1])
    with pytest.raises(ValueError, match="correlates with nothing"):
        parc([[1.0], [2.0], [3.0]], [0, 1, 1])
    with pytest.raises(ValueError, match="got 2: take a sample"):
        parc([[1.0, 2.0], [2.0, 1.0]], [0, 1])
    with pytest.raises(ValueError, match="got 10001: take a sample"):
        parc(np.zeros((10_001, 1)), np.zeros(10_001, int))
