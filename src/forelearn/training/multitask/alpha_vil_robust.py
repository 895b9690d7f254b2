"""αVIL, made robust: the target learns at its full weight, and auxiliary changes are taken where they help it.

After Kourdis et al. (see `alpha_vil.py`); what differs, and why:

- The target's weight is 1 for good, and losses are not weighed: the weight of an auxiliary task scales its *change* of
  the shared parameters. AdamW nearly undoes a weight on the loss (at 0.1 the change keeps 98 to 100 % of its length),
  and where losses are weighed as they stand, shrinking all weights is a hidden decay of the learning rate. Auxiliary
  heads get their full change.
- α, the target's own too, is found without a scale of its own: a step moves the α with the steepest slope by
  `alpha_rate` and the others in proportion, inside [0, 2]. A step that worsens the dev loss is taken back and the rate
  halved.
- The joint step is taken only if it leaves a lower dev loss than the target's own change alone would; else that one is.
- w ← w (1 + α) / 2, at most 1 and at least `floor` (0.01): it can halve or grow by half in an epoch. Auxiliary weights
  start at 1 / T, for the sum of full changes overshoots in the first epochs; at `probe` where that is more.
- A task at the floor rests: it is not trained, which saves its share of the compute, until it is probed again every
  `probe_every` epochs, at the weight `probe`. It counts as back if the probe raises that weight.
- An epoch whose dev loss is not finite, or has exploded, is undone, as in the faithful form.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from forelearn.training.multitask.alpha_step import AlphaStep
from forelearn.training.multitask.collecting import AlphaOptions, Collecting, described
from forelearn.training.multitask.history import TaskEpoch, crossings
from forelearn.training.multitask.learner import TARGET, Learner, Rows
from forelearn.training.multitask.method import Change, Surroundings
from forelearn.training.multitask.options import Options

_ALPHA = (0.0, 2.0)
"""Where α is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustOptions(AlphaOptions):
    """Options of the robust form.

    alpha_rate: the most that an α moves in a step. alpha_steps: dev gradients of an α-step. probe_every: epochs
    between two probes of a resting task; 0: it is never trained again. probe: the weight of a task that is probed.
    """

    alpha_rate: float = 0.25
    alpha_momentum: float = 0.0
    alpha_steps: int = 5
    floor: float = 0.01
    probe_every: int = 5
    probe: float = 0.1

    def check(self) -> None:
        """Raise InputError for a value that is out of range."""
        AlphaOptions.check(self)
        self.require(
            "alpha_momentum", self.alpha_momentum == 0, "must be 0: a step either helps or is undone"
        )
        self.require("alpha_steps", self.alpha_steps >= 1, "must be 1 or more")
        self.require(
            "alpha_batch", self.alpha_batch == 0, "must be 0: losses of different examples are not compared"
        )
        self.require("probe_every", self.probe_every >= 0, "must be 0 (never) or more")
        self.require("probe", self.floor < self.probe <= 1, "must lie above `floor` and be at most 1")


