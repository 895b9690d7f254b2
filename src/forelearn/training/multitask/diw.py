"""Discriminative importance weighting: a joint pass is tried with new weights until the target's dev measure rises.

Source: Sivasankaran, Vincent and Illina 2017, "Discriminative importance weighting of augmented training data for
acoustic model training", as Kourdis et al. ("αVIL: Learning to leverage auxiliary tasks for multitask learning",
section 3) describe and compare it. An epoch, from θ:

1. every task trains alone, its loss unweighted; a_i is the target's dev measure after it; θ is put back;
2. a joint pass over all tasks with the loss Σ w_i L_i / Σ w; a is the target's dev measure after it;
3. if a is above the best that any pass so far has reached, the pass is kept and the epoch ends;
4. otherwise w_i ← max(w_i + η (a_i − a), floor), θ is put back, and it goes on at 2; `patience` times at most.

What the text leaves open, and what is done here. Weights start at 1. The dev measure is the target's deciding one, on
its `tune` examples. The first pass of all is kept: nothing was reached before it. When patience is out, the epoch's
best pass is kept, the earliest of equals, though it is below what was reached before; the weights go on from where
they have come to. A joint pass has one optimiser, put back with θ at every try. The updates alone have an optimiser a
task, whose state is kept over the epochs. Every try of an epoch takes the same batches in the same order with the
same dropout, so that tries differ by their weights alone; if a try has not moved them, no other follows. An
auxiliary task that diverges alone falls to the floor as soon as a try brings no rise.

Costs one pass of each task, and from one to `patience` joint passes an epoch; `compute` ends no epoch half-way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from forelearn.training.multitask.history import TaskEpoch, crossings
from forelearn.training.multitask.joint import Joint
from forelearn.training.multitask.learner import TARGET, Learner
from forelearn.training.multitask.method import Change, Surroundings, optimisers, restore_to, state_of
from forelearn.training.multitask.options import Options
from forelearn.training.steps import Diverged


@dataclass(frozen=True, slots=True, kw_only=True)
class DiwOptions(Options):
    """Options of the loop over weights.

    weight_rate: η, weight per unit of the dev measure. patience: joint passes that an epoch tries at most.
    floor: the least weight. normalise: weights in the loss sum to 1; otherwise the loss is Σ w_i L_i.
    """

    weight_rate: float = 0.1
    patience: int = 10
    floor: float = 1e-6
    normalise: bool = True

    def check(self) -> None:
        """Raise InputError for a value that is out of range."""
        Options.check(self)
        self.require("weight_rate", self.weight_rate > 0, "must be above 0")
        self.require("patience", self.patience >= 1, "must be 1 or more")
        self.require("floor", 0 < self.floor <= 1, "must lie in (0, 1]")


@dataclass(frozen=True, slots=True)
class _Try:
    """A joint pass. values: [P]. losses: each task's mean. measure: of the target, higher is better."""

    measure: float
    values: torch.Tensor
    optimiser: Mapping[str, torch.Tensor]
    losses: Sequence[float | None]


