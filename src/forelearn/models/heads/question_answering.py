"""Extractive question answering: where in the context the answer starts and ends. Two cross-entropies.

As Devlin et al. 2019 do for SQuAD 1.1: question and context are read as a pair; a context that is too long is
read in overlapping windows; a window that does not hold the answer is to point at its first token; the answer is
the span with the highest sum of the two logits over all windows, of at most 30 tokens. [choice] Windows overlap
by a quarter of their length, and a question takes at most a third of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import AutoModelForQuestionAnswering, PreTrainedTokenizerBase

from forelearn.core.data import Answer, Examples
from forelearn.core.errors import InputError, Problem
from forelearn.core.task import Kind
from forelearn.models.batch import cached, encode_texts, encode_windows, ragged
from forelearn.models.heads.base import Floats, Head, Items

_LONGEST_ANSWER = 30
_CANDIDATES = 20
_LEAST_LENGTH = 16


@dataclass(frozen=True, slots=True)
class QuestionAnswering(Head):
    """Predictions: [n, 3] start and end of the answer in the characters of the context, and its score."""

    auto: ClassVar[Any] = AutoModelForQuestionAnswering
    pipeline: ClassVar[str] = "question-answering"
    spans: ClassVar[bool] = True

    @property
    def kind(self) -> Kind:
        """Question answering."""
        return "question_answering"

    @property
    def names(self) -> tuple[str, ...]:
        """Two outputs a token."""
        return ("start", "end")

    def encode(self, tokenizer: PreTrainedTokenizerBase, examples: Examples, max_length: int) -> Items:
        """An item a window. Targets: [m, 2] first and last token of the first right answer, (0, 0) elsewhere."""
        if max_length < _LEAST_LENGTH:
            raise InputError(
                Problem(
                    "max_length",
                    f"must be at least {_LEAST_LENGTH} for question answering, got {max_length}.",
                    "Question and context share it; 384 is usual.",
                )
            )
        contexts = examples.pairs or ()
        held = cached(
            tokenizer,
            [text for both in zip(examples.texts, contexts) for text in both],
            ("windows", max_length),
            lambda: _windows(tokenizer, examples.texts, contexts, max_length),
        )
        targets = np.zeros((len(held), 2), np.int64)
        for row, example in enumerate(held.example):
            targets[row] = _target(_spots(held, row), examples.answers[example][0])
        return Items(held.tokens, held.example, targets, spots=held.spots)

    def targets(self, items: Items, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """[b, 3]: first and last token of the answer, and the tokens of the window, so that padding is told."""
        return np.concatenate([items.targets[rows], items.tokens.lengths[rows, None]], axis=1)

    def losses(self, output: Any, targets: torch.Tensor) -> torch.Tensor:
        """Mean of the two cross-entropies over the tokens of the window, padding left out. Shape: [b]."""
        places = torch.arange(output.start_logits.shape[1], device=targets.device)
        padding = places[None, :] >= targets[:, 2, None]
        start, end = (
            nn.functional.cross_entropy(
                logits.float().masked_fill(padding, -torch.inf), targets[:, side], reduction="none"
            )
            for side, logits in enumerate((output.start_logits, output.end_logits))
        )
        return (start + end) / 2

    def read(self, output: Any, items: Items, rows: NDArray[np.int64]) -> list[Floats]:
        """The best span [start, end, score] of each window, in characters of the context."""
        starts = output.start_logits.float().cpu().numpy()
        ends = output.end_logits.float().cpu().numpy()
        return [
            _best(_spots(items, row), first, last)
            for row, first, last in zip(rows, starts, ends, strict=True)
        ]

    def join(self, found: Sequence[Floats], items: Items) -> Floats:
        """The best span over the windows of each example; of equal ones the first. Shape: [n, 3]."""
        n = int(items.example[-1]) + 1 if len(items) else 0
        best = np.full((n, 3), -np.inf, np.float32)
        for span, example in zip(found, items.example):
            if span[2] > best[example, 2]:
                best[example] = span
        return best


def _windows(
    tokenizer: PreTrainedTokenizerBase, questions: Sequence[str], contexts: Sequence[str], max_length: int
) -> Items:
    """Items without targets."""
    short = _shortened(tokenizer, questions, max_length // 3)
    example, encodings = encode_windows(
        tokenizer, short, contexts, max_length=max_length, overlap=max_length // 4
    )
    types = [encoding.type_ids for encoding in encodings]
    has_types = "token_type_ids" in tokenizer.model_input_names
    tokens = ragged([encoding.ids for encoding in encodings], types if has_types else None)
    spots = np.full((len(tokens.ids), 2), -1, np.int64)
    for row, encoding in enumerate(encodings):
        base = tokens.offsets[row]
        for place, (side, both) in enumerate(zip(encoding.sequence_ids, encoding.offsets)):
            if side == 1:
                spots[base + place] = _trimmed(contexts[example[row]], *both)
    return Items(tokens, np.array(example, np.int64), np.zeros(0), spots=spots)


def _trimmed(context: str, first: int, last: int) -> tuple[int, int]:
    """A token without the white space before it, which some tokenizers count to it; nowhere if there is no more."""
    if not context[first:last].strip():
        return (first, last) if first == last else (-1, -1)
    return last - len(context[first:last].lstrip()), last


def _shortened(tokenizer: PreTrainedTokenizerBase, questions: Sequence[str], most: int) -> list[str]:
    """Questions cut to `most` pieces."""
    found = []
    for question, encoding in zip(questions, encode_texts(tokenizer, questions, special=False)):
        found.append(question if len(encoding.ids) <= most else question[: encoding.offsets[most - 1][1]])
    return found


def _spots(items: Items, row: int) -> NDArray[np.int64]:
    """[t, 2] where the tokens of one window stand in the context."""
    assert items.spots is not None
    return items.spots[items.tokens.offsets[row] : items.tokens.offsets[row + 1]]


def _target(spots: NDArray[np.int64], answer: Answer) -> tuple[int, int]:
    """First and last token of the answer, or (0, 0) if the window does not hold all of it."""
    start = answer.start + len(answer.text) - len(answer.text.lstrip())
    end = answer.start + len(answer.text.rstrip())
    inside = spots[:, 0] >= 0
    touching = np.flatnonzero(inside & (spots[:, 1] > start) & (spots[:, 0] < end))
    context = spots[inside]
    if not len(touching) or not len(context) or context[0, 0] > start or context[-1, 1] < end:
        return 0, 0
    return int(touching[0]), int(touching[-1])


def _best(spots: NDArray[np.int64], starts: Floats, ends: Floats) -> Floats:
    """[start, end, score] of the best span of a window; an empty one with the least score if it has no context."""
    context = np.flatnonzero(spots[:, 0] >= 0)
    if not len(context):
        return np.array([0, 0, np.finfo(np.float32).min], np.float32)
    first = context[np.argsort(-starts[context], kind="stable")[:_CANDIDATES]]
    last = context[np.argsort(-ends[context], kind="stable")[:_CANDIDATES]]
    length = last[None, :] - first[:, None]
    fits = (length >= 0) & (length < _LONGEST_ANSWER)
    score = np.where(fits, starts[first][:, None] + ends[last][None, :], -np.inf)
    if not fits.any():  # the best starts all lie behind the best ends: the best single token
        place = context[np.argmax(starts[context] + ends[context])]
        return np.array([spots[place, 0], spots[place, 1], starts[place] + ends[place]], np.float32)
    i, j = np.unravel_index(int(np.argmax(score)), score.shape)
    return np.array([spots[first[i], 0], spots[last[j], 1], score[i, j]], np.float32)
