"""Every executor, each by the name that a failing test shows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from forelearn.executors.base import Executor
from forelearn.executors.inline import Inline
from forelearn.executors.local import Local


@pytest.fixture(scope="module", params=["inline", "local-1", "local-3"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    made: Executor = Inline() if request.param == "inline" else Local(int(request.param[-1]))
    with made:
        yield made


@pytest.fixture(scope="module")
def local() -> Iterator[Local]:
    with Local(2, threads=1) as made:
        yield made
