"""The order of one target's sources before any pair is trained, and its views."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from forelearn.core.keys import plain
from forelearn.report.summary import Interval


@dataclass(frozen=True, slots=True)
class RankedSource:
    """One source. rank: 1 is best; ties share the smallest; None if nothing could score it.

    score: fused, standardised within the target; higher is better. scores: estimator → value, None if it has none.
    predicted: gain with its interval, where the predictor could be fitted. obtained: dev gain of a run that the
    store has. reason: why there is no score.
    """

    source: str
    rank: int | None
    score: float | None
    scores: Mapping[str, float | None]
    predicted: Interval | None = None
    obtained: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Sources of `target`, best first, those without a score last. notes: fallbacks in words."""

    target: str
    metric: str
    estimators: tuple[str, ...]
    rows: tuple[RankedSource, ...]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        value: dict[str, Any] = plain(self)
        return value


def ranking_csv(ranking: Ranking) -> str:
    """One row a source: rank, source, score, each estimator, predicted gain, obtained gain."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["rank", "source", "score", *ranking.estimators, "predicted", "low", "high", "obtained", "reason"]
    )
    for row in ranking.rows:
        predicted = row.predicted
        bounds = [predicted.mean, predicted.low, predicted.high] if predicted else ["", "", ""]
        values = [row.scores.get(name) for name in ranking.estimators]
        writer.writerow([row.rank, row.source, row.score, *values, *bounds, row.obtained, row.reason])
    return text.getvalue()


def show_ranking(ranking: Ranking) -> None:
    """The ranking as a table on stdout."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(f"What to learn before {ranking.target}"), box=box.SIMPLE_HEAD, title_justify="left"
    )
    table.add_column("", justify="right")
    table.add_column("source", overflow="fold")
    table.add_column("fused", justify="right")
    console = Console()
    # on a narrow terminal the single scores would squeeze the names: they are in --json and --csv
    wide = console.width >= 72 + 10 * len(ranking.estimators)
    shown = ranking.estimators if wide else ()
    for name in shown:
        table.add_column(name, justify="right")
    predicted = any(row.predicted for row in ranking.rows)
    obtained = any(row.obtained is not None for row in ranking.rows)
    if predicted:
        table.add_column("predicted gain", justify="right", no_wrap=True)
    if obtained:
        table.add_column("obtained on dev", justify="right")
    for row in ranking.rows:
        cells = [str(row.rank or "–"), row.source, _number(row.score, "+.2f")]
        cells += [_number(row.scores.get(name), ".3f") for name in shown]
        if predicted:
            interval = row.predicted
            cells.append(
                f"{interval.mean:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]" if interval else ""
            )
        if obtained:
            cells.append(_number(row.obtained, "+.3f") if row.obtained is not None else "")
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)
    console.print(Text(f"fused: rank fusion of {', '.join(ranking.estimators)}; mean 0, higher is better."))
    for note in ranking.notes:
        console.print(Text(f"Note: {note}"))
    for row in ranking.rows:
        if row.reason:
            console.print(Text(f"{row.source}: {row.reason}"))


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
