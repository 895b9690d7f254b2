"""One [[data]] section: which files, how to read them, which column is what, and how labels become tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal, get_args

from forelearn.core.task import Kind
from forelearn.tasks.hub import SPLIT_COLUMN
from forelearn.tasks.rows import Table

Format = Literal[
    "csv",
    "tsv",
    "jsonl",
    "parquet",
    "conll",
    "conllu",
    "squad",
    "tweeteval",
    "atis",
    "label-text",
    "crisislex",
    "incident-streams",
    "incident-streams-run",
    "hub",
    "multimnist",
    "digits",
]
FORMATS: tuple[str, ...] = get_args(Format)
IMAGE_FORMATS: tuple[Format, ...] = ("multimnist", "digits")
"""Formats of images: two tasks over composites of two digits; `digits` are scikit-learn's and need no files."""

SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".conll": "conll",
    ".iob": "conll",
    ".iob2": "conll",
    ".bio": "conll",
    ".conllu": "conllu",
    ".json": "squad",
}
"""Formats that follow from a suffix; those of lines of plain text are named in the section."""

FILE_GROUP = "{file}"
"""As a group: the name of the folder that the file lies in, or the file's stem at the root."""

Column = str | tuple[str, ...] | None
"""Names of columns: one, or several whose texts are joined by spaces."""

Role = Literal["text", "pair", "choices", "label", "start", "id", "group", "split", "part_by"]


@dataclass(frozen=True, slots=True)
class Corpus:
    """How files become tasks.

    where: how messages name the section (`study.toml, [[data]] 1`).
    files: split (`train`, `dev`, `test`, or "" where the files do not say) → paths or globs below the root.
    kind: what the task asks for; None is the format's own, else classification. metric: what decides.
    name: the task's name where the files make one task. header: column names of files without a header row.
    text, pair, id, label, group, split: names of columns. label_delimiter: what separates labels in one cell.
    choices: columns of a multiple choice, in their order, or one column of lists.
    start: of question answering, the column with the position of each answer in its context, in characters.
    one_vs_rest: False, True (a task a label), or the labels that become tasks; `Other` is any other label.
    labels: every label that may occur, in order (one task with these classes). positive: the one of two.
    drop: labels whose rows are left out. prefix: put before the names of one-vs-rest tasks.
    part: (k, n) takes the k-th of n parts of the rows; rows with one value of `part_by` stay together.
    composites: of images, split → how many; a split that is not named has the default.
    tweets, ontology: further files of incident streams.
    """

    where: str
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    format: Format | None = None
    kind: Kind | None = None
    metric: str | None = None
    name: str | None = None
    encoding: str = "utf-8"
    quotes: bool = True
    header: tuple[str, ...] = ()
    text: Column = None
    pair: Column = None
    choices: Column = None
    id: str | None = None
    label: str | None = None
    start: str | None = None
    group: str | None = None
    split: str | None = None
    label_delimiter: str | None = None
    one_vs_rest: bool | tuple[str, ...] = False
    labels: tuple[str, ...] = ()
    positive: str | None = None
    drop: tuple[str, ...] = ()
    prefix: str = ""
    part: tuple[int, int] | None = None
    part_by: str | None = None
    composites: Mapping[str, int] = field(default_factory=dict)
    tweets: tuple[str, ...] = ()
    ontology: str | None = None


_FORMAT_KINDS: dict[str, Kind] = {
    "conll": "sequence_labelling",
    "conllu": "sequence_labelling",
    "squad": "question_answering",
}

_POSTS: dict[Role, str] = {"text": "text", "id": "id", "label": "categories", "group": "event"}

_FORMAT_COLUMNS: dict[str, dict[Role, str]] = {
    "crisislex": {"text": "Tweet Text", "id": "Tweet ID", "group": FILE_GROUP},
    "incident-streams": _POSTS,
    "incident-streams-run": _POSTS,
    "conll": {"text": "token", "label": "tag"},
    "conllu": {"text": "form", "label": "upos"},
    "squad": {"id": "id", "group": "paragraph", "part_by": "title"},
    "atis": {"text": "words", "label": "intent"},
}

_KIND_COLUMNS: dict[str, dict[Role, str]] = {
    "question_answering": {
        "text": "question",
        "pair": "context",
        "label": "answers.text",
        "start": "answers.answer_start",
    },
}


def format_of(corpus: Corpus) -> str:
    """The format of a section: as it says, else by the suffix of its first file; "" if neither says it."""
    if corpus.format is not None:
        return corpus.format
    first = next((path for paths in corpus.files.values() for path in paths), "")
    return "hub" if first.startswith("hf://") else SUFFIXES.get(PurePosixPath(first).suffix.lower(), "")


def kind_of(corpus: Corpus) -> Kind | None:
    """What the section's tasks ask for; None for a classification, whose kind follows from its labels."""
    return corpus.kind or _FORMAT_KINDS.get(format_of(corpus))


def columns_of(corpus: Corpus, role: Role) -> tuple[str, ...]:
    """The columns that play `role`: as the section says, else the format's and the kind's own.

    Where nothing says it, `text` and `label` are the columns of that name, and other roles are not filled.
    """
    said: dict[Role, Column] = {
        "text": corpus.text,
        "pair": corpus.pair,
        "choices": corpus.choices,
        "label": corpus.label,
        "start": corpus.start,
        "id": corpus.id,
        "group": corpus.group,
        "split": corpus.split,
        "part_by": corpus.part_by,
    }
    named = said[role]
    if named:
        return (named,) if isinstance(named, str) else named
    format_, kind = format_of(corpus), kind_of(corpus)
    if format_ == "atis" and kind == "sequence_labelling" and role == "label":
        return ("slots",)
    own = _KIND_COLUMNS.get(kind or "", {}) | _FORMAT_COLUMNS.get(format_, {})
    if role in own:
        return (own[role],)
    return (role,) if role in ("text", "label") else ()


def column_of(corpus: Corpus, role: Role) -> str | None:
    """The one column that plays `role`, or the first of several."""
    return next(iter(columns_of(corpus, role)), None)


def uses_split_column(corpus: Corpus, table: Table) -> str | None:
    """The column that holds the split: the named one, or the splits of a `DatasetDict`."""
    return corpus.split or (SPLIT_COLUMN if SPLIT_COLUMN in table.columns else None)
