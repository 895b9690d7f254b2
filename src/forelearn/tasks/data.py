"""A task with its examples in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from forelearn.core.keys import KEY_LENGTH
from forelearn.core.task import METRICS, Kind, Task


@dataclass(frozen=True, slots=True)
class Examples:
    """Aligned columns of n examples.

    ids: unique names of the documents; tasks over the same documents share them.
    texts: the texts. pairs: second texts, or None where the task has one text an example.
    labels: indices into `TaskData.labels`.
    groups: the group (event) of each example; empty if the task has no groups.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    labels: tuple[int, ...]
    groups: tuple[str, ...] = ()
    pairs: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def pick(self, rows: Sequence[int]) -> Examples:
        """The examples at `rows`, in that order."""
        return Examples(
            ids=tuple(self.ids[row] for row in rows),
            texts=tuple(self.texts[row] for row in rows),
            labels=tuple(self.labels[row] for row in rows),
            groups=tuple(self.groups[row] for row in rows) if self.groups else (),
            pairs=None if self.pairs is None else tuple(self.pairs[row] for row in rows),
        )

    def positives(self) -> int:
        """How many examples carry the last label (the positive one of a binary task)."""
        return sum(label == 1 for label in self.labels)


@dataclass(frozen=True, slots=True)
class TaskData:
    """A task and its examples.

    labels: label names; for a binary task (negative, positive).
    """

    task: Task
    labels: tuple[str, ...]
    train: Examples
    dev: Examples
    test: Examples

    def split(self, name: str) -> Examples:
        """The examples of `train`, `dev` or `test`."""
        return {"train": self.train, "dev": self.dev, "test": self.test}[name]


def task_data(
    name: str,
    labels: Sequence[str],
    train: Examples,
    dev: Examples,
    test: Examples,
    *,
    metric: str | None = None,
) -> TaskData:
    """Bundle examples into a task and compute its digest. The kind follows from the number of labels.

    Document ids are not part of the digest: renaming documents changes no outcome.
    """
    kind: Kind = "binary" if len(labels) == 2 else "multiclass"
    content = hashlib.sha256()
    for part in (train, dev, test):
        columns = [part.texts, part.pairs or (), part.groups, tuple(labels[label] for label in part.labels)]
        for column in columns:
            content.update(f"{len(column)}\n".encode())
            for item in column:
                encoded = item.encode()
                content.update(f"{len(encoded)}:".encode())
                content.update(encoded)
    content.update("\n".join(labels).encode())
    task = Task(name, kind, metric or METRICS[kind][0], content.hexdigest()[:KEY_LENGTH])
    return TaskData(task, tuple(labels), train, dev, test)
