"""Robust αVIL: the target learns as alone, changes are weighed and taken where they help, tasks rest and are probed."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from tests.training.multitask.by_hand import NumberLearner, by_hand, number_task, read
from tests.training.multitask.test_alpha_vil_weights import spoiled

from forelearn.core.errors import InputError
from forelearn.training.multitask.learner import Part
from forelearn.training.multitask.methods import multitask
from forelearn.training.steps import Diverged

NAMES = ("target", "one", "two", "three")
TASKS = [number_task(name, random_labels=name == "two") for name in NAMES]


def hurtful(learner: NumberLearner, task: int, part: Part, loss: torch.Tensor) -> torch.Tensor:
    """Task 1 learns the opposite of what it says, with great zeal."""
    return -5 * loss if task == 1 and part == "train" else loss


def helpful(learner: NumberLearner, task: int, part: Part, loss: torch.Tensor) -> torch.Tensor:
    """Task 1 learns the target's dev by heart."""
    if task != 1 or part != "train":
        return loss
    values, labels = read(learner.examples(0, "tune"))
    return torch.nn.functional.cross_entropy(learner.nets[0](values), labels)


def test_the_targets_weight_stays_1_and_the_others_follow_alpha_between_floor_and_1(tmp_path: Path) -> None:
    method, _ = by_hand("alpha-vil-robust", TASKS, tmp_path)
    weights = [1.0, 0.25, 0.25, 0.25]
    for epoch in range(4):
        change = method.epoch(epoch)
        for task, told in enumerate(change.tasks):
            assert told.alpha is not None
            assert 0 <= told.alpha <= 2
            if task:
                weights[task] = min(max(weights[task] * (1 + told.alpha) / 2, 0.01), 1.0)
        assert [task.weight for task in change.tasks] == pytest.approx(weights)


def test_an_epoch_never_leaves_a_higher_dev_loss_than_the_targets_own_change(tmp_path: Path) -> None:
    """With one α-step alone α stays 1: that is the target's own change."""
    for task in TASKS[1:]:
        method, _ = by_hand("alpha-vil-robust", [TASKS[0], task], tmp_path)
        alone, _ = by_hand("alpha-vil-robust", TASKS[:1], tmp_path, alpha_steps=1)
        together, own = method.epoch(0), alone.epoch(0)
        assert together.after is not None
        assert own.after is not None
        assert together.after <= own.after + 1e-12


def test_a_joint_step_that_hurts_is_rejected_and_the_targets_own_change_stands(tmp_path: Path) -> None:
    method, learner = by_hand(
        "alpha-vil-robust", TASKS[:2], tmp_path, change_loss=hurtful, alpha_steps=1, probe=0.9
    )
    change = method.epoch(0)
    assert any("joint step rejected" in event for event in change.events)
    assert change.tasks[0].alpha == 1.0
    assert change.tasks[1].alpha == 0.0
    alone, single = by_hand("alpha-vil-robust", TASKS[:1], tmp_path, alpha_steps=1)
    alone.epoch(0)
    for mine, own in zip(learner.nets[0].parameters(), single.nets[0].parameters(), strict=True):
        assert torch.allclose(mine, own, atol=1e-12)


def test_the_weight_scales_the_change_of_the_body_and_the_head_has_its_full_change(tmp_path: Path) -> None:
    """With one α-step α stays 1: θ + δ_target + w δ_one in the body, the head as after the task's own epoch."""
    method, learner = by_hand("alpha-vil-robust", TASKS[:2], tmp_path, alpha_steps=1)
    start = learner.flat.values.clone()
    losses, _ = method.collect(0, [1.0, 1.0])  # what each task makes of the start
    assert None not in losses
    own, other = (method.deltas.row(task, slice(None)) for task in (0, 1))
    again, fresh = by_hand("alpha-vil-robust", TASKS[:2], tmp_path, alpha_steps=1)
    change = again.epoch(0)
    assert not any("rejected" in event for event in change.events)
    shared, heads = fresh.flat.parts_of(1)
    for part in shared:
        assert torch.allclose(fresh.flat.values[part], start[part] + own[part] + 0.5 * other[part])
    for part in heads:
        assert torch.allclose(fresh.flat.values[part], start[part] + other[part])
    # how far a task moved the parameters is told before its weight
    assert change.tasks[1].length == pytest.approx(float(torch.linalg.vector_norm(other)))


