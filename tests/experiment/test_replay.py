"""The search lives on a table: every run is looked up, nothing that it must not see is seen."""

from dataclasses import replace

import numpy as np
import pytest
from tests.evaluation.tables import noisy, table_of

from forelearn.evaluation.quality import evaluate
from forelearn.evaluation.simulated import simulated
from forelearn.experiment.replay import LEVEL, OPTIONS, TableSearch, live


def made(seeds=4, **changes):
    return table_of(noisy(seeds=seeds), **changes)


def spent(lived, table):
    """Cost of the runs on the search's seeds and on fresh ones, as shares of one run of everything."""
    whole = table.baseline_costs.sum() + table.costs[table.candidates].sum()
    outcomes = lived.search.outcomes.values()
    fresh = lived.search.space.is_fresh
    return tuple(
        sum(one.cost.units for one in outcomes if fresh(one.transfer.seed) is part) / whole
        for part in (False, True)
    )


def test_every_run_is_one_of_the_table():
    """A pair's run is its gain over the baseline's run of the same seed, around the level."""
    table = simulated("strong", tasks=6, seeds=4).table
    lived = live(table, 0.9, 0)
    means = table.baselines.mean(axis=1)
    pairs = [one for one in lived.search.outcomes.values() if one.transfer.sources]
    assert len(pairs) > 10
    for one in pairs:
        transfer, seed = one.transfer, one.transfer.seed
        seed = seed if seed < 2 else 2 + seed - lived.search.space.fresh_seed(0)
        row, column = table.targets.index(transfer.target.name), table.sources.index(transfer.sources[0].name)
        assert one.dev() == pytest.approx(LEVEL + table.performances[row, column, seed] - means[row])


@pytest.mark.parametrize("share", [0.165, 0.495, 0.9])
def test_the_budget_is_kept_and_confirmation_may_come_on_top(share):
    table = made()
    search, fresh = spent(live(table, share, 0), table)
    assert search <= (1 - OPTIONS.confirm_share) * share + 1e-9
    assert search + fresh <= share + 1e-9
    more = live(table, share, 0, TableSearch(confirmation_extra=True))
    search, fresh = spent(more, table)
    assert search <= share + 1e-9
    assert search + fresh <= share / (1 - OPTIONS.confirm_share) + 1e-9


def test_a_table_has_no_chains_whatever_the_options_ask_for():
    table = simulated("strong", tasks=6, seeds=4).table
    plain = live(table, 0.9, 0)
    asked = live(table, 0.9, 0, TableSearch(options=replace(OPTIONS, chain=3)))
    assert list(asked.search.outcomes) == list(plain.search.outcomes)
    assert asked.picks == plain.picks


def test_the_seeds_for_confirmation_choose_nothing():
    """Other gains on the fresh half: the same runs and picks, other reported gains."""
    table = made()
    changed = table.gains.copy()
    changed[:, :, 2:] += 0.5
    first, second = live(table, 0.5, 0), live(replace(table, gains=changed), 0.5, 0)
    assert first.picks == second.picks
    assert list(first.search.outcomes) == list(second.search.outcomes)
    told = [(a, b) for a, b in zip(first.reported, second.reported) if a]
    assert told
    assert all(b == pytest.approx(a + 0.5) for a, b in told if b is not None)


def test_the_reported_gain_is_the_mean_over_fresh_seeds_alone():
    table = made(seeds=6)
    lived = live(table, 0.9, 0, TableSearch(seeds=2))
    for row, (pick, gain) in enumerate(zip(lived.picks, lived.reported)):
        if pick is None:
            assert gain == 0
        elif gain is not None:
            target = lived.search.space.targets[row]
            winner = lived.search.winner(target)
            seeds = [2 + run.transfer.seed - 500 for run in lived.search.runs(winner, target, fresh=True)]
            assert gain == pytest.approx(table.gains[row, table.sources.index(pick), seeds].mean())


def test_percent_and_fractions_live_alike():
    table = made()
    percent = replace(
        table,
        gains=100 * table.gains,
        performances=100 * table.performances,
        baselines=100 * table.baselines,
        unit=1.0,
    )
    first, second = live(table, 0.5, 0), live(percent, 0.5, 0)
    assert first.picks == second.picks
    assert [r and pytest.approx(100 * r) for r in first.reported] == list(second.reported)


def test_the_same_number_lives_the_same_life_and_another_breaks_ties_otherwise():
    table = made()
    first, again = live(table, 0.3, 0), live(table, 0.3, 0)
    assert list(first.search.outcomes) == list(again.search.outcomes)
    others = [list(live(table, 0.3, number).search.outcomes) for number in range(1, 5)]
    assert any(other != list(first.search.outcomes) for other in others)


def test_a_pair_without_runs_is_never_tried_and_a_missing_seed_is_a_failed_run():
    gains = noisy()
    gains[:, 2, :] = np.nan
    gains[0, 3, 0] = np.nan
    lived = live(table_of(gains), 1.0, 0)
    assert "s2" not in lived.picks
    assert not [one for one in lived.search.outcomes.values() if one.transfer.label.startswith("s2 →")]
    assert {failure.transfer.label for failure in lived.search.failures()} <= {"s3 → t0"}


def test_with_one_seed_nothing_is_confirmed_and_nothing_claimed():
    lived = live(made(seeds=1), 0.9, 0)
    assert any(lived.picks)
    assert all(gain is None for pick, gain in zip(lived.picks, lived.reported) if pick)


def test_targets_without_a_baseline_are_picked_nothing_for():
    table = made()
    gains = table.gains.copy()
    gains[0] = np.nan
    lived = live(replace(table, gains=gains), 0.9, 0)
    assert (lived.picks[0], lived.reported[0]) == (None, None)
    assert any(lived.picks[1:])
    with pytest.raises(ValueError, match="no target has gains"):
        live(made(baseline=None), 0.5, 0)


def test_a_score_that_knows_the_order_helps():
    """Little to spend: with a perfect score the first tries are the best."""
    truth = noisy(noise=0.0)[:, :, 0]
    rng = np.random.default_rng(0)
    gains = truth[:, :, None] + rng.normal(0, 0.02, (*truth.shape, 4))
    table = table_of(gains, scores={"true": truth})

    def worth(how):
        found = [live(table, 0.3, number, how) for number in range(6)]
        return np.mean(
            [
                0 if p is None else truth[row, table.sources.index(p)]
                for one in found
                for row, p in enumerate(one.picks)
            ]
        )

    assert worth(TableSearch(scores=("true",))) > worth(TableSearch())


def test_it_is_judged_as_any_other_search():
    quality = evaluate(made(), searches={"ours": TableSearch()}, draws=3)
    verdict = next(one for one in quality.verdicts if one.method == "ours")
    assert verdict.kind == "search"
    assert verdict.figures["lost@16.5"].targets == 8


def test_more_seeds_than_the_table_has_are_refused():
    with pytest.raises(ValueError, match="`seeds` must lie between 1 and 4, got 5"):
        live(made(), 0.5, 0, TableSearch(seeds=5))
