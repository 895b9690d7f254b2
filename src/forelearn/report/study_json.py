"""What was measured on a study, as JSON: one object a method and metric, keys as in docs/evaluate-study.md."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from forelearn.evaluation.errors_at import ErrorCurve
from forelearn.evaluation.intervals import Interval
from forelearn.evaluation.noise import Noise
from forelearn.evaluation.study_quality import Curve, StudyVerdict
from forelearn.evaluation.study_result import InMetric, StudyEvaluation


def study_rows(found: StudyEvaluation) -> list[dict[str, Any]]:
    """One object a method and metric, the deciding metric first; methods in the order they were judged."""
    rows: list[dict[str, Any]] = []
    for metric in found.metrics:
        shared = _shared(found, metric)
        errors = {curve.name: curve for curve in metric.errors}
        for verdict in metric.quality.verdicts:
            rows.append({**_verdict(verdict), "rmse": _errors(errors.pop(verdict.method, None)), **shared})
        rows += [
            {"method": curve.name, "kind": "rule", "figures": {}, "rmse": _errors(curve), **shared}
            for curve in errors.values()
        ]
    return rows


def _shared(found: StudyEvaluation, metric: InMetric) -> dict[str, Any]:
    quality = metric.quality
    truth = quality.truth
    return {
        "study": found.name,
        "metric": truth.metric,
        "targets": len(truth.targets),
        "sources": len(truth.sources),
        "seeds": list(truth.seeds),
        "search_seeds": [truth.seeds[place] for place in truth.search_seeds],
        "targets_that_change": list(quality.changed),
        "runs": found.runs,
        "reliability": _noise(quality.noise),
        "winners": [
            {
                "target": one.target,
                "hindsight": dict(
                    zip(("source", "performance", "baseline"), map(_plain, one.hindsight), strict=True)
                ),
                "chosen": dict(one.chosen),
                "performance": _plain(one.fresh),
                "baseline": _plain(one.baseline),
                "gain": interval(one.gain),
            }
            for one in metric.winners
        ],
        "comparisons": quality.comparisons,
        "level": quality.level,
        "draws": quality.draws,
        "seed": quality.seed,
    }


def _verdict(verdict: StudyVerdict) -> dict[str, Any]:
    return {
        "method": verdict.method,
        "kind": verdict.kind,
        "sees": verdict.sees,
        "figures": _intervals(verdict.figures),
        "figures_where_targets_change": _intervals(verdict.changed),
        "cost": dict(verdict.cost),
        "band": {name: [_plain(low), _plain(high)] for name, (low, high) in verdict.band.items()},
        "against": {reference: _intervals(figures) for reference, figures in verdict.against.items()},
        "curve": _curve(verdict.curve),
    }


def _curve(curve: Curve | None) -> dict[str, Any] | None:
    if curve is None:
        return None
    return {
        "share": list(curve.shares),
        "fresh": [interval(value) for value in curve.fresh],
        "in_hand": [interval(value) for value in curve.in_hand],
    }


def _errors(curve: ErrorCurve | None) -> dict[str, Any] | None:
    if curve is None:
        return None
    return {
        "form": curve.form,
        "k": list(curve.ks),
        "by_performance": [interval(value) for value in curve.by_performance],
        "by_gain": [interval(value) for value in curve.by_gain],
    }


def _noise(found: Noise) -> dict[str, Any]:
    names = ("baseline_sd", "pair_sd", "source_sd", "true_source_sd", "harmful")
    return {
        "agreement": _intervals(found.agreement),
        **{name: interval(getattr(found, name)) for name in names},
        "best": [
            {"runs": count, "of": what, "picked_on": side, "gain": interval(value)}
            for (count, what, side), value in found.best.items()
        ],
    }


def _intervals(found: Mapping[str, Interval]) -> dict[str, Any]:
    return {name: interval(value) for name, value in found.items()}


def interval(value: Interval) -> dict[str, float | int | None]:
    """Mean, bounds (None where unknown), and for how many targets it is defined and undefined."""
    return {
        "mean": _plain(value.mean),
        "low": _plain(value.low),
        "high": _plain(value.high),
        "targets": value.targets,
        "undefined": value.undefined,
    }


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
