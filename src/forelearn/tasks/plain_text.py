"""Lines of plain text whose labels stand before them or in a file beside them.

label-text: the label is the first word of a line. tweeteval: `x_text.txt`, `x_labels.txt` with a number a line,
and `mapping.txt` with `number<TAB>name` (Barbieri et al. 2020). atis: `seq.in`, `seq.out` and `label` of one
folder, aligned by line (Goo et al. 2018, slot-gated modelling). Lines end at "\\n" alone (`forelearn.tasks.files`).
"""

from __future__ import annotations

from pathlib import Path

from forelearn.core.errors import Problem
from forelearn.tasks.files import decode, listed
from forelearn.tasks.rows import Row, Table, unreadable

TEXTS, LABELS, MAPPING = "_text.txt", "_labels.txt", "mapping.txt"
SEQUENCES = {"words": "seq.in", "slots": "seq.out", "intent": "label"}
"""Column → file of a folder in the form of ATIS."""


def read_label_text(path: Path, *, file: str, encoding: str = "utf-8") -> Table:
    """Read `label text` lines as columns `label` and `text`."""
    lines, problem = _lines(path, file=file, encoding=encoding)
    if problem is not None:
        return unreadable(file, problem)
    rows = []
    bare = []
    for number, line in enumerate(lines, start=1):
        label, _, text = line.partition(" ")
        if label and text.strip():
            rows.append(Row({"label": label, "text": text}, file, number))
        elif line.strip():
            bare.append(f"row {number}")
    found: tuple[Problem, ...] = ()
    if bare:
        found = (
            Problem(
                f"{file}, {bare[0]}",
                f"A line must hold a label, a blank and a text: {listed(bare)}.",
                "Correct the lines, or choose another format.",
            ),
        )
    return Table(file, ("label", "text"), tuple(rows), found)


def read_tweeteval(path: Path, *, file: str, encoding: str = "utf-8") -> Table:
    """Read `x_text.txt` with the labels beside it as columns `text` and `label` (the name in mapping.txt)."""
    if not path.name.endswith(TEXTS):
        return unreadable(
            file, Problem(file, f"A file of texts ends in `{TEXTS}`.", f'Name it: files = "train{TEXTS}".')
        )
    labels = path.name.removesuffix(TEXTS) + LABELS
    columns, problem = _aligned(path, {"text": path.name, "label": labels}, file=file, encoding=encoding)
    names: dict[str, str] = {}
    if problem is None and (path.parent / MAPPING).is_file():
        lines, problem = _beside(path, MAPPING, file=file, encoding=encoding)
        names = {number.strip(): name.strip() for number, _, name in (line.partition("\t") for line in lines)}
    if problem is not None:
        return unreadable(file, problem)
    rows = [
        Row({"text": text, "label": names.get(label.strip(), label.strip())}, file, number)
        for number, (text, label) in enumerate(zip(columns["text"], columns["label"]), start=1)
    ]
    return Table(file, ("text", "label"), tuple(rows))


def read_atis(path: Path, *, file: str, encoding: str = "utf-8") -> Table:
    """Read `seq.in` with the files beside it as columns `words`, `slots` (both blank-separated) and `intent`."""
    if path.name != SEQUENCES["words"]:
        what = f"Of a folder in this form `{SEQUENCES['words']}` is named; the others are read beside it."
        return unreadable(file, Problem(file, what, 'Name it: files = "train/seq.in".'))
    columns, problem = _aligned(path, SEQUENCES, file=file, encoding=encoding)
    if problem is not None:
        return unreadable(file, problem)
    rows = [
        Row(dict(zip(SEQUENCES, cells)), file, number)
        for number, cells in enumerate(zip(*(columns[name] for name in SEQUENCES)), start=1)
    ]
    return Table(file, tuple(SEQUENCES), tuple(rows))


def _aligned(
    path: Path, names: dict[str, str], *, file: str, encoding: str
) -> tuple[dict[str, list[str]], Problem | None]:
    """Column → lines of the files of these names in the folder of `path`, which must be equally many."""
    columns: dict[str, list[str]] = {}
    for column, name in names.items():
        columns[column], problem = _beside(path, name, file=file, encoding=encoding)
        if problem is not None:
            return {}, problem
    counts = {names[column]: len(lines) for column, lines in columns.items()}
    if len(set(counts.values())) > 1:
        said = ", ".join(f"{count} in {name}" for name, count in counts.items())
        return {}, Problem(
            file,
            f"The files beside each other have different numbers of lines: {said}.",
            "Each line of one belongs to the same line of the others; write them again.",
        )
    return columns, None


def _beside(path: Path, name: str, *, file: str, encoding: str) -> tuple[list[str], Problem | None]:
    """The lines of the file `name` in the folder of `path`; a link out of that folder is not followed."""
    other = path.parent / name
    said = file.removesuffix(path.name) + name
    if not other.is_file() or other.resolve().parent != path.resolve().parent:
        return [], Problem(
            file, f"`{said}` is missing: it belongs to this file.", "Put it into the same folder."
        )
    return _lines(other, file=said, encoding=encoding)


def _lines(path: Path, *, file: str, encoding: str) -> tuple[list[str], Problem | None]:
    text, problems = decode(path, file=file, encoding=encoding)
    if problems:
        return [], problems[0]
    if not text.strip():
        return [], Problem(file, "The file is empty.", "Give a file with a text a line.")
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")], None
