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

_THING = "gradients of activations"


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
        for number, layer in enumerate(_layers(encoder, _THING)):
            if "attention" in parts:
                mixer = _attention_mixer(encoder, layer)
                handles.append(
                    mixer.register_forward_pre_hook(keep_input(f"layer.{number}.attention_output"))
                )
        if "layers" in parts:
            for number, layer in enumerate(layer_outputs(encoder, _THING)):
                handles.append(layer.register_forward_hook(keep(f"layer.{number}.output")))
        pooler = getattr(encoder, "pooler", None)
        if "pooled" in parts and isinstance(pooler, nn.Module):
            handles.append(pooler.register_forward_hook(keep(POOLED)))
        yield found
    finally:
        for handle in handles:
            handle.remove()


def layer_outputs(encoder: nn.Module, thing: str) -> list[nn.Module]:
    """The modules whose outputs are the encoder's layers, first to last. thing: what needs them, for the message."""
    layers = _layers(encoder, thing)
    # DeBERTa-v2 can mix a convolution into the output of its first layer: what goes on is the mixture
    mixer = getattr(getattr(encoder, "encoder", None), "conv", None)
    return [mixer, *layers[1:]] if isinstance(mixer, nn.Module) else layers


def unknown(encoder: nn.Module, thing: str, what: str) -> InputError:
    """The refusal of an encoder that is not built as the known families are."""
    return InputError(
        Problem(
            thing,
            f"the encoder {type(encoder).__name__} {what}",
            "Use an encoder of the BERT, RoBERTa, DistilBERT, ELECTRA or DeBERTa families.",
        )
    )


def _layers(encoder: nn.Module, thing: str) -> list[nn.Module]:
    config: Any = encoder.config
    count = int(config.num_hidden_layers)
    for module in encoder.modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return list(module)
    raise unknown(encoder, thing, f"has no list of its {count} layers.")


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
        raise unknown(encoder, _THING, "has no attention output of a known form.")
    return mixer
