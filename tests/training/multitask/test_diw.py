"""Discriminative importance weighting: weights by hand, tries from the same parameters, what is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.training.multitask.setting import make_encoder, make_method, make_tasks

from forelearn.core.data import TaskData
from forelearn.core.errors import InputError
from forelearn.training.multitask.diw import Diw, reweighed
from forelearn.training.multitask.methods import multitask
from forelearn.training.steps import Diverged


@pytest.fixture(scope="module")
def tasks() -> list[TaskData]:
    return make_tasks(("binary", "pair", "regression"))


@pytest.fixture(scope="module")
def start(tasks: list[TaskData], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tasks, tmp_path_factory.mktemp("encoder"))


def scripted(method: Diw, measures: Sequence[float]) -> Iterator[float]:
    """Let the target's measures be these, one after another."""
    left = iter(measures)
    method.learner.measure = lambda task, part: next(left)  # type: ignore[method-assign]
    return left


def test_a_weight_moves_by_what_the_task_alone_reached_beyond_the_joint_pass() -> None:
    """w + 0.1 (a_i − a) with a = 0.6: 1 + 0.1 · 0.2 = 1.02, 1 + 0.1 · (−0.3) = 0.97, 0.01 − 0.06 < the floor."""
    moved = reweighed([1.0, 1.0, 0.01], [0.8, 0.3, 0.0], 0.6, rate=0.1, floor=1e-6)
    assert moved == pytest.approx([1.02, 0.97, 1e-6])


def test_an_epoch_ends_with_the_first_try_that_beats_all_before(
    tasks: list[TaskData], start: Path, tmp_path: Path
) -> None:
    """Epoch 0: alone .5 .6 .4, and the first try is kept at .7. Epoch 1: alone .9 .5 .7; tries .7 (equal is not
    better), .6, .8. Weights after the second try: 1 + .1 (.9 − .7) + .1 (.9 − .6) = 1.05; 1 − .02 − .01 = .97;
    1 + 0 + .01 = 1.01."""
    method = make_method(tasks, start, "diw", tmp_path, dropout=False)
    left = scripted(method, [0.5, 0.6, 0.4, 0.7, 0.9, 0.5, 0.7, 0.7, 0.6, 0.8])
    with method.learner.session():
        first, second = method.epoch(0), method.epoch(1)
    assert [task.weight for task in first.tasks] == [1.0, 1.0, 1.0]
    assert [task.weight for task in second.tasks] == pytest.approx([1.05, 0.97, 1.01])
    assert first.events == ("try 1 kept: average_precision 0.7 on dev is the best so far",)
    assert second.events == ("try 3 kept: average_precision 0.8 on dev is the best so far",)
    assert method.best == 0.8
    assert next(left, None) is None


def test_out_of_patience_the_best_try_is_kept_with_its_optimiser(
    tasks: list[TaskData], start: Path, tmp_path: Path
) -> None:
    """Tries of the second epoch reach .4, .6, .5: the second one, whatever follows it, is what a run keeps whose
    patience ends there; and the weights have moved three times."""
    alone = [0.9, 0.1, 0.5]
    kept: dict[int, Any] = {}
    for patience, tries in ((2, [0.4, 0.6]), (3, [0.4, 0.6, 0.5])):
        method = make_method(tasks, start, "diw", tmp_path, patience=patience)
        scripted(method, [*alone, 0.7, *alone, *tries])
        with method.learner.session():
            method.epoch(0)
            change = method.epoch(1)
        kept[patience] = method.learner.flat.values.clone(), method.tensors()
    assert torch.equal(kept[2][0], kept[3][0])
    assert all(torch.equal(value, kept[3][1][name]) for name, value in kept[2][1].items())
    assert change.events == (
        "no rise in 3 tries: the best of them is kept, average_precision 0.6 on dev, 0.7 before",
    )
    assert method.best == 0.7
    moved = [1 + 0.1 * (3 * its - 1.5) for its in alone]
    assert [task.weight for task in change.tasks] == pytest.approx(moved)


