"""The search against a made world: gains are known, runs cost what we say."""

import random
from dataclasses import replace

import pytest

from forelearn.core.budget import Budget
from forelearn.core.recipe import Recipe
from forelearn.core.run import Cost, Failure, Performance, Run
from forelearn.core.task import Task
from forelearn.core.transfer import Encoder, Transfer
from forelearn.search.search import Options, Search
from forelearn.search.space import Space
from forelearn.search.value import Guess, expected_improvement

NAMES = ["a", "b", "c", "d"]
TASKS = tuple(Task(name, "binary", "average_precision", name * 8) for name in NAMES)
GAIN = {(s, t): 0.02 * (NAMES.index(s) - NAMES.index(t)) for s in NAMES for t in NAMES}


def space(**changes: object) -> Space:
    return replace(Space(TASKS, TASKS, Encoder("e", "0"), (Recipe(),), seeds=3), **changes)


def outcome(
    transfer: Transfer, *, noise: float = 0.0, failing: frozenset[str] = frozenset()
) -> Run | Failure:
    cost = Cost(units=cost_of(transfer), seconds=2 * cost_of(transfer))
    if transfer.label in failing:
        return Failure(transfer, "made to fail", cost, "now")
    gain = sum(GAIN[source.name, transfer.target.name] for source in transfer.sources if source.task)
    value = 0.5 + gain + noise * random.Random(transfer.key).gauss(0, 1)
    return Run(transfer, Performance({"average_precision": value}, {"average_precision": value}), cost, "now")


def cost_of(transfer: Transfer) -> float:
    return 10.0 if transfer.is_baseline else 11.0


def finish(search: Search, guesses=dict, **how: object) -> list[list[Transfer]]:
    rounds = []
    while batch := search.ask(guesses):
        rounds.append(batch)
        for transfer in batch:
            search.tell(outcome(transfer, **how))
    return rounds


def test_expected_improvement_by_hand():
    """mean = best: sd / √(2π) = 0.1 × 0.39894 = 0.039894; sd = 0: the plain difference, never negative."""
    assert expected_improvement(Guess(0.2, 0.1), 0.2) == pytest.approx(0.0398942, abs=1e-6)
    assert expected_improvement(Guess(0.3, 0.0), 0.2) == pytest.approx(0.1)
    assert expected_improvement(Guess(0.1, 0.0), 0.2) == 0.0


def test_expected_improvement_grows_with_mean_and_with_sd():
    assert expected_improvement(Guess(0.1, 0.1), 0.2) < expected_improvement(Guess(0.15, 0.1), 0.2)
    assert expected_improvement(Guess(0.1, 0.1), 0.2) < expected_improvement(Guess(0.1, 0.2), 0.2)


def test_the_exhaustive_cost_is_baselines_and_pairs_times_recipes_times_seeds():
    """4 tasks, 12 pairs, 2 recipes, 3 seeds: 6 × (4 × 10 + 12 × 11) = 1032."""
    two = space(recipes=(Recipe(), Recipe(learning_rate=1e-3)))
    assert Search(two, Budget("share", 1.0), cost_of).exhaustive_units == 1032


@pytest.mark.parametrize("budget", [Budget("runs", 20), Budget("share", 0.45), Budget("seconds", 430)])
def test_the_budget_is_never_overrun(budget):
    search = Search(space(), budget, cost_of, Options(round=3))
    finish(search)
    count, cost = search.spent()
    assert {"runs": count, "share": cost.units / search.exhaustive_units, "seconds": cost.seconds}[
        budget.kind
    ] <= budget.amount + 1e-9
    assert count > 12


def test_features_count_against_the_budget():
    with_features = Search(space(), Budget("share", 0.5), cost_of)
    with_features.spend(Cost(units=100, seconds=1))
    plain = Search(space(), Budget("share", 0.5), cost_of)
    finish(with_features)
    finish(plain)
    assert len(with_features.outcomes) < len(plain.outcomes)


def test_the_winner_is_judged_on_seeds_on_which_no_pair_was_tried():
    search = Search(space(), Budget("runs", 40), cost_of, Options(confirm_share=0.5))
    finish(search)
    tried = {o.transfer.seed for o in search.outcomes.values() if o.transfer.sources}
    assert tried == {0, 1, 2}
    judged = [o.transfer for o in search.outcomes.values() if o.transfer.sources and o.transfer.seed > 0]
    assert {transfer.label for transfer in judged} == {"d → a", "d → b", "d → c"}


def test_a_target_whose_best_pair_lost_on_dev_is_not_confirmed():
    search = Search(space(), Budget("runs", 60), cost_of)
    finish(search)
    assert not [o for o in search.outcomes.values() if o.transfer.label == "c → d" and o.transfer.seed > 0]


