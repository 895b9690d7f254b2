from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sklearn.metrics import matthews_corrcoef

from forelearn.training.measures import matthews, measure


def test_the_matthews_correlation_of_two_classes_by_hand() -> None:
    """2 hits, 1 miss, 1 false alarm, 3 rightly left: (2·3 − 1·1) / √(3·3·4·4) = 5 / 12."""
    assert matthews([1, 1, 0, 1, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0]) == pytest.approx(5 / 12)


def test_the_matthews_correlation_of_three_classes_by_hand() -> None:
    """c = 2 of n = 3; p = (2, 0, 1), t = (1, 1, 1): (2·3 − 3) / √((9 − 5)(9 − 3)) = 3 / √24."""
    assert matthews([0, 0, 2], [0, 1, 2]) == pytest.approx(3 / 24**0.5)


@given(some.integers(0, 10_000), some.integers(2, 5), some.integers(1, 40))
@settings(max_examples=100, deadline=None)
@pytest.mark.filterwarnings("ignore:A single label was found:UserWarning")
def test_the_matthews_correlation_agrees_with_scikit_learn(seed: int, classes: int, count: int) -> None:
    one, two = np.random.default_rng(seed).integers(0, classes, (2, count))
    assert matthews(one, two) == pytest.approx(matthews_corrcoef(two, one))


@given(some.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_renaming_the_classes_changes_no_matthews_correlation(seed: int) -> None:
    chance = np.random.default_rng(seed)
    one, two = chance.integers(0, 4, (2, 30))
    names = chance.permutation(4)
    assert matthews(names[one], names[two]) == pytest.approx(matthews(one, two))


@pytest.mark.parametrize("columns", [([1, 1], [0, 1]), ([0, 1], [2, 2]), ([0], [0])])
def test_a_column_of_one_class_alone_correlates_with_nothing(columns: tuple[list[int], list[int]]) -> None:
    assert matthews(*columns) == 0


def test_columns_without_examples_or_of_two_lengths_are_refused() -> None:
    for columns in (([], []), ([1], [1, 0])):
        with pytest.raises(ValueError, match="two columns of one length"):
            matthews(*columns)


def test_every_classification_is_measured_by_its_matthews_correlation() -> None:
    """Binary: predicted 1 0 against 1 0. Three classes: predicted 0 1 2 against 0 1 2."""
    assert measure([[0.0, 1.0], [1.0, 0.0]], [1, 0])["matthews"] == pytest.approx(1)
    assert measure(np.eye(3), [0, 1, 2])["matthews"] == pytest.approx(1)
