"""What the ledger says of memory is about the run, not about what the process did before."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from forelearn.executors.memory import keep_freed_memory
from forelearn.training.multitask.ledger import forget_peak, peak_bytes


@pytest.mark.skipif(sys.platform != "linux", reason="the high-water mark can be reset on Linux alone")
def test_memory_that_was_used_before_is_forgotten_and_what_is_used_now_is_seen() -> None:
    keep_freed_memory()  # as workers and the command do
    large = np.ones(40_000_000)  # 320 MB
    high = peak_bytes("cpu")
    del large
    forget_peak("cpu")
    low = peak_bytes("cpu")
    assert low < high - 200e6
    now = np.ones(20_000_000)
    assert peak_bytes("cpu") > low + 0.8 * now.nbytes
