"""All parameters of several models that share a body, in one buffer; their gradients in another.

A parameter of the body exists once, however many models have it: in each of them it is a view of the same numbers,
and so is its gradient. What a model computes and what `backward` adds thus land in the flat buffers, where the
change that a task makes is one vector, and a mixture of changes one matrix-vector product.

The buffers are laid out in segments: parameters that the same tasks have, and that are decayed or not (every vector
is not: biases, norms). An optimiser works on whole segments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True, slots=True)
class Segment:
    """Places `start` to `stop` of the buffers. owners: the tasks whose models have these parameters."""

    start: int
    stop: int
    owners: frozenset[int]
    decayed: bool


@dataclass(frozen=True, slots=True)
class Flat:
    """values, gradient: [P] each, of one type, on one device. The models are views of them."""

    values: torch.Tensor
    gradient: torch.Tensor
    segments: tuple[Segment, ...]

    def __len__(self) -> int:
        return len(self.values)

    def segments_of(self, tasks: frozenset[int]) -> list[Segment]:
        """The segments that any of these tasks has."""
        return [segment for segment in self.segments if segment.owners & tasks]

    def parts_of(self, task: int) -> tuple[list[slice], list[slice]]:
        """Where a task's parameters lie: those that it shares with another, and its own."""
        mine = self.segments_of(frozenset((task,)))
        shared = [slice(segment.start, segment.stop) for segment in mine if len(segment.owners) > 1]
        own = [slice(segment.start, segment.stop) for segment in mine if len(segment.owners) == 1]
        return shared, own


def borrow(model: nn.Module, body: str, lent: dict[str, torch.Tensor]) -> None:
    """Let a model's body hold the very numbers of the bodies before it: many models take the memory of one.

    body: as for `flatten`, which gives them all the first one's numbers. lent: by their name in the body, on one
    device; gets what the model is the first to have. Numbers of another shape are left for `flatten` to refuse.
    """
    for name, parameter in model.named_parameters():
        if name.startswith(f"{body}."):
            first = lent.setdefault(name.removeprefix(f"{body}."), parameter.data)
            if first.shape == parameter.shape:
                parameter.data = first


def flatten(models: Sequence[nn.Module], bodies: Sequence[str]) -> Flat:
    """Move the parameters of `models` into one buffer and make them views of it.

    models: one a task, on one device, with parameters of one type. bodies: the name under which each model holds the
    body (`bert`). Parameters of the body with the same name are one: the first model that has it gives its values.
    Raises ValueError where their shapes differ.
    """
    groups: dict[tuple[int, str], list[tuple[int, nn.Parameter]]] = {}
    for task, (model, body) in enumerate(zip(models, bodies, strict=True)):
        for name, parameter in model.named_parameters():
            inside = name.startswith(f"{body}.")
            place = (-1, name.removeprefix(f"{body}.")) if inside else (task, name)
            groups.setdefault(place, []).append((task, parameter))
    order: dict[tuple[frozenset[int], bool], list[list[nn.Parameter]]] = {}
    for (_, name), held in groups.items():
        first = held[0][1]
        if any(parameter.shape != first.shape for _, parameter in held):
            raise ValueError(f"the body's `{name}` has several shapes")
        owners = frozenset(task for task, _ in held)
        order.setdefault((owners, first.dim() > 1), []).append([parameter for _, parameter in held])
    layout = sorted(order.items(), key=lambda item: (-len(item[0][0]), sorted(item[0][0]), not item[0][1]))
    total = sum(same[0].numel() for _, members in layout for same in members)
    like = next(models[0].parameters())
    values = torch.empty(total, dtype=like.dtype, device=like.device)
    gradient = torch.zeros_like(values)
    segments, at = [], 0
    with torch.no_grad():
        for (owners, decayed), members in layout:
            start = at
            for same in members:
                size, shape = same[0].numel(), same[0].shape
                values[at : at + size] = same[0].reshape(-1)
                for parameter in same:
                    parameter.data = values[at : at + size].view(shape)
                    parameter.grad = gradient[at : at + size].view(shape)
                at += size
            segments.append(Segment(start, at, owners, decayed))
    return Flat(values, gradient, tuple(segments))
