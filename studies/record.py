"""A study's record: its committed `results.csv`, which lasts longer than a store and goes from machine to machine.

A machine that is fast in bfloat16 trains in it, another in 32 bits, and the precision is part of a run's key. For a
study both are the same run: what differs is rounding (in twelve short runs made both ways one test row of 936 changed
its label). So a plan has run if its key at any precision has a row.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from forelearn.core.recipe import Precision, Recipe
from forelearn.core.transfer import Transfer


def keys(transfer: Transfer) -> list[str]:
    """The transfer's key, then what it would be at each other precision."""
    others = [precision for precision in get_args(Precision) if precision != transfer.recipe.precision]
    return [transfer.key, *(_at(transfer, precision).key for precision in others)]


def _at(transfer: Transfer, precision: Precision) -> Transfer:
    def changed(recipe: Recipe) -> Recipe:
        return replace(recipe, precision=precision)

    sources = tuple(
        source if source.recipe is None else replace(source, recipe=changed(source.recipe))
        for source in transfer.sources
    )
    return replace(transfer, recipe=changed(transfer.recipe), sources=sources)


def read_rows(file: Path) -> dict[str, dict[str, str]]:
    """Key → row, in the file's order; nothing if there is no file."""
    if not file.is_file():
        return {}
    with file.open(newline="", encoding="utf-8") as held:
        return {row["key"]: row for row in csv.DictReader(held)}


def write_rows(file: Path, header: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    """Replace the file by these rows below a header."""
    write_lines(file, [list(header), *([row[name] for name in header] for row in rows)])


def write_lines(file: Path, lines: Iterable[Sequence[str]]) -> None:
    """Replace the file at once: a kill leaves the old one or the new one."""
    beside = file.with_name(f"{file.name}.new")
    with beside.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out, lineterminator="\n").writerows(lines)
    beside.replace(file)
