"""Data on which nothing can be learned or measured."""

from __future__ import annotations

from forelearn.core.data import Examples, TaskData
from forelearn.core.errors import InputError, Problem
from forelearn.core.task import are_spans


def check_data(data: TaskData) -> None:
    """Refuse data on which nothing can be learned or measured, before anything is spent."""
    parts: tuple[tuple[str, Examples], ...] = (("train", data.train), ("dev", data.dev), ("test", data.test))
    problems = [problem for name, part in parts if (problem := part_problem(data, name, part)) is not None]
    if problems:
        raise InputError(problems)


def part_problem(data: TaskData, name: str, part: Examples) -> Problem | None:
    """Why nothing can be learned from these examples of a task, or measured on them; None if it can.

    name: `train`, `dev` or `test`.
    """
    where = f"task `{data.task.name}`, {name} examples"
    fix = "Change the split, or drop the task."
    if not len(part):
        return Problem(where, "there are none.", "Give it examples, or change the split.")
    if data.task.kind == "binary" and not part.positives():
        rule = f"none of {len(part)} is `{data.labels[1]}`: nothing can be learned or measured."
        return Problem(where, rule, fix)
    if data.task.kind == "regression" and name != "train" and len(set(part.values)) < 2:
        rule = f"all {len(part)} have the value {part.values[0]:g}: no correlation can be measured."
        return Problem(where, rule, fix)
    if are_spans(data.labels) and data.task.kind == "sequence_labelling" and not _has_span(data, part):
        return Problem(where, f"none of {len(part)} holds a span: nothing can be learned or measured.", fix)
    return None


def _has_span(data: TaskData, part: Examples) -> bool:
    return any(data.labels[tag] != "O" for tags in part.tags for tag in tags)
