import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from forelearn.evaluation.decision import DOUBT, MARGIN, Candidate, decide, seeds_to_settle
from forelearn.evaluation.gains import Gain, Noise, paired_gain, pooled_noise


def gain(mean: float, low: float, high: float) -> Gain:
    return Gain(mean, low, high, 3, 3, 0.02, 6, 0.9)


def one(name: str, mean: float, half: float) -> Candidate:
    return Candidate((name,), gain(mean, mean - half, mean + half))


def test_an_interval_above_zero_says_transfer():
    decision = decide([one("A", 0.05, 0.02)])
    assert (decision.kind, decision.sources, decision.more_seeds, decision.more_runs) == (
        "transfer",
        ("A",),
        0,
        0,
    )
    assert (
        decision.reason
        == "Learning A first gains +0.050 [+0.030, +0.070] over 3 seeds: the interval lies above 0."
    )


def chance(mean: float, error: float, *, freedom: float = 6.0) -> Candidate:
    """A candidate with this mean and standard error, three seeds of it and of its baseline."""
    noise = error / math.sqrt(2 / 3)
    half = float(student.ppf(0.95, freedom)) * error
    return Candidate(("A",), Gain(mean, mean - half, mean + half, 3, 3, noise, freedom, 0.9))


def test_a_gain_worth_having_that_is_unlikely_says_do_not_transfer():
    """t at .8 on 6 degrees is .906: a mean .0091 below the margin with an error of .01 leaves .2 − a hair."""
    said = decide([chance(MARGIN - 0.0091, 0.01)])
    assert said.kind == "do not transfer"
    assert "a gain of 0.010 or more, the smallest worth having, is unlikely" in said.reason
    assert decide([chance(MARGIN - 0.0090, 0.01)]).kind == "not enough evidence"


def test_a_mean_below_zero_is_open_for_as_long_as_a_gain_is_likely_enough():
    """−.01 ± .01 has a chance of .05 to be .01 or more, −.01 ± .05 one of .35."""
    assert decide([chance(-0.01, 0.01)]).kind == "do not transfer"
    assert decide([chance(-0.01, 0.05)]).kind == "not enough evidence"


def test_a_gain_that_is_surely_positive_and_surely_too_small_is_not_worth_a_transfer():
    small = chance(0.005, 0.001)
    assert small.gain.low > 0
    assert decide([small]).kind == "do not transfer"
    assert decide([small], margin=0.0).kind == "transfer"


def test_anything_else_is_not_enough_evidence_with_the_seeds_that_would_settle_it():
    decision = decide([one("A", 0.03, 0.05)])
    assert decision.kind == "not enough evidence"
    assert decision.more_seeds is not None
    assert decision.more_seeds > 0
    assert decision.more_runs == 2 * decision.more_seeds
    assert f"about {decision.more_seeds} further seed" in decision.reason


def test_the_seeds_to_settle_counted_by_hand():
    """Mean .03, noise .02 a run, 1 seed of each on 4 degrees: half width t₀.₉₅(4) · .02 · √2 = 2.132 · .02828
    = .0603.

    One more seed: t(5) = 2.015 · .02 · 1 = .0403. Two more: t(6) = 1.943 · .02 · √(2/3) = .0317.
    Three more: t(7) = 1.895 · .02 · √(2/4) = .0268 < .03. So 3.
    """
    start = paired_gain([0.53], [0.5], noise=Noise(0.02**2))
    assert start.high - start.mean == pytest.approx(0.0603, abs=1e-4)
    assert seeds_to_settle(start) == 3


def test_a_gain_that_no_number_of_seeds_settles_has_none():
    tiny = paired_gain([0.5101], [0.5], noise=Noise(0.2**2))
    assert seeds_to_settle(tiny) is None
    decision = decide([Candidate(("A",), tiny)])
    assert (decision.more_seeds, decision.more_runs) == (None, None)
    assert "even 100 further seeds would not settle it" in decision.reason


def test_one_seed_without_known_noise_asks_for_a_second():
    decision = decide([Candidate(("A",), paired_gain([0.9], [0.5], noise=None))])
    assert (decision.kind, decision.more_seeds) == ("not enough evidence", 1)
    assert "one seed cannot tell how noisy a run is" in decision.reason


def test_without_candidates_there_is_nothing_to_decide_on():
    decision = decide([])
    assert (decision.kind, decision.gain, decision.more_seeds) == ("not enough evidence", None, None)


def test_a_candidate_whose_mean_lies_in_the_leaders_interval_is_tied():
    """A .08 ± .03 reaches down to .05: B at .06 is tied, C at .04 is not, D with its interval over 0 is not
    either.
    """
    decision = decide([one("C", 0.04, 0.02), one("B", 0.06, 0.02), one("A", 0.08, 0.03), one("D", 0.07, 0.2)])
    assert (decision.kind, decision.sources) == ("tied", ("A",))
    assert decision.tied == (("A",), ("B",))
    assert "holds the mean of B" in decision.reason


def test_a_hopeless_leader_does_not_hide_a_candidate_that_is_still_open():
    """A .009 with an error of .0005 is .01 with a chance of .05; B .008 with one of .05 may yet be worth it."""
    hopeless, open_ = chance(0.009, 0.0005), replace(chance(0.008, 0.05), sources=("B",))
    decision = decide([hopeless, open_])
    assert (decision.kind, decision.sources) == ("not enough evidence", ("B",))


@given(st.lists(st.tuples(st.integers(-10, 10), st.integers(0, 10)), min_size=1, max_size=4))
@settings(max_examples=100)
def test_the_order_of_candidates_changes_nothing_and_transfer_never_has_an_interval_over_zero(pairs):
    candidates = [one(str(i), mean / 100, half / 100) for i, (mean, half) in enumerate(pairs)]
    decisions = {decide(order) for order in itertools.permutations(candidates)}
    assert len(decisions) == 1
    decision = decisions.pop()
    assert decision.gain is not None
    if decision.kind in ("transfer", "tied"):
        assert decision.gain.low > 0
        assert decision.gain.chance_above(MARGIN) > DOUBT
    refused = all(c.gain.chance_above(MARGIN) <= DOUBT for c in candidates)
    assert refused == (decision.kind == "do not transfer")


def test_a_negative_margin_is_refused():
    with pytest.raises(ValueError, match="`margin`"):
        decide([], margin=-0.1)


@pytest.mark.slow
def test_where_nothing_helps_a_candidate_with_fresh_seeds_is_rarely_told_to_transfer():
    """Null family, 12 targets a study, 3 fresh seeds each, level .9: at most .07 false transfers (.05
    nominal).
    """
    rng = np.random.default_rng(3)
    false, total = 0, 0
    for _ in range(100):
        plain, after = rng.normal(0.4, 0.05, (12, 3)), rng.normal(0.4, 0.05, (12, 3))
        noise = pooled_noise(plain.tolist())
        for row in range(12):
            answer = decide(
                [Candidate(("A",), paired_gain(after[row].tolist(), plain[row].tolist(), noise=noise))]
            )
            false += answer.kind == "transfer"
            total += 1
    assert false / total <= 0.07
