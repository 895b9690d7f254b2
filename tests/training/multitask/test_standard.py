"""Standard multitask training: what each way of sampling makes of tasks of different size."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.training.multitask.by_hand import RECIPE, by_hand, number_task

from forelearn.training.multitask.standard import Standard

SIZES = (80, 40, 8)
TASKS = [number_task(f"task{place}", train=size) for place, size in enumerate(SIZES)]


def steps_of(tmp_path: Path, epochs: int = 1, **given: object) -> list[dict[int, list[int]]]:
    """The rows of each task in each step."""
    method, _ = by_hand("multitask", TASKS, tmp_path, **given)
    assert isinstance(method, Standard)
    return [
        {task: sorted(rows.tolist()) for task, rows in step.items()}
        for epoch in range(epochs)
        for step in method.batches(epoch)
    ]


def test_the_mean_takes_a_batch_of_every_task_in_every_step(tmp_path: Path) -> None:
    steps = steps_of(tmp_path)
    assert all(set(step) == {0, 1, 2} for step in steps)


def test_weights_are_told_where_losses_are_weighed_and_not_where_batches_are_drawn(tmp_path: Path) -> None:
    for sampling, weight in (("mean", 1 / len(TASKS)), ("proportional", None), ("temperature", None)):
        method, _ = by_hand("multitask", TASKS, tmp_path, sampling=sampling)
        assert {task.weight for task in method.epoch(0).tasks} == {weight}


def test_proportional_sampling_is_one_pass_over_every_task_one_task_a_step(tmp_path: Path) -> None:
    steps = steps_of(tmp_path, sampling="proportional")
    assert all(len(step) == 1 for step in steps)
    assert [task for step in steps for task in step] != sorted(task for step in steps for task in step)
    for task, size in enumerate(SIZES):
        seen = [row for step in steps for row in step.get(task, [])]
        assert sorted(seen) == list(range(size))


@pytest.mark.parametrize(("temperature", "shares"), [(1.0, (80, 40, 8)), (2.0, (80**0.5, 40**0.5, 8**0.5))])
def test_temperature_draws_tasks_by_a_root_of_their_size(
    temperature: float, shares: tuple[float, ...], tmp_path: Path
) -> None:
    steps = steps_of(tmp_path, 60, sampling="temperature", temperature=temperature)
    drawn = Counter(task for step in steps for task in step)
    assert len(steps) == 60 * sum(-(-size // RECIPE.batch_size) for size in SIZES)
    for task, share in enumerate(shares):
        assert drawn[task] / len(steps) == pytest.approx(share / sum(shares), abs=0.05)


def test_a_task_that_is_drawn_alone_moves_its_own_head_and_the_body_only(tmp_path: Path) -> None:
    method, learner = by_hand("multitask", TASKS, tmp_path, sampling="proportional")
    assert isinstance(method, Standard)
    before = [net.head.weight.detach().clone() for net in learner.nets]
    real = method.batches
    method.batches = lambda number: [step for step in real(number) if 1 in step]  # type: ignore[method-assign]
    method.epoch(0)
    moved = [not bool((net.head.weight == old).all()) for net, old in zip(learner.nets, before, strict=True)]
    assert moved == [False, True, False]
