"""Jobs in processes of their own on this machine, kept warm from one call to the next.

Workers are new interpreters, not forks and not `multiprocessing` children: they never import the driver's
`__main__` (so a script needs no guard, and notebooks, `python -c` and standard input work), and what they get
in their environment is not seen by the driver.

Measured on two cores: a worker takes its first job 0.04 s after it is asked for (what the job imports comes on
top: about 1 s for torch alone, 2 s with transformers), a warm worker 0.05 ms.

Not covered: calls of `run` from several threads at once; Windows (file descriptors are handed down).
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Self

from forelearn.core.errors import InputError, Problem
from forelearn.executors.base import Broken, End, Job, OnEnd, OnStep, check_keys, pack, unpack
from forelearn.executors.worker import STEP

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",
)
"""Set in a worker before it imports anything; numerical libraries read them when they load."""

TRIES = 2
"""How often a job whose worker died is started, each time in a fresh worker."""

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from forelearn.executors.worker import serve; serve(int(sys.argv[2]), int(sys.argv[3]))"
)
_PATIENCE = 5.0  # seconds that a worker has to end before it is killed
_GLANCE = 1.0  # seconds between looks at workers that say nothing


class Local:
    """The executor with `workers` processes of `threads` threads each, started when there is work for them.

    Raises InputError if either number is below 1.
    """

    def __init__(self, workers: int, threads: int = 1) -> None:
        for name, value in (("workers", workers), ("threads", threads)):
            if value < 1:
                raise InputError(Problem("Local", f"`{name}` must be at least 1, got {value}.", "Raise it."))
        self.workers = workers
        self.threads = threads
        self._pool: list[_Worker] = []

    def run(
        self, jobs: Sequence[Job], *, on_step: OnStep | None = None, on_end: OnEnd | None = None
    ) -> list[End]:
        """Do all jobs, one a worker at a time; see `Executor.run`."""
        check_keys(jobs)
        try:
            ends = self._run(jobs, on_step, on_end)
        except BaseException:
            # Ctrl-C or the driver's own callback: what is under way is of no use to anybody
            self._kill()
            raise
        return [ends[job.key] for job in jobs]

    def close(self) -> None:
        """End the workers; an executor that is used again starts new ones."""
        pool, self._pool = self._pool, []
        for worker in pool:
            worker.hang_up()
        for worker in pool:
            worker.end()

    def __enter__(self) -> Self:
        """The executor itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the workers."""
        self.close()

    def _run(self, jobs: Sequence[Job], on_step: OnStep | None, on_end: OnEnd | None) -> dict[str, End]:
        waiting = deque(jobs)
        tries: dict[str, int] = {}
        began: dict[str, float] = {}
        ends: dict[str, End] = {}
        busy: dict[Connection, tuple[_Worker, Job]] = {}

        def ended(end: End) -> None:
            if isinstance(end, Broken) and end.key in began:
                end = replace(end, seconds=time.monotonic() - began[end.key])
            ends[end.key] = end
            if on_end is not None:
                on_end(end)

        while waiting or busy:
            while waiting and len(busy) < self.workers:
                job = waiting.popleft()
                packed = pack(job)
                if isinstance(packed, Broken):
                    ended(packed)
                    continue
                worker = self._idle(busy)
                busy[worker.connection] = worker, job
                tries[job.key] = tries.get(job.key, 0) + 1
                began.setdefault(job.key, time.monotonic())  # the next try follows at once
                worker.send(job.key, packed)
            for connection in _ready(busy):
                worker, job = busy[connection]
                try:
                    message = connection.recv_bytes() if connection.poll() else b""
                except (EOFError, OSError):
                    message = b""
                if not message:
                    del busy[connection]
                    self._pool.remove(worker)
                    status = worker.end()
                    if tries[job.key] < TRIES:
                        waiting.appendleft(job)
                    else:
                        ended(Broken(job.key, _death(status)))
                    continue
                if message[:1] == STEP:
                    if on_step is not None:
                        on_step(job.key, pickle.loads(message[1:]))
                    continue
                del busy[connection]
                ended(unpack(message[1:], job.key))
        return ends

    def _idle(self, busy: Mapping[Connection, tuple[_Worker, Job]]) -> _Worker:
        """A worker without a job, started now if there is none alive."""
        for worker in list(self._pool):
            if worker.connection in busy:
                continue
            if worker.process.poll() is None:
                return worker
            self._pool.remove(worker)
            worker.end()
        # the worker starts with Ctrl-C blocked and then ignores it; here one that comes now waits until the
        # worker is in the pool, to be ended with the others
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._pool.append(_Worker(self.threads))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        return self._pool[-1]

    def _kill(self) -> None:
        pool, self._pool = self._pool, []
        for worker in pool:
            worker.process.kill()
            worker.end()


class _Worker:
    """One process, its connection, and the pipe that tells it whether the driver lives."""

    def __init__(self, threads: int) -> None:
        self.connection, theirs = Pipe()
        listen, self.life = Pipe(duplex=False)
        environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
        # absolute: the driver may have changed its folder since, and `` means the current one
        path = json.dumps([os.path.abspath(place) for place in sys.path])
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _START, path, str(theirs.fileno()), str(listen.fileno())],
                env=environment,
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), listen.fileno()),
            )
        finally:
            theirs.close()
            listen.close()

    def send(self, key: str, packed: bytes) -> None:
        """Hand over a job. A worker that died meanwhile is noticed when its answer is awaited."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send_bytes(key.encode("utf-8", "surrogatepass"))
            self.connection.send_bytes(packed)

    def hang_up(self) -> None:
        """Tell the worker that there are no more jobs."""
        self.connection.close()

    def end(self) -> int:
        """Wait for the process, kill it if it takes too long; its exit status, negative for a signal."""
        self.hang_up()
        try:
            status = self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.life.close()
        return status


def _ready(busy: Mapping[Connection, tuple[_Worker, Job]]) -> list[Connection]:
    """Connections that have a message or an end to read, or whose worker is dead."""
    ready = set(wait(list(busy), _GLANCE)) if busy else set()
    # a process that the job forked may hold the connection open after the worker's death
    return [each for each, (worker, _) in busy.items() if each in ready or worker.process.poll() is not None]


def _death(status: int) -> str:
    if status < 0:
        memory = " (out of memory?)" if -status == signal.SIGKILL else ""
        cause = f"was killed by signal {-status} twice{memory}"
    else:
        cause = f"ended with exit status {status} twice"
    return (
        f"worker {cause}; what it wrote to stderr may say why. "
        "Use fewer workers or a smaller batch_size, then start again (`forelearn run` with --retry-failed)."
    )
