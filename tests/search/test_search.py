"""The search against a made world: what it may spend, what it tries, what it never looks at."""

import random
from statistics import fmean

import pytest
from tests.search.world import (
    GAIN,
    NAMES,
    TASKS,
    cost_of,
    finish,
    means,
    model,
    outcome,
    run,
    search_of,
    space,
)

from forelearn.core.budget import Budget
from forelearn.core.recipe import Recipe
from forelearn.core.run import Cost, Outcome
from forelearn.core.transfer import Encoder
from forelearn.search.search import FEW, Options, Search
from forelearn.search.space import LONGER, source_name
from forelearn.search.value import BASELINE, Guess, expected_improvement

A, B, C, D = TASKS


def test_expected_improvement_by_hand():
    """mean = best: sd / √(2π) = 0.1 × 0.39894 = 0.039894; sd = 0: the plain difference, never negative."""
    assert expected_improvement(0.2, 0.1, 0.2) == pytest.approx(0.0398942, abs=1e-6)
    assert expected_improvement(0.3, 0.0, 0.2) == pytest.approx(0.1)
    assert expected_improvement(0.1, 0.0, 0.2) == 0.0


def test_expected_improvement_grows_with_mean_and_with_sd():
    assert expected_improvement(0.1, 0.1, 0.2) < expected_improvement(0.15, 0.1, 0.2)
    assert expected_improvement(0.1, 0.1, 0.2) < expected_improvement(0.1, 0.2, 0.2)


def test_the_exhaustive_cost_is_baselines_and_pairs_times_recipes_times_seeds():
    """4 tasks, 12 pairs, 2 recipes, 3 seeds: 6 × (4 × 10 + 12 × 11) = 1032; controls are not counted."""
    two = space(recipes=(Recipe(), Recipe(learning_rate=1e-3)))
    assert Search(two, Budget("share", 1.0), cost_of).exhaustive_units == 1032


@pytest.mark.parametrize("amount", [0.2, 0.45, 0.9])
@pytest.mark.parametrize("kind", ["runs", "share", "seconds"])
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_the_budget_is_never_overrun(kind, amount, noise):
    """The whole world costs 516 units, 1,032 seconds, 48 runs; what is spent includes confirmation."""
    whole = {"runs": 48, "share": 1.0, "seconds": 1032.0}[kind]
    limit = round(amount * whole) if kind == "runs" else amount * whole
    search = search_of(limit, kind, options=Options(round=3))
    finish(search, noise=noise)
    count, cost = search.purse.spent()
    spent = {"runs": count, "share": cost.units / search.exhaustive_units, "seconds": cost.seconds}[kind]
    assert spent <= limit + 1e-9
    assert count >= 4


def test_features_count_against_the_budget():
    with_features, plain = search_of(0.5, "share"), search_of(0.5, "share")
    with_features.spend(Cost(units=100, seconds=1))
    finish(with_features, noise=0.05)
    finish(plain, noise=0.05)
    assert len(with_features.outcomes) < len(plain.outcomes)


def test_targets_take_turns():
    """While there is something to explore for all, nobody is more than one candidate ahead, round by round."""
    search = search_of(40, options=Options(round=3))
    tried = dict.fromkeys(NAMES, 0)
    for stage, batch in finish(search, noise=0.05):
        if stage == "explore":
            for transfer in batch:
                tried[transfer.target.name] += 1
            assert max(tried.values()) - min(tried.values()) <= 1
    assert sum(tried.values()) > 4


def test_the_most_promising_pair_is_tried_first():
    """By mean + sd / 2: c → a, unsure, comes before d → a, sure; nothing is known of the others."""
    beliefs = {("d", "a"): Guess(0.03, 0.0, 0.0), ("c", "a"): Guess(0.02, 0.04, 0.0)}
    rounds = finish(search_of(60, options=Options(round=1)), lambda _: lambda: beliefs)
    assert [batch[0].label for stage, batch in rounds if stage == "explore"] == ["c → a", "d → a"]


def test_a_candidate_without_a_belief_is_set_aside():
    beliefs = {(s, t): Guess(0.01, 0.01, 0.01) for s in NAMES for t in NAMES if s != "c"}
    search = search_of(60)
    finish(search, lambda _: lambda: beliefs)
    assert not [o for o in search.outcomes.values() if o.transfer.label.startswith("c →")]


def test_once_a_few_were_tried_what_is_hopeless_is_not():
    """Five candidates for each target; the last in order is 2 SD below no gain, and so is the one before it."""
    beliefs = {
        (name, target): Guess(-0.1 * place, 0.01, 0.0)
        for target in NAMES
        for place, name in enumerate([*(n for n in NAMES if n != target), target, LONGER])
    }
    search = search_of(100)
    finish(search, lambda _: lambda: beliefs)
    for target in TASKS:
        tried = [s for s in search.space.candidates_of(target) if search.gains(s, target)]
        assert len(tried) == FEW
        assert LONGER not in tried


