"""An encoder that reads and does not learn: evaluation mode, one precision, batches of like length.

The model that is given is left as it is: one that has to change (its precision, its device) is copied first.
In bf16 only the linear layers multiply in bfloat16; autocast is no way, some families overflow their masks in it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from forelearn.core.data import Examples
from forelearn.core.keys import seed_from
from forelearn.models.batch import Tokens, collate, reading_batches
from forelearn.models.linear import quick_linear
from forelearn.representations.path import Precision

if TYPE_CHECKING:
    from forelearn.models.task_model import TaskModel

_TOKENS = 4096
"""Tokens at once, at most."""

Source: TypeAlias = "TaskModel | Path"
"""A model in memory, or the folder of one: of an encoder, or of a finished run."""


def open_body(source: Source, *, precision: Precision, device: str) -> TaskModel:
    """A model whose encoder is the source's; of one from a folder the head means nothing."""
    if isinstance(source, Path):
        from forelearn.models.task_model import new_classifier  # the networks themselves: seconds of import

        # the new head is never read: its labels and seed do not matter
        source = new_classifier(source, ("negative", "positive"), seed=0)
    return at_rest(source, precision=precision, device=device)


def at_rest(task_model: TaskModel, *, precision: Precision, device: str) -> TaskModel:
    """The model in evaluation mode on `device`, in 64 bits for `fp64`, else 32; a copy where it has to change."""
    wanted = torch.float64 if precision == "fp64" else torch.float32
    here = next(task_model.model.parameters())
    if here.dtype == wanted and here.device == torch.device(device) and not task_model.model.training:
        return task_model
    model = copy.deepcopy(task_model.model).train(False).to(device=device, dtype=wanted)
    return replace(task_model, model=model)


def last_states(
    body: TaskModel, tokens: Tokens, rows: NDArray[np.int64], *, precision: Precision, device: str
) -> Iterator[tuple[NDArray[np.int64], torch.Tensor, torch.Tensor]]:
    """The last hidden layer of the sequences `rows`, longest first: (rows, states [b, t, H], mask [b, t]).

    states: 32 bits, or 64 for `fp64`. mask: of the states' type, 1 at real tokens.
    """
    with torch.inference_mode(), quick_linear(body.encoder, narrow=precision == "bf16"):
        for some in sequence_batches(tokens, rows, device):
            batch = collate(tokens, some, body.pad_id, device=device)
            states = body.encoder(**batch).last_hidden_state
            mask = batch.get("attention_mask", torch.ones_like(batch["input_ids"]))
            yield some, states, mask.to(states.dtype)


def sequence_batches(tokens: Tokens, rows: NDArray[np.int64], device: str) -> list[NDArray[np.int64]]:
    """`rows` in batches of like length, longest first."""
    return [rows[part] for part in reading_batches(tokens.lengths[rows], tokens=_TOKENS, device=device)]


def token_means(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean over the real tokens. Shape: states [b, t, H], mask [b, t]; [b, H]."""
    return (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


def as_texts(examples: Examples) -> Examples:
    """Examples of any kind as texts, and pairs where they have them: all that is read; labels mean nothing."""
    texts = examples.read() if examples.choices else examples.texts
    pairs = None if examples.choices else examples.pairs
    return Examples(examples.ids, texts, labels=(0,) * len(examples), pairs=pairs)


def pick_examples(examples: Examples, most: int | None, seed: int) -> NDArray[np.int64]:
    """At most `most` rows of examples, sorted, drawn by seed and content: their order decides nothing."""
    if most is None or len(examples) <= most:
        return np.arange(len(examples))
    return np.sort(chance_order(examples.read(), seed)[:most])


def chance_order(names: Sequence[object], seed: int) -> NDArray[np.int64]:
    """Rows in an order drawn by seed and name alone."""
    chances = [seed_from("rows", seed, name) for name in names]
    return np.argsort(np.array(chances, np.int64), kind="stable")
