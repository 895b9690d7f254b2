"""A study that is killed again and again ends with the same table as one that is not."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.families import small_study, without_costs

from forelearn.store.directory import Directory
from forelearn.store.runs import Runs


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
