"""Features in the store: what workers made of models and texts, or why they could not.

A search starts from the features of its candidates. One that failed and came off at the next start would change what
is believed of every candidate, hence which runs are asked for: those that have run would not be told. So the failure
of a feature is a value, as that of a run is: it stays until failures are tried again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from forelearn.executors.base import Broken, End, Executor, Job, OnEnd, OnStep
from forelearn.store.directory import Directory

BROKEN = "broken.json"
AGAIN = " (`forelearn run --retry-failed` tries it again)"
"""Said after the reason of a failure that is stored."""


def computed(directory: Directory, key: str) -> Path | None:
    """The folder of a feature that is there; None for one that is not, or could not be computed."""
    folder = directory.whole("features", key)
    return None if folder is None or (folder / BROKEN).is_file() else folder


def why_broken(directory: Directory, key: str) -> str | None:
    """Why a search could not compute a feature; None if it has not tried, or has it."""
    folder = directory.whole("features", key)
    if folder is None or not (folder / BROKEN).is_file():
        return None
    reason: str = json.loads((folder / BROKEN).read_text(encoding="utf-8"))["reason"]
    return reason


def forget_broken(directory: Directory) -> None:
    """Every feature that could not be computed is to be tried again."""
    for key in directory.keys("features"):
        if why_broken(directory, key) is not None:
            directory.remove("features", key)


class Noting:
    """An executor of features that puts what fails into the store. The caller holds the store's lock."""

    def __init__(self, executor: Executor, directory: Directory) -> None:
        self.executor = executor
        self.directory = directory

    def run(
        self, jobs: Sequence[Job], *, on_step: OnStep | None = None, on_end: OnEnd | None = None
    ) -> list[End]:
        """As the executor does. What a full disk broke is not noted."""
        ended = self.executor.run(jobs, on_step=on_step, on_end=on_end)
        for end in ended:
            if isinstance(end, Broken) and not end.full:
                self._put(end)
        return ended

    def close(self) -> None:
        """Nothing: the executor is somebody else's."""

    def __enter__(self) -> Noting:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing."""

    def _put(self, end: Broken) -> None:
        self.directory.discard("features", end.key)
        folder = self.directory.work("features", end.key)
        text = json.dumps({"reason": end.reason}, ensure_ascii=False)
        (folder / BROKEN).write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
        self.directory.finish("features", end.key)
