"""The tasks with their baselines, a dot a seed, and what failed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from forelearn.report.kinds import kind_words
from forelearn.report.markup import Markup, element, join, name
from forelearn.report.scale import ticks
from forelearn.report.sortable import Cell, Column, Row, sortable
from forelearn.report.strips import dots
from forelearn.report.summary import BaselineRow, Summary, TaskRow
from forelearn.report.wording import NONE, capital, count, metric_name, number, share

COLUMNS = (
    Column("Task"),
    Column("Train", number=True),
    Column("Dev", number=True),
    Column("Test", number=True),
    Column("Positive", number=True, note="share of the training examples of a binary task"),
    Column("Groups", number=True),
    Column("Metric"),
    Column("Seeds", number=True, note="a dot a seed on test, a bar at their mean"),
    Column("Mean test", number=True),
    Column("Mean dev", number=True),
    Column(
        "Threshold", number=True, note="probability from which a text of a binary task counts as positive"
    ),
)


def tasks(summary: Summary) -> Markup:
    """One row a task: its kind, its size, its performance without transfer; columns that no task fills are left out."""
    found = {row.task: row for row in summary.baselines}
    low, high = _ends([value for row in summary.baselines for value in row.test])
    several = any(task.kind != "binary" for task in summary.tasks)
    rows = [_facts(task, found.get(task.name), low, high, several=several) for task in summary.tasks]
    measures = {tuple(sorted(row.others)) for row in summary.baselines}
    if len(measures) > 1:  # each kind has measures of its own: one column holds them all
        columns = [*COLUMNS, Column("Also on test", note="mean over seeds")]
        rows = [
            {**row, "Also on test": _others(found.get(task.name))} for row, task in zip(rows, summary.tasks)
        ]
    else:
        others = next(iter(measures), ())
        titles = [capital(metric_name(measure)) for measure in others]
        further = [Column(title, number=True, note="mean over seeds on test") for title in titles]
        columns = [*COLUMNS[:-1], *further, COLUMNS[-1]]
        for row, task in zip(rows, summary.tasks):
            known = found.get(task.name)
            values = [None if known is None else known.others.get(measure) for measure in others]
            row.update({title: Cell(number(value), value) for title, value in zip(titles, values)})
    mixed = len({task.metric for task in summary.tasks}) > 1
    filled = {title for row in rows for title, cell in row.items() if cell.shown != NONE}
    shown = [column for column in columns if column.title in filled and (column.title != "Metric" or mixed)]
    said = "each in its own metric" if mixed else f"measured by {metric_name(summary.metric)}"
    line = (
        f"Every task trained alone from the encoder, {said}. Dots are seeds on test, on an axis from "
        f"{number(low, 2)} to {number(high, 2)}; their spread is the noise that a gain has to beat."
    )
    return element(
        "section",
        {"id": "tasks"},
        element("h2", {}, "Tasks and baselines"),
        element("p", {"class": "intro"}, line),
        sortable(
            "tasks-table",
            "Tasks and their baselines",
            shown,
            [Row(tuple(row.get(column.title, Cell(NONE)) for column in shown)) for row in rows],
        ),
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
    """The axis of all dots; it goes below 0 only for correlations that do."""
    if not values:
        return 0.0, 1.0
    marks = ticks(min(values) - 0.1, max(values) + 0.1, parts=8)
    return max(-1.0 if min(values) < 0 else 0.0, marks[0]), min(1.0, marks[-1])


def _facts(
    task: TaskRow, found: BaselineRow | None, low: float, high: float, *, several: bool
) -> dict[str, Cell]:
    """Title of a column → cell, for the columns that every study has. several: there are kinds to tell apart."""
    part = None if task.positives is None or not task.rows.train else task.positives.train / task.rows.train
    kind = element("span", {"class": "quiet block"}, kind_words(task)) if several else None
    cells = {
        "Task": Cell(join(name(task.name), kind), task.name),
        "Train": Cell(count(task.rows.train), task.rows.train),
        "Dev": Cell(count(task.rows.dev), task.rows.dev),
        "Test": Cell(count(task.rows.test), task.rows.test),
        "Positive": Cell(share(part), part),
        "Groups": Cell(count(task.groups) if task.groups else NONE, task.groups or None),
        "Metric": Cell(metric_name(task.metric), metric_name(task.metric)),
    }
    if found is None or not found.test:
        return cells
    threshold = sum(found.thresholds) / len(found.thresholds) if found.thresholds else None
    return cells | {
        "Seeds": Cell(dots(found.test, low=low, high=high), found.mean_test),
        "Mean test": Cell(element("b", {}, number(found.mean_test)), found.mean_test),
        "Mean dev": Cell(number(found.mean_dev), found.mean_dev),
        "Threshold": Cell(number(threshold, 2), threshold),
    }


def _others(found: BaselineRow | None) -> Cell:
    """The measures that do not decide, in words."""
    values = {} if found is None else found.others
    ends = [","] * (len(values) - 1) + [""]
    shown = [
        element("span", {"class": "measure"}, f"{metric_name(measure)} {number(value)}{end}")
        for (measure, value), end in zip(sorted(values.items()), ends)
    ]
    return Cell([[one, " "] for one in shown] if shown else NONE, style="measures")
