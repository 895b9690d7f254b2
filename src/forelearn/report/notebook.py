"""The answers as a small table for notebooks: escaped, without script, in the notebook's own colours."""

from __future__ import annotations

from forelearn.report.kinds import own_metrics
from forelearn.report.markup import Markup, element, join, name, names
from forelearn.report.summary import Answer, Summary
from forelearn.report.wording import (
    DECISIONS,
    duration,
    headline,
    learned,
    number,
    share,
    spent_share,
    with_bounds,
)

HEADS = ("Target", "Decision", "Source", "Gain on fresh seeds", "Without", "With")
LEFT = {"style": "text-align:left"}


def notebook_html(summary: Summary) -> str:
    """What a notebook shows for a summary."""
    seconds = sum(row.seconds for row in summary.costs)
    whole = spent_share(summary, everything=True)
    spent = duration(seconds) + ("" if whole is None else f", {share(whole)} of trying everything")
    head = element("tr", {}, [element("th", LEFT, title) for title in HEADS])
    return join(
        element(
            "p", {}, element("b", {}, name(summary.study)), ". ", headline(summary), " Cost: ", spent, "."
        ),
        element(
            "table",
            {},
            element("thead", {}, head),
            element("tbody", {}, [_row(answer, summary) for answer in summary.answers]),
        ),
    )


def _row(answer: Answer, summary: Summary) -> Markup:
    metric = own_metrics(summary).get(answer.target)
    cells = (
        join(name(answer.target), f", {metric}" if metric else None),
        DECISIONS[answer.decision],
        names(map(learned, answer.sources)),
        with_bounds(answer.gain),
        number(answer.baseline),
        number(answer.performance),
    )
    return element("tr", {"title": answer.reason}, [element("td", LEFT, cell) for cell in cells])
