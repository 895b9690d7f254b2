"""What a run must reach at a rung, from what its target's other runs reached there."""

import pytest
from tests.search.world import TASKS, cost_of, search_of

from forelearn.core.recipe import Recipe
from forelearn.core.run import Cost, Performance, Run, Stopped
from forelearn.search.record import NOISE
from forelearn.search.space import LONGER

A, B, C, D = TASKS
LONG = Recipe(epochs=4)


def looked_at(transfer, rungs, dev=0.5):
    measured = {"average_precision": dev}
    return Run(transfer, Performance(measured, measured, rungs=rungs), Cost(cost_of(transfer)), "now")


def started(baselines=(0.5,)):
    """All tasks alone; a's baseline is at these dev measures after one epoch, on as many seeds."""
    search = search_of(60, recipes=(LONG,))
    for task in TASKS[1:]:
        search.tell(looked_at(search.alone(task, LONG, 0), {1: 0.5, 2: 0.5}))
    for seed, value in enumerate(baselines):
        search.tell(looked_at(search.alone(A, LONG, seed), {1: value, 2: value}))
    return search


def test_baselines_are_looked_at_and_never_stopped():
    search = started()
    assert search.floors(search.alone(A, LONG, 0)) == {1: None, 2: None}


def test_controls_and_confirmations_are_left_alone():
    search = started()
    assert search.floors(search.plan(LONGER, A, 0)) == {}
    assert search.floors(search.plan(B, A, search.space.fresh_seed(0), check_prefix=False)) == {}


def test_with_fewer_than_two_rivals_nobody_is_stopped():
    search = started()
    search.tell(looked_at(search.plan(B, A, 0), {1: 0.9, 2: 0.9}))
    assert search.floors(search.plan(D, A, 0)) == {1: None, 2: None}


def test_the_floor_lies_below_the_baseline_by_the_noise_of_a_run():
    """Rivals .7 and .6, baseline .5: with one of four to lose, two go on, so the second best, .6, would be the
    bar; the baseline less the stated noise of a run, .48, is lower."""
    search = started()
    for source, value in ((B, 0.7), (C, 0.6)):
        search.tell(looked_at(search.plan(source, A, 0), {1: value, 2: value}))
    assert search.floors(search.plan(D, A, 0))[1] == pytest.approx(0.5 - NOISE)


def test_the_noise_at_a_rung_is_that_of_the_baselines_there():
    """Baselines .52 and .48 after an epoch: variance .0008, so the floor is .5 − .0283; stopped rivals count."""
    search = started(baselines=(0.52, 0.48))
    search.tell(looked_at(search.plan(B, A, 0), {1: 0.7}))
    search.tell(Stopped(search.plan(C, A, 0), 1, 0.6, 0.61, Cost(1.0), "now"))
    assert search.floors(search.plan(D, A, 0)) == {1: pytest.approx(0.5 - 0.0008**0.5), 2: None}


def test_a_stopped_run_counts_as_its_distance_to_the_baseline_at_that_rung():
    """Stopped at .3 after an epoch where the baseline was at .4; that it ended at .5 says nothing of it."""
    search = started(baselines=(0.4,))
    search.tell(Stopped(search.plan(C, A, 0), 1, 0.3, 0.35, Cost(1.0), "now"))
    assert search.gains(C, A) == pytest.approx([-0.1])
    assert search.runs(C, A) == []


def test_a_recipe_of_one_epoch_is_not_looked_at():
    search = search_of(60)
    search.tell(looked_at(search.alone(A, Recipe(epochs=1), 0), {}))
    assert search.floors(search.alone(A, Recipe(epochs=1), 0)) == {}
