"""What was measured on a study, in words and in cells that the terminal, the page and a README share."""

from __future__ import annotations

import math
from collections.abc import Sequence

from forelearn.evaluation.intervals import Interval
from forelearn.evaluation.study_quality import StudyQuality
from forelearn.evaluation.study_result import InMetric, StudyEvaluation
from forelearn.report.evaluation_rows import bounded
from forelearn.report.wording import metric_name, number

Rows = list[list[str]]

LOSSES = (
    "method",
    "points lost at 16.5 %",
    "share of the gain lost",
    "at 49.5 %",
    "share",
    "lost at 16.5 %, all paid",
    "at 49.5 %, all paid",
    "in hand at 16.5 %",
    "in hand at 49.5 %",
)
"""Headings of `losses`. All paid: features and confirmation are paid out of the same budget."""


def study_heading(found: StudyEvaluation) -> str:
    """What was looked at, in one line."""
    truth = found.metrics[0].quality.truth
    seeds = len(truth.search_seeds)
    whole = "" if found.runs >= found.expected else f" ({found.expected} and more for a whole truth)"
    return (
        f"{found.name}: {len(truth.targets)} targets × {len(truth.sources)} sources, pairs on {seeds} "
        f"seed{'' if seeds == 1 else 's'}, {found.runs} runs{whole}"
    )


def reliability(metric: InMetric) -> list[str]:
    """What the truth can support in one metric, to be read before any figure of a method."""
    found, name = metric.quality.noise, metric_name(metric.quality.truth.metric)
    between = found.agreement
    words = [
        f"{name}: two seeds agree on the order of sources at {bounded(between['test'], 2)} on test and "
        f"{bounded(between['dev'], 2)} on dev (Spearman); dev and test of one seed at "
        f"{bounded(between['dev → test'], 2)}.",
        f"SD between seeds: baselines {bounded(found.baseline_sd, 1)} points, pairs {bounded(found.pair_sd, 1)}. "
        f"SD of the pairs' means across the sources of a target: {bounded(found.source_sd, 1)}, of which "
        f"{bounded(found.true_source_sd, 1)} is more than seed noise. "
        f"{bounded(found.harmful, 0, factor=100)} % of the pairs gain nothing on test.",
    ]
    for side, how in (("test", "picked on test, as the paper picks"), ("dev", "picked on dev")):
        parts = [
            f"{count} {'re-seeded baselines' if what == 'baselines' else 'sources'} {bounded(value, 1, sign=True)}"
            for (count, what, picked), value in found.best.items()
            if picked == side
        ]
        if parts:
            words.append(f"Test gain in points of the best single run, {how}: {'; '.join(parts)}.")
    if not between["test"].low > 0:
        words.append("Seeds do not agree on the order of sources: read no order's lead as real.")
    return words


def losses(quality: StudyQuality, *, changed: bool = False) -> Rows:
    """A row a method, cells as `LOSSES`. changed: means over the targets that change alone."""
    return [
        [verdict.method, *_loss_cells(verdict.changed if changed else verdict.figures)]
        for verdict in quality.verdicts
        if verdict.figures
    ]


def _loss_cells(figures: object) -> list[str]:
    assert isinstance(figures, dict)

    def cell(name: str, places: int = 1, factor: float = 1.0) -> str:
        return bounded(figures.get(name), places, factor=factor)

    return [
        cell("lost@16.5"),
        cell("lost_share@16.5", 2),
        cell("lost@49.5"),
        cell("lost_share@49.5", 2),
        cell("counted_lost@16.5"),
        cell("counted_lost@49.5"),
        cell("in_hand@16.5", 3),
        cell("in_hand@49.5", 3),
    ]


def costs(quality: StudyQuality) -> Rows:
    """Method, cost without features and confirmation, and with them, as shares of the exhaustive cost at 16.5 %."""
    rows = []
    for verdict in quality.verdicts:
        if "whole" in verdict.cost:
            rows.append([verdict.method, *(f"{100 * verdict.cost['whole']:.1f} %",) * 2])
        elif verdict.cost:
            extra = verdict.cost["features"] + 0.165 * verdict.cost["confirmation"] / (
                1 - verdict.cost["confirmation"]
            )
            rows.append([verdict.method, "16.5 %", f"{16.5 + 100 * extra:.1f} %"])
    return rows


