"""The demo: a synthetic family as ordinary files with an ordinary study, run like any other."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from forelearn.core.data import TaskData
from forelearn.core.errors import InputError, Problem
from forelearn.store.file import write_file
from forelearn.tasks.synthetic import DEMO_RECIPE, family

STUDY = """\
# Twelve generated tasks. Edit and run again: forelearn run {folder}
name = "{name}"
encoder = "tiny"
seed = {seed}

[[data]]
files = [{files}]
text = "text"
label = "label"
split = "split"
positive = "yes"

[splits]
by = "given"

[recipe]
learning_rate = {recipe.learning_rate}
epochs = {recipe.epochs}
batch_size = {recipe.batch_size}
max_length = {recipe.max_length}

[search]
budget = "33%"
seeds = 3
confirm = 0.4
round = 12

[conductance]
share = 0.25
"""


def write_demo(folder: Path, *, seed: int = 0, null: bool = False) -> Path:
    """Write a family's tasks and a study into `folder`; returns the study file. Same seed, same files.

    Raises InputError for a negative seed, or a folder that cannot be written.
    """
    if seed < 0:
        raise InputError(Problem("--seed", f"must be at least 0, got {seed}.", "Raise it."))
    tasks = family(seed, null=null).tasks
    # another demo may have left its tasks in this folder: the study names its own
    write_tasks(folder / "data", tasks)
    path = folder / "study.toml"
    name = f"demo-{'null-' if null else ''}{seed}"
    files = ", ".join(f'"data/{task}.csv"' for task in tasks)
    _write(path, STUDY.format(folder=folder, name=name, files=files, seed=seed, recipe=DEMO_RECIPE))
    return path


def write_tasks(folder: Path, tasks: Mapping[str, TaskData]) -> None:
    """One CSV file a task, with the columns id, text, label and split."""
    for name, data in tasks.items():
        _write(folder / f"{name}.csv", _rows(data))


def _rows(data: TaskData) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "text", "label", "split"])
    for split in ("train", "dev", "test"):
        part = data.split(split)
        for name, words, label in zip(part.ids, part.texts, part.labels, strict=True):
            writer.writerow([name, words, data.labels[label], split])
    return text.getvalue()


def _write(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_file(path, text)
