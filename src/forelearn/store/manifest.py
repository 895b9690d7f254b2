"""A folder's files with sizes and SHA-256: what makes a folder whole, and how damage is found."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from forelearn.core.errors import ForelearnError

NAME = "manifest.json"
"""The manifest's own file name; it does not list itself."""
VERSION = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: hexadecimal SHA-256 of its content, and its size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Fault:
    """One file that is not as the manifest says. file: relative to the folder; what: one sentence."""

    file: str
    what: str


def list_files(folder: Path) -> list[str]:
    """Relative paths (with `/`) of all files below `folder` in sorted order, its manifest left out.

    Raises ForelearnError for a link or a special file: a whole folder holds its content itself.
    """
    found = []
    for place, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(place, name)
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise ForelearnError(
                    f"{path}: only plain files and folders can be kept, this is a link or a special file. "
                    "Copy its content instead."
                )
        found += [Path(place, name).relative_to(folder).as_posix() for name in files]
    return sorted(name for name in found if name != NAME)


def make_manifest(folder: Path) -> dict[str, Entry]:
    """Relative path → entry of every file in `folder`, read from the files."""
    return {name: _entry(folder / name) for name in list_files(folder)}


def write_manifest(folder: Path, files: Mapping[str, Entry]) -> None:
    """Write `files` as the manifest of `folder`. Equal files make an equal manifest."""
    value = {
        "version": VERSION,
        "files": {name: {"sha256": files[name].sha256, "size": files[name].size} for name in sorted(files)},
    }
    (folder / NAME).write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> dict[str, Entry] | None:
    """What `write_manifest` wrote; None if there is none, or none that can be understood."""
    try:
        value = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if (
        not isinstance(value, dict)
        or value.get("version") != VERSION
        or not isinstance(value.get("files"), dict)
    ):
        return None
    files: dict[str, Entry] = {}
    for name, entry in value["files"].items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not isinstance(entry, dict):
            return None
        sha256, size = entry.get("sha256"), entry.get("size")
        if not isinstance(sha256, str) or not isinstance(size, int):
            return None
        files[name] = Entry(sha256, size)
    return files


def has_all(folder: Path, files: Mapping[str, Entry]) -> bool:
    """True if every listed file is there with its size. Contents are not read: see `find_faults`."""
    try:
        return all((folder / name).stat().st_size == entry.size for name, entry in files.items())
    except OSError:
        return False


def matches(file: Path, entry: Entry) -> bool:
    """True if the file's content is the listed one."""
    try:
        return _entry(file) == entry
    except OSError:
        return False


def find_faults(folder: Path) -> list[Fault]:
    """Everything in `folder` that is not as its manifest says; every file is read."""
    files = read_manifest(folder)
    if files is None:
        return [Fault(NAME, "there is no manifest that can be read, so the folder counts as absent.")]
    try:
        present = set(list_files(folder))
    except ForelearnError as error:
        return [Fault(".", str(error))]
    faults = [
        Fault(name, "the manifest lists this file, but it is gone.") for name in files if name not in present
    ]
    faults += [
        Fault(name, "the manifest does not list this file.") for name in sorted(present - files.keys())
    ]
    for name in sorted(present & files.keys()):
        try:
            found = _entry(folder / name)
        except OSError as error:
            faults.append(Fault(name, f"the file cannot be read ({error.strerror})."))
            continue
        if found.size != files[name].size:
            faults.append(
                Fault(name, f"the file has {found.size} bytes, the manifest says {files[name].size}.")
            )
        elif found != files[name]:
            faults.append(Fault(name, "the content changed: its SHA-256 is not the one in the manifest."))
    return faults


def _entry(file: Path) -> Entry:
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        return Entry(sha256, stream.tell())
