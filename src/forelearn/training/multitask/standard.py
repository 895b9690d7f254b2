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
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from forelearn.core.keys import seed_from
from forelearn.training.multitask.history import TaskEpoch
from forelearn.training.multitask.learner import Learner, Rows
from forelearn.training.multitask.method import Change, Method, Surroundings, check_loss, joint_batches
from forelearn.training.multitask.optimise import Optimiser
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


class Standard(Method[StandardOptions]):
    """One optimiser for all."""

    name: ClassVar[str] = "multitask"
    about: ClassVar[str] = "standard multitask training: the mean of all losses, or batches by size"
    Options: ClassVar[type[Options]] = StandardOptions

    def __init__(self, learner: Learner, options: StandardOptions, around: Surroundings) -> None:
        super().__init__(learner, options, around)
        self._optimiser = Optimiser(learner.flat, range(learner.count), learner.recipe, options)

    def epoch(self, number: int) -> Change:
        """Joint steps."""
        learner = self.learner
        steps = joint_batches(learner, number) if self.options.sampling == "mean" else self._sampled(number)
        learner.mode(training=True)
        learner.flat.gradient.zero_()
        totals = np.zeros((learner.count, 2))
        for index, rows in enumerate(steps):
            learner.reseed("joint", number, index)
            behind = self.progress(number, index / len(steps))
            losses = learner.losses(rows, "train", what="train")
            for task, loss in losses.items():
                value = float(loss.detach())
                check_loss(value, learner.names[task])
                totals[task] += value, 1
            torch.stack(list(losses.values())).mean().backward()  # type: ignore[no-untyped-call]
            self._optimiser.step(behind, losses)
            self.around.report({"step": index + 1, "steps": len(steps), "loss": value})
        return Change(
            tuple(
                TaskEpoch(weight=1 / learner.count, loss=total / count if count else None)
                for total, count in totals.tolist()
            )
        )

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

    def tensors(self) -> dict[str, torch.Tensor]:
        """The optimiser's."""
        return self._optimiser.tensors()

    def restore(self, tensors: Mapping[str, torch.Tensor], numbers: Mapping[str, Any]) -> None:
        """Into the optimiser."""
        self._optimiser.restore(tensors)
