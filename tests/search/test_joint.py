"""Sources learned together with a target, against a made world: when, which ones, what it may spend."""

import random

import pytest
from tests.search.world import NAMES, TASKS, cost_of, finish, model, outcome, run, search_of, space

from forelearn.core.multitask import Multitask
from forelearn.core.recipe import Recipe
from forelearn.core.run import Cost, Outcome, Performance, Run
from forelearn.core.task import Task
from forelearn.core.transfer import Encoder, Transfer
from forelearn.experiment.gains import posterior
from forelearn.search.search import Options, Search
from forelearn.search.space import Space, Together, source_name
from forelearn.search.value import Guess

A, B, C, D = TASKS
METHOD = Multitask("alpha-vil", (("alpha_steps", 10),))
JOINT = Options(joint=METHOD, joint_share=0.3)
BOTH = Options(joint=METHOD, joint_share=0.2, chain=2, chain_share=0.2)


def told_of_joint(search: Search) -> list[Outcome]:
    return [search.outcomes[key] for key in search.joined if key in search.outcomes]


def of_joint(search: Search) -> list[Transfer]:
    """Runs on the search's seeds in which tasks were learned together."""
    return [one.transfer for one in search.candidate_runs() if one.transfer.mode == "multitask"]


# --- names and transfers -------------------------------------------------------------------------


def test_it_is_called_by_its_tasks_and_its_method():
    assert source_name(space().together([D, C], METHOD)) == "d + c (alpha-vil)"
    assert source_name(space().together([], METHOD)) == "alone (alpha-vil)"


def test_nothing_is_called_what_a_task_is_called():
    names = ["a", "b", "a + b", "a + b (alpha-vil)", "alone", "alone (alpha-vil)", "a → b"]
    tasks = tuple(Task(name, "binary", "f1", str(place)) for place, name in enumerate(names))
    tricky = Space(tasks, tasks, Encoder("e", "0"), space().recipes)
    formed = [tricky.together(some, METHOD) for some in ([], *([x] for x in tasks))]
    formed += [tricky.together([x, y], METHOD) for x in tasks for y in tasks]
    chains = [tricky.chain([x, y]) for x in tasks for y in tasks]
    shown = [source_name(one) for one in (*tasks, *chains, *formed)]
    assert len(set(shown)) == len(shown) == 7 + 49 + 1 + 7 + 49


def test_its_runs_are_multitask_transfers_at_the_targets_recipe_without_a_part_before_them():
    found = space().beside(space().together([D, C], METHOD), A, Recipe(epochs=7), 3)
    assert (found.mode, found.multitask, found.seed, found.prefix) == ("multitask", METHOD, 3, None)
    assert [source.name for source in found.sources] == ["d", "c"]
    assert {source.recipe for source in found.sources} | {found.recipe} == {Recipe(epochs=7)}
    assert Transfer.from_json(found.as_json()) == found


# --- when ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [0.0, 0.03])
@pytest.mark.parametrize("more", [{}, {"chain": 2}])
def test_without_the_option_nothing_is_formed_and_nothing_is_kept_for_it(noise, more):
    plain, other = (
        search_of(60, options=Options(**more)),
        search_of(60, options=Options(joint_share=0.7, **more)),
    )
    finish(plain, noise=noise)
    finish(other, noise=noise)
    assert not other.joint
    assert list(other.outcomes) == list(plain.outcomes)


def test_the_best_sources_of_a_target_are_learned_with_it_the_best_first():
    """Without noise d gains most, then c, then b; of c only d gains, of d nobody does."""
    search = search_of(200, options=JOINT)
    finish(search)
    formed = {name: [one.name for one in found if not one.is_control] for name, found in search.joint.items()}
    assert formed == {"a": ["d + c (alpha-vil)"], "b": ["d + c (alpha-vil)"], "c": ["d (alpha-vil)"]}


@pytest.mark.parametrize(("top", "name"), [(1, "d (alpha-vil)"), (3, "d + c + b (alpha-vil)")])
def test_how_many_are_learned_together_can_be_chosen(top, name):
    search = search_of(200, options=Options(joint=METHOD, joint_top=top))
    finish(search)
    assert search.joint["a"][0].name == name


