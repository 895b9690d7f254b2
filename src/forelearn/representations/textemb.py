"""TextEmb: what a task's texts look like to the pretrained encoder (Vu et al. 2020).

The mean over tokens (under the attention mask) of the last hidden layer, then the mean over examples, as in
the authors' code. No labels are used. The vector is raw: similarity between tasks is told apart only after
the mean over tasks is removed, which is the estimator's work.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from forelearn.core.errors import InputError, Problem
from forelearn.core.run import Cost
from forelearn.models.batch import batches, collate, tokenize
from forelearn.models.task_model import new_classifier
from forelearn.representations.path import Precision

_BATCH = 32


@dataclass(frozen=True, slots=True)
class TextEmb:
    """vector: [hidden] float64. cost: units are tokens × layers / 3: only the forward third is computed."""

    vector: NDArray[np.float64]
    cost: Cost


def textemb(
    encoder: Path,
    texts: Sequence[str],
    *,
    pairs: Sequence[str] | None = None,
    max_length: int = 128,
    precision: Precision = "fp32",
    device: str = "cpu",
) -> TextEmb:
    """TextEmb of `texts` under the encoder in the folder `encoder`.

    Every example weighs the same, however long it is. Raises `InputError` if there are no texts.
    """
    if not len(texts):
        raise InputError(Problem("TextEmb", "there are no texts to embed.", "Give at least one example."))
    began = time.perf_counter()
    # the head is dropped at once: its labels and seed do not matter
    classifier = new_classifier(encoder, ("negative", "positive"), seed=0)
    body: Any = classifier.encoder
    body = body.to(device)
    if precision == "fp64":
        body = body.double()
    tokens = tokenize(classifier.tokenizer, texts, pairs, max_length)
    total = torch.zeros(body.config.hidden_size, dtype=torch.float64)
    with (
        torch.inference_mode(),
        torch.autocast(device.split(":")[0], torch.bfloat16, enabled=precision == "bf16"),
    ):
        for rows in batches(tokens.lengths, _BATCH, None):
            batch = collate(tokens, rows, classifier.pad_id, device=device)
            states = body(**batch).last_hidden_state
            states = states if states.dtype == torch.float64 else states.float()
            mask = batch.get("attention_mask")
            if mask is None:
                means = states.mean(1)
            else:
                weights = mask.to(states.dtype)[..., None]
                means = (states * weights).sum(1) / weights.sum(1)
            total += means.cpu().double().sum(0)
    units = float(tokens.lengths.sum()) * int(body.config.num_hidden_layers) / 3
    return TextEmb((total / len(texts)).numpy(), Cost(units, time.perf_counter() - began))
