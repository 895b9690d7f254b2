"""A copy of all run files in one SQLite file, so that thousands of them are read at once.

Never the truth: every row carries a stamp of the folder it was copied from. A row whose stamp is not the
folder's is read again; an index that is missing, corrupted, of another version or not writable costs time
only.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

VERSION = 1
"""Of the table's form, kept in SQLite's `user_version`."""

WAIT = 2.0
"""Seconds to wait for another process that is writing; then the folders are read instead."""
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
"""Errors that say nothing against the file: somebody else is writing it."""

Read = Callable[[str], str | None]
"""Key → the text in the run's folder; None if the folder cannot be trusted."""


class Index:
    """The index in `file`."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def texts(self, stamps: Mapping[str, str], read: Read) -> dict[str, str]:
        """Key → text for every key in `stamps` that can be trusted, in the order of keys.

        stamps: key → stamp of the folder as it is now. read: is called for keys that are new or have changed.
        """
        found = None
        for _ in range(2):
            try:
                found = self._refreshed(stamps, read)
                break
            except sqlite3.DatabaseError as error:
                if getattr(error, "sqlite_errorcode", None) in BUSY:
                    break
                self._delete()
        if found is None:
            # somebody else is writing it, or the folder is read-only: the folders say the same
            found = {key: text for key in stamps if (text := read(key)) is not None}
        return dict(sorted(found.items()))

    def _refreshed(self, stamps: Mapping[str, str], read: Read) -> dict[str, str]:
        with contextlib.closing(sqlite3.connect(self.file, timeout=WAIT, isolation_level=None)) as connection:
            rows = self._rows(connection)
            found = {key: text for key, (stamp, text) in rows.items() if stamps.get(key) == stamp}
            fresh = {key: text for key in stamps.keys() - found.keys() if (text := read(key)) is not None}
            gone = rows.keys() - found.keys() - fresh.keys()
            if fresh or gone:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("DELETE FROM runs WHERE key = ?", [(key,) for key in sorted(gone)])
                connection.executemany(
                    "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)",
                    [(key, stamps[key], fresh[key], _sha256(fresh[key])) for key in sorted(fresh)],
                )
                connection.execute("COMMIT")
            return found | fresh

    def _rows(self, connection: sqlite3.Connection) -> dict[str, tuple[str, str]]:
        """Key → (stamp, text) of every row; the table is made anew if it is of another version."""
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("DROP TABLE IF EXISTS runs")
            connection.execute("CREATE TABLE runs (key TEXT PRIMARY KEY, stamp TEXT, text TEXT, sha256 TEXT)")
            connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("COMMIT")
        rows = connection.execute("SELECT key, stamp, text, sha256 FROM runs").fetchall()
        # a row that does not match its own digest gets an impossible stamp, so that it is read again
        return {key: (stamp if _sha256(text) == sha256 else "", text) for key, stamp, text, sha256 in rows}

    def _delete(self) -> None:
        for suffix in ("", "-journal", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                self.file.with_name(self.file.name + suffix).unlink()


def _sha256(text: str) -> str:
    return hashlib.sha256(str(text).encode("utf-8", "surrogatepass")).hexdigest()
