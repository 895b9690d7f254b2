"""The heat map and the curve of performance against cost, with what was spent."""

from __future__ import annotations

from forelearn.core.task import CORRELATIONS
from forelearn.report.curve import curve_chart, said
from forelearn.report.heatmap import heat_map, legend
from forelearn.report.kinds import measured_by, own_metrics, target_metrics
from forelearn.report.markup import Markup, element, join
from forelearn.report.sortable import Cell, Column, Row, sortable
from forelearn.report.summary import CostRow, Summary
from forelearn.report.wording import (
    STAGES,
    count,
    duration,
    number,
    of,
    share,
    signed,
    spent_share,
    units,
)


def gains(summary: Summary) -> Markup | None:
    """Gain over source × target; None if the study has no pairs."""
    if not summary.pairs:
        return None
    views = [
        element(
            "label",
            {},
            element(
                "input", {"type": "radio", "name": "heat-view", "value": value, "checked": value == "both"}
            ),
            element("span", {}, title),
        )
        for value, title in (("both", "Both"), ("predicted", "Predicted"), ("obtained", "Obtained"))
    ]
    tried = [pair for pair in summary.pairs if pair.obtained is not None]
    worse = sum(pair.obtained is not None and pair.obtained.test < 0 for pair in tried)
    line = (
        "Rows are sources, columns are targets. The left half of a cell is the predicted gain, the right "
        "half what was obtained on test; a number below 0 is negative transfer "
        f"({worse} of {of(len(tried), 'tried pair')}). {_metrics(summary)}All values stand in the table of pairs "
        "below."
    )
    return element(
        "section",
        {"id": "gains"},
        element("h2", {}, "Gain of every pair"),
        element("p", {"class": "intro"}, line),
        element(
            "div",
            {"class": "bar"},
            element("fieldset", {"class": "choice"}, element("legend", {"class": "unseen"}, "Show"), views),
            element("p", {"class": "keys"}, legend(summary)),
        ),
        element("div", {"class": "scroll heat-scroll"}, heat_map(summary)),
        element(
            "p",
            {"id": "heat-said", "class": "said", "aria-live": "polite"},
            "Point at a cell, or move with the arrow keys; Enter opens the pair.",
        ),
    )


def cost(summary: Summary) -> Markup:
    """Performance against cost, and the table of stages."""
    parts: list[Markup | None] = []
    if any(point.share > 0 for point in summary.curve):
        parts.append(_curve(summary))
    parts.append(_table(summary))
    return element("section", {"id": "cost"}, element("h2", {}, "What it cost"), parts)


def target_baseline(summary: Summary) -> float | None:
    """Mean test performance of the answered targets without transfer; of all tasks if none is answered."""
    known = [answer.baseline for answer in summary.answers if answer.baseline is not None]
    values = known or [row.mean_test for row in summary.baselines]
    return sum(values) / len(values) if values else None


def _metrics(summary: Summary) -> str:
    """What the columns of the heat map have in common, and what not."""
    if not own_metrics(summary):
        return ""
    said = "Every column is in the metric of its target: compare down a column. "
    if any(metric in CORRELATIONS for metric in target_metrics(summary)):
        said += "Correlations can gain up to 2, the other metrics up to 1; one colour scale serves all. "
    return said


def _level(summary: Summary) -> str:
    """What the curve’s axis measures."""
    return "performance" if own_metrics(summary) else measured_by(summary)


def _curve(summary: Summary) -> Markup:
    baseline = target_baseline(summary)
    last = summary.curve[-1]
    text = f"The curve ends at {said(last)}."
    if baseline is not None:
        text = f"{text[:-1]}: {signed(last.performance - baseline)} against no transfer."
    points = [
        element("tr", {}, [element("td", {"class": "number"}, cell) for cell in
                           (count(p.runs), share(p.share), duration(p.seconds), number(p.performance))])
        for p in summary.curve
    ]  # fmt: skip
    head = [element("th", {"scope": "col"}, title) for title in ("Runs", "Share", "Time", "Performance")]
    table = element("table", {"class": "small"}, element("thead", {}, element("tr", {}, head)),
                    element("tbody", {}, points))  # fmt: skip
    return join(
        element(
            "p",
            {"class": "intro"},
            "Mean over targets of the test performance of what dev picks so far, which may be no transfer. ",
            text,
            " Each target counts in its own metric." if own_metrics(summary) else None,
            " It is one pick, before the confirmation on fresh seeds: a rise within the noise of the seeds "
            "proves nothing.",
        ),
        element(
            "div",
            {"class": "scroll", "role": "region", "tabindex": 0, "aria-label": "Performance against cost"},
            curve_chart(summary.curve, baseline=baseline, metric=_level(summary)),
        ),
        element(
            "details",
            {},
            element("summary", {}, "The points as a table"),
            element("div", {"class": "open"}, table),
        ),
    )


def _table(summary: Summary) -> Markup:
    columns = (
        Column("Stage"),
        Column("Runs", number=True),
        Column("Cost units", number=True, note="tokens × epochs × layers"),
        Column("Measured time", number=True),
        Column("Share of everything", number=True),
    )
    whole = summary.exhaustive.units if summary.exhaustive is not None else 0.0
    rows = [_row(row, whole) for row in summary.costs]
    if summary.exhaustive is not None:
        rows.append(_row(summary.exhaustive, whole))
    search = spent_share(summary, everything=False)
    total = spent_share(summary, everything=True)
    line = None
    if search is not None:
        line = element(
            "p",
            {"class": "intro"},
            f"Baselines and pairs: {share(search)} of the cost of trying everything; with features and "
            f"confirmation {share(total)}. Trying everything means baselines and all pairs, times recipes, "
            "times seeds",
            f" ({of(summary.exhaustive.runs, 'run')})." if summary.exhaustive is not None else ".",
        )
    return join(line, sortable("cost-table", "Cost of each stage", columns, rows))


def _row(row: CostRow, whole: float) -> Row:
    part = row.units / whole if whole > 0 else None
    return Row(
        (
            Cell(STAGES[row.stage]),
            Cell(count(row.runs), row.runs),
            Cell(units(row.units), row.units),
            Cell(duration(row.seconds), row.seconds),
            Cell(share(part), part),
        )
    )
