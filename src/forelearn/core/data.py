"""A task with its examples in memory: aligned columns, of which a kind of task fills those that it has.

| kind | what is read | what is to be found |
| --- | --- | --- |
| binary, multiclass | `texts`, and `pairs` if it has two | `labels` |
| regression | `texts`, and `pairs` if it has two | `values` |
| multiple_choice | `texts`, then one of `choices` | `labels`: which choice |
| sequence_labelling | `words`; `texts` holds them joined by spaces | `tags` |
| question_answering | `texts` (questions), `pairs` (contexts) | `answers` |

A classification may read `images` in place of `texts`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from forelearn.core.keys import KEY_LENGTH
from forelearn.core.task import Kind, Task, metrics_of


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a question: `context[start : start + len(text)] == text`; positions count characters."""

    start: int
    text: str


@dataclass(frozen=True, slots=True)
class Examples:
    """Aligned columns of n examples; a column that the kind of task does not have is empty (`pairs`: None).

    ids: unique names of the documents; tasks over the same documents share them.
    texts: the texts, questions, or premises. pairs: second texts, or contexts.
    labels: indices into `TaskData.labels`, or into `choices`.
    groups: the group (event) of each example; empty if the task has no groups.
    choices: k texts an example, the same k for all. values: the numbers of a regression.
    words: the words of a sequence, at least one. tags: as many indices into `TaskData.labels`.
    answers: one or more right answers.
    images: grey pixels, 8 bits each, row by row; `texts` is then empty. image_shape: (rows, columns) of each.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    labels: tuple[int, ...] = ()
    groups: tuple[str, ...] = ()
    pairs: tuple[str, ...] | None = None
    choices: tuple[tuple[str, ...], ...] = ()
    values: tuple[float, ...] = ()
    words: tuple[tuple[str, ...], ...] = ()
    tags: tuple[tuple[int, ...], ...] = ()
    answers: tuple[tuple[Answer, ...], ...] = ()
    images: tuple[bytes, ...] = ()
    image_shape: tuple[int, int] = (0, 0)

    def __len__(self) -> int:
        return len(self.ids)

    def pick(self, rows: Sequence[int]) -> Examples:
        """The examples at `rows`, in that order."""
        picked: dict[str, Any] = {}
        for field in fields(self):
            column = getattr(self, field.name)
            if column and field.name != "image_shape":
                picked[field.name] = tuple(column[row] for row in rows)
        return replace(self, **picked)

    def positives(self) -> int:
        """How many examples carry the last label (the positive one of a binary task)."""
        return sum(label == 1 for label in self.labels)

    def read(self) -> tuple[str, ...]:
        """[n] all that is read of each example as one text, for vocabularies and duplicates; [0] of images."""
        parts: list[Sequence[str]] = [self.texts]
        if self.pairs is not None:
            parts.append(self.pairs)
        if self.choices:
            parts.append([" ".join(options) for options in self.choices])
        return self.texts if len(parts) == 1 else tuple(" ".join(texts) for texts in zip(*parts))


@dataclass(frozen=True, slots=True)
class TaskData:
    """A task and its examples.

    labels: label names; for a binary task (negative, positive). Tags for sequence labelling. Empty for kinds
    whose answers have no names: regression, multiple choice, question answering.
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
    kind: Kind | None = None,
    metric: str | None = None,
) -> TaskData:
    """Bundle examples into a task and compute its digest.

    kind: None is a classification, whose kind follows from the number of labels. metric: None takes the
    kind's default. Document ids are not part of the digest: renaming documents changes no outcome.
    """
    kind = kind or ("binary" if len(labels) == 2 else "multiclass")
    content = hashlib.sha256()
    for part in (train, dev, test):
        for column in _columns(kind, labels, part):
            content.update(f"{len(column)}\n".encode())
            for item in column:
                encoded = item if isinstance(item, bytes) else item.encode()
                content.update(f"{len(encoded)}:".encode())
                content.update(encoded)
    content.update("\n".join(labels).encode())
    chosen = metric or metrics_of(kind, labels)[0]
    task = Task(name, kind, chosen, content.hexdigest()[:KEY_LENGTH])
    return TaskData(task, tuple(labels), train, dev, test)


def _columns(kind: Kind, labels: Sequence[str], part: Examples) -> Iterator[Sequence[str | bytes]]:
    """What of a split goes into the digest, as columns of texts or pixels."""
    if part.images:
        yield [f"images of {part.image_shape[0]} rows and {part.image_shape[1]} columns"]
        yield part.images
    yield part.texts
    yield part.pairs or ()
    yield part.groups
    match kind:
        case "binary" | "multiclass":
            yield [labels[label] for label in part.labels]
        case "regression":
            yield [kind, *(repr(value) for value in part.values)]
        case "multiple_choice":
            yield [kind, *(str(label) for label in part.labels)]
            yield [text for options in part.choices for text in options]
        case "sequence_labelling":
            yield [kind, *(str(len(words)) for words in part.words)]
            yield [word for words in part.words for word in words]
            yield [labels[tag] for tags in part.tags for tag in tags]
        case "question_answering":
            yield [kind, *(str(len(answers)) for answers in part.answers)]
            yield [f"{answer.start}:{answer.text}" for answers in part.answers for answer in answers]
