"""Uncertainty weighting: each task's loss is divided by a variance that is learned.

Source: Kendall, Gal and Cipolla 2018, "Multi-task learning using uncertainty to weigh losses for scene geometry and
semantics". With s_i = log σ_i² the loss is Σ_i c_i exp(−s_i) L_i + s_i / 2, where c_i is ½ for a regression, whose
loss is a squared error (its equation 7), and 1 for every other kind (equation 10, by its approximation). Where a
task's loss stays at L, its weight exp(−s_i) comes to rest at 1 / (2 c_i L): a noisy task weighs little.

What is open, and what is done here: every s_i starts at 0 (weight 1); it is learned by an optimiser of the same kind
as the parameters', at the rate `weight_rate`, by the same schedule, clipped alike and never decayed. The target is
one of the tasks: nothing here is aimed at it. The history has exp(−s_i) as the weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch

from forelearn.training.multitask.flat import Flat, Segment
from forelearn.training.multitask.history import TaskEpoch
from forelearn.training.multitask.joint import Joint
from forelearn.training.multitask.learner import Learner
from forelearn.training.multitask.method import Change, Surroundings, parts_named
from forelearn.training.multitask.optimise import Optimiser
from forelearn.training.multitask.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class UncertaintyOptions(Options):
    """weight_rate: learning rate of the log-variances."""

    weight_rate: float = 0.01

    def check(self) -> None:
        """Raise InputError for a value that is out of range."""
        Options.check(self)
        self.require("weight_rate", self.weight_rate >= 0, "must be 0 or more")


class Uncertainty(Joint[UncertaintyOptions]):
    """log_variances: [T], the s_i."""

    name: ClassVar[str] = "uncertainty"
    about: ClassVar[str] = "each loss is weighed by a learned uncertainty of its task"
    Options: ClassVar[type[Options]] = UncertaintyOptions
    differs_alone: ClassVar[bool] = True  # the learned weight of one loss is a learning rate that moves

    def __init__(self, learner: Learner, options: UncertaintyOptions, around: Surroundings) -> None:
        super().__init__(learner, options, around)
        tasks = range(learner.count)
        self._factors = [
            0.5 if parts.data.task.kind == "regression" else 1.0 for parts in learner.parts
        ]  # c_i
        self.log_variances = torch.zeros(learner.count, device=learner.device)
        self._gradient = torch.zeros_like(self.log_variances)
        own = Flat(
            self.log_variances,
            self._gradient,
            (Segment(0, learner.count, frozenset(tasks), decayed=False),),
        )
        recipe = replace(learner.recipe, learning_rate=options.weight_rate)
        self._weigher = Optimiser(own, tasks, recipe, options)

    def epoch(self, number: int) -> Change:
        """Joint steps."""
        losses = self.joint_pass(number)
        weights = torch.exp(-self.log_variances).tolist()
        return Change(tuple(TaskEpoch(weight=weight, loss=loss) for weight, loss in zip(weights, losses)))

    def step(self, losses: Mapping[int, torch.Tensor], progress: float) -> None:
        """One of the parameters, and one of the log-variances, both from where they were."""
        weights = torch.exp(-self.log_variances).tolist()
        scaled = {task: loss * self._factors[task] * weights[task] for task, loss in losses.items()}
        torch.stack(list(scaled.values())).sum().backward()  # type: ignore[no-untyped-call]
        for task, loss in scaled.items():
            self._gradient[task] = 0.5 - loss.detach()  # of c exp(−s) L + s / 2 by s
        self.optimiser.step(progress, losses)
        self._weigher.step(progress, losses)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Both optimisers', and the log-variances."""
        weigher = {f"weigher/{name}": value for name, value in self._weigher.tensors().items()}
        return {**super().tensors(), **weigher, "log_variances": self.log_variances}

    def restore(self, tensors: Mapping[str, torch.Tensor], numbers: Mapping[str, Any]) -> None:
        """All of it."""
        super().restore(tensors, numbers)
        self._weigher.restore(parts_named(tensors, "weigher/"))
        self.log_variances.copy_(tensors["log_variances"])
