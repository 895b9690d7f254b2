"""Runs that fail: counted, charged, said with their reason, tried again when asked, never fatal alone."""

import time
from dataclasses import replace

import pytest
from tests.cli.test_commands import call
from tests.families import small_study, without_costs

from forelearn.core.errors import ForelearnError
from forelearn.core.run import Cost, Failure, Performance, Run, Stopped
from forelearn.executors.inline import Inline
from forelearn.experiment import api, drive
from forelearn.experiment.beliefs import Beliefs
from forelearn.experiment.drive import Silent, new_search, replay, run_transfers, stored
from forelearn.experiment.feature_shelf import AGAIN
from forelearn.experiment.opening import Options
from forelearn.experiment.prepare import built
from forelearn.report.summary import Summary

pytestmark = pytest.mark.slow

ONE = Options(workers=1)


def test_a_failed_run_is_counted_and_not_fatal(tmp_path, monkeypatch):
    study = small_study(tmp_path, budget="90%")
    from forelearn.experiment import jobs

    real = jobs.train_job

    def failing(place, transfer, start, rungs=None, *, report):
        if transfer["sources"] and transfer["target"]["name"] == "02-birch":
            raise ForelearnError("made to fail")
        return real(place, transfer, start, report=report)

    monkeypatch.setattr(jobs, "train_job", failing)
    result = api.search(study, ONE).as_json()
    assert result["failures"]
    assert all("made to fail" in failure["reason"] for failure in result["failures"])
    answer = next(item for item in result["answers"] if item["target"] == "02-birch")
    assert answer["decision"] == "not enough evidence"
    monkeypatch.setattr(jobs, "train_job", real)
    healed = api.search(study, ONE, retry_failed=True).as_json()
    assert not healed["failures"]


def test_a_task_that_cannot_be_trained_alone_leaves_the_others_their_explanations(tmp_path, monkeypatch):
    from forelearn.experiment import jobs

    real = jobs.train_job

    def failing(place, transfer, start, rungs=None, *, report):
        if transfer["target"]["name"] == "02-birch":
            raise ForelearnError("made to fail")
        return real(place, transfer, start, report=report)

    monkeypatch.setattr(jobs, "train_job", failing)
    found = api.search(small_study(tmp_path), ONE)
    assert found.explanations
    failed, *others = sorted(found.answers, key=lambda answer: answer.target != "02-birch")
    assert failed.baseline is None
    assert failed.reason == "The target alone could not be trained: made to fail."
    assert all(answer.baseline for answer in others)
    assert Summary.from_json(found.as_json()) == found


def test_a_run_that_fails_takes_the_place_of_one_that_was_stopped_by_another_metric(tmp_path, monkeypatch):
    """It says nothing of what is asked now: were it left there, it would be asked again for ever."""
    from forelearn.experiment import jobs

    prepared = api.open_prepared(small_study(tmp_path), ONE)
    space = prepared.space
    transfer = space.baseline(space.targets[0], space.recipes[0], 0)
    other = replace(transfer, target=replace(transfer.target, metric="f1"))
    prepared.runs.put(Stopped(other, 1, 0.2, 0.4, Cost(), "now"))
    monkeypatch.setattr(jobs, "train_job", failing_at(0, 12, 0.0))
    assert stored(prepared, transfer) is None
    run_transfers(prepared, [transfer], Inline(), Silent())
    assert isinstance(stored(prepared, transfer), Failure)


def failing_at(step: int, steps: int, seconds: float):
    """A job that reports `step` of `steps`, and fails after some seconds."""

    def job(place, transfer, start, rungs=None, *, report):
        if step:
            report({"step": step, "steps": steps, "epoch": step / steps, "loss": 1.0})
        time.sleep(seconds)
        raise ForelearnError("made to fail")

    return job


@pytest.mark.parametrize(("step", "share"), [(3, 0.25), (12, 1.0), (0, 1.0)])
def test_a_failure_costs_its_seconds_and_its_units_up_to_where_it_failed(tmp_path, monkeypatch, step, share):
    """Twelve steps; without a report nothing is known, and all of them count."""
    from forelearn.experiment import jobs

    study = small_study(tmp_path)
    monkeypatch.setattr(jobs, "train_job", failing_at(step, 12, 0.05))
    failure, _ = api.train(study, "01-amber", options=ONE)
    prepared = api.open_prepared(study, ONE)
    assert isinstance(failure, Failure)
    assert failure.cost.units == pytest.approx(share * prepared.cost(failure.transfer))
    assert 0.05 <= failure.cost.seconds < 30
    assert prepared.runs.get(failure.transfer.key) == failure


