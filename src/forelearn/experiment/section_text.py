"""The text of a guessed [[data]] section: a line a guess, with its reason as a comment."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from forelearn.experiment.guess_looks import Columns, LabelColumn, odd_values
from forelearn.tasks.corpus import FILE_GROUP, SUFFIXES, Format
from forelearn.tasks.labels import likely_positive
from forelearn.tasks.names import name_from_label
from forelearn.tasks.rows import Table

LEAST_ROWS = 20
"""A label with fewer rows is not proposed as a task of its own."""

OWN = "the format's own"
"""Why a column plays its role where the format says so: no line is needed."""

_VOID = re.compile(r"not[ _-]?(applicable|labell?ed)|n/?a|unlabell?ed|nan|null", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file that was read, how it had to be read, and what its columns seem to be.

    header: made-up names of columns where the file has no header row.
    """

    path: str
    format: Format
    table: Table
    encoding: str
    quotes: bool
    header: tuple[str, ...]
    columns: Columns


@dataclass(frozen=True, slots=True)
class Draft:
    """Files that make a [[data]] section a label column. paths: the value of `files`, as TOML.

    lines: further lines that are known without looking at columns. by_file: each folder is a group.
    published: the files say that they are one task, or there are others beside them: it is not torn apart by labels.
    """

    files: tuple[TableFile, ...]
    paths: str
    why: str
    name: str = ""
    by_file: bool = False
    published: bool = False
    lines: tuple[str, ...] = field(default=())


@dataclass(slots=True)
class Notes:
    """What deserves a look: sentences, and the tasks and columns that one sentence is said of together."""

    said: list[str] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    apart: list[str] = field(default_factory=list)
    by_values: dict[str, tuple[str, str]] = field(default_factory=dict)

    def all(self) -> tuple[str, ...]:
        """Every sentence."""
        found = list(self.said)
        found += [
            f"Column `{name}` ({file}) is read as labels: {why}."
            for name, (file, why) in self.by_values.items()
        ]
        if self.apart:
            found.append(
                f"Each label is a task of its own in {', '.join(self.apart)}; for one task with all classes delete "
                "`one_vs_rest` and `prefix` there, and set `name`."
            )
        if self.unsettled:
            found.append(f"Settle which label is positive: {'; '.join(self.unsettled)}.")
        return tuple(found)


def whole(drafts: Sequence[Draft]) -> list[Draft]:
    """Of several groups of files each is one task, whatever its labels; one alone is a task a label, for else there
    would be nothing to learn first.
    """
    if len(drafts) < 2:
        return list(drafts)
    return [replace(draft, published=True) for draft in drafts]


def section_texts(section: Draft, notes: Notes) -> Iterator[str]:
    """The [[data]] sections of a group of files, one a label column."""
    if not section.files:
        yield "\n".join(["[[data]]", line("files", section.paths, section.why), *section.lines, ""])
        return
    for column, name, prefix in _named_columns(section):
        yield section_text(section, column, name=name, prefix=prefix, notes=notes)


def section_names(section: Draft) -> list[str]:
    """Names of the tasks that `section_texts` makes."""
    names: list[str] = []
    for column, name, prefix in _named_columns(section):
        if _makes_one(section, column):
            names.append(name)
        else:
            names += [name_from_label(f"{prefix}{label}") for label in _kept(column)[0]]
    return names


def _named_columns(section: Draft) -> Iterator[tuple[LabelColumn, str, str]]:
    """(label column, name of its one task, prefix of its one-vs-rest tasks)."""
    columns = _pooled(section)
    several = len(columns) > 1
    for column in columns:
        name = f"{section.name} {column.name}".strip() if several or not section.name else section.name
        name = name_from_label(name)
        yield column, name, f"{name}: " if several or not section.by_file else ""


def _pooled(section: Draft) -> list[LabelColumn]:
    """Label columns of the first file with the counts of all files."""
    pooled = []
    for column in section.files[0].columns.labels:
        counts: dict[str, int] = defaultdict(int)
        for file in section.files:
            for other in file.columns.labels:
                if other.name == column.name:
                    for label, count in other.counts.items():
                        counts[label] += count
        pooled.append(replace(column, counts=dict(counts)))
    return pooled


def _makes_one(section: Draft, column: LabelColumn) -> bool:
    """Whether the column is one task: of another kind, of two labels, or published as one."""
    if section.files[0].columns.kind is not None:
        return True
    return not column.is_list and (section.published or len(column.counts) - len(_kept(column)[1]) == 2)


def _kept(column: LabelColumn) -> tuple[list[str], list[str]]:
    """(labels that become tasks, most frequent first; labels whose rows are dropped)."""
    ordered = sorted(column.counts, key=lambda label: (-column.counts[label], label))
    void = [label for label in ordered if _VOID.fullmatch(label)]
    if len(column.counts) - len(void) < 2:
        void = []
    real = [label for label in ordered if label not in void]
    kept = [label for label in real if column.counts[label] >= LEAST_ROWS]
    return kept or real, void


