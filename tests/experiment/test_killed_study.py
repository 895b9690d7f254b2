"""A study that is killed again and again ends with the same table as one that is not."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from tests.families import small_study, without_costs

from forelearn.core.run import Failure
from forelearn.core.transfer import Source, Transfer
from forelearn.executors.base import Broken
from forelearn.experiment import api
from forelearn.experiment.drive import Silent, run_transfers
from forelearn.experiment.jobs import train_job
from forelearn.experiment.opening import Options
from forelearn.experiment.prepare import built
from forelearn.store.directory import Directory
from forelearn.store.gc import collect
from forelearn.store.runs import Runs
from forelearn.training.multitask.methods import multitask


def start(study: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "forelearn", "run", str(study), "--workers", "2"]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    )


def finished(study: Path) -> int:
    runs = study.parent / "out" / "runs"
    return len(list(runs.iterdir())) if runs.is_dir() else 0


@pytest.mark.slow
def test_ten_kills_at_random_moments_change_no_number(tmp_path):
    """SIGKILL takes driver and workers at once, at moments spread over the whole study."""
    undisturbed = small_study(tmp_path / "undisturbed", budget="60 runs")
    process = start(undisturbed)
    assert process.wait(timeout=600) == 0
    runs = [outcome.transfer for outcome in Runs(Directory(undisturbed.parent / "out")).all()]
    assert {transfer.seed for transfer in runs if transfer.sources} >= {0, 1, 500}, "replicates, confirmation"
    expected = json.loads((undisturbed.parent / "out" / "results.json").read_text(encoding="utf-8"))
    total = finished(undisturbed)
    chance = random.Random(5)
    killed = small_study(tmp_path / "killed", budget="60 runs")
    moments = sorted(chance.randrange(total) for _ in range(10))
    for moment in moments:
        process = start(killed)
        deadline = time.monotonic() + 300
        # wait until `moment` runs are in the store, then for a part of the next one
        while finished(killed) < moment and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(chance.random() * 0.5)
        assert process.poll() is None, process.stderr and process.stderr.read().decode()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    process = start(killed)
    assert process.wait(timeout=600) == 0
    result = json.loads((killed.parent / "out" / "results.json").read_text(encoding="utf-8"))
    assert without_costs(result) == without_costs(expected)
    assert {folder.name for folder in (killed.parent / "out" / "runs").iterdir()} == {
        folder.name for folder in (undisturbed.parent / "out" / "runs").iterdir()
    }


class Killed(BaseException):
    """What a kill is to the process that it ends."""


@pytest.mark.parametrize("together", [False, True])
def test_a_kill_while_a_run_is_being_stored_loses_no_training(together, tmp_path, monkeypatch):
    """A checkpoint follows every step but the last (of joint training: every epoch but the last)."""
    prepared = built(api.open_prepared(small_study(tmp_path, tasks=2), Options()))
    space, directory = prepared.space, prepared.directory
    recipe, (target, other) = space.recipes[0], space.targets
    transfer = Transfer(target, space.encoder, recipe, 0)
    if together:
        auxiliary = (Source(other, recipe),)
        transfer = replace(
            transfer, sources=auxiliary, mode="multitask", multitask=multitask("multitask", {})
        )
    name = "multitask.train.train_together" if together else "sequential.train"
    module, function = f"forelearn.training.{name}".rsplit(".", 1)
    real = getattr(__import__(module, fromlist=[function]), function)
    monkeypatch.setattr(f"{module}.{function}", partial(real, checkpoint_seconds=0.0))
    monkeypatch.setattr("forelearn.training.multitask.fit._SPARING", 0.0)
    reports = []
    job = partial(
        train_job,
        prepared.place,
        transfer.as_json(),
        str(prepared.start(transfer)),
        report=lambda state: reports.append(dict(state)),
    )

    def kill(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Runs, "put", kill)
        with pytest.raises(Killed):
            job()
    whole = len(reports)
    assert not collect(directory, dry_run=True), "what goes on from a checkpoint is not tidied away"
    reports.clear()
    job()
    assert len(reports) < whole / 2
    stored = directory.whole("runs", transfer.key)
    assert not [file for file in stored.rglob("*") if file.name in ("checkpoint", "state.safetensors")]
    assert directory.whole("weights", transfer.key)
    assert not [shelf for shelf in ("runs", "weights", "checkpoints") if directory.unfinished(shelf)]


class Dying:
    """An executor whose worker leaves a checkpoint and dies, or fails by an exception."""

    def __init__(self, directory: Directory, detail: str) -> None:
        self.directory, self.detail = directory, detail

    def run(self, jobs, *, on_step=None, on_end=None):
        for job in jobs:
            (self.directory.work("checkpoints", job.key) / "state").write_text("three epochs")
            on_end(Broken(job.key, "worker was killed by signal 9 twice", self.detail, 60.0))

    def close(self) -> None:
        pass


@pytest.mark.parametrize("detail", ["", "Traceback …"])
def test_a_run_whose_worker_died_can_go_on_from_its_checkpoint(detail, tmp_path):
    """What an exception ends starts anew: another try would go the same way."""
    prepared = built(api.open_prepared(small_study(tmp_path, tasks=2), Options()))
    space, directory = prepared.space, prepared.directory
    transfer = Transfer(space.targets[0], space.encoder, space.recipes[0], 0)
    (failure,) = run_transfers(prepared, [transfer], Dying(directory, detail), Silent())
    assert isinstance(failure, Failure)
    collect(directory)
    assert directory.unfinished("checkpoints") == ([] if detail else [transfer.key])
