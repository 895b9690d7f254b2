"""From floats to `Scores`: a source without a score is listed with the reason, never dropped."""

from __future__ import annotations

import math
from collections.abc import Mapping

from forelearn.core.scores import Scores


def as_scores(
    target: str,
    estimator: str,
    values: Mapping[str, float],
    *,
    reason: str,
    failed: Mapping[str, str] | None = None,
) -> Scores:
    """Scores of one target's sources; those that are not finite move to `failed`.

    values: source → score, higher is better, NaN where the estimator has nothing to say.
    reason: why an estimator of this kind has no score (`fewer than 20 shared documents`).
    failed: source → why, for sources that were never scored.
    """
    known = {source: float(value) for source, value in values.items() if math.isfinite(value)}
    unknown = {source: reason for source in values if source not in known}
    return Scores(target, estimator, known, {**unknown, **(failed or {})})
