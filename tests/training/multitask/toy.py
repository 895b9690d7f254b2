"""Tasks whose gradients are whatever a test says: steps of joint methods by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from forelearn.core.recipe import Recipe
from forelearn.training.multitask.flat import flatten
from forelearn.training.multitask.joint import Joint
from forelearn.training.multitask.method import Surroundings
from forelearn.training.multitask.methods import multitask, new_method

RECIPE = Recipe(learning_rate=1.0, weight_decay=0.0, clip_norm=1e9)


class Toy(nn.Module):
    """Two numbers that every task has, and one of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(2, 1, bias=False)
        self.head = nn.Linear(1, 1, bias=False)


def toy_method(name: str, kinds: Sequence[str], **given: Any) -> Joint[Any]:
    """A method, by plain gradient descent at rate 1, on a toy task of each kind, the target first."""
    models = [Toy() for _ in kinds]
    learner: Any = SimpleNamespace(
        models=models,
        flat=flatten(models, ["body"] * len(models)),
        count=len(models),
        names=tuple(f"task {index}" for index in range(len(models))),
        recipe=RECIPE,
        device="cpu",
        parts=[
            SimpleNamespace(data=SimpleNamespace(task=SimpleNamespace(kind=kind, metric="f1")))
            for kind in kinds
        ],
    )
    plan = multitask(name, {"optimiser": "sgd", "momentum": 0.0, "schedule": "constant"} | given)
    found = new_method(plan, learner, Surroundings(1, Path()))
    assert isinstance(found, Joint)
    return found


def toy_step(
    method: Joint[Any], gradients: Sequence[tuple[float, float]], values: Sequence[float] = ()
) -> tuple[list[float], list[float]]:
    """One step where task i's loss has the gradient `gradients[i]` on what is shared, and i + 1 on its own.

    values: of the losses, 0 unless given. Returns how far the shared numbers, and each task's own, went down.
    """
    models = method.learner.models  # type: ignore[attr-defined]
    before = method.learner.flat.values.clone()
    graph = (0 * models[0].body.weight).exp().mean()  # 1: what tasks with the same inputs share
    losses = {}
    for task, (model, gradient) in enumerate(zip(models, gradients, strict=True)):
        loss = (model.body.weight * torch.tensor([gradient])).sum() + (task + 1) * model.head.weight.sum()
        losses[task] = graph * (loss - loss.detach() + (values[task] if values else 0.0))
    method.step(losses, 0.0)
    moved = before - method.learner.flat.values
    assert not method.learner.flat.gradient.any()
    shared, _ = method.learner.flat.parts_of(0)
    heads = [moved[method.learner.flat.parts_of(task)[1][0]] for task in range(len(models))]
    return moved[shared[0]].tolist(), [float(head) for head in heads]
