"""What happened in each epoch of multitask training, as plain values: what the display and the page show."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from forelearn.core.keys import plain

FILE = "multitask.json"
"""In a run's folder."""


@dataclass(frozen=True, slots=True)
class TaskEpoch:
    """One task in one epoch; None where a method has no such thing.

    weight: after the epoch. alpha: how much of its change was taken. slope: ⟨g, δ⟩, the derivative of the target's
    dev loss by α where all α are 1; above 0 the task's change hurts. length: ‖δ‖, of the words in use and all else that
    is trained. loss: mean training loss.
    """

    weight: float | None = None
    alpha: float | None = None
    slope: float | None = None
    length: float | None = None
    loss: float | None = None


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch.

    tasks: by name, the target first. before, after: the target's mean dev loss before the epoch and after it; None if
    the method does not look. events: what a person should know: a task dropped, back, a divergence stepped back from.
    select, dev, test: the target's deciding measure afterwards; the snapshot is chosen by `select` (all of dev, unless
    the options divide it). test is there for epochs whose snapshot was the best so far, is recorded, and chooses
    nothing; dev likewise where it is divided.
    gradients, units, seconds: so far, see `Ledger`.
    """

    number: int
    tasks: Mapping[str, TaskEpoch]
    before: float | None = None
    after: float | None = None
    events: tuple[str, ...] = ()
    select: float = 0.0
    dev: float | None = None
    test: float | None = None
    gradients: int = 0
    units: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class History:
    """The epochs of a run that were measured: all, unless compute was limited. best: the number of the one whose
    snapshot was kept. trained: how many there were, measured or not.

    gradients: sample gradients by what for. predictions: examples read to measure. peak_bytes: of memory.
    """

    method: str
    tasks: tuple[str, ...]
    metric: str
    epochs: tuple[Epoch, ...]
    best: int
    gradients: Mapping[str, int]
    predictions: int
    seconds: float
    peak_bytes: int
    trained: int = 0

    def under(self, names: Sequence[str]) -> History:
        """The same under today's names of its tasks, the target's first."""
        if tuple(names) == self.tasks or len(names) != len(self.tasks):
            return self
        return replace(self, tasks=tuple(names), epochs=tuple(renamed(epoch, names) for epoch in self.epochs))

    def within(self, gradients: int) -> Epoch:
        """The epoch that would have been kept with no more than these sample gradients; at least the first."""
        affordable = [epoch for epoch in self.epochs if epoch.gradients <= gradients] or [self.epochs[0]]
        return max(affordable, key=lambda epoch: (epoch.select, -epoch.number))

    def last(self, gradients: int) -> Epoch:
        """The last epoch that these sample gradients paid for; at least the first."""
        return ([epoch for epoch in self.epochs if epoch.gradients <= gradients] or [self.epochs[0]])[-1]


def renamed(epoch: Epoch, names: Sequence[str]) -> Epoch:
    """The epoch under today's names of its tasks, in its order: a key holds none, so they may have changed since."""
    today = dict(zip(epoch.tasks, names, strict=True))
    return replace(
        epoch,
        tasks={today[name]: task for name, task in epoch.tasks.items()},
        events=renamed_events(epoch.events, today),
    )


def renamed_events(events: Sequence[str], today: Mapping[str, str]) -> tuple[str, ...]:
    """Events under today's names; each begins with the name of a task, or with none. today: old → new."""
    found = []
    for event in events:
        old = max((name for name in today if event.startswith(f"{name} ")), key=len, default="")
        found.append(today[old] + event.removeprefix(old) if old else event)
    return tuple(found)


def write_history(history: History, folder: Path) -> None:
    """Write it into a run's folder."""
    (folder / FILE).write_text(json.dumps(plain(history), indent=1, ensure_ascii=False), encoding="utf-8")


def read_history(folder: Path) -> History | None:
    """The history in a run's folder; None if there is none, or none that can be read."""
    try:
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return History(
            **{
                **found,
                "tasks": tuple(found["tasks"]),
                "epochs": tuple(read_epoch(epoch) for epoch in found["epochs"]),
            }
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_epoch(value: Mapping[str, Any]) -> Epoch:
    """The epoch whose plain form is `value`; what it says beside the fields of an epoch is passed over."""
    names = {field.name for field in fields(Epoch)}
    return Epoch(
        **{
            **{name: item for name, item in value.items() if name in names},
            "tasks": {name: TaskEpoch(**task) for name, task in value["tasks"].items()},
            "events": tuple(value["events"]),
        }
    )


def crossings(
    names: Sequence[str],
    before: Sequence[float],
    after: Sequence[TaskEpoch],
    floor: float,
    *,
    back: float | None = None,
) -> list[str]:
    """What to say, and why, of tasks whose weight has reached the floor, or risen from it above `back` (the floor)."""
    said = []
    for name, old, task in zip(names, before, after, strict=True):
        new = old if task.weight is None else task.weight
        slope = "" if task.slope is None else f", ⟨g, δ⟩ {task.slope:+.3g}"
        why = "" if task.alpha is None else f" (α {task.alpha:.3g}{slope})"
        if new <= floor < old:
            said.append(f"{name} dropped: its weight fell from {old:.3g} to the floor, {floor:g}{why}")
        elif old <= floor and new > (floor if back is None else back):
            said.append(f"{name} back: its weight rose from the floor to {new:.3g}{why}")
    return said
