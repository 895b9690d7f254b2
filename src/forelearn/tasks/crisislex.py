"""CrisisLexT26: a folder an event, a CSV file with three label columns in each.

The header has a space after each comma, texts hold carriage returns, and one tweet stands in two events.
"""

from __future__ import annotations

from pathlib import Path

from forelearn.core.errors import Problem
from forelearn.tasks.delimited import read_delimited
from forelearn.tasks.rows import Table

COLUMNS = ("Tweet ID", "Tweet Text", "Information Source", "Information Type", "Informativeness")
LABELS = COLUMNS[2:]


def read_crisislex(path: Path, *, file: str) -> Table:
    """Read the labelled tweets of one event."""
    table = read_delimited(path, file=file)
    missing = [column for column in COLUMNS if column not in table.columns]
    if table.columns and missing:
        return Table(
            file,
            table.columns,
            (),
            (
                Problem(
                    f"{file}, row 1",
                    f"CrisisLexT26 has a column `{missing[0]}`; this file has {', '.join(table.columns)}.",
                    'Set format = "csv" and name the columns.',
                ),
            ),
        )
    return table
