"""Standard multitask training: every task counts the same, or as much as its data.

Source: Caruana 1997, "Multitask learning", as the baseline of Kourdis et al.: the mean of the tasks' losses, one
snapshot for each target. `sampling` chooses how tasks of different size meet:

- `mean`: each step takes a batch of every task, and the mean of their losses.
- `proportional`: each step takes a batch of one task; an epoch is one pass over every task's share, shuffled.
- `temperature`: as many steps, of tasks drawn with probability ∝ size^(1/τ) (Devlin 2019, multilingual BERT's
  sampling; τ = 1 is proportional in expectation, large τ takes all tasks alike); a task's batches are taken in turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch

from forelearn.core.keys import seed_from
from forelearn.training.multitask.history import TaskEpoch
from forelearn.training.multitask.joint import Joint
from forelearn.training.multitask.learner import Rows
from forelearn.training.multitask.method import Change
from forelearn.training.multitask.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardOptions(Options):
    """sampling: see above. temperature: τ, at least 1; of `temperature` sampling alone."""

    sampling: Literal["mean", "proportional", "temperature"] = "mean"
    temperature: float = 2.0

    def check(self) -> None:
        """Raise InputError for a value that is out of range."""
        Options.check(self)
        self.require("temperature", self.temperature >= 1, "must be 1 or more")


class Standard(Joint[StandardOptions]):
    """One optimiser for all."""

    name: ClassVar[str] = "multitask"
    about: ClassVar[str] = "standard multitask training: the mean of all losses, or batches by size"
    Options: ClassVar[type[Options]] = StandardOptions

    def epoch(self, number: int) -> Change:
        """A pass whose steps are as `sampling` says."""
        losses = self.joint_pass(number)
        weight = (
            1 / len(losses) if self.options.sampling == "mean" else None
        )  # else batches weigh, not losses
        return Change(tuple(TaskEpoch(weight=weight, loss=loss) for loss in losses))

    def step(self, losses: Mapping[int, torch.Tensor], progress: float) -> None:
        """The mean of the losses."""
        torch.stack(list(losses.values())).mean().backward()  # type: ignore[no-untyped-call]
        self.optimiser.step(progress, losses)

    def batches(self, number: int) -> list[dict[int, Rows]]:
        """Of every task at once, or of one task each."""
        return super().batches(number) if self.options.sampling == "mean" else self._sampled(number)

    def _sampled(self, number: int) -> list[dict[int, Rows]]:
        """Batches of one task each."""
        learner, options = self.learner, self.options
        batches = [learner.epoch_batches(task, number) for task in range(learner.count)]
        generator = np.random.default_rng(seed_from("sampled", learner.seed, number))
        total = sum(map(len, batches))
        if options.sampling == "proportional":
            order = generator.permutation(np.repeat(np.arange(len(batches)), [len(its) for its in batches]))
        else:
            sizes = np.array([len(learner.lengths(task, "train")) for task in range(learner.count)], float)
            weights = sizes ** (1 / options.temperature)
            order = generator.choice(len(batches), size=total, p=weights / weights.sum())
        turn = [0] * len(batches)
        steps = []
        for task in order.tolist():
            steps.append({task: batches[task][turn[task] % len(batches[task])]})
            turn[task] += 1
        return steps