def section_text(section: Draft, column: LabelColumn, *, name: str, prefix: str, notes: Notes) -> str:
    """One [[data]] section: `name` names its one task, `prefix` stands before its one-vs-rest tasks."""
    lines = ["[[data]]", line("files", section.paths, section.why), *_reading(section, notes)]
    lines += _roles(section, column)
    if column.why not in ("by its name", OWN):
        notes.by_values.setdefault(column.name, (section.files[0].path, column.why))
    columns = section.files[0].columns
    if columns.kind is not None:
        if "kind" in columns.why:
            notes.said.append(f"{name} is read as {columns.kind.replace('_', ' ')}: {columns.why['kind']}.")
        if columns.kind == "regression":
            notes.said += odd_values([file.table for file in section.files], column.name)
        return "\n".join([*lines, line("name", quoted(name), "of the task"), ""])
    if column.delimiter is not None:
        lines.append(line("label_delimiter", quoted(column.delimiter), "cells hold several labels"))
    kept, void = _kept(column)
    labels = [label for label in column.counts if label not in void]
    if void:
        lines.append(line("drop", _list(void), "they say that a label is absent"))
    if _makes_one(section, column):
        lines.append(line("name", quoted(name), "of the task"))
        if len(labels) == 2:
            (negative, positive), why = likely_positive(sorted(labels), column.counts)
            notes.unsettled.append(f"{name} ({positive}, {why})")
            lines.append(line("positive", quoted(positive), f"and not {negative}: {why}"))
        elif not section.by_file:
            lines.append(
                line("# one_vs_rest", _list(kept), "a task a label instead: delete name, and set this")
            )
            if prefix:
                lines.append(line("# prefix", quoted(prefix), "and this, so that names are unique"))
    else:
        rare = len(labels) - len(kept)
        why = "a task a label" + (f"; {rare} with fewer than {LEAST_ROWS} rows left out" if rare else "")
        lines.append(line("one_vs_rest", _list(kept), why))
        if prefix:
            lines.append(line("prefix", quoted(prefix), "so that names are unique"))
        if not column.is_list:
            notes.apart.append(f"{name} ({len(kept)} labels)")
            why = "for one task with all classes: delete one_vs_rest and prefix, and set this"
            lines.append(line("# name", quoted(name), why))
    return "\n".join([*lines, ""])


def _reading(section: Draft, notes: Notes) -> Iterator[str]:
    """How the files have to be read, where that does not go without saying."""
    file = section.files[0]
    if any(SUFFIXES.get(PurePosixPath(one.path).suffix.lower()) != one.format for one in section.files):
        yield line("format", quoted(file.format), "by its first lines and the files beside it")
    if file.encoding != "utf-8":
        yield line("encoding", quoted(file.encoding), "the bytes are not UTF-8")
        notes.said.append(f"{file.path} is not UTF-8; it is read as {file.encoding}.")
    if not file.quotes:
        yield line("quotes", "false", "quotes do not balance, so they are plain characters")
    if file.header:
        why = "the first row looks like data"
        if not file.header[0].startswith("column "):
            why = "one of the files has no header"
        yield line("header", _list(file.header), why)


def _roles(section: Draft, column: LabelColumn) -> Iterator[str]:
    """The kind and the columns that play its roles, but for those that the format knows."""
    columns = section.files[0].columns
    why = columns.why
    if columns.kind is not None and "kind" in why:
        yield line("kind", quoted(columns.kind), why["kind"])
    for role, names in (
        ("text", columns.text),
        ("pair", columns.pair),
        ("choices", columns.choices),
        ("start", columns.start),
        ("id", columns.id),
        ("split", columns.split),
    ):
        if names and role in why and not (role == "split" and section.paths.startswith("{")):
            yield line(role, quoted(names) if isinstance(names, str) else _list(names), why[role])
    if section.by_file:
        yield line("group", quoted(FILE_GROUP), "each folder is a group")
    elif columns.group is not None and "group" in why:
        yield line("group", quoted(columns.group), why["group"])
    if column.why != OWN:
        yield line("label", quoted(column.name), column.why)
    if columns.names:
        yield line("labels", _list(columns.names), why["labels"])


def line(key: str, value: str, why: str) -> str:
    """`key = value  # why`."""
    text = f"{key} = {value}"
    return f"{text.ljust(35)} # {' '.join(why.split())}" if why else text


def quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are TOML's, except for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(texts: list[str] | tuple[str, ...]) -> str:
    return f"[{', '.join(map(quoted, texts))}]"
