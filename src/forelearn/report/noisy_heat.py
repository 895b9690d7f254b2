"""Heat map of mean gains with their noise: colour is the gain, the frame says that it is more than luck.

Targets stand in rows, sources and controls in columns. The ticks at the foot of a cell are its seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import t as student

from forelearn.evaluation.noise import run_sd
from forelearn.evaluation.table import Array
from forelearn.evaluation.truth import Truth
from forelearn.report.markup import Markup, element
from forelearn.report.scale import Scale, reach
from forelearn.report.wording import signed

HIGH, WIDTH, LETTER = 36, 1160, 6.4
"""Pixels: of a row, of the page, of a letter."""
STYLE = """
.noisy text { font: 11px system-ui, sans-serif; fill: #59626e; } .noisy .in { text-anchor: middle; fill: #14171b; }
.noisy .sure { font-weight: 700; } .noisy .frame { fill: none; stroke: #14171b; stroke-width: 1.6; }
.noisy .seed { stroke: #14171b; stroke-opacity: 0.65; stroke-width: 1.3; }
.noisy .none { fill: #8b95a1; fill-opacity: 0.14; }
.noisy .zero { stroke: #14171b; stroke-opacity: 0.25; } .noisy .end { text-anchor: end; }
@media (prefers-color-scheme: dark) { .noisy text { fill: #a3adb9; } .noisy .in { fill: #14171b; } }
"""


@dataclass(frozen=True, slots=True)
class _Frame:
    """Pixels: of the names at the side and above, and of a cell. controls: the column at which they begin."""

    side: float
    head: float
    cell: float
    controls: int

    def left(self, column: int) -> float:
        """Where a column begins: the controls stand a little apart."""
        return self.side + self.cell * column + (10 if column >= self.controls else 0)


def noisy_heat(truth: Truth, *, order: Sequence[str] = (), level: float = 0.9) -> Markup:
    """Gains on test in points; framed where the interval from the target's run noise excludes 0.

    order: names of tasks, in which rows and columns stand; others follow as the truth has them.
    """
    truth = _arranged(truth, order)
    controls = {"B → B": truth.test.itself, "train longer": truth.test.longer}
    shown = {name: runs for name, runs in controls.items() if np.isfinite(runs).any()}
    columns = [*truth.sources, *shown]
    runs = np.concatenate([truth.test.pairs, *(each[:, None] for each in shown.values())], axis=1)
    frame = _frame(truth, columns)
    sd, freedom = run_sd(truth.test)
    cells = [
        _gain(runs[t, s], truth.test.baselines[t], float(sd[t]), float(freedom[t]), level)
        for t in range(len(truth.targets))
        for s in range(len(columns))
    ]
    full = reach([cell[0] for cell in cells if not math.isnan(cell[0])] or [1.0], quantile=0.9)
    wide = max([abs(gain) for cell in cells for gain in cell[2]] or [1.0])
    parts = [
        element(
            "text",
            {"transform": f"translate({frame.left(s) + frame.cell / 2:g} {frame.head - 8:g}) rotate(-40)"},
            name,
        )
        for s, name in enumerate(columns)
    ]
    for t, target in enumerate(truth.targets):
        y = frame.head + HIGH * t
        parts.append(element("text", {"x": frame.side - 8, "y": y + HIGH / 2 + 4, "class": "end"}, target))
        for s, name in enumerate(columns):
            box = (frame.left(s), y, frame.cell)
            own = name == target
            parts.append(_cell(cells[t * len(columns) + s], box, full, wide, f"{name} → {target}", own=own))
    width = frame.left(len(columns)) + 0.8 * LETTER * len(columns[-1])
    height = frame.head + HIGH * len(truth.targets) + 6
    outer = {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {width:g} {height:g}", "width": f"{width:g}",
             "height": f"{height:g}", "role": "img", "class": "noisy"}  # fmt: skip
    label = "Heat map of mean test gains in points, targets in rows, sources and controls in columns"
    return element("svg", outer | {"aria-label": label}, element("style", {}, Markup(STYLE)), parts)


def _arranged(truth: Truth, order: Sequence[str]) -> Truth:
    """The truth with its targets and sources in this order."""
    place = {name: number for number, name in enumerate(order)}

    def sort(names: Sequence[str]) -> list[int]:
        return sorted(range(len(names)), key=lambda index: place.get(names[index], len(place)))

    found, columns = truth.at(sort(truth.targets)), sort(truth.sources)
    dev, test = (replace(side, pairs=side.pairs[:, columns]) for side in (found.dev, found.test))
    return replace(found, sources=tuple(truth.sources[column] for column in columns), dev=dev, test=test)


def _frame(truth: Truth, columns: Sequence[str]) -> _Frame:
    """As wide as a page allows: cells of 38 to 56 pixels beside the longest name."""
    side = 16 + LETTER * max(map(len, truth.targets), default=0)
    last = 0.8 * LETTER * len(columns[-1])  # at an angle
    cell = max(38.0, min(56.0, (WIDTH - side - last - 10) // len(columns)))
    return _Frame(side, 24 + 0.7 * LETTER * max(map(len, columns)), cell, len(truth.sources))


def _gain(
    runs: Array, alone: Array, sd: float, freedom: float, level: float
) -> tuple[float, bool, list[float]]:
    """Mean gain in points, whether it is more than luck, and each seed's gain."""
    known, base = runs[np.isfinite(runs)], alone[np.isfinite(alone)]
    if not len(known) or not len(base):
        return math.nan, False, []
    each = [100 * float(run - base.mean()) for run in known]
    mean = math.fsum(each) / len(each)
    if not freedom or math.isnan(sd):
        return mean, False, each
    wide = 100 * float(student.ppf(0.5 + level / 2, freedom)) * sd * math.sqrt(1 / len(known) + 1 / len(base))
    return mean, abs(mean) > wide, each


def _cell(
    cell: tuple[float, bool, Sequence[float]],
    place: tuple[float, float, float],
    full: float,
    wide: float,
    name: str,
    *,
    own: bool,
) -> Markup:
    """place: left, top and width of the cell in pixels."""
    gain, sure, each = cell
    x, y, width = place
    box: dict[str, object] = {"x": x, "y": y, "width": width - 2, "height": HIGH - 2}
    if math.isnan(gain):
        said = element("title", {}, "a task is no source of itself" if own else f"{name}: no run")
        return element(
            "g",
            {},
            element("rect", box | {"class": None if own else "none", "fill-opacity": 0 if own else None}),
            said,
        )
    part = min(1.0, abs(gain) / full)
    colour = _mix((74, 144, 217) if gain > 0 else (234, 139, 63), part)
    scale = Scale(-wide, wide, x + 3, x + width - 5)
    ticks_ = [
        element(
            "line",
            {"x1": scale(value), "x2": scale(value), "y1": y + HIGH - 9, "y2": y + HIGH - 4, "class": "seed"},
        )
        for value in each
    ]
    middle = element(
        "line", {"x1": scale(0), "x2": scale(0), "y1": y + HIGH - 11, "y2": y + HIGH - 2, "class": "zero"}
    )
    kind = "in sure" if sure else "in"
    text = element("text", {"x": x + width / 2 - 1, "y": y + 17, "class": kind}, signed(gain, 1))
    said = element(
        "title", {}, f"{name}: {signed(gain, 1)} points; seeds {', '.join(signed(one, 1) for one in each)}"
    )
    edge = element("rect", box | {"class": "frame"}) if sure else None
    return element("g", {}, element("rect", box | {"fill": colour}), middle, ticks_, text, edge, said)


def _mix(colour: tuple[int, int, int], part: float) -> str:
    light = (243, 245, 247)
    return "#" + "".join(f"{round(a + (b - a) * part):02x}" for a, b in zip(light, colour, strict=True))
