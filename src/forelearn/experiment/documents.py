"""Which documents all single-task models read, and for which tasks each of them stands.

- Binary tasks: their positive documents, as in Pugantsov & McCreadie 2022.
- Multiclass tasks: all of their documents. Differs from the paper, which has none. Of three labels none is the
  positive one; a model is asked for the words that speak for the label that it predicts, whichever that is, so
  every document has something to say. Leaving out the most frequent label would, where all are as frequent
  (topics, entailment), leave out one of them by chance. Labels take turns instead: a label that most documents
  carry fills no more of the set than the others.

Documents are drawn by seed from dev (or train). From test only on request, for the replication of the paper:
choosing them reads test labels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from forelearn.core.data import TaskData
from forelearn.core.keys import seed_from
from forelearn.core.task import CLASSIFICATION
from forelearn.representations.words import joined


@dataclass(frozen=True, slots=True)
class Documents:
    """The documents that every model reads: n distinct ones.

    ids, texts: [n]. pairs: [n] second texts, None where a document has none.
    positives: task → rows of the documents that stand for it, as far as its labels for them are known: of a
        binary task those that are positive for it. labels: task → its label index for each of those rows.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    pairs: tuple[str | None, ...]
    positives: Mapping[str, tuple[int, ...]]
    labels: Mapping[str, tuple[int, ...]]

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def seconds(self) -> tuple[str | None, ...] | None:
        """[n] the second texts, or None if no document has one."""
        return self.pairs if any(second is not None for second in self.pairs) else None

    @property
    def content(self) -> Any:
        """What a key takes of them: the texts; with the second ones where there are any."""
        return self.texts if self.seconds is None else (self.texts, self.pairs)

    @property
    def read(self) -> tuple[str, ...]:
        """[n] each document in one piece, in which the spans of its words count."""
        return tuple(joined(text, second) for text, second in zip(self.texts, self.pairs, strict=True))


def choose_documents(tasks: Sequence[TaskData], split: str, most: int) -> Documents:
    """At most `most` documents that stand for `tasks`, the same number of each as far as they reach.

    The order within a task is a seeded shuffle in which labels take turns; tasks take turns, so that rare labels
    get their share. Raises `ValueError` for a task that gives texts no labels.
    """
    turns = []
    for data in tasks:
        known = _documents(data, split)
        turns.append([known[row] for row in _drawn(data, split)])
    chosen: dict[tuple[str, str, str | None], int] = {}
    for turn in range(max((len(drawn) for drawn in turns), default=0)):
        for drawn in turns:
            if turn < len(drawn) and len(chosen) < most:
                chosen.setdefault(drawn[turn], len(chosen))
    positives, labels = {}, {}
    for data in tasks:
        known, own = _documents(data, split), data.split(split).labels
        found = sorted(
            (chosen[known[row]], own[row]) for row in standing_rows(data, split) if known[row] in chosen
        )
        positives[data.task.name] = tuple(row for row, _ in found)
        labels[data.task.name] = tuple(label for _, label in found)
    return Documents(
        tuple(name for name, _, _ in chosen),
        tuple(text for _, text, _ in chosen),
        tuple(second for _, _, second in chosen),
        positives,
        labels,
    )


def standing_rows(data: TaskData, split: str) -> list[int]:
    """Rows of a split whose documents stand for the task."""
    if data.task.kind not in CLASSIFICATION:
        raise ValueError(f"{data.task.name} is {data.task.kind}: no document stands for it")
    labels = data.split(split).labels
    return [row for row, label in enumerate(labels) if label == 1 or data.task.kind != "binary"]


def _drawn(data: TaskData, split: str) -> list[int]:
    """The standing rows in the order in which they are drawn."""
    rows = standing_rows(data, split)
    np.random.default_rng(seed_from("documents", data.task.digest, split)).shuffle(rows)
    labels = data.split(split).labels
    seen: Counter[int] = Counter()
    turns = {}
    for row in rows:
        turns[row] = seen[labels[row]]
        seen[labels[row]] += 1
    return sorted(rows, key=turns.__getitem__)  # a stable sort: one label alone keeps its order


def _documents(data: TaskData, split: str) -> list[tuple[str, str, str | None]]:
    """Id, text and second text of each row."""
    part = data.split(split)
    seconds = [None] * len(part) if part.pairs is None else part.pairs
    return list(zip(part.ids, part.texts, seconds, strict=True))
