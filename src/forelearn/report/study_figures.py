"""The drawings of a study's evaluation: RMSE@K and performance against runtime, after the paper's two figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from forelearn.evaluation.intervals import Interval
from forelearn.evaluation.study_quality import Curve, StudyQuality, StudyVerdict
from forelearn.evaluation.study_result import InMetric
from forelearn.report.line_chart import Line, Panel, line_chart
from forelearn.report.markup import Markup
from forelearn.report.wording import metric_name

GREY, BLUE, ORANGE, GREEN, PURPLE, RED, BROWN = (
    "#7a8490", "#1c5fae", "#c2570c", "#2f8f5b", "#8a4fbf", "#b3375e", "#7a5a12",
)  # fmt: skip
COLOURS = {
    "F1": ORANGE,
    "ANSAT": RED,
    "F1+ANSAT": PURPLE,
    "F1+ANSAT, gain": BROWN,
    "ours": BLUE,
    "static": GREEN,
    "source effects": "#3b8ea5",
    "cooccurrence": "#8a7a12",
    "no model": "#1b1f24",
    "noise floor": GREY,
}
BANDED = ("F1+ANSAT", "ours", "no model")
"""Feature sets whose intervals are drawn: with all of them nothing could be read."""
SHARES = ((0.0, "0"), (0.165, "16.5 %"), (0.495, "49.5 %"), (1.0, "100 %"))


def error_figure(metric: InMetric) -> Markup:
    """RMSE@K by feature set: ranked by predicted performance, as the paper does, and by predicted gain."""
    name = metric_name(metric.quality.truth.metric)
    panels = []
    for title, which in (("the K best by predicted performance", 0), ("the K best by predicted gain", 1)):
        lines = []
        for curve in metric.errors:
            if curve.name not in COLOURS:
                continue
            values = (curve.by_performance, curve.by_gain)[which]
            dash = {"no model": "7 4", "noise floor": "2 3"}.get(curve.name, "")
            lines.append(
                Line(
                    curve.name if curve.form != "gain" or "gain" in curve.name else f"{curve.name}, gain",
                    COLOURS[curve.name],
                    [(k, value.mean) for k, value in zip(curve.ks, values, strict=True)],
                    _band(curve.ks, values) if curve.name in BANDED else (),
                    dash,
                )
            )
        panels.append(Panel(f"{name}: {title}", "K", lines, 0, floor=0.0))
    return line_chart(panels, f"RMSE at K in points of {name}, by feature set, with the rule without a model")


@dataclass(frozen=True, slots=True)
class Published:
    """A paper's curve: (share of its exhaustive cost, performance), its level without transfer, its hours."""

    points: tuple[tuple[float, float], ...]
    level: float
    hours: float
    title: str


def runtime_figure(metric: InMetric, seconds: float, published: Published | None = None) -> Markup:
    """Mean test performance of what is kept against the share of the exhaustive cost.

    seconds: what trying every pair once takes. published: beside ours, as a panel of its own.
    """
    quality = metric.quality
    name = metric_name(quality.truth.metric)
    cost = f"share of the exhaustive cost ({seconds / 3600:.1f} h)"
    panels = [
        Panel(f"{name} of the runs in hand", cost, _lines(quality, fresh=False), 2, SHARES),
        Panel(f"{name} on fresh seeds", cost, _lines(quality, fresh=True), 2, SHARES),
    ]
    if published is not None:
        stay = Line("no transfer", "#1b1f24", [(0.0, published.level), (1.0, published.level)], dash="7 4")
        points = Line("F1+ANSAT", COLOURS["F1+ANSAT"], published.points, dots=True)
        theirs = f"share of the exhaustive cost ({published.hours:g} h)"
        panels.append(Panel(published.title, theirs, [stay, points], 2, SHARES))
    return line_chart(
        panels, f"Mean test {name} against the share of the exhaustive cost, by order of sources"
    )


def _lines(quality: StudyQuality, *, fresh: bool) -> list[Line]:
    by_name = {verdict.method: verdict for verdict in quality.verdicts}
    lines = []
    chance = by_name["random"]
    if chance.curve is not None:
        band = chance.curve.band_fresh if fresh else chance.curve.band_in_hand
        points = _points(chance.curve, fresh=fresh)
        ends = [(x, low, high) for (x, _), (low, high) in zip(points, band, strict=True)]
        lines.append(Line("random, 5 to 95 %", GREY, points, ends))
        lines.append(Line("everything", GREY, [(0.0, points[-1][1]), points[-1]], dash="2 3"))
    lines.append(_level("no transfer", by_name["no transfer"], fresh=fresh))
    if not fresh:
        points = [(share, value.mean) for share, value in quality.reseeded]
        lines.append(Line("best of n baselines", "#1b1f24", points, dots=True))
    for name in ("F1", "ANSAT", "F1+ANSAT", "ours", "static", "source effects", "cooccurrence"):
        if name in by_name and (curve := by_name[name].curve) is not None:
            lines.append(Line(name, COLOURS[name], _points(curve, fresh=fresh)))
    return lines


def _points(curve: Curve, *, fresh: bool) -> list[tuple[float, float]]:
    values = curve.fresh if fresh else curve.in_hand
    return [(share, value.mean) for share, value in zip(curve.shares, values, strict=True)]


def _level(name: str, verdict: StudyVerdict, *, fresh: bool) -> Line:
    value = verdict.figures.get("fresh@16.5" if fresh else "in_hand@16.5")
    height = float("nan") if value is None else value.mean
    return Line(name, "#1b1f24", [(0.0, height), (1.0, height)], dash="7 4")


def _band(ks: Sequence[int], values: Sequence[Interval]) -> list[tuple[float, float, float]]:
    return [(k, value.low, value.high) for k, value in zip(ks, values, strict=True)]
