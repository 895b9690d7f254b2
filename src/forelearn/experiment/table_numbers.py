"""Cells of a table as numbers. What is missing is NaN; what is no number is gathered and named with its row."""

from __future__ import annotations

import math
import re

from forelearn.core.errors import Problem
from forelearn.tasks.files import listed
from forelearn.tasks.rows import Row

MISSING = frozenset({"", "-", "–", "—", "?", "na", "n/a", "nan", "null", "none"})
"""Cells, without regard to case, that hold nothing."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_COMMA = re.compile(r"[+-]?\d*,\d+", re.ASCII)


class Numbers:
    """Reads numbers and gathers what is none."""

    def __init__(self) -> None:
        self.commas: list[tuple[Row, str]] = []
        self.others: list[tuple[Row, str]] = []

    def read(self, row: Row, column: str | None) -> float:
        """The number in a cell, NaN where it is missing or no number (which is then a problem)."""
        text = cell_text(row, column) if column is not None else ""
        if text.casefold() in MISSING:
            return math.nan
        if _NUMBER.fullmatch(text) and math.isfinite(value := float(text)):
            return value
        bad = self.commas if _COMMA.fullmatch(text) else self.others
        bad.append((row, f"`{text}` in column `{column}`"))
        return math.nan

    def problems(self, file: str) -> list[Problem]:
        """One problem a kind, at its first row, with the next few rows."""
        kinds = (
            (self.commas, "Decimal commas are not read", "Write decimal points: 0.85."),
            (
                self.others,
                "Cells must be finite numbers or empty",
                "Correct or empty them; percent signs and units do not belong in cells. "
                "A long table needs columns target and source: name them with --columns.",
            ),
        )
        return [
            Problem(
                f"{file}, row {bad[0][0].row}",
                f"{rule}: {listed([f'{what} (row {row.row})' for row, what in bad])}.",
                fix,
            )
            for bad, rule, fix in kinds
            if bad
        ]


def cell_text(row: Row, column: str) -> str:
    """The cell without the white space around it; empty where there is none."""
    value = row.values[column]
    return value.strip() if isinstance(value, str) else ""
