"""Small drawings that stand in a line of text or a table cell: seeds as dots, ANSAT over its thresholds."""

from __future__ import annotations

from collections.abc import Sequence

from forelearn.report.markup import Markup, element
from forelearn.report.scale import Scale
from forelearn.report.wording import number

WIDTH = 130


def dots(values: Sequence[float], *, low: float, high: float) -> Markup:
    """A dot a seed and a bar at their mean, on an axis from `low` to `high` that a column shares."""
    scale = Scale(low, high, 6, WIDTH - 6)
    mean = sum(values) / len(values)
    parts = [element("line", {"x1": 6, "x2": WIDTH - 6, "y1": 9, "y2": 9, "class": "grid"})]
    if low < 0 < high:
        parts.append(element("line", {"x1": scale(0), "x2": scale(0), "y1": 4, "y2": 14, "class": "grid"}))
    parts += [element("circle", {"cx": scale(value), "cy": 9, "r": 3.5, "class": "seed"}) for value in values]
    parts.append(element("line", {"x1": scale(mean), "x2": scale(mean), "y1": 2, "y2": 16, "class": "mean"}))
    label = "a value a seed: " + ", ".join(number(value) for value in values)
    frame: dict[str, object] = {
        "viewBox": f"0 0 {WIDTH} 18",
        "width": WIDTH,
        "height": 18,
        "role": "img",
        "aria-label": label,
    }
    return element("svg", frame | {"class": "strip"}, parts)


def ansat_bars(values: Sequence[float | None]) -> Markup:
    """Shared active terms a document at the thresholds 0.05, 0.10, … as bars from the left to the right."""
    top = max([value for value in values if value is not None], default=0.0) or 1.0
    scale = Scale(0.0, top, 46, 4)
    step = 16
    parts = [
        element(
            "rect", {"x": 2 + step * row, "y": scale(value), "width": step - 3, "height": 46 - scale(value)}
        )
        for row, value in enumerate(values)
        if value is not None
    ]
    width = 2 + step * len(values)
    parts.append(element("line", {"x1": 0, "x2": width, "y1": 46.5, "y2": 46.5, "class": "axis"}))
    parts.append(element("text", {"x": 2, "y": 60, "class": "tick"}, "0.05"))
    parts.append(element("text", {"x": width - 2, "y": 60, "class": "tick end"}, f"{0.05 * len(values):.2f}"))
    label = "shared active terms a document, threshold by threshold: " + ", ".join(
        number(v, 2) for v in values
    )
    frame: dict[str, object] = {
        "viewBox": f"0 0 {width} 64",
        "width": width,
        "height": 64,
        "role": "img",
        "aria-label": label,
    }
    return element("svg", frame | {"class": "ansat"}, parts)
