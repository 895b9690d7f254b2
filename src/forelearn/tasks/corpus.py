"""One [[data]] section: which files, how to read them, which column is what, and how labels become tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from forelearn.core.errors import InputError, Problem
from forelearn.tasks.crisislex import read_crisislex
from forelearn.tasks.delimited import read_delimited
from forelearn.tasks.files import find
from forelearn.tasks.hub import SPLIT_COLUMN, Loaded, read_id, read_loaded
from forelearn.tasks.incident_streams import read_labels, read_tweets
from forelearn.tasks.jsonl import read_jsonl
from forelearn.tasks.ontology import read_ontology
from forelearn.tasks.parquet import read_parquet
from forelearn.tasks.rows import Table

Format = Literal["csv", "tsv", "jsonl", "parquet", "crisislex", "incident-streams", "hub"]
FORMATS: tuple[str, ...] = get_args(Format)
SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
FILE_GROUP = "{file}"
"""As a group: the name of the folder that the file lies in, or the file's stem at the root."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """How files become tasks.

    where: how messages name the section (`study.toml, [[data]] 1`).
    files: split (`train`, `dev`, `test`, or "" where the files do not say) → paths or globs below the root.
    name: the task's name where the files make one task. header: column names of files without a header row.
    text, pair, id, label, group, split: names of columns. label_delimiter: what separates labels in one cell.
    one_vs_rest: False, True (a task a label), or the labels that become tasks; `Other` is any other label.
    labels: every label that may occur, in order (one task with these classes). positive: the one of two.
    drop: labels whose rows are left out. prefix: put before the names of one-vs-rest tasks.
    tweets, ontology: further files of incident streams. loaded: a `datasets` object instead of files.
    """

    where: str
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    format: Format | None = None
    name: str | None = None
    encoding: str = "utf-8"
    quotes: bool = True
    header: tuple[str, ...] = ()
    text: str | None = None
    pair: str | None = None
    id: str | None = None
    label: str | None = None
    group: str | None = None
    split: str | None = None
    label_delimiter: str | None = None
    one_vs_rest: bool | tuple[str, ...] = False
    labels: tuple[str, ...] = ()
    positive: str | None = None
    drop: tuple[str, ...] = ()
    prefix: str = ""
    tweets: tuple[str, ...] = ()
    ontology: str | None = None
    loaded: Loaded | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A table that was read for a corpus, and the split its file stands for ("" where it does not say)."""

    split: str
    table: Table


Read = dict[tuple[object, ...], Table]
"""Tables read already, so that sections over the same files read them once."""


def read_corpus(corpus: Corpus, *, root: Path, read: Read) -> tuple[list[Part], list[Problem]]:
    """The tables of a corpus in the order of its files, and everything that is wrong with the files."""
    if corpus.loaded is not None:
        table = read_loaded(corpus.loaded, name=corpus.name or "loaded")
        return [Part("", table)], list(table.problems)
    problems: list[Problem] = []
    parts: list[Part] = []
    if corpus.format == "incident-streams":
        further, problems = _further(corpus, root=root)
        if not further[0]:
            return [], problems
    else:
        further = ({}, None)
    for split, patterns in corpus.files.items():
        ids = [pattern for pattern in patterns if pattern.startswith("hf://")]
        for name in ids:
            if (name,) not in read:
                read[(name,)] = read_id(name)
                problems += read[(name,)].problems
            parts.append(Part(split, read[(name,)]))
        paths, missing = find([name for name in patterns if name not in ids], root=root, where=corpus.where)
        problems += missing
        for path in paths:
            file = path.relative_to(root).as_posix()
            chosen = corpus.format or SUFFIXES.get(path.suffix.lower())
            if chosen is None or chosen == "hub":
                problems.append(
                    Problem(
                        f"{corpus.where} files",
                        f"The format of `{file}` does not follow from its suffix.",
                        f"Set format to one of {', '.join(FORMATS)}.",
                    )
                )
                continue
            key = (path, chosen, corpus.encoding, corpus.quotes, corpus.header, corpus.tweets)
            if key not in read:
                read[key] = _read(path, chosen, corpus, file=file, further=further)
                problems += read[key].problems
            parts.append(Part(split, read[key]))
    return parts, problems


def _read(path: Path, chosen: Format, corpus: Corpus, *, file: str, further: Further) -> Table:
    match chosen:
        case "csv" | "tsv":
            return read_delimited(
                path,
                file=file,
                delimiter="," if chosen == "csv" else "\t",
                encoding=corpus.encoding,
                quotes=corpus.quotes,
                header=corpus.header,
            )
        case "jsonl":
            return read_jsonl(path, file=file, encoding=corpus.encoding)
        case "parquet":
            return read_parquet(path, file=file)
        case "crisislex":
            return read_crisislex(path, file=file)
        case "incident-streams":
            return read_labels(path, file=file, texts=further[0], types=further[1])
        case "hub":
            raise ValueError("a hub table is not a file")


Further = tuple[Mapping[str, str], tuple[str, ...] | None]


def _further(corpus: Corpus, *, root: Path) -> tuple[Further, list[Problem]]:
    """Texts of the tweet files, and the types of the ontology file, of an incident-stream corpus."""
    texts: dict[str, str] = {}
    paths, problems = find(corpus.tweets, root=root, where=f"{corpus.where} tweets:")
    for path in paths:
        found, broken = read_tweets(path, file=path.relative_to(root).as_posix())
        texts.update(found)
        problems += broken
    if not corpus.tweets:
        problems.append(
            Problem(
                f"{corpus.where} tweets",
                "Incident streams keep texts apart from labels.",
                'Name the tweet files: tweets = "tweets/*.jsonl".',
            )
        )
    types = None
    for path in find([corpus.ontology] if corpus.ontology else [], root=root, where=corpus.where)[0]:
        try:
            types = read_ontology(path, file=path.relative_to(root).as_posix())
        except InputError as error:
            problems += error.problems
    return (texts, types), problems


DEFAULT_COLUMNS: dict[str, dict[str, str]] = {
    "crisislex": {"text": "Tweet Text", "id": "Tweet ID", "group": FILE_GROUP},
    "incident-streams": {"text": "text", "id": "id", "label": "categories", "group": "event"},
}


def column_of(corpus: Corpus, role: Literal["text", "pair", "id", "label", "group", "split"]) -> str | None:
    """The column that plays `role`: as the section says, else the format's own, else `text` and `label`."""
    said = {
        "text": corpus.text,
        "pair": corpus.pair,
        "id": corpus.id,
        "label": corpus.label,
        "group": corpus.group,
        "split": corpus.split,
    }[role]
    own = DEFAULT_COLUMNS.get(corpus.format or "", {})
    return said or own.get(role) or (role if role in ("text", "label") else None)


def uses_split_column(corpus: Corpus, table: Table) -> str | None:
    """The column that holds the split: the named one, or the splits of a `DatasetDict`."""
    return corpus.split or (SPLIT_COLUMN if SPLIT_COLUMN in table.columns else None)
