"""Methods that take a batch of every task in each step, and differ in how the tasks' gradients meet."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from statistics import fmean
from typing import Any, TypeVar

import torch

from forelearn.training.multitask.learner import Learner, Rows
from forelearn.training.multitask.method import Method, Surroundings, check_loss, joint_batches, parts_named
from forelearn.training.multitask.optimise import Optimiser
from forelearn.training.multitask.options import Options

O = TypeVar("O", bound=Options)  # noqa: E741


class Joint(Method[O]):
    """One optimiser over the parameters of all tasks, its state kept over the epochs."""

    def __init__(self, learner: Learner, options: O, around: Surroundings) -> None:
        super().__init__(learner, options, around)
        self.optimiser = self.new_optimiser()

    def new_optimiser(self) -> Optimiser:
        """One that has taken no step."""
        learner = self.learner
        return Optimiser(learner.flat, range(learner.count), learner.recipe, self.options)

    @abstractmethod
    def step(self, losses: Mapping[int, torch.Tensor], progress: float) -> None:
        """One step. losses: task → mean loss of its batch; tasks that share their inputs share a graph, too.

        The gradient buffer is 0 before it and after it. progress: share of the whole training that is behind.
        """

    def expected(self) -> float:
        """By the batches of the first epoch: a task with few begins again, so that they are not those of its share."""
        passed, _ = self.passes(self.options, self.learner.count, 1)
        return passed * sum(len(rows) for step in self.batches(0) for rows in step.values())

    def batches(self, number: int) -> list[dict[int, Rows]]:
        """The steps of epoch `number`: task → rows, of the tasks that take part in each."""
        return joint_batches(self.learner, number)

    def joint_pass(self, number: int) -> list[float | None]:
        """The steps of epoch `number`; what they draw follows from the epoch alone.

        Returns each task's mean loss over the steps that it took part in; None without any. Raises `Diverged` if a
        loss or a gradient is not finite.
        """
        learner = self.learner
        steps = self.batches(number)
        learner.mode(training=True)
        learner.flat.gradient.zero_()
        values: list[list[float]] = [[] for _ in range(learner.count)]
        for index, rows in enumerate(steps):
            learner.reseed("joint", number, index)
            behind = self.progress(number, index / len(steps))
            losses = learner.losses(rows, "train", what="train")
            for task, loss in losses.items():
                value = float(loss.detach())
                check_loss(value, learner.names[task])
                values[task].append(value)
            self.step(losses, behind)
            latest = fmean(values[task][-1] for task in losses)
            self.around.report({"step": index + 1, "steps": len(steps), "loss": latest})
        return [fmean(its) if its else None for its in values]

    def tensors(self) -> dict[str, torch.Tensor]:
        """The optimiser's."""
        return {f"joint/{name}": value for name, value in self.optimiser.tensors().items()}

    def restore(self, tensors: Mapping[str, torch.Tensor], numbers: Mapping[str, Any]) -> None:
        """Into the optimiser."""
        self.optimiser.restore(parts_named(tensors, "joint/"))
