"""ANSAT: the average number of shared active terms of two classifiers (Pugantsov & McCreadie 2022, Definition
1).

Term w of document d is *active* in M at threshold t if its word score (layer mean of normalised conductance)
is ≥ t. For a set D of positive documents,

    ANSAT(M_A, M_B, D, t) = (1/|D|) Σ_{d ∈ D} #{w ∈ d active in both}

for three sets: D_A, the source's positive documents, D_B, the target's, and D_AB, the documents positive for
both. |D| = 0 gives NaN.

All pairs at once: for a threshold, which words are active in a model is one row of bits, and the same row
with only the words of the model's positive documents is another. The counts over D_A, D_B and D_AB of every
pair are the products of these 0/1 rows, taken 64 words at a time (`and`, then count). Words are sorted by
their largest score, so that a threshold looks only at words that are active in some model. Counts are
integers: nothing is rounded before the division.

Which documents are positive is the caller's: the paper takes the test set's, which needs test labels;
forelearn's studies take dev. Differs from the paper, whose tasks are binary: a model with three labels or more has
no positive documents, and those that stand for its task take their place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forelearn.core.errors import InputError, Problem

THRESHOLDS: NDArray[np.float64] = np.arange(1, 15) / 20
"""0.05, 0.10, …, 0.70."""

DocumentSet = Literal["source", "target", "both"]
SETS: tuple[DocumentSet, ...] = ("source", "target", "both")
"""D_A, D_B, D_AB: the order of the third axis of `Ansat.values`."""

Words = Sequence[NDArray[np.float32]]
"""Word scores of one model: an array [words] a document, as in `Attributions.scores`."""

_CHUNK = 1 << 24
"""Scores that are held in one table at once (64 MB)."""

_WORD = 64
"""Bits of an unsigned integer."""


@dataclass(frozen=True, slots=True)
class Ansat:
    """values: [source, target, 3, thresholds] float64, terms a document, ≥ 0 or NaN; sets in the order of
    `SETS`.

    documents: [source, target, 3] int64, |D|. models: names of rows and columns.
    """

    models: tuple[str, ...]
    thresholds: NDArray[np.float64]
    values: NDArray[np.float64]
    documents: NDArray[np.int64]

    def pair(self, source: str, target: str) -> NDArray[np.float64]:
        """[3, thresholds] of one pair."""
        pair: NDArray[np.float64] = self.values[self.models.index(source), self.models.index(target)]
        return pair


def ansat(
    scores: Mapping[str, Words],
    positives: Mapping[str, Sequence[int]],
    *,
    thresholds: NDArray[np.float64] = THRESHOLDS,
) -> Ansat:
    """ANSAT of every ordered pair of models.

    scores: for each model its word scores of the *same* documents, in the same order. A model may be named by
        its task or by anything else (a source at another recipe is another model).
    positives: for each model the rows of its positive documents, or of those that stand for its task.
    thresholds: a score counts as active if, rounded to float32, it is ≥ the threshold rounded to float32.
        Rounding keeps order, so a score ≥ t in exact arithmetic is never lost, whatever the precision it
        comes in (0.35 itself is active at 0.35).
    Raises `InputError` if two models disagree about the words of a document, or a score is NaN.
    """
    names = tuple(scores)
    words = _check(scores)
    positive = np.zeros((len(names), len(words)), bool)
    for row, name in enumerate(names):
        positive[row, np.asarray(positives[name], np.int64)] = True
    both = positive.astype(np.float64) @ positive.T.astype(np.float64)
    own = np.diag(both)
    documents = np.stack(
        [np.broadcast_to(own[:, None], both.shape), np.broadcast_to(own, both.shape), both], -1
    )
    counts = _counts(scores, words, positive, thresholds.astype(np.float32))
    values = np.full(counts.shape, np.nan)
    np.divide(counts, documents[..., None], out=values, where=documents[..., None] > 0)
    return Ansat(names, thresholds, values, documents.astype(np.int64))


def _check(scores: Mapping[str, Words]) -> NDArray[np.int64]:
    """[documents] words of each document, the same for all models."""
    expected: NDArray[np.int64] | None = None
    first = ""
    for name, model in scores.items():
        words = np.fromiter(map(len, model), np.int64, len(model))
        if expected is None:
            expected, first = words, name
        elif not np.array_equal(words, expected):
            what = f"`{name}` has {len(words)} documents and `{first}` has {len(expected)}."
            if len(words) == len(expected):
                row = int((words != expected).argmax())
                what = f"`{name}` and `{first}` see different words in document {row}."
            raise InputError(
                Problem(
                    "ANSAT", what, "Compare models with the same tokenizer, max_length and documents only."
                )
            )
    return np.zeros(0, np.int64) if expected is None else expected


def _counts(
    scores: Mapping[str, Words],
    words: NDArray[np.int64],
    positive: NDArray[np.bool_],
    thresholds: NDArray[np.float32],
) -> NDArray[np.int64]:
    """[source, target, 3, thresholds]: shared active terms summed over each set of documents."""
    models = len(positive)
    counts = np.zeros((models, models, 3, len(thresholds)), np.int64)
    rows = np.flatnonzero(positive.any(0) & (words > 0))
    for chunk in _chunks(rows, words, models):
        table = _word_table(scores, chunk, int(words[chunk].sum()))
        largest = table.max(0)
        if np.isnan(largest).any():
            raise InputError(Problem("ANSAT", "some word scores are NaN.", "Compute the conductance again."))
        order = np.argsort(-largest)
        table, largest = np.take(table, order, 1), largest[order]
        document = np.zeros(table.shape[1], np.int64)
        document[: words[chunk].sum()] = chunk.repeat(words[chunk])
        # what fills the table up counts to some document, but is active at no threshold
        own_bits = _bits(np.take(positive, document[order], 1))
        for place, threshold in enumerate(thresholds):
            width = -(-int(np.searchsorted(-largest, -threshold, side="right")) // _WORD)
            active = _bits(table[:, : width * _WORD] >= threshold)
            both = np.concatenate((active, active & own_bits[:, :width]))
            for source in range(models):
                shared = np.bitwise_count(both[models + source] & both).sum(1, dtype=np.uint32)
                counts[source, :, 0, place] += shared[:models]
                counts[:, source, 1, place] += shared[:models]
                counts[source, :, 2, place] += shared[models:]
    return counts


def _word_table(scores: Mapping[str, Words], rows: NDArray[np.int64], words: int) -> NDArray[np.float32]:
    """[models, words rounded up to whole bit rows]: the documents' scores in a row; −∞ behind them."""
    table = np.full((len(scores), -(-words // _WORD) * _WORD), -np.inf, np.float32)
    chosen = rows.tolist()
    for row, model in zip(table, scores.values(), strict=True):
        np.concatenate([model[document] for document in chosen], out=row[:words], casting="same_kind")
    return table


def _bits(flags: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """[rows, words / 64]: flags packed 64 to a number."""
    packed: NDArray[np.uint64] = np.packbits(np.ascontiguousarray(flags), axis=1).view(np.uint64)
    return packed


def _chunks(rows: NDArray[np.int64], words: NDArray[np.int64], columns: int) -> list[NDArray[np.int64]]:
    """Rows of documents, cut so that words × columns of a part stays within `_CHUNK` (or one document)."""
    if not len(rows):
        return []
    part = np.cumsum(words[rows]) * columns // _CHUNK
    return np.split(rows, np.flatnonzero(np.diff(part)) + 1)
