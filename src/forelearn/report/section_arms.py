"""The arms of a multitask comparison: their measures, and what the method leads each of them by."""

from __future__ import annotations

from forelearn.report.forest import EDGE, HEIGHT, WIDTH, forest_axis
from forelearn.report.markup import Child, Markup, element, join, name
from forelearn.report.multitask_summary import Arm, Comparison, Difference
from forelearn.report.multitask_words import (
    arm_of,
    figure,
    finite,
    mean,
    memory,
    over_seeds,
    paired,
    seeds_words,
    valued,
)
from forelearn.report.scale import Scale, ticks
from forelearn.report.sortable import Cell, Column, Row, sortable
from forelearn.report.strips import WIDTH as STRIP
from forelearn.report.strips import dots
from forelearn.report.summary import Interval
from forelearn.report.wording import NONE, capital, count, duration, metric_name, signed, with_bounds


def arms(comparison: Comparison, drawing: Markup | None) -> Markup:
    """The table of arms, `drawing` below it, then the differences."""
    metric = metric_name(comparison.metric)
    return element(
        "section",
        {"id": "arms"},
        element("h2", {}, "Against what else the same compute buys"),
        element(
            "p",
            {"class": "intro"},
            f"{capital(metric)} of the target, higher is better. Every arm counts with the snapshot that it would "
            f"have kept with no more than {count(comparison.compute)} sample gradients. {seeds_words(comparison)} ",
            element("b", {}, "Test chose nothing"),
            ": snapshots and the verdict rest on dev.",
        ),
        _table(comparison),
        _differences(comparison),
        drawing,
    )


