"""Several sources in turn, against a made world: when they are tried, what they may spend, what is shared."""

import random

import pytest
from tests.search.world import NAMES, TASKS, cost_of, finish, model, outcome, run, search_of, space

from forelearn.core.recipe import Recipe
from forelearn.core.run import Cost, Outcome, Performance, Run, Stopped
from forelearn.core.task import Task
from forelearn.core.transfer import Encoder, Transfer
from forelearn.experiment.gains import posterior
from forelearn.search.search import Options, Search
from forelearn.search.space import Chain, Space, source_name, stages
from forelearn.search.value import Guess

A, B, C, D = TASKS
TWO = Options(chain=2, chain_share=0.3)
THREE = Options(chain=3, chain_share=0.4)


def depth(transfer: Transfer) -> int:
    return len(transfer.sources)


def told_of_chains(search: Search) -> list[Outcome]:
    return [search.outcomes[key] for key in search.chained if key in search.outcomes]


def of_chains(search: Search) -> list[Transfer]:
    """Runs on the search's seeds with several sources before the target."""
    return [one.transfer for one in search.candidate_runs() if depth(one.transfer) > 1]


# --- names ---------------------------------------------------------------------------------------


def test_a_chain_is_called_by_its_sources_in_the_order_of_learning():
    chain = space().chain([C, D])
    assert source_name(chain) == "c → d"
    transfer = space().through(chain, [space().recipes[0]] * 2, A, space().recipes[0], 0)
    assert transfer.label == "c → d → a"
    assert [stage.label for stage in stages(transfer)] == ["c", "c → d", "c → d → a"]


def test_no_chain_is_called_what_a_task_is_called():
    """Four tasks whose names can be read as chains: all names of sources and of chains of two or three differ."""
    names = ["a", "b", "a → b", "b → a"]
    tasks = tuple(Task(name, "binary", "f1", str(place)) for place, name in enumerate(names))
    tricky = Space(tasks, tasks, Encoder("e", "0"), space().recipes)
    chains = [tricky.chain([x, y]) for x in tasks for y in tasks]
    chains += [tricky.chain([x, y, z]) for x in tasks for y in tasks for z in tasks]
    shown = [source_name(one) for one in (*tasks, *chains)]
    assert len(set(shown)) == len(shown) == 4 + 16 + 64


def test_one_source_is_no_chain():
    with pytest.raises(ValueError, match="at least two"):
        Chain((A,))


# --- when ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_without_the_option_no_chain_is_proposed_and_nothing_is_kept_for_it(noise):
    plain, one = search_of(60), search_of(60, options=Options(chain=1, chain_share=0.5))
    finish(plain, noise=noise)
    finish(one, noise=noise)
    assert not one.chains
    assert not of_chains(one)
    assert list(one.outcomes) == list(plain.outcomes)


def test_a_chain_is_the_best_sources_of_its_target_the_best_one_last():
    """Without noise d gains most, then c, then b; of b only c and d gain, of c only d, of d nobody."""
    search = search_of(200, options=THREE)
    finish(search)
    formed = {name: [c.name for c in chains if not c.is_control] for name, chains in search.chains.items()}
    assert formed == {"a": ["c → d", "b → c → d"], "b": ["c → d"]}
    assert {source_name(one) for one in search.candidates_of(A)} >= {"c → d", "b → c → d"}


@pytest.mark.parametrize("noise", [0.0, 0.03])
@pytest.mark.parametrize("amount", [40, 60, 120])
def test_no_chain_becomes_a_candidate_before_its_sources_have_run_for_its_target(noise, amount):
    search = search_of(amount, options=THREE)
    seen: set[tuple[str, str]] = set()
    while batch := search.ask(model(search)):
        for name, chains in search.chains.items():
            assert {(source.name, name) for chain in chains for source in chain.sources} <= seen
        for transfer in batch:
            search.tell(outcome(transfer, noise=noise))
            if depth(transfer) == 1:
                seen.add((transfer.sources[0].name, transfer.target.name))
    assert search.chains or amount < 60


def test_nothing_else_is_asked_for_in_the_round_of_a_chain_and_singles_come_first():
    """Everything that one source can do is done when the first chain is asked for."""
    search = search_of(200, options=TWO)
    order = [stage for stage, _ in finish(search)]
    assert order.index("chain") > order.index("explore")
    assert "explore" not in order[order.index("chain") :]


def test_a_part_runs_before_what_starts_from_it():
    search = search_of(200, options=THREE)
    done: set[str] = set()
    for _, batch in finish(search, noise=0.02):
        for transfer in batch:
            assert transfer.prefix is None or transfer.prefix.key in done
        done |= {transfer.key for transfer in batch}


def test_the_control_of_a_chain_is_its_last_source_learned_as_often_and_comes_once_the_chain_gains():
    search = search_of(200, options=TWO)
    rounds = finish(search)
    labels = [transfer.label for _, batch in rounds for transfer in batch]
    assert labels.index("c → d → a") < labels.index("d → d → a")
    assert [chain.name for chain in search.chains["a"]] == ["c → d", "d → d"]
    bare = search_of(200, options=TWO, controls=False)
    finish(bare)
    assert [chain.name for chain in bare.chains["a"]] == ["c → d"]


