"""Gain over source × target: each cell split into predicted (left) and obtained (right).

Blue is a gain, orange a loss (a pair of hues that the common forms of colour blindness keep apart); the
number stands in the cell where there is room. A half without a value is hatched; a pair that failed carries a
cross; a task that is its own source is empty. What was recommended is framed.
"""

from __future__ import annotations

from forelearn.report.kinds import own_metrics
from forelearn.report.markup import Markup, element, join, name
from forelearn.report.scale import reach
from forelearn.report.summary import PairRow, Summary
from forelearn.report.wording import number, of, signed, with_bounds

HEAD = 150
ROW = 32
SIDE = 84
LONGEST = 24
NUMBERS_FROM = 58
"""Cells at least this wide have room for two numbers."""
THREE_PLACES_FROM = 66


def anchor(source: int, target: int) -> str:
    """The id of a pair's drill-down, from the places of its tasks."""
    return f"pair-{source}-{target}"


def axes(summary: Summary) -> tuple[list[str], list[str]]:
    """Sources and targets in the order in which the study names its tasks; other sources follow."""
    order = {task.name: row for row, task in enumerate(summary.tasks)}
    sources = sorted(
        {pair.source for pair in summary.pairs}, key=lambda item: (order.get(item, len(order)), item)
    )
    targets = sorted(
        {pair.target for pair in summary.pairs}, key=lambda item: (order.get(item, len(order)), item)
    )
    return sources, targets


def colour_reach(summary: Summary) -> float:
    """The gain at which the colours are full."""
    values = [pair.obtained.test for pair in summary.pairs if pair.obtained is not None]
    values += [pair.predicted.mean for pair in summary.pairs if pair.predicted is not None]
    return reach(values)


