from __future__ import annotations

from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forelearn.evaluation.calibration import Expected, calibration
from forelearn.evaluation.decision import Candidate, decide
from forelearn.evaluation.foresight import Belief, foresee
from forelearn.evaluation.gains import Gain


def test_a_gain_that_is_surely_above_zero_is_a_transfer() -> None:
    found = foresee([Belief("a", 0.05, 0.01), Belief("b", 0.0, 0.01)])
    assert (found.kind, found.source, found.tied) == ("transfer", "a", ())
    assert found.chance == pytest.approx(1.0, abs=1e-6)


def test_two_such_gains_within_each_others_intervals_are_tied() -> None:
    found = foresee([Belief("b", 0.048, 0.01), Belief("a", 0.05, 0.01), Belief("c", -0.1, 0.01)])
    assert found.kind == "tied"
    assert found.tied == ("a", "b")


def test_a_sure_gain_leads_before_a_higher_but_vaguer_one() -> None:
    """`a` is expected to gain more, but its interval holds 0; `b` surely helps, and of `c` nothing worth having."""
    found = foresee([Belief("a", 0.05, 0.05), Belief("b", 0.04, 0.005), Belief("c", 0.009, 0.0001)])
    assert (found.kind, found.source) == ("transfer", "b")


def test_a_gain_that_the_same_compute_without_a_source_has_too_is_no_reason_to_transfer() -> None:
    """Training longer is expected to gain .08: `a` with .05 does not beat it, `b` with .09 does."""
    longer = Belief("train longer", 0.08, 0.02)
    found = foresee([Belief("a", 0.05, 0.01)], controls=[Belief("t itself", 0.01, 0.02), longer])
    assert (found.kind, found.source) == ("not enough evidence", "a")
    assert "but so is train longer, without another task, +0.080" in found.reason
    both = [Belief("b", 0.09, 0.01), Belief("a", 0.05, 0.01)]
    assert foresee(both, controls=[longer]).kind == "transfer"
    assert foresee(both, controls=[longer]).source == "b"


@given(
    st.lists(
        st.tuples(st.floats(-0.1, 0.1), st.floats(1e-3, 0.1)),
        min_size=1,
        max_size=5,
        unique_by=lambda one: round(one[0], 6),
    )
)
def test_what_is_said_holds_of_the_leader_and_agrees_with_the_answer_on_runs(
    drawn: list[tuple[float, float]],
) -> None:
    """With a billion degrees of freedom a gain is as good as normal: `decide` then says what `foresee` says."""
    names = [f"s{place}" for place in range(len(drawn))]
    found = foresee([Belief(name, mean, sd) for name, (mean, sd) in zip(names, drawn, strict=True)])
    low, high = Belief("", *drawn[names.index(found.source)]).bounds(0.9)
    if found.kind in ("transfer", "tied"):
        assert low > 0
    if found.kind == "not enough evidence":
        assert low <= 0 <= high
    half = NormalDist().inv_cdf(0.95)
    runs = [
        Candidate((name,), Gain(mean, mean - half * sd, mean + half * sd, 1, 1, sd / 2**0.5, 1e9, 0.9))
        for name, (mean, sd) in zip(names, drawn, strict=True)
    ]
    said = decide(runs)
    assert (said.kind, said.sources) == (found.kind, (found.source,))


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
