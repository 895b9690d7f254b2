from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sklearn.metrics import top_k_accuracy_score

from forelearn.training.measures_choice import choice_measures
from forelearn.training.measures_groups import Undefined, by_group


def test_accuracy_by_hand() -> None:
    """The highest scores stand at 1, 0, 2; right are 1, 1, 2: 2 of 3."""
    scores = [[0.0, 3.0, 1.0], [2.0, 1.0, 0.0], [-3.0, -2.0, -1.0]]
    assert choice_measures(scores, [1, 1, 2]) == {"accuracy": pytest.approx(2 / 3)}


@given(some.integers(0, 10_000), some.integers(3, 6))
@settings(max_examples=50, deadline=None)
def test_accuracy_agrees_with_scikit_learn(seed: int, choices: int) -> None:
    chance = np.random.default_rng(seed)
    scores, right = chance.normal(size=(30, choices)), chance.integers(0, choices, 30)
    expected = top_k_accuracy_score(right, scores, k=1, labels=range(choices))
    assert choice_measures(scores, right)["accuracy"] == pytest.approx(expected)


@given(some.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_the_order_of_distinct_choices_changes_nothing(seed: int) -> None:
    chance = np.random.default_rng(seed)
    scores, right = chance.normal(size=(20, 4)), chance.integers(0, 4, 20)
    order = chance.permutation(4)
    assert choice_measures(scores[:, order], np.argsort(order)[right]) == choice_measures(scores, right)


def test_of_equal_scores_the_first_counts() -> None:
    assert choice_measures([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]], [0, 1, 1])["accuracy"] == pytest.approx(
        1 / 3
    )


def test_no_examples_other_shapes_and_indices_out_of_range_are_refused() -> None:
    with pytest.raises(Undefined, match="0 examples"):
        choice_measures(np.zeros((0, 2)), [])
    for right, reason in (([0], r"\[n, k\]"), ([0, 2], r"\[0, 2\)"), ([-1, 0], r"\[0, 2\)")):
        with pytest.raises(ValueError, match=reason):
            choice_measures([[1.0, 0.0], [0.0, 1.0]], right)
    with pytest.raises(ValueError, match="NaN"):
        choice_measures([[1.0, float("nan")]], [0])


def test_each_group_is_measured_on_its_own_rows_and_an_undefined_one_has_no_measures() -> None:
    """Group a: rows 1 and 2. Group b: row 0."""

    def measured(rows: object) -> dict[str, float]:
        if rows == [0]:
            raise Undefined("nothing")
        return {"rows": float(str(rows) == "[1, 2]")}

    assert by_group(["b", "a", "a"], measured) == {"a": {"rows": 1.0}, "b": {}}
    assert list(by_group(["b", "a", "a"], measured)) == ["a", "b"]
    assert by_group([], measured) == {}


def test_a_fault_in_a_group_is_no_undefined_measure_and_is_raised() -> None:
    def faulty(rows: object) -> dict[str, float]:
        raise ValueError("shapes differ")

    with pytest.raises(ValueError, match="shapes differ"):
        by_group(["a"], faulty)