def test_a_targets_second_control_waits_until_its_sources_have_been_tried():
    """However promising it looks: here both controls are believed to gain most."""

    def believe(_):
        return lambda: {
            (source_name(one), target.name): Guess(0.5 if one in (target, LONGER) else 0.0, 0.1, 1.0)
            for target in TASKS
            for one in space().candidates_of(target)
        }

    explored = [one for stage, batch in finish(search_of(60), believe) if stage == "explore" for one in batch]
    for target in NAMES:
        order = [one for one in explored if one.target.name == target]
        own = [not one.sources or one.sources[0].name == target for one in order]
        assert own == [True, False, False, False, True], target


def test_controls_compete_with_the_sources():
    search = search_of(60)
    finish(search, noise=0.05)
    for target in TASKS:
        assert search.gains(LONGER, target)
        assert search.gains(target, target)
    assert {source_name(one) for one in search.space.candidates_of(A)} == {"a", "b", "c", "d", LONGER}


def test_another_seed_is_a_choice_and_its_source_part_comes_first():
    """Only one more run of d → a is worth anything: d on the second seed, d → a, then the third seed."""
    beliefs = {(s, t): Guess(0.0, 0.0, 0.1 if (s, t) == ("d", "a") else 0.0) for s in NAMES for t in NAMES}
    search = search_of(60, options=Options(round=1, confirm_share=0.0, baseline_seeds=1))
    rounds = finish(search, lambda _: lambda: beliefs)
    refined = [(one.label, one.seed) for stage, batch in rounds if stage == "refine" for one in batch]
    assert refined == [("d", 1), ("d → a", 1), ("d", 2), ("d → a", 2)]


def test_another_seed_of_the_baseline_is_a_choice():
    beliefs = {(s, t): Guess(0.0, 0.0, 0.0) for s in NAMES for t in NAMES}
    beliefs[BASELINE, "b"] = Guess(0.0, 0.02, 0.1)
    search = search_of(60, options=Options(confirm_share=0.0))
    rounds = finish(search, lambda _: lambda: beliefs)
    refined = [(one.label, one.seed) for stage, batch in rounds if stage == "refine" for one in batch]
    assert refined == [("b", 2)]


def test_what_is_worth_less_than_the_least_is_not_run():
    beliefs = {(s, t): Guess(0.0, 0.02, 0.001) for s in NAMES for t in NAMES}
    search = search_of(60, options=Options(confirm_share=0.0, least=0.01))
    assert "refine" not in {stage for stage, _ in finish(search, lambda _: lambda: beliefs)}


def test_exhaustive_runs_everything_once_controls_included_and_confirms_nothing():
    """3 seeds × (4 baselines + 12 pairs + 4 B → B + 4 longer), whatever the budget."""
    search = search_of(1, options=Options(exhaustive=True))
    rounds = finish(search)
    asked = [transfer.key for _, batch in rounds for transfer in batch]
    assert len(asked) == len(set(asked)) == 3 * (4 + 12 + 4 + 4)
    assert not any(search.space.is_fresh(one.transfer.seed) for one in search.outcomes.values())


def test_a_failed_source_takes_its_pairs_with_it_and_nothing_else():
    search = search_of(60)
    finish(search, means, failing={"d"})
    assert not [o for o in search.outcomes.values() if "d" in o.transfer.label and o.transfer.sources]
    assert search.winner(A) == C
    assert {failure.reason for failure in search.failures()} == {"made to fail"}


def test_a_source_that_fails_on_a_further_seed_alone_keeps_its_first_run():
    search = search_of(80)

    def make(transfer):
        return outcome(transfer, noise=0.02, failing={"d"} if 0 < transfer.seed < 500 else ())

    finish(search, make=make)
    assert len(search.gains(D, A)) == 1


def test_the_dev_best_recipe_is_kept_and_only_it_is_replicated():
    better = Recipe(learning_rate=1e-3)
    search = search_of(60, recipes=(Recipe(), better))
    finish(search, make=lambda one: run(one, 0.6 if one.recipe.learning_rate == 1e-3 else 0.5))
    assert all(search.recipe(task) == better for task in TASKS)
    further = [o.transfer for o in search.outcomes.values() if o.transfer.seed > 0 or o.transfer.sources]
    assert {one.recipe.learning_rate for one in further} == {1e-3}


def test_what_was_worked_out_is_forgotten_when_another_recipe_or_baseline_is_told():
    """d → a .6 over baselines .5, then .4: gains .1, then .2 (the .5 chose the recipe, and counts while there is no
    other); .45 and .4 are .175; a better recipe of a makes the old run none.
    """
    better = Recipe(learning_rate=1e-3)
    search = search_of(60, recipes=(Recipe(), better))
    for task in TASKS:
        search.tell(run(search.alone(task, Recipe(), 0), 0.5))
    pair = search.plan(D, A, 0)
    search.tell(run(pair, 0.6))
    assert search.gains(D, A) == pytest.approx([0.1])
    search.tell(run(search.alone(A, Recipe(), 1), 0.4))
    assert search.gains(D, A) == pytest.approx([0.2])
    search.tell(run(search.alone(A, Recipe(), 2), 0.45))
    assert search.gains(D, A) == pytest.approx([0.175])
    search.tell(run(search.alone(A, better, 0), 0.9))
    assert search.gains(D, A) == []
    assert search.plan(D, A, 0).recipe == better


