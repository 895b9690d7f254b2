"""What αVIL and its robust form share: every task's change from the same parameters, and the α-step that mixes them.

Source: Kourdis et al., "αVIL: Learning to leverage auxiliary tasks for multitask learning", Algorithm 1, lines 3 to 10;
the methods are in `alpha_vil.py` and `alpha_vil_robust.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np
import torch

from forelearn.core.keys import seed_from
from forelearn.training.multitask.alpha_step import EXPLODED, AlphaStep, descend
from forelearn.training.multitask.deltas import Deltas, delta_file
from forelearn.training.multitask.history import TaskEpoch
from forelearn.training.multitask.learner import TARGET, Learner, Rows
from forelearn.training.multitask.method import Method, Surroundings, optimisers, restore_to, state_of
from forelearn.training.multitask.options import Options
from forelearn.training.steps import Diverged

_UNDONE = 3
"""Epochs that may be undone one after another before the run fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlphaOptions(Options):
    """Options of the α-step.

    alpha_rate, alpha_momentum, alpha_steps: of the SGD on α (MultiMNIST in the paper: 0.005, 0.5, 10).
    alpha_share: share of the target's tuning examples that an epoch's α-step sees, drawn anew each epoch.
    alpha_batch: examples of these that each step sees, in turn, in an order drawn anew each epoch; 0: all of them.
    floor: the least weight. deltas: how changes are kept, `fp32` or `bf16`.
    state: whether a task's optimiser state is `kept` over the epochs, or `fresh` in each.
    """

    alpha_rate: float = 0.005
    alpha_momentum: float = 0.5
    alpha_steps: int = 10
    alpha_share: float = 1.0
    alpha_batch: int = 0
    floor: float = 1e-6
    deltas: Literal["fp32", "bf16"] = "fp32"
    state: Literal["kept", "fresh"] = "kept"

    def check(self) -> None:
        """Raise InputError for a value that is out of range."""
        Options.check(self)
        self.require("alpha_rate", self.alpha_rate >= 0, "must be 0 or more")
        self.require("alpha_momentum", 0 <= self.alpha_momentum < 1, "must lie in [0, 1)")
        self.require("alpha_steps", self.alpha_steps >= 0, "must be 0 or more")
        self.require("alpha_share", 0 < self.alpha_share <= 1, "must lie in (0, 1]")
        self.require("alpha_batch", self.alpha_batch >= 0, "must be 0 (all) or more")
        self.require("floor", 0 < self.floor <= 1, "must lie in (0, 1]")


A = TypeVar("A", bound=AlphaOptions)


