"""What a key does not hold may change: names, and the metric that decides. Earlier runs are found and read anew."""

import shutil
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from tests.families import small_study

from forelearn.core.run import Cost, Performance, Run, Stopped, as_asked
from forelearn.experiment import api
from forelearn.experiment.beliefs import Beliefs
from forelearn.experiment.drive import new_search, replay
from forelearn.experiment.explain import explain_key
from forelearn.experiment.opening import Options
from forelearn.experiment.status import status

ONE = Options(workers=1)
METRICS = ("average_precision", "f1", "accuracy", "precision", "recall", "matthews")


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """Three tasks, all of whose runs were trained elsewhere: .6 of average precision, .3 of F1, more after 02-amber."""
    study = small_study(tmp_path_factory.mktemp("renamed"), tasks=3, budget="90%")
    prepared = api.open_prepared(study, ONE)
    search, beliefs = new_search(prepared), Beliefs(prepared)
    while missing := replay(prepared, search, beliefs):
        for transfer in missing:
            more = 0.02 * zlib.crc32(transfer.key.encode()) / 2**32
            more += 0.1 * any(source.name == "02-amber" for source in transfer.sources)
            measured = {name: (0.3 if name == "f1" else 0.6) + more for name in METRICS}
            run = Run(
                transfer,
                Performance(measured, measured),
                Cost(prepared.cost(transfer), 1.0),
                "2026-01-01T00:00:00+00:00",
            )
            prepared.runs.put(run)
    return study


@pytest.fixture
def study(finished, tmp_path) -> Path:
    shutil.copytree(finished.parent, tmp_path / "copy")
    return tmp_path / "copy" / "study.toml"


def answers(study: Path) -> dict[str, tuple]:
    return {one.target: (one.decision, one.sources, one.gain) for one in api.report(study, ONE).answers}


def test_a_task_that_is_renamed_keeps_its_runs_and_its_answers(study):
    before, stood = answers(study), status(study, ONE)
    data = study.parent / "data"
    (data / "02-amber.csv").rename(data / "02-umber.csv")
    after, stands = answers(study), status(study, ONE)
    assert (stands.stage, stands.runs) == (stood.stage, stood.runs) == ("done", stood.runs)
    told = {target.replace("02-amber", "02-umber"): answer for target, answer in before.items()}
    assert any("02-amber" in sources for _, sources, _ in told.values())
    assert after == {
        target: (decision, tuple(name.replace("02-amber", "02-umber") for name in sources), gain)
        for target, (decision, sources, gain) in told.items()
    }


def test_a_metric_that_is_changed_is_read_from_the_runs_of_before(study):
    assert all(row.dev[0] > 0.5 for row in api.report(study, ONE).baselines)
    study.write_text('metric = "f1"\n' + study.read_text(encoding="utf-8"), encoding="utf-8")
    found = api.report(study, ONE)
    assert found.metric == "f1"
    assert all(value < 0.5 for row in found.baselines for value in row.dev)
    assert status(study, ONE).runs >= 6  # every baseline; what is asked next may be something else


def test_what_was_measured_by_another_metric_on_the_way_is_left_out(finished):
    prepared = api.open_prepared(finished, ONE)
    run = next(one for one in prepared.runs.all() if isinstance(one, Run))
    measured = {"f1": 0.3, "average_precision": 0.6}
    looked = Run(run.transfer, Performance(measured, measured, rungs={1: 0.4}), run.cost, run.made)
    task = run.transfer.target
    renamed = replace(run.transfer, target=replace(task, name="other"))
    by_f1 = replace(run.transfer, target=replace(task, metric="f1"))
    by_recall = replace(run.transfer, target=replace(task, metric="recall"))
    assert as_asked(looked, renamed).performance.rungs == {1: 0.4}
    assert (as_asked(looked, by_f1).dev(), as_asked(looked, by_f1).performance.rungs) == (0.3, {})
    assert "without `recall`" in as_asked(looked, by_recall).reason
    stopped = Stopped(run.transfer, 1, 0.2, 0.4, run.cost, run.made)
    assert as_asked(stopped, renamed).transfer == renamed
    assert as_asked(stopped, by_f1) is None


def test_a_run_is_explained_under_the_names_of_today(study):
    data = study.parent / "data"
    (data / "02-amber.csv").rename(data / "02-umber.csv")
    found = explain_key(study, "02-umber->01-amber", ONE)
    assert found.outcome.transfer.label == "02-umber → 01-amber"
    assert "02-amber" not in found.text()
