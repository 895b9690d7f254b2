"""Shelves of folders, each of them whole or absent.

    ROOT/<shelf>/<key>/          whole: its files and manifest.json
    ROOT/work/<shelf>/<key>/     scratch: being made, or left by a kill; never read as a result
    ROOT/work/checkpoints/<key>/ how far a run has come; dropped when it is stored
    ROOT/removed/                on its way out; a kill may leave something here
    ROOT/driver.lock             held by the one driver

A folder is made in `work`, listed in its manifest, forced onto the disk and renamed into its shelf in one
step. A folder is removed by renaming it out of its shelf first. So a kill between any two steps leaves it
whole or absent.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, get_args

from forelearn.core.errors import InputError, Problem
from forelearn.store.durable import make_folder, move, sync_tree
from forelearn.store.lock import hold
from forelearn.store.manifest import Entry, find_faults, has_all, make_manifest, read_manifest, write_manifest

Shelf = Literal["runs", "weights", "features", "encoders"]
SHELVES: tuple[Shelf, ...] = get_args(Shelf)
Scratch = Literal[Shelf, "checkpoints"]
"""What is in `work`; checkpoints never reach a shelf."""
SCRATCH: tuple[Scratch, ...] = get_args(Scratch)
LOCK = "driver.lock"

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class Directory:
    """The folder that a study fills. Making the value writes nothing.

    Workers may write different keys at the same time, and anybody may read meanwhile without a lock.
    Not covered: two writers of one key, which a driver that holds `lock()` does not start.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def whole(self, shelf: Shelf, key: str) -> Path | None:
        """The finished folder of `key`, or None.

        Finished means: a manifest that can be read, and every file it lists is there with its size.
        Contents are not read here: `verify` does that.
        """
        return None if self.listed(shelf, key) is None else self._folder(shelf, key)

    def listed(self, shelf: Shelf, key: str) -> Mapping[str, Entry] | None:
        """What the manifest of the finished folder of `key` lists, by path; None where `whole` is None."""
        folder = self._folder(shelf, key)
        files = read_manifest(folder)
        return files if files is not None and has_all(folder, files) else None

    def work(self, shelf: Scratch, key: str) -> Path:
        """The scratch folder of `key`, created if missing; what an earlier attempt left is still in it."""
        return make_folder(self._scratch(shelf, key))

    def finish(self, shelf: Shelf, key: str) -> Path:
        """Make the scratch folder of `key` whole, and return its place in the shelf.

        Its files are listed in the manifest and forced onto the disk, then the folder is renamed. If `key` is
        whole already the scratch folder is dropped. A damaged folder in its place is replaced.
        Raises ValueError if there is nothing in the scratch folder.
        """
        done = self.whole(shelf, key)
        if done is not None:
            self.discard(shelf, key)
            return done
        scratch = self._scratch(shelf, key)
        files = make_manifest(scratch)
        if not files:
            raise ValueError(f"{scratch} holds no file, so there is nothing to finish")
        write_manifest(scratch, files)
        sync_tree(scratch)
        folder = self._folder(shelf, key)
        self._drop(folder)
        make_folder(folder.parent)
        move(scratch, folder)
        return folder

    def discard(self, shelf: Scratch, key: str) -> None:
        """Drop the scratch folder of `key`, if there is one."""
        self._drop(self._scratch(shelf, key))

    def remove(self, shelf: Shelf, key: str) -> None:
        """Drop the finished (or damaged) folder of `key`, if there is one."""
        self._drop(self._folder(shelf, key))

    def keys(self, shelf: Shelf) -> list[str]:
        """Keys of all whole folders of a shelf, sorted."""
        return [name for name in self._names(self.root / shelf) if self.whole(shelf, name) is not None]

    def unfinished(self, shelf: Scratch) -> list[str]:
        """Keys that have a scratch folder, sorted."""
        return list(self._names(self.root / "work" / shelf))

    def size(self, shelf: Shelf, key: str) -> int:
        """Bytes in the finished folder of `key`, its manifest included; 0 if there is none."""
        folder = self.whole(shelf, key)
        return 0 if folder is None else folder_size(folder)

    def verify(self) -> list[Problem]:
        """Everything in the shelves that is not as its manifest says. Every file is read."""
        problems = []
        for shelf in SHELVES:
            if not (self.root / shelf).is_dir():
                continue
            for folder in sorted((self.root / shelf).iterdir()):
                where = f"{self.root.name}/{shelf}/{folder.name}"
                fix = f"Remove {folder} and start the study again: what is missing is made again."
                if folder.is_symlink() or not folder.is_dir():
                    problems.append(Problem(where, "is not a folder, so nothing of it is used.", fix))
                    continue
                faults = find_faults(folder)
                if folder.is_dir():  # a driver may have removed it meanwhile
                    problems += [Problem(f"{where}/{fault.file}", fault.what, fix) for fault in faults]
        return problems

    def lock(self) -> AbstractContextManager[None]:
        """Hold the study while the block runs: one driver at a time.

        Raises ForelearnError, naming the process, if another driver holds it. A dead driver holds nothing.
        """
        make_folder(self.root)
        return hold(self.root / LOCK)

    def removed(self) -> Path:
        """Where folders go on their way out; anything in it is left from a kill."""
        return self.root / "removed"

    def _folder(self, shelf: Shelf, key: str) -> Path:
        return self.root / shelf / _checked(key)

    def _scratch(self, shelf: Scratch, key: str) -> Path:
        return self.root / "work" / shelf / _checked(key)

    @staticmethod
    def _names(folder: Path) -> Iterator[str]:
        if folder.is_dir():
            yield from sorted(
                path.name for path in folder.iterdir() if path.is_dir() and _KEY.fullmatch(path.name)
            )

    def _drop(self, folder: Path) -> None:
        if not folder.exists() and not folder.is_symlink():
            return
        aside = Path(tempfile.mkdtemp(dir=make_folder(self.removed())))
        move(folder, aside / folder.name)
        # where a network file system keeps what a reader holds open, a later start removes it
        shutil.rmtree(aside, ignore_errors=True)


def folder_size(folder: Path) -> int:
    """Bytes of all files below `folder`, links not followed."""
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            # a reader may look while the driver removes
            with contextlib.suppress(FileNotFoundError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise InputError(
            Problem(
                f"key {key!r}",
                "a key is 1 to 128 letters, digits, dots, dashes and underscores, no sign first.",
                "The folders in `runs` of what the study fills are named by their keys.",
            )
        )
    return key
