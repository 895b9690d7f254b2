"""Halves of rows and of seeds, and what single estimates owe before any study is run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from forelearn.experiment.estimates_data import by_other_targets
from forelearn.experiment.estimates_vectors import centred_cosine
from forelearn.experiment.row_scores import HALVES, by_features, half_samples


def test_halves_are_halves_of_each_class() -> None:
    """Of 6, 4 and 3 rows a half has 3, 2 and, by chance, 1 or 2."""
    classes = np.array([0] * 6 + [1] * 4 + [2] * 3)
    halves = half_samples(classes, seed=0)
    assert len(halves) == HALVES
    counts = {tuple(np.bincount(classes[half]).tolist()) for half in halves}
    assert counts == {(3, 2, 1), (3, 2, 2)}
    assert all(len(set(half.tolist())) == len(half) for half in halves)


def test_halves_of_rows_that_share_an_example_are_halves_of_the_examples() -> None:
    """Seven examples of two rows each, of both classes: three or four examples in a half, always whole."""
    examples = np.repeat(np.arange(7), 2)
    halves = half_samples(np.tile([0, 1], 7), seed=0, examples=examples)
    assert {len(half) for half in halves} == {6, 8}
    assert all(set(np.bincount(examples[half]).tolist()) <= {0, 2} for half in halves)
    alone = half_samples(np.tile([0, 1], 7), seed=0, examples=np.arange(14))
    assert [half.tolist() for half in alone] == [
        half.tolist() for half in half_samples(np.tile([0, 1], 7), seed=0)
    ]


def test_a_rare_class_is_in_every_half_of_examples() -> None:
    """Forty sentences of six words: two tags stand in two sentences each, and in every half in one of them at least."""
    tags = np.random.default_rng(0).integers(0, 3, 240)
    tags[[5, 65]], tags[[100, 200]] = 3, 4
    for half in half_samples(tags, seed=1, examples=np.repeat(np.arange(40), 6)):
        assert set(tags[half].tolist()) == {0, 1, 2, 3, 4}
        assert len(half) in range(19 * 6, 22 * 6)


def test_all_sources_are_scored_on_the_same_halves() -> None:
    """What one source's features are twice as long is seen by no neighbour: each half has the same score."""
    chance = np.random.default_rng(0)
    rows, classes = chance.normal(size=(40, 5)), np.arange(40) % 3
    one, other = by_features(rows, classes, seed=4), by_features(2 * rows, classes, seed=4)
    assert one["knn"].halves == pytest.approx(other["knn"].halves)
    assert len(set(one["knn"].halves)) > 1
    assert one["knn"].halves != by_features(rows, classes, seed=5)["knn"].halves


def test_a_longer_gradient_is_no_other_direction() -> None:
    chance = np.random.default_rng(0)
    tasks = {name: {"gradient": chance.normal(size=8)} for name in "abcd"}
    longer = {**tasks, "a": {"gradient": 1e4 * tasks["a"]["gradient"]}}
    assert centred_cosine("a", tasks).values == pytest.approx(centred_cosine("a", longer).values)
    few = centred_cosine("a", {name: tasks[name] for name in "ab"})
    assert not few.values
    assert "fewer than 3 tasks" in few.failed["b"]


def test_static_does_not_take_the_sources_of_easy_targets_for_good_ones() -> None:
    """On the easy target A and C gain .10 and .09, on the hard one B and C −.03 and −.06: less their targets' means A
    has +.005, C −.005 and −.015, B +.015."""
    gains = {("A", "easy"): 0.10, ("C", "easy"): 0.09, ("B", "hard"): -0.03, ("C", "hard"): -0.06}
    names = {name: SimpleNamespace(name=name) for name in ("A", "B", "C", "easy", "hard", "new")}
    stock = SimpleNamespace(
        prepared=SimpleNamespace(
            space=SimpleNamespace(
                pairs=lambda: [(names[s], names[t]) for t in ("easy", "hard", "new") for s in "ABC"],
                targets=[names[name] for name in ("easy", "hard", "new")],
            )
        ),
        search=SimpleNamespace(dev_gain=lambda source, target: gains.get((source.name, target.name))),
        sources=lambda target: dict.fromkeys("ABC"),
    )
    found = by_other_targets(cast(Any, stock), "static", cast(Any, names["new"]))
    assert {name: one.value for name, one in found.items()} == {
        "A": pytest.approx(0.005 / 2),
        "B": pytest.approx(0.015 / 2),
        "C": pytest.approx(-0.020 / 3),
    }
