from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from forelearn.core.errors import ForelearnError
from forelearn.store.directory import Directory

HOLD = """
import sys, pathlib
from forelearn.store.directory import Directory
with Directory(pathlib.Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def start_driver(root: Path) -> subprocess.Popen[str]:
    driver = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert driver.stdout is not None
    assert driver.stdout.readline() == "held\n"
    return driver


def test_a_second_driver_is_told_the_first_ones_pid_and_what_to_do(directory: Directory) -> None:
    with start_driver(directory.root) as driver:
        with (
            pytest.raises(ForelearnError, match=rf"process {driver.pid} .*kill {driver.pid}"),
            directory.lock(),
        ):
            pass
        driver.kill()


def test_a_killed_driver_holds_nothing(directory: Directory) -> None:
    with start_driver(directory.root) as driver:
        os.kill(driver.pid, signal.SIGKILL)
        driver.wait()
        with directory.lock():
            pass


def test_the_lock_is_free_after_its_block_even_if_the_block_raises(directory: Directory) -> None:
    with pytest.raises(RuntimeError), directory.lock():
        raise RuntimeError
    with directory.lock(), pytest.raises(ForelearnError, match=f"process {os.getpid()}"), directory.lock():
        pass


def test_a_lock_file_with_nonsense_in_it_does_not_matter(directory: Directory) -> None:
    directory.root.mkdir(parents=True)
    (directory.root / "driver.lock").write_text("nonsense that is longer than what is written over it" * 9)
    with directory.lock():
        (directory.root / "driver.lock").write_text("nonsense")
        with pytest.raises(ForelearnError, match="another driver"), directory.lock():
            pass


def test_a_file_system_without_locks_is_named(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(descriptor: int, how: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", none)
    with pytest.raises(ForelearnError, match=r"takes no locks .*--out"), directory.lock():
        pass
