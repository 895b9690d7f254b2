"""Hugging Face `datasets`: ids (`hf://owner/name[/config]`) and objects in memory (extra `hub`).

The library is loaded on first use. What is used of it: `load_dataset`, and of a table `column_names`,
`features` (for the names of class labels) and iteration over rows; nested columns are named as in JSON lines
(`forelearn.tasks.rows.flat`). Not covered: streams, names without owner.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

from forelearn.core.errors import Problem
from forelearn.tasks.rows import SPLIT_WORDS, Row, Table, as_value, flat, unreadable

SPLIT_COLUMN = "__split__"
"""The column that holds a row's split where the object is a mapping of splits."""

_ID = re.compile(r"hf://([\w.-]+/[\w.-]+)(?:/([\w.+-]+))?")


@runtime_checkable
class HubTable(Protocol):
    """What a `datasets.Dataset` offers and this reader uses."""

    @property
    def column_names(self) -> Sequence[str]:
        """Names of the columns."""

    @property
    def features(self) -> Mapping[str, object]:
        """Column → its type; a class label's type has `names`."""

    def __iter__(self) -> Iterator[Mapping[str, object]]:
        """The rows."""


Loaded = HubTable | Mapping[str, HubTable]
"""A table, or a mapping from split names to tables."""


def read_id(name: str) -> Table:
    """Read `hf://owner/name[/config]` through the installed `datasets` library and its cache."""
    match = _ID.fullmatch(name)
    if match is None:
        return unreadable(
            name,
            Problem(name, "An id has the form hf://owner/name or hf://owner/name/config.", "Write it so."),
        )
    try:
        import datasets
    except ImportError:
        return unreadable(
            name,
            Problem(
                name, "hf:// ids need the datasets library.", "Install it: pip install 'forelearn[hub]'."
            ),
        )
    try:
        loaded = datasets.load_dataset(match[1], name=match[2])
    except Exception as error:  # whatever the library, or the builder that it calls, raises of its own
        reason = str(error).split("\n")[0] or type(error).__name__
        return unreadable(
            name, Problem(name, f"It cannot be loaded: {reason}", "Check the id, the config and the network.")
        )
    return read_loaded(loaded, name=name)


def read_loaded(loaded: Loaded, *, name: str) -> Table:
    """Rows of a `Dataset`, or of every split of a `DatasetDict`, with the split in `SPLIT_COLUMN`.

    A test whose classes are all hidden (GLUE) gives way to dev, with a warning.
    """
    tables = dict(loaded) if isinstance(loaded, Mapping) else {"": loaded}
    columns: dict[str, None] = {}
    class_columns: dict[str, None] = {}
    rows: list[Row] = []
    for split, table in tables.items():
        classes = {
            column: known for column, of in dict(table.features).items() if (known := _class_names(of))
        }
        class_columns.update(dict.fromkeys(classes))
        place = f"{name}, {split}" if split else name
        for number, values in enumerate(table, start=1):
            cells = {
                column: as_value(_named(value, classes[column]) if column in classes else value)
                for column, value in flat(values).items()
            }
            columns.update(dict.fromkeys(cells))
            if split:
                cells[SPLIT_COLUMN] = SPLIT_WORDS.get(split.lower(), split)
            rows.append(Row(cells, place, number))
    if not rows:
        return unreadable(name, Problem(name, "It has no rows.", "Choose another config or split."))
    if any(tables):
        columns[SPLIT_COLUMN] = None
    return _without_hidden(Table(name, tuple(columns), tuple(rows)), class_columns)


def _without_hidden(table: Table, class_columns: Collection[str]) -> Table:
    """Where a benchmark hides the labels of test (every class is −1), its dev rows become test."""
    splits = {
        split: [row for row in table.rows if row.values.get(SPLIT_COLUMN) == split]
        for split in ("dev", "test")
    }
    hidden = [
        column
        for column in class_columns
        if not any(row.values.get(column) is not None for row in splits["test"])
    ]
    if not (hidden and splits["dev"] and splits["test"]):
        return table
    rows = []
    for row in table.rows:
        if row.values[SPLIT_COLUMN] == "dev":
            rows.append(replace(row, values={**row.values, SPLIT_COLUMN: "test"}))
        elif row.values[SPLIT_COLUMN] != "test":
            rows.append(row)
    what = f"No row of test has a `{hidden[0]}`: dev serves as test, and dev is taken out of train."
    doubt = Problem(
        table.file, what, "Give the labels of test in files of your own, if you have them.", "warning"
    )
    return replace(table, rows=tuple(rows), problems=(*table.problems, doubt))


def _class_names(feature: object) -> tuple[str, ...]:
    """The names of a class label, or of a sequence of class labels; none of other columns."""
    names = getattr(feature, "names", None) or getattr(getattr(feature, "feature", None), "names", None)
    return tuple(names or ())


def _named(value: object, names: Sequence[str]) -> object:
    if isinstance(value, list | tuple):
        return [_named(item, names) for item in value]
    if isinstance(value, int):
        return names[value] if 0 <= value < len(names) else None
    return value
