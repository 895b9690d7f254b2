"""What the search keeps for fresh seeds: the winner and its rival, beside the baseline on the same seeds."""

from collections import defaultdict

import pytest
from tests.search.world import TASKS, finish, outcome, run, search_of

from forelearn.core.run import Run
from forelearn.search.search import Options
from forelearn.search.space import source_name

A, B, C, D = TASKS


def fresh(search):
    return [one for one in search.outcomes.values() if search.space.is_fresh(one.transfer.seed)]


@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_only_confirmation_draws_fresh_seeds_and_it_draws_no_others(noise):
    search = search_of(60)
    rounds = finish(search, noise=noise)
    drawn = defaultdict(set)
    for stage, batch in rounds:
        drawn[stage == "confirm"] |= {search.space.is_fresh(one.seed) for one in batch}
    assert drawn == {True: {True}, False: {False}}
    assert {one.transfer.seed for one in search.outcomes.values() if one not in fresh(search)} <= {0, 1, 2}


def test_winner_and_rival_are_paired_with_the_baseline_on_the_same_fresh_seeds():
    search = search_of(80)
    finish(search, noise=0.03)
    confirmed = 0
    for target in TASKS:
        winner, rival = search.finalists(target)
        seeds = {
            name: {run.transfer.seed for run in runs}
            for name, runs in (
                ("alone", search.baselines(target, fresh=True)),
                ("winner", search.runs(winner, target, fresh=True) if winner else []),
                ("rival", search.runs(rival, target, fresh=True) if rival else []),
            )
        }
        assert seeds["winner"] <= seeds["alone"]
        assert seeds["rival"] == (seeds["winner"] if rival else set())
        confirmed += bool(seeds["winner"])
    assert confirmed >= 2


def test_nobody_but_winner_and_rival_runs_on_fresh_seeds():
    search = search_of(80)
    finish(search, noise=0.03)
    for one in fresh(search):
        if one.transfer.sources:
            finalists = [source_name(c) for c in search.finalists(one.transfer.target) if c is not None]
            assert one.transfer.sources[0].name in finalists


def test_the_runs_on_fresh_seeds_choose_nothing():
    """Whatever confirmation finds, winner and rival stay."""
    plain, turned = search_of(80), search_of(80)
    finish(plain, noise=0.03)

    def make(transfer):
        made = outcome(transfer, noise=0.03)
        assert isinstance(made, Run)
        return run(transfer, 1 - made.dev()) if turned.space.is_fresh(transfer.seed) else made

    finish(turned, make=make)
    assert list(plain.outcomes) == list(turned.outcomes)
    assert [plain.finalists(task) for task in TASKS] == [turned.finalists(task) for task in TASKS]


def test_a_target_of_which_nothing_is_expected_to_gain_is_not_confirmed():
    """Nobody helps d."""
    search = search_of(80)
    finish(search)
    assert search.winner(D) is None
    assert not [one for one in fresh(search) if one.transfer.sources and one.transfer.target == D]


def test_a_share_of_the_budget_is_kept_for_confirmation():
    """Half of 60 runs: the rest of the search stops at 30."""
    search = search_of(60, options=Options(confirm_share=0.5))
    rounds = finish(search, noise=0.05)
    assert sum(len(batch) for stage, batch in rounds if stage != "confirm") <= 30
    assert sum(len(batch) for stage, batch in rounds if stage == "confirm") > 0


def test_a_share_of_zero_confirms_nothing():
    search = search_of(60, options=Options(confirm_share=0.0))
    finish(search, noise=0.05)
    assert not fresh(search)


@pytest.mark.parametrize("count", [1, 3])
def test_no_target_gets_more_fresh_seeds_than_allowed(count):
    search = search_of(400, options=Options(confirm_seeds=count, confirm_share=0.5))
    finish(search, noise=0.02)
    found = {len(search.baselines(task, fresh=True)) for task in TASKS if search.winner(task)}
    assert found == {count}


def test_a_failed_confirmation_is_not_asked_for_again():
    search = search_of(80)

    def make(transfer):
        broken = search.space.is_fresh(transfer.seed) and transfer.label == "d → a"
        return outcome(transfer, noise=0.02, failing={"d → a"} if broken else ())

    rounds = finish(search, make=make)
    asked = [transfer.key for _, batch in rounds for transfer in batch]
    assert len(asked) == len(set(asked))
    assert search.stage == "done"
