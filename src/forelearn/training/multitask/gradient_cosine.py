"""Gradient-cosine gating: an auxiliary gradient counts where it does not point against the target's.

Source: Du, Czarnecki et al. 2018, "Adapting auxiliary losses using gradient similarity". In each step, on the
parameters that the target shares, g ← g_target + Σ_i gate_i g_i. gate_i is 1 if cos(g_target, g_i) ≥ 0, else 0 (the
unweighted form); with `weighted` it is max(0, cos) (the weighted form). What an auxiliary task does not share with
the target, its head above all, takes its own gradient whole. With all gates closed a step is one of the target alone.

Differs from the source: any number of auxiliary tasks, each with a gate of its own. The cosine is over the parameters
that both tasks have; one of a gradient that is 0 counts as 0. The gates are those of this step's batches, not of the
whole training set.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from forelearn.training.multitask.history import TaskEpoch
from forelearn.training.multitask.joint import Joint
from forelearn.training.multitask.learner import TARGET, Learner
from forelearn.training.multitask.method import Change, Surroundings
from forelearn.training.multitask.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class CosineOptions(Options):
    """weighted: a gate is max(0, cos) rather than 0 or 1."""

    weighted: bool = False


class GradientCosine(Joint[CosineOptions]):
    """A gate for each auxiliary task in each step; their means over an epoch are the history's weights."""

    name: ClassVar[str] = "gradient-cosine"
    about: ClassVar[str] = "auxiliary gradients count where their cosine with the target's is not below 0"
    Options: ClassVar[type[Options]] = CosineOptions

    def __init__(self, learner: Learner, options: CosineOptions, around: Surroundings) -> None:
        super().__init__(learner, options, around)
        segments = learner.flat.segments
        self._target = [slice(one.start, one.stop) for one in segments if TARGET in one.owners]
        self._common = [
            [slice(one.start, one.stop) for one in segments if {TARGET, task} <= one.owners]
            for task in range(learner.count)
        ]
        self._gates: list[list[float]] = []

    def epoch(self, number: int) -> Change:
        """Joint steps."""
        self._gates = []
        losses = self.joint_pass(number)
        means = [sum(gates) / len(gates) for gates in zip(*self._gates, strict=True)]
        return Change(tuple(TaskEpoch(weight=weight, loss=loss) for weight, loss in zip(means, losses)))

    def step(self, losses: Mapping[int, torch.Tensor], progress: float) -> None:
        """The target's gradient, and what of the others' passes its gate."""
        gradient = self.learner.flat.gradient
        self._backward(losses, TARGET)
        target = gradient.clone()
        total = gradient.clone()
        gates = [1.0] * len(losses)
        for task in range(1, len(losses)):
            for place in self._target:
                gradient[place] = 0.0
            self._backward(losses, task)
            gates[task] = gate(target, gradient, self._common[task], weighted=self.options.weighted)
            if gates[task]:
                for place in self._common[task]:
                    total[place].add_(gradient[place], alpha=gates[task])
        for place in self._target:
            gradient[place] = total[place]
        self._gates.append(gates)
        self.optimiser.step(progress, losses)

    def _backward(self, losses: Mapping[int, torch.Tensor], task: int) -> None:
        """Add a task's gradient to the buffer. The last task's may free the graph that tasks share."""
        losses[task].backward(retain_graph=task < len(losses) - 1)  # type: ignore[no-untyped-call]


def gate(target: torch.Tensor, other: torch.Tensor, common: Sequence[slice], *, weighted: bool) -> float:
    """How much of a gradient counts, in [0, 1]. target, other: [P]. common: the places that are compared."""
    product = sum(float(target[place] @ other[place]) for place in common)
    if not weighted:
        return 1.0 if product >= 0 else 0.0
    if product <= 0:
        return 0.0
    squares = [sum(float(one[place] @ one[place]) for place in common) for one in (target, other)]
    length = math.sqrt(squares[0]) * math.sqrt(squares[1])
    return min(product / length, 1.0) if length else 0.0