@pytest.mark.parametrize("noise", [0.0, 0.03])
@pytest.mark.parametrize("amount", [40, 120])
def test_nothing_becomes_a_candidate_before_its_sources_have_run_and_are_expected_to_gain(noise, amount):
    search = search_of(amount, options=JOINT)
    seen: set[tuple[str, str]] = set()
    known: dict[str, int] = {}
    while batch := search.ask(model(search)):
        for name, found in search.joint.items():
            assert {(source.name, name) for one in found for source in one.sources} <= seen
            if name not in known:
                target = TASKS[NAMES.index(name)]
                assert all(search.guess(source, target).mean > 0 for source in found[0].sources)
            known[name] = len(found)
        for transfer in batch:
            search.tell(outcome(transfer, noise=noise))
            if transfer.prefix is not None:
                seen.add((transfer.sources[0].name, transfer.target.name))
    assert search.joint


def test_where_no_source_gains_nothing_is_formed():
    search = search_of(200, options=JOINT)
    finish(search, make=lambda one: run(one, 0.5 if one.is_baseline else 0.4))
    assert not search.joint
    assert search.stage == "done"


def test_nothing_else_is_asked_for_in_its_round_and_single_sources_and_chains_come_first():
    search = search_of(200, options=BOTH)
    rounds = finish(search)
    order = [stage for stage, _ in rounds]
    assert order.index("joint") > order.index("chain") > order.index("explore")
    for stage, batch in rounds:
        assert stage == "confirm" or {one.mode == "multitask" for one in batch} == {stage == "joint"}


def test_the_control_is_the_method_alone_and_comes_once_the_candidate_gains():
    search = search_of(200, options=JOINT)
    labels = [transfer.label for _, batch in finish(search) for transfer in batch]
    assert labels.index("a with d, c (alpha-vil)") < labels.index("a alone (alpha-vil)")
    assert [one.name for one in search.joint["a"]] == ["d + c (alpha-vil)", "alone (alpha-vil)"]
    bare = search_of(200, options=JOINT, controls=False)
    finish(bare)
    assert [one.name for one in bare.joint["a"]] == ["d + c (alpha-vil)"]


def test_what_loses_gets_no_control():
    search = search_of(200, options=JOINT)
    finish(search, make=lambda one: run(one, 0.3) if one.multitask else outcome(one))
    assert of_joint(search)
    assert not any(one.is_control for found in search.joint.values() for one in found)


def test_an_exhaustive_search_learns_nothing_together():
    search = search_of(1, options=Options(joint=METHOD, exhaustive=True))
    finish(search)
    assert not of_joint(search)


# --- what it costs -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["runs", "share"])
@pytest.mark.parametrize("share", [0.05, 0.2, 0.4])
@pytest.mark.parametrize("chain", [1, 2])
@pytest.mark.parametrize("noise", [0.0, 0.04])
def test_each_purse_pays_for_its_own_and_takes_nothing_from_single_sources(kind, share, chain, noise):
    whole = 150 if kind == "runs" else 1.0
    options = Options(joint=METHOD, joint_share=share, chain=chain, chain_share=0.2)
    search = search_of(whole, kind, options=options)
    finish(search, noise=noise)
    total, kept = search.purse.total, share + (0.2 if chain > 1 else 0.0)
    chained = [search.outcomes[key] for key in search.chained if key in search.outcomes]
    assert search.purse.paid(told_of_joint(search)) <= share * total + 1e-9
    assert search.purse.paid(chained) <= 0.2 * total + 1e-9
    several = search.chained | search.joined
    rest = [one for key, one in search.outcomes.items() if key not in several]
    searched = [one for one in rest if not search.space.is_fresh(one.transfer.seed)]
    assert search.purse.paid(searched) <= (1 - 0.2 - kept) * total + 1e-9
    count, cost = search.purse.spent()
    assert (count if kind == "runs" else cost.units) <= total + 1e-9


def test_what_does_not_fit_into_the_purse_is_not_begun():
    search = search_of(120, options=Options(joint=METHOD, joint_share=0.005))
    finish(search)
    assert search.joint
    assert not of_joint(search)


def test_no_run_of_it_is_looked_at_before_its_end():
    """Its epochs are not a baseline's."""
    long = Recipe(epochs=4)

    def make(transfer):
        dev = outcome(transfer).dev()
        measured = {"average_precision": dev}
        return Run(transfer, Performance(measured, measured), Cost(cost_of(transfer)), "now")

    search = search_of(200, options=JOINT, recipes=(long,))
    finish(search, make=make)
    for transfer in of_joint(search):
        assert search.looks(transfer) == {}
    assert of_joint(search)


