"""What the tables of the README rest on: the files beside this one, and nothing else.

results.csv (pairs and baselines), features.csv (every method's scores), tasks.csv (what each task is, what chance
reaches on it) and leaks.csv (pairs whose source holds rows of the target's test; they are no candidates).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forelearn.core.scores import Scores
from forelearn.estimators.fusion import fuse
from forelearn.evaluation.intervals import Interval
from forelearn.evaluation.table import mean_known
from forelearn.evaluation.truth import Side, Truth
from forelearn.experiment.evaluate import features_for, opened, results_for
from forelearn.experiment.features_table import Features
from forelearn.experiment.results_table import deciding_of, truth_of
from forelearn.search.space import LONGER

HERE = Path(__file__).resolve().parent

CLASSES = {
    "sequence labelling": ("ATIS slots", "WNUT-17", "UD parts of speech"),
    "question answering": ("XQuAD first half", "XQuAD second half", "BoolQ"),
}
"""The classes of Vu et al.; every other task, the multiple choice too, is classification or regression."""
OTHER = "classification or regression"

FUSED = {
    "textemb_raw + taskemb": ("textemb_raw", "taskemb"),
    "knn + textemb_raw": ("knn", "textemb_raw"),
    "leep + knn + textemb_raw": ("leep", "knn", "textemb_raw"),
    "logme + leep + textemb + esm": ("logme", "leep", "textemb", "esm"),
}
"""Fusions by reciprocal rank, beside the single scores and `prior`, the fusion that `rank` takes by itself."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measured:
    """What the tables rest on.

    seconds: method → what all pairs took of one core. alone: what the single-task models of one seed took, which most
    methods read; pairs: what every pair of one seed took. chance: task → what chance reaches on dev; a task that is not
    in it has no such level.
    """

    truth: Truth
    features: Features
    seconds: Mapping[str, float]
    alone: float = 0.0
    pairs: float = 0.0
    chance: Mapping[str, float] | None = None

    def at_targets(self, names: Sequence[str]) -> Measured:
        """Of some targets alone; sources stay."""
        return replace(self, truth=self.truth.at([self.truth.targets.index(name) for name in names]))

    def above_chance(self) -> list[str]:
        """The targets that learn something alone: their mean baseline on dev lies above chance by two of its SDs."""
        found = []
        for row, target in enumerate(self.truth.targets):
            alone = self.truth.dev.baselines[row]
            alone = alone[np.isfinite(alone)]
            level = (self.chance or {}).get(target, 0.0)
            if len(alone) > 1 and alone.mean() > level + 2 * alone.std(ddof=1):
                found.append(target)
        return found


@cache
def measured(folder: Path = HERE) -> Measured:
    """The runs and features beside a study file."""
    study = opened(folder, str(folder / "no-store"))
    results, _ = results_for(study)
    metric, results = deciding_of(results, study.settings.metric)
    features = features_for(study)
    if features is None:
        raise SystemExit(f"{folder} has no features.csv: python make.py features")
    first = min(row.seed for row in results)
    once = [row for row in results if row.seed == first and row.source != LONGER]
    truth = without(
        truth_of(results, metric), [(row["source"], row["target"]) for row in rows_of("leaks.csv", folder)]
    )
    return Measured(
        truth,
        features,
        {name: cost.seconds for name, cost in features.costs.items()},
        sum(row.seconds for row in once if not row.source),
        sum(row.seconds for row in once if row.source and row.source != row.target),
        {row["task"]: float(row["chance"]) for row in rows_of("tasks.csv", folder) if row["chance"]},
    )


def rows_of(name: str, folder: Path = HERE) -> list[dict[str, str]]:
    """The rows of a table beside the study file; none if there is no such file."""
    file = folder / name
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def without(truth: Truth, pairs: Sequence[tuple[str, str]]) -> Truth:
    """The truth as if these pairs, (source, target), had not run."""

    def less(side: Side) -> Side:
        kept = side.pairs.copy()
        for source, target in pairs:
            if source in truth.sources and target in truth.targets:
                kept[truth.targets.index(target), truth.sources.index(source)] = np.nan
        return replace(side, pairs=kept)

    return replace(truth, dev=less(truth.dev), test=less(truth.test))


def class_of(task: str) -> str:
    """The class of a task, as Vu et al. divide them."""
    return next((name for name, tasks in CLASSES.items() if task in tasks), OTHER)


def gains_of(truth: Truth) -> Array:
    """[T, S], mean test gain over the seeds that have run, in points."""
    return 100.0 * mean_known(truth.gains(truth.test), axis=2)


def scores_of(found: Measured) -> dict[str, Array]:
    """Method → its scores [T, S], NaN where it has none; fusions too."""
    truth, features = found.truth, found.features
    every = {name: features.grid(name, truth.targets, truth.sources) for name in features.scores()}
    scores = {name: values for name, values in every.items() if np.isfinite(values).any()}
    return scores | {
        name: fused(truth, [scores[part] for part in parts])
        for name, parts in FUSED.items()
        if set(parts) <= scores.keys()
    }


def fused(truth: Truth, parts: Sequence[Array]) -> Array:
    """Reciprocal rank fusion within each target; a source that a method cannot score has its middle rank."""
    found = np.full(truth.candidates.shape, np.nan)
    for row, target in enumerate(truth.targets):
        names = [name for name, open_ in zip(truth.sources, truth.candidates[row], strict=True) if open_]
        rankings = []
        for number, values in enumerate(parts):
            here = dict(zip(truth.sources, values[row].tolist(), strict=True))
            known = {name: here[name] for name in names if np.isfinite(here[name])}
            if known:
                failed = {name: "no score" for name in names if name not in known}
                rankings.append(Scores(target, str(number), known, failed))
        if rankings:
            both = fuse(rankings, unscored="middle").values
            found[row] = [both.get(name, np.nan) for name in truth.sources]
    return found


def said(interval: Interval | None, digits: int = 1, *, signed: bool = False) -> str:
    """`mean [low, high]`, a dash where it is undefined."""
    if interval is None or not np.isfinite(interval.mean):
        return "–"
    sign = "+" if signed else ""
    return "{} [{}, {}]".format(
        *(f"{value:{sign}.{digits}f}" for value in (interval.mean, interval.low, interval.high))
    )