def test_a_chain_that_loses_gets_no_control():
    search = search_of(200, options=TWO)
    finish(search, make=lambda one: run(one, 0.3) if depth(one) > 1 else outcome(one))
    assert [transfer.label for transfer in of_chains(search)]
    assert not any(chain.is_control for chains in search.chains.values() for chain in chains)


def test_an_exhaustive_search_forms_no_chains():
    search = search_of(1, options=Options(chain=3, exhaustive=True))
    finish(search)
    assert not of_chains(search)


# --- what it costs -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["runs", "share"])
@pytest.mark.parametrize("share", [0.1, 0.2, 0.4])
@pytest.mark.parametrize("noise", [0.0, 0.04])
def test_chains_spend_no_more_than_their_purse_and_take_nothing_from_single_sources(kind, share, noise):
    """What single sources may spend is what is left without the two reserves, whatever chains do."""
    whole = 150 if kind == "runs" else 1.0
    search = search_of(whole, kind, options=Options(chain=3, chain_share=share))
    finish(search, noise=noise)
    total = search.purse.total
    assert search.purse.paid(told_of_chains(search)) <= share * total + 1e-9
    rest = [one for key, one in search.outcomes.items() if key not in search.chained]
    searched = [one for one in rest if not search.space.is_fresh(one.transfer.seed)]
    assert search.purse.paid(searched) <= (1 - 0.2 - share) * total + 1e-9
    count, cost = search.purse.spent()
    assert (count if kind == "runs" else cost.units) <= total + 1e-9


def test_a_chain_whose_parts_do_not_fit_into_the_purse_is_not_begun():
    """Of a purse of one run no chain can pay for a part that has not run and itself; nothing is wasted on parts."""
    search = search_of(120, options=Options(chain=3, chain_share=0.01))
    finish(search)
    assert search.chains
    for one in told_of_chains(search):
        assert depth(one.transfer) > 1
        assert search.purse.paid(told_of_chains(search)) <= 1.2


def test_what_has_run_is_not_paid_again():
    """d learned after c has run for d itself: chains of the two cost their last stage alone on that seed."""
    search = search_of(200, options=TWO)
    finish(search)
    paid = {one.transfer.label for one in told_of_chains(search) if one.transfer.seed == 0}
    assert {"c → d → a", "c → d → b"} <= paid
    assert "c → d" not in paid


def test_a_part_is_trained_once_however_many_targets_follow():
    """d is no target, so that c → d is a part alone: both a and b start from the one run of it on each seed."""
    search = search_of(200, options=TWO, targets=(A, B))
    keys = [transfer.key for _, batch in finish(search) for transfer in batch]
    assert len(keys) == len(set(keys))
    found = [one.transfer for one in told_of_chains(search) if one.transfer.seed == 0]
    assert [one.label for one in found].count("c → d") == 1
    users = [one for one in found if one.prefix is not None and one.prefix.label == "c → d"]
    assert {one.label for one in users} == {"c → d → a", "c → d → b"}
    assert len({one.prefix.key for one in users if one.prefix}) == 1


# --- what is believed, what is confirmed ---------------------------------------------------------


def test_a_chain_that_has_not_run_is_believed_to_gain_by_the_score_of_its_last_source():
    search = search_of(100)
    for task in TASKS:
        search.tell(run(search.alone(task, search.space.recipes[0], 0), 0.5))
    search.chains["a"] = (search.space.chain([B, C]), search.space.chain([C, B]))
    found = posterior(search, {("b", "a"): 1.0, ("c", "a"): -1.0})
    mean = dict(zip(found.sources, found.mean[found.targets.index("a")]))
    assert mean["c → b"] == pytest.approx(mean["b"])
    assert mean["b → c"] == pytest.approx(mean["c"])
    assert mean["c → b"] > mean["b → c"]


def test_a_chain_that_helps_most_wins_and_is_confirmed_with_all_its_parts_on_fresh_seeds():
    search = search_of(200, options=Options(chain=2, chain_share=0.3, confirm_share=0.3), targets=(A, B))
    finish(search, noise=0.005)
    winner, rival = search.finalists(A)
    assert winner is not None
    assert source_name(winner) in ("c → d", "d → d")
    fresh = search.runs(winner, A, fresh=True)
    assert fresh
    for one in fresh:
        assert all(stage.key in search.outcomes for stage in stages(one.transfer))
        assert one.transfer.seed in {base.transfer.seed for base in search.baselines(A, fresh=True)}
    assert rival is not None


def test_what_a_chain_gains_is_measured_on_its_own_runs():
    search = search_of(200, options=TWO)
    finish(search)
    chain = search.chains["a"][0]
    assert search.gains(chain, A)[0] == pytest.approx(0.04 + 0.06)
    assert search.gains(D, A)[0] == pytest.approx(0.06)


