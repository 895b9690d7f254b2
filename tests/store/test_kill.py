"""A kill between any two steps leaves every folder whole or absent, and a second attempt ends the same."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from tests.store.conftest import make_failure, make_run

from forelearn.core.run import Run
from forelearn.store.directory import Directory
from forelearn.store.gc import collect
from forelearn.store.runs import Runs

SYSTEM_CALLS = ("fsync", "rename", "replace", "mkdir", "rmdir", "unlink", "open", "close", "ftruncate")


class Killed(BaseException):
    """Stands for a kill: nothing may catch it."""


def attempt(root: Path) -> None:
    """What a driver does, with an old failure and a damaged folder in its way."""
    directory = Directory(root)
    folder = directory.work("weights", "w")
    (folder / "model.bin").write_bytes(b"weights" * 100)
    directory.finish("weights", "w")
    files = directory.work("runs", make_run().transfer.key)
    (files / "predictions").write_bytes(b"predictions")
    Runs(directory).put(make_run())
    directory.remove("features", "old")


def prepare(root: Path) -> None:
    directory = Directory(root)
    Runs(directory).put(make_failure())
    (directory.work("weights", "w") / "half").write_text("left by an earlier kill")
    (directory.root / "weights" / "w").mkdir(parents=True)
    (directory.work("features", "old") / "x").write_text("x")
    directory.finish("features", "old")


def contents(root: Path) -> dict[str, bytes]:
    shelves = ("runs", "weights", "features")
    files = [path for shelf in shelves for path in (root / shelf).rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def check_whole_or_absent(root: Path) -> None:
    """Nothing that counts as there is anything but intact."""
    directory = Directory(root)
    runs = Runs(directory)
    intact = {"weights/w/manifest.json"} if (root / "weights/w").exists() else set()
    where = {problem.where.split("/", 1)[1] for problem in runs.verify()}
    # the damaged folder that `prepare` made may still be there, or be gone; nothing else may be damaged
    assert where <= intact
    for outcome in runs.all():
        assert outcome in (make_run(), make_failure())
        assert runs.get(outcome.transfer.key) == outcome
        if isinstance(outcome, Run):
            assert directory.keys("weights") == ["w"]


def finish_and_compare(root: Path, expected: dict[str, bytes]) -> None:
    attempt(root)
    assert contents(root) == expected
    directory = Directory(root)
    collect(directory)
    assert Runs(directory).verify() == []
    assert directory.unfinished("runs") == directory.unfinished("weights") == []
    assert not directory.removed().is_dir() or list(directory.removed().iterdir()) == []


@pytest.fixture
def expected(memory_path: Path) -> dict[str, bytes]:
    prepare(memory_path / "undisturbed")
    attempt(memory_path / "undisturbed")
    return contents(memory_path / "undisturbed")


def test_an_interruption_before_any_system_call_changes_nothing_in_the_end(
    memory_path: Path, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0
    last = sys.maxsize

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == last:
                raise Killed
            return original(*arguments, **named)

        return call

    def disturbed(root: Path) -> bool:
        """True if the attempt was killed at call `last`."""
        nonlocal calls
        calls = 0
        with monkeypatch.context() as patch:
            for name in SYSTEM_CALLS:
                patch.setattr(os, name, counted(getattr(os, name)))
            try:
                attempt(root)
            except Killed:
                return True
        return False

    prepare(memory_path / "0")
    assert not disturbed(memory_path / "0")
    total = calls
    assert total > 40
    for last in range(1, total + 1):
        root = memory_path / str(last)
        prepare(root)
        assert disturbed(root)
        check_whole_or_absent(root)
        finish_and_compare(root, expected)


def killed_at_line(root: Path, last: int) -> bool:
    """Fork, let the child attempt, and SIGKILL it before the `last`-th line of the store."""
    child = os.fork()
    if child == 0:
        lines = 0

        def trace(frame: FrameType, event: str, _: object) -> Any:
            nonlocal lines
            if "forelearn/store" not in frame.f_code.co_filename:
                return None
            if event == "line":
                lines += 1
                if lines == last:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        try:
            attempt(root)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("step", [17, pytest.param(1, marks=pytest.mark.slow)])
def test_sigkill_before_any_line_of_the_store_changes_nothing_in_the_end(
    memory_path: Path, expected: dict[str, bytes], step: int
) -> None:
    last = 1
    while True:
        root = memory_path / str(last)
        prepare(root)
        killed = killed_at_line(root, last)
        check_whole_or_absent(root)
        finish_and_compare(root, expected)
        if not killed:
            break
        last += step
    assert last > 100
