"""`forelearn train --with` as a person runs it: the answer, its page, its refusals, its live view."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rich.console import Console
from tests.cli.test_commands import call
from tests.experiment.test_together import MORE, OTHERS, TARGET, make_study

from forelearn.cli.display import Live
from forelearn.cli.together_display import LiveTogether
from forelearn.core.keys import plain
from forelearn.experiment.opening import Options
from forelearn.experiment.question import Request
from forelearn.experiment.together import Unwatched, train_together
from forelearn.training.multitask.history import Epoch, TaskEpoch

WITH = ("--target", TARGET, "--with", ",".join(OTHERS), "--workers", 1)


@dataclass(frozen=True, slots=True)
class Watched(Unwatched):
    """begun: of every round, how many runs it has and how many follow it."""

    begun: list[tuple[int, int]] = field(default_factory=list)

    def begin(self, names: Mapping[str, tuple[str, int]], later: int) -> None:
        self.begun.append((len(names), later))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Watched]:
    """A study that has run with one seed, and what was said meanwhile."""
    path, display = make_study(tmp_path_factory.mktemp("train"), MORE), Watched()
    train_together(path, TARGET, Request(OTHERS, seeds=1), Options(workers=1), display=display)
    return path, display


@pytest.fixture
def study(watched: tuple[Path, Watched]) -> Path:
    return watched[0]


def test_the_result_says_verdict_arms_auxiliary_tasks_weights_and_page(study, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = call(monkeypatch, capsys, "train", study, *WITH, "--seeds", 1)
    assert code == 0
    assert out.startswith("Not enough evidence")
    assert "One seed has run" in " ".join(out.split())
    for text in ("alpha-vil ", "single, decaying", "random labels", "no auxiliary", "02-amber", "⟨g, δ⟩"):
        assert text in out
    folder = study.parent / "out"
    assert f"Page: {folder / f'multitask-{TARGET}.html'}" in out
    shown = [line.split()[0] for line in out.splitlines() if line.endswith("alpha-vil, seed 0")]
    assert (folder / "weights" / shown[0] / "config.json").is_file()
    assert all(len(line) <= 80 for line in out.splitlines() if "/" not in line)
    assert err == ""  # nothing was left to train


def test_an_auxiliary_task_that_was_renamed_since_is_told_under_its_name_of_today(
    study, tmp_path, monkeypatch, capsys
):
    """A key holds no names: nothing is trained again, and what happened was written under the names of then."""
    shutil.copytree(study.parent, tmp_path / "copy")
    data = tmp_path / "copy" / "data"
    (data / "02-amber.csv").rename(data / "02-umber.csv")
    asked = [str(word).replace("02-amber", "02-umber") for word in WITH]
    code, out, err = call(monkeypatch, capsys, "train", tmp_path / "copy", *asked, "--seeds", 1)
    assert (code, err) == (0, "")
    assert "02-umber" in out
    assert "02-amber" not in out.replace(str(tmp_path), "")


def test_json_goes_to_stdout_and_to_a_file_that_is_named_so(study, tmp_path, monkeypatch, capsys):
    file = tmp_path / "found.json"
    code, out, _ = call(monkeypatch, capsys, "train", study, *WITH, "--seeds", 1, "--json", "-o", file)
    assert code == 0
    assert json.loads(out) == json.loads(file.read_text(encoding="utf-8"))
    assert json.loads(out)["worth"] == "not enough evidence"


def test_a_second_call_that_trains_nothing_shows_no_count_of_runs():
    assert "runs" not in drawn(LiveTogether())


def test_status_counts_runs_of_comparisons_beside_those_of_the_search(study, monkeypatch, capsys):
    _, out, _ = call(monkeypatch, capsys, "status", study)
    assert "besides  5 runs of `forelearn train --with`" in out


def test_a_pair_that_has_not_run_is_explained_by_no_talk_of_keys(study, monkeypatch, capsys):
    code, _, err = call(monkeypatch, capsys, "explain", f"02-amber->{TARGET}", "--study", study)
    assert code == 2
    assert "has not run yet" in err


def test_a_control_with_random_labels_is_explained_without_a_pair_that_is_not_there(
    study, capsys, monkeypatch
):
    _, found, _ = call(monkeypatch, capsys, "train", study, *WITH, "--seeds", 1, "--json")
    key = next(arm["keys"][0] for arm in json.loads(found)["arms"] if arm["name"] == "random labels")
    code, out, _ = call(monkeypatch, capsys, "explain", key, "--study", study)
    assert code == 0
    assert "No shared terms" in out
    assert "of a pair" not in out


def test_a_dry_run_says_what_is_missing_and_trains_nothing(study, monkeypatch, capsys):
    before = sorted((study.parent / "out" / "runs").iterdir())
    code, out, _ = call(monkeypatch, capsys, "train", study, *WITH, "--seeds", 1, "--dry-run")
    assert code == 0
    assert "0 of 5 runs" in out
    code, out, _ = call(monkeypatch, capsys, "train", study, *WITH, "--dry-run", "--json")
    assert json.loads(out)["missing"] == 5  # a second seed of every arm
    assert sorted((study.parent / "out" / "runs").iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--with", "02-amber", "--source", "03-amber"), "--source: cannot stand beside --with"),
        (("--method", "multitask", "--source", "03-amber"), "--source: cannot stand beside --method"),
        (("--seeds", "2"), "--seeds: goes with --with or --method"),
        (("--dry-run",), "--dry-run: goes with --with or --method"),
        (("--with", "02-amber", "--top", "2"), "--top: goes with --with auto alone"),
        (("--with", "02-amber", "--seeds", "2", "--run-seed", "1"), "cannot stand beside --run-seed"),
        (("--with", "02-amber", "--option", "share"), "is NAME=VALUE, got `share`"),
        (("--with", "02-amber", "--option", "share=1", "--option", "share=1"), "`share` stands twice"),
        (("--with", "02-amber", "--option", "share=much"), "must be a number, got `much`"),
        (("--with", ","), "--with: names no task"),
        (("--with", "auto,02-amber"), "--with auto: stands alone"),
        (("--with", "02-ambr"), "Did you mean `02-amber`?"),
        (("--with", "02-amber", "--method", "alfa-vil"), "Did you mean `alpha-vil`?"),
    ],
)
def test_what_cannot_be_is_refused_with_exit_code_2(arguments, message, tmp_path, monkeypatch, capsys):
    path = make_study(tmp_path)
    code, out, err = call(monkeypatch, capsys, "train", path, "--target", TARGET, *arguments)
    assert code == 2
    assert message in err
    assert out == ""
    assert not (tmp_path / "out").exists()


def epoch(number: int, select: float, events: tuple[str, ...] = ()) -> dict[str, object]:
    tasks = {"T": TaskEpoch(1.0, 0.9, 0.5, 2.0, 0.4), "A": TaskEpoch(0.25, 1.1, -0.125, 3.0, None)}
    return {
        "epoch": number + 1,
        "epochs": 4,
        "of": plain(Epoch(number, tasks, 0.7, 0.6, events, select, gradients=10)),
    }


def drawn(view: LiveTogether) -> str:
    text = io.StringIO()
    Console(file=text, width=100).print(view.picture())
    return text.getvalue()


def test_the_live_view_shows_the_run_its_step_and_the_tasks_of_the_last_epoch():
    view = LiveTogether()
    view.begin({"k": ("alpha-vil", 3), "other": ("alpha-vil", 4)}, 8)
    view.step("k", {"task": "A", "step": 2, "steps": 9, "loss": 0.5})
    assert "alpha-vil, seed 3: A step 2/9, loss 0.500" in drawn(view)
    view.step("k", epoch(0, 0.8))
    view.step("k", epoch(1, 0.6, ("A dropped: made",)))
    view.step("k", {"step": 1, "steps": 9})
    shown = drawn(view)
    assert "0/10 runs" in shown
    assert "alpha-vil, seed 3: epoch 3/4, step 1/9" in shown
    assert "dev loss 0.7000 → 0.6000; dev 0.600, best 0.800 after epoch 1" in shown
    line = next(line for line in shown.splitlines() if line.startswith("A "))
    assert line.split() == ["A", "0.25", "1.1", "−0.125", "3", "–"]


def test_the_count_of_runs_is_of_all_arms_from_the_first_run_on(watched):
    """One seed: the method, then four controls."""
    assert watched[1].begun == [(1, 4), (4, 0)]


def test_the_line_of_a_search_takes_what_multitask_runs_report(monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with Live() as display:
        display._names = {"k": "T with A, B, C and many more tasks (alpha-vil)"}
        display.step("k", {"task": "A", "step": 2, "steps": 9, "loss": 0.5})
        assert display._progress.tasks[0].fields["current"].endswith(": step 2/9, loss 0.500")
        display.step("k", epoch(0, 0.8))
