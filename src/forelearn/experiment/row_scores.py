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


def half_samples(
    targets: NDArray[Any], *, seed: int, count: int = HALVES, examples: NDArray[np.int64] | None = None
) -> list[NDArray[np.int64]]:
    """`count` halves of the rows, each class halved on its own; where a class has an odd row, chance decides.

    targets: [n], class indices (integers) or values. examples: [n], which example each row is of: where some have
    several (choices, words), halves of the examples, for rows of one example are not independent; each counts for the
    rarest of its classes.
    """
    chance = np.random.default_rng(seed)
    if examples is not None and len(np.unique(examples)) < len(examples):
        _, unit = np.unique(examples, return_inverse=True)
        classes = np.zeros(int(unit.max()) + 1, np.int64)
        if targets.dtype.kind in "iub":
            labels, of = np.unique(targets, return_inverse=True)
            rank = np.bincount(of).argsort(kind="stable").argsort(kind="stable")  # 0 is the rarest class
            classes[:] = len(labels)
            np.minimum.at(classes, unit, rank[of])
    else:
        unit = np.arange(len(targets))
        classes = targets if targets.dtype.kind in "iub" else np.zeros(len(targets), np.int64)
    groups = [np.flatnonzero(classes == label) for label in np.unique(classes)]
    halves = []
    for _ in range(count):
        kept = np.zeros(len(classes), bool)
        for units in groups:
            # a class of one row stays: without it the classes would not be the same
            size = max(1, (len(units) + int(chance.integers(2))) // 2)
            kept[chance.choice(units, size, replace=False)] = True
        halves.append(np.flatnonzero(kept[unit]))
    return halves


def by_features(
    features: NDArray[Any], targets: NDArray[Any], *, seed: int, examples: NDArray[np.int64] | None = None
) -> dict[str, Scored]:
    """Every score of `BY_FEATURES`. features: [n, d]. targets: [n], classes or values. examples: as in `half_samples`;
    kNN leaves out the whole example of a row.
    """
    halves = half_samples(targets, seed=seed, examples=examples)
    rows = np.asarray(features, np.float64)
    own = np.arange(len(rows)) if examples is None else examples

    def score(name: str) -> Callable[[NDArray[np.int64]], float]:
        if name == "knn":
            return lambda part: knn(rows[part], targets[part], examples=own[part])
        return lambda part: BY_FEATURES[name](rows[part], targets[part])

    return {name: _scored(score(name), len(rows), halves) for name in BY_FEATURES}


def by_predictions(
    probabilities: NDArray[np.float64],
    targets: NDArray[Any],
    *,
    seed: int,
    examples: NDArray[np.int64] | None = None,
) -> dict[str, Scored]:
    """LEEP and NCE. probabilities: [n, Z] of the source's labels. targets: [n] classes. examples: as above."""
    halves = half_samples(targets, seed=seed, examples=examples)
    hard = probabilities.argmax(axis=1)
    return {
        "leep": _scored(lambda part: leep(probabilities[part], targets[part]), len(targets), halves),
        "nce": _scored(lambda part: nce(hard[part], targets[part]), len(targets), halves),
    }


def _scored(
    function: Callable[[NDArray[np.int64]], float],
    rows: int,
    halves: list[NDArray[np.int64]],
) -> Scored:
    began = time.perf_counter()
    try:
        value = float(function(np.arange(rows)))
    except ValueError as error:  # what an estimator raises for rows that it is not defined for
        return Scored(None, reason=str(error))
    seconds = time.perf_counter() - began
    found: list[float] = []
    for half in halves:
        try:
            found.append(float(function(half)))
        except ValueError:
            return Scored(value, seconds=seconds)  # too few rows to halve: no spread
    return Scored(value, tuple(found), seconds=seconds)
