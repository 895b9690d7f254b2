"""Replays inside a budget: what fits, what is picked, what it lost."""

import numpy as np
import pytest
from tests.evaluation.tables import table_of

from forelearn.evaluation.budget import lost, replay, visits
from forelearn.evaluation.judging import Fold
from forelearn.evaluation.orders import seen


def view_of(table, learn=(0,)):
    return seen(table, learn, np.random.default_rng(0))


def test_targets_take_turns_and_costs_are_shares_of_one_run_of_every_pair():
    """Two targets, two sources, cost 1 each: a first source is done at 1/4 or 2/4, a second at 3/4 or 4/4."""
    at = visits(np.array([[2.0, 1.0], [1.0, 2.0]]), view_of(table_of(np.zeros((2, 2)))), in_sequence=False)
    assert sorted([at[0, 0], at[1, 1]]) == [0.25, 0.5]
    assert sorted([at[0, 1], at[1, 0]]) == [0.75, 1.0]


def test_baselines_that_are_runs_are_paid_first():
    """Two baselines of 1 and four pairs of 1 make 6: the first pair is done at 3/6."""
    table = table_of(np.zeros((2, 2)), baseline_costs=np.ones(2))
    assert visits(np.zeros((2, 2)), view_of(table), in_sequence=False).min() == 0.5


def test_a_dear_pair_ends_the_budget():
    table = table_of(np.zeros((1, 2)), costs=np.array([[9.0, 1.0]]))
    np.testing.assert_allclose(
        visits(np.array([[1.0, 2.0]]), view_of(table), in_sequence=False), [[1.0, 0.1]]
    )


def test_the_pick_is_the_best_run_tried_or_no_transfer():
    """Ten pairs, one target: 16.5 % buys the first, 49.5 % the first four."""
    gains = np.array([[-0.1, -0.2, 0.3, 0.1, 0.9, 0, 0, 0, 0, 0]])
    answers = replay(-np.arange(10.0)[None], view_of(table_of(gains)))
    assert answers.picks == {0.165: (None,), 0.495: ("s2",)}
    assert answers.reported == {0.165: (0.0,), 0.495: (0.3,)}


def test_without_a_baseline_the_pick_is_always_a_source_if_one_was_tried():
    gains = np.array([[0.1, 0.2, *[0.0] * 8]])
    answers = replay(-np.arange(10.0)[None], view_of(table_of(gains, baseline=None)))
    assert answers.picks == {0.165: ("s0",), 0.495: ("s1",)}
    narrow = replay(np.zeros((1, 3)), view_of(table_of(np.ones((1, 3)), baseline=None)))
    assert narrow.picks[0.165] == (None,)
    assert narrow.reported[0.165] == (None,)


def test_points_are_lost_against_the_best_choice_which_may_be_no_transfer():
    """Target 0: best 0.4 by the chooser, valued 0.2; the pick is valued 0.1. Target 1: nothing helps."""
    table = table_of(np.zeros((2, 2)))
    fold = Fold(np.array([[0.4, 0.1], [-0.1, -0.2]]), np.array([[0.2, 0.1], [-0.3, 0.5]]))
    points, best, value = lost(("s1", "s1"), (fold,), table)
    assert points == pytest.approx([0.1, -0.5])
    assert best == pytest.approx([0.2, 0.0])
    assert value == pytest.approx([0.1, 0.5])


def test_no_pick_is_no_transfer_where_gains_are_known_and_undefined_elsewhere():
    fold = Fold(np.array([[0.4, 0.1]]), np.array([[0.2, 0.1]]))
    known = lost((None,), (fold,), table_of(np.zeros((1, 2))))
    assert known[0] == pytest.approx([0.2])
    unknown = lost((None,), (fold,), table_of(np.zeros((1, 2)), baseline=None))
    assert np.isnan(unknown[0]).all()
