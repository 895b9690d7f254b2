"""What is believed of each candidate's gain, refitted as runs arrive.

The gain model learns source effects, noise and the worth of a score from what has run. The score is at first
the fused order (reciprocal ranks) of the free scores, and of ANSAT once the single-task models have been read;
as soon as the predictor orders the finished pairs of targets that it did not see better than that, its
predictions take the score's place. A source that cannot teach anything is set aside with a word.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist, fmean, pstdev

import numpy as np
from numpy.typing import NDArray

from forelearn import __version__
from forelearn.core.keys import digest
from forelearn.core.run import Cost, Run
from forelearn.estimators.boosting import choose_backend
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
from forelearn.estimators.predictor import Predictor, PredictorOptions, fit_predictor
from forelearn.executors.base import Executor
from forelearn.experiment.aside import degenerate
from forelearn.experiment.attributions import Read, embed, read_documents
from forelearn.experiment.believed import VERSION, Believed
from forelearn.experiment.drive import Display, Silent
from forelearn.experiment.earlier import joined, load_noise, load_pairs
from forelearn.experiment.estimates import Estimates
from forelearn.experiment.free import FREE, free_scores, scores_of
from forelearn.experiment.gains import guesses, posterior
from forelearn.experiment.prepare import Prepared
from forelearn.experiment.study import expand
from forelearn.representations.ansat import THRESHOLDS
from forelearn.search.search import Pair, Search
from forelearn.search.space import source_name
from forelearn.search.value import BASELINE, Guess


@dataclass
class Beliefs:
    """Calls itself with a search and gives a guess for every candidate. Computes each feature once.

    executor: computes what the store lacks; None leaves it out. reads: whether attributions are wanted; None: if ANSAT
    is one of the study's features. notes: fallbacks in words.
    before: pair → (mean, low, high) of its gain as last believed *before* it was tried.
    """

    prepared: Prepared
    executor: Executor | None = None
    display: Display = field(default_factory=Silent)
    reads: bool | None = None
    notes: dict[str, str] = field(default_factory=dict)
    before: dict[Pair, tuple[float, float, float]] = field(default_factory=dict)
    read: Read | None = None
    _free: dict[str, dict[Pair, float]] | None = None
    _by_models: dict[str, dict[Pair, float]] = field(default_factory=dict)
    _free_cost: Cost = field(default_factory=Cost)
    _prior: dict[Pair, float] | None = None
    _ready: bool = False
    _held: tuple[tuple[int, int], Mapping[Pair, Guess]] | None = None

    def __post_init__(self) -> None:
        self.believed = Believed(self.prepared.directory.root / "beliefs", writes=self.executor is not None)

    def __call__(self, search: Search) -> Mapping[Pair, Guess]:
        """Guesses for all candidates but those set aside; the same after the same outcomes."""
        self.get_ready(search)
        formed = sum(len(search.several_of(target)) for target in search.space.targets)
        told = (len(search.outcomes), formed)
        if self._held is None or self._held[0] != told:
            self._held = (told, self._guesses(search))
        return self._held[1]

    def get_ready(self, search: Search) -> None:
        """Compute the features, once, and charge them to the budget."""
        if self._ready:
            return
        self._ready = True
        self.free()
        search.spend(self._free_cost)
        self._prior = None  # what the single-task models say joins it
        self._ask_models(search)
        why = ""
        reads = self.reads
        if reads is None:
            reads = "ansat" in self.prepared.study.settings.search.features
        if reads:
            self.read, why = read_documents(self.prepared, search, self.executor, self.display)
        if why:
            self.notes["attributions"] = why
        if self.read is not None:
            search.spend(self.read.cost)

    def _ask_models(self, search: Search) -> None:
        """The scores of the study's features that single-task models give; they are charged to the budget."""
        known = {*FREE, "ansat", "f1", "recipe"}
        names = [name for name in self.prepared.study.settings.search.features if name not in known]
        estimates = Estimates(self.prepared, search, self.executor, self.display)
        for name in names:
            scored = self._by_models[name] = dict.fromkeys(self.pairs(), math.nan)
            for target in self.prepared.space.targets:
                for source, one in estimates.table(name, target).items():
                    scored[source, target.name] = math.nan if one.value is None else one.value
            if all(math.isnan(value) for value in scored.values()):
                self.notes[name] = f"{name}: no source of any target could be scored"
        search.spend(estimates.total.cost)
        if estimates.broken:
            first, count = next(iter(estimates.broken.values())), len(estimates.broken)
            self.notes["models"] = f"{count} reading{'s' * (count > 1)} of models or texts failed: {first}"

    def free(self) -> dict[str, dict[Pair, float]]:
        """The free scores: estimator → pair → score."""
        if self._free is None:
            found = embed(self.prepared, self.executor, self.display)
            self._free_cost = found.cost
            if found.failed:
                self.notes["textemb"] = found.failed
            self._free = free_scores(self.prepared.tasks, self.prepared.space, found.vectors)
        return self._free

    def scores(self) -> dict[str, dict[Pair, float]]:
        """Every score that needs no finished pair: the free ones, those of single-task models, and ANSAT's mean
        over thresholds on D_B."""
        found = {**self.free(), **self._by_models}
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
            **{
                name: column(name, [values[pair] for pair in pairs])
                for name, values in {**self.free(), **self._by_models}.items()
            },
        }
        if self.read is not None:
            parts["ansat"] = ansat_columns(np.stack([self.ansat(pair) for pair in pairs]), THRESHOLDS)
        wanted = [name for name in self.prepared.study.settings.search.features if name in parts]
        fused = column("prior", [prior.get(pair, math.nan) for pair in pairs])
        return join(fused, *(parts[name] for name in wanted))

    def table(self, search: Search, columns: Columns) -> FeatureTable:
        """The pairs that have run, with their mean gains on dev."""
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

    def earlier_noise(self) -> float | None:
        """The noise of a run in the studies named under `warm_start`; None without any."""
        study = self.prepared.study
        found = [load_noise(study.folder / expand(name)) for name in study.settings.search.warm_start]
        known = [value**2 for value in found if value is not None]
        return math.sqrt(fmean(known)) if known else None

    def predictor_of(self, search: Search, columns: Columns) -> Predictor:
        """The predictor, refitted on the finished pairs and on those of earlier studies."""
        table = joined(self.table(search, columns), *self.earlier(columns))
        predictor = fit_predictor(table, options=PredictorOptions())
        self._note_predictor(predictor.fallback)
        return predictor

    def _note_predictor(self, fallback: str | None) -> None:
        if fallback:
            self.notes["predictor"] = fallback
        else:
            self.notes.pop("predictor", None)

    def aside(self, search: Search) -> dict[str, str]:
        """Sources that are no candidates, each with the reason."""
        found = {}
        for task in self.prepared.space.sources:
            why = degenerate(self.prepared.tasks[task.name], [run.dev() for run in search.baselines(task)])
            if why:
                found[task.name] = why
        return found

    def leaks(self) -> Mapping[Pair, str]:
        """Pairs that are no candidates, because the source holds rows of the target's test; none if that is allowed."""
        return {} if self.prepared.study.settings.search.allow_leaks else self.prepared.leaks

    def several_aside(self, search: Search) -> dict[str, str]:
        """Several sources, in turn or together, of which one is no candidate, each with the reason."""
        aside = self.aside(search)
        return {
            several.name: f"{task.name}: {aside[task.name]}"
            for target in search.space.targets
            for several in search.several_of(target)
            for task in several.sources
            if task.name in aside
        }

    def _guesses(self, search: Search) -> Mapping[Pair, Guess]:
        columns = self.columns(search)
        key = self._key(search, columns)
        known = self.believed.get(key)
        if known is None:
            known = self._fit(search, columns), self.notes.get("predictor", "")
            self.believed.put(key, *known)
        found, note = known
        self._note_predictor(note)
        width = NormalDist().inv_cdf(0.5 + self.prepared.study.settings.search.level / 2)
        tried = {
            (source_name(candidate), target.name)
            for candidate, target in search.candidates()
            if search.gains(candidate, target)
        }
        for pair, guess in found.items():
            if pair not in tried and pair[0] != BASELINE:
                half = width * guess.sd
                self.before[pair] = (guess.mean, guess.mean - half, guess.mean + half)
        return found

    def _fit(self, search: Search, columns: Columns) -> dict[Pair, Guess]:
        gains = posterior(search, self._score(search, columns), noise=self.earlier_noise())
        return guesses(gains, {*self.aside(search), *self.several_aside(search)}, self.leaks())

    def _key(self, search: Search, columns: Columns) -> str:
        """Of all that a fit hangs on: gains and baselines on dev, what is known of pairs, and who is no candidate."""
        told = [
            [source_name(candidate), target.name, search.gains(candidate, target)]
            for candidate, target in search.candidates()
        ]
        alone = [[run.dev() for run in search.unchosen_baselines(task)] for task in search.space.targets]
        earlier = self.earlier(columns)
        tables = [columns.rows, *(part for table in earlier for part in (table.rows, table.gains))]
        return digest(
            [
                *(VERSION, __version__, choose_backend(PredictorOptions().backend)),
                *(told, alone),
                self.pairs(),
                list(columns.names),
                [hashlib.sha256(np.ascontiguousarray(table).tobytes()).hexdigest() for table in tables],
                [[table.sources, table.groups] for table in earlier],
                self.earlier_noise(),
                sorted({**self.aside(search), **self.several_aside(search)}),
                sorted(self.leaks()),
            ]
        )

    def _score(self, search: Search, columns: Columns) -> Mapping[Pair, float]:
        """The fused order, or the predictor's once it has shown to order unseen targets better."""
        prior = self.prior()
        predictor = self.predictor_of(search, columns)
        pairs = self.pairs()
        unseen = predictor.unseen(columns, [target for _, target in pairs])
        if unseen is None:
            return prior
        learned = dict(zip(pairs, unseen.tolist(), strict=True))
        table = predictor.table
        gains = dict(zip(zip(table.sources, table.groups, strict=True), table.gains.tolist(), strict=True))
        run = {pair: gains[pair] for pair in learned if pair in gains}
        by_predictor = agreement({pair: (learned[pair], gain) for pair, gain in run.items()})
        by_prior = agreement({pair: (prior[pair], gain) for pair, gain in run.items() if pair in prior})
        return _standardised(learned) if by_predictor > by_prior else prior