def test_what_failures_have_spent_is_gone_and_a_second_start_asks_nothing_new(tmp_path, monkeypatch):
    """Every transfer of 02-birch fails at its last step; the same share of the whole cost is kept to."""
    from forelearn.experiment import jobs

    study = small_study(tmp_path, budget="90%")
    real, failing = jobs.train_job, failing_at(12, 12, 0.0)

    def job(place, transfer, start, rungs=None, *, report):
        fails = transfer["sources"] and transfer["target"]["name"] == "02-birch"
        return (failing if fails else real)(place, transfer, start, report=report)

    monkeypatch.setattr(jobs, "train_job", job)
    first = api.search(study, ONE)
    failures = api.open_prepared(study, ONE).runs.all()
    failed = sum(one.cost.units for one in failures if isinstance(one, Failure))
    units = sum(row.units for row in first.costs)
    assert failed > 0
    assert failed < units <= 0.9 * first.exhaustive.units + 1e-6

    def never(place, transfer, start, rungs=None, *, report):
        raise AssertionError("asked again")

    monkeypatch.setattr(jobs, "train_job", never)
    assert without_costs(api.search(study, ONE).as_json()) == without_costs(first.as_json())


def test_a_transfer_whose_source_part_cannot_be_trained_costs_nothing(tmp_path, monkeypatch):
    from forelearn.experiment import jobs

    study = small_study(tmp_path)
    monkeypatch.setattr(jobs, "train_job", failing_at(0, 12, 0.0))
    failure, _ = api.train(study, "01-amber", "02-birch", options=ONE)
    assert isinstance(failure, Failure)
    assert failure.reason == "its source part, 02-birch, could not be trained: made to fail"
    assert failure.cost == Cost()


def test_training_that_fails_is_said_to_have_failed_whatever_the_store_holds(tmp_path, monkeypatch, capsys):
    """A stored run without weights, which stays as it is; then a failure, which a later one replaces."""
    from forelearn.experiment import jobs

    study = small_study(tmp_path)
    arguments = ("train", study, "--target", "01-amber")
    run, _ = api.train(study, "01-amber", options=ONE)
    prepared = api.open_prepared(study, ONE)
    prepared.directory.remove("weights", run.transfer.key)
    monkeypatch.setattr(jobs, "train_job", failing_at(0, 12, 0.0))
    code, out, err = call(monkeypatch, capsys, *arguments)
    assert (code, out) == (1, "")
    assert "was not trained to its end: made to fail" in err
    assert prepared.runs.get(run.transfer.key) == run

    def later(place, transfer, start, rungs=None, *, report):
        raise ForelearnError("made to fail otherwise")

    assert call(monkeypatch, capsys, *arguments, "--run-seed", 1)[0] == 1
    monkeypatch.setattr(jobs, "train_job", later)
    code, _, err = call(monkeypatch, capsys, *arguments, "--run-seed", 1)
    assert code == 1
    assert "made to fail otherwise" in err
    (failure,) = [one for one in prepared.runs.all() if isinstance(one, Failure)]
    assert failure.reason == "made to fail otherwise"


def test_a_source_part_that_is_trained_on_the_way_is_looked_at_as_a_search_would(tmp_path):
    """It becomes a search's baseline, by which others are stopped."""
    study = small_study(tmp_path)
    api.train(study, "01-amber", "02-birch", options=ONE)
    prepared = api.open_prepared(study, ONE)
    (part,) = [one for one in prepared.runs.all() if one.transfer.is_baseline]
    assert part.transfer.target.name == "02-birch"
    assert set(part.performance.rungs) == set(new_search(prepared).looks(part.transfer)) != set()


def test_recipes_that_are_beaten_leave_while_the_grid_runs(tmp_path, monkeypatch):
    """Two recipes of two tasks: of each task one folder of weights is left before the next two runs."""
    found, real = [], run_transfers
    for folder, at_once in (("whole", 32), ("parts", 2)):
        monkeypatch.setattr(drive, "AT_ONCE", at_once)
        (tmp_path / folder).mkdir()
        study = small_study(tmp_path / folder, tasks=3, seeds=1, budget="12 runs")
        study.write_text(
            study.read_text().replace("= 3e-3", "= [3e-3, 1e-3]").replace("epochs = 6", "epochs = 2")
        )
        weights: list[int] = []

        def counting(prepared, *given, weights=weights):
            weights.append(len(prepared.directory.keys("weights")))
            return real(prepared, *given)

        monkeypatch.setattr(drive, "run_transfers", counting)
        found.append(without_costs(api.search(study, ONE).as_json()))
        assert weights[: 1 if at_once > 2 else 3] == ([0] if at_once > 2 else [0, 1, 2])
    assert found[0] == found[1]


