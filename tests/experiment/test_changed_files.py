"""A study whose files change while the process that ran it lives on."""

from pathlib import Path

import pytest
from tests.families import small_study

from forelearn.core.errors import ForelearnError
from forelearn.core.run import Run
from forelearn.experiment import api
from forelearn.experiment.jobs import study_task
from forelearn.experiment.opening import Options

ONE = Options(workers=1)


def changed(study: Path, name: str) -> None:
    """One training row of a task fewer."""
    file = study.parent / "data" / f"{name}.csv"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    lines.remove(next(line for line in lines if "train" in line))
    file.write_text("".join(lines), encoding="utf-8")


def test_a_study_that_is_started_again_in_one_process_reads_files_that_have_changed(tmp_path):
    study = small_study(tmp_path, tasks=2)
    first, _ = api.train(study, "01-amber", options=ONE)
    changed(study, "01-amber")
    again, _ = api.train(study, "01-amber", options=ONE)
    assert isinstance(first, Run)
    assert isinstance(again, Run)
    assert again.transfer.key != first.transfer.key


def test_files_that_change_under_a_study_under_way_are_refused(tmp_path):
    study = small_study(tmp_path, tasks=2)
    prepared = api.open_prepared(study, ONE)
    task = prepared.tasks["01-amber"].task
    assert study_task(prepared.place, task.name, task.digest).task == task
    changed(study, task.name)
    with pytest.raises(ForelearnError, match="have changed since the study was started"):
        study_task(prepared.place, "01-amber", "another digest")
    with pytest.raises(ForelearnError, match="have changed since the study was started"):
        study_task(prepared.place, task.name, task.digest)
