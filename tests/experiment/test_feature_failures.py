"""Features that fail, tasks of equal content, and a disk without room: a second start asks what the first one asked."""

import errno
import os

import pytest
from tests.families import small_study, without_costs

from forelearn.core.errors import ForelearnError
from forelearn.core.run import Failure
from forelearn.executors.base import Broken, broken, reasons
from forelearn.executors.inline import Inline
from forelearn.experiment import api, jobs
from forelearn.experiment.feature_shelf import AGAIN, Noting, computed, forget_broken, why_broken
from forelearn.experiment.opening import Options
from forelearn.store.directory import Directory

ONE = Options(workers=1)


def test_a_failed_feature_stays_failed_until_it_is_forgotten(tmp_path, monkeypatch):
    def failing(*given, report):
        raise ForelearnError("no memory")

    monkeypatch.setattr(jobs, "textemb_job", failing)
    directory = Directory(tmp_path)
    job = jobs_of("key")
    assert (computed(directory, "key"), why_broken(directory, "key")) == (None, None)
    Noting(Inline(), directory).run([job])
    assert (computed(directory, "key"), why_broken(directory, "key")) == (None, "no memory")
    assert not directory.verify()
    forget_broken(directory)
    assert why_broken(directory, "key") is None
    assert directory.whole("features", "key") is None


def test_a_feature_that_finds_no_room_is_not_noted(tmp_path, monkeypatch):
    def full(*given, report):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(jobs, "textemb_job", full)
    ended = Noting(Inline(), Directory(tmp_path)).run([jobs_of("key")])
    with pytest.raises(OSError, match="No space"):
        reasons(ended)
    assert why_broken(Directory(tmp_path), "key") is None


def jobs_of(key):
    from forelearn.executors.base import Job

    return Job(key, "forelearn.experiment.jobs:textemb_job", ())


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "no room"), True),
        (OSError(errno.EDQUOT, "no room"), True),
        (RuntimeError("I/O error: No space left on device (os error 28)"), True),  # as other languages say it
        (OSError(errno.EACCES, "not yours"), False),
        (RuntimeError("no memory"), False),
    ],
)
def test_a_full_disk_is_told_from_other_failures(error, full):
    try:
        try:
            raise error
        except Exception as cause:
            raise ForelearnError("cannot be saved") from cause
    except ForelearnError as outer:
        found = broken("key", outer)
    assert isinstance(found, Broken)
    assert found.full is full


def test_an_error_that_is_its_own_cause_is_told(tmp_path):
    error = RuntimeError("no memory")
    error.__cause__ = error
    assert not broken("key", error).full


def failing_once(real):
    """A job that fails at its first call."""
    failed = []

    def job(*given, report):
        if not failed:
            failed.append(given)
            raise ForelearnError("no memory")
        return real(*given, report=report)

    return job


@pytest.mark.slow
def test_a_second_start_believes_what_the_first_one_did(tmp_path, monkeypatch):
    """TextEmb fails once. Had the second start computed it, it would ask for other pairs, beyond the budget."""
    monkeypatch.setattr(jobs, "textemb_job", failing_once(jobs.textemb_job))
    study = small_study(tmp_path, budget="16 runs")
    first = api.search(study, ONE)
    assert any("TextEmb of" in note and "--retry-failed" in note for note in first.notes)
    assert without_costs(api.search(study, ONE).as_json()) == without_costs(first.as_json())
    healed = api.search(study, ONE, retry_failed=True)
    assert not any("TextEmb of" in note for note in healed.notes)


@pytest.mark.slow
def test_tasks_of_equal_content_are_two_tasks(tmp_path):
    study = small_study(tmp_path, tasks=2, seeds=1, budget="14 runs")
    (tmp_path / "data" / "99-copy.csv").write_bytes((tmp_path / "data" / "01-amber.csv").read_bytes())
    found = api.search(study, ONE)
    assert {answer.target for answer in found.answers} == {"01-amber", "02-amber", "99-copy"}
    assert found.explanations
    problems = api.check(study).problems
    assert any("99-copy" in str(one) and "01-amber" in str(one) for one in problems)


@pytest.mark.slow
def test_a_full_disk_ends_a_search_and_fails_no_run(tmp_path, monkeypatch):
    """After room is made, a second start goes on as if nothing had been."""
    from forelearn.training import sequential

    study = small_study(tmp_path, tasks=2, seeds=1, budget="8 runs")
    real, saved = sequential.save_model, []

    def full(*given, **more):
        saved.append(given)
        if len(saved) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*given, **more)

    monkeypatch.setattr(sequential, "save_model", full)
    with pytest.raises(OSError, match="No space left"):
        api.search(study, ONE)
    prepared = api.open_prepared(study, ONE)
    assert len(prepared.runs.all()) == 2
    assert not any(isinstance(one, Failure) for one in prepared.runs.all())
    found = api.search(study, ONE)
    assert not found.failures


@pytest.mark.slow
def test_a_reading_that_fails_for_one_source_is_said(tmp_path, monkeypatch):
    """Its other scores stand; without a word nobody would know to try it again."""
    from forelearn.experiment import estimate_jobs

    monkeypatch.setattr(estimate_jobs, "rows_job", failing_once(estimate_jobs.rows_job))
    study = small_study(tmp_path, tasks=3, seeds=1, budget="10 runs")
    text = study.read_text().replace("[search]", '[search]\nfeatures = ["size", "logme"]')
    study.write_text(text)
    said = f"1 reading of models or texts failed: no memory{AGAIN}"
    assert said in api.search(study, ONE).notes
    assert said in api.report(study, ONE).notes
    assert said not in api.search(study, ONE, retry_failed=True).notes
