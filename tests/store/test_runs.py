from __future__ import annotations

import json
import math
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests.store.conftest import make_failure, make_run, make_stopped, make_transfer

from forelearn.core.keys import digest
from forelearn.store.directory import Directory
from forelearn.store.environment import Surroundings, describe_environment
from forelearn.store.runs import Runs


def test_what_is_put_is_got_bit_for_bit(runs: Runs) -> None:
    for seed in range(3):
        runs.put(make_run(seed, value=math.pi / (seed + 4)))
    for seed in range(3):
        assert runs.get(make_transfer(seed).key) == make_run(seed, value=math.pi / (seed + 4))
    assert runs.get("0" * 20) is None


def test_all_returns_every_outcome_in_the_order_of_keys(runs: Runs) -> None:
    outcomes = [make_run(0), make_failure(1), make_run(2), make_failure(3), make_stopped(4)]
    for outcome in reversed(outcomes):
        runs.put(outcome)
    assert runs.all() == sorted(outcomes, key=lambda outcome: outcome.transfer.key)


def test_all_of_a_study_that_does_not_exist_is_empty_and_writes_nothing(runs: Runs) -> None:
    assert runs.all() == []
    assert not runs.directory.root.exists()


def test_a_run_replaces_a_failure_but_nothing_replaces_a_run(runs: Runs) -> None:
    key = make_transfer().key
    runs.put(make_failure(reason="first"))
    runs.put(make_failure(reason="second"))
    assert runs.get(key) == make_failure(reason="second")
    runs.put(make_run(value=0.5))
    runs.put(make_failure())
    runs.put(make_run(value=0.75))
    assert runs.get(key) == make_run(value=0.5)
    assert runs.all() == [make_run(value=0.5)]
    assert runs.directory.unfinished("runs") == []


def test_a_run_replaces_a_stopped_one_but_not_the_other_way_round(runs: Runs) -> None:
    key = make_transfer().key
    runs.put(make_failure())
    runs.put(make_stopped())
    assert runs.get(key) == make_stopped()
    runs.put(make_run())
    runs.put(make_stopped())
    assert runs.get(key) == make_run()
    assert runs.all() == [make_run()]
    assert runs.verify() == []


def test_a_run_keeps_the_files_of_its_work_and_a_failure_does_not(runs: Runs) -> None:
    for outcome, kept in ((make_run(0), True), (make_failure(1), False), (make_stopped(2), True)):
        (runs.directory.work("runs", outcome.transfer.key) / "curve.json").write_text("[]")
        folder = runs.put(outcome)
        assert (folder / "curve.json").exists() == kept


def test_a_failure_drops_the_checkpoint_of_its_attempt(runs: Runs) -> None:
    (runs.directory.work("checkpoints", make_transfer().key) / "state").write_text("")
    runs.put(make_failure())
    assert runs.directory.unfinished("checkpoints") == []


def test_a_failure_whose_worker_died_keeps_its_checkpoint_until_it_has_run(runs: Runs) -> None:
    key = make_transfer().key
    (runs.directory.work("checkpoints", key) / "state").write_text("")
    runs.put(make_failure(), keep_checkpoint=True)
    runs.forget(key)
    assert runs.directory.unfinished("checkpoints") == [key]
    assert (runs.directory.work("checkpoints", key) / "state").exists()


def test_forgetting_makes_room_for_another_try(runs: Runs) -> None:
    runs.put(make_failure())
    runs.forget(make_transfer().key)
    runs.forget(make_transfer().key)
    assert runs.get(make_transfer().key) is None
    assert runs.all() == []


def test_a_reason_with_markup_and_bytes_that_are_not_utf8_is_kept(runs: Runs) -> None:
    reason = "OSError: <script>'\udcff'\n\u2028"
    runs.put(make_failure(reason=reason))
    assert runs.all() == [make_failure(reason=reason)]


@pytest.mark.parametrize("damage", ["flip", "cut", "no manifest", "not json", "other key", "missing field"])
def test_a_damaged_outcome_is_absent_is_reported_and_can_be_made_again(runs: Runs, damage: str) -> None:
    """`not json`, `other key` and `missing field` come with a manifest that fits them."""
    runs.put(make_run(0))
    folder = runs.put(make_run(1))
    key = make_transfer(1).key
    assert len(runs.all()) == 2
    file = folder / "run.json"
    match damage:
        case "flip":
            file.write_text(file.read_text().replace("0.1", "0.9"))
        case "cut":
            file.write_text(file.read_text()[:-10])
        case "no manifest":
            (folder / "manifest.json").unlink()
        case "not json" | "other key" | "missing field":
            text = {
                "not json": "{",
                "other key": file.read_text().replace('"seed": 1', '"seed": 5'),
                "missing field": file.read_text().replace('"cost"', '"coast"'),
            }[damage]
            runs.forget(key)
            (runs.directory.work("runs", key) / "run.json").write_text(text)
            runs.directory.finish("runs", key)
    assert runs.get(key) is None
    assert runs.all() == [make_run(0)]
    assert {problem.where.split("/")[2] for problem in runs.verify()} == {key}
    runs.put(make_run(1))
    assert runs.get(key) == make_run(1)
    assert len(runs.all()) == 2
    assert runs.verify() == []


