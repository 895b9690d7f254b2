"""Every way to start a driver, and every way to end one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}

ONE_JOB = """
from forelearn.executors.base import Job
from forelearn.executors.local import Local

with Local(2) as local:
    jobs = [Job(str(i), "tests.executors.jobs:double", (i,)) for i in range(3)]
    print([end.value for end in local.run(jobs)])
"""

TWO_ENDLESS_JOBS = """
import sys
from forelearn.executors.base import Job
from forelearn.executors.local import Local

local = Local(2)
jobs = [Job(key, "tests.executors.jobs:forever") for key in "ab"]
try:
    local.run(jobs, on_step=lambda key, step: print(step["pid"], flush=True))
except KeyboardInterrupt:
    print("interrupted", local.run([Job("a", "tests.executors.jobs:double", (1,))])[0].value, flush=True)
    local.close()
    sys.exit(130)
"""


@pytest.mark.parametrize(
    "how", ["script without a guard", "file without a suffix", "-c", "standard input", "-m"]
)
def test_workers_start_whatever_the_driver_is(how: str, tmp_path: Path) -> None:
    command, text = [sys.executable], None
    match how:
        case "script without a guard":
            (tmp_path / "driver.py").write_text(ONE_JOB)
            command += [str(tmp_path / "driver.py")]
        case "file without a suffix":
            (tmp_path / "forelearn-like").write_text(ONE_JOB)
            command += [str(tmp_path / "forelearn-like")]
        case "-c":
            command += ["-c", ONE_JOB]
        case "standard input":
            # what a notebook looks like: a `__main__` that has no file
            text = ONE_JOB
        case "-m":
            (tmp_path / "driver_module.py").write_text(ONE_JOB)
            command += ["-m", "driver_module"]
    environment = ENVIRONMENT | {"PYTHONPATH": f"{ENVIRONMENT['PYTHONPATH']}{os.pathsep}{tmp_path}"}
    ended = subprocess.run(
        command, input=text, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stdout == "[0, 2, 4]\n"
    assert ended.stderr == ""


def _with_usual_signals() -> None:
    """A suite that was started with `nohup` or in the background hands on signals that are ignored."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def start_endless() -> tuple[subprocess.Popen[str], list[int]]:
    driver = subprocess.Popen(
        [sys.executable, "-c", TWO_ENDLESS_JOBS],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_with_usual_signals,
    )
    assert driver.stdout is not None
    return driver, [int(driver.stdout.readline()) for _ in range(2)]


def is_alive(pid: int) -> bool:
    """False for a process that is gone, or dead and not yet collected by whoever inherited it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    try:
        return state.read_text().rsplit(")", 1)[1].split()[0] != "Z" if state.parent.parent.is_dir() else True
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 10
    while any(map(is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_alive, pids))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_workers_end_with_a_driver_that_is_killed(number: signal.Signals) -> None:
    driver, pids = start_endless()
    assert all(map(is_alive, pids))
    os.kill(driver.pid, number)
    driver.communicate(timeout=30)
    wait_until_gone(pids)


@pytest.mark.parametrize("whom", ["driver", "everybody"])
def test_ctrl_c_ends_the_workers_quietly_and_reaches_the_driver(whom: str) -> None:
    """A terminal sends Ctrl-C to every process of its group; a notebook's stop button to the driver alone."""
    driver, pids = start_endless()
    if whom == "driver":
        os.kill(driver.pid, signal.SIGINT)
    else:
        os.killpg(driver.pid, signal.SIGINT)
    out, err = driver.communicate(timeout=30)
    assert out == "interrupted 2\n"
    assert err == ""
    assert driver.returncode == 130
    wait_until_gone(pids)