# --- failures, stops, resuming -------------------------------------------------------------------


def test_the_part_of_a_chain_is_not_stopped_for_being_hopeless_as_a_candidate():
    """On a further seed c → d lies far below d alone: as a candidate of d it would be stopped, as a part it runs."""
    long = Recipe(epochs=4)

    def make(transfer):
        dev = outcome(transfer).dev()
        return Run(
            transfer,
            Performance({"average_precision": dev}, {"average_precision": dev}, rungs={1: dev, 2: dev}),
            Cost(cost_of(transfer)),
            "now",
        )

    search = search_of(200, options=TWO, recipes=(long,))
    finish(search, make=make)
    first = search.plan(search.chains["a"][0], A, 2, check_prefix=False).prefix
    assert first.label == "c → d"
    assert all(floor > 0.4 for floor in search.floors(first).values())
    assert search.looks(first) == {1: None, 2: None}


def test_where_a_part_was_stopped_another_source_takes_its_place():
    """c → d is hopeless for d and was stopped: before d, a learns b."""

    def make(transfer):
        if transfer.label == "c → d":
            return Stopped(transfer, 1, 0.3, 0.4, Cost(cost_of(transfer)), "now")
        return outcome(transfer)

    search = search_of(200, options=TWO)
    finish(search, make=make)
    assert search.chains["a"][0].name == "b → d"
    assert "b" not in search.chains


def test_a_chain_whose_part_failed_is_not_asked_for_on_that_seed():
    """c → d fails on the first seed: the chains of both targets go on with the next."""
    search = search_of(200, options=TWO, targets=(A, B))

    def make(transfer):
        return outcome(transfer, failing={"c → d"} if transfer.seed == 0 else ())

    finish(search, make=make)
    assert search.chains["a"][0].name == "c → d"
    seeds = {one.seed for one in of_chains(search) if one.label == "c → d → a"}
    assert seeds
    assert 0 not in seeds


def test_a_chain_that_fails_is_not_asked_for_again_on_that_seed_and_takes_nothing_with_it():
    search = search_of(200, options=TWO)
    rounds = finish(search, failing={"c → d → a"})
    keys = [transfer.key for _, batch in rounds for transfer in batch]
    assert len(keys) == len(set(keys))
    assert search.gains(D, A)
    assert source_name(search.winner(A)) == "d"
    assert search.stage == "done"


def test_beliefs_that_leave_a_chain_out_set_it_aside():
    beliefs = {(s, t): Guess(0.01, 0.01, 0.0) for s in NAMES for t in NAMES}
    search = search_of(100, options=TWO)
    finish(search, lambda _: lambda: beliefs)
    assert search.chains
    assert not of_chains(search)


def drive(search: Search, kept: dict[str, Outcome], chance: random.Random | None = None) -> None:
    """A driver with a store; as in a study, a round with a gap is asked for again when it has run."""
    while batch := search.ask(model(search)):
        gaps = [transfer for transfer in batch if transfer.key not in kept]
        for transfer in gaps:
            if chance is not None and chance.random() < 0.08:
                return
            kept[transfer.key] = outcome(transfer, noise=0.03)
        if gaps:
            assert [one.key for one in search.ask(model(search))] == [one.key for one in batch]
        for transfer in batch:
            search.tell(kept[transfer.key])


@pytest.mark.parametrize("how", [TWO, THREE], ids=["two", "three"])
@pytest.mark.slow
def test_a_driver_killed_at_any_point_ends_with_the_outcomes_of_one_that_was_not(how):
    undisturbed, last = (search_of(100, options=how) for _ in range(2))
    drive(undisturbed, {})
    kept: dict[str, Outcome] = {}
    chance = random.Random(3)
    for _ in range(12):
        drive(search_of(100, options=how), kept, chance)
    drive(last, kept)
    assert of_chains(last)
    assert list(last.outcomes) == list(undisturbed.outcomes)
    assert kept.keys() == undisturbed.outcomes.keys()
    assert (last.chains, last.chained) == (undisturbed.chains, undisturbed.chained)


@pytest.mark.parametrize("seed", range(2))
def test_the_order_in_which_a_round_finishes_changes_no_proposal(seed):
    plain, mixed = search_of(130, options=THREE), search_of(130, options=THREE)
    chance = random.Random(seed)
    while batch := plain.ask(model(plain)):
        assert [one.key for one in mixed.ask(model(mixed))] == [one.key for one in batch]
        for transfer in batch:
            plain.tell(outcome(transfer, noise=0.03))
        for transfer in chance.sample(batch, len(batch)):
            mixed.tell(outcome(transfer, noise=0.03))
    assert of_chains(plain)


def test_test_labels_choose_no_chain():
    plain, turned = (search_of(130, options=TWO) for _ in range(2))
    finish(plain, noise=0.03)

    def other(transfer):
        made = outcome(transfer, noise=0.03)
        return run(transfer, made.dev(), 1 - made.dev())

    finish(turned, make=other)
    assert plain.chains == turned.chains
    assert list(plain.outcomes) == list(turned.outcomes)