def agreement(known: Mapping[Pair, tuple[float, float]]) -> float:
    """Mean over targets of the correlation between scores and gains; 0 where nothing can be said."""
    by_target: dict[str, list[tuple[float, float]]] = {}
    for (_, target), both in known.items():
        by_target.setdefault(target, []).append(both)
    found = []
    for rows in by_target.values():
        if len(rows) > 2:
            scores, gains = np.array(rows, np.float64).T
            if scores.std() > 0 and gains.std() > 0:
                found.append(float(np.corrcoef(scores, gains)[0, 1]))
    return fmean(found) if found else 0.0


def _standardised(values: Mapping[Pair, float]) -> dict[Pair, float]:
    """Mean 0 and standard deviation 1 within each target."""
    by_target: dict[str, list[float]] = {}
    for (_, target), value in values.items():
        by_target.setdefault(target, []).append(value)
    scaled = {}
    for (source, target), value in values.items():
        mean, sd = fmean(by_target[target]), pstdev(by_target[target])
        scaled[source, target] = (value - mean) / sd if sd > 0 else 0.0
    return scaled


def _first_dev(search: Search, name: str) -> float:
    """Dev measure of a task alone at its dev-best recipe on the first seed; NaN if it has not run."""
    task = next(task for task in search.space.tasks if task.name == name)
    recipe = search.recipe(task)
    if recipe is None:
        return math.nan
    outcome = search.outcomes.get(search.space.baseline(task, recipe, search.space.first_seed).key)
    return outcome.dev() if isinstance(outcome, Run) else math.nan
