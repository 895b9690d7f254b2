"""The order of one target's sources before any pair is trained, as one value."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from forelearn.core.keys import plain
from forelearn.core.task import Kind
from forelearn.report.summary import Decision, Interval


@dataclass(frozen=True, slots=True)
class ScoreCell:
    """A score and its spread over halves of the target's rows. value: None if there is none, for `reason`.

    low, high: None where the method does not depend on the target's rows.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RankedSource:
    """One source. rank: 1 is best; ties share the smallest; None if nothing could score it.

    low, high: where its rank lies over halves of the target's rows. tied: it cannot be told from the best.
    score: fused, standardised within the target; higher is better. scores: method → its score.
    predicted: expected gain with its interval. chance: probability that it gains anything.
    obtained: dev gain of a run that the store has. reason: why there is no score, or why it is set aside.
    leak: what of the target's test rows the source holds, in words; empty for nothing.
    eligible: it may be recommended.
    """

    source: str
    rank: int | None
    score: float | None
    scores: Mapping[str, ScoreCell]
    low: int | None = None
    high: int | None = None
    tied: bool = False
    predicted: Interval | None = None
    chance: float | None = None
    obtained: float | None = None
    reason: str = ""
    leak: str = ""
    eligible: bool = True


@dataclass(frozen=True, slots=True)
class Beside:
    """A baseline order that any ranking must beat. first: the source that it would take; None without scores.

    agreement: Kendall's τ-b between its order and the shown one; None where it is not defined.
    """

    method: str
    first: str | None
    agreement: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EffortRow:
    """What a method took: passes in examples, units of training, seconds. kept: all of it in an earlier call."""

    method: str
    forward: int
    backward: int
    units: float
    seconds: float
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do, before training. source: the leader. tied: all that it cannot be told from, it first. What a search
    that has come to its end has answered may be no row of the ranking, but any of its candidates.

    basis: what the expected gains rest on, in words.
    """

    decision: Decision
    source: str
    tied: tuple[str, ...]
    chance: float | None
    reason: str
    basis: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """Sources of `target`, best first, those without a score last. estimators: the methods that are fused.

    notes: fallbacks in words. level: of every interval.
    """

    target: str
    metric: str
    kind: Kind
    level: float
    estimators: tuple[str, ...]
    rows: tuple[RankedSource, ...]
    advice: Advice
    beside: tuple[Beside, ...]
    efforts: tuple[EffortRow, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        value: dict[str, Any] = plain(self)
        return value


def ranking_csv(ranking: Ranking) -> str:
    """One row a source: rank and its interval, score, each method, expected and obtained gain, what is odd."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = ["rank", "rank_low", "rank_high", "tied", "source", "score", *ranking.estimators]
    writer.writerow([*head, "predicted", "low", "high", "chance", "obtained", "leak", "reason"])
    for row in ranking.rows:
        predicted = row.predicted
        bounds = [predicted.mean, predicted.low, predicted.high] if predicted else ["", "", ""]
        values = [row.scores[name].value if name in row.scores else None for name in ranking.estimators]
        tied = "yes" if row.tied else ""
        places = [row.rank, row.low, row.high, tied, row.source, row.score]
        writer.writerow([*places, *values, *bounds, row.chance, row.obtained, row.leak, row.reason])
    return text.getvalue()
