"""Rows of a study's tasks under an encoder, for cards: read once, kept in the study's store.

Every kind of task is read alike for the map of a source: a text (with its second text, or its choices) a row, the
mean over its tokens. A target's rows are those that its kind has, with their targets.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from forelearn.cards.card import Vector
from forelearn.core.data import TaskData
from forelearn.core.keys import digest
from forelearn.experiment.attributions import representative_rows
from forelearn.experiment.prepare import Prepared

LENGTH = 128
"""Tokens of a text that are read at most [choice], whatever a study trains with: cards are compared with each other."""

EMBEDDED = f"mean over the tokens of the last hidden layer, at most {LENGTH} tokens"
"""How texts become embeddings, as cards say it."""
MOST_ROWS = 2_000
"""Training rows of a task that are read [choice]: a map of 384 to 768 dimensions gains little from more."""

SKETCH = 256
"""Numbers that a component of TaskEmb is kept in: with 12 layers of 768 they and all else fit on a card."""

_ARRAYS = "rows.safetensors"

Array = NDArray[Any]


def text_rows(prepared: Prepared, folder: Path, identity: str, data: TaskData) -> tuple[Array, Array]:
    """[n, d] training texts under the model in a folder, and [d] their TextEmb.

    Where tasks share their texts, TextEmb is of the positive ones alone: all of them would tell nothing apart.
    """
    rows = read_rows(prepared, folder, identity, data, native=False)
    standing_for = representative_rows(list(prepared.tasks.values()))[data.task.name]
    chosen = np.isin(rows["rows"], standing_for)
    features = np.asarray(rows["features"], np.float64)
    return features, features[chosen if chosen.any() else slice(None)].mean(axis=0)


def read_rows(
    prepared: Prepared, folder: Path, identity: str, data: TaskData, *, native: bool
) -> dict[str, Array]:
    """`features` [n, d], `targets` [n] and `rows` [n] of training rows, from the store or computed into it.

    identity: of the model in `folder`. native: rows as the kind of task has them, else a text a row.
    """
    from forelearn.models.encoder import encoder_positions
    from forelearn.models.heads import head_for
    from forelearn.models.heads.classification import Classification
    from forelearn.representations.features import row_features
    from forelearn.representations.reading import as_texts

    seed = prepared.study.settings.seed
    length = min(LENGTH, encoder_positions(folder) or LENGTH)
    key = digest(["card rows", identity, data.task.kind, data.task.digest, native, length, MOST_ROWS, seed])
    held = prepared.directory.whole("features", key)
    if held is None:
        found = row_features(
            folder,
            data.train if native else as_texts(data.train),
            head_for(data) if native else Classification(("", " ")),
            max_length=length,
            device=prepared.device,
            most=MOST_ROWS,
            seed=seed,
        )
        arrays = {"features": found.features, "targets": found.targets, "rows": found.rows}
        save_file(
            {name: np.ascontiguousarray(values) for name, values in arrays.items()},
            prepared.directory.work("features", key) / _ARRAYS,
        )
        held = prepared.directory.finish("features", key)
    return dict(load_file(held / _ARRAYS))


def taskemb_vectors(prepared: Prepared, weights: Path, identity: str, data: TaskData) -> dict[str, Vector]:
    """`taskemb/COMPONENT` → TaskEmb of a task's single-task model, of length 1, from the store or computed into it.

    weights, identity: the model's folder and its run's key.
    """
    from forelearn.models.task_model import load_model
    from forelearn.representations.taskemb import Fisher, taskemb
    from forelearn.representations.taskemb_file import load_taskemb, save_taskemb

    length, fisher = prepared.space.recipes[0].max_length, Fisher(size=SKETCH)
    key = digest(["card taskemb", identity, data.task.kind, data.task.digest, length, fisher])
    held = prepared.directory.whole("features", key)
    if held is None:
        found = taskemb(
            load_model(weights), data.train, max_length=length, fisher=fisher, device=prepared.device
        )
        save_taskemb(found, prepared.directory.work("features", key))
        held = prepared.directory.finish("features", key)
    # squares of gradients are too small for 32 bits as they are
    vectors = load_taskemb(held).vectors
    return {
        f"taskemb/{name}": (one / np.linalg.norm(one)).astype(np.float32)
        for name, one in vectors.items()
        if one.any()
    }
