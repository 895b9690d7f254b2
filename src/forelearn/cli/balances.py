"""The table of sizes and positives that `check` prints."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from forelearn.tasks.audit import Balance


def print_balances(balances: Sequence[Balance]) -> None:
    """A row a task: positives of examples in each split, prevalence in train, and groups."""
    if not balances:
        return
    table = Table(box=box.SIMPLE_HEAD, caption="positives / examples", caption_justify="left")
    table.add_column("task", overflow="fold")
    for split in ("train", "dev", "test"):
        table.add_column(split, justify="right", no_wrap=True)
    table.add_column("prevalence", justify="right")
    table.add_column("groups", justify="right")
    for task in dict.fromkeys(row.task for row in balances):
        rows = {row.split: row for row in balances if row.task == task}
        cells = [task]
        for split in ("train", "dev", "test"):
            row = rows.get(split)
            cells.append(f"{row.positives} / {row.examples}" if row else "–")
        cells.append(f"{rows['train'].prevalence:.0%}" if "train" in rows else "–")
        cells.append(str(sum(row.groups for row in rows.values())))
        table.add_row(*(Text(cell) for cell in cells))
    Console().print(table)
