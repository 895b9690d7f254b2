"""What flows through an encoder, caught in passing: of each layer the attention's output and the layer's output,
and the pooled output.

The attention's output is what the heads give, joined, before the layer that mixes them (the released code's
`multihead_output`); the layer's output is what goes on to the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import nn

from forelearn.core.errors import InputError, Problem

Part = Literal["attention", "layers", "pooled"]
"""attention: each layer's attention output. layers: each layer's output. pooled: of encoders that pool."""

POOLED = "pooled_output"


@contextmanager
def caught(encoder: nn.Module, parts: Collection[Part]) -> Iterator[dict[str, torch.Tensor]]:
    """Inside the block every forward pass leaves its activations by name in the dict, for `autograd.grad`.

    Names: `layer.0.attention_output`, `layer.0.output`, …, `pooled_output`. Shape: [b, t, H], pooled [b, H].
    """
    found: dict[str, torch.Tensor] = {}
    handles = []

    def keep(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, given: Any, output: Any) -> None:
            _keep(found, name, output[0] if isinstance(output, tuple) else output)

        return hook

    def keep_input(name: str) -> Callable[[nn.Module, Any], None]:
        return lambda module, given: _keep(found, name, given[0])

    try:
        for number, layer in enumerate(encoder_layers(encoder)):
            if "attention" in parts:
                mixer = _attention_mixer(encoder, layer)
                handles.append(
                    mixer.register_forward_pre_hook(keep_input(f"layer.{number}.attention_output"))
                )
            if "layers" in parts:
                last = _last(encoder, layer, number)
                handles.append(last.register_forward_hook(keep(f"layer.{number}.output")))
        pooler = getattr(encoder, "pooler", None)
        if "pooled" in parts and isinstance(pooler, nn.Module):
            handles.append(pooler.register_forward_hook(keep(POOLED)))
        yield found
    finally:
        for handle in handles:
            handle.remove()


def encoder_layers(encoder: nn.Module) -> list[nn.Module]:
    """The encoder's layers, first to last."""
    count = int(encoder.config.num_hidden_layers)  # type: ignore[union-attr, arg-type]
    for module in encoder.modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return list(module)
    raise _unknown(encoder, f"has no list of its {count} layers.")


def _keep(found: dict[str, torch.Tensor], name: str, values: torch.Tensor) -> None:
    if not values.requires_grad:  # nothing before it is asked for: gradients start here
        values.requires_grad_()
    found[name] = values


def _attention_mixer(encoder: nn.Module, layer: nn.Module) -> nn.Module:
    """The linear layer that is given the joined outputs of the attention heads."""
    attention = getattr(layer, "attention", None)
    output = getattr(attention, "output", None)
    mixer = getattr(output, "dense", None) or getattr(attention, "out_lin", None)
    if not isinstance(mixer, nn.Module):
        raise _unknown(encoder, "has no attention output of a known form.")
    return mixer


def _last(encoder: nn.Module, layer: nn.Module, number: int) -> nn.Module:
    """The module whose output is the layer's. DeBERTa-v2 can mix a convolution into that of its first layer."""
    mixer = getattr(getattr(encoder, "encoder", None), "conv", None)
    return mixer if number == 0 and isinstance(mixer, nn.Module) else layer


def _unknown(encoder: nn.Module, what: str) -> InputError:
    return InputError(
        Problem(
            "gradients of activations",
            f"the encoder {type(encoder).__name__} {what}",
            "Use an encoder of the BERT, RoBERTa, DistilBERT, ELECTRA or DeBERTa families.",
        )
    )
