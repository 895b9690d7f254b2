"""The tasks with their baselines, a dot a seed, and what failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from forelearn.report.markup import Markup, element, join, name
from forelearn.report.scale import ticks
from forelearn.report.sortable import Cell, Column, Row, sortable
from forelearn.report.strips import dots
from forelearn.report.summary import BaselineRow, Summary, TaskRow
from forelearn.report.wording import NONE, count, metric_name, number, share

SEEDS = "a dot a seed, a bar at their mean"


def tasks(summary: Summary) -> Markup:
    """One row a task: its size, its prevalence, its performance without transfer."""
    found = {row.task: row for row in summary.baselines}
    values = [value for row in summary.baselines for value in row.test]
    low, high = _ends(values)
    others = sorted({measure for row in summary.baselines for measure in row.others})
    columns = (
        Column("Task"),
        Column("Train", number=True),
        Column("Dev", number=True),
        Column("Test", number=True),
        Column("Positive", number=True, note="share of the training examples"),
        Column("Groups", number=True),
        Column(f"Seeds, test, {number(low, 2)} to {number(high, 2)}", number=True, note=SEEDS),
        Column("Mean test", number=True),
        Column("Mean dev", number=True),
        *(Column(metric_name(measure).capitalize(), number=True, note="mean over seeds on test") for measure
        in others), Column("Threshold", number=True, note="probability from which a text counts as positive"),
    )  # fmt: skip
    rows = [_row(task, found.get(task.name), others, low, high) for task in summary.tasks]
    line = (
        f"Every task trained alone from the encoder, measured by {metric_name(summary.metric)}. The spread "
        "of the dots is the noise that a gain has to beat."
    )
    return element(
        "section",
        {"id": "tasks"},
        element("h2", {}, "Tasks and baselines"),
        element("p", {"class": "intro"}, line),
        sortable("tasks-table", "Tasks and their baselines", columns, rows),
    )


def failures(summary: Summary) -> Markup:
    """What was tried and did not finish."""
    if not summary.failures:
        body = element("p", {"class": "intro"}, "Every run that was started finished.")
    else:
        columns = (Column("Transfer"), Column("Reason"), Column("Key"))
        rows = [
            Row(
                (
                    Cell(name(row.label), row.label),
                    Cell(row.reason),
                    Cell(element("code", {}, row.key), row.key),
                )
            )
            for row in summary.failures
        ]
        body = sortable("failures-table", "Failures", columns, rows)
    return element("section", {"id": "failures"}, element("h2", {}, "Failures"), body)


def recipe_words(recipe: Mapping[str, Any]) -> str:
    """`learning rate 5e-05, epochs 3, …`."""
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in recipe.items())


def _ends(values: list[float]) -> tuple[float, float]:
    if not values:
        return 0.0, 1.0
    marks = ticks(min(values) - 0.1, max(values) + 0.1, parts=8)
    return max(0.0, marks[0]), min(1.0, marks[-1])


def _row(task: TaskRow, found: BaselineRow | None, others: list[str], low: float, high: float) -> Row:
    part = None if task.positives is None or not task.rows.train else task.positives.train / task.rows.train
    kind = f"{task.kind}, {len(task.labels)} labels" if task.kind == "multiclass" else None
    shown = join(name(task.name), element("span", {"class": "quiet block"}, kind) if kind else None)
    cells = [
        Cell(shown, task.name),
        Cell(count(task.rows.train), task.rows.train),
        Cell(count(task.rows.dev), task.rows.dev),
        Cell(count(task.rows.test), task.rows.test),
        Cell(share(part), part),
        Cell(count(task.groups) if task.groups else NONE, task.groups or None),
    ]
    if found is None or not found.test:
        return Row((*cells, *(Cell(NONE) for _ in range(4 + len(others)))))
    threshold = sum(found.thresholds) / len(found.thresholds) if found.thresholds else None
    cells += [
        Cell(dots(found.test, low=low, high=high), found.mean_test),
        Cell(element("b", {}, number(found.mean_test)), found.mean_test),
        Cell(number(found.mean_dev), found.mean_dev),
        *(Cell(number(found.others.get(measure)), found.others.get(measure)) for measure in others),
        Cell(number(threshold, 2), threshold),
    ]
    return Row(tuple(cells))
