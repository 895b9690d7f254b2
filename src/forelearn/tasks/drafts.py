"""Tasks before their documents are split."""

from __future__ import annotations

from dataclasses import dataclass

from forelearn.core.task import Kind
from forelearn.tasks.documents import Document


@dataclass(frozen=True, slots=True)
class DraftTask:
    """A task before its documents are split. codes: index into `labels`, one a document of the draft.

    codes are of classifications; the other kinds find what they ask for in the documents themselves.
    required: the user named it, so that it may not be left out with a warning alone.
    one_vs_rest: the negative label is every other one. kind: None for a classification.
    """

    name: str
    labels: tuple[str, ...]
    codes: tuple[int, ...]
    required: bool
    one_vs_rest: bool = False
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """Tasks over the same documents. metric: what decides all of them, None for each kind's default.

    part: which part of the files the documents are; parts are split apart from each other.
    """

    where: str
    documents: tuple[Document, ...]
    tasks: tuple[DraftTask, ...]
    metric: str | None = None
    part: tuple[int, int] | None = None
