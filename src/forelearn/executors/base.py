"""Jobs, what comes of them, and what every executor promises.

A job names its function as `package.module:function`, so that only the process that does it imports what the
function needs. The function gets `(*arguments, report=...)`; `report({...})` sends progress to the driver.
Nothing here orders jobs by what they need from one another: the driver hands over jobs that are ready.
"""

from __future__ import annotations

import errno
import importlib
import os
import pickle
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from forelearn.core.errors import DISK_FULL, ForelearnError
from forelearn.executors.memory import give_freed_memory_back

Report = Callable[[Mapping[str, Any]], None]
"""What a job calls to say how far it is."""


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work. key: unique within a call. function: `package.module:function`.

    arguments: picklable; the job gets copies of them, whichever executor does it.
    """

    key: str
    function: str
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """A job that returned. value: a copy of what it returned."""

    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class Broken:
    """A job that did not return.

    reason: for people, `Type: message`. detail: the traceback; empty if the worker died. seconds: that it took, over
    all of its tries. full: whether a disk had no room for what it wrote: no fault of the job.
    """

    key: str
    reason: str
    detail: str = ""
    seconds: float = 0.0
    full: bool = False

    @property
    def died(self) -> bool:
        """Whether its worker died in every try: it was killed, say, for memory."""
        return not self.detail

    def refuse_full(self) -> None:
        """Raise OSError, with the reason, if a disk had no room: whoever drives stops, and it is no failure."""
        if self.full:
            raise OSError(errno.ENOSPC, self.reason)


End = Done | Broken


def reasons(ends: Iterable[End]) -> dict[str, str]:
    """Key of a job that failed → why. OSError if a disk had no room."""
    found = {}
    for end in ends:
        if isinstance(end, Broken):
            end.refuse_full()
            found[end.key] = end.reason
    return found


OnStep = Callable[[str, Mapping[str, Any]], None]
"""Called in the driver with a job's key and what it reported."""
OnEnd = Callable[[End], None]
"""Called in the driver as each job ends, in the order in which they end."""


class Executor(Protocol):
    """Does jobs. Every implementation passes `tests/executors/test_conformance.py`."""

    def run(
        self, jobs: Sequence[Job], *, on_step: OnStep | None = None, on_end: OnEnd | None = None
    ) -> list[End]:
        """Do all jobs; what came of each, in the order of `jobs`.

        A job that raises, cannot be sent, or dies with its process is Broken and disturbs no other. What
        `on_step` or `on_end` raise, and Ctrl-C, end the call and everything under way, and are raised here.
        Raises ValueError if two jobs have the same key.
        """

    def close(self) -> None:
        """End the workers. The executor can be used again: it starts new ones."""

    def __enter__(self) -> Self:
        """The executor itself."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""


def check_keys(jobs: Sequence[Job]) -> None:
    """Raise ValueError if two jobs have the same key."""
    twice = [key for key, count in Counter(job.key for job in jobs).items() if count > 1]
    if twice:
        raise ValueError(f"two jobs have the same key: {', '.join(twice)}")


def pack(job: Job) -> bytes | Broken:
    """The job as bytes for `perform`, or why it cannot be sent."""
    try:
        return pickle.dumps(job, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # whatever an argument's own pickling raises is the outcome of this job alone
        return broken(job.key, error, "its arguments cannot be sent to a worker")


def perform(packed: bytes, key: str, report: Report) -> bytes:
    """Do the packed job and return what came of it, packed. Only Ctrl-C passes through."""
    doing = "its arguments cannot be read in the worker"
    try:
        job: Job = pickle.loads(packed)
        doing = ""
        value = _find(job.function)(*job.arguments, report=report)
        doing = "what it returned cannot be sent to the driver"
        return pickle.dumps(Done(key, value), protocol=pickle.HIGHEST_PROTOCOL)
    except (
        Exception,
        SystemExit,
    ) as error:  # a job is other people's code: whatever it raises is its outcome
        return pickle.dumps(broken(key, error, doing))
    finally:
        give_freed_memory_back()


def unpack(packed: bytes, key: str) -> End:
    """What `perform` returned, read in the driver."""
    try:
        end: End = pickle.loads(packed)
    except Exception as error:  # whatever a value's own unpickling raises is the outcome of this job alone
        return broken(key, error, "what it returned cannot be read in the driver")
    return end


def broken(key: str, error: BaseException, doing: str = "") -> Broken:
    """`error` as a value. Messages that are meant for the user are shown plainly, others with their type."""
    text = str(error)
    if not isinstance(error, ForelearnError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    detail = "".join(traceback.format_exception(error))
    return Broken(key, f"{doing}: {text}" if doing else text, detail, full=_is_full(error))


def _is_full(error: BaseException | None) -> bool:
    """Whether a disk without room is behind an error. Libraries of other languages tell it in words alone."""
    seen: set[int] = set()  # an error may be its own cause
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            return True
        if any(os.strerror(number) in str(error) for number in DISK_FULL):
            return True
        error = error.__cause__ or error.__context__
    return False


def _find(function: str) -> Callable[..., Any]:
    module, colon, name = function.partition(":")
    if not colon or not module or not name:
        raise ValueError(f"a job's function is written `package.module:function`, got `{function}`")
    if module == "__main__":
        raise ValueError(
            f"`{function}` is in the driver's script, which workers do not run: put it in a module"
        )
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found
