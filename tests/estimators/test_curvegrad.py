import numpy as np
import pytest

from forelearn.core.scores import Scores
from forelearn.estimators.curvegrad import POINTS, curvegrad
from forelearn.estimators.fusion import fuse


def test_a_straight_line_falls_alike_everywhere():
    """loss = 2 − 3 · share."""
    share = (np.arange(40) + 0.5) / 40
    assert curvegrad(2 - 3 * share) == pytest.approx([3.0] * 5)


def test_a_parabola_falls_as_its_derivative_by_hand():
    """loss = (1 − share)²: a window even about its middle has the slope there, −2 (1 − p)."""
    share = np.linspace(0, 1, 101)
    falls = curvegrad((1 - share) ** 2, progress=share)
    assert falls == pytest.approx([2 * (1 - point) for point in POINTS])


def test_a_line_through_four_losses_by_hand():
    """Shares .2 .4 .6 .8, losses 4 2 1 1: all four make the line everywhere.
    Σ (x − .5)(y − 2) = −.3 · 2 + 0 − .1 − .3 = −1; Σ (x − .5)² = .2: it falls by 5.
    """
    assert curvegrad([4, 2, 1, 1], progress=[0.2, 0.4, 0.6, 0.8]) == pytest.approx([5.0] * 5)


def test_it_agrees_with_least_squares_of_numpy():
    rng = np.random.default_rng(0)
    share = np.sort(rng.random(60))
    losses = rng.normal(size=60)
    expected = []
    for point in POINTS:
        near = np.abs(share - point) <= 0.1
        expected.append(-np.polyfit(share[near], losses[near], 1)[0])
    assert curvegrad(losses, progress=share) == pytest.approx(expected)


def test_without_shares_each_loss_stands_for_an_even_part_of_training():
    """Of ten losses the third covers 20 to 30 % of training, and stands at 25 %."""
    losses = np.random.default_rng(4).normal(size=10)
    assert curvegrad(losses) == pytest.approx(curvegrad(losses, progress=np.arange(0.05, 1, 0.1)))


def test_a_constant_added_says_nothing_and_the_unit_scales_the_slopes():
    losses = np.exp(-np.linspace(0, 3, 50)) + np.random.default_rng(1).normal(0, 0.1, 50)
    assert curvegrad(4 * losses + 7) == pytest.approx(4 * curvegrad(losses))
    assert curvegrad(np.full(50, 0.7)) == pytest.approx(np.zeros(5), abs=1e-12)


def test_noise_moves_a_slope_by_less_than_what_is_looked_for():
    """Of 100 noisy curves of 200 steps, one that falls twice as far is told apart at every point by most."""
    rng = np.random.default_rng(2)
    share = (np.arange(200) + 0.5) / 200
    right = np.zeros(5)
    for _ in range(100):
        slow, fast = (np.exp(-1.5 * share) * height + rng.normal(0, 0.1, 200) for height in (1, 2))
        right += curvegrad(fast) > curvegrad(slow)
    assert (right > 85).all()


def test_the_five_orders_are_fused_by_rank():
    curves = {"a": 1.0, "b": 0.5, "c": 0.1}
    share = (np.arange(40) + 0.5) / 40
    falls = {name: curvegrad(height * np.exp(-share)) for name, height in curves.items()}
    orders = [
        Scores("t", f"curvegrad {p:.0%}", {name: float(falls[name][i]) for name in curves})
        for i, p in enumerate(POINTS)
    ]
    assert fuse(orders).order() == ["a", "b", "c"]


def test_curves_that_are_short_broken_or_out_of_order_are_refused():
    for bad in ([1.0, 0.5, 0.2], [1.0, np.nan, 0.5, 0.2], np.ones((4, 2)), []):
        with pytest.raises(ValueError, match="`losses` must be at least 4 finite numbers"):
            curvegrad(bad)
    for bad in ([0.1, 0.2, 0.3], [0.1, 0.3, 0.2, 0.4], [0.1, 0.2, 0.3, 1.4], [0.1, 0.2, np.nan, 0.4]):
        with pytest.raises(ValueError, match="`progress` must be one share"):
            curvegrad([1.0, 0.5, 0.2, 0.1], progress=bad)
