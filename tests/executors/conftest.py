"""Every executor, each by the name that a failing test shows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from forelearn.executors.base import Executor
from forelearn.executors.inline import Inline
from forelearn.executors.local import Local
from forelearn.experiment.feature_shelf import Noting
from forelearn.store.directory import Directory


@pytest.fixture(scope="module", params=["inline", "local-1", "local-3", "noting"])
def executor(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executor]:
    workers = {"local-1": 1, "local-3": 3, "noting": 2}
    made: Executor = Inline() if request.param == "inline" else Local(workers[request.param])
    with made:
        noting = request.param == "noting"
        yield Noting(made, Directory(tmp_path_factory.mktemp("noted"))) if noting else made


@pytest.fixture(scope="module")
def local() -> Iterator[Local]:
    with Local(2, threads=1) as made:
        yield made