def test_the_run_that_won_a_recipe_its_place_is_no_measure_of_the_baseline():
    """Nothing but luck, six recipes: over the best of six, gains of 0 would look like −.019 in the mean."""
    luck, found = random.Random(0), []
    recipes = tuple(Recipe(learning_rate=1e-4 * (1 + index)) for index in range(6))
    for _ in range(200):
        search = search_of(60, recipes=recipes)
        for recipe in recipes:
            search.tell(run(search.alone(A, recipe, 0), luck.gauss(0.5, 0.03)))
        search.tell(run(search.alone(A, search.recipe(A), 1), luck.gauss(0.5, 0.03)))
        search.tell(run(search.alone(D, recipes[0], 0), 0.5))
        search.tell(run(search.plan(D, A, 0), luck.gauss(0.5, 0.03)))
        found += search.gains(D, A)
    assert abs(fmean(found)) < 2.5 * 0.03 * (2 / 200) ** 0.5


def test_test_labels_choose_nothing():
    """The same dev measures with other test measures lead to the same transfers, winners and rivals."""
    plain, turned = search_of(45), search_of(45)
    finish(plain, noise=0.05)

    def other(transfer):
        made = outcome(transfer, noise=0.05)
        return run(transfer, made.dev(), 1 - made.dev())

    finish(turned, make=other)
    assert list(plain.outcomes) == list(turned.outcomes)
    assert [plain.finalists(task) for task in TASKS] == [turned.finalists(task) for task in TASKS]


def test_a_ready_encoder_is_a_source_whose_first_part_costs_nothing():
    ready = Encoder("theirs", "99")
    search = search_of(100, ready=(ready,))

    def make(transfer):
        theirs = transfer.sources and transfer.sources[0].encoder
        return run(transfer, outcome(transfer).dev() + (0.2 if theirs else 0.0))

    rounds = finish(search, make=make)
    assert any(one.sources and one.prefix is None for _, batch in rounds for one in batch)
    assert search.winner(D) == ready


def drive(search: Search, kept: dict[str, Outcome], chance: random.Random | None = None) -> None:
    """A driver with a store; with `chance` it is killed in the middle of some round."""
    while batch := search.ask(model(search)):
        for transfer in batch:
            if transfer.key not in kept:
                if chance is not None and chance.random() < 0.08:
                    return
                kept[transfer.key] = outcome(transfer, noise=0.05)
        for transfer in batch:
            search.tell(kept[transfer.key])


@pytest.mark.slow
def test_a_driver_killed_at_any_point_ends_with_the_outcomes_of_one_that_was_not():
    """Rounds are told whole, so what the store holds decides nothing; replicates and confirmation included."""
    undisturbed, last = (search_of(60, options=Options(round=3)) for _ in range(2))
    drive(undisturbed, {})
    kept: dict[str, Outcome] = {}
    chance = random.Random(1)
    for _ in range(25):
        drive(search_of(60, options=Options(round=3)), kept, chance)
    drive(last, kept)
    assert list(last.outcomes) == list(undisturbed.outcomes)
    assert kept.keys() == undisturbed.outcomes.keys()
    assert any(last.space.is_fresh(one.transfer.seed) for one in last.outcomes.values())
    assert any(one.transfer.seed == 1 and one.transfer.sources for one in last.outcomes.values())


@pytest.mark.parametrize("seed", range(3))
def test_the_order_in_which_a_round_finishes_changes_no_proposal(seed):
    """Two workers end in another order than one; the next round is the same."""
    plain, mixed = search_of(60), search_of(60)
    chance = random.Random(seed)
    while batch := plain.ask(model(plain)):
        assert [one.key for one in mixed.ask(model(mixed))] == [one.key for one in batch]
        for transfer in batch:
            plain.tell(outcome(transfer, noise=0.05))
        for transfer in chance.sample(batch, len(batch)):
            mixed.tell(outcome(transfer, noise=0.05))
    assert mixed.ask(model(mixed)) == []


def test_telling_an_outcome_twice_changes_nothing():
    search = search_of(30)
    batch = search.ask()
    for transfer in [*batch, *batch]:
        search.tell(outcome(transfer))
    assert search.purse.spent()[0] == len(batch)


def test_a_space_without_controls_tries_none():
    search = search_of(60, controls=False)
    finish(search)
    assert all(one.transfer.recipe == Recipe() for one in search.outcomes.values())
    assert not [o for o in search.outcomes.values() if o.transfer.label in {"a → a", "b → b"}]
    assert GAIN["d", "a"] == pytest.approx(search.gains(D, A)[0])
