"""Parquet tables, through pyarrow (extra `parquet`), which is loaded on first use."""

from __future__ import annotations

from pathlib import Path

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
    except (pyarrow.ArrowInvalid, OSError) as error:
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
        for number, values in enumerate(table.to_pylist(), start=1)
    )
    return Table(file, tuple(dict.fromkeys(key for row in rows for key in row.values)), rows)
