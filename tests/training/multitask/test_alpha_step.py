"""The α-step: by hand, and against autograd through α."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from tests.training.multitask.by_hand import RECIPE, NumberLearner, number_task, read
from torch import nn

from forelearn.training.multitask.alpha_step import EXPLODED, AlphaStep, descend
from forelearn.training.multitask.deltas import Deltas
from forelearn.training.multitask.options import Options


def bowl(
    steps: int, *, momentum: float = 0.5, spoil: Callable[[int, float], float] | None = None
) -> AlphaStep:
    """Dev loss ½‖v‖² at v = (1, 0) + α₁ (1, 0) + α₂ (0, 2), at rate 0.1."""
    values, gradient, start = (torch.zeros(2, dtype=torch.float64) for _ in range(3))
    start[0] = 1.0
    deltas = Deltas(2, start)
    deltas.put(0, torch.tensor([2.0, 0.0]).double(), start)
    deltas.put(1, torch.tensor([1.0, 2.0]).double(), start)

    def gradient_at(step: int) -> float:
        gradient.copy_(values)
        loss = float(values.square().sum() / 2)
        return spoil(step, loss) if spoil else loss

    return descend(gradient_at, values, gradient, start, deltas, 2, steps=steps, rate=0.1, momentum=momentum)


def test_the_first_step_goes_down_the_slopes_at_one() -> None:
    """v = (2, 2): loss 4, slopes (2·1, 2·2); α = 1 − 0.1 · (2, 4)."""
    found = bowl(1)
    assert found.losses == (4.0,)
    assert found.slopes.tolist() == [2.0, 4.0]
    assert found.alpha.tolist() == pytest.approx([0.8, 0.6], abs=1e-15)
    assert not found.diverged


def test_momentum_is_that_of_torchs_sgd() -> None:
    """v = (1.8, 1.2): slopes (1.8, 2.4); with half of (2, 4): (2.8, 4.4); α = (0.8, 0.6) − 0.1 · (2.8, 4.4)."""
    found = bowl(2)
    assert found.losses == pytest.approx((4.0, (1.8**2 + 1.2**2) / 2))
    assert found.alpha.tolist() == pytest.approx([0.52, 0.16], abs=1e-14)
    assert bowl(2, momentum=0.0).alpha.tolist() == pytest.approx([0.62, 0.36], abs=1e-14)
    assert found.slopes.tolist() == [2.0, 4.0]


def test_no_step_leaves_alpha_at_one_and_says_that_there_are_no_slopes() -> None:
    found = bowl(0)
    assert found.alpha.tolist() == [1.0, 1.0]
    assert all(map(math.isnan, found.slopes.tolist()))
    assert found.losses == ()


@pytest.mark.parametrize("bad", [math.nan, math.inf, EXPLODED * 5 + 1])
def test_a_dev_loss_that_explodes_on_the_way_is_stepped_back_from(bad: float) -> None:
    found = bowl(5, spoil=lambda step, loss: bad if step == 2 else loss)
    assert torch.equal(found.alpha, bowl(1).alpha)
    assert len(found.losses) == 2
    assert "α-step 3" in found.diverged


def test_a_first_mixture_without_a_finite_dev_loss_is_left_to_the_caller() -> None:
    found = bowl(5, spoil=lambda step, loss: math.nan)
    assert found.alpha.tolist() == [1.0, 1.0]
    assert found.losses == ()
    assert "dev loss nan at α-step 1" in found.diverged


@pytest.mark.parametrize("count", [2, 5, 12])
def test_slopes_and_alpha_are_those_of_autograd_through_alpha(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = NumberLearner([number_task(f"task {n}") for n in range(count)], RECIPE, Options())
    flat, generator = learner.flat, torch.Generator().manual_seed(0)
    start = flat.values.clone()
    changes = 0.2 * torch.randn(count, len(flat), dtype=torch.float64, generator=generator)
    deltas = Deltas(count, start)
    for task, change in enumerate(changes):
        deltas.put(task, start + change, start)
    seen: list[torch.Tensor] = []
    slopes_of = Deltas.slopes

    def noted(its: Deltas, gradient: torch.Tensor) -> torch.Tensor:
        seen.append(slopes_of(its, gradient))
        return seen[-1].clone()

    monkeypatch.setattr(Deltas, "slopes", noted)
    found = descend(
        lambda step: learner.tune_gradient(),
        flat.values,
        flat.gradient,
        start,
        deltas,
        count,
        steps=4,
        rate=0.1,
        momentum=0.5,
    )
    alpha = torch.ones(count, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.SGD([alpha], lr=0.1, momentum=0.5)
    values, labels = read(learner.examples(0, "tune"))
    for ours in seen:
        optimiser.zero_grad()
        mixture = start + alpha @ changes
        parameters = {
            name: mixture[place : place + its.numel()].view(its.shape)
            for name, its in learner.nets[0].named_parameters()
            for place in [(its.data_ptr() - flat.values.data_ptr()) // 8]
        }
        logits = torch.func.functional_call(learner.nets[0], parameters, (values,))
        nn.functional.cross_entropy(logits, labels).backward()
        assert alpha.grad is not None
        torch.testing.assert_close(ours, alpha.grad, rtol=1e-10, atol=1e-12)
        optimiser.step()
    assert len(seen) == 4
    torch.testing.assert_close(found.alpha, alpha.detach(), rtol=1e-10, atol=0)
    assert float((found.alpha - 1).abs().min()) > 1e-6
