"""Captum's LayerConductance for every layer of a BERT classifier: the other side of the comparison."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from captum.attr import LayerConductance
from numpy.typing import NDArray

from forelearn.models.task_model import TaskModel
from forelearn.representations.path import embedding_ends, make_batch
from forelearn.representations.words import Document


class CaptumConductance:
    """One `LayerConductance` a layer at its defaults (50 steps, Gauss–Legendre), parameters frozen.

    The path starts where ours does, at the output of the embedding block; F is the difference of the logits.
    """

    def __init__(self, classifier: TaskModel) -> None:
        self._model = classifier.model.eval().requires_grad_(False)
        self._pad_id = classifier.pad_id
        layers = self._model.bert.encoder.layer
        self._layers = [LayerConductance(self._difference, layer) for layer in layers]

    def tokens(self, documents: Sequence[Document]) -> list[NDArray[np.float64]]:
        """[layers, tokens] of each document."""
        device = next(self._model.parameters()).device
        batch = make_batch(documents, self._pad_id, device)
        start, end = embedding_ends(self._model.bert, batch)
        mask = torch.ones_like(batch.ids, dtype=torch.bool) if batch.mask is None else batch.mask
        found = [
            layer.attribute(end, baselines=start, additional_forward_args=(mask,))
            .sum(-1)
            .detach()
            .cpu()
            .double()
            for layer in self._layers
        ]
        sums = torch.stack(found, 1).numpy()
        return [sums[row, :, : len(document)] for row, document in enumerate(documents)]

    def _difference(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        closed = None
        if not mask.all():
            closed = torch.zeros(mask.shape, dtype=states.dtype, device=states.device)
            closed = closed.masked_fill(~mask, torch.finfo(states.dtype).min)[:, None, None, :]
        bert = self._model.bert
        logits = self._model.classifier(bert.pooler(bert.encoder(states, attention_mask=closed)[0]))
        return logits[:, 1] - logits[:, 0]
