"""Outcomes to put on the shelves."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forelearn.core.recipe import Recipe
from forelearn.core.run import Cost, Failure, Performance, Run, Stopped
from forelearn.core.task import Task
from forelearn.core.transfer import Encoder, Source, Transfer
from forelearn.store.directory import Directory
from forelearn.store.runs import Runs


def make_transfer(seed: int = 0) -> Transfer:
    target = Task("flood \u2192 <b>", "binary", "average_precision", "d1")
    source = Source(task=Task("fire", "binary", "f1", "d2"), recipe=Recipe(epochs=2))
    return Transfer(target, Encoder("tiny", "e1"), Recipe(), seed, (source,))


def make_run(seed: int = 0, value: float = 0.1) -> Run:
    measures = {"average_precision": value, "f1": 1 / 3}
    return Run(
        make_transfer(seed), Performance(measures, measures), Cost(12.5, 0.25), "2026-01-02T03:04:05+00:00"
    )


def make_failure(seed: int = 0, reason: str = "MemoryError: out of memory") -> Failure:
    return Failure(make_transfer(seed), reason, Cost(1.0, 0.5), "2026-01-02T03:04:05+00:00")


def make_stopped(seed: int = 0, dev: float = 1 / 7) -> Stopped:
    return Stopped(make_transfer(seed), 1, dev, 0.4, Cost(3.0, 0.1), "2026-01-02T03:04:05+00:00")


@pytest.fixture
def memory_path() -> Iterator[Path]:
    """A fresh folder, in memory where the system offers that: hundreds of syncs to a busy disk take minutes."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture
def directory(memory_path: Path) -> Directory:
    return Directory(memory_path / "study")


@pytest.fixture
def runs(directory: Directory) -> Runs:
    return Runs(directory)


@pytest.fixture
def fill() -> Callable[[Directory, str], None]:
    def filled(directory: Directory, key: str) -> None:
        folder = directory.work("weights", key)
        (folder / "deep").mkdir(exist_ok=True)
        (folder / "model.bin").write_bytes(bytes(range(256)) * 20)
        (folder / "deep" / "vocab.txt").write_text("\u00e4\n")

    return filled
