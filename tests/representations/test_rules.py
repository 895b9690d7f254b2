from itertools import pairwise

import numpy as np
import pytest
import torch

from forelearn.core.errors import InputError
from forelearn.representations.rules import CaptumGauss, FixedTrapezoid, Trapezoid


def path(places, state, gradient):
    """One document, one token, one hidden unit: states and gradients at `places`."""
    alpha = torch.tensor(places, dtype=torch.float64).view(1, -1, 1, 1)
    return state(alpha), gradient(alpha)


def test_trapezoid_sum_of_three_points_by_hand():
    """h = α², g = α at 0, ½, 1: (0 + ½)/2 · ¼ + (½ + 1)/2 · ¾ = 0.0625 + 0.5625 (the integral is 2/3)."""
    rule = FixedTrapezoid(3)
    assert rule.integrate(*path(rule.levels()[0], torch.square, lambda a: a)).item() == pytest.approx(0.625)


def test_captum_sum_of_three_nodes_by_hand():
    """Nodes ½ − s, ½, ½ + s with s = √0.6/2; h = α, g = α: (½ − s)·s + ½·s = s − s² = 0.387298 − 0.15."""
    rule = CaptumGauss(3)
    value = rule.integrate(*path(rule.levels()[0], lambda a: a, lambda a: a)).item()
    assert value == pytest.approx(np.sqrt(0.6) / 2 - 0.15)


@pytest.mark.parametrize("points", [2, 3, 4, 9])
def test_trapezoid_is_exact_where_the_gradient_is_linear_in_the_state(points):
    rule = FixedTrapezoid(points)
    states, gradients = path(rule.levels()[0], torch.sin, lambda a: 3 * torch.sin(a) + 1)
    expected = 1.5 * np.sin(1) ** 2 + np.sin(1)
    assert rule.integrate(states, gradients).item() == pytest.approx(expected, rel=1e-12)


def test_sums_of_both_rules_add_up_pieces_of_the_path_as_written():
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(2, 7, 3, 5, generator=generator, dtype=torch.float64)
    gradients = torch.randn(2, 7, 3, 5, generator=generator, dtype=torch.float64)
    trapezoid, left = torch.zeros(2, 3, dtype=torch.float64), torch.zeros(2, 3, dtype=torch.float64)
    for k in range(6):
        step = states[:, k + 1] - states[:, k]
        trapezoid += ((gradients[:, k] + gradients[:, k + 1]) / 2 * step).sum(-1)
        if 1 <= k <= 4:
            left += (gradients[:, k] * step).sum(-1)
    torch.testing.assert_close(Trapezoid().integrate(states, gradients), trapezoid)
    torch.testing.assert_close(CaptumGauss(5).integrate(states, gradients), left)


def test_richardson_value_gains_two_orders():
    """∫ cos α d(e^α): when steps are halved the error of T falls by 4, that of T + (T_2n − T_n)/3 by 16."""
    exact = np.exp(1) * (np.cos(1) + np.sin(1)) / 2 - 0.5
    sums = [
        FixedTrapezoid(n).integrate(*path(np.linspace(0, 1, n), torch.exp, torch.cos)).item()
        for n in (9, 17, 33)
    ]
    plain = [abs(value - exact) for value in sums]
    richardson = [abs(fine + (fine - coarse) / 3 - exact) for coarse, fine in pairwise(sums)]
    assert plain[0] / plain[1] == pytest.approx(4, rel=0.05)
    assert richardson[0] / richardson[1] == pytest.approx(16, rel=0.1)


def test_each_level_keeps_the_points_of_the_level_before():
    levels = Trapezoid(first=5, most=33).levels()
    assert [len(level) for level in levels] == [5, 9, 17, 33]
    for coarse, fine in pairwise(levels):
        np.testing.assert_array_equal(fine[::2], coarse)


def test_captum_nodes_are_inside_the_path_and_the_ends_are_added():
    (places,) = CaptumGauss(51).levels()
    assert len(places) == 53
    assert places[0] == 0 < places[1]
    assert places[-2] < 1 == places[-1]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Trapezoid(tolerance=-0.1),
        lambda: Trapezoid(tolerance=float("nan")),
        lambda: Trapezoid(first=1),
        lambda: Trapezoid(most=20),
        lambda: Trapezoid(most=5),
        lambda: FixedTrapezoid(1),
        lambda: CaptumGauss(1),
    ],
)
def test_a_rule_that_cannot_be_summed_is_refused_with_a_next_step(make):
    with pytest.raises(InputError, match=r"got .*Use "):
        make()