def test_the_order_follows_the_guesses():
    guesses = {(s, t): Guess(GAIN[s, t], 0.01) for s in NAMES for t in NAMES}
    search = Search(space(), Budget("runs", 60), cost_of, Options(round=1, least=0.0))
    rounds = finish(search, lambda: guesses)
    pairs = [batch[0].label for batch in rounds if batch[0].sources and batch[0].seed == 0]
    assert pairs[0] == "d → a"
    assert pairs.index("d → b") < pairs.index("a → b")


def test_hopeless_pairs_are_not_run():
    guesses = {(s, t): Guess(GAIN[s, t], 0.001) for s in NAMES for t in NAMES}
    search = Search(space(), Budget("runs", 100), cost_of, Options(round=2))
    finish(search, lambda: guesses)
    tried = {o.transfer.label for o in search.outcomes.values() if o.transfer.sources}
    assert "a → d" not in tried
    assert "d → a" in tried


def test_exhaustive_runs_everything_once():
    search = Search(space(), Budget("runs", 1), cost_of, Options(exhaustive=True))
    finish(search)
    assert len(search.outcomes) == 3 * (4 + 12)


def test_asking_again_after_the_same_outcomes_proposes_the_same(tmp_path):
    """A driver that was killed after any number of outcomes ends with the same outcomes as one that was not."""
    undisturbed = Search(space(), Budget("runs", 33), cost_of, Options(round=3))
    finish(undisturbed, noise=0.05)
    kept: dict[str, Run | Failure] = {}
    rng = random.Random(1)
    for _ in range(12):
        search = Search(space(), Budget("runs", 33), cost_of, Options(round=3))
        while batch := search.ask():
            if rng.random() < 0.2:
                break
            for transfer in batch:
                kept.setdefault(transfer.key, outcome(transfer, noise=0.05))
                search.tell(kept[transfer.key])
    last = Search(space(), Budget("runs", 33), cost_of, Options(round=3))
    while batch := last.ask():
        for transfer in batch:
            last.tell(kept.get(transfer.key) or outcome(transfer, noise=0.05))
    assert last.outcomes.keys() == undisturbed.outcomes.keys()


def test_a_failed_source_takes_its_pairs_with_it_and_nothing_else():
    search = Search(space(), Budget("runs", 60), cost_of)
    finish(search, failing=frozenset({"d"}))
    assert not [o for o in search.outcomes.values() if "d" in o.transfer.label and o.transfer.sources]
    assert search.winner(TASKS[0]) == TASKS[2]
    assert [failure.reason for failure in search.failures()] == ["made to fail"]


def test_the_dev_best_recipe_is_kept_and_only_it_is_replicated():
    better = Recipe(learning_rate=1e-3)
    search = Search(space(recipes=(Recipe(), better)), Budget("runs", 60), cost_of)
    while batch := search.ask():
        for transfer in batch:
            run = outcome(transfer)
            assert isinstance(run, Run)
            lift = 0.1 if transfer.recipe == better else 0.0
            value = {"average_precision": run.dev() + lift}
            search.tell(replace(run, performance=Performance(value, value)))
    assert all(search.recipe(task) == better for task in TASKS)
    assert all(o.transfer.recipe == better for o in search.outcomes.values() if o.transfer.seed > 0)


def test_test_labels_choose_nothing():
    """The same dev measures with other test measures lead to the same transfers and winners."""
    plain = Search(space(), Budget("runs", 30), cost_of)
    finish(plain)
    turned = Search(space(), Budget("runs", 30), cost_of)
    while batch := turned.ask():
        for transfer in batch:
            run = outcome(transfer)
            assert isinstance(run, Run)
            other = Performance(run.performance.dev, {"average_precision": 1 - run.dev()})
            turned.tell(replace(run, performance=other))
    assert plain.outcomes.keys() == turned.outcomes.keys()
    assert [plain.winner(task) for task in TASKS] == [turned.winner(task) for task in TASKS]


def test_a_ready_encoder_is_a_source_whose_first_part_costs_nothing():
    ready = Encoder("theirs", "99")
    search = Search(space(ready=(ready,)), Budget("runs", 100), cost_of)
    rounds = finish_with_ready(search)
    assert any(transfer.sources and transfer.prefix is None for batch in rounds for transfer in batch)
    assert search.winner(TASKS[3]) == ready


def finish_with_ready(search: Search) -> list[list[Transfer]]:
    rounds = []
    while batch := search.ask():
        rounds.append(batch)
        for transfer in batch:
            run = outcome(transfer)
            assert isinstance(run, Run)
            lift = 0.2 if transfer.sources and transfer.sources[0].encoder else 0.0
            value = {"average_precision": run.dev() + lift}
            search.tell(replace(run, performance=Performance(value, value)))
    return rounds
