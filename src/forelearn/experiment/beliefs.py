"""What is believed of each pair's gain before it is tried, refitted as runs arrive.

At first the free scores, and ANSAT once the single-task models have been read, are fused into one order
(reciprocal ranks); from a handful of finished pairs on the predictor says what each remaining pair gains and
how surely. With one target, or before that, the fused order stands alone, and a note says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist, fmean, pstdev

import numpy as np
from numpy.typing import NDArray

from forelearn.core.run import Cost, Run
from forelearn.estimators.features import (
    Columns,
    FeatureTable,
    ansat_columns,
    column,
    f1_columns,
    join,
    recipe_columns,
)
from forelearn.estimators.fusion import fuse
from forelearn.estimators.predictor import Predictions, Predictor, PredictorOptions, fit_predictor
from forelearn.executors.base import Executor
from forelearn.experiment.attributions import Read, embed, read_documents
from forelearn.experiment.drive import Display, Silent
from forelearn.experiment.earlier import joined, load_pairs
from forelearn.experiment.free import FREE, free_scores, scores_of
from forelearn.experiment.prepare import Prepared
from forelearn.experiment.study import expand
from forelearn.representations.ansat import THRESHOLDS
from forelearn.search.search import Pair, Search
from forelearn.search.space import source_name
from forelearn.search.value import Guess

SPREAD = 0.05
"""Standard deviation of a gain of which nothing is known, in the metric's unit [choice]."""
SLOPE = 0.4
"""How far one standard deviation of the fused score moves the prior guess, in `SPREAD`s [choice]."""
LEAST_SD = 0.01
"""No guess is surer than this: run noise alone is of that size."""


