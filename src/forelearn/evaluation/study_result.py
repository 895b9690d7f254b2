"""All that `forelearn evaluate STUDY` measured, as one value for its views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from forelearn.core.run import Cost
from forelearn.evaluation.errors_at import ErrorCurve
from forelearn.evaluation.study_quality import StudyQuality
from forelearn.evaluation.truth import Truth
from forelearn.evaluation.winners import Winner


@dataclass(frozen=True, slots=True)
class InMetric:
    """All that was measured in one metric. errors: RMSE@K of every feature set, rule and floor."""

    quality: StudyQuality
    errors: tuple[ErrorCurve, ...]
    winners: tuple[Winner, ...]


@dataclass(frozen=True, slots=True)
class StudyEvaluation:
    """metrics: the deciding one first. origin: where the runs come from. runs: how many.

    seconds: measured, of all runs. exhaustive_seconds: of one run of every pair and one baseline a target.
    features: what features cost; None without `features.csv`. truths: metric → truth, of every metric measured.
    order: tasks as the study names them, which is how drawings stand; others follow by name.
    """

    name: str
    origin: str
    runs: int
    seconds: float
    exhaustive_seconds: float
    features: Mapping[str, Cost] | None
    metrics: tuple[InMetric, ...]
    truths: Mapping[str, Truth]
    order: tuple[str, ...] = ()
