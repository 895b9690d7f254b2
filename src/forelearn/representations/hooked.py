"""The engine for any Hugging Face encoder: path points in and layer outputs out, through forward hooks.

One forward over all points with every layer's output captured, one `autograd.grad` with respect to all of
them. The first layer is evaluated without gradients and its output is the leaf: exact, since nothing is asked
of what lies before. In bf16 only the operands of linear layers are bf16.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from forelearn.representations.activations import layer_outputs, unknown
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


class HookedEngine:
    """Works on a frozen copy of the classifier's model; the classifier itself is left as it is."""

    def __init__(
        self, model: nn.Module, *, function: Function, precision: Precision, device: torch.device
    ) -> None:
        config: Any = model.config
        self._outputs = int(config.num_labels)
        self._function = class_function(function, self._outputs)
        self._model = copy.deepcopy(model).eval().requires_grad_(False).to(device)
        self._model.to(torch.float64 if precision == "fp64" else torch.float32)
        encoder: nn.Module = self._model.base_model  # type: ignore[assignment]
        if precision == "bf16":
            _narrow(encoder)
        self._encoder = encoder
        if not isinstance(getattr(encoder, "embeddings", None), nn.Module):
            raise unknown(encoder, "conductance", "has no embedding block called `embeddings`.")
        self._layers = layer_outputs(encoder, "conductance")
        self.layers = len(self._layers)
        self.device = device

    def ends(self, batch: Batch) -> Ends:
        """The outputs of the embedding block at both ends, and the class that the model predicts."""
        start, end = embedding_ends(self._encoder, batch)
        if self._outputs <= 2:
            return Ends(start, end, None)
        with torch.no_grad():
            return Ends(start, end, self._model(**_inputs(batch)).logits.argmax(-1))

    def trace(self, batch: Batch, ends: Ends, places: Sequence[float]) -> Trace:
        """F, states and gradients of all layers at `places`."""
        count = len(places)
        inputs = {name: tensor.repeat_interleave(count, 0) for name, tensor in _inputs(batch).items()}
        followed = None if ends.followed is None else ends.followed.repeat_interleave(count, 0)
        points = points_between(ends, places)
        states: list[torch.Tensor] = []

        def substitute(module: nn.Module, args: object, output: torch.Tensor) -> torch.Tensor:
            return points

        def capture(module: nn.Module, args: object, output: Any) -> Any:
            state, *rest = output if isinstance(output, tuple) else (output,)
            if not states:
                state = state.detach().requires_grad_()
            states.append(state)
            return (state, *rest) if isinstance(output, tuple) else state

        block: nn.Module = self._encoder.embeddings  # type: ignore[assignment]
        handles = [block.register_forward_hook(substitute)]
        handles += [layer.register_forward_hook(capture) for layer in self._layers]
        try:
            with torch.enable_grad():
                values = self._function(self._model(**inputs).logits, followed)
                gradients = torch.autograd.grad(values.sum(), states)
        finally:
            for handle in handles:
                handle.remove()
        shape = (len(batch.ids), count)
        return Trace(
            values=values.detach().view(shape),
            states=[apart(state.detach(), shape) for state in states],
            gradients=[apart(gradient, shape) for gradient in gradients],
        )


def _inputs(batch: Batch) -> dict[str, torch.Tensor]:
    inputs = {
        "input_ids": batch.ids,
        "attention_mask": torch.ones_like(batch.ids) if batch.mask is None else batch.mask.long(),
    }
    if batch.types is not None:
        inputs["token_type_ids"] = batch.types
    return inputs


class _NarrowLinear(nn.Module):
    """A linear layer that multiplies in bf16 between fp32 tensors."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.weight = linear.weight.to(torch.bfloat16)
        self.bias = None if linear.bias is None else linear.bias.to(torch.bfloat16)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """[…, in] → […, out], fp32."""
        return nn.functional.linear(states.to(torch.bfloat16), self.weight, self.bias).float()


def _narrow(module: nn.Module) -> None:
    """Replace every linear layer inside `module`. Autocast is no way: some families overflow their masks in it."""
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            setattr(module, name, _NarrowLinear(child))
        else:
            _narrow(child)
