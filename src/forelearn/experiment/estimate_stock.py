"""What estimates are made from: single-task models, what workers have stored of them, and what that took.

Each worker's result lies in the store under what decides it (model, task, rows, settings), so that a second call,
another target or a search after a ranking computes what is missing and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors.numpy import load_file

from forelearn.core.keys import digest
from forelearn.core.task import Task
from forelearn.core.transfer import Encoder
from forelearn.estimators.esm import EsmMap
from forelearn.executors.base import Executor, Job, reasons
from forelearn.experiment.attributions import representative_rows
from forelearn.experiment.drive import Display
from forelearn.experiment.estimate_jobs import ARRAYS, EFFORT
from forelearn.experiment.feature_shelf import AGAIN, computed, why_broken
from forelearn.experiment.free import free_scores
from forelearn.experiment.prepare import Prepared
from forelearn.experiment.row_scores import Scored
from forelearn.representations.effort import Effort
from forelearn.search.search import Pair, Search
from forelearn.search.space import source_name

MOST_ROWS = 500
"""Rows of a target, or texts of a task, that are read [choice]: estimators settle within a few hundred."""

Table = dict[str, Scored]
"""Source → its score for one target."""

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One result of a worker. key: what decides it, digested. function: in `estimate_jobs`. given: behind the key."""

    key: str
    function: str
    given: tuple[Any, ...]


@dataclass
class Stock:
    """A study's models and results.

    executor: computes what the store lacks; None takes only what is there.
    efforts: method → what it took; each result is counted once for each method that needs it.
    broken: key → why it could not be computed; it is not tried again.
    total: what all results took, each counted once. new: methods for which something was computed just now.
    maps: texts of a source under its model (their key) → the map that ESM fitted on them, or why there is none.
    """

    prepared: Prepared
    search: Search
    executor: Executor | None
    display: Display
    efforts: dict[str, Effort]
    broken: dict[str, str] = field(default_factory=dict)
    total: Effort = field(default_factory=Effort)
    new: set[str] = field(default_factory=set)
    maps: dict[str, EsmMap | str] = field(default_factory=dict)
    _made: set[str] = field(default_factory=set)
    _paid: set[str] = field(default_factory=set)
    _counted: set[tuple[str, str]] = field(default_factory=set)
    _arrays: dict[str, Arrays] = field(default_factory=dict)

    def sources(self, target: Task) -> dict[str, Task | Encoder]:
        """The sources of a target by name, sorted, so that their order in the study decides nothing."""
        found = {source_name(source): source for source in self.prepared.space.sources_of(target)}
        return dict(sorted(found.items()))

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

    def why_no_model(self, source: Task | Encoder) -> str:
        """Why a source has no single-task model."""
        if isinstance(source, Task) and not self.search.baselines(source):
            return "it has not been trained alone"
        return "the weights of its single-task model were not kept"

    @cached_property
    def text_rows(self) -> dict[str, list[int]]:
        """Task → the training rows whose texts stand for it."""
        return representative_rows([self.prepared.tasks[task.name] for task in self.prepared.space.tasks])

    @cached_property
    def all_rows(self) -> dict[str, list[int]]:
        """Task → all its training rows."""
        tasks = self.prepared.tasks
        return {task.name: list(range(len(tasks[task.name].train))) for task in self.prepared.space.tasks}

    @cached_property
    def free(self) -> dict[str, dict[Pair, float]]:
        """The scores of the data alone: estimator → pair → score."""
        return free_scores(self.prepared.tasks, self.prepared.space, {})

    def ask(self, function: str, decides: list[Any], *given: Any) -> Asked:
        """A result that a worker may have to compute.

        decides: all that changes it, beside what all share. given: arguments of the job between key and settings.
        """
        recipe = self.prepared.space.recipes[0]
        how = {
            "max_length": recipe.max_length,
            "precision": recipe.precision,
            "most": MOST_ROWS,
            "seed": self.prepared.study.settings.seed,
        }
        return Asked(digest([*decides, how]), function, (*given, how))

    def results(self, asked: Mapping[str, Asked], what: str) -> dict[str, Path]:
        """Name → folder of the results that are there or could be computed. what: they are, in words."""
        directory = self.prepared.directory
        missing = {
            one.key: one
            for one in asked.values()
            if one.key not in self.broken and directory.whole("features", one.key) is None
        }
        if missing and self.executor is not None:
            self.display.say(f"{what}: {len(missing)} to compute")
            jobs = [
                Job(
                    one.key,
                    f"forelearn.experiment.estimate_jobs:{one.function}",
                    (self.prepared.place, one.key, *one.given),
                )
                for one in missing.values()
            ]
            ended = self.executor.run(jobs, on_step=self.display.step, on_end=None)
            self._made |= set(missing)
            self.broken |= reasons(ended)
        for one in asked.values():  # what an earlier start could not compute
            why = why_broken(directory, one.key)
            if why is not None:
                self.broken[one.key] = f"{why}{AGAIN}"
        found = {name: computed(directory, one.key) for name, one in asked.items()}
        return {name: folder for name, folder in found.items() if folder is not None}

    def arrays(self, method: str, asked: Mapping[str, Asked], what: str) -> dict[str, Arrays]:
        """The same as arrays; what they took is counted for `method`."""
        found = {}
        for name, folder in self.results(asked, what).items():
            key = asked[name].key
            if key not in self._arrays:
                self._arrays[key] = load_file(folder / ARRAYS)
            found[name] = self._arrays[key]
            self.count(method, key, Effort(**json.loads((folder / EFFORT).read_text(encoding="utf-8"))))
        return found

    def count(self, method: str, key: str, effort: Effort, *, whole: Effort | None = None) -> None:
        """Count what a result took, once for each method.

        whole: of the result, where a method needs a part of it alone; it is what the total counts, so that the total
        does not hang on which method asks first.
        """
        if (method, key) not in self._counted:
            self._counted.add((method, key))
            if key in self._made:
                self.new.add(method)
            self.efforts[method] = self.efforts.get(method, Effort()) + effort
        if key not in self._paid:
            self._paid.add(key)
            self.total += effort if whole is None else whole

    def why_not(self, asked: Asked) -> str:
        """Why a result is not there."""
        return self.broken.get(asked.key, "it has not been computed")

    def refused(self, target: Task, reason: str) -> Table:
        """No source has a score, for one reason."""
        return {name: Scored(None, reason=reason) for name in self.sources(target)}
