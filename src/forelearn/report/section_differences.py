"""What a multitask method leads every other arm by: paired differences with their intervals, drawn and in figures."""

from __future__ import annotations

from forelearn.report.forest import EDGE, HEIGHT, WIDTH
from forelearn.report.markup import Markup, element, join, name
from forelearn.report.multitask_summary import Comparison, Difference
from forelearn.report.multitask_words import Measure, arm_of, divided, figure, finite, mean, paired, valued
from forelearn.report.scale import Scale, ticks
from forelearn.report.sortable import Cell, Column, Row, sortable
from forelearn.report.summary import Interval
from forelearn.report.wording import NONE, count, of, signed, with_bounds


def differences(comparison: Comparison) -> Markup | None:
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
    part = "Select" if divided(comparison) else "Dev"
    columns = (
        Column("The method less"),
        Column(f"{part} (dot) and test (diamond)", number=True, extra=_forest_axis(scale)),
        Column(part, number=True, note="on the examples that decide"),
        Column("Test", number=True, note="reported, decides nothing"),
        Column("Seeds", number=True, note="that both have run"),
    )
    rows = []
    for one in comparison.differences:
        arm = arm_of(comparison, one)
        select, test = _interval(comparison, one, "select"), _interval(comparison, one, "test")
        seeds = 0 if arm is None else len(paired(comparison, arm, "select"))
        cells = (
            Cell(
                join(name(one.arm), element("span", {"class": "tag"}, "control") if one.control else None),
                one.arm,
            ),
            Cell(_row(select, test, scale), None if select is None else select.mean, style="plot"),
            _lead(select, one.select, seeds),
            _lead(test, one.test, seeds),
            Cell(count(seeds), seeds),
        )
        rows.append(Row(cells))
    keys = [
        element("span", {"class": "key"}, element("span", {"class": f"dot {kind}"}), text)
        for kind, text in (
            ("above", f"{part.lower()} interval above 0: the method is better"),
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


def _interval(comparison: Comparison, one: Difference, which: Measure) -> Interval | None:
    """As it was made; with one seed its difference alone, without ends."""
    made: Interval | None = getattr(one, which)
    if made is not None and finite([made.mean]):
        return made
    arm = arm_of(comparison, one)
    known = [] if arm is None else paired(comparison, arm, which)
    middle = mean(known)
    return None if middle is None else Interval(middle, middle, middle)


def _lead(shown: Interval | None, made: Interval | None, seeds: int) -> Cell:
    """made: the interval, if there is one. seeds: that the difference rests on."""
    if shown is None:
        return Cell(NONE)
    if made is not shown:
        below = element("span", {"class": "quiet block"}, f"{of(seeds, 'seed')}, no interval")
        return Cell(element("span", {}, signed(shown.mean), below), shown.mean)
    return Cell(valued(shown.mean, shown, sign=True), shown.mean)


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


def _forest_axis(scale: Scale) -> Markup:
    marks = [
        element("text", {"x": scale(value), "y": 12, "class": "middle"}, figure(value, sign=True))
        for value in ticks(scale.low, scale.high, parts=5)
    ]
    frame = {
        "viewBox": f"0 0 {WIDTH} 16",
        "width": WIDTH,
        "height": 16,
        "aria-hidden": "true",
        "class": "forest",
    }
    return element("svg", frame, marks)
