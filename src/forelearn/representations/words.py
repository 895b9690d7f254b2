"""From texts to tokens with words, and from conductance of tokens to scores of words.

The order, each step as settled: sum over hidden units (done before) → drop special tokens and padding → a
word is the *sum* of its pieces, which keeps completeness → divide by the L2 norm over the document's words,
per layer, the norm clamped away from 0 → mean over all layers. The score lies in [−1, 1].

Differs from the paper, which leaves open how pieces, layers and normalisation go together. A layer that is 0
at every word (the last one of a classifier that reads only the first token) stays in the mean: Definition 1
divides by the number of layers. The scale of the thresholds follows from this choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from forelearn.core.errors import InputError, Problem

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SMALLEST_NORM = 1e-12
"""Norms are clamped to this: a layer through which nothing flows has scores 0, not NaN."""


@dataclass(frozen=True, slots=True)
class Document:
    """One tokenised text, or pair of texts.

    ids: [tokens] int64, special tokens included. special: [tokens] bool.
    words: [tokens] int64, index of each token's word; −1 for special tokens.
    spans: [words, 2] int32, first and one past last character of each word.
    types: [tokens] int64 segment of each token, or None where the tokenizer gives none.
    """

    ids: NDArray[np.int64]
    special: NDArray[np.bool_]
    words: NDArray[np.int64]
    spans: NDArray[np.int32]
    types: NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.ids)


def read_documents(
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    pairs: Sequence[str | None] | None,
    max_length: int,
) -> list[Document]:
    """Tokens and words of `texts`, each cut to `max_length` tokens.

    pairs: second texts; None where a document has none. Spans of a pair count characters of `joined`: the words
    of both texts are words of the document.
    Raises `InputError` if the tokenizer cannot say which word a token belongs to, or cannot pad.
    """
    if not tokenizer.is_fast:
        raise InputError(
            Problem(
                "conductance",
                "the tokenizer is not a fast one, so words cannot be found.",
                "Use tokenizer.json.",
            )
        )
    if tokenizer.pad_token_id is None:
        raise InputError(
            Problem(
                "conductance", "the tokenizer has no padding token, so there is no baseline.", "Name one."
            )
        )
    seconds = [None] * len(texts) if pairs is None else pairs
    alone = [row for row, second in enumerate(seconds) if second is None]
    paired = [(row, second) for row, second in enumerate(seconds) if second is not None]
    # a tokenizer takes a list of texts or a list of pairs, not a list of both
    found = dict(zip(alone, _read(tokenizer, [texts[row] for row in alone], None, max_length), strict=True))
    read = _read(tokenizer, [texts[row] for row, _ in paired], [second for _, second in paired], max_length)
    found.update(zip((row for row, _ in paired), read, strict=True))
    return [found[row] for row in range(len(texts))]


def joined(text: str, second: str | None) -> str:
    """A document in one piece: the text, a line break and its second text, if it has one."""
    return text if second is None else f"{text}\n{second}"


def _read(
    tokenizer: PreTrainedTokenizerBase, texts: list[str], pairs: list[str] | None, max_length: int
) -> list[Document]:
    if not texts:
        return []
    encoded = tokenizer(
        texts,
        pairs,
        truncation=True,
        max_length=max_length,
        return_attention_mask=False,
        return_special_tokens_mask=True,
        return_offsets_mapping=True,
    )
    tokenizer.backend_tokenizer.no_truncation()  # which would be saved with it
    documents = []
    for row, ids in enumerate(encoded["input_ids"]):
        shift = len(texts[row]) + 1
        words, spans = _words(
            encoded.word_ids(row), encoded.sequence_ids(row), encoded["offset_mapping"][row], shift=shift
        )
        types = encoded["token_type_ids"][row] if "token_type_ids" in encoded else None
        documents.append(
            Document(
                ids=np.array(ids, np.int64),
                special=np.array(encoded["special_tokens_mask"][row], bool),
                words=words,
                spans=spans,
                types=None if types is None else np.array(types, np.int64),
            )
        )
    return documents


def word_scores(tokens: NDArray[np.floating], document: Document) -> NDArray[np.float64]:
    """Scores of a document's words from the conductance of its tokens.

    Shape: tokens [layers, tokens] → [words], each in [−1, 1].
    """
    inside = document.words >= 0
    sums = np.zeros((tokens.shape[0], len(document.spans)))
    np.add.at(sums.T, document.words[inside], tokens[:, inside].T)
    norms = np.sqrt((sums**2).sum(1, keepdims=True))
    scores: NDArray[np.float64] = (sums / np.maximum(norms, SMALLEST_NORM)).mean(0)
    return scores


def _words(
    word_ids: Sequence[int | None],
    sequences: Sequence[int | None],
    offsets: Sequence[tuple[int, int]],
    *,
    shift: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    index: dict[tuple[int, int], int] = {}
    words = np.full(len(word_ids), -1, np.int64)
    spans: list[list[int]] = []
    for place, (word, sequence, (first, last)) in enumerate(zip(word_ids, sequences, offsets, strict=True)):
        if word is None or sequence is None:
            continue
        first, last = first + sequence * shift, last + sequence * shift
        number = index.setdefault((sequence, word), len(spans))
        if number == len(spans):
            spans.append([first, last])
        spans[number] = [min(spans[number][0], first), max(spans[number][1], last)]
        words[place] = number
    return words, np.array(spans, np.int32).reshape(-1, 2)
