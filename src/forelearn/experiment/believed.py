"""What was believed after each round, kept beside the runs, so that a search is replayed without fitting it again.

Every command that looks at a study replays its search, and a late round of a large study takes seconds to fit. A file
is named by all that decides what is in it; one that is missing, damaged or of another version is made again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from forelearn.core.errors import InputError
from forelearn.search.search import Pair
from forelearn.search.value import Guess
from forelearn.store.file import write_file

VERSION = 1
"""To be raised whenever the same runs and features make other beliefs."""


class Believed:
    """The files in a folder. writes: whether what is new is kept; who only looks at a study writes nothing."""

    def __init__(self, folder: Path, *, writes: bool) -> None:
        self.folder = folder
        self.writes = writes
        self.used: set[str] = set()

    def get(self, key: str) -> tuple[Mapping[Pair, Guess], str] | None:
        """The guesses, and the note on the predictor ("" for none)."""
        try:
            value = json.loads(self._file(key).read_text(encoding="utf-8"))
            found = {
                (source, target): Guess(*map(float, numbers)) for source, target, *numbers in value["guesses"]
            }
            note = str(value["note"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        self.used.add(key)
        return found, note

    def put(self, key: str, guesses: Mapping[Pair, Guess], note: str) -> None:
        """Keep what was fitted."""
        self.used.add(key)
        if self.writes:
            rows = [[*pair, one.mean, one.sd, one.worth] for pair, one in guesses.items()]
            with suppress(InputError):  # without the file it is fitted again
                write_file(self._file(key), json.dumps({"guesses": rows, "note": note}) + "\n")

    def drop_unused(self) -> None:
        """Remove what nobody has asked for or put in."""
        for file in self.folder.glob("*.json") if self.writes else ():
            if file.stem not in self.used:
                file.unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}.json"
