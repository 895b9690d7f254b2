"""The methods that order sources, as a table in a terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from forelearn.estimators.methods import ALL, METHODS, NEEDS


def show_methods() -> None:
    """Every method: its name, what it says, what it needs, and for which kinds of target."""
    table = Table(box=box.SIMPLE_HEAD)
    for column in ("method", "says", "needs", "kinds of target"):
        table.add_column(column, overflow="fold")
    for method in METHODS.values():
        if method.name == "rrf":  # what is named is fused by it, always
            continue
        kinds = "all" if method.kinds == ALL else ", ".join(kind.replace("_", " ") for kind in method.kinds)
        table.add_row(method.name, method.says, "; ".join(NEEDS[need] for need in method.needs), kinds)
    Console().print(table)
