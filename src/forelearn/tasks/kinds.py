"""Tasks that are no classification: what each kind asks of its documents, and what fills its columns."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import quantiles
from typing import Any

from forelearn.core.errors import Problem
from forelearn.core.task import Kind, are_spans
from forelearn.tasks.corpus import Corpus
from forelearn.tasks.documents import Document
from forelearn.tasks.drafts import DraftTask
from forelearn.tasks.files import listed
from forelearn.tasks.rows import SPLITS

MOST_TAGS = 1000
"""More different tags than this are taken for something else (lemmas, words)."""


def draft_of_kind(
    kind: Kind, corpus: Corpus, name: str, documents: Sequence[Document]
) -> tuple[DraftTask | None, list[Problem]]:
    """The task of a section whose kind is no classification."""
    labels: tuple[str, ...] = ()
    problems: list[Problem] = []
    if kind == "sequence_labelling":
        counts = Counter(tag for document in documents for tag in document.content.tags)
        labels = corpus.labels or tuple(sorted(counts, key=lambda tag: (tag != "O", tag)))
        if len(counts) > MOST_TAGS or len(labels) < 2:
            return None, [
                Problem(
                    f"{corpus.where} label",
                    f"Task `{name}` has {len(counts)} different tags; a task needs from 2 to {MOST_TAGS}.",
                    "Name the column of tags.",
                )
            ]
        if are_spans(labels):
            problems += _broken_spans(corpus, name, documents)
        else:
            problems += _odd_tags(corpus, name, counts)
    return DraftTask(name, labels, (), True, kind=kind), problems


def _odd_tags(corpus: Corpus, name: str, counts: Counter[str]) -> Iterator[Problem]:
    """Tags that keep a task of spans from being one: one of them, and accuracy decides."""
    inside = {tag: count for tag, count in counts.items() if tag != "O"}
    odd = sorted(tag for tag in inside if tag[:2] not in ("B-", "I-") or len(tag) < 3)
    bare = all(tag in ("B", "I") for tag in inside)
    if bare or 2 * sum(inside[tag] for tag in odd) < sum(inside.values()):
        yield Problem(
            f"{corpus.where} label",
            f"Task `{name}` is read as plain tags, decided by accuracy, and not as spans: {listed(odd)}.",
            "Spans are written B-TYPE, I-TYPE and O; correct these tags if spans are meant.",
            "warning",
        )


def _broken_spans(corpus: Corpus, name: str, documents: Sequence[Document]) -> Iterator[Problem]:
    """`I-x` where no span of x is open."""
    places = []
    count = 0
    for document in documents:
        before = "O"
        own = 0
        for tag in document.content.tags:
            own += tag[:2] == "I-" and before[2:] != tag[2:]
            before = tag
        if own:
            count += own
            places.append(document.place)
    if places:
        yield Problem(
            f"{corpus.where} label",
            f"In task `{name}`, {count} tags `I-…` go on with a span that no `B-…` opened: {listed(places)}.",
            "Each is read as the first word of a span; correct the tags if that is not meant.",
            "warning",
        )


def strata(task: DraftTask, documents: Sequence[Document]) -> Iterator[tuple[str, ...]]:
    """For each document, what of it should occur in every split.

    The label of a classification, the fifth of the values that a number lies in, the types of a sequence's
    tags; nothing of multiple choice and question answering.
    """
    match task.kind:
        case None:
            for code in task.codes:
                yield (str(code),) if code or not task.one_vs_rest else ()
        case "regression":
            values = [document.content.value for document in documents]
            edges = quantiles(values, n=5) if len(values) > 1 else []
            for value in values:
                yield (str(bisect_right(edges, value)),)
        case "sequence_labelling":
            spans = are_spans(task.labels)
            for document in documents:
                types = {tag[2:] if spans else tag for tag in document.content.tags if tag != "O"}
                yield tuple(sorted(types))
        case _:
            for _ in documents:
                yield ()


def to_be_found(task: DraftTask, documents: Sequence[Document], rows: Sequence[int]) -> dict[str, Any]:
    """The columns of `Examples` that hold what is to be found in the documents at `rows`."""
    contents = [documents[row].content for row in rows]
    match task.kind:
        case "regression":
            return {"values": tuple(content.value for content in contents)}
        case "multiple_choice":
            return {
                "labels": tuple(int(content.labels[0]) for content in contents),
                "choices": tuple(content.choices for content in contents),
            }
        case "sequence_labelling":
            index = {tag: code for code, tag in enumerate(task.labels)}
            return {
                "words": tuple(content.words for content in contents),
                "tags": tuple(tuple(index[tag] for tag in content.tags) for content in contents),
            }
        case "question_answering":
            return {"answers": tuple(content.answers for content in contents)}
        case _:
            return {"labels": tuple(task.codes[row] for row in rows)}


def class_problems(
    task: DraftTask, columns: Mapping[str, Sequence[int]], *, where: str
) -> tuple[bool, list[Problem]]:
    """Whether every split holds two labels, without which nothing can be learned or measured, and what lacks.

    columns: split → label codes. An error for a task that the user named; one that came of
    `one_vs_rest = true` is left out with a warning.
    """
    lacking = []
    for split in SPLITS:
        codes = set(columns[split])
        if not codes:
            lacking.append(f"{split} is empty")
        elif len(codes) < 2:
            lacking.append(f"{split} ({len(columns[split])} rows) holds `{task.labels[min(codes)]}` only")
    if lacking:
        return False, [
            Problem(
                f"{where}: task `{task.name}`",
                f"Every split needs two labels: {'; '.join(lacking)}.",
                "Give more rows, merge rare labels, change [splits] shares or seed, or leave the label out.",
            )
            if task.required
            else Problem(
                f"{where}: task `{task.name}`",
                f"The label is too rare: {'; '.join(lacking)}.",
                "It is left out; list the labels in one_vs_rest to choose them.",
                "warning",
            )
        ]
    unseen = sorted({*columns["dev"], *columns["test"]} - set(columns["train"]))
    if unseen:
        return True, [
            Problem(
                f"{where}: task `{task.name}`",
                f"Labels that train never shows: {listed([task.labels[code] for code in unseen])}.",
                "They cannot be learned; give train rows of them.",
                "warning",
            )
        ]
    return True, []


def kind_problems(
    task: DraftTask, found: Mapping[str, Mapping[str, Any]], *, where: str
) -> tuple[bool, list[Problem]]:
    """Whether every split can be learned from or measured, and what lacks.

    found: split → what `to_be_found` gave. Two different values of a regression, two choices that are right
    somewhere, a span (or two tags), one answer: less than that in a split is an error.
    """
    lacking: list[str] = []
    for split in SPLITS:
        column: Sequence[Any] = next(iter(found[split].values()))
        if not column:
            lacking.append(f"{split} is empty")
            continue
        rows = f"{split} ({len(column)} rows)"
        match task.kind:
            case "regression":
                if len(set(column)) < 2:
                    lacking.append(f"{rows} holds the value {column[0]:g} only")
            case "multiple_choice":
                if len(set(column)) < 2:
                    lacking.append(f"in {rows} choice {column[0]} is always right")
            case "sequence_labelling":
                tags = {task.labels[tag] for sequence in found[split]["tags"] for tag in sequence}
                if not tags - {"O"}:
                    lacking.append(f"{rows} holds no span")
                elif len(tags) < 2:
                    lacking.append(f"{rows} holds the tag `{min(tags)}` only")
    if lacking:
        return False, [
            Problem(
                f"{where}: task `{task.name}`",
                f"{_NEEDS.get(task.kind or '', 'Every split needs rows')}: {'; '.join(lacking)}.",
                "Give more rows, or change [splits] shares or seed.",
            )
        ]
    return True, [] if task.kind != "sequence_labelling" else list(_unseen(task, found, where=where))


_NEEDS = {
    "regression": "Every split needs two different values",
    "multiple_choice": "In every split two choices must be right somewhere",
    "sequence_labelling": "Every split needs spans, or two tags",
}


def _unseen(task: DraftTask, found: Mapping[str, Mapping[str, Any]], *, where: str) -> Iterator[Problem]:
    seen = {split: {tag for tags in found[split]["tags"] for tag in tags} for split in SPLITS}
    unseen = sorted((seen["dev"] | seen["test"]) - seen["train"])
    if unseen:
        yield Problem(
            f"{where}: task `{task.name}`",
            f"Tags that train never shows: {listed([task.labels[tag] for tag in unseen])}.",
            "They cannot be learned; give train rows of them.",
            "warning",
        )
