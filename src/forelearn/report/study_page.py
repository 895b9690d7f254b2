"""The page of `forelearn evaluate STUDY`: reliability first, then gains with their noise, curves and tables.

One file, no network, no script.
"""

from __future__ import annotations

from collections.abc import Sequence

from forelearn.evaluation.study_quality import FIGURES
from forelearn.evaluation.study_result import InMetric, StudyEvaluation
from forelearn.report.document import document
from forelearn.report.markup import Markup, element
from forelearn.report.noisy_heat import noisy_heat
from forelearn.report.study_figures import error_figure, runtime_figure
from forelearn.report.study_tables import figure_table
from forelearn.report.study_words import (
    LOSSES,
    change_words,
    comparisons,
    costs,
    error_rows,
    in_short,
    losses,
    reliability_rows,
    study_heading,
    warning,
    winner_rows,
)
from forelearn.report.wording import metric_name


def study_page(found: StudyEvaluation) -> str:
    """The page as text, to be written as UTF-8."""
    top = element(
        "header",
        {},
        element("p", {"class": "mark"}, "forelearn evaluate"),
        element("h1", {}, found.name),
        element("p", {"class": "lead"}, study_heading(found)),
    )
    before = element(
        "section",
        {},
        element("h2", {}, "Before any claim: what the runs can support"),
        element(
            "p",
            {"class": "intro"},
            "Means over targets with 90 % intervals, over targets and seeds where there are several.",
        ),
        figure_table("Reliability", *reliability_rows(found)),
        [element("p", {}, element("b", {}, line)) for line in warning(found)],
    )
    short = element(
        "section",
        {},
        element("h2", {}, "In short"),
        element(
            "p",
            {"class": "intro"},
            "Points on test, over no transfer, of the runs that one holds at 49.5 % of the exhaustive cost, picked on "
            "dev. Controls are always taken, and cost what they cost.",
        ),
        figure_table("In short", *in_short(found)),
    )
    body = element(
        "main",
        {"id": "main"},
        top,
        before,
        short,
        [_metric(one, found.exhaustive_seconds, found.order) for one in found.metrics],
        _meanings(),
    )
    return document(f"{found.name}: evaluation", [body], styles=["style.css"])


def _metric(metric: InMetric, seconds: float, order: Sequence[str]) -> list[Markup]:
    quality = metric.quality
    name = metric_name(quality.truth.metric)
    parts = [
        _part(
            f"Gains in {name}",
            "Mean test gain in points over the mean baseline, a row a target. Blue helps, orange harms; ticks are "
            "seeds, the fine line is 0. A frame says that the 90 % interval from run noise leaves 0 out; of so many "
            "cells about one in ten would be framed by luck.",
            noisy_heat(quality.truth, order=order),
        )
    ]
    if not quality.truth.search_seeds:
        return parts
    parts.append(
        _part(
            f"{name}: what a budget buys",
            "Picked on dev, measured on test. Left: the runs that the search holds at the end. Right: the picked "
            "sources on seeds that were not drawn, where the luck of the pick is gone.",
            runtime_figure(metric, seconds),
            figure_table(f"Over all {len(quality.truth.targets)} targets, {name}", LOSSES, losses(quality)),
            figure_table(
                f"Over the {len(quality.changed)} targets that change", LOSSES, losses(quality, changed=True)
            ),
            element("p", {"class": "quiet"}, change_words(quality)),
            figure_table(
                "Cost as a share of the exhaustive cost",
                ("method", "without features and confirmation", "with them"),
                costs(quality),
            ),
            _more("Differences, target by target", comparisons(quality)),
        )
    )
    parts.append(
        _part(
            f"{name}: can a pair be predicted?",
            "Error over the K pairs that are predicted to be best, target held out, lower is better. The rule without "
            "a model says that a pair performs as its target's baseline does; nothing gets below the noise of runs.",
            error_figure(metric),
            figure_table("RMSE at K, points", *error_rows(metric, (10, 40, 100))),
        )
    )
    parts.append(
        _part(
            f"{name}: the best transfer of each target",
            "With hindsight, as a table of best results is made, and as the same choice holds on other seeds.",
            figure_table("The best transfer found", *winner_rows(metric)),
        )
    )
    return parts


def _part(title: str, intro: str, *children: Markup) -> Markup:
    return element(
        "section",
        {},
        element("h2", {}, title),
        element("p", {"class": "intro"}, intro),
        *map(_boxed, children),
    )


def _boxed(child: Markup) -> Markup:
    return element("div", {"class": "scroll"}, child) if child.startswith("<svg") else child


def _more(title: str, lines: list[str]) -> Markup:
    return element(
        "details",
        {},
        element("summary", {}, title),
        [element("p", {"class": "quiet"}, line) for line in lines],
    )


def _meanings() -> Markup:
    rows = [
        element("div", {}, element("dt", {}, name), element("dd", {}, text)) for name, text in FIGURES.items()
    ]
    return element(
        "section",
        {},
        element("h2", {}, "What the figures mean"),
        element("dl", {"class": "definitions"}, rows),
    )
