"""Performance of what dev picks so far against what has been spent, with the baseline and the cost of all."""

from __future__ import annotations

from collections.abc import Sequence

from forelearn.report.markup import Markup, element
from forelearn.report.scale import Scale, log_ticks, ticks
from forelearn.report.summary import CurvePoint
from forelearn.report.wording import duration, number, of, share

WIDTH, HEIGHT = 720, 340
LEFT, RIGHT, TOP, BOTTOM = 66, 12, 44, 62


def curve_chart(points: Sequence[CurvePoint], *, baseline: float | None, metric: str) -> Markup:
    """A step line over the share of the exhaustive cost, on a logarithmic axis that reaches 100 % or beyond.

    baseline: mean test performance of the targets without transfer. Needs a point with a share above 0.
    """
    shown = [point for point in points if point.share > 0]
    x = Scale(min(point.share for point in shown) / 1.25, max(1.0, *(p.share for p in shown)) * 1.15,
              LEFT, WIDTH - RIGHT, logarithmic=True)  # fmt: skip
    levels = [point.performance for point in shown] + ([] if baseline is None else [baseline])
    room = 0.25 * (max(levels) - min(levels)) or 0.01
    y = Scale(min(levels) - room, max(levels) + room, HEIGHT - BOTTOM, TOP)
    parts = [*_axes(x, y, metric), *_marks(x, y, baseline)]
    line = f"M{x(shown[0].share):.1f} {y(shown[0].performance):.1f}"
    for point in shown[1:]:
        line += f"H{x(point.share):.1f}V{y(point.performance):.1f}"
    parts.append(element("path", {"d": line, "class": "line"}))
    parts += [
        element(
            "circle",
            {"cx": x(point.share), "cy": y(point.performance), "r": 3.5, "class": "point"},
            element("title", {}, said(point)),
        )
        for point in shown
    ]
    last = shown[-1]
    label = f"Mean test {metric} of what dev picks, against cost. At the end: {said(last)}."
    frame = {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "role": "img", "aria-label": label, "class": "curve"}
    return element("svg", frame, parts)


def said(point: CurvePoint) -> str:
    """A point in words."""
    return (
        f"{number(point.performance)} after {of(point.runs, 'run')}, {share(point.share)} of the cost of "
        f"everything, {duration(point.seconds)}"
    )


def _axes(x: Scale, y: Scale, metric: str) -> list[Markup]:
    parts = [element("text", {"x": 2, "y": 20, "class": "name"}, f"mean test {metric}")]
    for value in ticks(y.low, y.high, parts=5):
        at = y(value)
        parts.append(element("line", {"x1": LEFT, "x2": WIDTH - RIGHT, "y1": at, "y2": at, "class": "grid"}))
        parts.append(element("text", {"x": LEFT - 8, "y": at + 4, "class": "tick end"}, number(value)))
    for value in log_ticks(x.low, x.high):
        at = x(value)
        parts.append(
            element(
                "line",
                {"x1": at, "x2": at, "y1": HEIGHT - BOTTOM, "y2": HEIGHT - BOTTOM + 5, "class": "axis"},
            )
        )
        parts.append(
            element(
                "text", {"x": at, "y": HEIGHT - BOTTOM + 22, "class": "tick middle"}, f"{100 * value:g} %"
            )
        )
    parts.append(
        element(
            "text",
            {"x": (LEFT + WIDTH - RIGHT) / 2, "y": HEIGHT - 6, "class": "name middle"},
            "share of the cost of trying everything (logarithmic)",
        )
    )
    return parts


def _marks(x: Scale, y: Scale, baseline: float | None) -> list[Markup]:
    whole = x(1.0)
    parts = [
        element("line", {"x1": whole, "x2": whole, "y1": TOP - 4, "y2": HEIGHT - BOTTOM, "class": "whole"}),
        element("text", {"x": whole - 8, "y": TOP + 6, "class": "note end"}, "trying everything (estimated)"),
    ]
    if baseline is not None:
        at = y(baseline)
        parts.append(element("line", {"x1": LEFT, "x2": WIDTH - RIGHT, "y1": at, "y2": at, "class": "base"}))
        parts.append(
            element(
                "text",
                {"x": WIDTH - RIGHT - 8, "y": at - 7, "class": "note end"},
                f"without transfer {number(baseline)}",
            )
        )
    return parts
