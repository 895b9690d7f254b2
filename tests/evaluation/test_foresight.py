from __future__ import annotations

import pytest

from forelearn.evaluation.calibration import Expected, calibration
from forelearn.evaluation.foresight import Belief, foresee


def test_a_gain_that_is_surely_above_zero_is_a_transfer() -> None:
    found = foresee([Belief("a", 0.05, 0.01), Belief("b", 0.0, 0.01)])
    assert (found.kind, found.source, found.tied) == ("transfer", "a", ())
    assert found.chance == pytest.approx(1.0, abs=1e-6)


def test_two_such_gains_within_each_others_intervals_are_tied() -> None:
    found = foresee([Belief("b", 0.048, 0.01), Belief("a", 0.05, 0.01), Belief("c", -0.1, 0.01)])
    assert found.kind == "tied"
    assert found.tied == ("a", "b")


def test_where_no_gain_worth_having_is_likely_the_answer_is_no() -> None:
    """P(N(−0.02, 0.02) > 0.01) = P(z > 1.5) = 0.067, below one in five."""
    found = foresee([Belief("a", -0.02, 0.02), Belief("b", -0.03, 0.02)])
    assert found.kind == "do not transfer"
    assert "a leads" in found.reason


def test_a_wide_interval_around_zero_is_not_enough_evidence() -> None:
    found = foresee([Belief("a", 0.0, 0.05)])
    assert found.kind == "not enough evidence"
    assert found.chance == pytest.approx(0.5)


def test_of_equal_expectations_the_best_ranked_leads() -> None:
    assert foresee([Belief("z", 0.0, 0.05), Belief("a", 0.0, 0.05)]).source == "z"


def test_without_sources_nothing_is_said() -> None:
    found = foresee([])
    assert (found.kind, found.source, found.chance) == ("not enough evidence", "", None)


def test_coverage_and_brier_by_hand() -> None:
    """Target 1: mean 0, sd 1, found ±1 and 3 with 90 % half width 1.645: 2 of 3 held. Chances are all .5: Brier .25.
    Base rate .5: .25. Target 2: mean 10, sd 1, found 10: held, Brier 0; base rate 0: 1.
    """
    import numpy as np

    found = calibration(
        [
            Expected(np.zeros(3), np.ones(3), np.array([1.0, -1.0, 3.0]), 0.5),
            Expected(np.array([10.0]), np.ones(1), np.array([10.0]), 0.0),
        ]
    )
    assert found.coverage.mean == pytest.approx((2 / 3 + 1) / 2)
    assert found.brier.mean == pytest.approx(0.125)
    assert found.base_brier.mean == pytest.approx((0.25 + 1) / 2)
    assert found.pairs == 4