def error_rows(metric: InMetric, ks: Sequence[int] = (5, 10, 40, 100)) -> tuple[list[str], Rows]:
    """Headings and a row a feature set: RMSE@K in points, ranked by predicted performance, then by gain."""
    count = max((curve.ks[-1] for curve in metric.errors if curve.ks), default=0)
    wanted = [k for k in (*ks, count) if k <= count and count]
    wanted = list(dict.fromkeys(wanted))
    head = ["predicted from", "form", *(f"K = {k}" for k in wanted), *(f"by gain, K = {k}" for k in wanted)]
    rows = []
    for curve in metric.errors:
        at = {k: place for place, k in enumerate(curve.ks)}
        cells = [
            _at(values, at.get(k, len(curve.ks) - 1 if k == count else None))
            for values in (curve.by_performance, curve.by_gain)
            for k in wanted
        ]
        rows.append([curve.name, curve.form, *cells])
    return head, rows


def _at(values: Sequence[Interval], place: int | None) -> str:
    return "–" if place is None or place >= len(values) or place < 0 else bounded(values[place], 1)


def winner_rows(metric: InMetric) -> tuple[list[str], Rows]:
    """The best transfer of each target: with hindsight, and on seeds that did not choose it."""
    head = [
        "target",
        "best on test, one seed",
        "baseline",
        "with it",
        "best on dev, judged on other seeds",
        "baseline, all seeds",
        "with it, other seeds",
        "gain, points",
    ]
    rows = []
    for one in metric.winners:
        source, top, base = one.hindsight
        chosen = ", ".join(f"{name}{'' if times == 1 else f' ×{times}'}" for name, times in one.chosen)
        gain = "–" if math.isnan(one.gain.mean) else bounded(one.gain, 1, sign=True, factor=100)
        rows.append(
            [
                one.target,
                source or "–",
                *(_number(value) for value in (base, top)),
                chosen or "–",
                *(_number(value) for value in (one.baseline, one.fresh)),
                gain,
            ]
        )
    means = [_mean([one.hindsight[place] for one in metric.winners]) for place in (2, 1)]
    whole = [one for one in metric.winners if not math.isnan(one.gain.mean)]
    after = [_mean([one.baseline for one in whole]), _mean([one.fresh for one in whole])]
    gain = f"{100 * (after[1] - after[0]):+.1f}".replace("-", "−") if whole else "–"
    rows.append(["mean", "", *map(_number, means), "", *map(_number, after), gain])
    return head, rows


def _mean(values: Sequence[float | str]) -> float:
    known = [float(value) for value in values if not math.isnan(float(value))]
    return math.fsum(known) / len(known) if known else math.nan


def _number(value: float) -> str:
    return "–" if math.isnan(value) else number(value)


def comparisons(quality: StudyQuality) -> list[str]:
    """Paired differences in words, and how many were looked at."""
    said = []
    for verdict in quality.verdicts:
        for reference, figures in verdict.against.items():
            parts = [f"{name} {bounded(value, 1, sign=True)}" for name, value in figures.items()]
            if parts:
                said.append(f"{verdict.method} − {reference}: {'; '.join(parts)}")
    chance = (1 - quality.level) * quality.comparisons
    said.append(
        f"{quality.comparisons} comparisons were made, target by target; at {100 * quality.level:.0f} % about "
        f"{chance:.0f} intervals would exclude 0 by chance alone."
    )
    return said


def change_words(quality: StudyQuality) -> str:
    """Which targets change, and what that means."""
    count, of = len(quality.changed), len(quality.truth.targets)
    return (
        f"A target changes if its best source on dev, all seeds together, beats its mean baseline on test: {count} of "
        f"{of}{': ' + ', '.join(quality.changed) if count and count < of else ''}. Chosen with hindsight, as in the "
        "paper, whose averages leave out the others: read it beside the mean over all."
    )
