"""Freed memory is kept for the next step, in processes that are forelearn's own.

glibc gives large blocks back to the system as soon as they are freed. A step of training asks for the same blocks as
the one before, and each comes back as pages that the system first has to clear: `benchmarks.allocator` measures what
that costs. Here the process keeps what it has freed until a job ends.
"""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # as malloc.h numbers them
_MOST = 2**31 - 1


def keep_freed_memory() -> bool:
    """From here on freed memory stays with this process, up to 2 GiB at the end of its heap; False without glibc.

    Blocks are no longer mapped one by one, because one that is goes back to the system when it is freed.
    """
    mallopt = _glibc("mallopt")
    return mallopt is not None and bool(mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, _MOST))


def give_freed_memory_back() -> None:
    """What has been freed so far goes back to the system; without glibc nothing happens."""
    trim = _glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _glibc(name: str) -> ctypes._NamedFuncPointer | None:
    if sys.platform != "linux":
        return None
    found: ctypes._NamedFuncPointer | None = getattr(ctypes.CDLL(None), name, None)
    return found
