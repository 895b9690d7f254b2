"""Parquet tables, through pyarrow (extra `parquet`), which is loaded on first use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forelearn.core.errors import Problem
from forelearn.tasks.rows import Row, Table, as_value, flat, unreadable


def read_parquet(path: Path, *, file: str) -> Table:
    """Read a Parquet file."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        return unreadable(
            file,
            Problem(file, "Parquet files need pyarrow.", "Install it: pip install 'forelearn[parquet]'."),
        )
    try:
        table = pyarrow.parquet.ParquetFile(path).read()
        lines = _lines(table)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        return unreadable(
            file,
            Problem(
                file,
                f"The file is not a readable Parquet table: {str(error).rstrip('.')}.",
                "Write it again as Parquet.",
            ),
        )
    names = table.column_names
    if twice := next((name for name in names if names.count(name) > 1), None):
        return unreadable(file, Problem(file, f"Column `{twice}` stands twice in the table.", "Rename one."))
    if not table.num_rows:
        return unreadable(file, Problem(file, "The table has no rows.", "Add rows or leave the file out."))
    rows = tuple(
        Row({key: as_value(item) for key, item in flat(values).items()}, file, number)
        for number, values in enumerate(lines, start=1)
    )
    return Table(file, tuple(dict.fromkeys(key for row in rows for key in row.values)), rows)


def _lines(table: Any) -> list[dict[str, Any]]:
    """The rows as Python has them; times as texts where it has none for them (nanoseconds)."""
    import pyarrow

    try:
        found: list[dict[str, Any]] = table.to_pylist()
        return found
    except ValueError:
        pass
    for place, field in enumerate(table.schema):
        if pyarrow.types.is_temporal(field.type):
            table = table.set_column(place, field.name, table.column(place).cast(pyarrow.string()))
    spelled: list[dict[str, Any]] = table.to_pylist()
    return spelled
