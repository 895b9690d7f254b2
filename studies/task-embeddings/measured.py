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
from forelearn.evaluation.table import Mask, mean_known
from forelearn.evaluation.truth import Side, Truth
from forelearn.experiment.evaluate import features_for, opened, results_for
from forelearn.experiment.features_table import Features
from forelearn.experiment.results_table import deciding_of, truth_of
from forelearn.experiment.settings import BY_MODELS, FEATURES

HERE = Path(__file__).resolve().parent

CLASSES = {
    "sequence labelling": ("ATIS slots", "WNUT-17", "UD parts of speech"),
    "question answering": ("XQuAD first half", "XQuAD second half", "BoolQ"),
}
"""The classes of Vu et al.; every other task, the multiple choice too, is classification or regression."""
OTHER = "classification or regression"
QUESTIONS = "question_answering"
"""The kind of the two halves of XQuAD; BoolQ is of their class and a classification."""

FUSED = {
    "textemb_raw + taskemb": ("textemb_raw", "taskemb"),
    "knn + textemb_raw": ("knn", "textemb_raw"),
    "leep + knn + textemb_raw": ("leep", "knn", "textemb_raw"),
    "logme + leep + textemb + esm": ("logme", "leep", "textemb", "esm"),
}
"""Fusions by reciprocal rank, beside the single scores."""
DEFAULT, FREE_DEFAULT = "prior", "prior without models"
DEFAULTS = {
    DEFAULT: tuple(name for name in FEATURES if name != "f1"),
    FREE_DEFAULT: tuple(name for name in FEATURES if name not in ("f1", "ansat")),
}
"""The fusion that `rank` took by itself before this study, where single-task models are there and where none are. The
search starts from the first still, and `rank` takes the second still."""
ALL_FUSED = {**FUSED, **DEFAULTS}
NOW = f"{' + '.join(BY_MODELS)}, else {DEFAULT}"
"""What `rank` takes by itself since this study: where BY_MODELS have no score for a target, the default of before."""

