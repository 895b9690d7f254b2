import numpy as np
import pytest

from forelearn.estimators.task_similarity import component_similarities, task_similarity

TASKS = {
    "target": {"a": [1.0, 0.0], "b": [1.0, 1.0]},
    "near": {"a": [1.0, 0.1], "b": [1.0, 2.0]},
    "far": {"a": [0.0, 1.0], "b": [1.0, 0.0]},
}


def test_ranks_of_components_are_fused_by_hand():
    """a: near, far. b: cosines 3/√10 = .949 and 1/√2 = .707: near, far. So 2/61 against 2/62."""
    found = task_similarity("target", TASKS)
    assert found.values == pytest.approx({"near": 2 / 61, "far": 2 / 62})
    assert found.order() == ["near", "far"]
    by_component = component_similarities("target", TASKS)
    assert by_component["b"].values == pytest.approx({"near": 3 / 10**0.5, "far": 1 / 2**0.5})


def test_the_scale_of_a_component_and_the_order_of_the_tasks_say_nothing():
    scaled = {name: {part: 7 * np.array(v) for part, v in vectors.items()} for name, vectors in TASKS.items()}
    turned = {name: dict(reversed(vectors.items())) for name, vectors in reversed(scaled.items())}
    assert task_similarity("target", turned).values == pytest.approx(task_similarity("target", TASKS).values)


def test_a_component_that_the_target_does_not_have_has_no_vote():
    more = {**TASKS, "far": {**TASKS["far"], "pooled": [1.0]}, "near": {**TASKS["near"], "pooled": [1.0]}}
    assert task_similarity("target", more).values == task_similarity("target", TASKS).values
    flat = {name: {**vectors, "flat": [0.0, 0.0]} for name, vectors in TASKS.items()}
    assert task_similarity("target", flat).values == task_similarity("target", TASKS).values


def test_a_source_without_a_component_is_last_in_it():
    found = task_similarity("target", {**TASKS, "near": {"a": [1.0, 0.1]}})
    assert found.values == pytest.approx({"near": 1 / 61 + 1 / 62, "far": 1 / 62 + 1 / 61})


def test_a_source_with_nothing_in_common_is_listed_with_its_reason():
    found = task_similarity("target", {**TASKS, "other": {"c": [1.0]}})
    assert found.failed == {"other": "no component in common"}
    assert set(found.values) == {"near", "far"}
    alone = task_similarity("target", {"target": {"a": [1.0]}, "other": {"c": [1.0]}})
    assert (alone.values, set(alone.failed)) == ({}, {"other"})


def test_centring_removes_what_all_tasks_share():
    shared = {
        "target": {"a": [100.0, 1.0, 0.0]},
        "near": {"a": [100.0, 0.9, 0.2]},
        "far": {"a": [101.0, -1.0, 0.0]},
    }
    raw = component_similarities("target", shared)["a"].values
    centred = component_similarities("target", shared, centred=True)["a"].values
    assert raw["near"] - raw["far"] < 0.001
    assert centred["near"] - centred["far"] > 1


def test_vectors_of_different_lengths_are_refused_in_words():
    with pytest.raises(ValueError, match="`a` has different lengths"):
        task_similarity("target", {**TASKS, "far": {"a": [1.0, 0.0, 0.0], "b": [1.0, 0.0]}})
