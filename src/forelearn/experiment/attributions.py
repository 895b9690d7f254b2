"""Conductance of every single-task model on one set of documents, and ANSAT from it.

Models of binary and multiclass tasks take part, of single texts and of pairs alike: each reads a document as it
is, alone or with its second text. Tasks of other kinds give texts no labels and are left out with a word. There
are as many documents as a share of the baselines' cost pays for (`documents.py` says which); each model reads
each of them once, whatever the number of pairs.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forelearn.core.data import TaskData
from forelearn.core.keys import digest
from forelearn.core.run import Cost, Run
from forelearn.core.task import CLASSIFICATION
from forelearn.core.transfer import Transfer
from forelearn.executors.base import Executor, Job, reasons
from forelearn.experiment.documents import Documents, choose_documents, standing_rows
from forelearn.experiment.drive import Display
from forelearn.experiment.feature_shelf import AGAIN, computed, why_broken
from forelearn.experiment.jobs import VECTOR
from forelearn.experiment.prepare import Prepared
from forelearn.models.batch import tokenize
from forelearn.representations.ansat import Ansat, ansat
from forelearn.representations.attributions import Attributions, load_attributions
from forelearn.search.search import Search

EXPECTED_POINTS = 33
"""Path points a document takes under the nested rule; measured on fine-tuned MiniLM and tweets: 26 to 36 on average."""

UNIT = 2 / 3
"""A unit of conductance in training's currency: it has the products forward and backward to the inputs, but not
those to the weights."""


@dataclass(frozen=True)
class Read:
    """What the models made of the documents. attributions: task → its model's."""

    documents: Documents
    attributions: Mapping[str, Attributions]

    @property
    def cost(self) -> Cost:
        """Of all models."""
        return Cost(
            UNIT * sum(item.units for item in self.attributions.values()),
            sum(item.seconds for item in self.attributions.values()),
        )

    @cached_property
    def ansat(self) -> Ansat:
        """ANSAT of all pairs, thresholds and document sets."""
        return ansat(
            {name: item.scores for name, item in self.attributions.items()}, self.documents.positives
        )


def affordable(prepared: Prepared, search: Search) -> int:
    """How many documents the share of the baselines' cost pays for, every classifier reading each; 0 if there are
    no classifiers, or no documents for them."""
    settings = prepared.study.settings.conductance
    spent = sum(run.cost.units for run in _first_baselines(search))
    recipe = prepared.space.recipes[0]
    lengths = [np.zeros(0, np.int64)]
    for data in prepared.tasks.values():
        if data.task.kind in CLASSIFICATION:
            part = data.split(settings.documents)
            tokens = tokenize(prepared.tokenizer, part.texts, part.pairs, recipe.max_length)
            lengths.append(tokens.lengths[standing_rows(data, settings.documents)])
    readers = sum(task.kind in CLASSIFICATION for task in prepared.space.tasks)
    tokens_of_all = np.concatenate(lengths)
    if not readers or not len(tokens_of_all):
        return 0
    one = UNIT * float(tokens_of_all.mean()) * prepared.shape.layers * EXPECTED_POINTS * readers
    return int(settings.share * spent / one)


def _first_baselines(search: Search) -> list[Run]:
    """What had run before any candidate: the same however far the search has come since."""
    space = search.space
    return [
        one
        for one in search.outcomes.values()
        if isinstance(one, Run)
        and not search.is_candidate(one.transfer)
        and one.transfer.encoder.digest == space.encoder.digest
        and one.transfer.target in space.tasks
        and (
            one.transfer.seed == space.first_seed
            or (
                one.transfer.seed in space.run_seeds[: search.options.baseline_seeds]
                and one.transfer.target in space.targets
            )
        )
    ]


def models(prepared: Prepared, search: Search) -> dict[str, Transfer]:
    """Classification task → its single-task model: the baseline at the dev-best recipe on the first seed, if it
    has run."""
    found = {}
    for task in prepared.space.tasks:
        recipe = search.recipe(task)
        if task.kind in CLASSIFICATION and recipe is not None:
            found[task.name] = prepared.space.baseline(task, recipe, prepared.space.first_seed)
    return found