# --- what is believed, what is confirmed ---------------------------------------------------------


def test_before_it_has_run_it_is_believed_to_gain_by_the_score_of_its_best_source():
    search = search_of(100)
    for task in TASKS:
        search.tell(run(search.alone(task, search.space.recipes[0], 0), 0.5))
    search.joint["a"] = (search.space.together([B, C], METHOD), search.space.together([], METHOD))
    found = posterior(search, {("b", "a"): 1.0, ("c", "a"): -1.0})
    mean = dict(zip(found.sources, found.mean[found.targets.index("a")]))
    assert mean["b + c (alpha-vil)"] == pytest.approx(mean["b"])
    assert mean["alone (alpha-vil)"] == pytest.approx(mean["train longer"])
    assert mean["b"] > mean["alone (alpha-vil)"]


def test_what_helps_most_wins_and_is_confirmed_on_fresh_seeds():
    search = search_of(200, options=Options(joint=METHOD, joint_share=0.3, confirm_share=0.3), targets=(A, B))
    finish(search, noise=0.005)
    winner = search.winner(A)
    assert isinstance(winner, Together)
    assert winner.name == "d + c (alpha-vil)"
    fresh = search.runs(winner, A, fresh=True)
    assert fresh
    assert {one.transfer.seed for one in fresh} <= {
        one.transfer.seed for one in search.baselines(A, fresh=True)
    }
    assert search.gains(winner, A)[0] == pytest.approx(0.04 + 0.06, abs=0.03)


def test_the_method_alone_is_a_rival_that_is_no_baseline():
    """Where αVIL alone gains as much as with others, it stands beside it in confirmation."""

    def make(one):
        return run(one, 0.7) if one.multitask else outcome(one)

    search = search_of(200, options=Options(joint=METHOD, joint_share=0.3, confirm_share=0.3), targets=(A, B))
    finish(search, make=make)
    assert {source_name(one) for one in search.finalists(A)} == {"d + c (alpha-vil)", "alone (alpha-vil)"}
    assert {run.dev() for run in search.baselines(A)} == {0.5}
    assert search.runs(search.joint["a"][1], A, fresh=True)


def test_one_that_fails_is_not_asked_for_again_on_that_seed_and_takes_nothing_with_it():
    search = search_of(200, options=JOINT)
    rounds = finish(search, failing={"a with d, c (alpha-vil)"})
    keys = [transfer.key for _, batch in rounds for transfer in batch]
    assert len(keys) == len(set(keys))
    assert source_name(search.winner(A)) == "d"
    assert search.stage == "done"


def test_beliefs_that_leave_it_out_set_it_aside():
    beliefs = {(s, t): Guess(0.01, 0.01, 0.0) for s in NAMES for t in NAMES}
    search = search_of(100, options=JOINT)
    finish(search, lambda _: lambda: beliefs)
    assert search.joint
    assert not of_joint(search)


# --- resuming ------------------------------------------------------------------------------------


def drive(search: Search, kept: dict[str, Outcome], chance: random.Random | None = None) -> None:
    """A driver with a store; a round with a gap is asked for again when it has run."""
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


@pytest.mark.parametrize("how", [JOINT, BOTH], ids=["joint", "both"])
@pytest.mark.slow
def test_a_driver_killed_at_any_point_ends_with_the_outcomes_of_one_that_was_not(how):
    undisturbed, last = (search_of(100, options=how) for _ in range(2))
    drive(undisturbed, {})
    kept: dict[str, Outcome] = {}
    chance = random.Random(3)
    for _ in range(12):
        drive(search_of(100, options=how), kept, chance)
    drive(last, kept)
    assert of_joint(last)
    assert list(last.outcomes) == list(undisturbed.outcomes)
    assert kept.keys() == undisturbed.outcomes.keys()
    assert (last.joint, last.joined) == (undisturbed.joint, undisturbed.joined)


def test_test_labels_choose_no_auxiliary_task():
    plain, turned = (search_of(130, options=JOINT) for _ in range(2))
    finish(plain, noise=0.03)

    def other(transfer):
        made = outcome(transfer, noise=0.03)
        return run(transfer, made.dev(), 1 - made.dev())

    finish(turned, make=other)
    assert plain.joint == turned.joint
    assert list(plain.outcomes) == list(turned.outcomes)