def test_what_has_run_and_has_its_weights_is_not_trained_again(tmp_path, monkeypatch):
    from forelearn.experiment import jobs

    study = small_study(tmp_path)
    first = api.train(study, "01-amber", "02-birch", options=ONE)
    monkeypatch.setattr(jobs, "train_job", failing_at(0, 12, 0.0))
    assert api.train(study, "01-amber", "02-birch", options=ONE) == first
    longer, _ = api.train(study, "01-amber", "train longer", options=ONE)
    assert (longer.transfer.sources, longer.transfer.recipe.epochs) == (
        (),
        2 * first[0].transfer.recipe.epochs,
    )
    itself, _ = api.train(study, "01-amber", "01-amber", seed=1, options=ONE)
    assert [source.name for source in itself.transfer.sources] == ["01-amber"]


def test_a_part_that_cannot_be_trained_again_says_why_in_what_starts_from_it(tmp_path, monkeypatch):
    from forelearn.experiment import jobs

    study = small_study(tmp_path)
    part, _ = api.train(study, "02-birch", options=ONE)
    prepared = api.open_prepared(study, ONE)
    prepared.directory.remove("weights", part.transfer.key)
    monkeypatch.setattr(jobs, "train_job", failing_at(0, 12, 0.0))
    failure, _ = api.train(study, "01-amber", "02-birch", options=ONE)
    assert failure.reason == "its source part, 02-birch, could not be trained: made to fail"
    assert prepared.runs.get(part.transfer.key) == part


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ("textemb_job", f"TextEmb of 01-amber failed: no memory{AGAIN}"),
        (
            "conductance_job",
            f"conductance of 01-amber failed: no memory{AGAIN}; attributions and ANSAT are left out",
        ),
    ],
)
def test_a_feature_that_cannot_be_computed_is_left_out_with_the_reason(job, said, tmp_path, monkeypatch):
    from forelearn.experiment import jobs

    def failing(*given, report):
        raise ForelearnError("no memory")

    monkeypatch.setattr(jobs, job, failing)
    result = api.search(small_study(tmp_path, tasks=2, seeds=1, budget="8 runs"), ONE)
    assert said in result.notes


def test_a_failure_that_is_forgotten_while_somebody_looks_is_read_once(tmp_path):
    """The round is as it was when it was read: whole, or with a gap."""
    study = small_study(tmp_path, tasks=2)
    first = api.ask(study, ONE)[0]
    api.tell(study, first.key, failed="lost", options=ONE)
    prepared = api.open_prepared(study, ONE)
    reads: list[str] = []
    real = prepared.runs.get

    def forgetting(key):
        reads.append(key)
        outcome = real(key)
        prepared.runs.forget(key)
        return outcome

    for other in api.ask(study, ONE):
        measured = {"average_precision": 0.5}
        api.tell(study, other.key, dev=measured, test=measured, options=ONE)
        if other.seed != first.seed:
            break
    prepared.runs.get = forgetting
    search = new_search(prepared)
    replay(prepared, search, Beliefs(prepared))
    assert first.key in search.outcomes
    assert len(reads) == len(set(reads))


def test_where_every_run_fails_the_study_fails_with_the_first_reason(tmp_path, monkeypatch):
    study = small_study(tmp_path)
    from forelearn.experiment import jobs

    def failing(place, transfer, start, rungs=None, *, report):
        raise ForelearnError("no luck")

    monkeypatch.setattr(jobs, "train_job", failing)
    with pytest.raises(ForelearnError, match=r"Nothing could be trained.*no luck"):
        api.search(study, ONE)


def test_where_nothing_is_stopped_a_stopped_run_is_asked_for_again_and_a_failure_takes_its_place(
    tmp_path, monkeypatch
):
    """An exhaustive study is the ground truth: it has no holes where a search had given up."""
    from forelearn.experiment import jobs

    study = small_study(tmp_path, tasks=2, seeds=1)
    for exhaustive in (False, True):
        prepared = built(api.open_prepared(study, replace(ONE, exhaustive=exhaustive)))
        space = prepared.space
        a, b = space.targets
        first = new_search(prepared)
        for task in (a, b):
            run = measured(space.baseline(task, space.recipes[0], 0))
            prepared.runs.put(run)
            first.tell(run)
        pair = first.plan(b, a, 0)
        prepared.runs.put(Stopped(pair, 1, 0.2, 0.4, Cost(), "now"))
        missing = replay(prepared, new_search(prepared), lambda search: {})
        assert (pair in missing) == exhaustive
    monkeypatch.setattr(jobs, "train_job", failing_at(0, 12, 0.0))
    run_transfers(prepared, [pair], Inline(), Silent(), {pair.key: {}})
    assert isinstance(stored(prepared, pair), Failure)


def measured(transfer):
    values = {transfer.target.metric: 0.5}
    return Run(transfer, Performance(values, values, 0.5), Cost(1.0, 1.0), "now")