class Collecting(Method[A]):
    """Changes of every task, and the α-step."""

    differs_alone: ClassVar[bool] = True

    def __init__(self, learner: Learner, options: A, around: Surroundings) -> None:
        super().__init__(learner, options, around)
        values = learner.flat.values
        self.optimisers = optimisers(learner, options)
        self.deltas = Deltas(
            learner.count,
            values,
            precision=options.deltas,
            file=delta_file(
                around.folder,
                learner.count,
                len(values),
                precision=options.deltas,
                budget=around.memory,
                width=values.element_size(),
            ),
        )
        self.weights = [1.0] * learner.count
        self.start = torch.empty_like(values)
        self._undone = 0

    @classmethod
    def passes(cls, options: A, tasks: int, tune: int) -> tuple[float, float]:
        """A pass over every share, and the α-step's over `tune`."""
        share = options.alpha_share
        if options.alpha_batch:
            share = min(share, options.alpha_batch / tune)
        return 1.0, options.alpha_steps * share

    def collect(
        self, number: int, weights: Sequence[float], *, skip: Sequence[bool] = ()
    ) -> tuple[list[float | None], list[str]]:
        """Train every task from the present parameters, its loss weighed; leave them as they were.

        skip: tasks that are not trained, and change nothing. Returns each task's mean loss and what happened. An
        auxiliary task that diverges changes nothing in this epoch; the target's divergence is raised.
        """
        flat = self.learner.flat
        self.began = self.started = self.learner.ledger.total
        if self.options.state == "fresh":
            self.optimisers = optimisers(self.learner, self.options)
        self.start.copy_(flat.values)
        losses: list[float | None] = []
        events = []
        for task, weight in enumerate(weights):
            if skip and skip[task]:
                losses.append(None)
                self.deltas.clear(task)
                continue
            flat.values.copy_(self.start)
            try:
                losses.append(self.learn_alone(task, number, self.optimisers[task], weight=weight))
                self.deltas.put(task, flat.values, self.start)
            except Diverged:
                if task == TARGET:
                    raise
                flat.gradient.zero_()
                losses.append(None)
                self.deltas.clear(task)
                events.append(f"{self.learner.names[task]} diverged: its change was left out")
        flat.values.copy_(self.start)
        return losses, events

    def alpha_rows(self, number: int) -> Rows | None:
        """The tuning items of this epoch, in the order in which steps take their batches of them; None: all of them."""
        options = self.options
        size = len(self.learner.lengths(TARGET, "tune"))
        if options.alpha_share == 1 and not options.alpha_batch:
            return None
        seed = seed_from("alpha", self.learner.seed, self.learner.parts[TARGET].data.task.digest, number)
        drawn = np.random.default_rng(seed).permutation(size)[: max(1, round(options.alpha_share * size))]
        return drawn if options.alpha_batch else np.sort(drawn)

    def find_alpha(self, rows: Rows | None) -> AlphaStep:
        """The α-step from the parameters that the changes were collected at."""
        learner, options, flat = self.learner, self.options, self.learner.flat
        found = descend(
            self.gradients(rows),
            flat.values,
            flat.gradient,
            self.start,
            self.deltas,
            learner.count,
            steps=options.alpha_steps,
            rate=options.alpha_rate,
            momentum=options.alpha_momentum,
        )
        flat.gradient.zero_()
        return found

    def gradients(self, rows: Rows | None) -> Callable[[int], float]:
        """What puts the gradient of the dev loss of an α-step into the flat buffer, and returns the loss."""
        learner = self.learner
        chosen = np.arange(len(learner.lengths(TARGET, "tune"))) if rows is None else rows
        size = min(self.options.alpha_batch or len(chosen), len(chosen))

        def gradient_at(step: int) -> float:
            return learner.tune_gradient(
                np.take(chosen, np.arange(step * size, (step + 1) * size), mode="wrap")
            )

        return gradient_at

    def undo_explosion(self, before: float, after: float, events: list[str]) -> bool:
        """Put the parameters back if the dev loss after the epoch is not finite or has exploded; whether it was so.

        Raises `Diverged` if that happened in `_UNDONE` epochs one after another.
        """
        if math.isfinite(after) and after <= EXPLODED * (abs(before) + 1):
            self._undone = 0
            return False
        events.append(f"epoch undone: dev loss {after:.4g} after it, {before:.4g} before")
        self.learner.flat.values.copy_(self.start)
        self._undone += 1
        if self._undone == _UNDONE:
            raise Diverged(
                f"{_UNDONE} epochs in a row had to be undone ({events[-1]}). Try a lower learning rate."
            )
        return True

    def tensors(self) -> dict[str, torch.Tensor]:
        """The optimisers'."""
        return state_of(self.optimisers)

    def numbers(self) -> dict[str, Any]:
        """The weights, and how many epochs have just been undone."""
        return {"weights": self.weights, "undone": self._undone}

    def restore(self, tensors: Mapping[str, torch.Tensor], numbers: Mapping[str, Any]) -> None:
        """Optimisers, weights and count."""
        restore_to(self.optimisers, tensors)
        self.weights = [float(weight) for weight in numbers["weights"]]
        self._undone = int(numbers.get("undone", 0))


def described(
    method: Collecting[A], found: AlphaStep, losses: Sequence[float | None], norms: torch.Tensor
) -> tuple[TaskEpoch, ...]:
    """The tasks of an epoch for the history. norms: [T] how far each moved the parameters."""
    return tuple(
        TaskEpoch(weight, float(alpha), float(slope) if math.isfinite(slope) else None, float(norm), loss)
        for weight, alpha, slope, norm, loss in zip(
            method.weights, found.alpha.tolist(), found.slopes.tolist(), norms.tolist(), losses, strict=True
        )
    )
