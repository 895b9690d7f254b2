"""One file in one step: written beside, then renamed. A file half written is never seen."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from forelearn.core.errors import DISK_FULL, InputError, Problem


def write_file(path: Path, text: str) -> None:
    """Write a file whose place a person named, and make its folder. InputError, and nothing left, if it cannot be.

    OSError if the disk has no room, which is no fault of the name.
    """
    try:
        place = path.resolve()  # what a link points to is written, and the link stays
        if place.exists() and not place.is_file():  # a pipe, a terminal, /dev/null
            place.write_text(text, encoding="utf-8")
            return
        part = place.with_name(f".{place.name}.{os.getpid()}.part")
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        if error.errno in DISK_FULL:
            raise
        what = f"cannot be written: {error.strerror}."
        raise InputError(Problem(str(path), what, "Name another file.")) from error
    except UnicodeEncodeError as error:
        half = f"U+{ord(error.object[error.start]):04X}"
        what = f"cannot be written: a name or label in it holds half a character ({half})."
        raise InputError(Problem(str(path), what, "Rename the file, or mend the label.")) from error


def write_page_or_json(path: Path, page: Callable[[], str], value: Callable[[], Any]) -> None:
    """Write a page, or a value as JSON where the name ends in `.json`."""
    as_json = path.suffix == ".json"
    write_file(path, json.dumps(value(), indent=1, ensure_ascii=False) + "\n" if as_json else page())
