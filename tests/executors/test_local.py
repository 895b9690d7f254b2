from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from forelearn.core.errors import InputError
from forelearn.executors.base import Broken, Done, End, Job
from forelearn.executors.local import THREAD_VARIABLES, Local

JOBS = "tests.executors.jobs"


def values(ends: list[End]) -> list[object]:
    assert all(isinstance(end, Done) for end in ends), ends
    return [end.value for end in ends if isinstance(end, Done)]


def test_workers_stay_warm_from_call_to_call_and_no_more_are_started_than_needed(local: Local) -> None:
    (first,) = values(local.run([Job("a", f"{JOBS}:pid")]))
    (again,) = values(local.run([Job("b", f"{JOBS}:pid")]))
    assert first == again != os.getpid()
    many = values(local.run([Job(str(i), f"{JOBS}:pid") for i in range(20)]))
    assert first in many
    assert len(set(many)) <= 2


def test_jobs_run_at_the_same_time(local: Local) -> None:
    local.run([Job(key, f"{JOBS}:double", (1,)) for key in "ab"])
    start = time.monotonic()
    local.run([Job(str(i), f"{JOBS}:slow_double", (i, 0.5)) for i in range(4)])
    assert time.monotonic() - start < 1.9


def test_threads_are_set_in_the_worker_and_not_in_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in THREAD_VARIABLES:
        monkeypatch.setenv(name, "7")
    with Local(1, threads=3) as local:
        jobs = [Job(name, f"{JOBS}:environment", (name,)) for name in THREAD_VARIABLES]
        assert set(values(local.run(jobs))) == {"3"}
    assert {os.environ[name] for name in THREAD_VARIABLES} == {"7"}


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_torch_starts_with_the_workers_threads(threads: int) -> None:
    with Local(1, threads=threads) as local:
        assert values(local.run([Job("a", f"{JOBS}:torch_threads")])) == [threads]


def test_a_worker_imports_nothing_heavy_by_itself(local: Local) -> None:
    assert values(local.run([Job("a", f"{JOBS}:modules")])) == [[]]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_job_whose_worker_is_killed_twice_is_broken_and_disturbs_no_other(
    local: Local, number: signal.Signals
) -> None:
    jobs = [Job(str(i), f"{JOBS}:slow_double", (i, 0.05)) for i in range(6)]
    jobs[2] = Job("2", f"{JOBS}:die", (int(number),))
    ends = local.run(jobs)
    assert [end for end in ends if end.key != "2"] == [Done(str(i), 2 * i) for i in range(6) if i != 2]
    assert isinstance(ends[2], Broken)
    assert ends[2].reason.startswith(f"worker was killed by signal {int(number)} twice")
    assert ("out of memory?" in ends[2].reason) == (number == signal.SIGKILL)


def test_a_job_whose_worker_ends_is_broken(local: Local) -> None:
    (end,) = local.run([Job("a", f"{JOBS}:leave", (3,))])
    assert isinstance(end, Broken)
    assert end.reason.startswith("worker ended with exit status 3 twice")


def test_a_job_whose_worker_is_killed_once_is_done_by_a_fresh_one(local: Local, tmp_path: Path) -> None:
    before = set(values(local.run([Job(str(i), f"{JOBS}:pid") for i in range(4)])))
    ends: list[End] = []
    (pid,) = values(local.run([Job("a", f"{JOBS}:die_once", (tmp_path / "flag",))], on_end=ends.append))
    assert isinstance(pid, int)
    assert (tmp_path / "flag").exists()
    assert ends == [Done("a", pid)]
    assert len(before) <= 2


def test_an_idle_worker_that_died_is_replaced(local: Local) -> None:
    jobs = [Job(str(i), f"{JOBS}:pid") for i in range(4)]
    dead = set(values(local.run(jobs)))
    for pid in dead:
        assert isinstance(pid, int)
        os.kill(pid, signal.SIGKILL)
    assert dead.isdisjoint(values(local.run(jobs)))


@pytest.mark.slow
def test_a_child_that_a_dead_worker_left_behind_does_not_block_the_driver() -> None:
    with Local(1) as local:
        (end,) = local.run([Job("a", f"{JOBS}:die_with_a_child")])
    assert isinstance(end, Broken)


def test_what_a_job_prints_never_reaches_the_drivers_stdout(
    local: Local, capfd: pytest.CaptureFixture[str]
) -> None:
    with Local(1) as fresh:
        fresh.run([Job("a", f"{JOBS}:show", ("hello",))])
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "hello" in captured.err


def test_closing_ends_the_workers() -> None:
    with Local(2) as local:
        pids = set(values(local.run([Job(str(i), f"{JOBS}:pid") for i in range(4)])))
    for pid in pids:
        assert isinstance(pid, int)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_the_driver_keeps_no_descriptor_of_ended_workers() -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with Local(2) as local:
            local.run([Job("a", f"{JOBS}:die", (9,)), Job("b", f"{JOBS}:double", (1,))])
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("workers", "threads", "name"), [(0, 1, "workers"), (1, 0, "threads"), (-1, 1, "workers")]
)
def test_numbers_below_one_are_refused(workers: int, threads: int, name: str) -> None:
    with pytest.raises(InputError, match=f"`{name}` must be at least 1"):
        Local(workers, threads)
