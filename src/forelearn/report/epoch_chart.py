"""A small chart over epochs or over compute: a fine line a seed, a thick one for their mean, values by key and pointer.

Colour never stands alone: every seventh series repeats a colour with another dash, the legend can show one series by
itself, and a strip for each place on the x axis says all values there (`title`; with the page's script also by arrow
keys, in the line below).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from forelearn.report.markup import Markup, element
from forelearn.report.multitask_words import figure, finite
from forelearn.report.scale import Scale, log_ticks, ticks

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 380, 238, 48, 8, 10, 38
COLOURS = 6
"""After the first series, which has the ink's colour. `multitask.css` has their values, light and dark."""
DASHES = ("", "7 3", "2 3")
_DOTS = 14
"""Points of a line up to which each is marked."""
THIN = 30
"""Lines of seeds up to which all are drawn; beyond, they are drawn for the series that the legend shows alone."""
_SPAN = 200.0
"""Largest over smallest value from which an axis is logarithmic, if that is allowed."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """place: chooses colour and dash, 0 the first. mean: (x, y). seeds: the same for each; a break where y is NaN.

    marks: (x, y, in words), filled; hollow: the same as a ring.
    """

    name: str
    place: int
    mean: Sequence[Point]
    seeds: Sequence[Sequence[Point]] = ()
    marks: Sequence[tuple[float, float, str]] = ()
    hollow: Sequence[tuple[float, float, str]] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """said: (x, all values there in words), rising. rule: a y that is marked. stop: an x that is marked, with a word.

    stems: (x, from, to), vertical. spread: whether the y axis may be logarithmic. floor: the least value that is drawn.
    """

    title: str
    about: str
    x_name: str
    series: Sequence[Series]
    said: Sequence[tuple[float, str]]
    rule: float | None = None
    stop: tuple[float, str] | None = None
    stems: Sequence[tuple[float, float, float]] = field(default=())
    spread: bool = False
    floor: float | None = None


def epoch_chart(chart: Chart, *, wide: bool = False) -> Markup | None:
    """The chart as a figure; None if it has no value at all. wide: drawn half as large again."""
    width, height = (580, 330) if wide else (WIDTH, HEIGHT)
    points = [point for one in chart.series for line in (one.mean, *one.seeds) for point in line]
    points += [(x, y) for one in chart.series for x, y, _ in (*one.marks, *one.hollow)]
    points += [(x, end) for x, *ends in chart.stems for end in ends]
    floor = -math.inf if chart.floor is None else chart.floor
    known = [(x, y) for x, y in points if math.isfinite(y) and y >= floor]
    if not known:
        return None
    x, y = _scales(chart, known, width, height)
    thin = sum(len(one.seeds) for one in chart.series if len(one.seeds) > 1)
    parts = [*_axes(chart, x, y, width, height), *_strips(chart, x, height), *_stems(chart, x, y)]
    parts += [_drawn(one, x, y) for one in reversed(chart.series)]
    parts.append(
        element("line", {"y1": TOP, "y2": height - BOTTOM, "class": "cross", "visibility": "hidden"})
    )
    frame = {
        "viewBox": f"0 0 {width} {height}",
        "tabindex": 0,
        "role": "application",
        "aria-roledescription": "chart",
        "aria-label": f"{chart.title}. {chart.about} Left and right arrow keys read the values.",
        "class": "epochs" + (" wide" if wide else "") + (" many" if thin > THIN else ""),
    }
    return element(
        "figure",
        {"class": "wide" if wide else None},
        element(
            "figcaption",
            {},
            element("b", {}, chart.title),
            element("span", {"class": "quiet block"}, chart.about),
        ),
        element("svg", frame, parts),
        element("p", {"class": "values quiet", "aria-live": "polite"}),
    )


def swatch(place: int) -> Markup:
    """A piece of the line of a series, for a legend."""
    line = {"x1": 1, "x2": 25, "y1": 6, "y2": 6, "stroke-dasharray": _dash(place)}
    frame: dict[str, object] = {"viewBox": "0 0 26 12", "width": 26, "height": 12, "aria-hidden": "true"}
    return element("svg", frame | {"class": _colour(place)}, element("line", line | {"class": "mean-line"}))


def mean_points(lines: Sequence[Sequence[Point]]) -> list[Point]:
    """The mean over seeds at every place that all of them have, of those with a value there."""
    by_place = [dict(line) for line in lines]
    shared = [x for x, _ in lines[0] if all(x in here for here in by_place)] if lines else []
    found = []
    for x in shared:
        known = finite(here[x] for here in by_place)
        found.append((x, sum(known) / len(known) if known else math.nan))
    return found


def _scales(chart: Chart, known: Sequence[Point], width: int, height: int) -> tuple[Scale, Scale]:
    xs = [at for at, _ in known] + [at for at, _ in chart.said] + ([chart.stop[0]] if chart.stop else [])
    low, high = min(value for _, value in known), max(value for _, value in known)
    bottom, top = float(height - BOTTOM), float(TOP)
    across = Scale(min(xs), max(xs), LEFT + 6, width - RIGHT - 6)
    if chart.spread and low > 0 and high / low > _SPAN:
        return across, Scale(low / 1.3, high * 1.3, bottom, top, logarithmic=True)
    if chart.rule is not None:
        low, high = min(low, chart.rule), max(high, chart.rule)
    room = 0.06 * (high - low) or 0.06 * abs(low) or 0.5
    return across, Scale(low - room, high + room, bottom, top)


def _axes(chart: Chart, x: Scale, y: Scale, width: int, height: int) -> list[Markup]:
    parts = []
    for value in _log_steps(y) if y.logarithmic else ticks(y.low, y.high, parts=5):
        line = {"x1": LEFT, "x2": width - RIGHT, "y1": y(value), "y2": y(value), "class": "grid"}
        parts.append(element("line", line))
        parts.append(
            element("text", {"x": LEFT - 6, "y": y(value) + 4, "class": "end"}, figure(value, digits=6))
        )
    if chart.rule is not None and y.holds(chart.rule):
        at = y(chart.rule)
        parts.append(element("line", {"x1": LEFT, "x2": width - RIGHT, "y1": at, "y2": at, "class": "zero"}))
    whole = x.high - x.low < 5 and chart.stop is None
    for value in ticks(x.low, x.high, parts=5):
        if whole and value != int(value):
            continue
        shown = _thousands(value) if chart.stop else f"{value:g}"
        parts.append(element("text", {"x": x(value), "y": height - BOTTOM + 15, "class": "middle"}, shown))
    name = {"x": (LEFT + width - RIGHT) / 2, "y": height - 5, "class": "middle"}
    parts.append(element("text", name, chart.x_name))
    if chart.stop is not None:
        at = x(chart.stop[0])
        parts.append(element("line", {"x1": at, "x2": at, "y1": TOP, "y2": height - BOTTOM, "class": "stop"}))
        word = {"x": at - 5, "y": height - BOTTOM - 6, "class": "end"}
        parts.append(element("text", word, chart.stop[1]))
    return parts


def _log_steps(y: Scale) -> list[float]:
    found = log_ticks(y.low, y.high)
    return [value for value in found if f"{value:e}"[0] == "1"] if len(found) > 6 else found


def _thousands(value: float) -> str:
    return f"{value / 1e6:g} M" if value >= 1e6 else f"{value / 1e3:g} k" if value >= 1e3 else f"{value:g}"


def _stems(chart: Chart, x: Scale, y: Scale) -> list[Markup]:
    """From a value before to one after: the colours of better and worse, where lower is better."""
    return [
        element(
            "line",
            {"x1": x(at), "x2": x(at), "y1": y(before), "y2": y(after),
             "class": "stem won" if after <= before else "stem loss"},
        )
        for at, before, after in chart.stems
        if math.isfinite(before) and math.isfinite(after)
    ]  # fmt: skip


def _drawn(one: Series, x: Scale, y: Scale) -> Markup:
    parts = []
    if len(one.seeds) > 1:
        parts += [element("path", {"d": _path(line, x, y), "class": "thin"}) for line in one.seeds]
    shape = {"d": _path(one.mean, x, y), "class": "mean-line", "stroke-dasharray": _dash(one.place)}
    parts.append(element("path", shape))
    known = [(at, value) for at, value in one.mean if math.isfinite(value)]
    if len(known) <= _DOTS and not one.marks:
        parts += [
            element("circle", {"cx": x(at), "cy": y(value), "r": 2.6, "class": "spot"}) for at, value in known
        ]
    for kind, marks in (("spot", one.marks), ("ring", one.hollow)):
        for at, value, said in marks:
            spot = {"cx": x(at), "cy": y(value), "r": 4.2, "class": kind}
            parts.append(element("circle", spot, element("title", {}, said)))
    return element("g", {"class": f"series {_colour(one.place)}", "data-place": one.place}, parts)


def _path(points: Sequence[Point], x: Scale, y: Scale) -> str:
    """Straight lines between neighbours that have values on the axis."""
    text, pen = [], "M"
    for at, value in points:
        if math.isfinite(value) and y.holds(value):
            text.append(f"{pen}{x(at):.1f} {y(value):.1f}")
            pen = "L"
        else:
            pen = "M"
    return "".join(text)


def _strips(chart: Chart, x: Scale, height: int) -> list[Markup]:
    """A strip from half-way to the place before to half-way to the next one."""
    places = [x(at) for at, _ in chart.said]
    halves = [(one + other) / 2 for one, other in pairwise(places)]
    edges = [x.start - 6, *halves, x.end + 6]
    return [
        element(
            "rect",
            {"x": left, "width": max(0.0, right - left), "y": TOP, "height": height - BOTTOM - TOP,
             "class": "strip-catch", "data-x": at},
            element("title", {}, said),
        )
        for left, right, at, (_, said) in zip(edges[:-1], edges[1:], places, chart.said, strict=True)
    ]  # fmt: skip


def _colour(place: int) -> str:
    return "first" if place == 0 else f"hue{(place - 1) % COLOURS}"


def _dash(place: int) -> str | None:
    return DASHES[max(0, place - 1) // COLOURS % len(DASHES)] or None
