"""bf16 where asked: products in bfloat16 under autocast, weights and norms in 32 bits.

The last linear layer is computed in 32 bits too: bfloat16 logits have 8 significant bits, and a thousand
examples would share a few dozen values, which ties their ranking.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import nn

from forelearn.core.recipe import Precision
from forelearn.models.classifier import Classifier


def narrow(classifier: Classifier, precision: Precision) -> bool:
    """True where bf16 must stay inside the linear layers: DeBERTa's attention fills its mask with the least
    32-bit number, which bfloat16 cannot hold.
    """
    return precision == "bf16" and classifier.model.config.model_type == "deberta"


def autocast(classifier: Classifier, precision: Precision, device: str) -> AbstractContextManager[None]:
    """The context of one forward pass in `precision`."""
    if precision == "fp32" or narrow(classifier, precision):
        return nullcontext()
    return torch.autocast(device.split(":")[0], dtype=torch.bfloat16)


@contextmanager
def full_precision_logits(classifier: Classifier, precision: Precision) -> Iterator[None]:
    """Inside the block the layer that makes the logits works in 32 bits, whatever `autocast` says."""
    if precision == "fp32":
        yield
        return
    hook = last_linear(classifier).register_forward_hook(_in_full_precision)
    try:
        yield
    finally:
        hook.remove()


def last_linear(classifier: Classifier) -> nn.Linear:
    """The linear layer that makes the logits: the last one outside the encoder."""
    inside = f"{classifier.model.base_model_prefix}."
    outside = (module for name, module in classifier.model.named_modules() if not name.startswith(inside))
    return [module for module in outside if isinstance(module, nn.Linear)][-1]


def _in_full_precision(module: nn.Module, given: tuple[torch.Tensor, ...], _: torch.Tensor) -> torch.Tensor:
    assert isinstance(module, nn.Linear)
    with torch.autocast(given[0].device.type, enabled=False):
        return nn.functional.linear(given[0].float(), module.weight, module.bias)
