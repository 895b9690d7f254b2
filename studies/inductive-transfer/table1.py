"""Table 1 of the paper, ours made in the same way, and ours as it holds on seeds that did not choose."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

from forelearn.evaluation.hierarchical import mean_over
from forelearn.evaluation.study_result import InMetric, StudyEvaluation
from forelearn.report.evaluation_rows import bounded
from forelearn.report.wording import metric_name, number, signed

HERE = Path(__file__).resolve().parent


def table1(found: StudyEvaluation) -> str:
    """All tables, the published one first."""
    parts = [
        "**Published** (BERT, TREC-IS 2020-A, the best of a grid on test, one run each)",
        published_table(),
    ]
    for name in ("f1", "average_precision"):
        shown = metric_name(name)
        parts.append(
            f"**Ours, made in the same way**: {shown}, the best of all sources on test, one seed each"
        )
        parts.append(with_hindsight(found, of(found, name)))
    for name in ("f1", "average_precision"):
        parts.append(
            f"**Ours, as it holds**: {metric_name(name)}, the best of all sources on dev by some seeds, valued on "
            "test by the others; a target's interval is of 90 % from run noise, the mean's from the bootstrap over "
            "targets"
        )
        parts.append(as_it_holds(of(found, name)))
    return "\n\n".join(parts)


def of(found: StudyEvaluation, name: str) -> InMetric:
    """The part of the evaluation in one metric."""
    return next(one for one in found.metrics if one.quality.truth.metric == name)


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; bars in names are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def published_table() -> str:
    """Table 1 as printed."""
    with (HERE / "published.csv").open(encoding="utf-8", newline="") as file:
        paper = list(csv.DictReader(file))
    names = ("baseline_f1", "transfer_f1", "baseline_accuracy", "transfer_accuracy")
    means = {name: f"{sum(float(row[name]) for row in paper) / len(paper):.4f}" for name in names}
    mean = {"target": f"mean of {len(paper)} (4 more are left out)", "transfer_from": "", **means}
    rows = []
    for row in [*paper, mean]:
        gain = signed(100 * (float(row["transfer_f1"]) - float(row["baseline_f1"])), 1)
        values = [row[name] for name in names]
        rows.append([row["target"], row["transfer_from"], *values[:2], gain, *values[2:]])
    return markdown(_head("F1"), rows)


def _head(name: str) -> list[str]:
    return ["target", "transfer from", name, f"{name} with it", "points", "accuracy", "accuracy with it"]


def with_hindsight(found: StudyEvaluation, metric: InMetric) -> str:
    """The source with the best test performance in one run, beside the baseline's run of that seed."""
    truth, accuracy = metric.quality.truth, found.truths["accuracy"].test
    first = truth.search_seeds[0]
    rows: list[list[str]] = []
    values: list[list[float]] = []
    for row, one in enumerate(metric.winners):
        source, top, base = one.hindsight
        beside = (accuracy.baselines[row, first], accuracy.pairs[row, truth.sources.index(source), first])
        values.append([base, top, 100 * (top - base), *map(float, beside)])
        rows.append([one.target, source, *_cells(values[-1])])
    means = [math.fsum(column) / len(column) for column in zip(*values, strict=True)]
    cells = _cells(means)
    cells[2] = bounded(mean_over([[value[2]] for value in values]), 1, sign=True)
    return markdown(_head(metric_name(truth.metric)), [*rows, [f"mean of {len(rows)}", "", *cells]])


def _cells(values: Sequence[float]) -> list[str]:
    base, top, gain, accuracy, other = values
    return [number(base), number(top), signed(gain, 1), number(accuracy), number(other)]


def as_it_holds(metric: InMetric) -> str:
    """The source that some seeds choose on dev, valued on test with the others."""
    rows = []
    known = [one for one in metric.winners if not math.isnan(one.gain.mean)]
    for one in metric.winners:
        chosen = ", ".join(f"{name}{'' if times == 1 else f' ×{times}'}" for name, times in one.chosen)
        values = ["–", "–"]
        if one in known:
            values = [number(one.fresh), bounded(one.gain, 1, sign=True, factor=100)]
        rows.append([one.target, chosen or "–", number(one.baseline), *values])
    if known:
        levels = [
            math.fsum(getattr(one, side) for one in known) / len(known) for side in ("baseline", "fresh")
        ]
        mean = bounded(mean_over([[100 * one.gain.mean] for one in known]), 1, sign=True)
        rows.append([f"mean of {len(known)}", "", *map(number, levels), mean])
    name = metric_name(metric.quality.truth.metric)
    return markdown(
        ["target", "transfer from (seeds that chose it)", name, f"{name} with it", "points"], rows
    )