def cell_width(targets: int) -> int:
    """As wide as a page of 1160 pixels allows, within [34, 70]."""
    return max(34, min(70, 860 // max(1, targets)))


def heat_map(summary: Summary) -> Markup:
    """Row names that stay in place and the drawing of all cells, both to stand in one scrolling box."""
    sources, targets = axes(summary)
    width, full = cell_width(len(targets)), colour_reach(summary)
    chosen = {(source, answer.target) for answer in summary.answers for source in answer.sources
              if answer.decision in ("transfer", "tied")}  # fmt: skip
    pairs = {(pair.source, pair.target): pair for pair in summary.pairs}
    metrics = own_metrics(summary)
    heads = [
        element(
            "text",
            {
                "transform": f"translate({width * column + width // 2 + 4} {HEAD - 10}) rotate(-45)",
                "class": "head",
            },
            _short(target),
            element("tspan", {"x": 12, "dy": 13, "class": "metric"}, metrics[target])
            if target in metrics
            else None,
            element("title", {}, f"{target}, {metrics[target]}" if target in metrics else target),
        )
        for column, target in enumerate(targets)
    ]
    cells = [
        _cell(pairs.get((source, target)), row, column, width, full, framed=(source, target) in chosen)
        for row, source in enumerate(sources)
        for column, target in enumerate(targets)
    ]
    sides = [element("div", {"class": "side", "title": source}, name(source)) for source in sources]
    wide, high = width * len(targets) + SIDE, HEAD + ROW * len(sources) + 2
    label = (
        f"Heat map of the gain of {of(len(sources), 'source')} for {of(len(targets), 'target')}. "
        "Arrow keys move, Enter opens."
    )
    drawing = element(
        "svg",
        {"viewBox": f"0 0 {wide} {high}", "width": wide, "height": high, "tabindex": 0, "role": "application",
         "aria-label": label, "aria-describedby": "heat-said", "class": "heat", "id": "heat",
         "data-columns": len(targets), "style": f"--cell:{width}px"},
        _hatch(),
        heads,
        element("g", {"transform": f"translate(0 {HEAD})"}, cells),
    )  # fmt: skip
    corner = element("div", {"class": "corner"}, "source ↓  target →")
    return element("div", {"class": "heat-box"}, element("div", {"class": "sides"}, corner, sides), drawing)


def said(pair: PairRow) -> str:
    """A cell in words."""
    predicted = "no prediction" if pair.predicted is None else f"predicted {with_bounds(pair.predicted)}"
    if pair.obtained is None:
        because = f" ({pair.reason})" if pair.reason else ""
        return f"{pair.label}: {predicted}; {pair.status}{because}"
    got = f"obtained {signed(pair.obtained.test)} on test, {signed(pair.obtained.dev)} on dev"
    fresh = "" if pair.confirmed is None else f"; on fresh seeds {with_bounds(pair.confirmed)}"
    return f"{pair.label}: {predicted}; {got}{fresh}"


def legend(summary: Summary) -> Markup:
    """The colour scale with its ends, and what hatching, cross and frame mean."""
    full = colour_reach(summary)
    places = 2 if full >= 0.01 else 3
    ramp = element("span", {"class": "ramp", "aria-hidden": "true"})
    return join(
        element("span", {"class": "key"}, f"≤ {signed(-full, places)}", ramp, f"≥ {signed(full, places)}"),
        element("span", {"class": "key"}, _sample("hatched"), "no value"),
        element("span", {"class": "key"}, _sample("crossed"), "failed"),
        element("span", {"class": "key"}, _sample("framed"), "recommended"),
    )


def _cell(pair: PairRow | None, row: int, column: int, width: int, full: float, *, framed: bool) -> Markup:
    x, y = column * width, row * ROW
    box: dict[str, object] = {"width": width - 2, "height": ROW - 2}
    place = f"translate({x} {y})"
    if pair is None:
        dot = element("circle", {"cx": width / 2 - 1, "cy": ROW / 2 - 1, "r": 1.5, "class": "self"})
        return element("g", {"transform": place, "class": "cell none"}, dot)
    halves = [
        _half(None if pair.predicted is None else pair.predicted.mean, "p", width, full),
        _half(None if pair.obtained is None else pair.obtained.test, "o", width, full),
    ]
    if pair.status == "failed":
        middle, size = 3 * width / 4 - 1, 5
        d = f"M{middle - size} {ROW / 2 - 1 - size} l10 10 m0 -10 l-10 10"
        halves.append(element("path", {"d": d, "class": "cross o"}))
    if framed:
        halves.append(element("rect", box | {"class": "frame"}))
    halves.append(element("rect", box | {"class": "catch"}))
    data = {"transform": place, "class": "cell", "data-row": row, "data-column": column,
            "data-said": said(pair), "data-open": anchor(row, column)}  # fmt: skip
    return element("g", data, halves, element("title", {}, said(pair)))


def _half(value: float | None, side: str, width: int, full: float) -> Markup:
    half = (width - 2) / 2
    x = 0 if side == "p" else half
    place: dict[str, object] = {"x": x, "y": 0, "width": half, "height": ROW - 2}
    if value is None:
        return element("g", {"class": f"half {side}"}, element("rect", place | {"fill": "url(#hatch)"}))
    share = min(1.0, abs(value) / full)
    kind = "up" if value > 0 else "down"
    fill = element("rect", place | {"style": f"--s:{100 * share:.0f}"})
    shown = None
    if width >= NUMBERS_FROM:
        places = 3 if width >= THREE_PLACES_FROM and abs(value) < 1 else 2
        digits = number(abs(value), places).removeprefix("0")
        sign = "" if round(value, places) == 0 else "+" if value > 0 else "−"
        shown = element("text", {"x": x + half / 2, "y": ROW / 2 + 3}, sign + digits)
    return element("g", {"class": f"half {side} {kind}"}, fill, shown)


def _hatch() -> Markup:
    line = element("path", {"d": "M-1 1 l2 -2 M0 6 l6 -6 M5 7 l2 -2", "class": "hatching"})
    pattern = {"id": "hatch", "width": 6, "height": 6, "patternUnits": "userSpaceOnUse"}
    return element("defs", {}, element("pattern", pattern, line))


def _sample(kind: str) -> Markup:
    return element(
        "span", {"class": f"sample {kind}", "aria-hidden": "true"}, "×" if kind == "crossed" else None
    )


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
