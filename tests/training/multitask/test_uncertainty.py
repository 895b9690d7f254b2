"""Uncertainty weighting: its step and its point of rest by hand, and what it thinks of noise."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from tests.training.multitask.setting import make_encoder, make_method, make_tasks
from tests.training.multitask.toy import toy_method, toy_step

from forelearn.core.data import TaskData

GRADIENTS = [(1.0, 0.0), (0.0, 1.0)]


@pytest.fixture(scope="module")
def tasks() -> list[TaskData]:
    return make_tasks(("binary", "pair", "regression"))


@pytest.fixture(scope="module")
def start(tasks: list[TaskData], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tasks, tmp_path_factory.mktemp("encoder"))


def test_a_step_moves_parameters_and_log_variances_from_where_they_were() -> None:
    """s = 0: gradients (1, 0) + (0, 1); ds = ½ − L = ½ − 2, ½ − 0.1 at rate 0.1: s = 0.15, −0.04. The next step then
    takes (e^−0.15, e^0.04)."""
    method = toy_method("uncertainty", ("binary", "multiclass"), weight_rate=0.1)
    assert toy_step(method, GRADIENTS, [2.0, 0.1]) == (pytest.approx([1.0, 1.0]), pytest.approx([1.0, 2.0]))
    assert method.log_variances.tolist() == pytest.approx([0.15, -0.04])  # type: ignore[attr-defined]
    shared, heads = toy_step(method, GRADIENTS, [2.0, 0.1])
    assert shared == pytest.approx([math.exp(-0.15), math.exp(0.04)])
    assert heads == pytest.approx([math.exp(-0.15), 2 * math.exp(0.04)])


def test_the_loss_of_a_regression_counts_half() -> None:
    """½ e^−s L + s / 2 at s = 0, L = 3: gradient ½ (1, 0), ds = ½ − 1.5."""
    method = toy_method("uncertainty", ("regression", "binary"), weight_rate=0.1)
    shared, _ = toy_step(method, GRADIENTS, [3.0, 3.0])
    assert shared == pytest.approx([0.5, 1.0])
    assert method.log_variances.tolist() == pytest.approx([0.1, 0.25])  # type: ignore[attr-defined]


def test_a_loss_that_stays_brings_its_weight_to_rest_at_one_over_twice_it() -> None:
    method = toy_method("uncertainty", ("binary", "regression"), weight_rate=0.2)
    for _ in range(300):
        toy_step(method, GRADIENTS, [2.0, 0.25])
    weights = [math.exp(-value) for value in method.log_variances.tolist()]  # type: ignore[attr-defined]
    assert weights == pytest.approx([1 / 4, 1 / 0.25], rel=1e-3)


def test_at_rate_0_it_is_the_sum_of_the_losses() -> None:
    method = toy_method("uncertainty", ("binary", "binary"), weight_rate=0.0)
    for _ in range(3):
        assert toy_step(method, GRADIENTS, [5.0, 1.0])[0] == pytest.approx([1.0, 1.0])


def test_a_task_with_a_larger_loss_ends_with_less_weight_and_order_changes_nothing(
    tasks: list[TaskData], start: Path, tmp_path: Path
) -> None:
    found = []
    for order in ((0, 1, 2), (0, 2, 1)):
        its = [tasks[index] for index in order]
        method = make_method(its, start, "uncertainty", tmp_path, dropout=False, weight_rate=0.05)
        with method.learner.session():
            method.epoch(0)
            change = method.epoch(1)
        found.append(dict(zip(method.learner.names, change.tasks)))
    for name, task in found[0].items():
        assert task.weight == pytest.approx(found[1][name].weight, rel=1e-3)
    alike = sorted((found[0][name] for name in ("binary", "pair")), key=lambda task: task.loss)
    assert alike[0].weight > alike[1].weight
