"""What an epoch takes, where training ends, and what chooses the snapshot."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.training.multitask.by_hand import RECIPE, NumberLearner, by_hand, number_task

from forelearn.core.data import TaskData
from forelearn.core.errors import InputError
from forelearn.training.multitask.fit import fit_together
from forelearn.training.multitask.learner import Part
from forelearn.training.multitask.options import Options

TASKS = [number_task("target"), number_task("one", train=20)]


@pytest.mark.parametrize("share", [0.25, 0.6, 1.0])
def test_an_epoch_takes_a_share_of_each_tasks_examples_drawn_anew(share: float) -> None:
    learner = NumberLearner(TASKS, RECIPE, Options(share=share))
    for task, size in ((0, 40), (1, 20)):
        first, again, second = (np.concatenate(learner.epoch_batches(task, epoch)) for epoch in (0, 0, 1))
        assert len(first) == len(set(first.tolist())) == round(share * size)
        assert first.tolist() == again.tolist() != second.tolist()
        assert (set(first.tolist()) == set(second.tolist())) == (share == 1)


def test_a_share_is_one_example_at_least() -> None:
    assert len(NumberLearner(TASKS, RECIPE, Options(share=1e-6)).epoch_batches(0, 0)) == 1


@pytest.mark.parametrize(("compute", "epochs"), [(0, 4), (1, 1), (40, 1), (41, 2), (80, 2), (1000, 4)])
def test_no_epoch_begins_past_the_compute_that_is_granted(compute: int, epochs: int, tmp_path: Path) -> None:
    """An epoch of the target alone takes 40 sample gradients; the recipe has 4 epochs."""
    method, learner = by_hand("single", TASKS[:1], tmp_path, compute=compute)
    history = fit_together(method, key="a")
    assert len(history.epochs) == epochs
    assert [epoch.gradients for epoch in history.epochs] == [40 * (n + 1) for n in range(epochs)]
    assert learner.ledger.total == 40 * epochs


def test_alpha_steps_are_paid_for_from_the_same_compute(tmp_path: Path) -> None:
    """60 sample gradients of training, 3 · 24 of the α-step: 132 an epoch."""
    method, _ = by_hand("alpha-vil", TASKS, tmp_path, compute=132, alpha_steps=3)
    history = fit_together(method, key="a")
    assert len(history.epochs) == 1
    assert history.gradients == {"train": 60, "alpha": 72}


@pytest.mark.parametrize("select", [0.25, 0.5])
def test_tune_and_select_are_disjoint_and_together_all_of_dev(select: float) -> None:
    learner = NumberLearner(TASKS, RECIPE, Options(select=select))
    tune, chosen = (set(learner.examples(0, part).ids) for part in ("tune", "select"))
    assert not tune & chosen
    assert tune | chosen == set(TASKS[0].dev.ids) == set(learner.examples(0, "dev").ids)
    assert len(chosen) == round(select * 24)


def with_positives(count: int) -> TaskData:
    """A target of 24 dev examples, `count` of them positive."""
    dev = replace(TASKS[0].dev, labels=(1,) * count + (0,) * (24 - count))
    return replace(TASKS[0], dev=dev)


@pytest.mark.parametrize("seed", range(20))
def test_both_parts_of_a_dev_with_two_positives_have_one(seed: int) -> None:
    learner = NumberLearner([with_positives(2)], RECIPE, Options(select=0.25), seed)
    parts: tuple[Part, ...] = ("tune", "select")
    assert [learner.examples(0, part).positives() for part in parts] == [1, 1]


@pytest.mark.parametrize(("positives", "select"), [(1, 0.5), (12, 0.01), (12, 0.99)])
def test_a_dev_that_cannot_be_divided_into_two_that_can_be_measured_is_refused(
    positives: int, select: float
) -> None:
    with pytest.raises(InputError, match="option `select`: leaves a part of the 24 dev examples"):
        NumberLearner([with_positives(positives)], RECIPE, Options(select=select))


def test_the_dev_of_an_auxiliary_task_is_not_divided() -> None:
    learner = NumberLearner([TASKS[0], with_positives(1)], RECIPE, Options(select=0.5))
    assert len(learner.examples(1, "select")) == 24


def test_without_a_division_all_of_dev_is_both() -> None:
    learner = NumberLearner(TASKS, RECIPE, Options())
    assert learner.examples(0, "tune") == learner.examples(0, "select") == TASKS[0].dev


@pytest.mark.parametrize(("select", "deciding"), [(0.5, "select"), (0.0, "dev")])
def test_the_snapshot_is_the_first_best_by_the_deciding_part_alone(
    select: float, deciding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Epochs 1 and 3 are level and best there; by everything else another would be."""
    method, learner = by_hand("alpha-vil", TASKS, tmp_path, select=select, alpha_steps=1)
    after: list[torch.Tensor] = []

    def measure(task: int, part: Part) -> float:
        if part == deciding:
            after.append(learner.flat.values.clone())
            return (0.2, 0.7, 0.5, 0.7)[len(after) - 1]
        return 1 / len(after)

    monkeypatch.setattr(learner, "measure", measure)
    history = fit_together(method, key="a")
    assert history.best == 1
    assert torch.equal(learner.flat.values, after[1])
    assert not torch.equal(after[1], after[3])
    assert [epoch.select for epoch in history.epochs] == [0.2, 0.7, 0.5, 0.7]
    assert [epoch.test is not None for epoch in history.epochs] == [True, True, False, False]