@pytest.mark.parametrize("given", [{"optimiser": "sgd"}, {}, {"schedule": "linear", "compute": 1000}])
def test_a_try_with_the_same_weights_does_the_same(
    given: dict[str, Any], tasks: list[TaskData], start: Path, tmp_path: Path
) -> None:
    """What all tasks gain alone moves all weights alike, and weights that sum to 1 not at all: both tries are one."""
    kept = []
    for tries in ([0.8], [0.6, 0.8]):
        method = make_method(tasks, start, "diw", tmp_path, weight_rate=1.0, **given)
        scripted(method, [0.7] * 3 + [0.7] + [1.6] * 3 + tries)
        with method.learner.session():
            method.epoch(0)
            method.epoch(1)
        kept.append(method.learner.flat.values.clone())
    assert method.weights == pytest.approx([2.0, 2.0, 2.0])
    assert torch.equal(*kept)


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_while_every_first_try_is_kept_it_is_standard_multitask_training(
    optimiser: str, tasks: list[TaskData], start: Path, tmp_path: Path
) -> None:
    """Optimiser state included: it goes on from one epoch to the next."""
    one, other = (
        make_method(tasks, start, name, tmp_path, dropout=False, optimiser=optimiser)
        for name in ("diw", "multitask")
    )
    scripted(one, [0.5, 0.5, 0.5, 0.6, 0.5, 0.5, 0.5, 0.7])
    for method in (one, other):
        with method.learner.session():
            method.epoch(0)
            method.epoch(1)
    torch.testing.assert_close(one.learner.flat.values, other.learner.flat.values, atol=1e-5, rtol=1e-3)


def test_tries_end_when_weights_no_longer_move(tasks: list[TaskData], start: Path, tmp_path: Path) -> None:
    """Alone as together: nothing moves the weights, so that a second try would be the first again."""
    method = make_method(tasks, start, "diw", tmp_path)
    scripted(method, [0.5] * 8)
    with method.learner.session():
        method.epoch(0)
        change = method.epoch(1)
    assert change.events == ("no rise in 1 try: it is kept, average_precision 0.5 on dev, 0.5 before",)


def test_weights_stay_at_the_floor_or_above_and_the_loss_says_who_fell(
    tasks: list[TaskData], start: Path, tmp_path: Path
) -> None:
    method = make_method(tasks, start, "diw", tmp_path, weight_rate=3.0, floor=0.25, patience=2)
    scripted(method, [0.9, 0.1, 0.6, 0.7, 0.9, 0.1, 0.6, 0.6, 0.5])
    with method.learner.session():
        method.epoch(0)
        change = method.epoch(1)
    assert [task.weight for task in change.tasks] == pytest.approx([1 + 0.9 + 1.2, 0.25, 1 + 0 + 0.3])
    assert change.events[1] == "pair dropped: its weight fell from 1 to the floor, 0.25"


@pytest.mark.slow
def test_permuting_the_auxiliary_tasks_permutes_the_weights(
    tasks: list[TaskData], start: Path, tmp_path: Path
) -> None:
    found = {}
    for order in ((0, 1, 2), (0, 2, 1)):
        its = [tasks[index] for index in order]
        method = make_method(its, start, "diw", tmp_path, dropout=False, weight_rate=0.5, patience=3)
        method.best = 1.0  # out of reach, so that every try moves the weights
        with method.learner.session():
            for number in range(2):
                method.epoch(number)
        found[order] = dict(zip(method.learner.names, method.weights))
    assert found[0, 1, 2] == pytest.approx(found[0, 2, 1])
    assert len(set(found[0, 1, 2].values())) > 1


def test_an_auxiliary_task_that_diverges_alone_falls_to_the_floor(
    tasks: list[TaskData], start: Path, tmp_path: Path
) -> None:
    method = make_method(tasks, start, "diw", tmp_path, patience=1)
    scripted(method, [0.5, 0.5, 0.5, 0.9, 0.5, 0.5, 0.5])
    with method.learner.session():
        method.epoch(0)
        usual = method.learn_alone

        def fails(task: int, *rest: Any, **named: Any) -> float:
            if task == 1:
                raise Diverged("as it was told to")
            return usual(task, *rest, **named)

        method.learn_alone = fails
        method.epoch(1)
    assert method.weights == pytest.approx([1.0, 1e-6, 1.0])


@pytest.mark.parametrize(
    ("name", "value"), [("weight_rate", 0.0), ("patience", 0), ("floor", 0.0), ("normalise", "perhaps")]
)
def test_an_option_out_of_range_is_named(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=name):
        multitask("diw", {name: value})
