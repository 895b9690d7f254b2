"""Hugging Face `Dataset` and `DatasetDict` objects as a folder of files with a study file.

Workers in other processes read a study's data themselves, so objects in memory become JSON lines once; from then on
everything is as with files. Class labels are written by name, and splits stand in a column.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from forelearn.core.errors import InputError, Problem
from forelearn.experiment.guess import guess
from forelearn.tasks.hub import SPLIT_COLUMN, Loaded, read_loaded
from forelearn.tasks.rows import Table

SPLIT = "split"
"""The column that holds a row's split, in place of one of that name."""

_NAME = re.compile(r"\w[\w .,+-]*")


def save_datasets(folder: Path | str, datasets: Mapping[str, Loaded]) -> Path:
    """Write each dataset to `folder/NAME.jsonl` and beside them a `study.toml` as `init` guesses it; return its path.

    folder: must not exist, or be empty. datasets: name → a `Dataset`, or a `DatasetDict` (any mapping of split names to
    them). What was guessed and what was left out stands at the head of the study file; every line can be edited.
    Raises InputError, and leaves nothing behind, for a name that is no file's, a dataset without rows, or if none of
    them can be a task.
    """
    folder = Path(folder).resolve()
    problems = []
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        problems.append(Problem(str(folder), "exists already.", "Name a folder that is new or empty."))
    problems += [
        Problem(
            f"dataset `{name}`",
            "cannot name a file.",
            "Use letters, digits, spaces and . , + - _ in its name.",
        )
        for name in datasets
        if not _NAME.fullmatch(name)
    ]
    tables = {name: read_loaded(loaded, name=name) for name, loaded in datasets.items()}
    found = [problem for table in tables.values() for problem in table.problems]
    problems += [problem for problem in found if problem.level == "error"]
    if problems:
        raise InputError(problems)
    beside = folder.with_name(f".{folder.name}.part")
    part = beside / folder.name  # the guess names the study after its folder
    try:
        part.mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            write_table(table, part / f"{name}.jsonl")
        said = "".join(f"# {' '.join(str(problem).split())}\n" for problem in found)
        (part / "study.toml").write_text(said + guess(part).text, encoding="utf-8")
        part.replace(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return folder / "study.toml"


def write_table(table: Table, path: Path) -> None:
    """The rows of a table as JSON lines; their split, if they have one, in the column `SPLIT`."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in table.rows:
            cells = dict(row.values)
            if SPLIT_COLUMN in cells:
                cells[SPLIT] = cells.pop(SPLIT_COLUMN)
            file.write(json.dumps(cells, ensure_ascii=False) + "\n")
