"""Rows of a file as its format's reader found them, before any column has a meaning."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from forelearn.core.errors import Problem

Value = str | tuple[str, ...] | None
"""A cell: text, a list of texts (JSON arrays), or nothing. Numbers and truth values arrive as text."""

SPLITS = ("train", "dev", "test")

SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "dev": "dev",
    "development": "dev",
    "val": "dev",
    "valid": "dev",
    "validation": "dev",
    "test": "test",
    "testing": "test",
}
"""What people write in split columns and file names, and the split that they mean."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: column → value.

    file: path below the data root, with slashes. row: the line where the row starts, counted from 1 with the
    header, as an editor shows it; for formats without lines the position of the row, counted from 1.
    """

    values: Mapping[str, Value]
    file: str
    row: int

    @property
    def place(self) -> str:
        """`file, row n`, for messages."""
        return f"{self.file}, row {self.row}"


@dataclass(frozen=True, slots=True)
class Table:
    """All rows of a file, and what is wrong with it. A file that cannot be read has problems and no rows."""

    file: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...] = ()


def unreadable(file: str, problem: Problem) -> Table:
    """A table without rows, for a file that could not be read."""
    return Table(file, (), (), (problem,))


def as_value(value: object) -> Value:
    """A JSON or Arrow value as text: true → `true`, 3.0 → `3`, lists → tuples, nothing and NaN → None."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):
            return None
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, bytes):  # what cannot be read leaves half characters, which are refused by row
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, list | tuple):
        return tuple(text for text in (as_value(item) for item in value) if isinstance(text, str))
    return str(value)


def flat(value: Mapping[str, object], outer: str = "") -> dict[str, object]:
    """Nested objects as columns `outer.inner`; a list of objects as a column of lists for each of their keys."""
    found: dict[str, object] = {}
    for key, item in value.items():
        name = f"{outer}{key}"
        if isinstance(item, Mapping):
            found.update(flat(item, f"{name}."))
        elif isinstance(item, list | tuple) and item and all(isinstance(one, Mapping) for one in item):
            keys = dict.fromkeys(inner for one in item for inner in one)
            found.update({f"{name}.{inner}": [one.get(inner) for one in item] for inner in keys})
        else:
            found[name] = item
    return found
