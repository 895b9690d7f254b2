"""What was measured on tables, as JSON and in words: one object a method and table, keys as documented."""

from __future__ import annotations

import math
from typing import Any

from forelearn.evaluation.intervals import Interval
from forelearn.evaluation.quality import Quality
from forelearn.report.wording import number, signed


def as_json(quality: Quality) -> list[dict[str, Any]]:
    """One object a method, in the order they were judged; docs/tables.md says what each key means."""
    table, found = quality.table, quality.reliability
    shared = {
        "targets": len(table.targets),
        "sources": len(table.sources),
        "pairs": int(table.candidates.sum()),
        "seeds": len(table.seeds),
        "baseline_known": int(table.known.sum()),
        "scale": "fraction" if table.unit == 100 else "percent",
        "reliability": {
            "agreement": _interval(found.agreement),
            "harmful": _interval(found.harmful),
            "seed_sd": _interval(found.seed_sd),
            "source_sd": _interval(found.source_sd),
        },
        "counts": dict(table.counts),
        "comparisons": quality.comparisons,
        "level": quality.level,
        "draws": quality.draws,
        "seed": quality.seed,
    }
    return [
        {
            "table": table.name,
            "method": verdict.method,
            "kind": verdict.kind,
            "sees": verdict.sees,
            "figures": {name: _interval(value) for name, value in verdict.figures.items()},
            "band": {name: [_finite(low), _finite(high)] for name, (low, high) in verdict.band.items()},
            "against": {
                reference: {name: _interval(value) for name, value in figures.items()}
                for reference, figures in verdict.against.items()
            },
            **shared,
        }
        for verdict in quality.verdicts
    ]


def heading(quality: Quality) -> str:
    """What the table is, in one line."""
    table = quality.table
    known = int(table.known.sum())
    judged = (
        "gains over a baseline"
        if known == len(table.targets)
        else "performances, no baseline known"
        if not known
        else f"a baseline is known for {known} targets"
    )
    seeds = f"{len(table.seeds)} seeds" if len(table.seeds) > 1 else "one seed"
    return f"{table.name}: {len(table.targets)} targets × {len(table.sources)} sources, {seeds}, {judged}"


def reliability_words(quality: Quality) -> str:
    """What the table can support, to be read before any figure of a method."""
    found = quality.reliability
    spread = f"SD across the sources of a target {bounded(found.source_sd, 1)} points"
    harm = "" if found.harmful is None else f" {100 * found.harmful.mean:.0f} % of the pairs gain nothing."
    if found.agreement is None or found.seed_sd is None:
        return (
            f"Reliability unknown: one seed, so nothing tells an effect from luck, and the best source is the "
            f"plain maximum. {spread}.{harm}"
        )
    words = (
        f"Reliability: two seeds agree on the order of sources at {bounded(found.agreement, 2)} (Spearman); "
        f"SD over seeds {bounded(found.seed_sd, 1)} points, {spread}.{harm}"
    )
    if not found.agreement.low > 0:
        words += " Seeds do not agree: read no method's lead as real."
    return words


def comparison_words(quality: Quality) -> str:
    """How many differences were looked at, and how many would stand out by chance."""
    made, chance = quality.comparisons, (1 - quality.level) * quality.comparisons
    return (
        f"{made} comparisons were made; at {100 * quality.level:.0f} % about {chance:.0f} intervals would exclude "
        "0 by chance alone."
    )


def handled_words(quality: Quality) -> str:
    """What was found and handled in the table, and for how many targets a figure is undefined."""
    undefined: dict[str, int] = {}
    for verdict in quality.verdicts:
        for name, value in verdict.figures.items():
            undefined[name] = max(undefined.get(name, 0), value.undefined)
    parts = [f"{name} {count}" for name, count in quality.table.counts.items() if name != "rows"]
    gone = [f"{name} for {count} targets" for name, count in undefined.items() if count]
    said = f"Counted: {'; '.join(parts) or 'nothing odd'}."
    return said + (f" Undefined at most: {'; '.join(gone)}." if gone else "")


def bounded(value: Interval | None, places: int, *, sign: bool = False, factor: float = 1.0) -> str:
    """`5.4 (3.6 to 7.4)`; a dash where there is none."""
    if value is None or math.isnan(value.mean):
        return "–"
    show = signed if sign else number
    mean, low, high = (show(factor * part, places) for part in (value.mean, value.low, value.high))
    return mean if math.isinf(value.low) else f"{mean} ({low} to {high})".replace("inf", "∞")


def _interval(value: Interval | None) -> dict[str, float | int | None] | None:
    if value is None:
        return None
    return {
        "mean": _finite(value.mean),
        "low": _finite(value.low),
        "high": _finite(value.high),
        "targets": value.targets,
        "undefined": value.undefined,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
