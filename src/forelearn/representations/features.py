"""Rows of a target under an encoder, as estimators take them: features and what is to be found of each.

| kind | a row is | its target |
| --- | --- | --- |
| binary, multiclass | an example (a text, a pair) | its label |
| regression | an example | its value |
| multiple choice | a choice, read with its premise | 1 if it is the right one, else 0 |
| sequence labelling | a word, at its first piece | its tag |

The features of an example or a choice are the mean over its tokens of the last hidden layer, those of a word its
first piece's. The papers of the estimators take what the last layer of a network is given; encoders of different
families give theirs different things (the first token, a pooler), the mean is one rule for all. A word of which
the tokenizer leaves nothing has no row. Not covered: question answering, whose spans are no rows.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from forelearn.core.data import Examples
from forelearn.core.errors import InputError, Problem
from forelearn.models.heads import Head, Items
from forelearn.models.heads.base import IGNORE
from forelearn.representations.effort import FORWARD, Effort
from forelearn.representations.path import Precision
from forelearn.representations.reading import (
    Source,
    chance_order,
    last_states,
    open_body,
    pick_examples,
    token_means,
)

if TYPE_CHECKING:
    from forelearn.models.task_model import TaskModel


@dataclass(frozen=True, slots=True, eq=False)
class RowFeatures:
    """n rows in the order of the examples.

    features: [n, d] float32 (float64 for `fp64`). targets: [n] class indices, int64, or values, float64.
    is_values: which of the two. rows: [n] which example each row came from. effort: forward passes alone.
    """

    features: NDArray[np.floating]
    targets: NDArray[np.int64] | NDArray[np.float64]
    is_values: bool
    rows: NDArray[np.int64]
    effort: Effort

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Which rows of a target are read, and where they stand in its tokens.

    items: the target as its head encodes it. sequences: [s] sequences that hold a row, sorted.
    sequence: [n] each row's sequence. place: [n] its token within the sequence; −1 is all of it.
    targets, is_values, example: of each row, as in `RowFeatures`.
    """

    items: Items
    sequences: NDArray[np.int64]
    sequence: NDArray[np.int64]
    place: NDArray[np.int64]
    targets: NDArray[np.int64] | NDArray[np.float64]
    is_values: bool
    example: NDArray[np.int64]

    def take(
        self, chosen: NDArray[np.int64], states: torch.Tensor, mask: torch.Tensor
    ) -> tuple[NDArray[np.int64], torch.Tensor]:
        """(row, its vector) for the rows in the sequences `chosen`. Shape: states [b, t, H]; [rows], [rows, H]."""
        if len(self.place) and self.place[0] >= 0:
            mine = np.flatnonzero(np.isin(self.sequence, chosen))
            order = np.argsort(chosen)
            batch = order[np.searchsorted(chosen[order], self.sequence[mine])]
            return mine, states[torch.from_numpy(batch), torch.from_numpy(self.place[mine])]
        return np.searchsorted(self.sequence, chosen), token_means(states, mask)

    def effort(self, layers: int, seconds: float) -> Effort:
        """Of one forward pass over the sequences."""
        passed = len(np.unique(self.items.example[self.sequences // self.items.width]))
        tokens = float(self.items.tokens.lengths[self.sequences].sum())
        return Effort(forward=passed, units=FORWARD * tokens * layers, seconds=seconds)


def row_features(
    source: Source,
    examples: Examples,
    head: Head,
    *,
    max_length: int,
    precision: Precision = "fp32",
    device: str = "cpu",
    most: int | None = None,
    seed: int = 0,
) -> RowFeatures:
    """Features of a target's rows under a source-tuned encoder, or the pretrained one.

    source: the model, or its folder; its own head is not read. head: the target's.
    most: examples, or words, drawn by seed and content; None is all of them.
    Raises `InputError` for question answering, and if there are no rows.
    """
    began = time.perf_counter()
    body = open_body(source, precision=precision, device=device)
    rows = find_rows(body, examples, head, max_length=max_length, most=most, seed=seed)
    width = int(body.encoder.config.hidden_size)
    features = np.zeros((len(rows.example), width), np.float64 if precision == "fp64" else np.float32)
    for chosen, states, mask in last_states(
        body, rows.items.tokens, rows.sequences, precision=precision, device=device
    ):
        mine, found = rows.take(chosen, states, mask)
        features[mine] = found.cpu().numpy()
    effort = rows.effort(body.shape().layers, time.perf_counter() - began)
    return RowFeatures(features, rows.targets, rows.is_values, rows.example, effort)


def find_rows(
    body: TaskModel, examples: Examples, head: Head, *, max_length: int, most: int | None, seed: int
) -> Rows:
    """The rows of a target under the source's tokenizer. Raises `InputError` as `row_features` says."""
    kind = head.kind
    if kind == "question_answering":
        raise InputError(
            Problem(
                "features of rows",
                "question answering has none: an answer is a span, no label that an example could be told by.",
                "Use TextEmb, TaskEmb or grademb for it.",
            )
        )
    if not len(examples):
        raise InputError(Problem("features of rows", "there are no examples.", "Give at least one."))
    items = head.encode(body.tokenizer, examples, max_length)
    if kind == "sequence_labelling":
        return _words(items, examples, most, seed)
    picked = pick_examples(examples, most, seed)
    sequences = (picked[:, None] * items.width + np.arange(items.width)).ravel()
    targets: NDArray[np.int64] | NDArray[np.float64]
    if kind == "regression":
        targets = np.asarray(examples.values, np.float64)[picked]
    elif kind == "multiple_choice":
        right = np.asarray(examples.labels, np.int64)[picked]
        targets = (np.arange(items.width) == right[:, None]).ravel().astype(np.int64)
    else:
        targets = np.asarray(examples.labels, np.int64)[picked]
    return Rows(
        items,
        sequences,
        sequences,
        np.full(len(sequences), -1),
        targets,
        kind == "regression",
        picked.repeat(items.width),
    )


def _words(items: Items, examples: Examples, most: int | None, seed: int) -> Rows:
    """A row a word that the tokenizer leaves something of; at most `most`, drawn by seed, text and place."""
    assert items.spots is not None
    found = np.flatnonzero(items.targets != IGNORE)
    if not len(found):
        raise InputError(
            Problem("features of rows", "the tokenizer leaves nothing of any word.", "Check the words.")
        )
    sequence = np.searchsorted(items.tokens.offsets, found, side="right") - 1
    example = items.example[sequence]
    if most is not None and len(found) > most:
        texts = examples.read()
        names = [texts[row] for row in example]
        words = list(zip(names, items.spots[found, 0].tolist(), strict=True))
        kept = np.sort(chance_order(words, seed)[:most])
        found, sequence, example = found[kept], sequence[kept], example[kept]
    return Rows(
        items,
        np.unique(sequence),
        sequence,
        found - items.tokens.offsets[sequence],
        items.targets[found],
        False,
        example,
    )
