"""A run that is stopped, from the job to what the commands say of it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.families import small_study

from forelearn.cli.display import Live
from forelearn.core.errors import InputError
from forelearn.core.run import Cost, Failure, Performance, Run, Stopped, outcome_from_json
from forelearn.core.transfer import Transfer
from forelearn.executors.base import Done, Job
from forelearn.executors.inline import Inline
from forelearn.experiment import api
from forelearn.experiment.explain import Explained
from forelearn.experiment.keeping import verify, weights_of
from forelearn.experiment.prepare import Prepared
from forelearn.experiment.status import Status
from forelearn.report.wording import metric_name

JOB = "forelearn.experiment.jobs:train_job"


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    return api.open_prepared(small_study(tmp_path, tasks=2))


def plan(prepared: Prepared) -> Transfer:
    """The first task alone: six epochs."""
    space = prepared.space
    return space.baseline(space.targets[0], space.recipes[0], 0)


def done(prepared: Prepared, *rungs: object) -> Run | Stopped:
    """What an executor brings back for `plan`."""
    transfer = plan(prepared)
    job = Job(transfer.key, JOB, (prepared.place, transfer.as_json(), str(prepared.start(transfer)), *rungs))
    (end,) = Inline().run([job])
    assert isinstance(end, Done), end
    outcome = outcome_from_json(json.loads(json.dumps(end.value)))
    assert outcome == prepared.runs.get(transfer.key)
    assert isinstance(outcome, Run | Stopped)
    return outcome


def test_a_stopped_run_is_stored_without_weights_until_it_is_trained_to_its_end(prepared):
    key = plan(prepared).key
    stopped = done(prepared, {"1": 0.0, "3": 2.0})
    assert isinstance(stopped, Stopped)
    assert (stopped.epoch, stopped.floor) == (3, 2.0)
    assert stopped.cost.units == prepared.cost(plan(prepared)) * 3 / 6
    assert prepared.directory.whole("weights", key) is None
    assert prepared.directory.unfinished("weights") == prepared.directory.unfinished("runs") == []
    assert prepared.runs.verify() == []
    study = prepared.study.path
    with pytest.raises(InputError, match=r"not trained to its end: stopped after epoch 3 of 6.*Train it"):
        weights_of(study, key, None)
    assert verify(study, None)[0] == []

    run = done(prepared, {1: None, 3: None})
    assert isinstance(run, Run)
    assert run.performance.rungs[3] == stopped.dev
    assert weights_of(study, key, None).is_dir()


def test_a_run_without_weights_is_exported_by_no_untrue_word(prepared):
    """One that failed, one that was trained elsewhere, and one whose weights were not kept: each its own."""
    study, transfer = prepared.study.path, plan(prepared)
    command = f"forelearn train {study} --target {transfer.target.name} --run-seed 0"
    failure = Failure(transfer, "no memory", Cost(), "2026-01-02T03:04:05+00:00")
    prepared.runs.put(failure)
    with pytest.raises(InputError) as refused:
        weights_of(study, transfer.key, None)
    assert "was not trained to its end: no memory. " in str(refused.value)
    assert command in str(refused.value)
    measures = {transfer.target.metric: 0.5}
    run = Run(transfer, Performance(measures, measures, 0.5), Cost(), failure.made, "a cluster")
    prepared.runs.put(run)
    with pytest.raises(InputError, match=r"trained elsewhere \(by a cluster\), so its weights are not here"):
        weights_of(study, transfer.key, None)
    prepared.runs.forget(transfer.key)
    prepared.runs.put(replace(run, by="forelearn"))
    with pytest.raises(InputError) as refused:
        weights_of(study, transfer.key, None)
    assert "has run, but its weights were not kept. " in str(refused.value)
    assert command in str(refused.value)


def test_a_finished_run_that_is_trained_again_for_its_weights_is_not_stopped(prepared):
    first = done(prepared)
    prepared.directory.remove("weights", first.transfer.key)
    assert done(prepared, {1: 2.0}) == first
    assert prepared.directory.whole("weights", first.transfer.key) is not None


def test_what_people_see_names_the_epoch_and_the_floor(prepared, capsys):
    run = done(prepared, {"3": None})
    assert isinstance(run, Run)
    stopped = Stopped(run.transfer, 3, 0.25, 0.5, replace(run.cost, units=1234.0), run.made)
    reason = "stopped after epoch 3 of 6: dev 0.250, below 0.500"
    text = Explained(stopped, (), (), None, "folder").text()
    assert reason in text
    assert "1,234 units" in text
    text = Explained(run, (), (), None, "folder").text()
    assert (
        f"dev after epoch 3 of 6: {metric_name(run.transfer.target.metric)} {run.performance.rungs[3]:.4f}"
        in text
    )
    with Live() as live:
        live.say("reading")
        live._said -= 100
        live.end("a", stopped)
    assert live.done == 1
    assert live.failed == 0
    assert capsys.readouterr().err == ""  # no count of runs where none were planned
    with Live() as live:
        live.plan("train", [run.transfer], None)
        live._said -= 100
        live.end("a", run)
    first, second = capsys.readouterr().err.splitlines()
    assert first == "training: 0 of 1 runs"
    assert second.startswith("training: 1 of 1 runs; a: ")
    status = Status("s", "explore", 5, ("x: no memory",), 60.0, 1.0, 0.1, "10%", None, (), 0, stopped=2)
    assert "5 (1 failed, 2 stopped early), 1.0 min" in status.text()
