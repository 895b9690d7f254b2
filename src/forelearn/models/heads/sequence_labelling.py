"""Sequence labelling: a tag for every word. Cross-entropy at the first piece of each word.

The words are read as one text, joined by blanks, and pieces find their words by their characters: every fast
tokenizer can do that. A sequence that is too long is cut between words into parts that fit, so that no word goes
without a prediction. A word of which the tokenizer leaves nothing (an odd character) is predicted as `O`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import AutoModelForTokenClassification, PreTrainedTokenizerBase

from forelearn.core.data import Examples
from forelearn.core.task import Kind
from forelearn.models.batch import cached, encode_texts, ragged, special_ids
from forelearn.models.heads.base import IGNORE, Floats, Head, Items

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SequenceLabelling(Head):
    """tags: names by index."""

    tags: tuple[str, ...]

    auto: ClassVar[Any] = AutoModelForTokenClassification
    pipeline: ClassVar[str] = "token-classification"

    @property
    def kind(self) -> Kind:
        """Sequence labelling."""
        return "sequence_labelling"

    @property
    def names(self) -> tuple[str, ...]:
        """The tags."""
        return self.tags

    @property
    def labels(self) -> tuple[str, ...]:
        """The tags."""
        return self.tags

    def encode(self, tokenizer: PreTrainedTokenizerBase, examples: Examples, max_length: int) -> Items:
        """An item a part of a sequence. Targets: [tokens], the word's tag at its first piece, else `IGNORE`.

        The first column of `spots` holds the index of that word within its example at its first piece, else −1.
        """
        texts = [word for words in examples.words for word in (*words, "\n")]
        held = cached(
            tokenizer, texts, ("words", max_length), lambda: _parts(tokenizer, examples.words, max_length)
        )
        tags = np.concatenate([np.asarray(row, np.int64) for row in examples.tags])
        first = np.cumsum([0, *(len(words) for words in examples.words)])[:-1]
        assert held.spots is not None
        word = held.spots[:, 0]
        owner = np.repeat(held.example, held.tokens.lengths)
        targets = np.full(len(word), IGNORE, np.int64)
        targets[word >= 0] = tags[first[owner[word >= 0]] + word[word >= 0]]
        return Items(held.tokens, held.example, targets, spots=held.spots)

    def targets(self, items: Items, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """[b, longest], `IGNORE` where no word starts."""
        lengths = items.tokens.lengths[rows]
        real = np.arange(int(lengths.max())) < lengths[:, None]
        found = np.full(real.shape, IGNORE, np.int64)
        found[real] = items.targets[_places(items, rows)]
        return found

    def losses(self, output: Any, targets: torch.Tensor) -> torch.Tensor:
        """Sum over the words of an item. Shape: [b]."""
        logits = output.logits.float().transpose(1, 2)
        return nn.functional.cross_entropy(logits, targets, reduction="none", ignore_index=IGNORE).sum(1)

    def loss(self, output: Any, targets: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
        """Mean over the words of the batch, so that a long sequence weighs as its words do."""
        return self.losses(output, targets).sum() / (targets != IGNORE).sum().clamp(min=1)

    def counted(self, items: Items, rows: NDArray[np.int64]) -> float:
        """Words."""
        return float(max((self.targets(items, rows) != IGNORE).sum(), 1))

    def read(self, output: Any, items: Items, rows: NDArray[np.int64]) -> list[Floats]:
        """Logits of the words that start in each item, with the word's index before them: [words, 1 + C]."""
        logits = output.logits.float().cpu().numpy()
        assert items.spots is not None
        found = []
        for row, values in zip(rows, logits):
            start, end = items.tokens.offsets[row], items.tokens.offsets[row + 1]
            word = items.spots[start:end, 0]
            mine = np.flatnonzero(word >= 0)
            found.append(np.concatenate([word[mine, None].astype(np.float32), values[mine]], axis=1))
        return found

    def join(self, found: Sequence[Floats], items: Items) -> Floats:
        """Logits of all words, example after example: [words, C]; `O` (else the first tag) where none was found."""
        assert items.spots is not None
        n = int(items.example[-1]) + 1 if len(items) else 0
        counts = np.zeros(n, np.int64)
        np.maximum.at(counts, items.example, _last_word(items) + 1)
        starts = np.cumsum([0, *counts])
        logits = np.zeros((int(starts[-1]), len(self.tags)), np.float32)
        logits[:, self.tags.index("O") if "O" in self.tags else 0] = 1.0
        for values, example in zip(found, items.example):
            logits[starts[example] + values[:, 0].astype(np.int64)] = values[:, 1:]
        return logits


def _places(items: Items, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the tokens of `rows` stand in the flat arrays, row after row."""
    return np.concatenate(
        [np.arange(items.tokens.offsets[row], items.tokens.offsets[row + 1]) for row in rows]
    )


def _last_word(items: Items) -> NDArray[np.int64]:
    """[m] index of the last word of each part, from the second column of `spots` at its first token."""
    assert items.spots is not None
    return np.asarray(items.spots[items.tokens.offsets[:-1], 1])


def _parts(tokenizer: PreTrainedTokenizerBase, sequences: Sequence[Words], max_length: int) -> Items:
    """Items without targets. `spots`: at the first piece of a word its index, else −1; at the first token of a part
    the second column holds the index of its last word.

    A text is tokenised once, as a whole, and its pieces are cut: a part has the pieces that the text has.
    """
    before, after = special_ids(tokenizer)
    room = max_length - len(before) - len(after)
    whole = encode_texts(tokenizer, [" ".join(words) for words in sequences], special=False)
    ids: list[list[int]] = []
    spots: list[NDArray[np.int64]] = []
    owner: list[int] = []
    for example, (words, encoding) in enumerate(zip(sequences, whole)):
        word_of = np.full(len(encoding.ids), -1, np.int64)
        for place, word in _word_of(encoding.offsets, words):
            word_of[place] = word
        pieces = np.bincount(word_of[word_of >= 0], minlength=len(words))
        for start, end in _fit(pieces, room):
            inside = np.flatnonzero((word_of >= start) & (word_of < end))
            first = int(inside[0]) if len(inside) else 0
            last = min(int(inside[-1]) + 1, first + room) if len(inside) else 0
            ids.append([*before, *encoding.ids[first:last], *after])
            spot = np.full((len(ids[-1]), 2), -1, np.int64)
            _, starts = np.unique(word_of[first:last], return_index=True)
            starts = starts[word_of[first:last][starts] >= 0]
            spot[len(before) + starts, 0] = word_of[first:last][starts]
            spot[0, 1] = end - 1
            spots.append(spot)
            owner.append(example)
    flat = np.concatenate(spots) if spots else np.zeros((0, 2), np.int64)
    return Items(ragged(ids), np.array(owner, np.int64), np.zeros(0), spots=flat)


def _word_of(offsets: Sequence[tuple[int, int]], words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """(token, word) for every token that stands in a word of the text that the words make."""
    ends = np.cumsum([len(word) + 1 for word in words])
    for place, (start, end) in enumerate(offsets):
        if end > start:
            yield place, int(np.searchsorted(ends, end - 1, side="right"))


def _fit(pieces: NDArray[np.int64], room: int) -> Iterator[tuple[int, int]]:
    """Cuts between words so that each part has at most `room` pieces, or one word."""
    start, used = 0, 0
    for word, count in enumerate(pieces):
        if word > start and used + count > room:
            yield start, word
            start, used = word, 0
        used += int(count)
    yield start, len(pieces)
