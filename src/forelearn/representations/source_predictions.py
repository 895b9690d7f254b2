"""What a source's own head says of a target's rows: the probabilities that LEEP and NCE start from.

| the source's head | the target's kind | a row is |
| --- | --- | --- |
| binary, multiclass | of texts or pairs: binary, multiclass, regression | an example |
| binary, multiclass | multiple choice | a choice, read with its premise as a pair |
| sequence labelling | sequence labelling | a word, at its first piece |

Every other pair is refused with a line: a head that gives a number, a choice or a span has no labels, and one
that labels texts has nothing to say of a word.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from forelearn.core.data import Examples
from forelearn.core.errors import InputError, Problem
from forelearn.core.task import CLASSIFICATION, Kind
from forelearn.models.batch import collate
from forelearn.models.heads import Head
from forelearn.models.linear import quick_linear
from forelearn.models.task_model import load_model
from forelearn.representations.effort import Effort
from forelearn.representations.features import find_rows
from forelearn.representations.path import Precision
from forelearn.representations.reading import Source, at_rest, sequence_batches


@dataclass(frozen=True, slots=True, eq=False)
class SourcePredictions:
    """n rows in the order of the examples: the rows of `row_features`, if asked with the same `most` and seed.

    probabilities: [n, Z] float64, each row sums to 1. labels: the Z names. targets, rows: as in `RowFeatures`.
    effort: forward passes alone.
    """

    probabilities: NDArray[np.float64]
    labels: tuple[str, ...]
    targets: NDArray[np.int64] | NDArray[np.float64]
    rows: NDArray[np.int64]
    effort: Effort

    @property
    def hard(self) -> NDArray[np.int64]:
        """[n] the most probable label; the first of equal ones."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)


def source_predictions(
    source: Source,
    examples: Examples,
    head: Head,
    *,
    max_length: int,
    precision: Precision = "fp32",
    device: str = "cpu",
    most: int | None = None,
    seed: int = 0,
) -> SourcePredictions:
    """Probabilities of the source's labels for the target's rows.

    source: a finished run, in memory or its folder. head: the target's. most, seed: as for `row_features`.
    Raises `InputError` where the source's head has nothing to say of such rows, or the folder has no head.
    """
    began = time.perf_counter()
    held = load_model(source) if isinstance(source, Path) else source
    refusal = why_not(held.kind, head.kind)
    if refusal is not None:
        raise InputError(Problem("predictions of the source", refusal, "Use an estimator of features."))
    model = at_rest(held, precision=precision, device=device)
    rows = find_rows(model, examples, head, max_length=max_length, most=most, seed=seed)
    found = np.zeros((len(rows.example), len(model.labels)))
    with torch.inference_mode(), quick_linear(model.model, narrow=precision == "bf16"):
        for chosen in sequence_batches(rows.items.tokens, rows.sequences, device):
            batch = collate(rows.items.tokens, chosen, model.pad_id, device=device)
            logits = model.model(**batch).logits.cpu().double()  # not every device has 64 bits
            # a text's logits stand where a text's one token would
            places = logits if logits.dim() == 3 else logits[:, None]
            mine, values = rows.take(chosen, places, torch.ones_like(places[..., 0]))
            found[mine] = values.softmax(-1).cpu().numpy()
    effort = rows.effort(model.shape().layers, time.perf_counter() - began)
    return SourcePredictions(found, model.labels, rows.targets, rows.example, effort)


def why_not(source: Kind, target: Kind) -> str | None:
    """Why a source's head has no probabilities for a target's rows, in one line; None if it has."""
    if target == "question_answering":
        return "the target is question answering: an answer is a span, and its examples have no labels."
    if source not in (*CLASSIFICATION, "sequence_labelling"):
        return (
            f"the source's head is one of {source.replace('_', ' ')}, which gives no probabilities of labels."
        )
    if (source == "sequence_labelling") != (target == "sequence_labelling"):
        word, text = "labels words", "labels whole texts"
        mine, theirs = (word, text) if source == "sequence_labelling" else (text, word)
        return f"the source's head {mine}, and the target {theirs}: it has nothing to say of such rows."
    return None
