"""What a worker does: plain functions of plain values, named by `module:function`.

A worker reads the study's data itself, once, and refuses to go on if they are not what the driver saw.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from forelearn.core.data import TaskData
from forelearn.core.errors import ForelearnError
from forelearn.core.keys import plain
from forelearn.core.run import Run, Stopped, outcome_as_json
from forelearn.core.transfer import Transfer
from forelearn.experiment.assemble import load_tasks
from forelearn.experiment.opening import open_study
from forelearn.experiment.prepare import Place
from forelearn.store.directory import Directory
from forelearn.store.environment import Surroundings
from forelearn.store.runs import Runs
from forelearn.tasks.random_labels import find_data

VECTOR = "vector.json"

Report = Callable[[Mapping[str, Any]], None]


def train_job(
    place: Place,
    transfer_json: Mapping[str, Any],
    start: str,
    rungs: Mapping[str, float | None] | Mapping[int, float | None] | None = None,
    *,
    report: Report,
) -> dict[str, Any]:
    """Train the last stage of a transfer, put what came of it into the store, and return that as JSON.

    start: folder of the encoder, or of the source part's weights. rungs: epochs (as JSON has them, or as
    whole numbers) → floor, see `train`. A run that has finished before and is trained again for its weights
    is not stopped. The checkpoint goes last: a kill before that is made good from it.
    """
    import torch

    from forelearn.training.multitask.train import train_together
    from forelearn.training.sequential import train

    torch.set_num_threads(place.threads)
    transfer = Transfer.from_json(transfer_json)
    data = study_task(place, transfer.target.name, transfer.target.digest)
    directory = Directory(Path(place.options.out or ""))
    weights = directory.work("weights", transfer.key)
    directory.discard("runs", transfer.key)  # what is stored is of this attempt alone
    files = directory.work("runs", transfer.key)
    checkpoint = directory.work("checkpoints", transfer.key)
    known = Runs(directory).get(transfer.key)
    outcome: Run | Stopped
    if transfer.multitask:
        others = [source.task for source in transfer.sources if source.task]
        auxiliary = [study_task(place, task.name, task.digest) for task in others]
        outcome = train_together(
            transfer,
            [data, *auxiliary],
            Path(start),
            weights=weights,
            files=files,
            checkpoint=checkpoint,
            device=place.device,
            report=report,
            memory=place.delta_gb * 1e9,
        )
    else:
        outcome = train(
            transfer,
            data,
            Path(start),
            weights=weights,
            files=files,
            checkpoint=checkpoint,
            device=place.device,
            report=report,
            rungs=None
            if isinstance(known, Run)
            else {int(epoch): floor for epoch, floor in (rungs or {}).items()},
        )
    if isinstance(outcome, Stopped):
        directory.discard("weights", transfer.key)
    else:
        directory.finish("weights", transfer.key)
    if isinstance(known, Run):  # trained again for its weights alone
        directory.discard("runs", transfer.key)
        outcome = known
    else:
        Runs(directory).put(
            outcome, surroundings=Surroundings(place.device, place.threads, transfer.recipe.precision)
        )
    directory.discard("checkpoints", transfer.key)  # not before: a kill in between would lose the training
    return outcome_as_json(outcome)


def conductance_job(
    place: Place,
    key: str,
    weights: str,
    texts: Sequence[str],
    pairs: Sequence[str | None] | None,
    how: Mapping[str, Any],
    *,
    report: Report,
) -> None:
    """Conductance of one model on `texts`, into the store under `key`.

    weights: folder of the model. pairs: second texts, None where there is none. how: tolerance, most (points),
    precision, max_length.
    """
    import torch

    from forelearn.models.task_model import load_model
    from forelearn.representations.attributions import save_attributions
    from forelearn.representations.conductance import conductance
    from forelearn.representations.rules import Trapezoid

    torch.set_num_threads(place.threads)
    directory = Directory(Path(place.options.out or ""))
    found = conductance(
        load_model(Path(weights)),
        texts,
        pairs=pairs,
        rule=Trapezoid(tolerance=how["tolerance"], most=how["most"]),
        precision=how["precision"],
        device=place.device,
        max_length=how["max_length"],
        report=report,
    )
    save_attributions(found, directory.work("features", key))
    directory.finish("features", key)


def textemb_job(
    place: Place, key: str, encoder: str, texts: Sequence[str], max_length: int, *, report: Report
) -> None:
    """TextEmb of `texts` under the encoder in a folder, with its cost, into the store under `key`."""
    import torch

    from forelearn.representations.textemb import textemb

    torch.set_num_threads(place.threads)
    directory = Directory(Path(place.options.out or ""))
    found = textemb(Path(encoder), texts, max_length=max_length, device=place.device)
    value = {"vector": found.vector.tolist(), "cost": plain(found.cost)}
    (directory.work("features", key) / VECTOR).write_text(json.dumps(value), encoding="utf-8")
    directory.finish("features", key)


@lru_cache(maxsize=2)
def study_tasks(place: Place) -> Mapping[str, TaskData]:
    """The study's tasks by name, read once a worker."""
    return load_tasks(open_study(Path(place.study), place.options)).tasks


def study_task(place: Place, name: str, digest: str) -> TaskData:
    """The data of a task, or of the control of one, as the driver saw them: with this digest.

    What this process has read before is read once more if it is something else: a driver that lives long may have
    started the study again after its files changed. Raises ForelearnError if they have changed since.
    """
    found = _read(place, name)
    if found is None or found.task.digest != digest:
        study_tasks.cache_clear()
        found = _read(place, name)
    if found is None or found.task.digest != digest:
        raise ForelearnError(
            f"task `{name}`: its files have changed since the study was started. Start it again with --retry-failed."
        )
    return found


def _read(place: Place, name: str) -> TaskData | None:
    try:
        return find_data(study_tasks(place), name)
    except KeyError:
        return None
