"""bf16 where asked: products in bfloat16 under autocast, weights and norms in 32 bits.

The last linear layer is computed in 32 bits too: bfloat16 logits have 8 significant bits, and a thousand
examples would share a few dozen values, which ties their ranking.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

import torch
from torch import nn

from forelearn.core.recipe import Precision

if TYPE_CHECKING:
    from forelearn.models.task_model import TaskModel


def narrow(task_model: TaskModel, precision: Precision) -> bool:
    """True where bf16 must stay inside the linear layers: DeBERTa's attention fills its mask with the least
    32-bit number, which bfloat16 cannot hold.
    """
    return precision == "bf16" and task_model.model.config.model_type == "deberta"


def autocast(task_model: TaskModel, precision: Precision, device: str) -> AbstractContextManager[None]:
    """The context of one forward pass in `precision`."""
    if precision == "fp32" or narrow(task_model, precision):
        return nullcontext()
    return torch.autocast(device.split(":")[0], dtype=torch.bfloat16)


@contextmanager
def full_precision_logits(task_model: TaskModel, precision: Precision) -> Iterator[None]:
    """Inside the block the layer that makes the logits works in 32 bits, whatever `autocast` says."""
    if precision == "fp32":
        yield
        return
    hook = last_linear(task_model).register_forward_hook(_in_full_precision)
    try:
        yield
    finally:
        hook.remove()


def last_linear(task_model: TaskModel) -> nn.Linear:
    """The linear layer that makes the logits: the last one outside the encoder."""
    inside = f"{task_model.model.base_model_prefix}."
    outside = (module for name, module in task_model.model.named_modules() if not name.startswith(inside))
    return [module for module in outside if isinstance(module, nn.Linear)][-1]


def _in_full_precision(module: nn.Module, given: tuple[torch.Tensor, ...], _: torch.Tensor) -> torch.Tensor:
    assert isinstance(module, nn.Linear)
    with torch.autocast(given[0].device.type, enabled=False):
        return nn.functional.linear(given[0].float(), module.weight, module.bias)
