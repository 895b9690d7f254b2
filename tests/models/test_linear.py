from __future__ import annotations

import pytest
import torch
from torch import nn

from forelearn.models import linear as module
from forelearn.models.linear import linear, onednn_is_faster, quick_linear


@pytest.fixture(params=[True, False])
def either_library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways, whatever the chip; the quick one only where torch carries it."""
    if request.param and not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        pytest.skip("this torch carries no oneDNN")
    monkeypatch.setattr(module, "onednn_is_faster", lambda: request.param)


@pytest.mark.usefixtures("either_library")
@pytest.mark.parametrize("shape", [(7, 5), (3, 4, 5), (1, 5)])
@pytest.mark.parametrize("with_bias", [True, False])
def test_values_and_gradients_are_those_of_torch(shape: tuple[int, ...], with_bias: bool) -> None:
    torch_given = torch.Generator().manual_seed(0)
    found = []
    for product in (linear, nn.functional.linear):
        torch_given.manual_seed(0)
        values = torch.randn(shape, generator=torch_given, requires_grad=True)
        weight = torch.randn(6, 5, generator=torch_given, requires_grad=True)
        bias = torch.randn(6, generator=torch_given, requires_grad=True) if with_bias else None
        result = product(values, weight, bias)
        (result * torch.randn(result.shape, generator=torch_given)).sum().backward()
        found.append([result, values.grad, weight.grad, bias.grad if bias is not None else None])
    for ours, expected in zip(*found):
        assert (ours is None) == (expected is None)
        assert ours is None or torch.allclose(ours, expected, atol=1e-5)


@pytest.mark.usefixtures("either_library")
def test_strided_inputs_and_gradients_are_no_different() -> None:
    values = torch.randn(4, 5, 3, requires_grad=True)
    layer = nn.Linear(5, 6)
    ours = linear(values.transpose(1, 2), layer.weight, layer.bias).transpose(1, 2)
    expected = layer(values.transpose(1, 2)).transpose(1, 2)
    weights = torch.randn(4, 6, 3)
    one, other = (torch.autograd.grad((found * weights).sum(), values)[0] for found in (ours, expected))
    assert torch.allclose(ours, expected, atol=1e-6)
    assert torch.allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("narrow", [True, False])
@pytest.mark.usefixtures("either_library")
def test_an_inner_block_changes_nothing_and_ends_without_a_trace(narrow: bool) -> None:
    layer = nn.Linear(5, 6)
    with quick_linear(layer, narrow=narrow):
        outer = vars(layer).get("forward")
        with quick_linear(layer, narrow=not narrow):
            layer(torch.randn(3, 5))
        assert outer is None or vars(layer)["forward"] is outer
    assert "forward" not in vars(layer)


@pytest.mark.usefixtures("either_library")
def test_a_model_is_left_as_it_was_and_frozen_parts_get_no_gradient() -> None:
    model = nn.Sequential(nn.Linear(5, 6), nn.Linear(6, 2))
    model[0].requires_grad_(False)
    values = torch.randn(3, 5)
    usual = model(values)
    with quick_linear(model):
        quick = model(values)
        quick.sum().backward()
    assert torch.allclose(usual, quick, atol=1e-6)
    assert model[0].weight.grad is None
    assert model[1].weight.grad is not None
    assert all("forward" not in vars(layer) for layer in model)


@pytest.mark.usefixtures("either_library")
def test_other_types_and_autocast_are_left_to_torch() -> None:
    values, weight = torch.randn(3, 5), torch.randn(2, 5)
    assert torch.equal(linear(values.double(), weight.double()), values.double() @ weight.double().T)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert linear(values, weight).dtype == torch.bfloat16


def test_the_chip_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    for flags, expected in (({"avx512_f": True}, False), ({"sse4a": True}, False)):
        onednn_is_faster.cache_clear()
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda flags=flags: flags)
        assert onednn_is_faster() is expected
    onednn_is_faster.cache_clear()
