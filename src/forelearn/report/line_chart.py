"""Lines with bands over one pair of axes: a whole SVG file with its own style, light and dark, one panel or more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from forelearn.report.markup import Markup, element
from forelearn.report.scale import Scale, ticks
from forelearn.report.wording import number

HEIGHT, LEFT, TOP, BOTTOM, WIDE, GAP, LEGEND = 300, 52, 40, 44, 340, 34, 21
STYLE = """
.lines text { font: 12px system-ui, sans-serif; fill: #59626e; } .lines .head { font-weight: 650; fill: #1b1f24; }
.lines .end { text-anchor: end; } .lines .middle { text-anchor: middle; }
.lines .grid { stroke: #dde1e6; stroke-width: 1; } .lines .line { fill: none; stroke-width: 2; }
.lines .area { stroke: none; fill-opacity: 0.16; } .lines .mark { stroke: none; }
@media (prefers-color-scheme: dark) {
  .lines text { fill: #a3adb9; } .lines .head { fill: #e8ebef; } .lines .grid { stroke: #2c323a; }
  .lines .line { filter: brightness(1.35); }
}
"""


@dataclass(frozen=True, slots=True)
class Line:
    """points: (x, y), y NaN leaves a gap. band: (x, low, high). dash: of the stroke. dots: mark each point."""

    name: str
    colour: str
    points: Sequence[tuple[float, float]]
    band: Sequence[tuple[float, float, float]] = ()
    dash: str = ""
    dots: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes. places: decimal places of y ticks. steps: where x ticks stand, with their labels."""

    title: str
    x_name: str
    lines: Sequence[Line]
    places: int = 1
    steps: Sequence[tuple[float, str]] = ()
    floor: float | None = None
    notes: Sequence[str] = field(default=())


def line_chart(panels: Sequence[Panel], label: str) -> Markup:
    """Panels side by side over one legend. label: the drawing in words, for who cannot see it."""
    shown = [panel for panel in panels if any(_finite(line) for line in panel.lines)]
    width = max(1, len(shown)) * (LEFT + WIDE + GAP) - GAP + 24
    names = list({line.name: line for panel in shown for line in panel.lines if _finite(line)}.values())
    columns = max(1, width // 210)
    height = HEIGHT + LEGEND * math.ceil(len(names) / columns) + 10
    parts: list[Markup] = []
    for place, panel in enumerate(shown):
        inner = _panel(panel)
        parts.append(element("g", {"transform": f"translate({place * (LEFT + WIDE + GAP)} 0)"}, inner))
    for place, line in enumerate(names):
        x, y = 8 + 210 * (place % columns), HEIGHT + 14 + LEGEND * (place // columns)
        stroke: dict[str, object] = {"x1": x, "x2": x + 24, "y1": y - 4, "y2": y - 4, "stroke": line.colour}
        parts.append(element("line", stroke | {"class": "line", "stroke-dasharray": line.dash or None}))
        parts.append(element("text", {"x": x + 31, "y": y}, line.name))
    frame = {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {width} {height}", "width": width,
             "height": height, "role": "img", "class": "lines", "style": "max-width:100%;height:auto"}  # fmt: skip
    return element("svg", frame | {"aria-label": label}, element("style", {}, Markup(STYLE)), parts)


def _panel(panel: Panel) -> list[Markup]:
    lines = [line for line in panel.lines if _finite(line)]
    xs = [x for line in lines for x, _ in line.points] + [x for x, _ in panel.steps]
    ys = [y for line in lines for _, y in line.points if math.isfinite(y)]
    ys += [end for line in lines for _, low, high in line.band for end in (low, high) if math.isfinite(end)]
    low = min(ys) if panel.floor is None else panel.floor
    room = 0.05 * (max(ys) - low) or 0.05 * abs(low) or 1.0
    x = Scale(min(xs), max(xs), LEFT, LEFT + WIDE)
    y = Scale(low if panel.floor is not None else low - room, max(ys) + room, HEIGHT - BOTTOM, TOP)
    parts = [element("text", {"x": 4, "y": 16, "class": "head"}, panel.title)]
    for value in ticks(y.low, y.high):
        parts.append(
            element("line", {"x1": LEFT, "x2": LEFT + WIDE, "y1": y(value), "y2": y(value), "class": "grid"})
        )
        parts.append(
            element("text", {"x": LEFT - 7, "y": y(value) + 4, "class": "end"}, number(value, panel.places))
        )
    for value, text in panel.steps or [(value, f"{value:g}") for value in ticks(x.low, x.high)]:
        parts.append(element("text", {"x": x(value), "y": HEIGHT - BOTTOM + 18, "class": "middle"}, text))
        tick = {
            "x1": x(value),
            "x2": x(value),
            "y1": HEIGHT - BOTTOM,
            "y2": HEIGHT - BOTTOM + 5,
            "class": "grid",
        }
        parts.append(element("line", tick))
    parts.append(element("text", {"x": LEFT + WIDE / 2, "y": HEIGHT - 8, "class": "middle"}, panel.x_name))
    for line in lines:
        parts += _area(line, x, y)
    for line in lines:
        parts += _drawn(line, x, y, panel.places)
    return parts


def _area(line: Line, x: Scale, y: Scale) -> list[Markup]:
    band = [(at, low, high) for at, low, high in line.band if math.isfinite(low) and math.isfinite(high)]
    if len(band) < 2:
        return []
    top = "L".join(f"{x(at):.1f} {y(high):.1f}" for at, _, high in band)
    back = "L".join(f"{x(at):.1f} {y(low):.1f}" for at, low, _ in reversed(band))
    return [element("path", {"d": f"M{top}L{back}Z", "class": "area", "fill": line.colour})]


def _drawn(line: Line, x: Scale, y: Scale, places: int) -> list[Markup]:
    known = [(at, value) for at, value in line.points if math.isfinite(value)]
    path = "M" + "L".join(f"{x(at):.1f} {y(value):.1f}" for at, value in known)
    shape = {"d": path, "class": "line", "stroke": line.colour, "stroke-dasharray": line.dash or None}
    parts = [element("path", shape, element("title", {}, line.name))]
    for at, value in known if line.dots else ():
        said = element("title", {}, f"{line.name}: {number(value, places + 1)}")
        parts.append(
            element(
                "circle", {"cx": x(at), "cy": y(value), "r": 3.2, "class": "mark", "fill": line.colour}, said
            )
        )
    return parts


def _finite(line: Line) -> bool:
    return any(math.isfinite(value) for _, value in line.points)
