"""32-bit linear layers at full speed on AMD processors with AVX-512.

torch sends 32-bit matrix products to MKL, which does not use AVX-512 on AMD's chips: 100 GFLOP/s a core measured,
where oneDNN, which torch carries too and uses for bfloat16, does 200 to 240 for the forward product and for both
gradients. Elsewhere the two are level and torch's own choice is kept. Which chip it is decides, never a stopwatch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import torch
from torch import nn


@contextmanager
def quick_linear(model: nn.Module, *, narrow: bool = False) -> Iterator[None]:
    """Inside the block the linear layers of `model` compute by `linear`; it changes nothing but rounding.

    Blocks may be nested: the outer one decides how, and stays in force when the inner one ends.
    narrow: they multiply in bfloat16 and return 32 bits, for models that do not survive autocast as a whole.
    """
    wanted = narrow or onednn_is_faster()
    layers = [
        module
        for module in model.modules()
        if wanted and type(module) is nn.Linear and "forward" not in vars(module)
    ]
    for layer in layers:
        layer.forward = partial(_narrow if narrow else _forward, layer)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def linear(values: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """values · weightᵀ + bias, with gradients, by the faster library. 32-bit on the CPU; else it is torch's.

    Shape: values [..., k], weight [n, k], bias [n]; result [..., n].
    """
    plain = values.dtype == weight.dtype == torch.float32 and values.device.type == "cpu"
    if plain and onednn_is_faster() and not torch.is_autocast_enabled("cpu"):
        # two dimensions inside: a view that leaves a Function may not be changed in place, as DeBERTa does
        flat: torch.Tensor = _Linear.apply(values.reshape(-1, values.shape[-1]), weight, bias)  # type: ignore[no-untyped-call]
        return flat.view(*values.shape[:-1], weight.shape[0])
    return nn.functional.linear(values, weight, bias)


@cache
def onednn_is_faster() -> bool:
    """True on AMD processors with AVX-512 whose torch carries oneDNN."""
    able = torch.cpu.get_capabilities()
    return bool(
        able.get("sse4a")  # an instruction that AMD alone has
        and able.get("avx512_f")
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, values: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        ctx.save_for_backward(values, weight)
        return _product(values, weight, bias)

    @staticmethod
    def backward(ctx: Any, *given: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        values, weight = ctx.saved_tensors
        gradient = given[0].reshape(-1, weight.shape[0])
        to_values, to_weight, to_bias = ctx.needs_input_grad
        return (
            _product(gradient, weight.t()).view(values.shape) if to_values else None,
            _product(gradient.t(), values.reshape(-1, weight.shape[1]).t()) if to_weight else None,
            gradient.sum(0) if to_bias else None,
        )


def _product(left: torch.Tensor, right: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """left · rightᵀ + bias. Shape: [..., k], [n, k], [n]; strides are free."""
    found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(left, right, bias, "none", [], "")
    return found


def _narrow(layer: nn.Linear, values: torch.Tensor) -> torch.Tensor:
    with torch.autocast(values.device.type, torch.bfloat16):
        return nn.functional.linear(values, layer.weight, layer.bias).float()


def _forward(layer: nn.Linear, values: torch.Tensor) -> torch.Tensor:
    return linear(values, layer.weight, layer.bias)
