"""What multitask training has spent so far, counted, so that methods are compared at matched compute."""

from __future__ import annotations

import resource
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import torch

from forelearn.executors.memory import give_freed_memory_back

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(slots=True)
class Ledger:
    """gradients: sample gradients (one example, forward and backward), by what for (`train`, `alpha`, …).

    units: tokens × layers of those; an image counts as one token. predictions: examples that were only read, to
    measure. seconds: measured, earlier attempts included.
    """

    gradients: dict[str, int] = field(default_factory=dict)
    units: float = 0.0
    predictions: int = 0
    seconds: float = 0.0
    _since: float = field(default_factory=time.monotonic)

    @property
    def total(self) -> int:
        """All sample gradients."""
        return sum(self.gradients.values())

    def learn(self, what: str, examples: int, units: float) -> None:
        """Count gradients of `examples`."""
        self.gradients[what] = self.gradients.get(what, 0) + examples
        self.units += units

    def read(self, examples: int) -> None:
        """Count predictions."""
        self.predictions += examples

    def stop_watch(self) -> float:
        """Add the time since the last call (or since the start) and return all seconds so far."""
        now = time.monotonic()
        self.seconds += now - self._since
        self._since = now
        return self.seconds


def forget_peak(device: str) -> None:
    """From here on `peak_bytes` is about what comes now, where the system can be told so (CUDA, Linux)."""
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
    give_freed_memory_back()
    with suppress(OSError):
        _CLEAR.write_text("5", encoding="ascii")  # the high-water mark of resident memory, see proc(5)


def peak_bytes(device: str) -> int:
    """The most memory used since `forget_peak`: of the GPU's tensors, else of this whole process."""
    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated(device))
    with suppress(OSError):
        for line in _STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak if sys.platform == "darwin" else peak * 1024)
