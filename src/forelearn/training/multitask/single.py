"""The target alone: what every other method has to beat, by the same loop, snapshots and measures.

With `schedule = linear` and `compute` it is the control for a method whose steps shrink as it goes: a single task with
a decaying learning rate and as many sample gradients.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch

from forelearn.training.multitask.history import TaskEpoch
from forelearn.training.multitask.learner import TARGET, Learner
from forelearn.training.multitask.method import Change, Method, Surroundings
from forelearn.training.multitask.optimise import Optimiser
from forelearn.training.multitask.options import Options


class Single(Method[Options]):
    """Auxiliary tasks, if there are any, are not looked at."""

    name: ClassVar[str] = "single"
    about: ClassVar[str] = "the target alone"

    def __init__(self, learner: Learner, options: Options, around: Surroundings) -> None:
        super().__init__(learner, options, around)
        self._optimiser = Optimiser(learner.flat, (TARGET,), learner.recipe, options)

    def epoch(self, number: int) -> Change:
        """A pass over the target's share."""
        loss = self.learn_alone(TARGET, number, self._optimiser)
        return Change((TaskEpoch(weight=1.0, loss=loss), *[TaskEpoch()] * (self.learner.count - 1)))

    def tensors(self) -> dict[str, torch.Tensor]:
        """The optimiser's."""
        return self._optimiser.tensors()

    def restore(self, tensors: Mapping[str, torch.Tensor], numbers: Mapping[str, Any]) -> None:
        """Into the optimiser."""
        self._optimiser.restore(tensors)
