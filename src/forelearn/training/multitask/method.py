"""A method: what one epoch does to the parameters. Everything else (measures, snapshots, checkpoints) is `fit`'s."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import torch

from forelearn.training.multitask.history import TaskEpoch
from forelearn.training.multitask.learner import TARGET, Learner, Rows
from forelearn.training.multitask.optimise import Optimiser
from forelearn.training.multitask.options import Options
from forelearn.training.steps import Diverged

O = TypeVar("O", bound=Options)  # noqa: E741


@dataclass(frozen=True, slots=True)
class Change:
    """What an epoch did. tasks: in the learner's order; the rest as in `history.Epoch`."""

    tasks: tuple[TaskEpoch, ...]
    before: float | None = None
    after: float | None = None
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a method is given beside its tasks and options.

    epochs: how many there will be; with a limit of compute, how many are measured at most. memory: bytes that changes
    of parameters may take before they are kept on disk, in `folder`. report: is given `step` and `steps` of the epoch,
    and `loss`.
    """

    epochs: int
    folder: Path
    memory: float = 4e9
    report: Callable[[Mapping[str, Any]], None] = lambda state: None


class Method(ABC, Generic[O]):
    """One method on one learner. A new one stands before the first epoch; `restore` puts it behind a later one.

    name: how it is called in commands and keys. about: what it does, in one line. Options: its options.
    differs_alone: that without auxiliary tasks it is not plain training of the target: it is a control of itself.
    started: sample gradients when the epoch began.
    began: the same, if the epoch trains more than once from the same parameters: each time at the learning rates that
        the epoch as a whole goes through. None otherwise.
    """

    name: ClassVar[str]
    about: ClassVar[str]
    Options: ClassVar[type[Options]] = Options
    differs_alone: ClassVar[bool] = False

    def __init__(self, learner: Learner, options: O, around: Surroundings) -> None:
        self.learner = learner
        self.options = options
        self.around = around
        self.started = 0
        self.began: int | None = None

    @abstractmethod
    def epoch(self, number: int) -> Change:
        """Epoch `number`, from 0: moves `learner.flat.values`."""

    @classmethod
    def check_count(cls, options: O, tasks: int) -> None:
        """Raise InputError if the method does not take so many tasks, the target among them."""

    @classmethod
    def passes(cls, options: O, tasks: int, tune: int) -> tuple[float, float]:
        """What an epoch is expected to cost: passes over the shares of all tasks, and over the target's `tune`.

        tasks: how many, the target among them. tune: examples of the target's `tune`.
        """
        return 1.0, 0.0

    def tensors(self) -> dict[str, torch.Tensor]:
        """What of the method's state are tensors, by name, for a checkpoint."""
        return {}

    def numbers(self) -> dict[str, Any]:
        """The rest of the state, ready for JSON."""
        return {}

    def restore(self, tensors: Mapping[str, torch.Tensor], numbers: Mapping[str, Any]) -> None:
        """Take back what `tensors` and `numbers` gave."""

    def progress(self, number: int, part: float) -> float:
        """Share of the whole training that is behind, when `part` of epoch `number` is: by epochs, or if compute is
        limited by what the epochs take that it pays for.

        To be asked before the ledger counts the step that it is for.
        """
        limit = self.options.compute
        if not limit:
            return min((number + part) / self.around.epochs, 1.0)
        size = self.started / number if number else self.expected()
        spent = float(self.learner.ledger.total)
        if self.began is not None:  # the ledger counts several passes from the same parameters
            spent = self.began + part * size
        whole = max(1, int(limit / size + 1e-6)) * size
        return min(spent / whole, 1.0)

    def expected(self) -> float:
        """Sample gradients that an epoch is expected to take, before one has been counted."""
        learner = self.learner
        tune = len(learner.lengths(TARGET, "tune"))
        trained, tuned = self.passes(self.options, learner.count, tune)
        sizes = [len(learner.lengths(task, "train")) for task in range(learner.count)]
        shares = sum(max(1, round(self.options.share * size)) for size in sizes)
        return trained * shares + tuned * tune

    def learn_alone(self, task: int, number: int, optimiser: Optimiser, *, weight: float = 1.0) -> float:
        """One epoch of one task from where the parameters are; its loss is weighed. Returns its mean (unweighed).

        Raises `Diverged` if a loss or a gradient is not finite.
        """
        learner = self.learner
        batches = learner.epoch_batches(task, number)
        identity = learner.parts[task].data.task.digest
        learner.mode(training=True)
        learner.flat.gradient.zero_()
        total, counted = 0.0, 0.0
        for index, rows in enumerate(batches):
            learner.reseed("alone", identity, number, index)
            behind = self.progress(number, index / len(batches))
            loss = learner.losses({task: rows}, "train", what="train")[task]
            value = float(loss.detach())
            check_loss(value, learner.names[task])
            (loss * weight).backward()  # type: ignore[no-untyped-call]
            optimiser.step(behind, (task,))
            count = learner.counted(task, "train", rows)
            total += value * count
            counted += count
            self.around.report(
                {"task": learner.names[task], "step": index + 1, "steps": len(batches), "loss": value}
            )
        return total / counted


def optimisers(learner: Learner, options: Options) -> list[Optimiser]:
    """One a task, over its own parameters."""
    return [Optimiser(learner.flat, (task,), learner.recipe, options) for task in range(learner.count)]


def state_of(kept: Sequence[Optimiser]) -> dict[str, torch.Tensor]:
    """Tensors of several optimisers: `optimiser/TASK/…`."""
    return {
        f"optimiser/{task}/{name}": value
        for task, one in enumerate(kept)
        for name, value in one.tensors().items()
    }


def restore_to(kept: Sequence[Optimiser], tensors: Mapping[str, torch.Tensor]) -> None:
    """Take back what `state_of` gave."""
    for task, one in enumerate(kept):
        one.restore(parts_named(tensors, f"optimiser/{task}/"))


def parts_named(tensors: Mapping[str, torch.Tensor], start: str) -> dict[str, torch.Tensor]:
    """Those whose names begin with `start`, without it."""
    return {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}


def joint_batches(learner: Learner, number: int) -> list[dict[int, Rows]]:
    """An epoch as batches of every task at once: tasks that share the target's inputs step by step on the same rows.

    Others have as many steps as their batches fill on the average, so that an epoch takes about as many sample
    gradients as one pass of each over its share; a task with fewer batches begins again, in the same order.
    """
    batches = [learner.epoch_batches(task, number) for task in range(learner.count)]
    steps = -(-sum(map(len, batches)) // len(batches))
    return [{task: its[step % len(its)] for task, its in enumerate(batches)} for step in range(steps)]


def check_loss(value: float, task: str) -> None:
    """Raise `Diverged` unless a training loss is finite."""
    if not value < float("inf"):  # catches NaN too
        raise Diverged(f"training on {task} diverged (loss {value}). Try a lower learning rate.")
