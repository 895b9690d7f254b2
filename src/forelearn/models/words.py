"""Training touches the words that occur: the other rows of the embedding matrix stand aside until it ends.

Half of a small encoder's parameters are word vectors (11.7 of MiniLM's 22.7 million; 192 of XLM-R base's 278), and a
small task's texts hold a few thousand words. The rows of all others have no gradient, yet an optimiser, the norm of a
gradient and a mixture of changes go through them in every step. Here the embedding holds the rows in use, and one
row more, the stand-in. All that ever happens to a row without a gradient is that it is multiplied (by weight decay,
by α): what the stand-in has been multiplied by, the others are multiplied by in the end. The model that comes out is
the one that the whole matrix would have given, but for rounding.

Not covered: embeddings that are more than a table (scaled, of bounded norm), or whose matrix another module shares;
they stay whole.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel

from forelearn.models.batch import Tokens
from forelearn.models.task_model import TaskModel


class WordsInUse(nn.Module):
    """The rows of an embedding that are in use; looking up another one is an IndexError.

    weight: [u + 1, d], the rows in the order of their ids, then the stand-in, which starts as ones.
    for_good: the other rows are given up.
    """

    places: torch.Tensor

    def __init__(self, whole: nn.Embedding, ids: torch.Tensor, *, for_good: bool = False) -> None:
        """ids: [u] int64, ascending, the padding's among them if there is one."""
        super().__init__()
        # in a list: it is no part of the model, and stays where it is
        self._whole = [] if for_good else [whole]
        self._ids = ids
        places = torch.full((whole.num_embeddings,), -1)
        places[ids] = torch.arange(len(ids))
        self.register_buffer("places", places, persistent=False)
        self._padding = None if whole.padding_idx is None else int(places[whole.padding_idx])
        rows = whole.weight.detach()[ids]
        self.weight = nn.Parameter(torch.cat([rows, rows.new_ones(1, rows.shape[1])]))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Shape: [...] int64 to [..., d]."""
        return nn.functional.embedding(self.places[ids], self.weight, self._padding)

    def whole(self) -> nn.Embedding:
        """The embedding as training has left it. Raises ValueError if its other rows were given up."""
        (whole,) = self._whole
        with torch.no_grad():
            rows = self.weight.to(whole.weight.device)
            whole.weight.mul_(rows[-1, 0])
            whole.weight[self._ids] = rows[:-1]
        return whole


def narrow_words(task_model: TaskModel, texts: Iterable[Tokens], *, for_good: bool = False) -> None:
    """Leave in the encoder's word embedding only what `texts` and padding use, where that is possible and not all.

    texts: everything that the model reads until `widen_words`. for_good: it will not be widened, and gives up the rest.
    """
    model, embedding = task_model.model, task_model.encoder.get_input_embeddings()
    if not isinstance(embedding, nn.Embedding) or not _is_a_table(model, embedding):
        return
    padding = {task_model.pad_id} | ({embedding.padding_idx} - {None})  # they need not be the same
    used = np.unique(np.concatenate([*(tokens.ids for tokens in texts), [*padding]]).astype(np.int64))
    if len(used) + 1 < embedding.num_embeddings:
        _replace(model, embedding, WordsInUse(embedding, torch.from_numpy(used), for_good=for_good))


def widen_words(task_model: TaskModel) -> None:
    """Put the whole embedding back, if it was narrowed."""
    for module in list(task_model.model.modules()):
        if isinstance(module, WordsInUse):
            _replace(task_model.model, module, module.whole())


def _is_a_table(model: PreTrainedModel, embedding: nn.Embedding) -> bool:
    """Whether all that the model does with the matrix is to look up rows."""
    plain = type(embedding) is nn.Embedding and embedding.max_norm is None and not embedding.sparse
    owners = [
        module
        for module in model.modules()
        if any(own is embedding.weight for own in module.parameters(recurse=False))
    ]
    return plain and not embedding.scale_grad_by_freq and owners == [embedding]


def _replace(model: PreTrainedModel, old: nn.Module, new: nn.Module) -> None:
    """Everywhere in the model."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if child is old:
                setattr(parent, name, new)
