"""What every executor promises. A new executor is added to the fixture `executor`."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from forelearn.executors.base import Broken, Done, End, Executor, Job

JOBS = "tests.executors.jobs"


def test_results_come_in_the_order_of_jobs(executor: Executor) -> None:
    """The first job takes longest, so that with several workers it ends last."""
    jobs = [Job(f"k{i}", f"{JOBS}:slow_double", (i, 0.2 if i == 0 else 0.0)) for i in range(6)]
    assert executor.run(jobs) == [Done(f"k{i}", 2 * i) for i in range(6)]


def test_no_jobs_give_no_results(executor: Executor) -> None:
    assert executor.run([]) == []


def test_every_end_is_told_once(executor: Executor) -> None:
    ends: list[End] = []
    jobs = [Job(str(i), f"{JOBS}:double", (i,)) for i in range(4)]
    jobs.append(Job("x", f"{JOBS}:raises", ("value",)))
    results = executor.run(jobs, on_end=ends.append)
    assert sorted(ends, key=lambda end: end.key) == sorted(results, key=lambda end: end.key)


def test_steps_arrive_in_order_with_their_jobs_key_before_its_end(executor: Executor) -> None:
    seen: dict[str, list[Any]] = {"a": [], "b": []}

    def on_step(key: str, step: Mapping[str, Any]) -> None:
        seen[key].append(step)

    jobs = [Job("a", f"{JOBS}:steps", (3,)), Job("b", f"{JOBS}:steps", (50,))]
    executor.run(jobs, on_step=on_step, on_end=lambda end: seen[end.key].append(end))
    for key, count in (("a", 3), ("b", 50)):
        expected = [{"step": step, "loss": 1 / (step + 1)} for step in range(count)]
        assert seen[key] == [*expected, Done(key, "finished")]


def test_nobody_needs_to_listen(executor: Executor) -> None:
    assert executor.run([Job("a", f"{JOBS}:steps", (3,))]) == [Done("a", "finished")]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("value", "ValueError: <b>bad</b> value 3"),
        ("plain", "RuntimeError"),
        ("declared", "the loss is not finite at step 3. Lower the learning rate."),
        ("input", "a.csv, row 3: the label is empty. Fill it in."),
        ("exit", "SystemExit: 3"),
        ("memory", "MemoryError: out of memory"),
    ],
)
def test_what_a_job_raises_is_the_reason_of_that_job_alone(
    executor: Executor, kind: str, reason: str
) -> None:
    jobs = [
        Job("a", f"{JOBS}:double", (1,)),
        Job("b", f"{JOBS}:raises", (kind,)),
        Job("c", f"{JOBS}:double", (3,)),
    ]
    first, second, third = executor.run(jobs)
    assert (first, third) == (Done("a", 2), Done("c", 6))
    assert isinstance(second, Broken)
    assert second.reason == reason
    assert "jobs.py" in second.detail


def test_a_broken_job_says_how_long_it_took(executor: Executor) -> None:
    slow, sent = executor.run(
        [Job("a", f"{JOBS}:late", (0.2,)), Job("b", f"{JOBS}:double", (threading.Lock(),))]
    )
    assert isinstance(slow, Broken)
    assert isinstance(sent, Broken)
    assert 0.2 <= slow.seconds < 60
    assert sent.seconds < 0.2


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        (Job("x", f"{JOBS}:double", (threading.Lock(),)), "its arguments cannot be sent to a worker: Type"),
        (Job("x", f"{JOBS}:returns_lock"), "what it returned cannot be sent to the driver: TypeError"),
        (Job("x", f"{JOBS}:unsendable_step"), "TypeError"),
        (Job("x", "no.such.module:f"), "ModuleNotFoundError: No module named 'no'"),
        (Job("x", f"{JOBS}:nothing"), "AttributeError"),
        (Job("x", f"{JOBS}:JOBS"), "AttributeError"),
        (Job("x", f"{JOBS}:Any", (1,)), "TypeError"),
        (Job("x", "double"), "ValueError: a job's function is written"),
        (Job("x", "__main__:f"), "ValueError: `__main__:f` is in the driver's script"),
        (Job("x", f"{JOBS}:double", (1, 2, 3)), "TypeError: double() takes 1 positional argument"),
    ],
)  # fmt: skip
def test_a_job_that_cannot_be_done_is_broken_and_says_why(executor: Executor, job: Job, reason: str) -> None:
    end, after = executor.run([job, Job("y", f"{JOBS}:double", (1,))])
    assert isinstance(end, Broken)
    assert end.reason.startswith(reason)
    assert after == Done("y", 2)


def test_a_job_works_on_copies(executor: Executor) -> None:
    values = [0]
    assert executor.run([Job(key, f"{JOBS}:change", (values,)) for key in "abc"]) == [
        Done(key, 2) for key in "abc"
    ]
    assert values == [0]


def test_large_arguments_and_values_pass(executor: Executor) -> None:
    data = bytes(5_000_000)
    (end,) = executor.run([Job("a", f"{JOBS}:double", (data,))])
    assert end == Done("a", data * 2)


def test_keys_may_be_any_text_but_not_the_same(executor: Executor) -> None:
    keys = ["", "a b", "\u00e4\u2192", "\udcff"]
    assert executor.run([Job(key, f"{JOBS}:double", (1,)) for key in keys]) == [Done(key, 2) for key in keys]
    with pytest.raises(ValueError, match="two jobs have the same key: a"):
        executor.run([Job("a", f"{JOBS}:double", (1,))] * 2)


class Stopped(Exception):
    pass


@pytest.mark.parametrize("function", ["steps", "stubborn"])
def test_what_on_step_raises_reaches_the_driver_and_not_the_job(executor: Executor, function: str) -> None:
    def on_step(key: str, step: Mapping[str, Any]) -> None:
        raise Stopped

    arguments = (3,) if function == "steps" else ()
    with pytest.raises(Stopped):
        executor.run([Job("a", f"{JOBS}:{function}", arguments)], on_step=on_step)
    assert executor.run([Job("b", f"{JOBS}:double", (1,))]) == [Done("b", 2)]


def test_what_on_end_raises_reaches_the_driver(executor: Executor) -> None:
    def on_end(end: End) -> None:
        raise Stopped

    jobs = [Job(str(i), f"{JOBS}:double", (i,)) for i in range(3)]
    with pytest.raises(Stopped):
        executor.run(jobs, on_end=on_end)
    assert executor.run(jobs) == [Done(str(i), 2 * i) for i in range(3)]


def test_a_closed_executor_can_be_used_again(executor: Executor) -> None:
    executor.close()
    executor.close()
    assert executor.run([Job("a", f"{JOBS}:double", (2,))]) == [Done("a", 4)]


def test_results_do_not_depend_on_the_executor_or_the_number_of_workers(executor: Executor) -> None:
    """Each job is seeded by its arguments; the numbers are those of a plain loop in this process."""
    from tests.executors.jobs import noise

    jobs = [Job(str(seed), f"{JOBS}:noise", (seed,)) for seed in range(20)]
    expected = [Done(str(seed), noise(seed, report=lambda step: None)) for seed in range(20)]
    assert executor.run(jobs) == expected
    assert executor.run(jobs[::-1]) == expected[::-1]
