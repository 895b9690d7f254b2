"""The table of sizes and positives that `check` prints."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from forelearn.tasks.audit import Balance
from forelearn.tasks.rows import SPLITS

ALL = "documents"
"""What `Balance.counted` says where examples have no labels to count."""


def print_balances(balances: Sequence[Balance]) -> None:
    """A row a task: examples of each split, what is counted among them, its share in train, and groups."""
    if not balances:
        return
    grouped = any(row.groups for row in balances)
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("task", overflow="fold")
    for split in ("train", "dev", "test"):
        table.add_column(split, justify="right", no_wrap=True)
    table.add_column("of them, in train", overflow="fold")
    if grouped:
        table.add_column("groups", justify="right")
    for task in dict.fromkeys(row.task for row in balances):
        rows = {row.split: row for row in balances if row.task == task}
        cells = [task, *(f"{rows[split].examples:,}" if split in rows else "–" for split in SPLITS)]
        train = rows.get("train")
        told = train is not None and train.counted != ALL
        cells.append(
            f"{train.positives:,} {train.counted} ({train.prevalence:.0%})" if train and told else ""
        )
        if grouped:
            cells.append(str(sum(row.groups for row in rows.values())))
        table.add_row(*(Text(cell) for cell in cells))
    Console().print(table)
