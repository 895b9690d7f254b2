"""Scores of the methods that a user names, for the sources of a target: from the store, or computed now.

Each worker's result lies in the store under what decides it (model, task, rows, settings), so that a second call,
another target or a search after a ranking computes what is missing and nothing else. A method that does not apply
says why in one line; a source that a method cannot score is listed with the reason, never dropped.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from forelearn.core.keys import digest, seed_from
from forelearn.core.scores import Scores
from forelearn.core.task import Task
from forelearn.core.transfer import Encoder, Transfer
from forelearn.estimators.chance import random_scores
from forelearn.estimators.curvegrad import curvegrad
from forelearn.estimators.esm import Moments, esm_score, fit_esm, moments
from forelearn.estimators.fusion import fuse
from forelearn.estimators.methods import METHODS
from forelearn.estimators.similarity import similarities
from forelearn.estimators.static import static
from forelearn.executors.base import Broken, Executor, Job
from forelearn.experiment.attributions import representative_rows
from forelearn.experiment.drive import Display
from forelearn.experiment.estimate_jobs import ARRAYS, EFFORT, SCORES
from forelearn.experiment.free import FREE, free_scores
from forelearn.experiment.prepare import Prepared
from forelearn.experiment.row_scores import (
    BY_FEATURES,
    BY_PREDICTIONS,
    HALVES,
    Scored,
    half_samples,
    over_seeds,
)
from forelearn.representations.effort import Effort
from forelearn.search.search import Pair, Search
from forelearn.search.space import source_name

MOST_ROWS = 500
"""Rows of a target, or texts of a task, that are read [choice]: estimators settle within a few hundred."""

Table = dict[str, Scored]
"""Source → its score for one target."""

_JOBS = "forelearn.experiment.estimate_jobs"


@dataclass
class Estimates:
    """Scores of a study's sources.

    executor: computes what the store lacks; None takes only what is there.
    efforts: method → what it took, shared work counted once for each method that needs it.
    """

    prepared: Prepared
    search: Search
    executor: Executor | None
    display: Display
    efforts: dict[str, Effort] = field(default_factory=dict)
    _free: dict[str, dict[Pair, float]] | None = None
    _texts: dict[str, NDArray[np.float64]] | None = None

    def table(self, method: str, target: Task) -> Table:
        """The scores of one method for every source of a target. ValueError for a method that is not known here."""
        refusal = METHODS[method].refusal(target.kind)
        sources = self.prepared.space.sources_of(target)
        if refusal is not None:
            return {source_name(source): Scored(None, reason=refusal) for source in sources}
        if method in (*BY_FEATURES, *BY_PREDICTIONS):
            return self._from_rows(method, target)
        makers: dict[str, Callable[[Task], Table]] = {
            "random": self._random,
            "static": self._static,
            "curvegrad": self._curvegrad,
            "textemb": lambda one: self._textemb(one, centred=True),
            "textemb_raw": lambda one: self._textemb(one, centred=False),
            "esm": self._esm,
        }
        if method in makers:
            return makers[method](target)
        if method in FREE:
            return self._from_data(method, target)
        raise ValueError(f"`{method}` is not made here")

    def model(self, source: Task | Encoder) -> tuple[str, Path | None, str]:
        """(identity, folder, why there is none) of a source's single-task model, or of a ready encoder."""
        if isinstance(source, Encoder):
            return source.digest, self.prepared.folders[source.digest], ""
        alone = self.alone(source)
        if alone is None:
            return "", None, "it has not been trained alone"
        folder = self.prepared.directory.whole("weights", alone.key)
        return alone.key, folder, "" if folder else "the weights of its single-task model were not kept"

    def models(self, source: Task | Encoder) -> list[tuple[str, Path]]:
        """(identity, folder) of a source's single-task models, one a seed; those whose weights were kept."""
        if isinstance(source, Encoder):
            return [(source.digest, self.prepared.folders[source.digest])]
        found = []
        for run in self.search.baselines(source):
            folder = self.prepared.directory.whole("weights", run.transfer.key)
            if folder is not None:
                found.append((run.transfer.key, folder))
        return found

    def alone(self, task: Task) -> Transfer | None:
        """The baseline of a task on the first seed at its dev-best recipe; None if it has not run."""
        recipe = self.search.recipe(task)
        if recipe is None:
            return None
        return self.prepared.space.baseline(task, recipe, self.prepared.space.first_seed)

    # --- what costs nothing

    def _from_data(self, method: str, target: Task) -> Table:
        if self._free is None:
            self._free = free_scores(self.prepared.tasks, self.prepared.space, {})
        return {
            source: Scored(value) if math.isfinite(value) else Scored(None, reason=FREE[method])
            for (source, other), value in self._free[method].items()
            if other == target.name
        }

    def _random(self, target: Task) -> Table:
        names = [source_name(source) for source in self.prepared.space.sources_of(target)]
        scores = random_scores(target.name, names, seed=self.prepared.study.settings.seed)
        return {name: Scored(value) for name, value in scores.values.items()}

    def _static(self, target: Task) -> Table:
        """Mean gain on the other targets; a mean that rests on one run counts half (shrinkage 1)."""
        space = self.prepared.space
        names = list(dict.fromkeys(source_name(source) for source, _ in space.pairs()))
        targets = [task.name for task in space.targets]
        gains = np.full((len(names), len(targets)), math.nan)
        for source, other in space.pairs():
            gain = self.search.dev_gain(source, other)
            if gain is not None:
                gains[names.index(source_name(source)), targets.index(other.name)] = gain
        scores = static(gains, shrinkage=1.0)[:, targets.index(target.name)]
        wanted = {source_name(source) for source in space.sources_of(target)}
        return {
            name: Scored(float(score))
            if math.isfinite(score)
            else Scored(None, reason="no finished run on another target")
            for name, score in zip(names, scores)
            if name in wanted
        }

    def _curvegrad(self, target: Task) -> Table:
        """Five orders, one a point of training, fused by reciprocal rank."""
        slopes: dict[str, NDArray[np.float64]] = {}
        found: Table = {}
        for source in self.prepared.space.sources_of(target):
            name = source_name(source)
            alone = self.alone(source) if isinstance(source, Task) else None
            run = self.prepared.directory.whole("runs", alone.key) if alone is not None else None
            if run is None:
                found[name] = Scored(None, reason="it has not been trained alone: there is no loss curve")
                continue
            curve = json.loads((run / "curve.json").read_text(encoding="utf-8"))
            try:
                slopes[name] = curvegrad([point["loss"] for point in curve])
            except ValueError as error:
                found[name] = Scored(None, reason=str(error))
        if slopes:
            points = range(len(next(iter(slopes.values()))))
            orders = [
                Scores(target.name, "curvegrad", {name: float(row[point]) for name, row in slopes.items()})
                for point in points
            ]
            found |= {name: Scored(value) for name, value in fuse(orders).values.items()}
        return found

    # --- what reads texts with an encoder

    def _textemb(self, target: Task, *, centred: bool) -> Table:
        rows = self._text_rows()
        names = list(rows)
        if target.name not in rows:
            return self._all(target, "its texts have not been read")
        means = np.stack([rows[name].mean(axis=0) for name in names])
        own = names.index(target.name)
        cosine = similarities(means, centred=centred)[own]
        halves = []
        seed = seed_from("halves", target.digest)
        for half in half_samples(np.zeros(len(rows[target.name])), seed=seed):
            part = means.copy()
            part[own] = rows[target.name][half].mean(axis=0)
            halves.append(similarities(part, centred=centred)[own])
        found: Table = {}
        for source in self.prepared.space.sources_of(target):
            name = source_name(source)
            if name not in rows or not math.isfinite(cosine[names.index(name)]):
                found[name] = Scored(None, reason=FREE["textemb"])
            else:
                column = names.index(name)
                found[name] = Scored(float(cosine[column]), tuple(float(half[column]) for half in halves))
        return found

    def _text_rows(self) -> dict[str, NDArray[np.float64]]:
        """Task → [n, d] its texts under the study's encoder: all that stand for it, at most `MOST_ROWS`."""
        if self._texts is None:
            self._texts = self._read_texts()
        return self._texts

    def _read_texts(self) -> dict[str, NDArray[np.float64]]:
        chosen = representative_rows([self.prepared.tasks[task.name] for task in self.prepared.space.tasks])
        encoder = self.prepared.space.encoder
        folder = str(self.prepared.folders[encoder.digest])
        jobs, keys = {}, {}
        for task in self.prepared.space.tasks:
            rows = chosen[task.name]
            key = digest(["text rows", encoder.digest, task.digest, rows, self._how()])
            keys[task.name] = key
            arguments = (self.prepared.place, key, folder, task.name, task.digest, rows, self._how())
            jobs[key] = Job(key, f"{_JOBS}:text_rows_job", arguments)
        return {
            name: np.asarray(arrays["features"], np.float64)
            for name, arrays in self._arrays(keys, jobs, "textemb", "texts under the encoder").items()
        }

    # --- what reads the target's rows with the sources' models

    def _from_rows(self, method: str, target: Task) -> Table:
        """All methods that read rows are made at once: reading is what costs.

        Where a source has single-task models of several seeds, the score is their mean, and each half of the rows
        is read with one of them in turn, so that the spread is over rows and seeds.
        """
        jobs: dict[str, Job] = {}
        keys: dict[str, list[str]] = {}
        found: Table = {}
        for source in self.prepared.space.sources_of(target):
            name = source_name(source)
            seeds = self.models(source)
            if not seeds:
                found[name] = Scored(None, reason=self.model(source)[2])
            for model, folder in seeds:
                key = digest(["row scores", model, target.kind, target.digest, HALVES, self._how()])
                keys.setdefault(name, []).append(key)
                arguments = (self.prepared.place, key, str(folder), target.name, target.digest, self._how())
                jobs[key] = Job(key, f"{_JOBS}:rows_job", arguments)
        broken = self._compute(jobs, f"rows of {target.name} under the models of its sources")
        effort = Effort()
        for name, own in keys.items():
            scored = []
            for key in own:
                place = self.prepared.directory.whole("features", key)
                if place is None:
                    scored.append(Scored(None, reason=broken.get(key, "it has not been computed")))
                    continue
                value = json.loads((place / SCORES).read_text(encoding="utf-8"))
                one = value["scores"][method]
                scored.append(Scored(one["value"], tuple(one["halves"]), one["reason"], one["seconds"]))
                effort += Effort(**value["effort"]) + Effort(seconds=one["seconds"])
            found[name] = over_seeds(scored)
        self.efforts[method] = effort
        return found

    def _esm(self, target: Task) -> Table:
        """LogME of the target's rows, mapped into the space of each source's model (`estimators/esm.py`)."""
        how, encoder = self._how(), self.prepared.space.encoder
        folder = str(self.prepared.folders[encoder.digest])
        key = digest(["target rows", encoder.digest, target.kind, target.digest, how])
        arguments = (self.prepared.place, key, folder, target.name, target.digest, how)
        job = Job(key, f"{_JOBS}:target_rows_job", arguments)
        held = self._arrays({target.name: key}, {key: job}, "esm", f"rows of {target.name}")
        if target.name not in held:
            return self._all(target, "its rows have not been read")
        rows, targets = held[target.name]["features"], held[target.name]["targets"]
        halves = half_samples(targets, seed=seed_from("halves", target.digest))
        whole = moments(rows, targets)
        parts = [moments(rows[half], targets[half]) for half in halves]
        base, tuned = self._text_rows(), self._tuned_rows(target)
        found: Table = {}
        for source in self.prepared.space.sources_of(target):
            name = source_name(source)
            if name in tuned and name in base:
                found[name] = _mapped(base[name], tuned[name], whole, parts)
            else:
                why = self.model(source)[2] or "a ready encoder has no training texts to fit a map on"
                found[name] = Scored(None, reason=why)
        return found

    def _tuned_rows(self, target: Task) -> dict[str, NDArray[np.float64]]:
        """Source → its own texts under its single-task model, row by row as `_text_rows` has them."""
        chosen = representative_rows([self.prepared.tasks[task.name] for task in self.prepared.space.tasks])
        jobs, keys = {}, {}
        for source in self.prepared.space.sources_of(target):
            model, folder, _ = self.model(source)
            if folder is None or isinstance(source, Encoder):
                continue
            rows = chosen[source.name]
            key = digest(["tuned rows", model, source.digest, rows, self._how()])
            keys[source.name] = key
            arguments = (
                self.prepared.place, key, str(folder), source.name, source.digest, rows, self._how(),
            )  # fmt: skip
            jobs[key] = Job(key, f"{_JOBS}:text_rows_job", arguments)
        held = self._arrays(keys, jobs, "esm", "texts of the sources under their models")
        return {name: np.asarray(arrays["features"], np.float64) for name, arrays in held.items()}

    # --- the store

    def _how(self) -> dict[str, Any]:
        recipe = self.prepared.space.recipes[0]
        return {
            "max_length": recipe.max_length,
            "precision": recipe.precision,
            "most": MOST_ROWS,
            "seed": self.prepared.study.settings.seed,
        }

    def _compute(self, jobs: Mapping[str, Job], what: str) -> dict[str, str]:
        """Do the jobs whose results the store lacks; key → why one broke."""
        missing = [job for key, job in jobs.items() if self.prepared.directory.whole("features", key) is None]
        if not missing or self.executor is None:
            return {}
        self.display.say(f"{what}: {len(missing)} to compute")
        ended = self.executor.run(missing, on_step=self.display.step, on_end=None)
        return {end.key: end.reason for end in ended if isinstance(end, Broken)}

    def _arrays(
        self, keys: Mapping[str, str], jobs: Mapping[str, Job], method: str, what: str
    ) -> dict[str, dict[str, NDArray[Any]]]:
        """Name → arrays of a job's result, for those that are there or could be computed."""
        self._compute(jobs, what)
        found, effort = {}, Effort()
        for name, key in keys.items():
            place = self.prepared.directory.whole("features", key)
            if place is not None:
                found[name] = load_file(place / ARRAYS)
                effort += Effort(**json.loads((place / EFFORT).read_text(encoding="utf-8")))
        self.efforts[method] = self.efforts.get(method, Effort()) + effort
        return found

    def _all(self, target: Task, reason: str) -> Table:
        sources = self.prepared.space.sources_of(target)
        return {source_name(source): Scored(None, reason=reason) for source in sources}


def _mapped(
    base: NDArray[np.float64], tuned: NDArray[np.float64], whole: Moments, parts: Sequence[Moments]
) -> Scored:
    try:
        esm = fit_esm(base, tuned)
        return Scored(esm_score(esm, whole), tuple(esm_score(esm, part) for part in parts))
    except ValueError as error:
        return Scored(None, reason=str(error))