def read_documents(
    prepared: Prepared, search: Search, executor: Executor | None, display: Display
) -> tuple[Read | None, str]:
    """Conductance of all models, with a line on the tasks that are left out of it, if there are any; or (None, why
    not) where it does not apply, or fails for all models but one.

    executor: computes what is missing; None takes only what is in the store.
    """
    settings = prepared.study.settings.conductance
    single = models(prepared, search)
    if len(single) < 2:
        return (
            None,
            "conductance needs two trained classifiers of texts: attributions and ANSAT are left out",
        )
    most = affordable(prepared, search)
    if most < len(single):
        return None, (
            f"{100 * settings.share:g} % of the baselines' cost pays for conductance on {most} documents, "
            f"less than one a task: attributions and ANSAT are left out; raise `share` in [conductance]"
        )
    documents = choose_documents([prepared.tasks[name] for name in single], settings.documents, most)
    recipe = prepared.space.recipes[0]
    how = {
        "tolerance": settings.tolerance,
        "most": settings.most_points,
        "precision": recipe.precision,
        "max_length": recipe.max_length,
    }
    keys = {name: digest(["conductance", plan.key, documents.content, how]) for name, plan in single.items()}
    # tasks of equal content have one model, and one key
    missing = {key: name for name, key in keys.items() if prepared.directory.whole("features", key) is None}
    broken: dict[str, str] = {}
    if missing:
        folders = {
            key: prepared.directory.whole("weights", single[name].key) for key, name in missing.items()
        }
        gone = [missing[key] for key, weights in folders.items() if weights is None]
        if gone:
            return None, f"the weights of {gone[0]} are not here: attributions and ANSAT are left out"
        if executor is None:
            return None, "the models' conductance has not been computed"
        display.say(f"conductance of {len(missing)} models on {len(documents)} documents")
        jobs = []
        for key, weights in folders.items():
            arguments = (prepared.place, key, str(weights), documents.texts, documents.seconds, how)
            jobs.append(Job(key, "forelearn.experiment.jobs:conductance_job", arguments))
        broken = reasons(executor.run(jobs, on_step=display.step, on_end=None))
    found: dict[str, Attributions] = {}
    failed: dict[str, str] = {}
    for name, key in keys.items():
        folder = computed(prepared.directory, key)
        if folder is None:
            stored = why_broken(prepared.directory, key)
            failed[name] = (
                f"{stored}{AGAIN}" if stored is not None else broken.get(key, "what it wrote is gone")
            )
        else:
            found[name] = load_attributions(folder)
    if len(found) < 2:
        name, why = next(iter(failed.items()))
        return None, f"conductance of {name} failed: {why}; attributions and ANSAT are left out"
    return Read(documents, found), "; ".join(note for note in (_left_out(prepared), _failed(failed)) if note)


def _failed(failed: Mapping[str, str]) -> str:
    """Which models could not be read, with the first one's reason; empty if all could."""
    if not failed:
        return ""
    first, *others = failed
    more = f", and that of {', '.join(others)}" if others else ""
    return f"conductance of {first} failed: {failed[first]}{more}: left out of ANSAT"


def _left_out(prepared: Prepared) -> str:
    """Which tasks conductance does not apply to; empty if it does to all."""
    others = {task.kind: task.kind.replace("_", " ") for task in prepared.space.tasks}
    kinds = [words for kind, words in others.items() if kind not in CLASSIFICATION]
    if not kinds:
        return ""
    return f"conductance reads classifiers of texts: {', '.join(kinds)} tasks are left out of it and of ANSAT"


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """vectors: task → TextEmb [hidden]. failed: the first task that has none, and why; "" if none has failed."""

    vectors: dict[str, NDArray[np.float64]]
    cost: Cost
    failed: str = ""


def embed(prepared: Prepared, executor: Executor | None, display: Display) -> Embedded:
    """TextEmb of every task by the study's encoder, from the store or computed now, and what it cost.

    Tasks over the same documents would all have the same vector: of those, the positive texts stand for the
    task (Vu et al. 2020 take all training texts; their tasks share none).
    """
    recipe = prepared.space.recipes[0]
    encoder = prepared.space.encoder
    texts = representative_texts([prepared.tasks[task.name] for task in prepared.space.tasks])
    keys = {
        name: digest(["textemb", encoder.digest, part, recipe.max_length]) for name, part in texts.items()
    }
    missing = {
        key: texts[name] for name, key in keys.items() if prepared.directory.whole("features", key) is None
    }
    broken: dict[str, str] = {}
    if missing and executor is not None:
        display.say(f"mean text embedding of {len(missing)} tasks")
        folder = str(prepared.folders[encoder.digest])
        function = "forelearn.experiment.jobs:textemb_job"
        jobs = [
            Job(key, function, (prepared.place, key, folder, part, recipe.max_length))
            for key, part in missing.items()
        ]
        broken = reasons(executor.run(jobs, on_step=display.step, on_end=None))
    found, cost = {}, Cost()
    for name, key in keys.items():
        folder_of = computed(prepared.directory, key)
        why = why_broken(prepared.directory, key)
        if why is not None:
            broken[key] = f"{why}{AGAIN}"
        if folder_of is not None:
            vector, part_cost = read_vector(folder_of)
            found[name], cost = vector, cost + part_cost
    failed = [f"TextEmb of {name} failed: {broken[key]}" for name, key in keys.items() if key in broken]
    return Embedded(found, cost, "".join(failed[:1]))


def representative_texts(tasks: Sequence[TaskData]) -> dict[str, tuple[str, ...]]:
    """Task → the training texts that stand for it: all, or the positive ones where tasks share documents."""
    chosen = representative_rows(tasks)
    return {data.task.name: data.train.pick(chosen[data.task.name]).read() for data in tasks}


def representative_rows(tasks: Sequence[TaskData]) -> dict[str, list[int]]:
    """Task → the training rows of its representative texts."""
    seen = Counter(data.train.texts for data in tasks)
    found = {}
    for data in tasks:
        rows = list(range(len(data.train)))
        if seen[data.train.texts] > 1 and data.task.kind == "binary" and data.train.positives():
            rows = [row for row in rows if data.train.labels[row] == 1]
        found[data.task.name] = rows
    return found


def read_vector(folder: Path) -> tuple[NDArray[np.float64], Cost]:
    """A vector and its cost as `textemb_job` wrote them."""
    value: dict[str, Any] = json.loads((folder / VECTOR).read_text(encoding="utf-8"))
    return np.asarray(value["vector"], np.float64), Cost(**value["cost"])
