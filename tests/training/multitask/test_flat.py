"""One buffer for all parameters: what is shared, where gradients go, and whom a step touches."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.training.multitask.by_hand import RECIPE, NumberLearner, number_task
from torch import nn

from forelearn.training.multitask.flat import borrow, flatten
from forelearn.training.multitask.optimise import Optimiser
from forelearn.training.multitask.options import Options
from forelearn.training.steps import Diverged


class Body(nn.Module):
    def __init__(self, pooled: bool) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 4)
        if pooled:
            self.pooler = nn.Linear(4, 4)


class Model(nn.Module):
    def __init__(self, *, pooled: bool, labels: int = 2) -> None:
        super().__init__()
        self.body = Body(pooled)
        self.head = nn.Linear(4, labels)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        inside = self.body.layer(values)
        inside = self.body.pooler(inside) if hasattr(self.body, "pooler") else inside
        return self.head(inside)  # type: ignore[no-any-return]


def test_many_models_take_the_memory_of_one_body() -> None:
    models = [Model(pooled=False), Model(pooled=True), Model(pooled=True)]
    first = models[0].body.layer.weight.detach().clone()
    pooler = models[1].body.pooler.weight.detach().clone()
    heads = [model.head.weight.detach().clone() for model in models]
    lent: dict[str, torch.Tensor] = {}
    for model in models:
        borrow(model, "body", lent)
    places = {value.data_ptr() for model in models for value in model.parameters()}
    assert len(places) == 2 + 2 + 3 * 2
    assert all(torch.equal(model.body.layer.weight, first) for model in models)
    assert torch.equal(models[2].body.pooler.weight, pooler)
    assert all(torch.equal(model.head.weight, head) for model, head in zip(models, heads, strict=True))
    models[1].body.layer = nn.Linear(3, 5)
    borrow(models[1], "body", lent)
    with pytest.raises(ValueError, match="several shapes"):
        flatten(models, ["body"] * 3)


def test_bodies_with_and_without_a_pooler_share_what_both_have() -> None:
    """Layer 16, pooler 20, heads 10, 10 and 15 numbers."""
    models = [Model(pooled=True), Model(pooled=False), Model(pooled=True, labels=3)]
    first = {name: value.detach().clone() for name, value in models[0].named_parameters()}
    own = models[1].head.weight.detach().clone()
    flat = flatten(models, ["body"] * 3)
    assert len(flat) == 16 + 20 + 10 + 10 + 15
    sizes: dict[frozenset[int], int] = {}
    for segment in flat.segments:
        sizes[segment.owners] = sizes.get(segment.owners, 0) + segment.stop - segment.start
    assert sizes == {
        frozenset({0, 1, 2}): 16,
        frozenset({0, 2}): 20,
        frozenset({0}): 10,
        frozenset({1}): 10,
        frozenset({2}): 15,
    }
    assert [segment.start for segment in flat.segments[1:]] == [one.stop for one in flat.segments[:-1]]
    assert sum(one.stop - one.start for one in flat.segments if one.decayed) == 12 + 16 + 8 + 8 + 12
    for model in models:
        assert torch.equal(model.body.layer.weight, first["body.layer.weight"])
    assert torch.equal(models[1].head.weight, own)
    flat.values.add_(1.0)
    assert torch.equal(models[2].body.layer.weight, first["body.layer.weight"] + 1)
    assert torch.equal(models[2].body.pooler.bias, first["body.pooler.bias"] + 1)
    assert torch.equal(models[1].head.weight, own + 1)


def test_gradients_of_several_models_are_added_up_in_the_flat_buffer() -> None:
    models = [Model(pooled=True), Model(pooled=False)]
    flat = flatten(models, ["body"] * 2)
    values = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    ordinary = [Model(pooled=True), Model(pooled=False)]
    for one, other in zip(models, ordinary):
        other.load_state_dict(one.state_dict())
        one(values).square().sum().backward()
        other(values).square().sum().backward()
    expected = ordinary[0].body.layer.weight.grad + ordinary[1].body.layer.weight.grad  # type: ignore[operator]
    torch.testing.assert_close(models[0].body.layer.weight.grad, expected)
    assert models[0].body.layer.weight.grad is not None
    assert flat.gradient.data_ptr() <= models[0].body.layer.weight.grad.data_ptr()
    for task in range(2):
        own = torch.cat([flat.gradient[part] for part in flat.parts_of(task)[1]])
        alone = [
            value.grad.reshape(-1)
            for name, value in ordinary[task].named_parameters()
            if value.grad is not None and (name.startswith("head") or "pooler" in name)
        ]
        assert len(own) == sum(map(len, alone))
        torch.testing.assert_close(own.square().sum(), torch.cat(alone).square().sum())


def test_bodies_of_different_shapes_are_refused() -> None:
    narrow = Model(pooled=False)
    narrow.body.layer = nn.Linear(3, 5)
    with pytest.raises(ValueError, match=r"`layer\.weight` has several shapes"):
        flatten([Model(pooled=False), narrow], ["body"] * 2)


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
def test_a_step_of_some_tasks_leaves_the_heads_of_others_and_their_state_bit_for_bit(kind: str) -> None:
    learner = NumberLearner([number_task(name) for name in "abc"], RECIPE, Options())
    flat = learner.flat
    optimiser = Optimiser(flat, range(3), RECIPE, Options(optimiser=kind))  # type: ignore[arg-type]

    def step(*tasks: int) -> None:
        rows = {task: learner.epoch_batches(task, 0)[0] for task in tasks}
        sum(learner.losses(rows, "train", what="train").values()).backward()  # type: ignore[union-attr]
        optimiser.step(0.0, tasks)

    step(0, 1, 2)
    values = flat.values.clone()
    state = {name: value.clone() for name, value in optimiser.tensors().items()}
    step(0, 2)
    moved = {"body": 0, "idle": 0, "head": 0}
    for index, segment in enumerate(flat.segments):
        place = slice(segment.start, segment.stop)
        idle = segment.owners == frozenset({1})
        same = torch.equal(flat.values[place], values[place])
        of_state = [name for name in state if name.startswith(f"{index}/")]
        assert of_state
        same_state = all(torch.equal(optimiser.tensors()[name], state[name]) for name in of_state)
        assert same == same_state == idle
        moved["idle" if idle else "head" if len(segment.owners) == 1 else "body"] += 1
    assert moved == {"body": 2, "idle": 2, "head": 4}


def test_a_fused_optimiser_that_is_restored_counts_its_steps_beside_the_parameters() -> None:
    """A kernel on a GPU cannot read a count that a checkpoint has brought to the CPU. `meta` stands for the GPU."""
    learner = NumberLearner([number_task("a")], RECIPE, Options())
    optimiser = Optimiser(learner.flat, (0,), RECIPE, Options())
    learner.flat.gradient.fill_(1.0)
    optimiser.step(0.0, (0,))
    held = optimiser.tensors()
    assert any(name.endswith("/step") for name in held)
    away = Optimiser(
        replace(learner.flat, values=learner.flat.values.to("meta")), (0,), RECIPE, Options(optimiser="adamw")
    )
    for group in away._inner.param_groups:
        group["fused"] = True
    away.restore(held)
    assert held.keys() == away.tensors().keys()
    assert {value.device.type for value in away.tensors().values()} == {"meta"}


def test_only_matrices_are_decayed() -> None:
    learner = NumberLearner([number_task("a")], RECIPE, Options())
    flat = learner.flat
    before = flat.values.clone()
    recipe = replace(RECIPE, learning_rate=0.1, weight_decay=0.5)
    Optimiser(flat, (0,), recipe, Options(optimiser="sgd")).step(0.0, (0,))
    for segment in flat.segments:
        place = slice(segment.start, segment.stop)
        expected = before[place] * (1 - 0.1 * 0.5 if segment.decayed else 1)
        torch.testing.assert_close(flat.values[place], expected)


def test_a_gradient_that_is_not_finite_is_refused_before_anything_moves() -> None:
    learner = NumberLearner([number_task("a")], RECIPE, Options())
    optimiser = Optimiser(learner.flat, (0,), RECIPE, Options())
    before = learner.flat.values.clone()
    learner.flat.gradient[3] = float("nan")
    with pytest.raises(Diverged, match="gradient norm nan"):
        optimiser.step(0.0, (0,))
    assert torch.equal(learner.flat.values, before)