class AlphaVilRobust(Collecting[RobustOptions]):
    """Auxiliary changes by consent of the target."""

    name: ClassVar[str] = "alpha-vil-robust"
    about: ClassVar[str] = (
        "αVIL with the target's weight fixed, changes weighed, and steps that worsen dev rejected"
    )
    Options: ClassVar[type[Options]] = RobustOptions

    def __init__(self, learner: Learner, options: RobustOptions, around: Surroundings) -> None:
        super().__init__(learner, options, around)
        start = max(1 / learner.count, options.probe)
        self.weights = [1.0, *[start] * (learner.count - 1)]

    def epoch(self, number: int) -> Change:
        """Collect, weigh the changes, mix as far as the dev loss falls."""
        learner, flat, options = self.learner, self.learner.flat, self.options
        kept = list(self.weights)
        events = self._probe(number)
        resting = [weight <= options.floor and task != TARGET for task, weight in enumerate(self.weights)]
        losses, said = self.collect(number, [1.0] * learner.count, skip=resting)
        events += said
        norms = self.deltas.norms()
        own = self._weigh()
        rows = self.alpha_rows(number)
        before = learner.tune_loss(rows)
        found = self._descend(rows)
        alone = torch.zeros_like(found.alpha)
        alone[TARGET] = 1.0
        self.deltas.mix_into(flat.values, self.start, alone)
        after = learner.tune_loss(rows)
        joint = found.losses[-1] if found.losses else math.inf
        if found.diverged:
            events.append(f"stepped back in the α-step: {found.diverged}")
        if joint < after or not math.isfinite(after):
            self.deltas.mix_into(flat.values, self.start, found.alpha)
            after = joint
        elif learner.count > 1:
            events.append(f"joint step rejected: dev loss {joint:.4g}, {after:.4g} by the target's own")
            found = AlphaStep(alone, found.slopes, found.losses, found.diverged)
        if self.undo_explosion(before, after, events):
            after, self.weights = before, kept
        else:
            for places, change in own:
                flat.values[places] += change
            self.weights = self._reweighed(found.alpha, resting)
        tasks = tuple(
            TaskEpoch(weight=task.weight) if rests else task
            for task, rests in zip(described(self, found, losses, norms), resting)
        )
        events += crossings(learner.names, kept, tasks, options.floor, back=options.probe)
        return Change(tasks, before, after, tuple(events))

    def _reweighed(self, alpha: torch.Tensor, resting: Sequence[bool]) -> list[float]:
        """The weights after an epoch."""
        return [
            weight
            if task == TARGET or rests
            else min(max(weight * (1 + float(taken)) / 2, self.options.floor), 1.0)
            for task, (weight, taken, rests) in enumerate(zip(self.weights, alpha, resting))
        ]

    def _probe(self, number: int) -> list[str]:
        """Wake resting tasks where it is time."""
        options = self.options
        if not number or not options.probe_every or number % options.probe_every:
            return []
        woken = [task for task, weight in enumerate(self.weights) if weight <= options.floor]
        for task in woken:
            self.weights[task] = options.probe
        return [f"{self.learner.names[task]} probed again" for task in woken]

    def _weigh(self) -> list[tuple[slice, torch.Tensor]]:
        """Weigh the shared part of every auxiliary change, and take the heads' parts out: where, and what."""
        own = []
        for task in range(1, self.learner.count):
            shared, heads = self.learner.flat.parts_of(task)
            self.deltas.scale(task, self.weights[task], shared)
            for places in heads:
                own.append((places, self.deltas.row(task, places)))
                self.deltas.scale(task, 0.0, [places])
        return own

    def _descend(self, rows: Rows | None) -> AlphaStep:
        """α by steps that lower the dev loss. `losses` are those of the steps that were kept, the last that of α."""
        learner, flat = self.learner, self.learner.flat
        alpha = torch.ones(learner.count, dtype=self.start.dtype, device=self.start.device)
        slopes = torch.full_like(alpha, math.nan)
        gradient_at = self.gradients(rows)
        losses: list[float] = []
        trial, rate, first = alpha, self.options.alpha_rate, slopes
        for step in range(self.options.alpha_steps):
            self.deltas.mix_into(flat.values, self.start, trial)
            loss = gradient_at(step)
            found = self.deltas.slopes(flat.gradient)
            if (
                math.isfinite(loss)
                and bool(torch.isfinite(found).all())
                and (not losses or loss < losses[-1])
            ):
                alpha, slopes = trial, found
                first = found if not losses else first
                losses.append(loss)
            elif not losses:
                break
            else:
                rate /= 2
            steepest = float(slopes.abs().max())
            if not steepest:
                break
            trial = (alpha - rate * slopes / steepest).clamp(*_ALPHA)
        flat.gradient.zero_()
        diverged = "" if losses else "the dev loss of the plain sum is not finite"
        return AlphaStep(alpha, first, tuple(losses), diverged)
