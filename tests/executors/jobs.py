"""Functions of jobs, imported by workers by name."""

from __future__ import annotations

import os
import random
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from forelearn.core.errors import ForelearnError, InputError, Problem

Report = Callable[[Mapping[str, Any]], None]


def double(value: Any, *, report: Report) -> Any:
    return value * 2


def slow_double(value: float, seconds: float, *, report: Report) -> float:
    time.sleep(seconds)
    return value * 2


def steps(count: int, *, report: Report) -> str:
    for step in range(count):
        report({"step": step, "loss": 1 / (step + 1)})
    return "finished"


def unsendable_step(*, report: Report) -> None:
    report({"step": threading.Lock()})


def stubborn(*, report: Report) -> str:
    """Catches whatever its report raises."""
    try:
        report({"step": 0})
    except Exception:
        return "swallowed"
    return "finished"


def raises(kind: str, *, report: Report) -> None:
    match kind:
        case "value":
            raise ValueError("<b>bad</b> value 3")
        case "plain":
            raise RuntimeError
        case "declared":
            raise ForelearnError("the loss is not finite at step 3. Lower the learning rate.")
        case "input":
            raise InputError(Problem("a.csv, row 3", "the label is empty.", "Fill it in."))
        case "exit":
            sys.exit(3)
        case "memory":
            raise MemoryError("out of memory")


def late(seconds: float, *, report: Report) -> None:
    time.sleep(seconds)
    raise RuntimeError("late")


def returns_lock(*, report: Report) -> Any:
    return threading.Lock()


def change(values: list[int], *, report: Report) -> int:
    values.append(len(values))
    return len(values)


def pid(*, report: Report) -> int:
    return os.getpid()


def environment(name: str, *, report: Report) -> str | None:
    return os.environ.get(name)


def torch_threads(*, report: Report) -> int:
    import torch

    return torch.get_num_threads()


def modules(*, report: Report) -> list[str]:
    return sorted(name for name in sys.modules if name in ("torch", "numpy", "transformers"))


def page_faults(size: int, *, report: Report) -> int:
    """Pages that the system has to bring for a block of `size` bytes when one as large has just been freed."""
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        block = bytearray(size)
        del block
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def resident(*, report: Report) -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def noise(seed: int, *, report: Report) -> float:
    time.sleep(random.random() / 100)
    return random.Random(seed).gauss(0, 1)


def die(number: int, *, report: Report) -> None:
    os.kill(os.getpid(), number)


def leave(status: int, *, report: Report) -> None:
    os._exit(status)


def die_once(flag: Path, *, report: Report) -> int:
    """Dies unless it died before."""
    if not flag.exists():
        flag.write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def die_with_a_child(*, report: Report) -> None:
    """Leaves a child behind that holds everything open."""
    if os.fork() == 0:
        time.sleep(8)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)


def show(text: str, *, report: Report) -> None:
    print(text, flush=True)


def forever(*, report: Report) -> None:
    report({"pid": os.getpid()})
    while True:
        time.sleep(0.01)
