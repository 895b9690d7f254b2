"""One driver a study: a lock that the operating system drops with the process that holds it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from forelearn.core.errors import ForelearnError


@contextlib.contextmanager
def hold(file: Path) -> Iterator[None]:
    """Hold the lock on `file` (created, never removed) while the block runs.

    Raises ForelearnError, naming the process, if another driver holds it, and where there are no locks. What the file
    says is for people: a driver that was killed leaves its name behind but not its lock.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise ForelearnError(
                    f"{file}: the file system takes no locks ({error.strerror}), and a study takes one driver at a "
                    "time. Put the study's folder elsewhere (--out), or mount this one with locks."
                ) from None
            raise ForelearnError(_taken(file)) from None
        holder = {
            "pid": os.getpid(),
            "host": platform.node(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _taken(file: Path) -> str:
    try:
        holder = json.loads(file.read_text(encoding="utf-8"))
        pid, host, since = holder["pid"], holder["host"], holder["since"]
    except (OSError, ValueError, KeyError, TypeError):
        # the other driver has the lock but has not written its name yet
        return (
            f"{file.parent}: another driver is at work on this study. Wait for it to end, then start again."
        )
    return (
        f"{file.parent}: process {pid} on {host} is at work on this study since {since}, and a study takes "
        f"one driver at a time. Wait for it to end, or stop it (`kill {pid}`), then start again."
    )
