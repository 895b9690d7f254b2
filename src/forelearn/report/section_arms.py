"""The arms of a multitask comparison: their measures and costs, then differences and what compute buys."""

from __future__ import annotations

from collections.abc import Sequence

from forelearn.report.markup import Markup, element, join, name
from forelearn.report.multitask_summary import Arm, Comparison
from forelearn.report.multitask_words import (
    divided,
    figure,
    finite,
    mean,
    memory,
    over_seeds,
    seeds_words,
    valued,
)
from forelearn.report.scale import Scale, ticks
from forelearn.report.section_differences import differences
from forelearn.report.sortable import Cell, Column, Row, sortable
from forelearn.report.strips import WIDTH, dots
from forelearn.report.wording import NONE, capital, count, duration, metric_name


def arms(comparison: Comparison, drawing: Markup | None) -> Markup:
    """The table of arms, `drawing` below it, then the differences."""
    metric = metric_name(comparison.metric)
    several = f"{seeds_words(comparison)} " if len(comparison.method.seeds) > 1 else ""
    return element(
        "section",
        {"id": "arms"},
        element("h2", {}, "Against what else the same compute buys"),
        element(
            "p",
            {"class": "intro"},
            f"{capital(metric)} of the target, higher is better. Every arm counts with the snapshot that it would "
            f"have kept with no more than {count(comparison.compute)} sample gradients (its first epoch is always "
            f"paid). {several}",
            element("b", {}, "Test chose nothing"),
            f": snapshots and the verdict rest on dev.{_tuned(comparison)}",
        ),
        _table(comparison),
        differences(comparison),
        drawing,
    )


def _tuned(comparison: Comparison) -> str:
    """A word of caution where the method was tuned on what judges it; empty where it was not."""
    options = dict(comparison.method.options)
    tunes = "alpha_steps" in options or "patience" in options
    if not tunes or options.get("select"):
        return ""
    return (
        " The method tuned its weights on these very examples, a single task did not: read the difference on test "
        "beside it, or keep some of dev apart with the option select."
    )


def _table(comparison: Comparison) -> Markup:
    apart = divided(comparison)
    shown = [value for arm in comparison.arms for value in finite(arm.test)]
    scale = _strip_scale(shown)
    columns = [
        Column("Arm"),
        *([Column("Select", number=True, note="the part of dev that chose the snapshots")] if apart else ()),
        Column("Dev", number=True),
        Column("Test", number=True),
        Column("Test by seed", extra=_strip_axis(scale)),
        Column("Dev − test", number=True, note="how far dev flatters, paired by seed"),
        Column(
            "Sample gradients",
            number=True,
            note="forward and backward of one example, up to the snapshot’s limit",
        ),
        Column("Time", number=True, note="mean over seeds"),
        Column("Peak memory", number=True, note="largest over seeds"),
    ]
    rows = []
    for place, arm in enumerate(comparison.arms):
        gap = [dev - test for dev, test in zip(arm.dev, arm.test, strict=True)]
        gradients, seconds = mean(arm.gradients), mean(arm.seconds)
        cells = [
            Cell(_arm(arm, first=place == 0), place),
            *([_measure(arm.select, comparison.level)] if apart else ()),
            _measure(arm.dev, comparison.level),
            _measure(arm.test, comparison.level),
            Cell(
                dots(finite(arm.test), low=scale.low, high=scale.high) if finite(arm.test) else NONE,
                mean(arm.test),
            ),
            _measure(gap, comparison.level, sign=True),
            Cell(NONE if gradients is None else count(round(gradients)), gradients),
            Cell(NONE if seconds is None else duration(seconds), seconds),
            Cell(memory(max(arm.peak_bytes, default=None)), max(arm.peak_bytes, default=None)),
        ]
        rows.append(Row(tuple(cells)))
    return sortable("arms-table", "Measures and costs of every arm", columns, rows, style="together")


def _arm(arm: Arm, *, first: bool) -> Markup:
    """Its name, what it is there for, what it does, and seeds that have no run."""
    kind = "asked for" if first else "control" if arm.control else None
    return join(
        name(arm.name),
        element("span", {"class": f"tag {'own' if first else ''}".strip()}, kind) if kind else None,
        element("span", {"class": "quiet block"}, arm.about),
        element("span", {"class": "loss block"}, f"{len(arm.failed)} failed") if arm.failed else None,
    )


def _measure(values: Sequence[float], level: float, *, sign: bool = False) -> Cell:
    known = finite(values)
    middle = mean(known)
    return Cell(valued(middle, over_seeds(known, level), sign=sign), middle)


def _strip_scale(values: list[float]) -> Scale:
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = 0.08 * (high - low) or 0.02
    return Scale(low - room, high + room, 6, WIDTH - 6)


def _strip_axis(scale: Scale) -> Markup:
    marks = [
        element("text", {"x": scale(value), "y": 11, "class": "middle"}, figure(value))
        for value in ticks(scale.low, scale.high, parts=4)
    ]
    frame: dict[str, object] = {
        "viewBox": f"0 0 {WIDTH} 14",
        "width": WIDTH,
        "height": 14,
        "aria-hidden": "true",
    }
    return element("svg", frame, marks)
