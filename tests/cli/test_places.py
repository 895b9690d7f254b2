"""Places that cannot be written, and options that cannot stand together: one line, exit code 2, nothing left behind."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.broken_studies import good
from tests.cli.test_commands import call, tree

import forelearn.cli
from forelearn.core.errors import InputError
from forelearn.experiment.check import check
from forelearn.experiment.demo import write_demo
from forelearn.store.file import write_file


def refused(found: tuple[int, str, str], *parts: str) -> None:
    """One line that holds `parts`, and exit code 2."""
    code, out, err = found
    assert code == 2, err
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    for part in parts:
        assert part in line


@pytest.mark.parametrize("command", ["report", "train", "prior", "evaluate"])
def test_a_folder_for_a_page_is_refused_before_any_work(command, tmp_path, monkeypatch, capsys):
    study = good(tmp_path / "study")
    before = tree(tmp_path)
    more = ["--target", "a", "--with", "b"] if command == "train" else []
    refused(
        call(monkeypatch, capsys, command, study, *more, "-o", tmp_path / "study"), "--output", "is a folder"
    )
    assert tree(tmp_path) == before


@pytest.mark.parametrize("command", ["run", "report", "status", "ask"])
def test_a_file_for_the_folder_that_a_study_fills_is_refused(command, tmp_path, monkeypatch, capsys):
    study = good(tmp_path / "study")
    (tmp_path / "taken").write_text("")
    before = tree(tmp_path)
    found = call(monkeypatch, capsys, command, study, "--out", tmp_path / "taken")
    refused(found, str(tmp_path / "taken"), "is a file", "--out FOLDER")
    assert tree(tmp_path) == before


def test_a_second_demo_in_a_folder_reads_its_own_tasks_alone(tmp_path):
    for options in ({}, {"seed": 1}, {"null": True}):
        study = write_demo(tmp_path, **options)
        checked = check(study)
        assert not checked.errors
        assert len(checked.tasks) == 12


def test_a_place_that_cannot_be_written_is_one_line_with_its_path(tmp_path, monkeypatch, capsys):
    refused(
        call(monkeypatch, capsys, "run", good(tmp_path), "--out", "/proc/no/out"), "/proc/no", "Name a place"
    )
    refused(call(monkeypatch, capsys, "demo", "--out", "/proc/no"), "/proc/no", "cannot be written")


@pytest.mark.parametrize("place", ["runs/abc/run.json", None])
def test_a_full_disk_is_one_line_with_what_is_kept_and_exit_code_1(place, monkeypatch, capsys):
    def app() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), *([] if place is None else [place]))

    monkeypatch.setattr(forelearn.cli, "app", app)
    code, out, err = call(monkeypatch, capsys)
    where = "" if place is None else f"{place}: "
    assert (code, out) == (1, "")
    assert (
        err == f"error: {where}No space left on device. Make room, then start again: what has run is kept.\n"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_output_into_a_full_disk_is_one_line_too():
    command = [sys.executable, "-m", "forelearn", "--version"]
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert found.returncode == 1
    assert (
        found.stderr == "error: No space left on device. Make room, then start again: what has run is kept.\n"
    )


def test_a_run_goes_on_where_nobody_reads_its_progress_any_more(monkeypatch):
    """Lines of the display and a failure through rich, into a pipe whose reader has gone."""
    from forelearn.cli.display import Live, Unheard
    from forelearn.cli.parameters import note

    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as gone:
        monkeypatch.setattr(sys, "stderr", gone)
        note("3 of 5 runs")
        assert isinstance(Live().console, Unheard)
        console = Unheard()
        console.print("failed")
        console.print("failed again")
        assert console.quiet
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), gone.fileno())  # what is buffered goes nowhere


def test_what_the_system_refuses_of_a_named_path_is_one_line_and_other_faults_stay_faults(
    monkeypatch, capsys
):
    def fail(error: OSError) -> object:
        def app() -> None:
            raise error

        monkeypatch.setattr(forelearn.cli, "app", app)
        return call(monkeypatch, capsys)

    refused(
        fail(PermissionError(errno.EACCES, "Permission denied", "/x/y")), "/x/y: Permission denied. Check"
    )
    with pytest.raises(OSError, match="Input/output"):
        fail(OSError(errno.EIO, os.strerror(errno.EIO), "/x/y"))
    with pytest.raises(ConnectionError):
        fail(ConnectionError("the hub is away"))


@pytest.mark.parametrize("command", ["run", "report", "rank"])
@pytest.mark.parametrize("forms", [("--json", "--csv"), ("--csv", "--json")])
def test_two_forms_of_output_are_refused_in_either_order(command, forms, tmp_path, monkeypatch, capsys):
    study = good(tmp_path)
    before = tree(tmp_path)
    refused(call(monkeypatch, capsys, command, study, *forms), "cannot stand beside --json")
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("train", "STUDY", "--target", "a", "--run-seed", "-1"), "--run-seed"),
        (("train", "STUDY", "--target", "a", "--with", "b", "--run-seed", "-1"), "--run-seed"),
        (("run", "STUDY", "--seed", "-1"), "--seed"),
        (("demo", "--out", "STUDY", "--seed", "-1"), "--seed"),
    ],
)
def test_a_negative_seed_is_refused_alike(arguments, option, tmp_path, monkeypatch, capsys):
    study = good(tmp_path)
    before = tree(tmp_path)
    given = [study.parent if one == "STUDY" else one for one in arguments]
    refused(call(monkeypatch, capsys, *given), f"{option}: must be at least 0, got -1. Raise it.")
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        *(
            (("rank", "STUDY", "--target", "a", "--cards", "STUDY", *option), option[0])
            for option in (
                ("--csv",),
                ("--prior", "prior.json"),
                ("--allow-leaks",),
                ("--attributions",),
                ("--sources", "STUDY"),
                ("--encoder", "tiny"),
            )
        ),
        (("rank", "STUDY", "--target", "a", "--encoder", "tiny"), "--encoder"),
        (("run", "STUDY", "--dry-run", "--csv"), "--csv"),
        (("train", "STUDY", "--target", "a", "--source", "b", "--workers", "2"), "--workers"),
        (("evaluate", "STUDY", "STUDY", "--out", "elsewhere"), "--out"),
        (("evaluate", "table.csv", "--out", "elsewhere"), "--out"),
        (("evaluate", "table.csv", "--save"), "--save"),
    ],
)
def test_an_option_of_which_nothing_would_come_is_refused(arguments, option, tmp_path, monkeypatch, capsys):
    study = good(tmp_path)
    before = tree(tmp_path)
    given = [study.parent if one == "STUDY" else one for one in arguments]
    refused(call(monkeypatch, capsys, *given), f"{option}: ")
    assert tree(tmp_path) == before


@pytest.mark.parametrize("place", ["folder", "file/inside", "e" * 300])
def test_a_file_that_cannot_be_written_leaves_nothing(place, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    before = tree(tmp_path)
    with pytest.raises(InputError, match="cannot be written"):
        write_file(tmp_path / place, "text")
    assert tree(tmp_path) == before


def test_a_file_is_written_over_and_its_folder_made(tmp_path):
    path: Path = tmp_path / "a" / "b.txt"
    write_file(path, "one")
    write_file(path, "two é")
    assert path.read_text(encoding="utf-8") == "two é"
    assert [one.name for one in path.parent.iterdir()] == ["b.txt"]
