"""What a worker does for estimates: features, predictions and vectors of single-task models, into the store."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from forelearn.core.data import Examples, TaskData
from forelearn.core.errors import InputError
from forelearn.core.keys import plain
from forelearn.experiment.jobs import study_task
from forelearn.experiment.prepare import Place
from forelearn.experiment.row_scores import BY_FEATURES, BY_PREDICTIONS, Scored, by_features, by_predictions
from forelearn.representations.effort import Effort
from forelearn.store.directory import Directory

if TYPE_CHECKING:
    from forelearn.models.task_model import TaskModel

SCORES = "scores.json"
ARRAYS = "arrays.safetensors"
EFFORT = "effort.json"
BLOCKS = 6
"""Disjoint parts of a task's rows, of which each has vectors of its own: as dear as one vector of all rows [choice]."""
COUNTS = "examples of each block"
"""The array beside the vectors that says how many examples they rest on."""

Report = Callable[[Mapping[str, Any]], None]
How = Mapping[str, Any]
"""max_length, precision, most (rows), seed."""
Vectors = Mapping[str, NDArray[Any]]
"""Component → its vector."""


def rows_job(
    place: Place, key: str, weights: str, target: str, digest: str, how: How, *, report: Report
) -> None:
    """Every score of a source for a target from the target's training rows.

    weights: folder of the source's single-task model, or of a ready encoder. target, digest: which task, and what
    it holds.
    """
    from forelearn.models.heads import head_for
    from forelearn.representations.features import row_features
    from forelearn.representations.source_predictions import source_predictions

    # each opens the folder itself: a ready encoder has no head, but gives features all the same
    data, model = _task(place, target, digest), Path(weights)
    head, seed = head_for(data), int(how["seed"])
    found: dict[str, Scored] = {}
    features, predictions = Effort(), Effort()
    try:
        rows = row_features(model, data.train, head, **_how(place, how))
        features = rows.effort
        found |= by_features(rows.features, rows.targets, seed=seed, examples=rows.rows)
    except InputError as error:
        found |= dict.fromkeys(BY_FEATURES, Scored(None, reason=error.problems[0].what))
    try:
        said = source_predictions(model, data.train, head, **_how(place, how))
        predictions = said.effort
        found |= by_predictions(said.probabilities, said.targets, seed=seed, examples=said.rows)
    except InputError as error:
        found |= dict.fromkeys(BY_PREDICTIONS, Scored(None, reason=error.problems[0].what))
    folder = _folder(place, key)
    value = {
        "scores": {name: plain(one) for name, one in found.items()},
        "effort": {"features": plain(features), "predictions": plain(predictions)},
    }
    (folder / SCORES).write_text(json.dumps(value), encoding="utf-8")
    _finish(place, key)


def target_rows_job(
    place: Place, key: str, encoder: str, task: str, digest: str, how: How, *, report: Report
) -> None:
    """A target's training rows under the study's encoder: `features` [n, d], `targets` [n] and `rows` [n]."""
    from forelearn.models.heads import head_for
    from forelearn.representations.features import row_features

    data = _task(place, task, digest)
    rows = row_features(Path(encoder), data.train, head_for(data), **_how(place, how))
    _save(place, key, {"features": rows.features, "targets": rows.targets, "rows": rows.rows}, rows.effort)


def text_rows_job(
    place: Place, key: str, folder: str, task: str, digest: str, rows: list[int], how: How, *, report: Report
) -> None:
    """Training texts of a task under the encoder in a folder: `features` [n, d], an example a row.

    rows: which examples.
    """
    from forelearn.models.heads.classification import Classification
    from forelearn.representations.features import row_features
    from forelearn.representations.reading import as_texts

    alike = as_texts(_task(place, task, digest).train.pick(rows))
    found = row_features(Path(folder), alike, Classification(("", " ")), **_how(place, how))
    _save(place, key, {"features": found.features}, found.effort)


