"""Searches lived on a truth: chosen on dev with one seed, judged on test with the others."""

import numpy as np
import pytest
from tests.evaluation.truths import noisy_truth, truth_of

from forelearn.evaluation.controls import control, reseeded
from forelearn.evaluation.lived import depths, judged, live, replayed, split_at
from forelearn.evaluation.orders import Method, nothing
from forelearn.evaluation.winners import winners

RNG = np.random.default_rng(0)


def test_a_pick_is_judged_on_the_seeds_that_the_search_never_drew():
    """One target, two sources. On seed 0 dev says s0 (+.10); on test s0 is worth +.30 on seed 0 and −.02, −.04 on
    seeds 1 and 2, which judge: −.03. In hand is the run itself: .5 + .30."""
    dev = [[[0.10, 0, 0], [0.05, 0, 0]]]
    test = [[[0.30, -0.02, -0.04], [0.0, 0.06, 0.02]]]
    found = live(np.zeros((1, 2)), split_at(truth_of(test, dev=dev), 0), RNG, [1.0], in_sequence=False)
    assert found.fresh[0, 0] == pytest.approx(0.47)
    assert found.in_hand[0, 0] == pytest.approx(0.80)
    assert found.claimed[0, 0] == pytest.approx(0.10)


def test_the_best_is_chosen_on_other_seeds_than_it_is_valued_on():
    """Same table, s0 picked. Judge 1: others' means s0 (.30 − .04) / 2 = .13, s1 (0 + .02) / 2 = .01, so s0, worth
    −.02. Judge 2: s0 .14, s1 .03, so s0, worth −.04. The best is −.03 on average, and nothing was lost."""
    test = [[[0.30, -0.02, -0.04], [0.0, 0.06, 0.02]]]
    points, best, gain = judged(("s0",), split_at(truth_of(test), 0))
    assert best[0] == pytest.approx(-0.03)
    assert points[0] == pytest.approx(0.0)
    assert gain[0] == pytest.approx(-0.03)


def test_no_transfer_is_kept_where_no_dev_gain_is_above_0():
    dev = [[[-0.01], [-0.02]]]
    found = live(
        np.zeros((1, 2)), split_at(truth_of([[[0.2], [0.2]]], dev=dev), 0), RNG, [1.0], in_sequence=False
    )
    assert found.in_hand[0, 0] == 0.5


def test_depths_are_shares_of_baselines_and_all_pairs():
    """Two targets, three sources, all of cost 1: 2 of 8 runs, then 4, 6, 8."""
    assert depths([split_at(noisy_truth(2, 3), 0)]) == [pytest.approx([0.25, 0.5, 0.75, 1.0])]


def test_a_depth_is_the_same_number_of_sources_in_every_split_of_a_growing_truth():
    """Two targets, four sources; on seed 1 half of the pairs are missing, so that its two sources are everything."""
    gains = np.random.default_rng(1).normal(0, 0.1, (2, 4, 3))
    gains[:, 2:, 1] = np.nan
    truth = truth_of(gains)
    splits = [split_at(truth, place) for place in range(3)]
    shares = depths(splits)
    assert shares[1] == pytest.approx([2 / 6, 4 / 6, 1, 1, 1])
    assert shares[0] == shares[2] == pytest.approx([2 / 10, 4 / 10, 6 / 10, 8 / 10, 1])
    lives = replayed(Method("random", nothing, "nothing"), splits, shares, seed=0, draws=2)
    assert [life[0].tried.mean(axis=1).tolist() for life in lives] == [
        [0, 1, 2, 3, 4],
        [0, 1, 2, 2, 2],
        [0, 1, 2, 3, 4],
    ]


def test_the_better_of_two_baselines_is_kept_by_dev_and_shows_only_in_hand():
    """Seed 0 has dev .5, seed 1 dev .6: kept is seed 1's test, .40; fresh it is the level of the other seeds."""
    truth = truth_of([[[0.1, 0.1]]], baselines=[[0.50, 0.40]], dev_baselines=[[0.5, 0.6]])
    found = control(truth, [split_at(truth, 0)], "another seed")
    assert found.in_hand[0, 0] == pytest.approx(0.40)
    assert found.fresh[0, 0] == pytest.approx(0.40)
    assert found.cost == pytest.approx(2 / 2)
    assert control(truth, [split_at(truth, 1)], "another seed").in_hand[0, 0] == pytest.approx(0.40)


def test_controls_cost_what_they_train():
    """Three targets, five sources: 3 baselines and 15 pairs are everything."""
    truth = noisy_truth(3, 5)
    costs = {
        name: control(truth, [], name).cost for name in ("no transfer", "B → B", "train longer", "everything")
    }
    assert costs == pytest.approx(
        {"no transfer": 3 / 18, "B → B": 6 / 18, "train longer": 9 / 18, "everything": 1}
    )


def test_b_to_b_is_always_taken_and_valued_on_the_other_seeds():
    truth = truth_of([[[0.0, 0.0, 0.0]]], itself=0.02, longer=-0.03)
    splits = [split_at(truth, place) for place in range(3)]
    assert control(truth, splits, "B → B").fresh == pytest.approx(np.full((1, 3), 0.52))
    assert control(truth, splits, "train longer").lost == pytest.approx(np.full((1, 3), 0.03))


def test_more_baselines_are_an_expectation_over_which():
    """Test .4, .5, .6 with dev in the same order: one is .5 on average, the best of two (.5 + .6 + .6) / 3."""
    truth = truth_of([[[0.0, 0.0, 0.0]]], baselines=[[0.4, 0.5, 0.6]])
    splits = [split_at(truth, place) for place in range(3)]
    values = [float(value.mean()) for _, value in reseeded(truth, splits)]
    assert values == pytest.approx([0.5, 1.7 / 3, 0.6])


def test_a_winner_with_hindsight_and_one_that_holds():
    """Seed 0's best test run is s0 (+.30). On dev (= test here) seeds 1, 2 prefer s1 (.04 against −.03): valued on
    seed 0 at 0; seeds 0, 2 prefer s0: on seed 1 −.02; seeds 0, 1: s0, −.04. Mean −.02."""
    test = [[[0.30, -0.02, -0.04], [0.0, 0.06, 0.02]]]
    (found,) = winners(truth_of(test))
    assert found.hindsight == ("s0", pytest.approx(0.8), pytest.approx(0.5))
    assert dict(found.chosen) == {"s0": 2, "s1": 1}
    assert found.gain.mean == pytest.approx(-0.02)
    assert found.gain.low < found.gain.mean < found.gain.high


def test_a_growing_truth_has_only_the_seeds_on_which_most_pairs_ran():
    gains = np.zeros((2, 4, 2))
    gains[:, 1:, 1] = np.nan
    truth = truth_of(gains)
    assert truth.search_seeds == (0,)
    points, _, _ = judged(("s1", "s0"), split_at(truth, 0))
    assert np.isnan(points[0])
    assert points[1] == 0.0
