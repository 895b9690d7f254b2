import pytest
from hypothesis import given
from hypothesis import strategies as st

from forelearn.report.scale import Scale, log_ticks, reach, ticks


def test_a_linear_scale_by_hand():
    """0.25 of the way from 10 to 110 is 35."""
    scale = Scale(-1.0, 3.0, 10, 110)
    assert [scale(value) for value in (-1.0, 0.0, 3.0)] == [10, 35, 110]


def test_a_logarithmic_scale_puts_the_geometric_mean_in_the_middle():
    """√(0.01 · 1) = 0.1."""
    assert Scale(0.01, 1.0, 0, 100, logarithmic=True)(0.1) == pytest.approx(50)


def test_what_lies_outside_is_drawn_at_the_end_it_passed():
    scale = Scale(0.0, 1.0, 0, 10)
    assert (scale(-5), scale(7)) == (0, 10)
    assert not scale.holds(7)


def test_a_scale_without_width_draws_in_the_middle():
    assert Scale(2.0, 2.0, 0, 10)(2.0) == 5


@given(st.floats(-10, 10), st.floats(1e-4, 10))
def test_ticks_lie_within_and_are_at_most_seven(low, width):
    found = ticks(low, low + width)
    assert len(found) <= 7
    assert all(low - 1e-6 <= value <= low + width + 1e-6 for value in found)


def test_ticks_by_hand():
    assert ticks(-0.07, 0.16) == [-0.05, 0.0, 0.05, 0.1, 0.15]


def test_logarithmic_ticks_by_hand():
    assert log_ticks(0.06, 1.15) == [0.1, 0.2, 0.5, 1.0]


def test_one_degenerate_value_does_not_turn_all_colours_pale():
    values = [0.02] * 99 + [-0.9]
    assert reach(values) == 0.02


def test_the_reach_of_nothing_is_not_zero():
    assert reach([]) == reach([0.0, 0.0]) == 0.01
    assert reach([0.0] * 50 + [0.3]) >= 0.3
