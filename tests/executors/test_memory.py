from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest
from tests.executors import jobs
from tests.executors.test_local import JOBS, values

from forelearn.executors.base import Job
from forelearn.executors.inline import Inline
from forelearn.executors.local import Local

SIZE = 96 * 2**20
PAGES = SIZE // resource.getpagesize()

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or "glibc" not in os.confstr("CS_GNU_LIBC_VERSION"),
    reason="only glibc is told what to keep",
)


def test_a_worker_keeps_what_it_frees_until_its_job_ends() -> None:
    with Local(1, threads=1) as local:
        first, faults, last = (
            values(local.run([job]))[0]
            for job in (
                Job("first", f"{JOBS}:resident"),
                Job("faults", f"{JOBS}:page_faults", (SIZE,)),
                Job("last", f"{JOBS}:resident"),
            )
        )
    assert isinstance(first, int)
    assert isinstance(faults, int)
    assert isinstance(last, int)
    assert faults < PAGES / 100
    assert last - first < SIZE / 4


def test_a_process_that_is_not_forelearns_own_is_left_as_it_is() -> None:
    """The user's, which runs jobs inline: as many faults as without forelearn."""
    code = "from tests.executors.test_memory import inline; print(inline())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(found.stdout) > PAGES / 2


def inline() -> int:
    with Inline() as executor:
        found = values(executor.run([Job("faults", f"{jobs.__name__}:page_faults", (SIZE,))]))[0]
    assert isinstance(found, int)
    return found
