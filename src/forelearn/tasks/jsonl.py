"""JSON lines: one object a line."""

from __future__ import annotations

import json
from pathlib import Path

from forelearn.core.errors import Problem
from forelearn.tasks.files import decode, listed
from forelearn.tasks.rows import Row, Table, as_value, flat, unreadable


def read_jsonl(path: Path, *, file: str, encoding: str = "utf-8") -> Table:
    """Read a JSON lines file. Nested values become columns `outer.inner` (`rows.flat`); arrays stay lists."""
    text, problems = decode(path, file=file, encoding=encoding)
    if problems:
        return unreadable(file, problems[0])
    if not text.strip():
        return unreadable(
            file, Problem(file, "The file is empty.", "Give a file with one JSON object a line.")
        )
    columns: dict[str, None] = {}
    rows: list[Row] = []
    broken: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line, parse_constant=_refuse)
            cells = (
                {key: as_value(item) for key, item in flat(value).items()} if isinstance(value, dict) else {}
            )
        except ValueError as error:
            broken.append((number, str(error)))
            continue
        except RecursionError:
            broken.append((number, "nested too deeply"))
            continue
        if not isinstance(value, dict):
            broken.append((number, f"a {type(value).__name__}, not an object"))
            continue
        columns.update(dict.fromkeys(cells))
        rows.append(Row(cells, file, number))
    found: tuple[Problem, ...] = ()
    if broken:
        found = (
            Problem(
                f"{file}, row {broken[0][0]}",
                "The line is not one JSON object: "
                + listed([f"row {number}: {reason}" for number, reason in broken])
                + ".",
                "A line may be cut off: write the file again, one object a line.",
            ),
        )
    return Table(file, tuple(columns), tuple(rows), found)


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not a finite number")