class Diw(Joint[DiwOptions]):
    """Weights by the target's dev measure."""

    name: ClassVar[str] = "diw"
    about: ClassVar[str] = (
        "discriminative importance weighting: weights tried until the target's dev measure rises"
    )
    Options: ClassVar[type[Options]] = DiwOptions
    differs_alone: ClassVar[bool] = True

    def __init__(self, learner: Learner, options: DiwOptions, around: Surroundings) -> None:
        super().__init__(learner, options, around)
        self.weights = [1.0] * learner.count
        self.best = -math.inf
        self._alone = optimisers(learner, options)

    @classmethod
    def passes(cls, options: DiwOptions, tasks: int, tune: int) -> tuple[float, float]:
        """The updates alone, and as many tries as lie half-way between one and all."""
        return 1.0 + (1 + options.patience) / 2, 0.0

    def epoch(self, number: int) -> Change:
        """Updates alone, then joint passes from the same parameters."""
        flat, options = self.learner.flat, self.options
        self.began = self.started = self.learner.ledger.total
        start, state = flat.values.clone(), _copied(self.optimiser.tensors())
        before = list(self.weights)
        alone = self._measures_alone(number, start)
        kept: _Try | None = None
        tries = 0
        while tries < options.patience:
            self._put_back(start, state)
            losses = self.joint_pass(number)
            measure = self.learner.measure(TARGET, "tune")
            tries += 1
            if kept is None or measure > kept.measure:
                kept = _Try(measure, flat.values.clone(), _copied(self.optimiser.tensors()), losses)
            if measure > self.best:
                break
            moved = reweighed(self.weights, alone, measure, rate=options.weight_rate, floor=options.floor)
            if moved == self.weights:
                break
            self.weights = moved
        assert kept is not None
        self._put_back(kept.values, kept.optimiser)
        tasks = tuple(TaskEpoch(weight=weight, loss=loss) for weight, loss in zip(self.weights, kept.losses))
        events = (
            self._said(kept.measure, tries),
            *crossings(self.learner.names, before, tasks, options.floor),
        )
        self.best = max(self.best, kept.measure)
        return Change(tasks, events=events)

    def step(self, losses: Mapping[int, torch.Tensor], progress: float) -> None:
        """The weighted losses."""
        total = sum(self.weights) if self.options.normalise else 1.0
        weighted = [loss * (self.weights[task] / total) for task, loss in losses.items()]
        torch.stack(weighted).sum().backward()  # type: ignore[no-untyped-call]
        self.optimiser.step(progress, losses)

    def _measures_alone(self, number: int, start: torch.Tensor) -> list[float]:
        """The target's measure after each task alone; −∞ for an auxiliary task that diverged."""
        flat = self.learner.flat
        found = []
        for task, optimiser in enumerate(self._alone):
            flat.values.copy_(start)
            try:
                self.learn_alone(task, number, optimiser)
                found.append(self.learner.measure(TARGET, "tune"))
            except Diverged:
                if task == TARGET:
                    raise
                found.append(-math.inf)
        return found

    def _put_back(self, values: torch.Tensor, state: Mapping[str, torch.Tensor]) -> None:
        """These parameters, and an optimiser in this state."""
        self.learner.flat.values.copy_(values)
        self.optimiser = self.new_optimiser()
        self.optimiser.restore(_copied(state))

    def _said(self, measure: float, tries: int) -> str:
        reached = f"{self.learner.parts[TARGET].data.task.metric} {measure:.4g} on dev"
        if measure > self.best:
            return f"try {tries} kept: {reached} is the best so far"
        kept = "1 try: it is kept" if tries == 1 else f"{tries} tries: the best of them is kept"
        return f"no rise in {kept}, {reached}, {self.best:.4g} before"

    def tensors(self) -> dict[str, torch.Tensor]:
        """All optimisers'."""
        return {**super().tensors(), **state_of(self._alone)}

    def numbers(self) -> dict[str, Any]:
        """The weights, and the best dev measure."""
        return {"weights": self.weights, "best": self.best}

    def restore(self, tensors: Mapping[str, torch.Tensor], numbers: Mapping[str, Any]) -> None:
        """All of it."""
        super().restore(tensors, numbers)
        restore_to(self._alone, tensors)
        self.weights = [float(weight) for weight in numbers["weights"]]
        self.best = float(numbers["best"])


def reweighed(
    weights: Sequence[float], alone: Sequence[float], together: float, *, rate: float, floor: float
) -> list[float]:
    """w_i ← max(w_i + rate (a_i − a), floor). alone: a_i, the measure after each task; together: a."""
    return [max(weight + rate * (its - together), floor) for weight, its in zip(weights, alone, strict=True)]


def _copied(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in tensors.items()}