def test_permuting_auxiliary_tasks_permutes_what_comes_of_them(tmp_path: Path) -> None:
    found = {}
    for order in ((0, 1, 2, 3), (0, 3, 1, 2)):
        method, learner = by_hand("alpha-vil-robust", [TASKS[task] for task in order], tmp_path)
        changes = [method.epoch(epoch) for epoch in range(3)]
        found[order] = [
            dict(zip(learner.names, ((task.weight, task.alpha) for task in change.tasks)))
            for change in changes
        ]
    for one, other in zip(*found.values(), strict=True):
        assert {name: pytest.approx(values, rel=1e-6) for name, values in one.items()} == other


def test_a_task_at_the_floor_rests_until_it_is_probed_and_is_back_only_if_the_probe_raises_it(
    tmp_path: Path,
) -> None:
    method, learner = by_hand(
        "alpha-vil-robust", TASKS[:2], tmp_path, change_loss=hurtful, floor=0.3, probe=0.4, probe_every=4
    )
    first = method.epoch(0)
    assert first.tasks[1].weight == 0.3
    assert any(
        event.startswith("one dropped") and "α" in event and "⟨g, δ⟩" in event for event in first.events
    )
    spent = learner.ledger.total
    rested = method.epoch(1)
    assert learner.ledger.total - spent < spent  # the task was not trained
    assert (rested.tasks[1].loss, rested.tasks[1].weight) == (None, 0.3)
    method.epoch(2)
    method.epoch(3)
    probed = method.epoch(4)
    assert "one probed again" in probed.events
    assert probed.tasks[1].loss is not None
    assert not any(event.startswith("one back") for event in probed.events)
    learner.change_loss = helpful
    for epoch in range(5, 9):
        last = method.epoch(epoch)
    assert last.tasks[1].alpha is not None
    assert last.tasks[1].alpha > 1
    assert any(event.startswith("one back") for event in last.events)


def test_a_probe_in_an_epoch_that_is_undone_leaves_no_trace(tmp_path: Path) -> None:
    method, learner = by_hand(
        "alpha-vil-robust", TASKS[:2], tmp_path, change_loss=hurtful, floor=0.3, probe=0.4, probe_every=4
    )
    for epoch in range(4):
        method.epoch(epoch)
    before = list(method.weights)
    assert before == [1.0, 0.3]
    learner.change_loss = spoiled(math.nan)
    change = method.epoch(4)
    assert "one probed again" in change.events
    assert any("undone" in event for event in change.events)
    assert method.weights == before


def test_a_momentum_is_refused_for_there_is_none() -> None:
    with pytest.raises(InputError, match="option `alpha_momentum`: must be 0"):
        multitask("alpha-vil-robust", {"alpha_momentum": 0.5})


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e6])
def test_an_epoch_whose_dev_loss_explodes_is_undone_and_three_in_a_row_end_the_run(
    bad: float, count: int, tmp_path: Path
) -> None:
    method, learner = by_hand("alpha-vil-robust", TASKS[:count], tmp_path, change_loss=spoiled(bad))
    before = learner.flat.values.clone()
    for epoch in range(2):
        change = method.epoch(epoch)
        assert any("undone" in event for event in change.events)
        assert torch.equal(learner.flat.values, before)
        assert change.after == change.before
    with pytest.raises(Diverged, match="3 epochs in a row had to be undone"):
        method.epoch(2)


def test_a_sound_joint_step_is_taken_where_the_targets_own_change_explodes(tmp_path: Path) -> None:
    """The dev loss is not a number where the target moves alone, and itself where an auxiliary task moves too."""

    def change(learner: NumberLearner, task: int, part: Part, loss: torch.Tensor) -> torch.Tensor:
        alone = began + method.deltas.row(0, slice(None))
        away = part == "tune" and not torch.equal(learner.flat.values, began)
        return loss * math.nan if away and torch.allclose(learner.flat.values, alone, atol=1e-9) else loss

    method, learner = by_hand("alpha-vil-robust", TASKS[:2], tmp_path, change_loss=change)
    began = learner.flat.values.clone()
    found = method.epoch(0)
    assert not found.events
    assert found.after is not None
    assert found.before is not None
    assert found.after < found.before
