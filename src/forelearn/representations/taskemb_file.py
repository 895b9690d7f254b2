"""TaskEmb on disk: vectors as safetensors, all else as JSON in the same file, so that it is whole or absent."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from forelearn.core.errors import InputError, Problem
from forelearn.core.keys import plain
from forelearn.representations.effort import Effort
from forelearn.representations.taskemb import Fisher, TaskEmb

FILE = "taskemb.safetensors"


def save_taskemb(taskemb: TaskEmb, folder: Path) -> None:
    """Write `folder/taskemb.safetensors`, beside and then renamed; vectors in 32 bits."""
    facts = {
        "components": {
            name: [taskemb.lengths[name], plain(taskemb.agreement[name]), plain(taskemb.error[name])]
            for name in sorted(taskemb.vectors)
        },
        "examples": taskemb.examples,
        "fisher": plain(taskemb.fisher),
        "effort": plain(taskemb.effort),
    }
    arrays = {
        name: np.ascontiguousarray(vector, np.float32) for name, vector in sorted(taskemb.vectors.items())
    }
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{FILE}.part"
    save_file(arrays, beside, metadata={"taskemb": json.dumps(facts, allow_nan=False)})
    os.replace(beside, folder / FILE)


def load_taskemb(folder: Path) -> TaskEmb:
    """The TaskEmb that `save_taskemb` wrote. Raises `InputError` if it is missing or damaged."""
    file = folder / FILE
    try:
        with safe_open(file, framework="numpy") as held:
            facts = json.loads(held.metadata()["taskemb"])
            vectors = {name: held.get_tensor(name).astype(np.float64) for name in facts["components"]}
        fisher = {**facts["fisher"], "components": tuple(facts["fisher"]["components"])}
        return TaskEmb(
            vectors=vectors,
            lengths={name: int(row[0]) for name, row in facts["components"].items()},
            agreement={name: _number(row[1]) for name, row in facts["components"].items()},
            error={name: _number(row[2]) for name, row in facts["components"].items()},
            examples=facts["examples"],
            fisher=Fisher(**fisher),
            effort=Effort(**facts["effort"]),
        )
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            Problem(str(file), "is missing or damaged.", "Remove its folder; it will be computed again.")
        ) from error


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
