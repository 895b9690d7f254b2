"""Rungs and floors by hand, and what must hold of every floor."""

from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as some

from forelearn.search.halving import floor, rungs

values = some.floats(0, 1)
fields = some.lists(values, max_size=12)
seeds = some.lists(values, min_size=1, max_size=4)
etas = some.integers(2, 5)
slacks = some.floats(0, 0.5)


def bound(*given) -> float:
    """The floor where there is one."""
    found = floor(*given)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("epochs", "eta", "expected"),
    [(1, 2, ()), (2, 2, (1,)), (3, 2, (1, 2)), (4, 2, (1, 2)), (8, 2, (1, 2, 4)), (9, 3, (1, 3)), (2, 5, ())],
)
def test_rungs_by_hand(epochs, eta, expected):
    """3 epochs halved: 1.5 and 0.75, rounded 2 and 1. 2 epochs by five: 0.4 rounds to none."""
    assert rungs(epochs, eta) == expected


@given(some.integers(0, 300), etas)
def test_rungs_ascend_and_lie_within_the_run(epochs, eta):
    found = rungs(epochs, eta)
    assert list(found) == sorted(set(found))
    assert all(1 <= rung < epochs for rung in found)
    assert found or epochs < eta


def test_a_target_without_a_baseline_at_the_rung_stops_nothing():
    assert floor([0.9, 0.8], []) is None


def test_the_floor_by_hand():
    """Baselines 0.4 and 0.6: mean 0.5.

    Alone, a run is ranked with the mean: the better of two goes on, so it must reach 0.5, or 0.48 with slack.
    With rivals 0.1, 0.2, 0.3 there are 5 with the run itself: 2 go on, 0.5 and whoever reaches 0.3.
    With rivals 0.6, 0.7, 0.8 the second place takes 0.7, but what reaches the baseline is not stopped.
    """
    assert floor([], [0.4, 0.6]) == 0.5
    assert floor([], [0.4, 0.6], slack=0.02) == pytest.approx(0.48)
    assert floor([0.1, 0.2, 0.3], [0.4, 0.6]) == 0.3
    assert floor([0.6, 0.7, 0.8], [0.4, 0.6]) == 0.5


@given(fields, seeds, etas, slacks)
def test_what_keeps_up_with_the_baseline_is_never_stopped(rivals, baselines, eta, slack):
    assert bound(rivals, baselines, eta, slack) <= fmean(baselines) - slack


@given(some.lists(values, min_size=2, max_size=12), seeds, etas)
def test_the_best_candidate_so_far_is_not_stopped_once_there_are_two_places(rivals, baselines, eta):
    if len(rivals) >= 2 * eta - 2:
        assert bound(rivals, baselines, eta) <= max(rivals)


@given(fields, seeds, etas, slacks, values)
def test_a_run_is_stopped_exactly_if_both_reasons_hold(rivals, baselines, eta, slack, value):
    """The oracle counts who is better: a share 1/η of the ranked (at least one) goes on, ties with them."""
    mean = fmean(baselines)
    better = sum(rival > value for rival in [*rivals, mean])
    ranked_out = better >= max(1, (len(rivals) + 2) // eta)
    assert (value < bound(rivals, baselines, eta, slack)) == (value < mean - slack and ranked_out)


@given(some.lists(values, min_size=1, max_size=12), seeds, etas, slacks, values, some.data())
def test_a_better_rival_or_baseline_never_lowers_the_floor(rivals, baselines, eta, slack, rise, data):
    before = bound(rivals, baselines, eta, slack)
    place = data.draw(some.integers(0, len(rivals) - 1))
    better = [value + rise * (index == place) for index, value in enumerate(rivals)]
    assert bound(better, baselines, eta, slack) >= before
    assert bound(rivals, [baselines[0] + rise, *baselines[1:]], eta, slack) >= before


@given(fields, seeds, etas, slacks, slacks)
def test_a_larger_eta_stops_no_fewer_and_more_slack_no_more(rivals, baselines, eta, slack, more):
    before = bound(rivals, baselines, eta, slack)
    assert bound(rivals, baselines, eta + 1, slack) >= before
    assert bound(rivals, baselines, eta, slack + more) <= before


@given(fields, seeds, etas, slacks, some.randoms())
def test_the_floor_does_not_depend_on_the_order(rivals, baselines, eta, slack, chance):
    mixed = list(rivals)
    chance.shuffle(mixed)
    assert floor(mixed, baselines, eta, slack) == floor(rivals, baselines, eta, slack)


@pytest.mark.parametrize("eta", [1, 0, -2])
def test_an_eta_that_would_keep_everybody_is_refused(eta):
    with pytest.raises(ValueError, match="eta"):
        rungs(4, eta)
    with pytest.raises(ValueError, match="eta"):
        floor([], [0.5], eta)
