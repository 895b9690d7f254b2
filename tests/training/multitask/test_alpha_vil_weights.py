"""Weights of αVIL: their floor, their symmetry, and what a divergence does to an epoch."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from tests.training.multitask.by_hand import NumberLearner, by_hand, number_task

from forelearn.training.multitask.learner import Part
from forelearn.training.steps import Diverged

NAMES = ("target", "one", "two", "three")
TASKS = [number_task(name, random_labels=name == "two") for name in NAMES]


def test_weights_follow_alpha_and_never_fall_below_the_floor(tmp_path: Path) -> None:
    """A rate of α this high throws α far above and far below 1."""
    method, learner = by_hand(
        "alpha-vil", TASKS, tmp_path, alpha_rate=20.0, alpha_momentum=0.0, alpha_steps=1
    )
    weights = [1.0] * len(TASKS)
    events: list[str] = []
    for epoch in range(6):
        change = method.epoch(epoch)
        events += change.events
        undone = any("undone" in event for event in change.events)
        for task, told in enumerate(change.tasks):
            assert told.alpha is not None
            assert told.slope is not None
            assert told.alpha == pytest.approx(1 - 20.0 * told.slope)
            if not undone:
                weights[task] = max(weights[task] + told.alpha - 1, 1e-6)
        assert [task.weight for task in change.tasks] == pytest.approx(weights)
        assert min(weights) >= 1e-6
    assert any("dropped" in event for event in events)
    assert bool(torch.isfinite(learner.flat.values).all())


def test_permuting_auxiliary_tasks_permutes_what_comes_of_them(tmp_path: Path) -> None:
    found = {}
    for order in ((0, 1, 2, 3), (0, 3, 1, 2)):
        method, learner = by_hand("alpha-vil", [TASKS[task] for task in order], tmp_path, alpha_rate=0.3)
        changes = [method.epoch(epoch) for epoch in range(3)]
        found[order] = [
            dict(zip(learner.names, ((task.weight, task.alpha, task.slope) for task in change.tasks)))
            for change in changes
        ]
    for one, other in zip(*found.values(), strict=True):
        assert {name: pytest.approx(values, rel=1e-8) for name, values in one.items()} == other
        assert len({round(weight, 6) for weight, _, _ in one.values()}) == len(NAMES)


def spoiled(bad: float, *, away: float = 1e-3):  # type: ignore[no-untyped-def]
    """The target's dev loss is `bad` wherever the parameters are this far from where they began."""
    began: list[torch.Tensor] = []

    def change(learner: NumberLearner, task: int, part: Part, loss: torch.Tensor) -> torch.Tensor:
        values = learner.flat.values
        if not began:
            began.append(values.clone())
        far = part == "tune" and float((values - began[0]).abs().max()) > away
        return loss * 0 + bad if far else loss

    return change


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e6])
def test_a_mixture_whose_dev_loss_explodes_is_undone_and_three_in_a_row_end_the_run(
    bad: float, steps: int, tmp_path: Path
) -> None:
    method, learner = by_hand("alpha-vil", TASKS, tmp_path, change_loss=spoiled(bad), alpha_steps=steps)
    before = learner.flat.values.clone()
    for epoch in range(2):
        change = method.epoch(epoch)
        assert any("undone" in event for event in change.events)
        assert torch.equal(learner.flat.values, before)
        assert change.after == change.before
        assert math.isfinite(change.before)
        assert [task.weight for task in change.tasks] == [1.0] * len(TASKS)
    with pytest.raises(Diverged, match="3 epochs in a row had to be undone"):
        method.epoch(2)


def test_an_epoch_that_can_be_kept_ends_the_count_of_those_undone(tmp_path: Path) -> None:
    spoil = spoiled(math.nan)
    state = {"on": True}
    method, learner = by_hand(
        "alpha-vil",
        TASKS,
        tmp_path,
        change_loss=lambda *given: spoil(*given) if state["on"] else given[-1],
    )
    method.epoch(0)
    method.epoch(1)
    before = learner.flat.values.clone()
    state["on"] = False
    assert not any("undone" in event for event in method.epoch(2).events)
    assert not torch.equal(learner.flat.values, before)
    assert method.numbers()["undone"] == 0


def test_an_auxiliary_task_that_diverges_is_left_out_of_the_epoch(tmp_path: Path) -> None:
    def change(learner: NumberLearner, task: int, part: Part, loss: torch.Tensor) -> torch.Tensor:
        return loss * math.nan if task == 1 and part == "train" else loss

    method, learner = by_hand("alpha-vil", TASKS, tmp_path, change_loss=change)
    before = learner.flat.values.clone()
    found = method.epoch(0)
    assert found.events == ("one diverged: its change was left out",)
    assert (found.tasks[1].slope, found.tasks[1].length, found.tasks[1].loss) == (0.0, 0.0, None)
    own = learner.flat.parts_of(1)[1]
    assert all(torch.equal(learner.flat.values[part], before[part]) for part in own)
    assert all(
        not torch.equal(learner.flat.values[part], before[part]) for part in learner.flat.parts_of(0)[0]
    )
    assert bool(torch.isfinite(learner.flat.values).all())
    assert not learner.flat.gradient.any()


def test_a_target_that_diverges_ends_the_run(tmp_path: Path) -> None:
    def change(learner: NumberLearner, task: int, part: Part, loss: torch.Tensor) -> torch.Tensor:
        return loss * math.nan if task == 0 and part == "train" else loss

    method, _ = by_hand("alpha-vil", TASKS, tmp_path, change_loss=change)
    with pytest.raises(Diverged, match="training on target diverged"):
        method.epoch(0)


@pytest.mark.parametrize("name", ["alpha-vil", "alpha-vil-robust"])
def test_dropout_is_off_in_the_alpha_step_and_on_in_training(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[tuple[Part, bool]] = set()
    state = {"training": True}

    def change(learner: NumberLearner, task: int, part: Part, loss: torch.Tensor) -> torch.Tensor:
        seen.add((part, state["training"]))
        return loss

    method, learner = by_hand(name, TASKS, tmp_path, change_loss=change)
    monkeypatch.setattr(learner, "mode", lambda *, training: state.update(training=training))
    method.epoch(0)
    method.epoch(1)
    assert seen == {("train", True), ("tune", False)}