WHOLE = 0.9
"""A target is whole on a seed if this share of its candidates has run on it: a single run may fail."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measured:
    """What the tables rest on.

    truth: of the targets and seeds that are judged. leaks: (source, target), no candidates. chance: task → what chance
    reaches on dev; a task that is not in it has no such level. alone: task → its baselines, one a row: dev, test.
    every: of all targets, as far as they have run, whatever is judged: `static` learns from it. units: task → what a
    run of it costs; by default those of the targets. rate: seconds a unit takes, over all runs.
    """

    truth: Truth
    features: Features
    leaks: frozenset[tuple[str, str]] = frozenset()
    chance: Mapping[str, float] | None = None
    alone: Mapping[str, Array] | None = None
    every: Truth | None = None
    units: Mapping[str, float] | None = None
    rate: float = np.nan

    def at_targets(self, names: Sequence[str]) -> Measured:
        """Of some targets alone; sources stay."""
        rows = [self.truth.targets.index(name) for name in names]
        return replace(self, truth=self.truth.at(rows), every=self.every or self.truth)

    def candidates(self, *, in_class: bool = False) -> Mask:
        """[T, S], the pairs that could be tried: none that leak, and in class only those of one class."""
        truth = self.truth
        open_ = np.ones((len(truth.targets), len(truth.sources)), np.bool_)
        for row, target in enumerate(truth.targets):
            for column, source in enumerate(truth.sources):
                apart = in_class and class_of(source) != class_of(target)
                open_[row, column] = source != target and not apart and (source, target) not in self.leaks
        return open_

    def whole(self, *, in_class: bool = False) -> Measured:
        """The targets of which nearly all candidates have run, on the seeds on which half of all targets are so.

        A half-run target would be judged on few sources, where every order finds the best: its figures are no estimate
        of what they will be. Pairs of other seeds are left out; baselines stay.
        """
        open_ = self.candidates(in_class=in_class)
        ran = np.isfinite(self.truth.dev.pairs) & np.isfinite(self.truth.test.pairs) & open_[:, :, None]
        count = open_.sum(axis=1)
        complete = (ran.sum(axis=1) >= WHOLE * count[:, None]) & (count > 1)[:, None]
        used = (
            np.flatnonzero(complete[count > 1].mean(axis=0) >= 0.5)
            if (count > 1).any()
            else np.array([], int)
        )
        kept = [row for row in range(len(count)) if len(used) and complete[row, used].all()]

        def of_seeds(side: Side) -> Side:
            pairs = np.full_like(side.pairs, np.nan)
            pairs[:, :, used] = np.where(open_[:, :, None], side.pairs, np.nan)[:, :, used]
            return replace(side, pairs=pairs)

        truth = replace(self.truth, dev=of_seeds(self.truth.dev), test=of_seeds(self.truth.test))
        return replace(self, truth=truth.at(kept), every=self.every or self.truth)

    @property
    def costs(self) -> tuple[float, float]:
        """Units of every task alone, and of that and every pair, once: what shares of the cost refer to."""
        truth = self.every or self.truth
        units = self.units or dict(zip(truth.targets, truth.costs.tolist(), strict=True))
        pairs = sum(
            units[target]
            for target in units
            for source in units
            if source != target and (source, target) not in self.leaks
        )
        return sum(units.values()), sum(units.values()) + pairs

    @property
    def seeds(self) -> list[int]:
        """Places of the seeds on which pairs are judged."""
        return np.flatnonzero(np.isfinite(self.truth.test.pairs).any(axis=(0, 1))).tolist()

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
    """The runs and features beside a study file, as far as there are any."""
    study = opened(folder, str(folder / "no-store"))
    results, _ = results_for(study)
    metric, results = deciding_of(results, study.settings.metric)
    features = features_for(study)
    if features is None:
        raise SystemExit(f"{folder} has no features.csv: python make.py features")
    alone: dict[str, list[tuple[float, float]]] = {}
    units: dict[str, float] = {}
    for row in results:
        if not row.source:
            alone.setdefault(row.target, []).append((row.dev[metric], row.test[metric]))
            units[row.target] = row.units
    return Measured(
        truth_of(results, metric),
        features,
        frozenset((row["source"], row["target"]) for row in rows_of("leaks.csv", folder)),
        {row["task"]: float(row["chance"]) for row in rows_of("tasks.csv", folder) if row["chance"]},
        {task: np.array(values) for task, values in alone.items()},
        units=units,
        rate=sum(row.seconds for row in results) / sum(row.units for row in results),
    )


def rows_of(name: str, folder: Path = HERE) -> list[dict[str, str]]:
    """The rows of a table beside the study file; none if there is no such file."""
    file = folder / name
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def class_of(task: str) -> str:
    """The class of a task, as Vu et al. divide them."""
    return next((name for name, tasks in CLASSES.items() if task in tasks), OTHER)


def gains_of(truth: Truth) -> Array:
    """[T, S], mean test gain over the seeds that have run, in points."""
    return 100.0 * mean_known(truth.gains(truth.test), axis=2)


def scores_of(found: Measured, *, in_class: bool = False) -> dict[str, Array]:
    """Method → its scores [T, S] of the candidates, NaN where it has none; fusions too, ranked among candidates."""
    truth, features = found.truth, found.features
    open_ = found.candidates(in_class=in_class)
    every = {
        name: np.where(open_, features.grid(name, truth.targets, truth.sources), np.nan)
        for name in features.scores()
    }
    scores = {name: values for name, values in every.items() if np.isfinite(values).any()}
    for name, parts in ALL_FUSED.items():
        there = [scores[part] for part in parts if part in scores]
        if there if name in DEFAULTS else len(there) == len(parts):
            scores[name] = fused(truth, there, open_)
    there = [scores[name] for name in BY_MODELS if name in scores]
    if there and DEFAULT in scores:
        ordered = fused(truth, there, open_)
        scores[NOW] = np.where(np.isfinite(ordered).any(axis=1)[:, None], ordered, scores[DEFAULT])
    return scores


def fused(truth: Truth, parts: Sequence[Array], candidates: Mask) -> Array:
    """Reciprocal rank fusion within each target; a source that a method cannot score has its middle rank."""
    found = np.full(candidates.shape, np.nan)
    for row, target in enumerate(truth.targets):
        names = [name for name, open_ in zip(truth.sources, candidates[row], strict=True) if open_]
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
    """`mean [low, high]`; without an interval where there is none, of a single target; a dash where it is undefined."""
    if interval is None or not np.isfinite(interval.mean):
        return "–"
    sign = "+" if signed else ""

    def number(value: float) -> str:
        return f"{round(value, digits) + 0.0:{sign}.{digits}f}"  # + 0.0: no minus before zero

    if not np.isfinite([interval.low, interval.high]).all():
        return f"{number(interval.mean)} (one target)"
    return f"{number(interval.mean)} [{number(interval.low)}, {number(interval.high)}]"