@pytest.mark.parametrize("compute", [0, 80])
@pytest.mark.parametrize("schedule", ["linear", "constant"])
def test_a_linear_schedule_ends_near_zero_where_training_ends(
    schedule: str, compute: int, tmp_path: Path
) -> None:
    """A loss of slope 1 everywhere: each step of plain SGD moves every number by its rate. 5 steps an epoch, 4 epochs
    by the recipe, or 2 by compute.
    """
    moved: list[float] = []
    state: dict[str, Any] = {}

    def slope_one(learner: NumberLearner, task: int, part: Part, loss: torch.Tensor) -> torch.Tensor:
        return sum((value.sum() for value in learner.nets[task].parameters()), loss * 0)

    def report(given: Mapping[str, Any]) -> None:
        if "step" in given:
            values = state["learner"].flat.values.clone()
            difference = state["before"] - values
            assert math.isclose(float(difference.min()), float(difference.max()), abs_tol=1e-9)
            moved.append(float(difference.mean()))
            state["before"] = values

    recipe = replace(RECIPE, learning_rate=1.0, warmup=0.2, weight_decay=0.0)
    method, learner = by_hand(
        "single",
        TASKS[:1],
        tmp_path,
        recipe=recipe,
        change_loss=slope_one,
        report=report,
        schedule=schedule,
        compute=compute,
        optimiser="sgd",
        momentum=0.0,
    )
    state |= {"learner": learner, "before": learner.flat.values.clone()}
    fit_together(method, key="a")
    assert len(moved) == (10 if compute else 20)
    if schedule == "constant":
        assert moved == pytest.approx([1.0] * len(moved))
        return
    peak = int(np.argmax(moved))
    assert moved[0] < 0.1 < moved[peak]
    assert peak == 0.2 * len(moved)
    assert moved[peak:] == sorted(moved[peak:], reverse=True)
    assert moved[peak] > 0.85
    assert 0 < moved[-1] < 1.3 / len(moved)


def rates(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, epochs: int, compute: int, run: int
) -> tuple[list[float], Any]:
    """What `progress` said in the first `run` epochs, and the method."""
    method, _ = by_hand(
        name, TASKS, tmp_path, recipe=replace(RECIPE, epochs=epochs), schedule="linear", compute=compute
    )
    behind: list[float] = []
    real = method.progress

    def progress(number: int, part: float) -> float:
        behind.append(real(number, part))
        return behind[-1]

    monkeypatch.setattr(method, "progress", progress)
    for epoch in range(run):
        method.epoch(epoch)
    return behind, method


@pytest.mark.parametrize("name", ["alpha-vil", "alpha-vil-robust", "diw"])
def test_what_trains_from_the_same_parameters_goes_through_the_same_rates(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """5 steps of the target and 3 of the other task, the first of 4 epochs, where compute ends sooner."""
    behind, method = rates(name, tmp_path, monkeypatch, epochs=4, compute=132, run=1)
    whole = max(1 / 4, method.expected() / 132)
    steps = (
        [min(1.0, step / 5 * whole) for step in range(5)],
        [min(1.0, step / 3 * whole) for step in range(3)],
    )
    assert behind[:8] == pytest.approx([*steps[0], *steps[1]])


def test_a_run_that_compute_ends_has_the_rates_of_one_that_its_epochs_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a control with as much compute as the method, and more epochs than it needs, is trained alike."""
    by_epochs, method = rates("alpha-vil", tmp_path, monkeypatch, epochs=3, compute=0, run=3)
    by_compute, _ = rates(
        "alpha-vil", tmp_path, monkeypatch, epochs=50, compute=method.learner.ledger.total, run=3
    )
    assert by_compute == pytest.approx(by_epochs)
