"""The worker's side of `Local`: gets a job, does it, says what came of it, waits for the next.

A worker ends when the driver closes its connection, and at once when the driver is gone, however it went.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import threading
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

from forelearn.executors.base import perform
from forelearn.executors.memory import keep_freed_memory

STEP = b"s"
END = b"e"


def serve(jobs: int, life: int) -> None:
    """Do jobs until there are no more.

    jobs: file descriptor of a two-way connection. life: of a pipe whose other end only the driver holds.
    """
    # the terminal's Ctrl-C goes to every process: the driver decides what it means
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    # stdout is for the driver's results alone: what a job prints goes to stderr
    os.dup2(2, 1)
    for descriptor in (jobs, life):
        os.set_inheritable(descriptor, False)
    keep_freed_memory()
    threading.Thread(target=_end_with_driver, args=(life, os.getppid()), daemon=True).start()
    connection = Connection(jobs)
    while True:
        try:
            key = connection.recv_bytes().decode("utf-8", "surrogatepass")
            packed = connection.recv_bytes()
        except EOFError:
            return

        def report(step: Mapping[str, Any]) -> None:
            connection.send_bytes(STEP + pickle.dumps(dict(step)))

        connection.send_bytes(END + perform(packed, key, report))


def _end_with_driver(life: int, driver: int) -> None:
    """End this process when the pipe is closed or its parent is another: nobody waits for its results."""
    while not select.select([life], [], [], 1.0)[0] and os.getppid() == driver:
        continue
    # not sys.exit: the main thread may be in the middle of a long step
    os._exit(1)
