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
from forelearn.training.multitask.history import Epoch, TaskEpoch, renamed
from forelearn.training.multitask.learner import Part
from forelearn.training.multitask.method import Change
from forelearn.training.multitask.methods import Reading, expected_cost, multitask
from forelearn.training.multitask.options import Options
from forelearn.training.steps import Diverged

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


@pytest.mark.parametrize(
    ("compute", "measured"),
    [
        (0, [40, 80, 120, 160]),
        (1, [40]),
        (79, [40]),
        (80, [40, 80]),
        (100, [40, 80]),
        (300, [80, 160, 240, 280]),
        (1000, [280, 520, 760, 1000]),
    ],
)
def test_training_takes_what_compute_pays_for_and_is_measured_as_often_as_the_recipe_has_epochs(
    compute: int, measured: list[int], tmp_path: Path
) -> None:
    """An epoch of the target alone takes 40 sample gradients; the recipe has 4 epochs. Of 1,000 each quarter is passed
    with the 7th, 13th, 19th and 25th epoch; of 300, with the 2nd, 4th, 6th, and the 7th is the last.
    """
    method, learner = by_hand("single", TASKS[:1], tmp_path, compute=compute)
    history = fit_together(method, key="a")
    assert [epoch.gradients for epoch in history.epochs] == measured
    assert [epoch.number for epoch in history.epochs] == [total // 40 - 1 for total in measured]
    assert learner.ledger.total == measured[-1]


def test_an_epoch_that_took_more_than_compute_pays_for_is_no_candidate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of two epochs takes twice the 40 of the first, and would be the best."""
    method, learner = by_hand("single", TASKS[:1], tmp_path, compute=100)
    epoch = method.epoch

    def longer(number: int) -> Change:
        found = epoch(number)
        learner.ledger.learn("train", 40 * number, 0.0)
        return found

    monkeypatch.setattr(method, "epoch", longer)
    monkeypatch.setattr(learner, "measure", lambda task, part: float(learner.ledger.total))
    history = fit_together(method, key="a")
    assert [one.gradients for one in history.epochs] == [40]
    assert learner.ledger.total == 120


def test_a_run_killed_between_two_looks_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    """Eight epochs, every second is measured; the kill is in the fourth, whose predecessor was not."""

    class Kill(Exception):
        pass

    def kill(state: Mapping[str, Any]) -> None:
        if method.learner.ledger.total > 120 and "step" in state:
            raise Kill

    whole, learner = by_hand("single", TASKS[:1], tmp_path, compute=320)
    expected = fit_together(whole, key="a", checkpoint=tmp_path / "whole", checkpoint_seconds=0.0)
    method, _ = by_hand("single", TASKS[:1], tmp_path, compute=320, report=kill)
    with pytest.raises(Kill):
        fit_together(method, key="a", checkpoint=tmp_path / "killed", checkpoint_seconds=0.0)
    again, other = by_hand("single", TASKS[:1], tmp_path, compute=320)
    found = fit_together(again, key="a", checkpoint=tmp_path / "killed", checkpoint_seconds=0.0)
    assert other.ledger.total == 320
    assert [replace(one, seconds=0.0) for one in found.epochs] == [
        replace(one, seconds=0.0) for one in expected.epochs
    ]
    assert torch.equal(other.flat.values, learner.flat.values)


def test_a_full_disk_costs_the_checkpoint_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("forelearn.training.checkpoint.save_file", full)
    method, learner = by_hand("single", TASKS[:1], tmp_path, compute=320)
    fit_together(method, key="a", checkpoint=tmp_path / "full", checkpoint_seconds=0.0)
    assert learner.ledger.total == 320
    assert not list((tmp_path / "full").iterdir())


def test_what_happened_in_an_epoch_that_was_not_measured_is_told_with_the_next_that_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    method, _ = by_hand("single", TASKS[:1], tmp_path, compute=320)
    epoch = method.epoch
    monkeypatch.setattr(method, "epoch", lambda number: replace(epoch(number), events=(f"epoch {number}",)))
    history = fit_together(method, key="a")
    assert [one.events for one in history.epochs] == [
        (f"epoch {first}", f"epoch {first + 1}") for first in (0, 2, 4, 6)
    ]


def test_predictions_that_are_not_finite_end_the_run_whatever_is_measured_by_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Accuracy of NaN is a number; so the predictions themselves are looked at."""
    method, learner = by_hand("single", TASKS[:1], tmp_path)
    monkeypatch.setattr(learner, "raw_predictions", lambda task, part: np.full((24, 2), np.nan, np.float32))
    with pytest.raises(Diverged, match="predicts numbers that are not finite"):
        fit_together(method, key="a")


def test_an_auxiliary_task_whose_model_predicts_no_numbers_is_at_the_bottom_for_diw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    method, learner = by_hand("diw", TASKS, tmp_path, patience=2)
    looks: list[int] = []
    real = learner.raw_predictions

    def second_is_lost(task: int, part: Part) -> Any:
        looks.append(task)
        return real(task, part) * (np.nan if len(looks) == 2 else 1.0)

    monkeypatch.setattr(learner, "raw_predictions", second_is_lost)
    alone = method._measures_alone(0, learner.flat.values.clone())  # type: ignore[attr-defined]
    assert alone[1] == -math.inf
    assert math.isfinite(alone[0])


def test_every_epoch_is_reported_and_says_what_happened_only_if_it_was_measured(tmp_path: Path) -> None:
    said: list[Mapping[str, Any]] = []
    method, _ = by_hand("single", TASKS[:1], tmp_path, compute=320, report=said.append)
    fit_together(method, key="a")
    epochs = [(one["epoch"], one["epochs"], "of" in one) for one in said if "epoch" in one]
    assert epochs == [(number, 8, number % 2 == 0) for number in range(1, 9)]


@pytest.mark.parametrize(("compute", "epochs"), [(0, 3), (100, 1), (400, 2), (1350, 7)])
def test_the_price_of_a_run_is_that_of_the_epochs_that_compute_pays_for(compute: int, epochs: int) -> None:
    """An epoch of αVIL: 40 + 20 rows and 5 times 24 of dev, 180 sample gradients; 5 and 3 units of rows, 2 of dev."""
    plan = multitask("alpha-vil", {"compute": compute, "alpha_steps": 5})
    found = expected_cost(plan, 3, [Reading(5.0, 40), Reading(3.0, 20)], Reading(2.0, 24))
    assert found == pytest.approx(epochs * (5 + 3 + 5 * 2))


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


@pytest.mark.parametrize("compute", [0, 80, 100, 119])
@pytest.mark.parametrize("schedule", ["linear", "constant"])
def test_a_linear_schedule_ends_near_zero_where_training_ends(
    schedule: str, compute: int, tmp_path: Path
) -> None:
    """A loss of slope 1 everywhere: each step of plain SGD moves every number by its rate. 5 steps an epoch, 4 epochs
    by the recipe, or 2 by compute, whatever it leaves over.
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
        method.started = method.learner.ledger.total
        method.epoch(epoch)
    return behind, method


@pytest.mark.parametrize("name", ["alpha-vil", "alpha-vil-robust", "diw"])
def test_what_trains_from_the_same_parameters_goes_through_the_same_rates(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """5 steps of the target and 3 of the other task, the first of as many epochs as compute pays for."""
    behind, method = rates(name, tmp_path, monkeypatch, epochs=4, compute=1000, run=1)
    whole = 1 / (1000 // method.expected())
    assert whole < 1
    steps = (
        [min(1.0, step / 5 * whole) for step in range(5)],
        [min(1.0, step / 3 * whole) for step in range(3)],
    )
    assert behind[:8] == pytest.approx([*steps[0], *steps[1]])


@pytest.mark.parametrize("sampling", ["mean", "proportional"])
@pytest.mark.parametrize("sizes", [(25, 200), (9, 80), (40, 20)])
def test_joint_training_that_compute_ends_goes_down_to_0_at_its_end_and_not_before(
    sizes: tuple[int, int], sampling: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A joint epoch takes other batches than the shares' own: a task with few begins again."""
    tasks = [number_task("target", train=sizes[0]), number_task("one", train=sizes[1])]
    found = {}
    for compute in (0, 1):
        limit = compute and found[0][1].ledger.total
        behind: list[float] = []
        method, learner = by_hand(
            "multitask", tasks, tmp_path, schedule="linear", sampling=sampling, compute=limit
        )
        real = method.progress

        def progress(number: int, part: float, real: Any = real, behind: list[float] = behind) -> float:
            behind.append(real(number, part))
            return behind[-1]

        monkeypatch.setattr(method, "progress", progress)
        fit_together(method, key="a")
        found[compute] = behind, learner
    assert len(found[0][0]) == len(found[1][0])
    assert found[1][0] == pytest.approx(found[0][0], abs=0.1)
    assert max(found[1][0]) < 1


def test_a_run_that_compute_ends_has_the_rates_of_one_that_its_epochs_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a control with as much compute as the method, and more epochs than it needs, is trained alike."""
    by_epochs, method = rates("alpha-vil", tmp_path, monkeypatch, epochs=3, compute=0, run=3)
    by_compute, _ = rates(
        "alpha-vil", tmp_path, monkeypatch, epochs=50, compute=method.learner.ledger.total, run=3
    )
    assert by_compute == pytest.approx(by_epochs)


def test_epochs_are_read_under_other_names_event_by_event() -> None:
    epoch = Epoch(
        0,
        {"a": TaskEpoch(1.0), "a b": TaskEpoch(0.5)},
        select=0.5,
        events=("a b dropped: why", "a back", "epoch undone"),
    )
    found = renamed(epoch, ["x", "y"])
    assert found.tasks == {"x": TaskEpoch(1.0), "y": TaskEpoch(0.5)}
    assert found.events == ("y dropped: why", "x back", "epoch undone")
