"""Two drawings of the quality of orders, each a whole SVG file with its own style, light and dark."""

from __future__ import annotations

import math
from collections.abc import Sequence

from forelearn.evaluation.quality import Quality, Verdict
from forelearn.report.evaluation_rows import bounded
from forelearn.report.markup import Markup, element
from forelearn.report.scale import Scale, ticks
from forelearn.report.wording import number

WIDTH, LEFT, RIGHT, ROW = 720, 170, 16, 22
OWN = {
    "random": "#7a8490",
    "static": "#1c5fae",
    "source effects": "#c2570c",
    "no transfer": "#2f8f5b",
    "itself": "#8a4fbf",
}
COLOURS = ("#b3375e", "#3b8ea5", "#8a7a12", "#5a5fc7", "#a0522d", "#4f7f3f")
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #59626e; } .head { font-weight: 650; fill: #1b1f24; }
.end { text-anchor: end; } .middle { text-anchor: middle; } .grid { stroke: #dde1e6; } .zero { stroke: #8b95a1; }
.band { fill: #7a8490; fill-opacity: 0.22; } .line { fill: none; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
  text { fill: #a3adb9; } .head { fill: #e8ebef; } .grid { stroke: #2c323a; } .zero { stroke: #6b7684; }
}
"""


def regret_chart(qualities: Sequence[Quality]) -> Markup:
    """Regret@1 in points, a row a method and table: dot, interval over targets, and random's 5 to 95 % band."""
    shown = [(quality, [v for v in quality.verdicts if _has(v, "regret@1")]) for quality in qualities]
    values = [v.figures["regret@1"] for _, verdicts in shown for v in verdicts]
    ends = [
        0.0,
        *(end for value in values for end in (value.low, value.mean, value.high) if math.isfinite(end)),
    ]
    scale = Scale(min(ends), max(ends) * 1.04 or 1.0, LEFT, WIDTH - RIGHT)
    height = 50 + sum(ROW * (len(verdicts) + 1) + 8 for _, verdicts in shown)
    parts = _grid(scale, 38, height - 8)
    parts.append(element("text", {"x": WIDTH - RIGHT, "y": 12, "class": "end"}, "regret@1, points lost"))
    y = 50
    for quality, verdicts in shown:
        parts.append(element("text", {"x": 4, "y": y + 12, "class": "head"}, quality.table.name))
        y += ROW
        for verdict in verdicts:
            parts += _row(verdict, scale, y, _colour(quality, verdict.method))
            y += ROW
        y += 8
    label = "Points lost by the first source of each order, with intervals over targets"
    return _svg(height, label, parts)


def loss_chart(quality: Quality) -> Markup | None:
    """Points lost against the share of the exhaustive cost that was spent; None for a table with one seed."""
    shown = [v for v in quality.verdicts if _has(v, "lost@16.5") and v.kind != "control"]
    if not shown:
        return None
    stay = next((v.figures["lost@16.5"].mean for v in quality.verdicts if v.method == "no transfer"), None)
    height = 300
    marks = {v.method: [(s, v.figures[f"lost@{s}"]) for s in ("16.5", "49.5")] for v in shown}
    top = max(
        [
            stay or 0.0,
            *(value.high for row in marks.values() for _, value in row if math.isfinite(value.high)),
        ]
    )
    x, y = Scale(0.0, 60.0, 60, WIDTH - 170), Scale(0.0, top * 1.05 or 1.0, height - 40, 24)
    parts = [element("text", {"x": 4, "y": 14, "class": "head"}, f"{quality.table.name}: points lost")]
    for height_at in ticks(y.low, y.high):
        parts.append(
            element(
                "line", {"x1": 60, "x2": WIDTH - 170, "y1": y(height_at), "y2": y(height_at), "class": "grid"}
            )
        )
        parts.append(element("text", {"x": 52, "y": y(height_at) + 4, "class": "end"}, number(height_at, 1)))
    for share in ("0", "16.5", "49.5"):
        parts.append(
            element("text", {"x": x(float(share)), "y": height - 20, "class": "middle"}, f"{share} %")
        )
    parts.append(element("text", {"x": 60, "y": height - 4}, "share of the cost of trying every pair once"))
    if stay is not None:
        parts.append(element("text", {"x": x(0.0) + 10, "y": y(stay) + 4}, "no transfer"))
    names = sorted(marks, key=lambda name: -marks[name][-1][1].mean)
    for place, name in enumerate(names):
        aside = 3 * (place - (len(names) - 1) / 2)  # so that bars do not cover each other
        colour = _colour(quality, name)
        points = [] if stay is None else [(x(0.0), y(stay))]
        for share, value in marks[name]:
            at = x(float(share)) + aside
            points.append((at, y(value.mean)))
            if math.isfinite(value.low):
                bar = {"x1": at, "x2": at, "y1": y(value.low), "y2": y(value.high), "stroke": colour}
                parts.append(element("line", bar))
            said = f"{name} at {share} %: {bounded(value, 1)}"
            parts.append(
                element(
                    "circle",
                    {"cx": at, "cy": points[-1][1], "r": 4, "fill": colour},
                    element("title", {}, said),
                )
            )
        path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in points)
        parts.append(element("path", {"d": path, "class": "line", "stroke": colour}))
    for place, name in enumerate(names):
        colour = _colour(quality, name)
        parts.append(element("circle", {"cx": WIDTH - 155, "cy": 40 + ROW * place, "r": 4, "fill": colour}))
        parts.append(element("text", {"x": WIDTH - 144, "y": 44 + ROW * place}, name))
    return _svg(height, f"Points lost against budget on {quality.table.name}", parts)


def _colour(quality: Quality, method: str) -> str:
    """A colour of its own for each method, the same on every table for those that every table has."""
    others = [verdict.method for verdict in quality.verdicts if verdict.method not in OWN]
    return OWN.get(method) or COLOURS[others.index(method) % len(COLOURS)]


def _row(verdict: Verdict, scale: Scale, y: float, colour: str) -> list[Markup]:
    value, middle = verdict.figures["regret@1"], y + ROW / 2
    parts = [element("text", {"x": LEFT - 12, "y": middle + 4, "class": "end"}, verdict.method)]
    if "regret@1" in verdict.band:
        low, high = (scale(end) for end in verdict.band["regret@1"])
        parts.append(
            element("rect", {"x": low, "y": middle - 7, "width": high - low, "height": 14, "class": "band"})
        )
    if math.isfinite(value.low):
        bar = {"x1": scale(value.low), "x2": scale(value.high), "y1": middle, "y2": middle, "stroke": colour}
        parts.append(element("line", bar | {"stroke-width": 2}))
    title = element("title", {}, f"{verdict.method}: {bounded(value, 1)} points, {value.targets} targets")
    parts.append(element("circle", {"cx": scale(value.mean), "cy": middle, "r": 4.5, "fill": colour}, title))
    return parts


def _grid(scale: Scale, top: float, bottom: float) -> list[Markup]:
    parts = []
    for value in ticks(scale.low, scale.high, parts=7):
        at, kind = scale(value), "zero" if value == 0 else "grid"
        parts.append(element("line", {"x1": at, "x2": at, "y1": top, "y2": bottom, "class": kind}))
        parts.append(
            element(
                "text", {"x": at, "y": top - 4, "class": "middle"}, number(value, 0 if scale.high > 5 else 1)
            )
        )
    return parts


def _has(verdict: Verdict, figure: str) -> bool:
    return figure in verdict.figures and not math.isnan(verdict.figures[figure].mean)


def _svg(height: float, label: str, parts: Sequence[Markup]) -> Markup:
    frame = {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {WIDTH} {height:g}", "role": "img"}
    return element("svg", frame | {"aria-label": label}, element("style", {}, Markup(STYLE)), parts)
