"""Gradient-cosine gating: gates by hand, and what a closed one leaves."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.training.multitask.setting import make_encoder, make_method, make_tasks
from tests.training.multitask.toy import toy_method, toy_step

from forelearn.core.data import TaskData
from forelearn.training.multitask.gradient_cosine import gate

KINDS = ("binary", "binary", "binary")


@pytest.fixture(scope="module")
def tasks() -> list[TaskData]:
    return make_tasks(("binary", "pair", "spans"))


@pytest.fixture(scope="module")
def start(tasks: list[TaskData], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tasks, tmp_path_factory.mktemp("encoder"))


@pytest.mark.parametrize(
    ("other", "unweighted", "weighted"),
    [
        ((6.0, 8.0), 1.0, 1.0),  # parallel
        ((-3.0, -4.0), 0.0, 0.0),  # opposite
        ((4.0, -3.0), 1.0, 0.0),  # at right angles: 12 − 12
        ((1.0, 0.0), 1.0, 0.6),  # 3 / (5 · 1)
        ((-1.0, 0.0), 0.0, 0.0),  # cos = −0.6
        ((0.0, 0.0), 1.0, 0.0),  # no direction
    ],
)
def test_a_gate_is_open_unless_the_gradients_point_apart(
    other: tuple[float, float], unweighted: float, weighted: float
) -> None:
    """Against the target's gradient (3, 4)."""
    target, it = torch.tensor((3.0, 4.0)), torch.tensor(other)
    assert gate(target, it, [slice(0, 2)], weighted=False) == unweighted
    assert gate(target, it, [slice(0, 2)], weighted=True) == pytest.approx(weighted)


def test_only_the_places_that_both_tasks_have_are_compared() -> None:
    """In all three places the product is 3 − 10 < 0; in the first alone it is 3."""
    target, other = torch.tensor((3.0, 0.0, 5.0)), torch.tensor((1.0, 7.0, -2.0))
    assert gate(target, other, [slice(0, 1)], weighted=True) == 1.0
    assert gate(target, other, [slice(0, 3)], weighted=True) == 0.0


def test_a_step_adds_what_passes_its_gate_and_every_head_takes_its_own() -> None:
    """(3, 4) + (1, 0), cos 0.6, + (−1, −1), cos < 0: (4, 4); weighted (3.6, 4). Heads have gradients 1, 2, 3."""
    gradients = [(3.0, 4.0), (1.0, 0.0), (-1.0, -1.0)]
    for weighted, expected in ((False, [4.0, 4.0]), (True, [3.6, 4.0])):
        shared, heads = toy_step(toy_method("gradient-cosine", KINDS, weighted=weighted), gradients)
        assert shared == pytest.approx(expected)
        assert heads == pytest.approx([1.0, 2.0, 3.0])


def test_opposite_gradients_leave_a_step_of_the_target_alone() -> None:
    gradients = [(3.0, 4.0), (-3.0, -4.0), (-6.0, -8.0)]
    assert toy_step(toy_method("gradient-cosine", KINDS), gradients)[0] == pytest.approx([3.0, 4.0])


def test_the_order_of_auxiliary_tasks_changes_nothing_of_a_step() -> None:
    gradients = [(3.0, 4.0), (1.0, 0.0), (2.0, -1.0)]
    one = toy_step(toy_method("gradient-cosine", KINDS, weighted=True), gradients)[0]
    other = toy_step(toy_method("gradient-cosine", KINDS, weighted=True), [gradients[i] for i in (0, 2, 1)])[
        0
    ]
    assert one == pytest.approx(other)


def test_permuting_the_auxiliary_tasks_permutes_the_mean_gates(
    tasks: list[TaskData], start: Path, tmp_path: Path
) -> None:
    found = []
    for order in ((0, 1, 2), (0, 2, 1)):
        its = [tasks[index] for index in order]
        method = make_method(its, start, "gradient-cosine", tmp_path, dropout=False, weighted=True)
        with method.learner.session():
            change = method.epoch(0)
        found.append({name: task.weight for name, task in zip(method.learner.names, change.tasks)})
    assert found[0] == pytest.approx(found[1], abs=1e-3)
    assert found[0]["binary"] == 1.0
    assert all(0 <= weight <= 1 for weight in found[0].values())
    assert len({round(weight, 3) for weight in found[0].values()}) == 3


def test_a_task_that_is_its_own_auxiliary_is_never_held_back(
    tasks: list[TaskData], start: Path, tmp_path: Path
) -> None:
    """The same examples under the same head: gradients are the same, every gate is open."""
    method = make_method(
        [tasks[0], tasks[0]], start, "gradient-cosine", tmp_path, dropout=False, weighted=True
    )
    with method.learner.session():
        change = method.epoch(0)
    assert change.tasks[1].weight == pytest.approx(1.0, abs=1e-4)


def test_a_gradient_whose_square_is_0_in_its_type_counts_for_nothing() -> None:
    tiny = torch.tensor([1e-24])
    assert float(tiny @ tiny) == 0.0
    assert gate(torch.tensor([1e3]), tiny, [slice(0, 1)], weighted=True) == 0.0
