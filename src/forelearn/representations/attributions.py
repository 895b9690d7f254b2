"""What conductance says of a classifier's documents, and how it is kept on disk. No torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from forelearn.core.errors import InputError, Problem
from forelearn.core.run import Cost

FILE = "attributions.safetensors"

_Kind = TypeVar("_Kind", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Attributions:
    """Word scores of n documents, in the order they were given.

    scores: a float32 array [words] a document; the layer mean of normalised conductance, in [−1, 1]; higher
        means that the word speaks for the positive class, or for the predicted one of three or more.
    spans: an int32 array [words, 2] a document: first and one past last character of each word.
    completeness: [n, layers] float64, the sum over all tokens minus (F(input) − F(baseline)); 0 is perfect.
    change: [n] float64, F(input) − F(baseline).
    points: [n] int32, path points used.
    units: tokens × layers × points, each forward and backward to the inputs.
    seconds: measured wall time.
    """

    scores: tuple[NDArray[np.float32], ...]
    spans: tuple[NDArray[np.int32], ...]
    completeness: NDArray[np.float64]
    change: NDArray[np.float64]
    points: NDArray[np.int32]
    units: float
    seconds: float

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def cost(self) -> Cost:
        """`units` and `seconds`."""
        return Cost(self.units, self.seconds)


def save_attributions(attributions: Attributions, folder: Path) -> None:
    """Write `folder/attributions.safetensors`, beside and then renamed."""
    words = [len(scores) for scores in attributions.scores]
    arrays = {
        "scores": _joined(attributions.scores, np.zeros(0, np.float32)),
        "spans": _joined(attributions.spans, np.zeros((0, 2), np.int32)),
        "words": np.array(words, np.int64),
        "completeness": attributions.completeness,
        "change": attributions.change,
        "points": attributions.points,
        "cost": np.array([attributions.units, attributions.seconds], np.float64),
    }
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / f".{FILE}.part"
    # safetensors writes the buffer as it lies in memory: a view would be written wrongly
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, beside)
    os.replace(beside, folder / FILE)


def load_attributions(folder: Path) -> Attributions:
    """The attributions that `save_attributions` wrote. Raises `InputError` if they are missing or damaged."""
    file = folder / FILE
    try:
        arrays = load_file(file)
        cuts = np.cumsum(arrays["words"])[:-1]
        empty = len(arrays["words"]) == 0
        return Attributions(
            scores=() if empty else tuple(np.split(arrays["scores"], cuts)),
            spans=() if empty else tuple(np.split(arrays["spans"], cuts)),
            completeness=arrays["completeness"],
            change=arrays["change"],
            points=arrays["points"],
            units=float(arrays["cost"][0]),
            seconds=float(arrays["cost"][1]),
        )
    except (FileNotFoundError, SafetensorError, KeyError) as error:
        raise InputError(
            Problem(str(file), "is missing or damaged.", "Remove its folder; it will be computed again.")
        ) from error


def _joined(arrays: Sequence[NDArray[_Kind]], empty: NDArray[_Kind]) -> NDArray[_Kind]:
    return np.concatenate(arrays) if arrays else empty
