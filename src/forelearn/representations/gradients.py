"""Gradients of the loss of single examples, exact for every family of encoders and every kind of task.

Each item is passed alone: nothing is padded, so that no batch and no neighbour has a say. The gradient of an example
read in several items (windows, parts) is the sum of theirs: that of its whole log likelihood.

Measured on one core, BERT of 6 layers × 384 and 30,522 words: 24, 33 and 54 ms an example of 16, 32 and 96 tokens.
Products example by example over batches of 16 took 20, 23 and 59 ms for the linear layers alone, and ask for a rule
of their own for norms, embeddings and the positions that DeBERTa shares among all texts: not worth it. Tables of
embeddings give sparse gradients: a text touches few rows of them.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from forelearn.models.heads import Items
from forelearn.models.linear import quick_linear
from forelearn.representations.activations import Part, caught
from forelearn.representations.drawn_targets import drawn_targets
from forelearn.representations.path import Precision
from forelearn.representations.reading import at_rest

if TYPE_CHECKING:
    from forelearn.models.task_model import TaskModel


@dataclass(frozen=True, slots=True)
class Gradients:
    """Of Σ losses over a group of items, weighed.

    parameters: of the encoder, by name, of each one's shape; sparse for tables of embeddings.
    activations: by name [H], summed over items and their real tokens. tokens: how many those are.
    """

    parameters: dict[str, torch.Tensor]
    activations: dict[str, torch.Tensor]
    tokens: int


class Gradient:
    """Gradients of groups of items of a model's own task. Works on a frozen copy of the model."""

    def __init__(
        self,
        task_model: TaskModel,
        items: Items,
        *,
        parameters: bool,
        activations: Collection[Part],
        drawn_from: torch.Generator | None = None,
        precision: Precision = "fp32",
        device: str = "cpu",
    ) -> None:
        held = at_rest(task_model, precision=precision, device=device)
        if held is task_model:  # what follows changes the model: it has to be our own
            held = replace(held, model=copy.deepcopy(held.model))
        self._held = held
        self._items = items
        self._parts = activations
        self._drawn_from = drawn_from
        self._narrow = precision == "bf16"
        self._device = device
        self._held.model.requires_grad_(False)
        self._parameters: dict[str, nn.Parameter] = {}
        if parameters:
            self._held.encoder.requires_grad_(True)
            self._parameters = dict(self._held.encoder.named_parameters())
            for module in self._held.encoder.modules():
                if isinstance(module, nn.Embedding):
                    module.sparse = True
        self.shapes = {name: tuple(values.shape) for name, values in self._parameters.items()}
        self.layers = self._held.shape().layers

    def of_groups(self, groups: Sequence[NDArray[np.int64]]) -> Iterator[Gradients]:
        """The gradient of the *sum* of the losses of each group of items."""
        with (
            torch.enable_grad(),
            quick_linear(self._held.model, narrow=self._narrow),
            caught(self._held.encoder, self._parts) as activations,
        ):
            for group in groups:
                sums: dict[str, torch.Tensor] = {}
                tokens = 0
                for row in group:
                    tokens += self._add(np.array([row]), activations, sums)
                yield Gradients(
                    {name: values for name, values in sums.items() if name in self._parameters},
                    {name: values for name, values in sums.items() if name not in self._parameters},
                    tokens,
                )

    def _add(
        self, row: NDArray[np.int64], activations: dict[str, torch.Tensor], sums: dict[str, torch.Tensor]
    ) -> int:
        """Add the gradients of one item to `sums`; its real tokens."""
        activations.clear()
        batch = self._items.batch(row, self._held.pad_id, device=self._device)
        output: Any = self._held.model(**batch)
        targets = torch.from_numpy(self._held.head.targets(self._items, row)).to(self._device)
        if self._drawn_from is not None:
            targets = drawn_targets(self._held.kind, output, targets, self._drawn_from)
        loss = self._held.head.losses(output, targets).sum()
        wanted = {**self._parameters, **activations}
        found = torch.autograd.grad(loss, list(wanted.values()), allow_unused=True)
        mask = batch.get("attention_mask", torch.ones_like(batch["input_ids"])).flatten(0, -2)
        for name, values in zip(wanted, found, strict=True):
            if values is None:
                continue
            if name not in self._parameters:
                values = (values * mask[..., None] if values.dim() == 3 else values).flatten(0, -2).sum(0)
            sums[name] = sums[name] + values if name in sums else values
        return int(mask.sum())


def items_of(items: Items) -> list[NDArray[np.int64]]:
    """The items of each example, in order."""
    starts = np.flatnonzero(np.diff(items.example, prepend=-1))
    return np.split(np.arange(len(items)), starts[1:])
