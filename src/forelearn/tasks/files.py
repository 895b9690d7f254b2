"""Finding and decoding files below one root. Nothing outside the root is ever opened.

Lines end at "\\n" alone: `str.splitlines` also breaks at \\x85, \\x0b and U+2028, which real texts contain.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from forelearn.core.errors import Problem, did_you_mean

_MOST_LISTED = 5


def find(patterns: Sequence[str], *, root: Path, where: str) -> tuple[list[Path], list[Problem]]:
    """The files that the patterns name, in the order of the patterns and then by name, each once.

    Each pattern is a path or a glob relative to `root`; a file of that very name comes before what it would match. A
    pattern that leaves the root (`..`, an absolute path, a link that points outside), or finds nothing, is a problem.
    """
    found: dict[Path, None] = {}
    problems: list[Problem] = []
    inside = root.resolve()
    for pattern in patterns:
        pure = PurePosixPath(pattern)
        literal = _is_file(root / pattern)
        home = pattern.startswith("~") and not literal
        if pure.is_absolute() or ".." in pure.parts or home or "\\" in pattern:
            problems.append(
                Problem(
                    f"{where} files",
                    f"`{pattern}` leaves the data folder; a data path stays below data_root.",
                    "Set data_root to a folder that holds the files and write the path from there.",
                )
            )
            continue
        if not pattern or "\0" in pattern:
            problems.append(
                Problem(f"{where} files", "The path is empty or not a path.", "Name a file below data_root.")
            )
            continue
        try:
            globbed = not literal and any(sign in pattern for sign in "*?[")
            matches = sorted(root.glob(pattern)) if globbed else [root / pattern]
            matches = [path for path in matches if path.is_file()]
            if not matches:
                problems.append(_nothing_found(pattern, root=root, where=where))
        except OSError as error:
            problems.append(
                Problem(
                    f"{where} files", f"`{pattern}` cannot be listed: {error.strerror}.", "Check its rights."
                )
            )
            continue
        except (ValueError, re.error) as error:
            problems.append(
                Problem(f"{where} files", f"`{pattern}` is no glob: {error}.", "Use * and ? within names.")
            )
            continue
        for path in matches:
            if not path.resolve().is_relative_to(inside):
                problems.append(
                    Problem(
                        f"{where} files",
                        f"`{path.relative_to(root).as_posix()}` is a link that leaves the data folder.",
                        "Set data_root to a folder that holds the file itself.",
                    )
                )
                continue
            if not is_sayable(path):
                problems.append(unsayable(path, where=f"{where} files"))
                continue
            found[path] = None
    return list(found), problems


def is_sayable(path: Path) -> bool:
    """Whether a path is UTF-8 throughout. On Linux a name may be any bytes; keys and files of text cannot hold it."""
    return not any("\ud800" <= sign <= "\udfff" for sign in str(path))


def unsayable(path: Path, *, where: str) -> Problem:
    """What is wrong with the name of a file that is not UTF-8."""
    shown = str(path).encode("utf-8", "backslashreplace").decode()
    return Problem(where, f"The name of `{shown}` is not UTF-8.", "Rename it.")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long, or with a zero in it
        return False


def _nothing_found(pattern: str, *, root: Path, where: str) -> Problem:
    if (root / pattern).is_dir():
        return Problem(
            f"{where} files", f"`{pattern}` is a folder, not a file.", f"Name its files: `{pattern}/*.csv`."
        )
    folder = (root / pattern).parent
    names = [entry.name for entry in os.scandir(folder)] if folder.is_dir() else []
    hint = did_you_mean(Path(pattern).name, names) if names else f"The folder {folder} does not exist."
    return Problem(
        f"{where} files", f"`{pattern}` finds no file below {root}.", hint or "The folder is empty."
    )


def decode(path: Path, *, file: str, encoding: str) -> tuple[str, list[Problem]]:
    """The text of a file without its byte order mark, or the byte that is not `encoding`, with its row."""
    try:
        data = path.read_bytes()
    except OSError as error:
        return "", [
            Problem(
                file, f"The file cannot be read: {error.strerror}.", "Check that it exists and its rights."
            )
        ]
    name = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    try:
        return data.decode(name).removeprefix("\ufeff"), []
    except UnicodeDecodeError as error:
        rows = _bad_rows(data, name) if name == "utf-8-sig" else [data.count(b"\n", 0, error.start) + 1]
        more = f" ({len(rows)} rows have such bytes)" if len(rows) > 1 else ""
        problem = Problem(
            f"{file}, row {rows[0]}",
            f"Byte 0x{data[error.start]:02x} is not {encoding.upper()}{more}.",
            'Save the file as UTF-8, or name its encoding in [[data]], for example encoding = "latin-1".',
        )
        return "", [problem]
    except UnicodeError as error:  # of codecs that do not say where
        fix = "Name the encoding that the file was saved in."
        return "", [Problem(file, f"The file is not {encoding.upper()}: {error}.", fix)]


def _bad_rows(data: bytes, encoding: str) -> list[int]:
    bad = []
    for number, line in enumerate(data.split(b"\n"), start=1):
        try:
            line.decode(encoding)
        except UnicodeDecodeError:
            bad.append(number)
    return bad


def lines_of(text: str) -> list[str]:
    """The lines of `text` with their "\\n"; only "\\n" ends a line."""
    lines = text.split("\n")
    last = lines.pop()
    return [line + "\n" for line in lines] + ([last] if last else [])


def listed(places: Sequence[str]) -> str:
    """The first few places and how many more there are."""
    shown = "; ".join(places[:_MOST_LISTED])
    return shown if len(places) <= _MOST_LISTED else f"{shown}; and {len(places) - _MOST_LISTED} more"
