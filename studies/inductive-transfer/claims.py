"""Claim by claim: what the paper says, what was measured, and what the interval lets one say. All in F1."""

from __future__ import annotations

import math

from table1 import markdown, of

from forelearn.evaluation.errors_at import rmse_difference
from forelearn.evaluation.hierarchical import mean_over
from forelearn.evaluation.intervals import Interval
from forelearn.evaluation.study_result import InMetric, StudyEvaluation
from forelearn.report.evaluation_rows import bounded
from forelearn.report.study_figures import Published
from forelearn.report.wording import number

PUBLISHED = Published(
    ((0.165, 0.2854), (0.495, 0.3003), (1.0, 0.3199)), 0.2856, 60.6, "published: F1, 8 of 12 targets"
)
"""Text of section 3: 0.3199 in 60.6 hours, 10.78 % less at 10, 0.3003 at 30; without transfer as in Table 1."""

PAPER, OTHER = "F1+ANSAT", "F1"
Claim = list[str]


def claims(found: StudyEvaluation) -> str:
    """The table of claims."""
    metric = of(found, "f1")
    rows = [*winning(metric), *predicting(metric), *searching(metric)]
    return markdown(
        ["what the paper says", "what we measured (F1; 90 % intervals)", "does it hold here?"], rows
    )


def winning(metric: InMetric) -> list[Claim]:
    """The best transfer against the baseline, and against more seeds of the baseline."""
    fresh = mean_over([[100 * one.gain.mean] for one in metric.winners])
    hindsight = mean_over([[100 * (one.hindsight[1] - one.hindsight[2])] for one in metric.winners])
    rows = [
        [
            "The best transfer found is 3.4 points of F1 above the baseline (mean of 8 of 12 targets).",
            f"Picked on test, as in the paper: {bounded(hindsight, 1, sign=True)} points over all targets. Picked on "
            f"dev and judged on other seeds: {bounded(fresh, 1, sign=True)}.",
            verdict(fresh, above=True),
        ]
    ]
    best = metric.quality.noise.best
    for count in sorted({count for count, what, side in best if what == "baselines" and side == "test"}):
        again, same = (bounded(best[count, what, "test"], 1, sign=True) for what in ("baselines", "sources"))
        rows.append(
            [
                "It is the source that helps (not tested against one more try).",
                f"Best on test of {count} re-seeded baselines: {again} points; of {count} sources: {same}.",
                verdict(best[count, "sources", "test"], above=True, over=best[count, "baselines", "test"]),
            ]
        )
    return rows


def predicting(metric: InMetric) -> list[Claim]:
    """RMSE@K with and without ANSAT, and against the rule without a model."""
    curves = {curve.name: curve for curve in metric.errors}
    if not {PAPER, OTHER} <= curves.keys():
        return []
    rows = []
    runs = metric.quality.truth.test.pairs
    for k in (10, 40, 100):
        apart = rmse_difference(curves[PAPER].predicted, curves[OTHER].predicted, runs, k)
        rule = rmse_difference(curves[PAPER].predicted, curves["no model"].predicted, runs, k)
        says = "F1 alone errs less, by 2.8 %" if k == 10 else "F1+ANSAT errs considerably less than F1 alone"
        rows.append(
            [
                f"RMSE@{k}: {says}.",
                f"F1+ANSAT − F1: {bounded(apart, 1, sign=True)} points; F1+ANSAT − no model at all: "
                f"{bounded(rule, 1, sign=True)}.",
                verdict(apart, above=k == 10),
            ]
        )
    return rows


def searching(metric: InMetric) -> list[Claim]:
    """What the order loses inside a budget, and what ANSAT adds to it."""
    by_name = {one.method: one for one in metric.quality.verdicts}
    if PAPER not in by_name or not by_name[PAPER].figures:
        return []
    paper, chance, stay = by_name[PAPER], by_name["random"], by_name["no transfer"]
    rows = []
    for share, says in (("16.5", "10.8 %"), ("49.5", "6.1 %")):
        name = f"lost@{share}"
        low, high = (number(end, 1) for end in chance.band[name])
        rows.append(
            [
                f"At {share} % of the cost the order by F1+ANSAT loses {says} of the best F1.",
                f"It loses {bounded(paper.figures[name], 1)} points, no transfer "
                f"{bounded(stay.figures[name], 1)}; 90 % "
                f"of random orders {low} to {high}. F1+ANSAT − random: "
                f"{bounded(paper.against['random'][name], 1, sign=True)}; F1+ANSAT − no transfer: "
                f"{bounded(paper.against['no transfer'][name], 1, sign=True)}.",
                f"better than random: {verdict(paper.against['random'][name], above=False)}; than no transfer: "
                f"{verdict(paper.against['no transfer'][name], above=False)}",
            ]
        )
    for k, says in ((7, "8.7 %"), (10, "8.0 %")):
        apart = paper.against.get(OTHER, {}).get(f"in_hand@K{k}")
        if apart is not None:
            rows.append(
                [
                    f"At K = {k} F1+ANSAT holds {says} more F1 than F1 alone.",
                    f"{bounded(apart, 1, sign=True)} points of F1.",
                    verdict(apart, above=True),
                ]
            )
    return rows


def verdict(value: Interval, *, above: bool, over: Interval | None = None) -> str:
    """Whether an interval lies on the claim's side of 0, or of another interval."""
    if math.isnan(value.mean):
        return "not measured yet"
    low, high = (0.0, 0.0) if over is None else (over.low, over.high)
    if value.low > high or value.high < low:
        return "yes" if (value.low > high) == above else "no, the opposite"
    return f"not shown: the {'interval holds 0' if over is None else 'intervals overlap'}"
