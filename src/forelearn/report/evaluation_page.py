"""The page of `forelearn evaluate`: reliability, drawings, every figure, comparisons. No network, no script."""

from __future__ import annotations

from collections.abc import Sequence

from forelearn.evaluation.figures import BUDGET_FIGURES, ORDER_FIGURES
from forelearn.evaluation.quality import Quality
from forelearn.report.document import document
from forelearn.report.evaluation_figures import loss_chart, regret_chart
from forelearn.report.evaluation_rows import (
    bounded,
    comparison_words,
    handled_words,
    heading,
    reliability_words,
)
from forelearn.report.markup import Markup, element


def evaluation_page(qualities: Sequence[Quality]) -> str:
    """The page as text, to be written as UTF-8."""
    lead = "How good is each order of sources? Means over targets with bootstrap intervals over targets."
    top = element(
        "header",
        {},
        element("p", {"class": "mark"}, "forelearn evaluate"),
        element("h1", {}, "Orders of sources, judged"),
        element("p", {"class": "lead"}, lead),
    )
    overview = [regret_chart(qualities)] if qualities else []
    main = element(
        "main", {"id": "main"}, top, element("section", {}, overview), map(_section, qualities), _meanings()
    )
    return document("Orders of sources", [main], styles=["style.css"])


def _section(quality: Quality) -> Markup:
    names = list(dict.fromkeys(name for verdict in quality.verdicts for name in verdict.figures))
    return element(
        "section",
        {},
        element("h2", {}, heading(quality)),
        element("p", {"class": "intro"}, reliability_words(quality)),
        loss_chart(quality),
        plain_table(
            "Every figure, with its interval",
            ["figure", *(verdict.method for verdict in quality.verdicts)],
            [[name, *(bounded(v.figures.get(name), 3) for v in quality.verdicts)] for name in names],
        ),
        plain_table(
            "Differences, target by target",
            ["difference", "figure", "mean"],
            [
                [f"{verdict.method} − {reference}", name, bounded(value, 2, sign=True)]
                for verdict in quality.verdicts
                for reference, figures in verdict.against.items()
                for name, value in figures.items()
            ],
        ),
        element("p", {"class": "quiet"}, comparison_words(quality)),
        element("p", {"class": "quiet"}, handled_words(quality)),
    )


def plain_table(caption: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    """A table that scrolls sideways if it must; the first cell of a row names it."""
    head = element("tr", {}, [element("th", {"scope": "col"}, title) for title in titles])
    body = [
        element(
            "tr", {}, element("th", {"scope": "row"}, row[0]), [element("td", {}, cell) for cell in row[1:]]
        )
        for row in rows
    ]
    table = element(
        "table",
        {"class": "plain"},
        element("caption", {}, caption),
        element("thead", {}, head),
        element("tbody", {}, body),
    )
    return element("div", {"class": "scroll", "role": "region", "tabindex": 0, "aria-label": caption}, table)


def _meanings() -> Markup:
    terms = {**ORDER_FIGURES, **BUDGET_FIGURES}
    rows = [
        element("div", {}, element("dt", {}, name), element("dd", {}, text)) for name, text in terms.items()
    ]
    return element(
        "section",
        {},
        element("h2", {}, "What the figures mean"),
        element("dl", {"class": "definitions"}, rows),
    )
