"""What the columns of a table look like: how full, how varied, how long, numbers, lists."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from forelearn.tasks.corpus import Column
from forelearn.tasks.labels import is_number
from forelearn.tasks.rows import Row, Table, Value

LOOKED_AT = 5000
"""Rows that a guess looks at."""

OTHER_KINDS = ("regression", "multiple_choice", "sequence_labelling", "question_answering")

NEARLY = 0.95
LEAST_NUMBERS = 20
"""Of at least so many numbers, where they are this share of the values, the others are slips of the pen."""

MOST_ODD = 3
"""Labels that are no numbers are named one by one up to so many."""


@dataclass(frozen=True, slots=True)
class LabelColumn:
    """A column that holds labels. counts: label → rows. is_list: several labels may stand in a cell."""

    name: str
    counts: Mapping[str, int]
    is_list: bool
    delimiter: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Columns:
    """What was guessed of one table. why: role → reason, for every role that was filled.

    kind: None for a classification. text, pair: a column, or several that are joined. choices, start: of
    multiple choice and question answering. names: what the labels of a multiple choice are called, where they
    are not positions counted from 0.
    """

    text: Column
    pair: Column
    id: str | None
    group: str | None
    split: str | None
    labels: tuple[LabelColumn, ...]
    why: Mapping[str, str]
    kind: str | None = None
    choices: Column = None
    start: str | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """What the values of a column look like. length: mean number of characters of the filled cells.

    numeric: every value is a number. nearly_numeric: all but slips are. decimals: most have a decimal point.
    """

    filled: int
    distinct: int
    length: float
    numeric: bool
    nearly_numeric: bool
    decimals: bool
    lists: bool
    values: Counter[str]

    @property
    def wordy(self) -> bool:
        """Whether the cells are texts that mostly differ."""
        return not (self.nearly_numeric or self.lists) and self.distinct > 0.2 * self.filled


def looked_at(table: Table) -> Sequence[Row]:
    """At most `LOOKED_AT` rows, in their order, drawn from all: a file may be sorted, by label or by anything."""
    count = len(table.rows)
    if count <= LOOKED_AT:
        return table.rows
    return [table.rows[place] for place in sorted(random.Random(0).sample(range(count), LOOKED_AT))]


def looks_of(table: Table) -> dict[str, Look]:
    """Column → what its cells look like, for columns that hold anything."""
    rows = looked_at(table)
    looks = {name: _look([row.values.get(name) for row in rows]) for name in table.columns if name}
    return {name: look for name, look in looks.items() if look.filled}


def _look(cells: Sequence[Value]) -> Look:
    filled = [cell for cell in cells if cell]
    texts = [cell if isinstance(cell, str) else ",".join(cell) for cell in filled]
    values = Counter(text.strip() for text in texts)
    numbers = sum(count for text, count in values.items() if is_number(text))
    return Look(
        filled=len(filled),
        distinct=len(values),
        length=sum(map(len, texts)) / max(1, len(texts)),
        numeric=numbers == len(filled),
        nearly_numeric=numbers == len(filled) or numbers >= max(LEAST_NUMBERS, NEARLY * len(filled)),
        decimals=sum(count for text, count in values.items() if "." in text) * 2 > len(filled),
        lists=any(isinstance(cell, tuple) for cell in filled),
        values=values,
    )


def named(looks: Mapping[str, Look], names: Sequence[str], taken: set[str]) -> str | None:
    """The column that bears the first of `names`, in any case, and is not taken."""
    by_name = {name.lower().strip(): name for name in looks if name not in taken}
    return next((by_name[name] for name in names if name in by_name), None)


def odd_values(tables: Sequence[Table], label: str) -> Iterator[str]:
    """A sentence for each label that is no number, of a column whose others are."""
    odd = [
        (row.place, value)
        for table in tables
        for row in table.rows
        if isinstance(value := row.values.get(label), str) and value.strip() and not is_number(value)
    ]
    for place, value in odd[:MOST_ODD]:
        yield f"{place}: `{label}` is {value!r}, the others are numbers; correct it, or add it to `drop`."
    if len(odd) > MOST_ODD:
        yield f"Column `{label}` holds {len(odd) - MOST_ODD} more that are no numbers."