def taskemb_job(
    place: Place, key: str, weights: str, task: str, digest: str, how: How, *, report: Report
) -> None:
    """TaskEmb of a task in its single-task model, block by block: component → [blocks, n]."""
    from forelearn.representations.taskemb import Fisher, taskemb

    def vectors(model: TaskModel, block: Examples) -> tuple[Vectors, Effort]:
        found = taskemb(
            model,
            block,
            max_length=how["max_length"],
            fisher=Fisher(most=len(block)),
            precision=how["precision"],
            device=place.device,
        )
        return found.vectors, found.effort

    _by_blocks(place, key, weights, _task(place, task, digest).train, how, vectors, report)


def grademb_job(
    place: Place, key: str, weights: str, task: str, digest: str, how: How, *, report: Report
) -> None:
    """grademb of a task in its single-task model, block by block: `gradient` [blocks, d]."""
    from forelearn.representations.grademb import grademb

    def vectors(model: TaskModel, block: Examples) -> tuple[Vectors, Effort]:
        found = grademb(
            model,
            block,
            max_length=how["max_length"],
            most=len(block),
            precision=how["precision"],
            device=place.device,
        )
        return {"gradient": found.vector}, found.effort

    _by_blocks(place, key, weights, _task(place, task, digest).train, how, vectors, report)


def _by_blocks(
    place: Place,
    key: str,
    weights: str,
    examples: Examples,
    how: How,
    vectors: Callable[[TaskModel, Examples], tuple[Vectors, Effort]],
    report: Report,
) -> None:
    """The vectors of each block of examples in the model in a folder, into the store under `key`."""
    from forelearn.models.task_model import load_model

    model = load_model(Path(weights))
    effort = Effort()
    found: list[Vectors] = []
    blocks = _blocks(examples, how)
    for number, block in enumerate(blocks, start=1):
        values, took = vectors(model, block)
        found.append(values)
        effort += took
        report({"step": number, "steps": len(blocks)})
    _save_blocks(place, key, found, blocks, effort)


def _blocks(examples: Examples, how: How) -> list[Examples]:
    """At most `most` examples in `BLOCKS` parts (fewer of fewer examples), drawn by seed and content."""
    from forelearn.representations.reading import chance_order

    order = chance_order(examples.read(), int(how["seed"]))[: how["most"]]
    return [examples.pick(order[part::BLOCKS].tolist()) for part in range(min(BLOCKS, len(order)))]


def _save_blocks(
    place: Place,
    key: str,
    vectors: Sequence[Vectors],
    blocks: Sequence[Examples],
    effort: Effort,
) -> None:
    """A component that a block lacks had no gradient in it: 0."""
    like = {name: values for one in vectors for name, values in one.items()}
    arrays = {
        name: np.stack([one.get(name, np.zeros_like(like[name])) for one in vectors]).astype(np.float32)
        for name in sorted(like)
    }
    _save(place, key, {**arrays, COUNTS: np.array([len(block) for block in blocks])}, effort)


def _how(place: Place, how: How) -> dict[str, Any]:
    names = ("max_length", "precision", "most", "seed")
    return {name: how[name] for name in names} | {"device": place.device}


def _task(place: Place, name: str, digest: str) -> TaskData:
    import torch

    torch.set_num_threads(place.threads)
    return study_task(place, name, digest)


def _folder(place: Place, key: str) -> Path:
    return Directory(Path(place.options.out or "")).work("features", key)


def _finish(place: Place, key: str) -> None:
    Directory(Path(place.options.out or "")).finish("features", key)


def _save(place: Place, key: str, arrays: Mapping[str, NDArray[Any]], effort: Effort) -> None:
    from safetensors.numpy import save_file

    folder = _folder(place, key)
    save_file({name: np.ascontiguousarray(values) for name, values in arrays.items()}, folder / ARRAYS)
    (folder / EFFORT).write_text(json.dumps(plain(effort)), encoding="utf-8")
    _finish(place, key)
