"""The text of a guessed [[data]] section: a line a guess, with its reason as a comment."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from forelearn.experiment.columns import Columns, LabelColumn
from forelearn.tasks.corpus import FILE_GROUP, Format
from forelearn.tasks.labels import likely_positive
from forelearn.tasks.names import name_from_label
from forelearn.tasks.rows import Table

LEAST_ROWS = 20
"""A label with fewer rows is not proposed as a task of its own."""

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
    """

    files: tuple[TableFile, ...]
    paths: str
    why: str
    name: str = ""
    by_file: bool = False
    lines: tuple[str, ...] = field(default=())


@dataclass(slots=True)
class Notes:
    """What deserves a look: sentences, and the tasks and columns that one sentence is said of together."""

    said: list[str] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    by_values: dict[str, str] = field(default_factory=dict)

    def all(self) -> tuple[str, ...]:
        """Every sentence."""
        found = list(self.said)
        found += [
            f"Column `{name}` ({file}) is read as labels: {why}" for name, (file, why) in self._columns()
        ]
        if self.unsettled:
            found.append(f"Settle which label is positive: {'; '.join(self.unsettled)}.")
        return tuple(found)

    def _columns(self) -> Iterator[tuple[str, tuple[str, str]]]:
        for name, file in self.by_values.items():
            yield name, (file, "its values are few and short and repeat.")


def section_texts(section: Draft, notes: Notes) -> Iterator[str]:
    """The [[data]] sections of a group of files, one a label column."""
    if not section.files:
        yield "\n".join(["[[data]]", line("files", section.paths, section.why), *section.lines, ""])
        return
    columns = _pooled(section)
    several = len(columns) > 1
    for column in columns:
        name = f"{section.name} {column.name}".strip() if several or not section.name else section.name
        prefix = f"{name}: " if several or not section.by_file else ""
        yield section_text(section, column, name=name_from_label(name), prefix=prefix, notes=notes)


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


def task_names(column: LabelColumn, name: str) -> list[str]:
    """Names of the tasks that `section_text` makes of a column under the prefix `name: `."""
    if _makes_one(column):
        return [name]
    return [name_from_label(f"{name}: {label}") for label in _kept(column)[0]]


def _makes_one(column: LabelColumn) -> bool:
    return len(column.counts) - len(_kept(column)[1]) == 2 and not column.is_list


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
    file = section.files[0]
    columns = file.columns
    lines = ["[[data]]", line("files", section.paths, section.why)]
    if file.encoding != "utf-8":
        lines.append(line("encoding", quoted(file.encoding), "the bytes are not UTF-8"))
        notes.said.append(f"{file.path} is not UTF-8; it is read as {file.encoding}.")
    if not file.quotes:
        lines.append(line("quotes", "false", "quotes do not balance, so they are plain characters"))
    if file.header:
        lines.append(line("header", _list(file.header), "the first row looks like data"))
    lines.append(line("text", quoted(columns.text or ""), columns.why["text"]))
    for role, value in (("pair", columns.pair), ("id", columns.id), ("split", columns.split)):
        if value is not None and not (role == "split" and section.paths.startswith("{")):
            lines.append(line(role, quoted(value), columns.why[role]))
    if section.by_file:
        lines.append(line("group", quoted(FILE_GROUP), "each folder is a group"))
    elif columns.group is not None:
        lines.append(line("group", quoted(columns.group), columns.why["group"]))
    lines.append(line("label", quoted(column.name), column.why))
    if column.why != "by its name":
        notes.by_values.setdefault(column.name, file.path)
    if column.delimiter is not None:
        lines.append(line("label_delimiter", quoted(column.delimiter), "cells hold several labels"))
    kept, void = _kept(column)
    labels = [label for label in column.counts if label not in void]
    if void:
        lines.append(line("drop", _list(void), "they say that a label is absent"))
    if _makes_one(column):
        lines.append(line("name", quoted(name), "of the task"))
        (negative, positive), why = likely_positive(sorted(labels), column.counts)
        notes.unsettled.append(f"{name} ({positive}, {why})")
        lines.append(line("positive", quoted(positive), f"and not {negative}: {why}"))
    else:
        rare = len(labels) - len(kept)
        why = "a task a label" + (f"; {rare} with fewer than {LEAST_ROWS} rows left out" if rare else "")
        lines.append(line("one_vs_rest", _list(kept), why))
        if prefix:
            lines.append(line("prefix", quoted(prefix), "so that names are unique"))
    return "\n".join([*lines, ""])


def line(key: str, value: str, why: str) -> str:
    """`key = value  # why`."""
    text = f"{key} = {value}"
    return f"{text.ljust(35)} # {' '.join(why.split())}" if why else text


def quoted(text: str) -> str:
    """A TOML basic string; JSON's escapes are TOML's, except for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(texts: list[str] | tuple[str, ...]) -> str:
    return f"[{', '.join(map(quoted, texts))}]"
