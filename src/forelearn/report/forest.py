"""The gain of each target with its interval, drawn in rows that share one axis (a forest plot)."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from forelearn.report.markup import Markup, element
from forelearn.report.scale import Scale, ticks
from forelearn.report.summary import Answer, Interval
from forelearn.report.wording import signed, with_bounds

WIDTH = 300
HEIGHT = 36
EDGE = 8


def forest_scale(answers: Sequence[Answer]) -> Scale:
    """The axis of all rows: each confirmed interval and 0 with room; wide predictions are cut at its ends."""
    gains = [answer.gain for answer in answers if answer.gain is not None]
    shown = gains or [answer.predicted for answer in answers if answer.predicted is not None]
    means = [answer.predicted.mean for answer in answers if answer.predicted is not None]
    # one fresh seed without any replicate has a mean and an interval without ends
    low = min(filter(isfinite, [0.0, *means, *(end for gain in shown for end in (gain.mean, gain.low))]))
    high = max(filter(isfinite, [0.0, *means, *(end for gain in shown for end in (gain.mean, gain.high))]))
    room = 0.06 * (high - low) or 0.05
    return Scale(low - room, high + room, EDGE, WIDTH - EDGE)


def forest_axis(scale: Scale) -> Markup:
    """The ticks, to stand once above the rows."""
    marks = [
        element(
            "text",
            {"x": scale(value), "y": 12, "text-anchor": "middle", "class": "tick"},
            signed(value, 2),
        )
        for value in ticks(scale.low, scale.high, parts=5)
    ]
    return element("svg", _frame(16) | {"aria-hidden": "true", "class": "forest axis"}, marks)


def forest_row(answer: Answer, scale: Scale) -> Markup:
    """One row: the confirmed gain above (filled dot), the prediction below (hollow diamond)."""
    grid = [
        element("line", {"x1": scale(value), "x2": scale(value), "y1": 0, "y2": HEIGHT, "class": kind})
        for value in ticks(scale.low, scale.high, parts=5)
        for kind in ["zero" if value == 0 else "grid"]
    ]
    parts: list[Markup] = []
    said = []
    if answer.predicted is not None:
        parts.append(_mark(answer.predicted, scale, 26, "predicted"))
        said.append(f"predicted {with_bounds(answer.predicted)}")
    if answer.gain is not None:
        kind = "above" if answer.gain.low > 0 else "below" if answer.gain.high < 0 else "unsure"
        parts.append(_mark(answer.gain, scale, 12, f"gain {kind}"))
        said.insert(0, f"gain {with_bounds(answer.gain)}")
    label = ", ".join(said) or "no gain was measured or predicted"
    return element(
        "svg", _frame(HEIGHT) | {"role": "img", "aria-label": label, "class": "forest"}, grid, parts
    )


def _frame(height: int) -> dict[str, object]:
    return {"viewBox": f"0 0 {WIDTH} {height}", "width": WIDTH, "height": height}


def _mark(value: Interval, scale: Scale, y: int, kind: str) -> Markup:
    left, middle, right = scale(value.low), scale(value.mean), scale(value.high)
    parts = [element("line", {"x1": left, "x2": right, "y1": y, "y2": y})]
    if value.low < scale.low:
        parts.append(element("path", {"d": f"M{left:.1f} {y} l4 -3 v6 z", "class": "cut"}))
    if value.high > scale.high:
        parts.append(element("path", {"d": f"M{right:.1f} {y} l-4 -3 v6 z", "class": "cut"}))
    if kind == "predicted":
        parts.append(element("path", {"d": f"M{middle:.1f} {y - 4} l4 4 l-4 4 l-4 -4 z", "class": "point"}))
    else:
        parts.append(element("circle", {"cx": middle, "cy": y, "r": 4.5, "class": "point"}))
    return element("g", {"class": kind}, parts)
