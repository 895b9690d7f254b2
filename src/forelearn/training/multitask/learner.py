"""What a method sees of the tasks: batches, losses and predictions, over parameters in one flat buffer.

Task 0 is the target; the others are auxiliary. What is random follows from the seed, the task's digest and the
epoch, not from a task's place among the others: permuting the auxiliary tasks permutes what comes of them, but for
dropout in joint steps, where one stream serves all tasks in turn.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from forelearn.core.data import TaskData
from forelearn.core.errors import InputError, Problem
from forelearn.core.keys import seed_from
from forelearn.core.recipe import Recipe
from forelearn.models.batch import alike, most_padding
from forelearn.training.judge import dev_measures, performance
from forelearn.training.learnable import part_problem
from forelearn.training.multitask.flat import Flat
from forelearn.training.multitask.ledger import Ledger
from forelearn.training.multitask.options import Options
from forelearn.training.steps import Diverged

Rows = NDArray[np.int64]
Part = Literal["train", "tune", "select", "dev", "test"]
"""Examples of a task. `tune` and `select` are those of its dev that choose α and weights, and the snapshot."""

TARGET = 0

_DRAWS = 100
"""Divisions of dev that are drawn until both parts can be measured."""


@dataclass(frozen=True)
class Parts:
    """A task's examples as its parts. rows: which of dev each of `tune` and `select` has; None: all."""

    data: TaskData
    tune_rows: Rows | None = None
    select_rows: Rows | None = None

    def as_dev(self, part: Part) -> TaskData:
        """The task with a part of its dev, or its test, in the place of dev: what a part is measured by."""
        if part == "test":
            return replace(self.data, dev=self.data.test)
        rows = {"tune": self.tune_rows, "select": self.select_rows}.get(part)
        if rows is None:
            return self.data
        return replace(self.data, dev=self.data.dev.pick([int(row) for row in rows]))


