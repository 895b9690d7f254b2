from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sklearn import metrics as oracle

from forelearn.training.measures import (
    average_precision,
    choose_threshold,
    measure,
    measure_groups,
    performance,
    positive_probability,
)

pools = some.integers(0, 10_000).map(lambda seed: _pool(np.random.default_rng(seed)))


def _pool(chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Logits on a coarse grid, so that many are tied, and labels with at least one positive."""
    count = int(chance.integers(1, 60))
    labels = (chance.random(count) < 0.3).astype(int)
    labels[chance.integers(count)] = 1
    return np.round(chance.normal(size=(count, 2)), int(chance.integers(0, 3))), labels


def two(margins: list[float]) -> np.ndarray:
    """Logits whose difference is `margins`."""
    return np.array([[0.0, margin] for margin in margins])


def test_average_precision_by_hand() -> None:
    """From high to low: +, −, +. Recall steps 1/2 at precision 1/1 and 1/2 at 2/3: 1/2 + 1/3 = 5/6."""
    assert average_precision([3.0, 2.0, 1.0], [True, False, True]) == pytest.approx(5 / 6)


def test_tied_scores_count_together() -> None:
    """All four tied, two positive: one step of recall 1 at precision 2/4."""
    assert average_precision([1.0] * 4, [True, False, True, False]) == pytest.approx(0.5)


def test_binary_measures_by_hand() -> None:
    """Predicted + + − −, true + − + −: one hit, two predicted, two true, two of four right: all 1/2.
    Matthews: 2 · 4 − (2 · 2 + 2 · 2) = 0."""
    found = measure(two([2.0, 1.0, -1.0, -2.0]), [1, 0, 1, 0])
    assert found == {
        "precision": 0.5,
        "recall": 0.5,
        "f1": 0.5,
        "accuracy": 0.5,
        "matthews": 0.0,
        "average_precision": pytest.approx((1 + 2 / 3) / 2),
    }


@given(pools, some.sampled_from([0.2, 0.5, 0.8]))
@settings(max_examples=150, deadline=None)
@pytest.mark.slow
def test_binary_measures_agree_with_scikit_learn(
    pool: tuple[np.ndarray, np.ndarray], threshold: float
) -> None:
    logits, labels = pool
    found = measure(logits, labels.tolist(), threshold=threshold)
    margin = logits[:, 1] - logits[:, 0]
    predicted = positive_probability(logits) >= threshold
    expected = {
        "average_precision": oracle.average_precision_score(labels, margin),
        "f1": oracle.f1_score(labels, predicted, zero_division=0),
        "precision": oracle.precision_score(labels, predicted, zero_division=0),
        "recall": oracle.recall_score(labels, predicted),
        "accuracy": oracle.accuracy_score(labels, predicted),
        "matthews": oracle.matthews_corrcoef(labels, predicted),
    }
    assert found == pytest.approx(expected)


@given(some.integers(0, 999))
@settings(max_examples=50, deadline=None)
def test_multiclass_measures_agree_with_scikit_learn(seed: int) -> None:
    chance = np.random.default_rng(seed)
    logits, labels = chance.normal(size=(40, 4)), chance.integers(0, 4, 40)
    found = measure(logits, labels.tolist())
    predicted = logits.argmax(axis=1)
    present = np.unique(labels).tolist()
    assert found["accuracy"] == pytest.approx(oracle.accuracy_score(labels, predicted))
    assert found["macro_f1"] == pytest.approx(
        oracle.f1_score(labels, predicted, labels=present, average="macro", zero_division=0)
    )


@given(pools)
@settings(max_examples=50, deadline=None)
def test_the_order_of_examples_changes_nothing(pool: tuple[np.ndarray, np.ndarray]) -> None:
    logits, labels = pool
    backwards = measure(logits[::-1], labels[::-1].tolist())
    assert backwards == pytest.approx(measure(logits, labels.tolist()))
    assert choose_threshold(logits[::-1], labels[::-1].tolist()) == choose_threshold(logits, labels.tolist())


@given(pools)
@settings(max_examples=100, deadline=None)
def test_no_threshold_is_better_on_dev_than_the_chosen_one(pool: tuple[np.ndarray, np.ndarray]) -> None:
    logits, labels = pool
    chosen = measure(logits, labels.tolist(), threshold=choose_threshold(logits, labels.tolist()))["f1"]
    for threshold in [0.0, 0.5, *positive_probability(logits)]:
        assert chosen >= measure(logits, labels.tolist(), threshold=threshold)["f1"] - 1e-9


def test_the_threshold_by_hand() -> None:
    """Probabilities .9+ .6+ .4− .2−: every threshold in (.4, .6] separates them; the candidates are .5 twice."""
    logits = two([float(np.log(p / (1 - p))) for p in (0.9, 0.6, 0.4, 0.2)])
    assert choose_threshold(logits, [1, 1, 0, 0]) == pytest.approx(0.5)
    assert choose_threshold(logits, [1, 1, 1, 0]) == pytest.approx(0.3)
    assert choose_threshold(logits, [0, 0, 0, 0]) == 0.5


def test_extreme_logits_give_probabilities_and_no_warning() -> None:
    assert positive_probability([[1000.0, -1000.0], [-1000.0, 1000.0]]).tolist() == [0.0, 1.0]


def test_groups_are_one_pool_and_each_stands_beside_it() -> None:
    """Group a: one of one right. Group b: none of one right. The pool: 1 of 2, not the mean of F1 1 and 0."""
    logits, labels = two([1.0, -1.0, -1.0]), [1, 1, 1]
    groups = measure_groups(logits, labels, ["a", "b", "b"])
    assert [groups[name]["f1"] for name in ("a", "b")] == [1.0, 0.0]
    assert measure(logits, labels)["f1"] == pytest.approx(2 * 1 / (1 + 3))


def test_what_is_undefined_in_a_group_is_left_out() -> None:
    groups = measure_groups(two([1.0, -1.0]), [1, 0], ["a", "b"])
    assert set(groups["b"]) == {"accuracy", "precision", "matthews"}
    assert measure_groups(two([1.0]), [1], []) == {}


def test_a_pool_without_positives_is_refused() -> None:
    with pytest.raises(ValueError, match="none of them positive"):
        measure(two([1.0, 2.0]), [0, 0])


def test_test_labels_never_touch_the_threshold() -> None:
    dev, test = two([2.0, 0.5, -0.5, -2.0]), two([1.0, -1.0, 3.0, 0.2])
    found = [
        performance(dev, [1, 1, 1, 0], test, labels, ["x"] * 4, rule="dev")
        for labels in ([1, 0, 0, 0], [0, 1, 1, 1])
    ]
    assert found[0].threshold == found[1].threshold != 0.5
    assert found[0].dev == found[1].dev
    assert performance(dev, [1, 1, 1, 0], test, [1, 0, 0, 0]).threshold == 0.5
