"""From documents to tasks: one task a file, or one-vs-rest tasks over the same documents."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from forelearn.core.errors import Problem, did_you_mean
from forelearn.tasks.corpus import FILE_GROUP, Corpus, column_of, format_of, kind_of
from forelearn.tasks.documents import Document
from forelearn.tasks.drafts import Draft, DraftTask
from forelearn.tasks.kinds import draft_of_kind
from forelearn.tasks.names import name_from_label, task_name_fault
from forelearn.tasks.rows import SPLIT_WORDS

OTHER = "Other"
"""In a list of one-vs-rest labels: any label outside the list."""

MOST_CLASSES = 200
"""A column with more different labels than this is taken for something else (an id, a score, free text)."""

_POSITIVE = ("1", "yes", "true", "positive", "pos", "y", "t", "+")
_NEGATIVE = ("0", "no", "false", "negative", "neg", "n", "f", "-", "-1", "none", "other", "rest")


def draft(corpus: Corpus, documents: Sequence[Document]) -> tuple[list[Draft], list[Problem]]:
    """The tasks that a corpus describes: one draft for one-vs-rest and named tasks, else one a file."""
    if not documents:
        return [], []
    if corpus.one_vs_rest:
        tasks, problems = _one_vs_rest(corpus, documents)
        return [_over(corpus, documents, *tasks)] if tasks else [], problems
    drafts: list[Draft] = []
    problems = []
    for name, own in _by_name(corpus, documents).items():
        kind = kind_of(corpus)
        task, found = _single(corpus, name, own) if kind is None else draft_of_kind(kind, corpus, name, own)
        problems += found
        if task is not None:
            drafts.append(_over(corpus, own, task))
    return drafts, problems


def _over(corpus: Corpus, documents: Sequence[Document], *tasks: DraftTask) -> Draft:
    return Draft(corpus.where, tuple(documents), tasks, corpus.metric, corpus.part)


def _by_name(corpus: Corpus, documents: Sequence[Document]) -> dict[str, list[Document]]:
    """Task name → documents: all of them under the section's name, or a task a file under the file's stem."""
    files = list(dict.fromkeys(document.file for document in documents))
    if corpus.name is not None:
        return {corpus.name: list(documents)}
    by_split = any(corpus.files) or any(file.startswith("hf://") for file in files)
    if column_of(corpus, "group") == FILE_GROUP or by_split:
        return {_common_name(corpus, files): list(documents)}
    names: dict[str, list[Document]] = {}
    for document in documents:
        names.setdefault(name_from_label(PurePosixPath(document.file).stem), []).append(document)
    return names


def _common_name(corpus: Corpus, files: Sequence[str]) -> str:
    """One name for several files: the folder of train.csv and its like, the stem, or the label column."""
    if column_of(corpus, "group") == FILE_GROUP:
        return name_from_label(column_of(corpus, "label") or "label")
    if files[0].startswith("hf://"):
        return name_from_label(files[0].split(",")[0].rpartition("/")[2])
    path = PurePosixPath(files[0])
    named = [part for part in (path.stem, *reversed(path.parent.parts)) if part.lower() not in SPLIT_WORDS]
    if format_of(corpus) in ("tweeteval", "atis"):  # their file names say nothing of the task
        named = named[1:] if named[:1] == [path.stem] else named
    return name_from_label(next(iter(named), path.stem))


def _one_vs_rest(corpus: Corpus, documents: Sequence[Document]) -> tuple[list[DraftTask], list[Problem]]:
    counts = Counter(label for document in documents for label in document.content.labels)
    where = f"{corpus.where} one_vs_rest"
    if crowd := _crowded(corpus, counts, len(documents)):
        return [], [crowd]
    named = tuple(corpus.one_vs_rest) if isinstance(corpus.one_vs_rest, tuple) else ()
    plain = [label for label in named if label != OTHER]
    problems = [
        Problem(where, f"No row has the label `{label}`.", did_you_mean(label, counts))
        for label in plain
        if label not in counts
    ]
    wanted = [label for label in plain if label in counts] if named else sorted(counts)
    tasks: list[DraftTask] = []
    for label in wanted:
        codes = tuple(int(label in document.content.labels) for document in documents)
        tasks.append(_binary(corpus, label, codes, required=bool(named)))
    if OTHER in named:
        inside = set(plain)
        codes = tuple(
            int(any(label not in inside for label in document.content.labels)) for document in documents
        )
        tasks.append(_binary(corpus, OTHER, codes, required=True))
    for label, task in zip(wanted, tasks):
        if task.name != corpus.prefix + label:
            problems.append(
                Problem(
                    where,
                    f"The label {label!r} cannot name a task; it is called `{task.name}` here.",
                    "Rename the label in the data if that is not wanted.",
                    "warning",
                )
            )
    return tasks, problems


def _binary(corpus: Corpus, label: str, codes: tuple[int, ...], *, required: bool) -> DraftTask:
    name = corpus.prefix + label
    if task_name_fault(name):
        name = name_from_label(name)
    return DraftTask(name, (f"not {label}", label), codes, required, one_vs_rest=True)


def _single(
    corpus: Corpus, name: str, documents: Sequence[Document]
) -> tuple[DraftTask | None, list[Problem]]:
    counts = Counter(document.content.labels[0] for document in documents)
    if crowd := _crowded(corpus, counts, len(documents)):
        return None, [crowd]
    labels = corpus.labels or tuple(sorted(counts, key=_label_order))
    problems: list[Problem] = []
    if len(labels) < 2:
        return None, [
            Problem(
                f"{corpus.where} label",
                f"Task `{name}` has one label only, `{labels[0]}`; a task needs two.",
                "Add rows with another label, choose another column or leave the file out.",
            )
        ]
    if len(labels) == 2:
        labels, problems = _positive_last(corpus, name, labels, counts)
    elif corpus.positive is not None:
        problems.append(
            Problem(
                f"{corpus.where} positive",
                f"Task `{name}` has {len(labels)} labels; only one of two can be positive.",
                f'For `{corpus.positive}` against the rest, set one_vs_rest = ["{corpus.positive}"].',
            )
        )
    index = {label: code for code, label in enumerate(labels)}
    codes = tuple(index[document.content.labels[0]] for document in documents)
    return DraftTask(name, labels, codes, True), problems


def _positive_last(
    corpus: Corpus, name: str, labels: tuple[str, ...], counts: Counter[str]
) -> tuple[tuple[str, ...], list[Problem]]:
    """(negative, positive). A guess is said as a warning."""
    if corpus.positive is not None:
        if corpus.positive not in labels:
            return labels, [
                Problem(
                    f"{corpus.where} positive",
                    f"Task `{name}` has no label `{corpus.positive}`.",
                    did_you_mean(corpus.positive, labels),
                )
            ]
        positive = corpus.positive
        return (labels[0] if labels[1] == positive else labels[1], positive), []
    if corpus.labels:
        return labels, []
    (negative, positive), why = likely_positive(labels, counts)
    return (negative, positive), [
        Problem(
            f"{corpus.where} positive",
            f"In task `{name}`, `{positive}` is taken as the positive label, {why}.",
            f'Write positive = "{positive}" to settle it.',
            "warning",
        )
    ]


def likely_positive(labels: Sequence[str], counts: Mapping[str, int]) -> tuple[tuple[str, str], str]:
    """((negative, positive), why) of two labels: by what they say, else the rarer is positive."""
    first, second = labels
    if second.lower() in _POSITIVE or first.lower() in _NEGATIVE or _denies(first, second):
        return (first, second), "by its name"
    if first.lower() in _POSITIVE or second.lower() in _NEGATIVE or _denies(second, first):
        return (second, first), "by its name"
    rarer = (second, first) if counts[second] > counts[first] else (first, second)
    return rarer, "because it is the rarer one"


def _denies(label: str, other: str) -> bool:
    """Whether `label` is `not`, `no`, `non` or `un` before `other`."""
    plain = label.lower().replace("-", "").replace("_", "").replace(" ", "")
    rest = other.lower().replace("-", "").replace("_", "").replace(" ", "")
    return plain in {f"{word}{rest}" for word in ("not", "no", "non", "un", "in", "ir")}


def _label_order(label: str) -> tuple[int, float, str]:
    """Numbers by value, then names."""
    return (0, float(label), label) if label.removeprefix("-").isdecimal() else (1, 0.0, label)


def _crowded(corpus: Corpus, counts: Counter[str], rows: int) -> Problem | None:
    column = column_of(corpus, "label")
    if len(counts) > MOST_CLASSES or (len(counts) > 20 and len(counts) > rows / 4):
        return Problem(
            f"{corpus.where} label",
            f"Column `{column}` holds {len(counts)} different values in {rows} rows; labels must repeat.",
            'They are numbers: set kind = "regression" to predict them, or name the column of labels.'
            if all(is_number(value) for value in counts)
            else "Name the column of labels.",
        )
    return None


def is_number(text: str) -> bool:
    """Whether a cell is a finite number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
