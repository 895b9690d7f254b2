"""What was measured on a study, in words and in cells that the terminal, the page and a README share."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from forelearn.evaluation.intervals import Interval
from forelearn.evaluation.study_quality import StudyQuality
from forelearn.evaluation.study_result import InMetric, StudyEvaluation
from forelearn.report.evaluation_rows import bounded
from forelearn.report.wording import metric_name, number

Rows = list[list[str]]

MAIN = ("random", "static", "F1", "F1+ANSAT", "ours")
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
    """What was looked at, in one line; a table that is still growing says how far it is."""
    truth = found.metrics[0].quality.truth
    ran = np.isfinite(truth.test.pairs).sum(axis=(0, 1))
    whole = int(truth.candidates.sum())
    seeds = [
        f"seed {seed}" + ("" if count == whole else f" ({count})")
        for seed, count in zip(truth.seeds, ran.tolist(), strict=True)
        if count
    ]
    return (
        f"{found.name}: {len(truth.targets)} targets × {len(truth.sources)} sources, {whole} pairs on "
        f"{', '.join(seeds) or 'no seed'}, {found.runs} runs"
    )


def reliability_rows(found: StudyEvaluation) -> tuple[list[str], Rows]:
    """What the truth can support, a column a metric: to be read before any figure of a method."""
    head = ["test, unless said otherwise", *(metric_name(one.quality.truth.metric) for one in found.metrics)]
    noises = [one.quality.noise for one in found.metrics]
    rows = [
        [
            f"two seeds agree on the order of sources, {side} (Spearman)",
            *(bounded(n.agreement[side], 2) for n in noises),
        ]
        for side in ("test", "dev")
    ]
    rows.append(["dev and test of one seed agree", *(bounded(n.agreement["dev → test"], 2) for n in noises)])
    for title, name in (
        ("SD of baselines between seeds, points", "baseline_sd"),
        ("SD of pairs between seeds", "pair_sd"),
        ("SD of the pairs' means across the sources of a target", "source_sd"),
        ("of which more than seed noise", "true_source_sd"),
    ):
        rows.append([title, *(bounded(getattr(n, name), 1) for n in noises)])
    rows.append(["pairs that gain nothing, %", *(bounded(n.harmful, 0, factor=100) for n in noises)])
    for key in dict.fromkeys(key for n in noises for key in n.best):
        count, what, side = key
        tried = f"{count} re-seeded baselines" if what == "baselines" else f"{count} sources"
        how = "picked on test, as the paper picks" if side == "test" else "picked on dev"
        values = [bounded(n.best.get(key), 1, sign=True) for n in noises]
        rows.append([f"points gained by the best single run of {tried}, {how}", *values])
    return head, rows


def warning(found: StudyEvaluation) -> list[str]:
    """A sentence for each metric in which seeds do not agree on the order of sources, or nothing says that they do."""
    lines = []
    for one in found.metrics:
        agreed = one.quality.noise.agreement["test"]
        if agreed.low > 0:
            continue
        why = "seeds do not agree on the order of sources"
        if not math.isfinite(agreed.mean):
            why = "no two seeds have run, so whether seeds agree on the order of sources is not known"
        lines.append(f"{metric_name(one.quality.truth.metric)}: {why}; read no order's lead as real.")
    return lines


def in_short(found: StudyEvaluation) -> tuple[list[str], Rows]:
    """Points on test of the runs in hand at 49.5 %, over no transfer: controls and main orders, a column a metric."""
    head = [
        "runs in hand, over no transfer",
        *(metric_name(one.quality.truth.metric) for one in found.metrics),
    ]
    cells: dict[str, list[str]] = {}
    for one in found.metrics:
        for verdict in one.quality.verdicts:
            value = verdict.against.get("no transfer", {}).get("in_hand@49.5")
            if value is not None and (verdict.kind == "control" or verdict.method in MAIN):
                cells.setdefault(verdict.method, []).append(bounded(value, 1, sign=True))
    return head, [[name, *values] for name, values in cells.items()]


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

    found = [
        cell("lost@16.5"),
        cell("lost_share@16.5", 2),
        cell("lost@49.5"),
        cell("lost_share@49.5", 2),
        cell("counted_lost@16.5"),
        cell("counted_lost@49.5"),
        cell("in_hand@16.5", 3),
        cell("in_hand@49.5", 3),
    ]
    return [text.replace("inf", "∞") for text in found]


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
