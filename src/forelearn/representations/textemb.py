"""TextEmb: what a task's texts look like to the pretrained encoder (Vu et al. 2020).

The mean over tokens (under the attention mask) of the last hidden layer, then the mean over examples, as in
the authors' code. No labels are used. An example that is read as several sequences (with each of its choices, in
windows over a long context, in parts) gives the mean over the tokens of all of them: every example weighs the same.

The vector is raw. Texts of one language point in nearly one direction, and tasks are told apart only when the mean
over the *tasks* that are compared is removed from each task's vector: that needs all of them, and is
`estimators/similarity.py`'s work.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from forelearn.core.data import Examples
from forelearn.core.errors import InputError, Problem
from forelearn.core.run import Cost
from forelearn.models.batch import Tokens, tokenize
from forelearn.models.heads import Head
from forelearn.representations.effort import FORWARD, Effort
from forelearn.representations.path import Precision
from forelearn.representations.reading import Source, last_states, open_body, pick_examples

if TYPE_CHECKING:
    from forelearn.models.task_model import TaskModel


@dataclass(frozen=True, slots=True)
class TextEmb:
    """vector: [hidden] float64. effort: forward passes alone."""

    vector: NDArray[np.float64]
    effort: Effort

    @property
    def cost(self) -> Cost:
        """Units are tokens × layers / 3: only the forward third is computed."""
        return self.effort.cost


def textemb(
    encoder: Path,
    texts: Sequence[str],
    *,
    pairs: Sequence[str] | None = None,
    max_length: int = 128,
    precision: Precision = "fp32",
    device: str = "cpu",
) -> TextEmb:
    """TextEmb of `texts`, or of texts and their `pairs`, under the encoder in the folder `encoder`.

    Raises `InputError` if there are no texts.
    """
    began = time.perf_counter()
    body = open_body(encoder, precision=precision, device=device)
    tokens = tokenize(body.tokenizer, texts, pairs, max_length)
    return _mean(body, tokens, np.arange(len(tokens)), precision=precision, device=device, began=began)


def task_textemb(
    encoder: Source,
    examples: Examples,
    head: Head,
    *,
    max_length: int,
    precision: Precision = "fp32",
    device: str = "cpu",
    most: int | None = None,
    seed: int = 0,
) -> TextEmb:
    """TextEmb of a task of any kind: of all that its head reads.

    encoder: a model whose own head is not read, or its folder. head: the task's.
    most: examples, drawn by seed and content; None is all of them. Raises `InputError` if there are no examples.
    """
    began = time.perf_counter()
    body = open_body(encoder, precision=precision, device=device)
    picked = examples.pick(pick_examples(examples, most, seed).tolist())
    items = head.encode(body.tokenizer, picked, max_length) if len(picked) else None
    tokens = items.tokens if items else tokenize(body.tokenizer, (), None, max_length)
    owner = items.example.repeat(items.width) if items else np.zeros(0, np.int64)
    return _mean(body, tokens, owner, precision=precision, device=device, began=began)


def _mean(
    body: TaskModel,
    tokens: Tokens,
    owner: NDArray[np.int64],
    *,
    precision: Precision,
    device: str,
    began: float,
) -> TextEmb:
    """Mean over tokens, then over examples. owner: [s] the example of each sequence, from 0, not decreasing."""
    if not len(tokens):
        raise InputError(Problem("TextEmb", "there are no texts to embed.", "Give at least one example."))
    examples = int(owner[-1]) + 1
    lengths = np.bincount(owner, weights=tokens.lengths)
    total = torch.zeros(int(body.encoder.config.hidden_size), dtype=torch.float64)
    every = np.arange(len(tokens))
    for rows, states, mask in last_states(body, tokens, every, precision=precision, device=device):
        sums = (states * mask[..., None]).sum(1).cpu().double()
        total += (sums / torch.from_numpy(lengths[owner[rows]])[:, None]).sum(0)
    units = FORWARD * float(tokens.lengths.sum()) * body.shape().layers
    effort = Effort(forward=examples, units=units, seconds=time.perf_counter() - began)
    return TextEmb((total / examples).numpy(), effort)
