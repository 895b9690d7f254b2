"""Small CSV files of a study: written in one step, read back to the last bit, refused with the row that is wrong."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from forelearn.core.errors import InputError, Problem
from forelearn.store.file import write_file


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One row. number: its place in the file, the header is row 1."""

    number: int
    values: Mapping[str, str]


def cell(value: float) -> str:
    """A number as it reads back to the last bit; empty for NaN."""
    return "" if math.isnan(value) else repr(float(value))


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write beside, then rename: a file half written is never seen."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_file(path, text.getvalue())


def read_csv(path: Path, *, needed: Sequence[str], fix: str) -> tuple[list[str], list[CsvRow]]:
    """Header and rows. Raises InputError if the file cannot be read, lacks a column, has one twice or an uneven row.

    fix: what to do then.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = list(csv.reader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(Problem(str(path), f"cannot be read: {error}.", fix)) from error
    header = lines[0] if lines else []
    missing = [name for name in needed if name not in header]
    if missing:
        raise InputError(Problem(str(path), f"has no column `{missing[0]}`.", fix))
    twice = [name for place, name in enumerate(header) if name in header[:place]]
    if twice:
        raise InputError(Problem(str(path), f"has the column `{twice[0]}` twice.", fix))
    uneven = [number for number, line in enumerate(lines, start=1) if len(line) != len(header)]
    if uneven:
        rule = f"has {len(lines[uneven[0] - 1])} cells, but the header has {len(header)}."
        raise InputError(Problem(f"{path}, row {uneven[0]}", rule, fix))
    rows = enumerate(lines[1:], start=2)
    return header, [CsvRow(number, dict(zip(header, line, strict=True))) for number, line in rows]


def number_of(path: Path, row: CsvRow, name: str) -> float:
    """The number in a cell, NaN for an empty one. Raises InputError for anything that is no finite number."""
    text = row.values[name]
    try:
        value = float(text) if text else math.nan
    except ValueError:
        value = math.inf
    if math.isinf(value) or (text and math.isnan(value)):
        rule = f"`{text}` in column `{name}` is no finite number."
        raise InputError(Problem(f"{path}, row {row.number}", rule, "Correct the cell, or leave it empty."))
    return value