class Learner(ABC):
    """Tasks that share a body, each with a head of its own.

    flat: every parameter. Items are what batches are made of (see `models.heads.Items`).
    """

    flat: Flat
    device: str
    at_once: int = 64
    """Items whose gradient, or loss, on `tune` is computed at once."""

    def __init__(
        self, tasks: Sequence[TaskData], recipe: Recipe, options: Options, seed: int, ledger: Ledger
    ) -> None:
        target, *others = tasks
        self.parts = (divided(target, options.select, seed), *map(Parts, others))
        self.recipe = recipe
        self.options = options
        self.seed = seed
        self.ledger = ledger

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The tasks' names, the target's first."""
        return tuple(parts.data.task.name for parts in self.parts)

    @property
    def count(self) -> int:
        """Tasks, the target among them."""
        return len(self.parts)

    @abstractmethod
    def session(self) -> AbstractContextManager[None]:
        """Everything is computed inside this block: it keeps the process's random state as it is."""

    @abstractmethod
    def mode(self, *, training: bool) -> None:
        """Dropout on (in training, where the options want it), or off."""

    @abstractmethod
    def lengths(self, task: int, part: Part) -> NDArray[np.int64]:
        """[m] the cost of each item of a part in tokens × layers; their number is the part's size."""

    @abstractmethod
    def shares_inputs(self, tasks: Sequence[int]) -> bool:
        """Whether these tasks are labels of the same training examples, row by row."""

    @abstractmethod
    def batches(self, task: int, rows: Rows, size: int, seed: int) -> list[Rows]:
        """`rows` of the task's training items as batches of `size`, in an order that the seed decides."""

    @abstractmethod
    def raw_losses(self, rows: Mapping[int, Rows], part: Part) -> dict[int, torch.Tensor]:
        """Task → mean loss of its `rows`; tasks that share an input, and have the same rows, read it once."""

    @abstractmethod
    def raw_predictions(self, task: int, part: Part) -> NDArray[np.float32]:
        """Predictions of a part's examples, in their order, as `training.predict` gives them."""

    @property
    @abstractmethod
    def what(self) -> str:
        """What the target's predictions are: `logits` or `spans`."""

    @property
    @abstractmethod
    def pipeline(self) -> str:
        """The hub's name of what the target's model does."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the target's model as it is now. The learner is done with then."""

    @abstractmethod
    def reseed(self, *parts: Any) -> None:
        """Everything random from here on (dropout) follows from the seed and `parts` alone."""

    def epoch_batches(self, task: int, epoch: int) -> list[Rows]:
        """What a task learns from in an epoch: batches of a share of its training items, drawn anew for each.

        Tasks that share the target's inputs draw the same rows in the same order.
        """
        size = len(self.lengths(task, "train"))
        identity = self.parts[TARGET if self.shares_inputs((TARGET, task)) else task].data.task.digest
        seed = seed_from("together", self.seed, identity, epoch)
        drawn = np.random.default_rng(seed).permutation(size)[: max(1, round(self.options.share * size))]
        return self.batches(task, np.sort(drawn), self.recipe.batch_size, seed_from("order", seed))

    def losses(self, rows: Mapping[int, Rows], part: Part, *, what: str) -> dict[int, torch.Tensor]:
        """Task → mean loss of its rows, counted in the ledger as `what`; call `backward` on them."""
        for task, chosen in rows.items():
            self.ledger.learn(what, len(chosen), float(self.lengths(task, part)[chosen].sum()))
        return self.raw_losses(rows, part)

    def counted(self, task: int, part: Part, rows: Rows) -> float:
        """What the mean loss of these items is a mean over: their number, unless a head says otherwise."""
        return float(len(rows))

    def tune_gradient(self, rows: Rows | None = None, *, what: str = "alpha") -> float:
        """The target's mean loss on `tune` (or on these items of it); its gradient is put into the flat buffer.

        Dropout is off.
        """
        self.mode(training=False)
        self.flat.gradient.zero_()
        total = 0.0
        for batch, share in self._tuned(rows):
            loss = self.losses({TARGET: batch}, "tune", what=what)[TARGET] * share
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        return total

    @torch.no_grad()
    def tune_loss(self, rows: Rows | None = None) -> float:
        """The target's mean loss on `tune`, without a gradient. Dropout is off."""
        self.mode(training=False)
        total = 0.0
        for batch, share in self._tuned(rows):
            self.ledger.read(len(batch))
            total += float(self.raw_losses({TARGET: batch}, "tune")[TARGET]) * share
        return total

    def _tuned(self, rows: Rows | None) -> list[tuple[Rows, float]]:
        """Items of `tune` as batches of like length, and how much of the mean over all of them each one's mean is."""
        lengths = self.lengths(TARGET, "tune")
        chosen = np.arange(len(lengths)) if rows is None else rows
        cut = alike(lengths[chosen], rows=self.at_once, padding=most_padding(self.device))
        batches = [chosen[batch] for batch in cut]
        counts = [self.counted(TARGET, "tune", batch) for batch in batches]
        return [(batch, count / sum(counts)) for batch, count in zip(batches, counts, strict=True)]

    def predictions(self, task: int, part: Part) -> NDArray[np.float32]:
        """Predictions of a part's examples, counted in the ledger. Dropout is off.

        Raises `Diverged` if one is not finite.
        """
        self.mode(training=False)
        self.ledger.read(len(self.parts[task].as_dev(part).dev))
        found = self.raw_predictions(task, part)
        if not np.isfinite(found).all():
            raise Diverged("the model predicts numbers that are not finite. Try a lower learning rate.")
        return found

    def measure(self, task: int, part: Part) -> float:
        """The task's deciding measure on a part. A threshold for test is chosen on dev, never on test labels."""
        data = self.parts[task].as_dev(part)
        if part == "test" and self.recipe.threshold == "dev":
            own, rule = self.parts[task].data, self.recipe.threshold
            dev, test = self.predictions(task, "dev"), self.predictions(task, "test")
            return performance(own, dev, test, rule=rule).test[own.task.metric]
        found = dev_measures(data, self.predictions(task, part), rule=self.recipe.threshold)
        return found[data.task.metric]


def divided(data: TaskData, select: float, seed: int) -> Parts:
    """A task with its dev divided at random into `select` (that share of it) and `tune`; undivided for 0.

    A draw that leaves one of them without what is measured (a positive, say) is drawn again. Raises InputError if
    dev is too small for the share.
    """
    if not select:
        return Parts(data)
    size = len(data.dev)
    chosen = round(select * size)
    chance = np.random.default_rng(seed_from("tune", seed, data.task.digest))
    for _ in range(_DRAWS if 0 < chosen < size else 0):
        drawn = chance.permutation(size)
        tune, kept = np.sort(drawn[chosen:]), np.sort(drawn[:chosen])
        if all(part_problem(data, "dev", data.dev.pick(rows.tolist())) is None for rows in (tune, kept)):
            return Parts(data, tune, kept)
    rule = f"leaves a part of the {size} dev examples of {data.task.name} on which nothing can be measured."
    raise InputError(Problem("option `select`", rule, "Give it more dev examples, or leave it out."))
