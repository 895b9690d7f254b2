"""The fast engine for post-norm encoders read by their first token: BERT, RoBERTa, ELECTRA, DistilBERT.

It evaluates the same function as the model, from the model's own weights, and saves what is exact to save:
- the first layer runs without gradients, its output is the leaf;
- the last layer is evaluated for the first token's query only: such a classifier reads nothing else, and the
  conductance of every other token there is exactly 0;
- query, key and value are one product, with the attention's scale folded into the query's weights;
- attention is written out: on CPUs the fused one's backward is three times slower in bf16, and no faster in
  fp32.

In bf16 only the operands of matrix products are bf16; sums, norms and what passes from layer to layer are
fp32. Checked against `HookedEngine` in fp64 by the tests.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from forelearn.representations.path import (
    Batch,
    Ends,
    Function,
    Precision,
    Trace,
    apart,
    class_function,
    embedding_ends,
    points_between,
)

Tensor = torch.Tensor
Map = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class _Block:
    """One layer. Weights of products in the product's type, [out, in]."""

    qkv: Tensor
    qkv_bias: Tensor
    mix: Tensor
    mix_bias: Tensor
    first_norm: Map
    up: Tensor
    up_bias: Tensor
    activation: Map
    down: Tensor
    down_bias: Tensor
    second_norm: Map


class BlockEngine:
    """Works on a frozen copy of the classifier's model; use it where `fits` says so."""

    def __init__(
        self, model: nn.Module, *, function: Function, precision: Precision, device: torch.device
    ) -> None:
        config: Any = model.config
        self._outputs = int(config.num_labels)
        self._function = class_function(function, self._outputs)
        wide = torch.float64 if precision == "fp64" else torch.float32
        frozen: Any = copy.deepcopy(model).eval().requires_grad_(False).to(device=device, dtype=wide)
        self._encoder = frozen.base_model
        self._heads = int(config.num_attention_heads)
        self._narrow = torch.bfloat16 if precision == "bf16" else wide
        read = _read_distilbert if config.model_type == "distilbert" else _read_bert
        body = self._encoder.transformer if config.model_type == "distilbert" else self._encoder.encoder
        self._blocks = [read(layer, self._heads, self._narrow) for layer in body.layer]
        self._head = _head(frozen)
        self._project: Map | None = getattr(self._encoder, "embeddings_project", None)
        self.layers = len(self._blocks)
        self.device = device

    @staticmethod
    def fits(model: nn.Module) -> bool:
        """True for the sequence classifiers of the families named above, with their usual options."""
        config: Any = model.config
        return (
            type(model).__name__
            in {
                "BertForSequenceClassification",
                "RobertaForSequenceClassification",
                "XLMRobertaForSequenceClassification",
                "CamembertForSequenceClassification",
                "ElectraForSequenceClassification",
                "DistilBertForSequenceClassification",
            }
            and getattr(config, "position_embedding_type", "absolute") in ("absolute", None)
            and not getattr(config, "is_decoder", False)
            and not getattr(config, "add_cross_attention", False)
        )

    def ends(self, batch: Batch) -> Ends:
        """The outputs of the embedding block at both ends, projected where an encoder does that (linear), and
        the class that the model predicts."""
        start, end = embedding_ends(self._encoder, batch)
        with torch.no_grad():
            if self._project is not None:
                start, end = self._project(start), self._project(end)
            if self._outputs <= 2:
                return Ends(start, end, None)
            *_, last = self._states(end, batch.mask)
            return Ends(start, end, self._head(last).argmax(-1))

    def trace(self, batch: Batch, ends: Ends, places: Sequence[float]) -> Trace:
        """F, states and gradients of all layers at `places`; of the last layer for the first token only."""
        count = len(places)
        mask = None if batch.mask is None else batch.mask.repeat_interleave(count, 0)
        followed = None if ends.followed is None else ends.followed.repeat_interleave(count, 0)
        with torch.enable_grad():
            states = self._states(points_between(ends, places), mask)
            values = self._function(self._head(states[-1]), followed)
            gradients = torch.autograd.grad(values.sum(), states)
        shape = (len(batch.ids), count)
        return Trace(
            values=values.detach().view(shape),
            states=[apart(state.detach(), shape) for state in states],
            gradients=[apart(gradient, shape) for gradient in gradients],
        )

    def _states(self, points: Tensor, mask: Tensor | None) -> list[Tensor]:
        """Every layer's output, the first of them the leaf of gradients, of the last layer the first token's only.

        Shape: points [batch, tokens, hidden], mask [batch, tokens], True at real tokens.
        """
        bias = None
        if mask is not None:
            bias = torch.zeros(mask.shape, dtype=self._narrow, device=self.device)
            bias = bias.masked_fill_(~mask, -torch.inf)[:, None, None, :]
        states: list[Tensor] = []
        for number, block in enumerate(self._blocks, start=1):
            last = number == len(self._blocks)
            points = self._layer(points, block, bias, first_only=last)
            states.append(points if states else points.requires_grad_())
        return states

    def _layer(
        self, state: Tensor, block: _Block, mask: Tensor | None, *, first_only: bool = False
    ) -> Tensor:
        """[batch, tokens, hidden] → the same, or [batch, 1, hidden] for the first token only."""
        narrow = state.to(self._narrow)
        hidden = state.shape[-1]
        if first_only:
            state = state[:, :1]
            query = functional.linear(narrow[:, :1], block.qkv[:hidden], block.qkv_bias[:hidden])
            query = query.view(*query.shape[:2], self._heads, -1).transpose(1, 2)
            pair = functional.linear(narrow, block.qkv[hidden:], block.qkv_bias[hidden:])
            key, value = pair.view(*pair.shape[:2], 2, self._heads, -1).permute(2, 0, 3, 1, 4)
        else:
            triple = functional.linear(narrow, block.qkv, block.qkv_bias)
            query, key, value = triple.view(*triple.shape[:2], 3, self._heads, -1).permute(2, 0, 3, 1, 4)
        weights = query @ key.transpose(-1, -2)
        if mask is not None:
            weights = weights + mask
        context = (torch.softmax(weights, -1) @ value).transpose(1, 2).flatten(2)
        state = block.first_norm(state + functional.linear(context, block.mix, block.mix_bias))
        raised = block.activation(functional.linear(state.to(self._narrow), block.up, block.up_bias))
        return block.second_norm(state + functional.linear(raised, block.down, block.down_bias))