def test_a_run_that_lost_a_file_is_absent_from_get_and_all_alike(runs: Runs) -> None:
    (runs.directory.work("runs", make_transfer().key) / "predictions").write_text("1 2 3")
    folder = runs.put(make_run())
    assert runs.all() == [make_run()]
    (folder / "predictions").unlink()
    assert runs.get(make_transfer().key) is None
    assert runs.all() == []


def corrupt(file: Path, how: str) -> None:
    match how:
        case "missing":
            file.unlink()
        case "not a database":
            file.write_bytes(b"hello" * 1000)
        case "empty":
            file.write_bytes(b"")
        case "torn":
            data = bytearray(file.read_bytes())
            data[100:] = b"\xff" * (len(data) - 100)
            file.write_bytes(bytes(data))
        case _:
            statement = {
                "other version": "PRAGMA user_version = 7",
                "other table": "DROP TABLE runs",
                "other columns": "ALTER TABLE runs DROP COLUMN text",
                "false row": "UPDATE runs SET text = replace(text, '0.1', '0.9')",
                "stale row": "UPDATE runs SET stamp = 'x'",
                "lost row": "DELETE FROM runs",
                "invented row": "INSERT INTO runs SELECT 'zz', stamp, text, sha256 FROM runs LIMIT 1",
                "other types": "UPDATE runs SET text = 5, sha256 = x'00'",
            }[how]
            with sqlite3.connect(file) as connection:
                connection.execute(statement)
            connection.close()


@pytest.mark.parametrize(
    "how",
    [
        "missing", "not a database", "empty", "torn", "other version", "other table", "other columns",
        "false row", "stale row", "lost row", "invented row", "other types",
    ],
)  # fmt: skip
def test_whatever_happens_to_the_index_the_folders_decide(runs: Runs, how: str) -> None:
    outcomes = sorted((make_run(seed) for seed in range(5)), key=lambda run: run.transfer.key)
    for outcome in outcomes:
        runs.put(outcome)
    assert runs.all() == outcomes
    corrupt(runs.directory.root / "index.sqlite", how)
    assert runs.all() == outcomes
    assert Runs(Directory(runs.directory.root)).all() == outcomes


def test_an_index_that_cannot_be_written_costs_time_only(runs: Runs) -> None:
    runs.put(make_run())
    (runs.directory.root / "index.sqlite").mkdir()
    assert runs.all() == [make_run()]


def test_the_index_saves_reading_the_folders(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(3):
        runs.put(make_run(seed))
    runs.all()
    read: list[str] = []
    original = runs._trusted
    monkeypatch.setattr(runs, "_trusted", lambda key: read.append(key) or original(key))
    runs.all()
    assert read == []
    runs.put(make_run(7))
    runs.all()
    assert read == [make_transfer(7).key]


def test_the_environment_is_recorded_beside_the_run(runs: Runs) -> None:
    folder = runs.put(make_run(), surroundings=Surroundings(device="cpu", threads=1, precision="fp32"))
    recorded = json.loads((folder / "environment.json").read_text())
    assert recorded["device"] == "cpu"
    assert recorded["threads"] == 1
    assert recorded["precision"] == "fp32"
    assert recorded["packages"]["torch"]
    assert recorded["python"].startswith("3.")
    assert digest(recorded) == digest(describe_environment(Surroundings("cpu", 1, "fp32")))


WRITE = """
import sys, pathlib
from forelearn.store.directory import Directory
from forelearn.store.runs import Runs
from tests.store.conftest import make_failure, make_run
runs = Runs(Directory(pathlib.Path(sys.argv[1])))
for seed in range(int(sys.argv[2]), 60, 3):
    runs.put(make_failure(seed))
    runs.put(make_run(seed))
"""


def test_three_workers_may_write_while_others_read(runs: Runs) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    workers = [
        subprocess.Popen([sys.executable, "-c", WRITE, str(runs.directory.root), str(start)], env=environment)
        for start in range(3)
    ]
    expected = sorted((make_run(seed) for seed in range(60)), key=lambda run: run.transfer.key)
    while any(worker.poll() is None for worker in workers):
        seen = runs.all()
        assert all(outcome in (make_run(s := outcome.transfer.seed), make_failure(s)) for outcome in seen)
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    assert runs.all() == expected
    assert runs.verify() == []


@pytest.mark.slow
def test_an_index_that_another_process_is_writing_costs_time_only(runs: Runs) -> None:
    runs.put(make_run(0))
    runs.all()
    runs.put(make_run(1))
    other = sqlite3.connect(runs.directory.root / "index.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert len(runs.all()) == 2
    other.execute("ROLLBACK")
    other.close()
    assert len(runs.all()) == 2


def test_an_outcome_is_read_by_one_look_at_its_manifest(runs: Runs, monkeypatch) -> None:
    runs.put(make_run())
    read = []
    real = Path.read_text

    def noted(path: Path, *given: object, **named: object) -> str:
        read.append(path.name)
        return real(path, *given, **named)

    monkeypatch.setattr(Path, "read_text", noted)
    assert runs.get(make_transfer().key) == make_run()
    assert sorted(read) == ["manifest.json", "run.json"]
