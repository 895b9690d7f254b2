"""Give back disk space: what kills left behind, and weights that nobody needs any more."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import dataclass

from forelearn.core.run import Failure
from forelearn.store.directory import SCRATCH, Directory, Scratch, folder_size
from forelearn.store.runs import Runs


@dataclass(frozen=True, slots=True)
class Removal:
    """One folder that was (or would be) removed. place: below the study's folder; size: bytes."""

    place: str
    size: int
    why: str


def collect(
    directory: Directory, *, keep: Collection[str] | None = None, dry_run: bool = False
) -> list[Removal]:
    """Remove scratch folders of finished keys, leftovers of kills, and weights whose key is not in `keep`.

    keep: keys whose weights stay; None keeps all. dry_run: say what would go, remove nothing.
    Scratch folders of unfinished keys stay: checkpoints are among them, those of failures too.
    The caller holds `directory.lock()`.
    """
    removals = []
    for shelf in SCRATCH:
        for key in directory.unfinished(shelf):
            if not _is_finished(directory, shelf, key):
                continue
            size = folder_size(directory.root / "work" / shelf / key)
            removals.append(Removal(f"work/{shelf}/{key}", size, "scratch of a finished key"))
            if not dry_run:
                directory.discard(shelf, key)
    for key in directory.keys("weights") if keep is not None else []:
        if keep is None or key in keep:
            continue
        removals.append(
            Removal(f"weights/{key}", directory.size("weights", key), "weights that are not kept")
        )
        if not dry_run:
            directory.remove("weights", key)
    for folder in sorted(directory.removed().iterdir()) if directory.removed().is_dir() else []:
        removals.append(
            Removal(f"removed/{folder.name}", folder_size(folder), "left by a kill during removal")
        )
        if not dry_run:
            shutil.rmtree(folder, ignore_errors=True)
    return removals


def _is_finished(directory: Directory, shelf: Scratch, key: str) -> bool:
    """Whether what was made in this scratch folder is done, or not wanted any more."""
    if shelf != "checkpoints" and directory.whole(shelf, key) is not None:
        return True
    if shelf == "checkpoints":  # another try of a failure goes on from there
        return not isinstance(Runs(directory).get(key), Failure | None)
    # what is stored may have left weights that were not kept
    return shelf == "weights" and directory.whole("runs", key) is not None