@dataclass
class Beliefs:
    """Calls itself with a search and gives a guess for every pair. Computes each feature once.

    executor: computes what the store lacks; None leaves it out. notes: fallbacks in words.
    before: pair → (mean, low, high) of its gain as last predicted *before* it was tried; a pair that was tried
    before the predictor could be fitted has none.
    """

    prepared: Prepared
    executor: Executor | None = None
    display: Display = field(default_factory=Silent)
    notes: dict[str, str] = field(default_factory=dict)
    before: dict[Pair, tuple[float, float, float]] = field(default_factory=dict)
    read: Read | None = None
    predictor: Predictor | None = None
    _free: dict[str, dict[Pair, float]] | None = None
    _free_cost: Cost = field(default_factory=Cost)
    _prior: dict[Pair, float] | None = None
    _ready: bool = False
    _held: tuple[int, Mapping[Pair, Guess]] | None = None

    def __call__(self, search: Search) -> Mapping[Pair, Guess]:
        """Guesses for all pairs; the same after the same outcomes."""
        self.get_ready(search)
        if self._held is None or self._held[0] != len(search.outcomes):
            self._held = (len(search.outcomes), self._guesses(search))
        return self._held[1]

    def get_ready(self, search: Search) -> None:
        """Compute the features, once, and charge them to the budget."""
        if self._ready:
            return
        self._ready = True
        self.free()
        search.spend(self._free_cost)
        self._prior = None  # ANSAT joins it
        self.read, why = read_documents(self.prepared, search, self.executor, self.display)
        if self.read is None:
            self.notes["attributions"] = why
        else:
            search.spend(self.read.cost)

    def free(self) -> dict[str, dict[Pair, float]]:
        """The free scores: estimator → pair → score."""
        if self._free is None:
            vectors, self._free_cost = embed(self.prepared, self.executor, self.display)
            self._free = free_scores(self.prepared.tasks, self.prepared.space, vectors)
        return self._free

    def scores(self) -> dict[str, dict[Pair, float]]:
        """Every score that needs no finished pair: the free ones, and ANSAT's mean over thresholds on D_B."""
        found = dict(self.free())
        if self.read is not None:
            found["ansat"] = {pair: float(np.mean(self.ansat(pair)[1])) for pair in self.pairs()}
        return found

    def prior(self) -> dict[Pair, float]:
        """Fused score of each pair, standardised within its target: mean 0, standard deviation 1."""
        if self._prior is None:
            self._prior = self._fused()
        return self._prior

    def _fused(self) -> dict[Pair, float]:
        wanted: tuple[str, ...] = self.prepared.study.settings.search.features
        found: dict[str, dict[Pair, float]] = {
            name: values for name, values in self.scores().items() if name in wanted
        }
        prior: dict[Pair, float] = {}
        for target in self.prepared.space.targets:
            reasons = {**FREE, "ansat": "no positive documents or no attributions"}
            rankings = scores_of(found, target.name, reasons)
            if not rankings:
                continue
            fused = fuse(rankings, unscored="middle").values
            mean, sd = fmean(fused.values()), pstdev(fused.values())
            for source, value in fused.items():
                prior[source, target.name] = (value - mean) / sd if sd > 0 else 0.0
        return prior

    def ansat(self, pair: Pair) -> NDArray[np.float64]:
        """ANSAT of a pair, [3, 14]; NaN where there is none."""
        if self.read is not None and set(pair) <= set(self.read.ansat.models):
            return self.read.ansat.pair(*pair)
        return np.full((3, len(THRESHOLDS)), math.nan)

    def pairs(self) -> list[Pair]:
        """All pairs of the space, by name."""
        return [(source_name(source), target.name) for source, target in self.prepared.space.pairs()]

    def columns(self, search: Search) -> Columns:
        """What the predictor is told of every pair, in the order of `pairs`."""
        pairs = self.pairs()
        alone = {task.name: _first_dev(search, task.name) for task in self.prepared.space.tasks}
        recipes = {task.name: search.recipe(task) for task in self.prepared.space.tasks}
        default = self.prepared.space.recipes[0]
        prior = self.prior()
        parts = {
            "f1": f1_columns(
                [alone.get(source, math.nan) for source, _ in pairs], [alone[target] for _, target in pairs]
            ),
            "recipe": recipe_columns(
                [recipes.get(source) for source, _ in pairs],
                [recipes[target] or default for _, target in pairs],
            ),
            **{name: column(name, [values[pair] for pair in pairs]) for name, values in self.free().items()},
        }
        if self.read is not None:
            parts["ansat"] = ansat_columns(np.stack([self.ansat(pair) for pair in pairs]), THRESHOLDS)
        wanted = [name for name in self.prepared.study.settings.search.features if name in parts]
        fused = column("prior", [prior.get(pair, math.nan) for pair in pairs])
        return join(fused, *(parts[name] for name in wanted))

    def table(self, search: Search, columns: Columns) -> FeatureTable:
        """The pairs that have run on the first seed, with their gains on dev."""
        rows, gains, pairs = [], [], []
        for row, (source, target) in enumerate(self.prepared.space.pairs()):
            gain = search.dev_gain(source, target)
            if gain is not None:
                rows.append(row)
                gains.append(gain)
                pairs.append((source_name(source), target.name))
        return FeatureTable(
            columns.names,
            columns.rows[rows],
            tuple(target for _, target in pairs),
            tuple(source for source, _ in pairs),
            np.array(gains, np.float64),
        )

    def earlier(self, columns: Columns) -> list[FeatureTable]:
        """The pairs of the studies named under `warm_start`."""
        study = self.prepared.study
        metric = self.prepared.space.targets[0].metric
        return [
            load_pairs(study.folder / expand(name), columns.names, metric=metric)
            for name in study.settings.search.warm_start
        ]

    def predict(self, search: Search) -> Predictions:
        """Refit on the finished pairs and predict every pair's gain."""
        columns = self.columns(search)
        table = joined(self.table(search, columns), *self.earlier(columns))
        self.predictor = fit_predictor(table, options=PredictorOptions())
        if self.predictor.fallback:
            self.notes["predictor"] = self.predictor.fallback
        else:
            self.notes.pop("predictor", None)
        return self.predictor.predict(columns, level=self.prepared.study.settings.search.level)

    def _guesses(self, search: Search) -> dict[Pair, Guess]:
        predictions = self.predict(search)
        assert self.predictor is not None
        gains = self.predictor.table.gains  # those of earlier studies too
        spread = max(float(gains.std()), SPREAD) if len(gains) > 3 else SPREAD
        prior = self.prior()
        guesses = {}
        width = 2 * NormalDist().inv_cdf(0.5 + self.prepared.study.settings.search.level / 2)
        tried = set(zip(self.predictor.table.sources, self.predictor.table.groups))
        for row, pair in enumerate(self.pairs()):
            if predictions.fallback is None and pair not in tried:
                values = (predictions.mean[row], predictions.low[row], predictions.high[row])
                self.before[pair] = (float(values[0]), float(values[1]), float(values[2]))
            if predictions.fallback is not None:
                guesses[pair] = Guess(SLOPE * spread * prior.get(pair, 0.0), spread)
                continue
            sd = float(predictions.high[row] - predictions.low[row]) / width
            guesses[pair] = Guess(float(predictions.mean[row]), max(min(sd, 2 * spread), LEAST_SD))
        return guesses


def _first_dev(search: Search, name: str) -> float:
    """Dev measure of a task alone at its dev-best recipe on the first seed; NaN if it has not run."""
    task = next(task for task in search.space.tasks if task.name == name)
    recipe = search.recipe(task)
    if recipe is None:
        return math.nan
    outcome = search.outcomes.get(search.space.baseline(task, recipe, search.space.first_seed).key)
    return outcome.dev() if isinstance(outcome, Run) else math.nan
