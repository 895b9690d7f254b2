"""The commands as a person runs them: output, exit codes, nothing half-written."""

import json
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from tests.broken_studies import BROKEN, EXPECTED, good
from tests.families import SMALL, small_study

import forelearn.cli
from forelearn.tasks.synthetic import family

pytestmark = pytest.mark.slow


def call(monkeypatch, capsys, *arguments: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `forelearn ARGUMENTS`."""
    monkeypatch.setattr(sys, "argv", ["forelearn", *map(str, arguments)])
    try:
        forelearn.cli.main()
        code = 0
    except SystemExit as leaving:
        code = int(leaving.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def tree(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*")}


@pytest.fixture(scope="module")
def run_study(tmp_path_factory) -> Path:
    from forelearn.experiment import api
    from forelearn.experiment.opening import Options

    study = small_study(tmp_path_factory.mktemp("cli"))
    api.search(study, Options(workers=1))
    return study


@pytest.mark.parametrize("name", BROKEN)
def test_check_refuses_a_broken_study_with_exit_code_2_and_writes_nothing(
    name, tmp_path, monkeypatch, capsys
):
    study = BROKEN[name](tmp_path)
    before = tree(tmp_path)
    code, _, err = call(monkeypatch, capsys, "check", study)
    assert code == 2
    where, what = EXPECTED[name]
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert where in errors[0]
    assert what in errors[0]
    assert tree(tmp_path) == before


@pytest.mark.parametrize("command", ["run", "rank", "report", "status", "ask", "explain"])
def test_every_command_refuses_a_broken_study_alike(command, tmp_path, monkeypatch, capsys):
    study = good(tmp_path, study='name = "broken"\nencodr = "tiny"\n')
    before = tree(tmp_path)
    arguments = ["key", "--study", study] if command == "explain" else [study]
    code, out, err = call(monkeypatch, capsys, command, *arguments)
    assert code == 2
    assert "Did you mean `encoder`?" in err
    assert out == ""
    assert tree(tmp_path) == before


def test_check_of_a_good_study_prints_positives_and_prevalence(tmp_path, monkeypatch, capsys):
    code, out, err = call(monkeypatch, capsys, "check", good(tmp_path))
    assert code == 0
    assert "%" in out
    assert "Nothing was written" in err


def test_help_names_every_command_and_loads_no_torch():
    began = time.monotonic()
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.argv = ['forelearn', '--help']\n"
            "import forelearn.cli\n"
            "try:\n    forelearn.cli.main()\n"
            "except SystemExit: pass\n"
            "print('torch' in sys.modules, 'transformers' in sys.modules, 'numpy' in sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert time.monotonic() - began < 60
    for command in [
        "demo",
        "init",
        "check",
        "run",
        "train",
        "rank",
        "report",
        "status",
        "explain",
        "export",
        "verify",
        "gc",
        "ask",
        "tell",
    ]:
        assert f" {command} " in done.stdout
    assert done.stdout.endswith("False False False\n")


def test_an_unknown_command_is_refused_with_exit_code_2(monkeypatch, capsys):
    code, _, err = call(monkeypatch, capsys, "rum")
    assert code == 2
    assert "rum" in err


@pytest.mark.parametrize(
    "arguments", [["rank", "x", "--by", "list"], ["--help"], ["check", "STUDY", "--json"]]
)
def test_a_reader_that_closes_its_pipe_has_seen_enough(arguments, tmp_path):
    """Long or short, printed by typer, rich or us: exit code 0, and not a word on stderr of the pipe."""
    study = good(tmp_path) if "STUDY" in arguments else tmp_path
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "forelearn", *(str(study) if it == "STUDY" else it for it in arguments)]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert done.returncode == 0
    assert "ipe" not in done.stderr


def test_a_closed_pipe_hides_no_refusal(tmp_path):
    study = good(tmp_path, study='name = "broken"\nencodr = "tiny"\n')
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "forelearn", "status", str(study)]
    assert subprocess.run(command, stdout=write, stderr=subprocess.DEVNULL).returncode == 2
    os.close(write)


def test_status_verify_and_gc_of_a_finished_study(run_study, monkeypatch, capsys):
    code, out, _ = call(monkeypatch, capsys, "status", run_study)
    assert code == 0
    assert "done" in out
    code, out, _ = call(monkeypatch, capsys, "status", run_study, "--json")
    assert json.loads(out)["failed"] == []
    code, out, _ = call(monkeypatch, capsys, "verify", run_study)
    assert code == 0
    assert "0 problems" in out
    code, out, _ = call(monkeypatch, capsys, "gc", run_study, "--dry-run")
    assert code == 0
    assert "would be freed" in out


def test_report_prints_answers_and_writes_the_page_json_and_csv(run_study, tmp_path, monkeypatch, capsys):
    code, out, _ = call(monkeypatch, capsys, "report", run_study)
    assert code == 0
    assert "01-amber" in out
    page = tmp_path / "page.html"
    assert call(monkeypatch, capsys, "report", run_study, "-o", page)[0] == 0
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    _, out, _ = call(monkeypatch, capsys, "report", run_study, "--json")
    assert len(json.loads(out)["answers"]) == 4
    _, out, _ = call(monkeypatch, capsys, "report", run_study, "--csv")
    assert out.startswith("source,target,metric,mode,status")


def test_explain_traces_a_run_to_its_source_part(run_study, monkeypatch, capsys):
    _, out, _ = call(monkeypatch, capsys, "report", run_study, "--json")
    pair = next(row for row in json.loads(out)["pairs"] if row["keys"])
    code, out, _ = call(monkeypatch, capsys, "explain", pair["keys"][0], "--study", run_study)
    assert code == 0
    assert f"{pair['source']} → {pair['target']}" in out
    assert "after " in out
    code, _, err = call(monkeypatch, capsys, "explain", "0" * 20, "--study", run_study)
    assert code == 2
    assert "is not in the store" in err


def test_a_pair_that_has_not_run_is_named_as_such(run_study, monkeypatch, capsys):
    code, _, err = call(monkeypatch, capsys, "explain", "nobody->01-amber", "--study", run_study)
    assert code == 2
    assert "is not in the study" in err


def test_export_hands_out_a_folder_that_pipeline_loads(run_study, tmp_path, monkeypatch, capsys):
    _, out, _ = call(monkeypatch, capsys, "report", run_study, "--json")
    key = json.loads(out)["baselines"][0]["keys"][0]
    folder = tmp_path / "model"
    code, _, _ = call(monkeypatch, capsys, "export", key, folder, "--study", run_study)
    assert code == 0
    from transformers import pipeline

    answer = pipeline("text-classification", str(folder))("some words")
    assert answer[0]["label"] in ("yes", "no")
    assert "# " in (folder / "README.md").read_text(encoding="utf-8")
    code, _, err = call(monkeypatch, capsys, "export", key, folder, "--study", run_study)
    assert code == 2
    assert str(folder) in err


def test_damage_is_found_by_verify_with_exit_code_1(tmp_path, monkeypatch, capsys):
    from forelearn.experiment import api

    study = small_study(tmp_path)
    outcome, _ = api.train(study, "01-amber")
    file = tmp_path / "out" / "runs" / outcome.transfer.key / "predictions.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    code, _, err = call(monkeypatch, capsys, "verify", study)
    assert code == 1
    assert "predictions.safetensors" in err


def test_dry_run_says_what_it_would_cost_and_trains_nothing(tmp_path, monkeypatch, capsys):
    study = small_study(tmp_path)
    code, out, _ = call(monkeypatch, capsys, "run", study, "--dry-run")
    assert code == 0
    assert "baselines:   8 runs" in out
    assert not (tmp_path / "out" / "runs").exists()


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--budget", "0 runs", "above 0"),
        ("--budget", "lots", "not a budget"),
        ("--workers", "-1", "at least 0"),
        ("--limit", "1", "at least 2"),
        ("--device", "tpu", "--device: `tpu` is no device. Say auto, cpu, mps, cuda"),
        ("--seed", "-3", "at least 0"),
    ],
)
def test_a_bad_option_is_refused_with_the_rule(option, value, message, tmp_path, monkeypatch, capsys):
    study = small_study(tmp_path)
    code, _, err = call(monkeypatch, capsys, "run", study, option, value)
    assert code == 2
    assert message in err
    assert not (tmp_path / "out").exists()


def test_init_then_check_is_a_study_that_runs(tmp_path, monkeypatch, capsys):
    small_study(tmp_path)
    (tmp_path / "study.toml").unlink()
    code, out, err = call(monkeypatch, capsys, "init", tmp_path / "data")
    assert code == 0
    assert "guessed: " in err
    path = Path(out.strip())
    assert call(monkeypatch, capsys, "check", path)[0] == 0
    code, _, err = call(monkeypatch, capsys, "init", tmp_path / "data")
    assert code == 2
    assert "exists already" in err


def test_an_interrupted_run_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    from forelearn.experiment import api

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(api, "search", interrupted)
    code, _, err = call(monkeypatch, capsys, "run", small_study(tmp_path))
    assert code == 130
    assert "start again to go on" in err


def test_a_second_driver_is_turned_away(tmp_path, monkeypatch, capsys):
    from forelearn.experiment import api

    study = small_study(tmp_path)
    with api.open_prepared(study).directory.lock():
        code, _, err = call(monkeypatch, capsys, "run", study, "--workers", "1")
    assert code == 1
    assert "process" in err


def test_the_version_is_said_and_nothing_else(monkeypatch, capsys):
    from forelearn import __version__

    assert call(monkeypatch, capsys, "--version") == (0, f"forelearn {__version__}\n", "")


def test_a_failure_is_told_on_the_command_line(tmp_path, monkeypatch, capsys):
    study = small_study(tmp_path)
    first = json.loads(call(monkeypatch, capsys, "ask", study, "--json")[1])[0]
    code, out, _ = call(
        monkeypatch, capsys, "tell", study, "--key", first["key"], "--failed", "node lost", "--seconds", "7"
    )
    assert code == 0
    assert out.endswith("recorded as failed\n")
    asked = json.loads(call(monkeypatch, capsys, "ask", study, "--json")[1])
    assert first["key"] not in {transfer["key"] for transfer in asked}
    assert "node lost" in (tmp_path / "out" / "runs" / first["key"] / "run.json").read_text(encoding="utf-8")
    code, _, err = call(monkeypatch, capsys, "tell", study, "--key", asked[0]["key"])
    assert code == 2
    assert "Give dev average_precision=VALUE." in err


@pytest.mark.slow
@pytest.mark.parametrize("null", [False, True])
def test_the_demo_runs_from_generated_tasks_to_answers_and_page(tmp_path, monkeypatch, capsys, null):
    """Three small tasks in place of twelve; the study file, the recipe and the encoder are the demo's."""
    monkeypatch.setattr("forelearn.experiment.demo.family", partial(family, tasks=3, design=SMALL))
    out = tmp_path / "demo"
    code, said, _ = call(
        monkeypatch, capsys, "demo", "--out", out, "--workers", "1", "--json", *(["--null"] if null else [])
    )
    assert code == 0
    result = json.loads(said)
    assert len(result["answers"]) == 3
    assert result["study"] == ("demo-null-0" if null else "demo-0")
    assert not result["failures"]
    assert (out / "out" / "report.html").is_file()
    assert call(monkeypatch, capsys, "report", out)[0] == 0
