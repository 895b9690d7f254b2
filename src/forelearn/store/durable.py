"""Renames that survive a power cut: content first, then names, then the place itself."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def sync_tree(folder: Path) -> None:
    """Force every file and folder below `folder`, and `folder` itself, onto the disk."""
    for place, _, files in os.walk(folder, topdown=False):
        for name in files:
            _sync(Path(place, name))
        _sync(Path(place))


def make_folder(folder: Path) -> Path:
    """Create `folder` and its parents where they are missing, names forced onto the disk."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)
    return folder


def move(source: Path, target: Path) -> None:
    """Rename `source` to `target`, which must not exist, in one step."""
    os.rename(source, target)
    _sync(target.parent)
    _sync(source.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP) or not path.is_dir():
            raise  # some network file systems sync files and know no such thing of folders
    finally:
        os.close(descriptor)
