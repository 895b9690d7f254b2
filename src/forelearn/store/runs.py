"""Outcomes by key: `run.json` and `environment.json` in the folder of each run."""

from __future__ import annotations

import json
import os
from pathlib import Path

from forelearn.core.errors import Problem
from forelearn.core.keys import canonical
from forelearn.core.run import Failure, Outcome, Run, outcome_as_json, outcome_from_json
from forelearn.store.directory import Directory
from forelearn.store.environment import Surroundings, describe_environment
from forelearn.store.index import Index
from forelearn.store.manifest import matches

OUTCOME = "run.json"
ENVIRONMENT = "environment.json"
INDEX = "index.sqlite"


class Runs:
    """The outcomes in a directory.

    An outcome that cannot be read, whose file is not the one in the manifest, or whose key is not its
    folder's name is treated as absent, and reported by `verify`.
    """

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self._index = Index(directory.root / INDEX)

    def get(self, key: str) -> Outcome | None:
        """The outcome of the transfer with this key, or None."""
        text = self._text(key)
        return None if text is None else _parsed(text, key)

    def put(
        self,
        outcome: Outcome,
        *,
        surroundings: Surroundings | None = None,
        keep_checkpoint: bool = False,
    ) -> Path:
        """Finish the run's folder with the outcome in it, and return the folder.

        What is in `work("runs", key)` becomes part of the folder. A failure keeps its reason alone: the
        checkpoint of the attempt is dropped, unless `keep_checkpoint` (the worker died: what it had learned is sound,
        and another try goes on from there). A run replaces a failure, a stopped run or a damaged folder;
        nothing replaces a run, since its key says that it would be the same.
        """
        key = outcome.transfer.key
        if isinstance(self.get(key), Run):
            return self.directory.finish("runs", key)
        self.directory.remove("runs", key)
        if isinstance(outcome, Failure):
            self.directory.discard("runs", key)
            if not keep_checkpoint:
                self.directory.discard("checkpoints", key)
        folder = self.directory.work("runs", key)
        for name, value in (
            (OUTCOME, outcome_as_json(outcome)),
            (ENVIRONMENT, describe_environment(surroundings)),
        ):
            text = json.dumps(json.loads(canonical(value)), indent=1, ensure_ascii=False)
            # a reason may quote a file name that is not UTF-8: JSON's own escape keeps it
            (folder / name).write_text(text + "\n", encoding="utf-8", errors="backslashreplace")
        return self.directory.finish("runs", key)

    def all(self) -> list[Outcome]:
        """Every outcome, in the order of keys."""
        if not self.directory.root.is_dir():
            return []
        texts = self._index.texts(self._stamps(), self._trusted)
        outcomes = (_parsed(text, key) for key, text in texts.items())
        return [outcome for outcome in outcomes if outcome is not None]

    def forget(self, key: str) -> None:
        """Remove the outcome and its files, so that the transfer is tried again."""
        self.directory.remove("runs", key)

    def verify(self) -> list[Problem]:
        """What `Directory.verify` finds, and outcomes that are intact on disk but cannot be understood."""
        problems = self.directory.verify()
        for key in self.directory.keys("runs"):
            text = self._text(key)
            if text is not None and _parsed(text, key) is None:
                folder = self.directory.root / "runs" / key
                problems.append(
                    Problem(
                        f"{self.directory.root.name}/runs/{key}/{OUTCOME}",
                        "this is no outcome of the transfer with that key, so it counts as absent.",
                        f"Remove {folder} and start the study again: what is missing is made again.",
                    )
                )
        return problems

    def _text(self, key: str) -> str | None:
        """The outcome file's text if it is the one in the manifest."""
        files = self.directory.listed("runs", key)
        file = self.directory.root / "runs" / key / OUTCOME
        if files is None or OUTCOME not in files or not matches(file, files[OUTCOME]):
            return None
        try:
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def _trusted(self, key: str) -> str | None:
        text = self._text(key)
        return text if text is not None and _parsed(text, key) is not None else None

    def _stamps(self) -> dict[str, str]:
        """Key → names, sizes, times and numbers of the folder's files: changes whenever a file does."""
        stamps = {}
        for key in self.directory.keys("runs"):
            parts = []
            for place, _, files in os.walk(self.directory.root / "runs" / key):
                for name in files:
                    try:
                        state = os.lstat(os.path.join(place, name))
                    except FileNotFoundError:
                        # the driver replaces a failure while we look: the changed stamp makes us read again
                        continue
                    parts.append(f"{name}:{state.st_size}:{state.st_mtime_ns}:{state.st_ino}")
            stamps[key] = "\n".join(sorted(parts))
        return stamps


def _parsed(text: str, key: str) -> Outcome | None:
    try:
        outcome = outcome_from_json(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return outcome if outcome.transfer.key == key else None
