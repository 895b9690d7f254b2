"""What a worker does for estimates: features, predictions and vectors of single-task models, into the store."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forelearn.core.data import Examples, TaskData
from forelearn.core.errors import ForelearnError, InputError
from forelearn.core.keys import plain
from forelearn.experiment.jobs import study_tasks
from forelearn.experiment.prepare import Place
from forelearn.experiment.row_scores import BY_FEATURES, BY_PREDICTIONS, Scored, by_features, by_predictions
from forelearn.representations.effort import Effort
from forelearn.store.directory import Directory

SCORES = "scores.json"
ARRAYS = "arrays.safetensors"
EFFORT = "effort.json"

Report = Callable[[Mapping[str, Any]], None]
How = Mapping[str, Any]
"""max_length, precision, most (rows), seed."""


def rows_job(
    place: Place, key: str, weights: str, target: str, digest: str, how: How, *, report: Report
) -> None:
    """Every score of a source for a target from the target's training rows.

    weights: folder of the source's single-task model. target, digest: which task, and what it holds.
    """
    from forelearn.models.heads import head_for
    from forelearn.models.task_model import load_model
    from forelearn.representations.features import row_features
    from forelearn.representations.source_predictions import source_predictions

    data, model = _task(place, target, digest), load_model(Path(weights))
    head, seed = head_for(data), int(how["seed"])
    found: dict[str, Scored] = {}
    effort = Effort()
    try:
        rows = row_features(model, data.train, head, **_how(place, how))
        effort += rows.effort
        found |= by_features(rows.features, rows.targets, seed=seed)
    except InputError as error:
        found |= dict.fromkeys(BY_FEATURES, Scored(None, reason=error.problems[0].what))
    try:
        said = source_predictions(model, data.train, head, **_how(place, how))
        effort += said.effort
        found |= by_predictions(said.probabilities, said.targets, seed=seed)
    except InputError as error:
        found |= dict.fromkeys(BY_PREDICTIONS, Scored(None, reason=error.problems[0].what))
    folder = _folder(place, key)
    value = {"scores": {name: plain(one) for name, one in found.items()}, "effort": plain(effort)}
    (folder / SCORES).write_text(json.dumps(value), encoding="utf-8")
    _finish(place, key)


def target_rows_job(
    place: Place, key: str, encoder: str, task: str, digest: str, how: How, *, report: Report
) -> None:
    """A target's training rows under the study's encoder: `features` [n, d] and `targets` [n]."""
    from forelearn.models.heads import head_for
    from forelearn.representations.features import row_features

    data = _task(place, task, digest)
    rows = row_features(Path(encoder), data.train, head_for(data), **_how(place, how))
    _save(place, key, {"features": rows.features, "targets": rows.targets}, rows.effort)


def text_rows_job(
    place: Place, key: str, folder: str, task: str, digest: str, rows: list[int], how: How, *, report: Report
) -> None:
    """Training texts of a task under the encoder in a folder: `features` [n, d], an example a row.

    rows: which examples.
    """
    from forelearn.models.heads.classification import Classification
    from forelearn.representations.features import row_features

    part = _task(place, task, digest).train.pick(rows)
    # every kind is read alike here: the texts, and second texts or choices beside them
    alike = Examples(
        part.ids,
        part.read() if part.choices else part.texts,
        labels=(0,) * len(part),
        pairs=None if part.choices else part.pairs,
    )
    found = row_features(Path(folder), alike, Classification(("", " ")), **_how(place, how))
    _save(place, key, {"features": found.features}, found.effort)


def _how(place: Place, how: How) -> dict[str, Any]:
    names = ("max_length", "precision", "most", "seed")
    return {name: how[name] for name in names} | {"device": place.device}


def _task(place: Place, name: str, digest: str) -> TaskData:
    import torch

    torch.set_num_threads(place.threads)
    data = study_tasks(place).get(name)
    if data is None or data.task.digest != digest:
        raise ForelearnError(
            f"task `{name}`: its files have changed since the study was opened. Start again."
        )
    return data


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