def _read_bert(layer: Any, heads: int, narrow: torch.dtype) -> _Block:
    attention = layer.attention.self
    return _block(
        (attention.query, attention.key, attention.value),
        layer.attention.output.dense,
        layer.attention.output.LayerNorm,
        layer.intermediate.dense,
        layer.intermediate.intermediate_act_fn,
        layer.output.dense,
        layer.output.LayerNorm,
        heads,
        narrow,
    )


def _read_distilbert(layer: Any, heads: int, narrow: torch.dtype) -> _Block:
    attention = layer.attention
    return _block(
        (attention.q_lin, attention.k_lin, attention.v_lin),
        attention.out_lin,
        layer.sa_layer_norm,
        layer.ffn.lin1,
        layer.ffn.activation,
        layer.ffn.lin2,
        layer.output_layer_norm,
        heads,
        narrow,
    )


def _block(
    triple: tuple[nn.Linear, nn.Linear, nn.Linear],
    mix: nn.Linear,
    first_norm: nn.Module,
    up: nn.Linear,
    activation: Map,
    down: nn.Linear,
    second_norm: nn.Module,
    heads: int,
    narrow: torch.dtype,
) -> _Block:
    query, key, value = triple
    scale = (query.out_features // heads) ** -0.5
    return _Block(
        qkv=torch.cat((query.weight * scale, key.weight, value.weight)).to(narrow),
        qkv_bias=torch.cat((query.bias * scale, key.bias, value.bias)).to(narrow),
        mix=mix.weight.to(narrow),
        mix_bias=mix.bias.to(narrow),
        first_norm=first_norm,
        up=up.weight.to(narrow),
        up_bias=up.bias.to(narrow),
        activation=activation,
        down=down.weight.to(narrow),
        down_bias=down.bias.to(narrow),
        second_norm=second_norm,
    )


def _head(model: Any) -> Map:
    """Logits [batch, labels] from the last layer's states [batch, tokens, hidden]; it reads the first."""
    family = model.config.model_type
    if family == "bert":
        return lambda state: model.classifier(model.bert.pooler(state))
    if family == "distilbert":
        return lambda state: model.classifier(functional.relu(model.pre_classifier(state[:, 0])))
    return lambda state: model.classifier(state)
