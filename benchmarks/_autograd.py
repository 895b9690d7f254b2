"""What the α-step is compared with: a plain gradient, and autograd through α, by hand and in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import BertConfig, BertForSequenceClassification

from forelearn.models.task_model import TaskModel
from forelearn.training.multitask.alpha_step import AlphaStep, descend
from forelearn.training.multitask.deltas import Deltas
from forelearn.training.multitask.flat import Flat, flatten
from forelearn.training.multitask.learner import TARGET
from forelearn.training.multitask.text import TextLearner

MOMENTUM = 0.5
Parameters = dict[str, torch.Tensor]


class Peer:
    """An ordinary model with the batch that the learner's target reads."""

    def __init__(self, model: TaskModel, learner: TextLearner, size: int) -> None:
        self.model = model
        items, rows = learner.items(TARGET, "tune"), np.arange(size)
        self.batch = items.batch(rows, model.pad_id, device="cpu")
        self._targets = torch.from_numpy(model.head.targets(items, rows))
        self._weights = torch.ones(len(model.labels))

    def loss(self, output: Any) -> torch.Tensor:
        """Of what the model gave."""
        return self.model.head.loss(output, self._targets, self._weights)


def plain(peer: Peer) -> None:
    """One ordinary gradient."""
    peer.model.model.zero_grad(set_to_none=True)
    peer.loss(peer.model.model(**peer.batch)).backward()


def differentiate(peer: Peer, mix: Callable[[torch.Tensor], Parameters], count: int) -> None:
    """One gradient by α through the parameters."""
    alpha = torch.ones(count, requires_grad=True)
    peer.loss(torch.func.functional_call(peer.model.model, mix(alpha), (), peer.batch)).backward()


def as_parts(changes: Sequence[torch.Tensor], theta: Parameters) -> list[Parameters]:
    """Each flat change as views of the shapes of `theta`, one after another."""
    sizes = [value.numel() for value in theta.values()]
    return [
        {
            name: piece.view(value.shape)
            for (name, value), piece in zip(theta.items(), change[: sum(sizes)].split(sizes), strict=True)
        }
        for change in changes
    ]


def summed(theta: Parameters, parts: list[Parameters], alpha: torch.Tensor) -> Parameters:
    """θ + Σ α_i δ_i, parameter by parameter, as one writes it down."""
    return {
        name: value + sum(alpha[task] * part[name] for task, part in enumerate(parts))
        for name, value in theta.items()
    }


def multiplied(theta: Parameters, stacked: Parameters, alpha: torch.Tensor) -> Parameters:
    """The same with one product a parameter."""
    return {name: value + torch.tensordot(alpha, stacked[name], 1) for name, value in theta.items()}


def difference(count: int) -> float:
    """Largest relative difference of slopes and of α after three steps from autograd through α, in float64."""
    models, flat = small_models(count)
    generator = torch.Generator().manual_seed(1)
    start = flat.values.clone()
    changes = 0.02 * torch.randn(count, len(flat), dtype=start.dtype, generator=generator)
    deltas = Deltas(count, start)
    for task in range(count):
        deltas.put(task, changes[task], torch.zeros_like(start))
    batch = {"input_ids": torch.randint(5, 100, (8, 12), generator=generator)}
    targets = torch.randint(0, 3, (8,), generator=generator)

    def gradient_at(step: int) -> float:
        flat.gradient.zero_()
        loss = nn.functional.cross_entropy(models[TARGET](**batch).logits, targets)
        loss.backward()
        return float(loss.detach())

    ours = descend(
        gradient_at, flat.values, flat.gradient, start, deltas, count, steps=3, rate=0.05, momentum=MOMENTUM
    )
    flat.values.copy_(start)
    theirs = through_alpha(models[TARGET], flat, changes, batch, targets)
    return max(
        float(((one - other) / other).abs().max())
        for one, other in ((ours.slopes, theirs.slopes), (ours.alpha, theirs.alpha))
    )


def small_models(count: int) -> tuple[list[BertForSequenceClassification], Flat]:
    """A small BERT in float64 with `count` heads, dropout off."""
    config = BertConfig(
        vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    config.num_labels = 3
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        models = [BertForSequenceClassification(config).double().eval() for _ in range(count)]
    return models, flatten(models, ["bert"] * count)


def through_alpha(
    model: nn.Module,
    flat: Flat,
    changes: torch.Tensor,
    batch: Parameters,
    targets: torch.Tensor,
    *,
    steps: int = 3,
    rate: float = 0.05,
) -> AlphaStep:
    """The descent on α with every parameter a differentiable function of it, by torch's SGD."""
    alpha = torch.ones(len(changes), dtype=changes.dtype, requires_grad=True)
    optimiser = torch.optim.SGD([alpha], lr=rate, momentum=MOMENTUM)
    theta = {name: value.detach().clone() for name, value in model.named_parameters()}
    places = {
        name: (value.data_ptr() - flat.values.data_ptr()) // value.element_size()
        for name, value in model.named_parameters()
    }
    parts = [
        {
            name: change[places[name] : places[name] + value.numel()].view(value.shape)
            for name, value in theta.items()
        }
        for change in changes
    ]
    losses, slopes = [], torch.empty(0)
    for step in range(steps):
        optimiser.zero_grad()
        output = torch.func.functional_call(model, summed(theta, parts, alpha), (), batch)
        loss = nn.functional.cross_entropy(output.logits, targets)
        loss.backward()
        losses.append(float(loss.detach()))
        if step == 0:
            assert alpha.grad is not None
            slopes = alpha.grad.clone()
        optimiser.step()
    return AlphaStep(alpha.detach(), slopes, tuple(losses))
