"""The summary as flat rows: CSV, and a DataFrame where pandas is there."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, Literal

from forelearn.core.errors import InputError, Problem, did_you_mean
from forelearn.report.summary import Answer, BaselineRow, Interval, PairRow, Summary

if TYPE_CHECKING:
    import pandas

Table = Literal["answers", "pairs", "baselines", "costs", "failures"]
Row = dict[str, Any]


def rows(summary: Summary, table: Table = "pairs") -> list[Row]:
    """One flat dict a row, all with the same keys in the same order; None where there is no value.

    Lists (sources, seeds, keys) are joined with ` | `. Raises InputError for an unknown table.
    """
    if table == "answers":
        return [_answer(answer, summary) for answer in summary.answers]
    if table == "pairs":
        return [_pair(pair, summary) for pair in summary.pairs]
    if table == "baselines":
        return [_baseline(row, summary) for row in summary.baselines]
    if table == "costs":
        whole = [] if summary.exhaustive is None else [summary.exhaustive]
        return [
            {"stage": row.stage, "runs": row.runs, "units": row.units, "seconds": row.seconds}
            for row in (*summary.costs, *whole)
        ]
    if table == "failures":
        return [{"key": row.key, "transfer": row.label, "reason": row.reason} for row in summary.failures]
    known = ("answers", "pairs", "baselines", "costs", "failures")
    raise InputError(
        Problem("table", f"`{table}` is not a table of the results.", did_you_mean(table, known))
    )


def csv_text(summary: Summary, *, table: Table = "pairs") -> str:
    """The rows as CSV with a header line and `\\n` ends; empty cells for None, floats as they read back."""
    found = rows(summary, table)
    text = io.StringIO()
    if found:
        writer = csv.DictWriter(text, fieldnames=list(found[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
    return text.getvalue()


def data_frame(summary: Summary, *, table: Table = "pairs") -> pandas.DataFrame:
    """The rows as a DataFrame. Raises InputError where pandas is not installed."""
    found = rows(summary, table)
    try:
        import pandas
    except ImportError as missing:
        problem = Problem(
            "pandas",
            "is needed for a DataFrame and is not installed.",
            "Install it (`pip install 'forelearn[pandas]'`), or take `rows(summary)`, plain dicts.",
        )
        raise InputError(problem) from missing
    return pandas.DataFrame(found)


def _interval(name: str, value: Interval | None) -> Row:
    if value is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: value.mean, f"{name}_low": value.low, f"{name}_high": value.high}


def _joined(values: tuple[object, ...]) -> str:
    return " | ".join(map(str, values))


def _metric(task: str, summary: Summary) -> str:
    row = summary.task(task)
    return summary.metric if row is None else row.metric


def _answer(answer: Answer, summary: Summary) -> Row:
    return {
        "target": answer.target,
        "metric": _metric(answer.target, summary),
        "decision": answer.decision,
        "mode": answer.mode,
        "sources": _joined(answer.sources),
        **_interval("gain", answer.gain),
        "seeds": answer.n_seeds,
        **_interval("predicted", answer.predicted),
        "baseline": answer.baseline,
        "performance": answer.performance,
        "negative": _joined(answer.negative),
        "runs": answer.runs,
        "seconds": answer.seconds,
        "weights_key": answer.weights_key,
        "reason": answer.reason,
        "more": answer.more,
        "more_runs": None if answer.further is None else answer.further.runs,
        "more_seconds": None if answer.further is None else answer.further.seconds,
        "runs_an_hour": None if answer.further is None else answer.further.runs_an_hour,
    }


def _pair(pair: PairRow, summary: Summary) -> Row:
    got = pair.obtained
    names = dict.fromkeys(name for row in summary.pairs for name in row.features)
    return {
        "source": pair.source,
        "target": pair.target,
        "metric": _metric(pair.target, summary),
        "mode": pair.mode,
        "status": pair.status,
        "prior": pair.prior,
        **_interval("predicted", pair.predicted),
        "gain_dev": None if got is None else got.dev,
        "gain_test": None if got is None else got.test,
        "gain_test_low": None if got is None or got.interval is None else got.interval.low,
        "gain_test_high": None if got is None or got.interval is None else got.interval.high,
        "seeds": "" if got is None else _joined(got.seeds),
        **_interval("confirmed", pair.confirmed),
        **{f"feature_{name}": pair.features.get(name) for name in names},
        "keys": _joined(pair.keys),
        "reason": pair.reason,
    }


def _baseline(row: BaselineRow, summary: Summary) -> Row:
    names = dict.fromkeys(name for other in summary.baselines for name in other.others)
    recipe = dict.fromkeys(name for other in summary.baselines for name in other.recipe)
    return {
        "task": row.task,
        "metric": _metric(row.task, summary),
        "mean_dev": row.mean_dev,
        "mean_test": row.mean_test,
        "seeds": _joined(row.seeds),
        "dev": _joined(row.dev),
        "test": _joined(row.test),
        "thresholds": _joined(row.thresholds),
        **{f"test_{name}": row.others.get(name) for name in names},
        **{f"recipe_{name}": row.recipe.get(name) for name in recipe},
        "keys": _joined(row.keys),
    }
