"""Scores of one source for one target from the target's rows, with their spread over the rows.

The spread is that of half-samples (McCarthy 1969): halves of the rows drawn without putting back. The variance
of a mean over halves is the variance of the mean over all rows, and no row stands twice, which would make it its
own nearest neighbour (kNN) or copy (PARC), as in a plain bootstrap. All sources of a target are scored on the same
halves, so that their ranks can be compared half by half.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forelearn.estimators.gbc import gbc
from forelearn.estimators.hscore import hscore
from forelearn.estimators.knn import knn
from forelearn.estimators.leep import leep
from forelearn.estimators.logme import logme
from forelearn.estimators.nce import nce
from forelearn.estimators.parc import parc
from forelearn.estimators.transrate import transrate

BY_FEATURES: Mapping[str, Callable[[Any, Any], float]] = {
    "logme": logme,
    "hscore": hscore,
    "transrate": transrate,
    "gbc": gbc,
    "parc": parc,
    "knn": knn,
}
"""Name → score of the target's features [n, d] under the source's encoder, and their targets [n]."""

BY_PREDICTIONS = ("leep", "nce")
"""Scores of what the source's head says of the target's rows."""

HALVES = 32


@dataclass(frozen=True, slots=True)
class Scored:
    """A score. value: None if it could not be had, for `reason`. halves: [HALVES], on halves of the rows; may be empty.

    seconds: what the estimator itself took, halves left out.
    """

    value: float | None
    halves: tuple[float, ...] = ()
    reason: str = ""
    seconds: float = 0.0


def over_seeds(scored: Sequence[Scored]) -> Scored:
    """One score of several seeds' models: their mean; on half i, that of seed i modulo their number."""
    known = [one for one in scored if one.value is not None]
    if not known:
        return scored[0]
    count = min(len(one.halves) for one in known)
    return Scored(
        fmean(one.value for one in known if one.value is not None),
        tuple(known[half % len(known)].halves[half] for half in range(count)),
        seconds=sum(one.seconds for one in known),
    )


def half_samples(targets: NDArray[Any], *, seed: int, count: int = HALVES) -> list[NDArray[np.int64]]:
    """`count` halves of the rows, each class halved on its own; where a class has an odd row, chance decides.

    targets: [n], class indices (integers) or values.
    """
    chance = np.random.default_rng(seed)
    classes = targets if targets.dtype.kind in "iub" else np.zeros(len(targets), np.int64)
    groups = [np.flatnonzero(classes == label) for label in np.unique(classes)]
    halves = []
    for _ in range(count):
        kept = []
        for rows in groups:
            # a class of one row stays: without it the classes would not be the same
            size = max(1, (len(rows) + int(chance.integers(2))) // 2)
            kept.append(chance.choice(rows, size, replace=False))
        halves.append(np.sort(np.concatenate(kept)))
    return halves


def by_features(features: NDArray[Any], targets: NDArray[Any], *, seed: int) -> dict[str, Scored]:
    """Every score of `BY_FEATURES`. features: [n, d]. targets: [n], classes or values."""
    halves = half_samples(targets, seed=seed)
    rows = np.asarray(features, np.float64)
    return {
        name: _scored(function, lambda part: (rows[part], targets[part]), len(rows), halves)
        for name, function in BY_FEATURES.items()
    }


def by_predictions(
    probabilities: NDArray[np.float64], targets: NDArray[Any], *, seed: int
) -> dict[str, Scored]:
    """LEEP and NCE. probabilities: [n, Z] of the source's labels. targets: [n] classes."""
    halves = half_samples(targets, seed=seed)
    hard = probabilities.argmax(axis=1)
    return {
        "leep": _scored(leep, lambda part: (probabilities[part], targets[part]), len(targets), halves),
        "nce": _scored(nce, lambda part: (hard[part], targets[part]), len(targets), halves),
    }


def _scored(
    function: Callable[[Any, Any], float],
    given: Callable[[NDArray[np.int64]], tuple[Any, Any]],
    rows: int,
    halves: list[NDArray[np.int64]],
) -> Scored:
    began = time.perf_counter()
    try:
        value = float(function(*given(np.arange(rows))))
    except ValueError as error:  # what an estimator raises for rows that it is not defined for
        return Scored(None, reason=str(error))
    seconds = time.perf_counter() - began
    found: list[float] = []
    for half in halves:
        try:
            found.append(float(function(*given(half))))
        except ValueError:
            return Scored(value, seconds=seconds)  # too few rows to halve: no spread
    return Scored(value, tuple(found), seconds=seconds)
