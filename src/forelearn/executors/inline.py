"""Jobs one after the other in this process: for tests, debugging and drivers that want no other process."""

from __future__ import annotations

import pickle
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from forelearn.executors.base import Broken, End, Job, OnEnd, OnStep, check_keys, pack, perform, unpack


class Inline:
    """The executor without workers. Threads and devices are those of this process.

    Not covered: a job that kills its process kills the driver.
    """

    def run(
        self, jobs: Sequence[Job], *, on_step: OnStep | None = None, on_end: OnEnd | None = None
    ) -> list[End]:
        """Do all jobs in turn; see `Executor.run`."""
        check_keys(jobs)
        ends: list[End] = []
        for job in jobs:
            packed = pack(job)
            began = time.monotonic()
            end = packed if isinstance(packed, Broken) else self._done(packed, job.key, on_step)
            if isinstance(end, Broken):
                end = replace(end, seconds=time.monotonic() - began)
            ends.append(end)
            if on_end is not None:
                on_end(end)
        return ends

    def close(self) -> None:
        """Nothing to end."""

    def __enter__(self) -> Self:
        """The executor itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to end."""

    @staticmethod
    def _done(packed: bytes, key: str, on_step: OnStep | None) -> End:
        def report(step: Mapping[str, Any]) -> None:
            # as a worker would send it, so that what cannot be sent is noticed here too
            copy = pickle.loads(pickle.dumps(dict(step)))
            if on_step is None:
                return
            try:
                on_step(key, copy)
            except Exception as error:
                raise _DriverFailed(error) from error

        try:
            return unpack(perform(packed, key, report), key)
        except _DriverFailed as failed:
            raise failed.error from None


class _DriverFailed(BaseException):
    """Carries what the driver's own callback raised through the job, which must not catch it as its own."""

    def __init__(self, error: Exception) -> None:
        self.error = error