def _table(comparison: Comparison) -> Markup:
    divided = any(arm.select != arm.dev for arm in comparison.arms)
    shown = [value for arm in comparison.arms for value in finite(arm.test)]
    scale = _strip_scale(shown)
    columns = [
        Column("Arm"),
        *(
            [Column("Select", number=True, note="the part of dev that chose the snapshots")]
            if divided
            else ()
        ),
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
            *([_measure(arm.select, comparison.level)] if divided else ()),
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


def _measure(values: Child, level: float, *, sign: bool = False) -> Cell:
    known = finite(values)  # type: ignore[arg-type]
    middle = mean(known)
    return Cell(valued(middle, over_seeds(known, level), sign=sign), middle)


def _differences(comparison: Comparison) -> Markup | None:
    """A row for every other arm; None without any."""
    if not comparison.differences:
        return None
    known = [
        value
        for one in comparison.differences
        for value in (_interval(comparison, one, "select"), _interval(comparison, one, "test"))
        if value is not None
    ]
    scale = _forest_scale(known)
    columns = (
        Column("The method less"),
        Column("Dev (dot) and test (diamond)", number=True, extra=forest_axis(scale)),
        Column("Dev", number=True, note="on the examples that decide"),
        Column("Test", number=True, note="reported, decides nothing"),
        Column("Seeds", number=True, note="that both have run"),
    )
    rows = []
    for one in comparison.differences:
        arm = arm_of(comparison, one)
        select, test = (_interval(comparison, one, which) for which in ("select", "test"))
        seeds = 0 if arm is None else len(paired(comparison, arm, "select"))
        cells = (
            Cell(
                join(name(one.arm), element("span", {"class": "tag"}, "control") if one.control else None),
                one.arm,
            ),
            Cell(_row(select, test, scale), None if select is None else select.mean, style="plot"),
            _lead(select, one.select),
            _lead(test, one.test),
            Cell(count(seeds), seeds),
        )
        rows.append(Row(cells))
    keys = [
        element("span", {"class": "key"}, element("span", {"class": f"dot {kind}"}), text)
        for kind, text in (
            ("above", "dev interval above 0: the method is better"),
            ("below", "below 0: worse"),
            ("unsure", "holds 0"),
        )
    ]
    keys.append(element("span", {"class": "key"}, element("span", {"class": "diamond"}), "test"))
    return join(
        element("h3", {}, "What the method leads each of them by"),
        element("p", {"class": "keys", "aria-hidden": "true"}, keys),
        sortable("differences-table", "Differences to every other arm", columns, rows, style="together"),
    )


def _interval(comparison: Comparison, one: Difference, which: str) -> Interval | None:
    """As it was made; with one seed its difference alone, without ends."""
    made = one.select if which == "select" else one.test
    if made is not None:
        return made
    arm = arm_of(comparison, one)
    known = [] if arm is None else paired(comparison, arm, "select" if which == "select" else "test")
    middle = mean(known)
    return None if middle is None else Interval(middle, middle, middle)


def _lead(shown: Interval | None, made: Interval | None) -> Cell:
    """made: the interval, if there is one."""
    if shown is None:
        return Cell(NONE)
    if made is None:
        below = element("span", {"class": "quiet block"}, "one seed, no interval")
        return Cell(element("span", {}, signed(shown.mean), below), shown.mean)
    return Cell(valued(made.mean, made, sign=True), made.mean)


def _row(select: Interval | None, test: Interval | None, scale: Scale) -> Markup:
    """Dev above (filled dot, coloured by its interval), test below (hollow diamond)."""
    parts = [
        element(
            "line",
            {
                "x1": scale(value),
                "x2": scale(value),
                "y1": 0,
                "y2": HEIGHT,
                "class": "zero" if value == 0 else "grid",
            },
        )
        for value in ticks(scale.low, scale.high, parts=5)
    ]
    said = []
    if select is not None:
        sure = select.low < select.high
        kind = "above" if sure and select.low > 0 else "below" if sure and select.high < 0 else "unsure"
        point = element("circle", {"cx": scale(select.mean), "cy": 12, "r": 4.5, "class": "point"})
        parts.append(element("g", {"class": f"gain {kind}"}, _bar(select, scale, 12), point))
        said.append(f"dev {with_bounds(select) if sure else signed(select.mean)}")
    if test is not None:
        shape = {"d": f"M{scale(test.mean):.1f} 22 l4 4 l-4 4 l-4 -4 z", "class": "point"}
        parts.append(element("g", {"class": "predicted"}, _bar(test, scale, 26), element("path", shape)))
        said.append(f"test {with_bounds(test) if test.low < test.high else signed(test.mean)}")
    frame = {
        "viewBox": f"0 0 {WIDTH} {HEIGHT}",
        "width": WIDTH,
        "height": HEIGHT,
        "role": "img",
        "class": "forest",
    }
    return element("svg", frame | {"aria-label": ", ".join(said) or "no seed in common"}, parts)


def _bar(value: Interval, scale: Scale, y: int) -> Markup:
    return element("line", {"x1": scale(value.low), "x2": scale(value.high), "y1": y, "y2": y})


def _forest_scale(known: list[Interval]) -> Scale:
    ends = finite([0.0, *(end for one in known for end in (one.low, one.mean, one.high))])
    room = 0.06 * (max(ends) - min(ends)) or 0.05
    return Scale(min(ends) - room, max(ends) + room, EDGE, WIDTH - EDGE)


def _strip_scale(values: list[float]) -> Scale:
    low, high = min(values, default=0.0), max(values, default=1.0)
    room = 0.08 * (high - low) or 0.02
    return Scale(low - room, high + room, 6, STRIP - 6)


def _strip_axis(scale: Scale) -> Markup:
    marks = [
        element("text", {"x": scale(value), "y": 11, "class": "middle"}, figure(value))
        for value in ticks(scale.low, scale.high, parts=4)
    ]
    frame: dict[str, object] = {
        "viewBox": f"0 0 {STRIP} 14",
        "width": STRIP,
        "height": 14,
        "aria-hidden": "true",
    }
    return element("svg", frame, marks)
