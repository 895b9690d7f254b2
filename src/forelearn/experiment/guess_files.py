"""Finding the files of a folder that can be a task, and reading each as what it seems to be."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from forelearn.core.errors import InputError, Problem
from forelearn.experiment.columns import MADE_UP, guess_columns
from forelearn.experiment.guess_kinds import MOST_TAGS
from forelearn.experiment.guess_looks import Columns, LabelColumn
from forelearn.experiment.section_text import OWN, Notes, TableFile
from forelearn.tasks.conll import TAG, TOKEN
from forelearn.tasks.corpus import SUFFIXES, Corpus, Format
from forelearn.tasks.files import is_sayable, unsayable
from forelearn.tasks.plain_text import LABELS, MAPPING, SEQUENCES, TEXTS
from forelearn.tasks.reading import read_file
from forelearn.tasks.rows import Table

MOST_CLASSES = 20
"""A file whose lines begin with more different words than this is no file of labelled lines."""

LEAST_LINES = 5
"""A word that begins fewer lines is no label."""

_SNIFFED = 50_000_000
"""Bytes of a file that its format is guessed from; lines may be sorted by label, so that few are not enough."""

_FIRST = 8192
"""Bytes that tell a file of text from others: those hold a zero."""

_DECIMAL = re.compile(r"[-+]?\d+(\.\d+)?")


def tables(folder: Path, *, below: bool = True) -> list[Path]:
    """Files that may hold a task, in the order of their paths; hidden ones and `out` are passed over.

    below: in folders of the folder too.
    """
    if not folder.is_dir():
        raise InputError(Problem(str(folder), "There is no such folder.", "Name a folder that holds tables."))
    try:
        os.listdir(folder)
    except OSError as error:
        raise InputError(
            Problem(str(folder), f"The folder cannot be read: {error.strerror}.", "Check its rights.")
        ) from error
    return [
        path
        for path in sorted(folder.rglob("*") if below else folder.iterdir())
        if path.is_file()
        and not any(part.startswith(".") or part == "out" for part in path.relative_to(folder).parts)
        and format_by_content(path) is not None
    ]


def readable(root: Path, paths: Sequence[Path], notes: Notes) -> list[TableFile]:
    """The files that can be read and have a text and a label column; the others become notes."""
    found = []
    for path in paths:
        if not is_sayable(path):
            problem = unsayable(path.relative_to(root), where="")
            notes.said.append(f"A file is left out: {problem.what} {problem.fix}")
            continue
        name = path.relative_to(root).as_posix()
        if not path.resolve().is_relative_to(root.resolve()):
            notes.said.append(
                f"{name} is left out: it is a link that leaves the folder. Copy the file, or set `data_root` "
                "to a folder that holds it."
            )
            continue
        file = read(path, name)
        problems = [problem for problem in file.table.problems if problem.level == "error"]
        if problems:
            notes.said.append(f"{name} is left out: {problems[0].what}")
        elif file.table.columns and "allProperties.text" in file.table.columns:
            continue  # tweets of an incident stream, named by their label files' section
        else:
            found.append(file)
    found = list(_alike(root, found))
    for file in found:
        if file.columns.text is None or not file.columns.labels:
            what = "text" if file.columns.text is None else "label"
            notes.said.append(f"{file.path} is left out: no column looks like a {what}.")
    return [file for file in found if file.columns.text is not None and file.columns.labels]


def format_by_content(path: Path) -> Format | None:
    """The format of a file: by its suffix, and where that leaves it open by its first lines and neighbours."""
    by_suffix = SUFFIXES.get(path.suffix.lower())
    if by_suffix is not None and by_suffix != "squad":
        return by_suffix
    if path.name == SEQUENCES["words"] and all((path.parent / n).is_file() for n in SEQUENCES.values()):
        return "atis"
    if path.name in SEQUENCES.values() and (path.parent / SEQUENCES["words"]).is_file():
        return None
    if path.name.endswith(TEXTS):
        return "tweeteval" if (path.parent / (path.name.removesuffix(TEXTS) + LABELS)).is_file() else None
    if path.name == MAPPING or path.name.endswith(LABELS):
        return None
    try:
        with path.open("rb") as file:
            head = file.read(_FIRST)
            if b"\0" in head:
                return None
            head += file.read(_SNIFFED - _FIRST)
    except OSError:
        return None
    lines = head.decode("latin-1").split("\n")
    lines = lines[:-1] if len(head) == _SNIFFED else lines
    if by_suffix == "squad":
        first = lines[0].strip() if lines else ""
        if (
            first.startswith("{")
            and first.endswith("}")
            and len([line for line in lines if line.strip()]) > 1
        ):
            return "jsonl"
        return "squad" if b'"paragraphs"' in head else None
    return _format_of_lines(lines)


def _format_of_lines(all_lines: Sequence[str]) -> Format | None:
    """`conll`, `tsv` (the same number of tabs everywhere), `label-text` (few words begin all lines), or none."""
    lines = [line for line in all_lines if line.strip()]
    if len(lines) < 20:
        return None
    if _is_conll(all_lines):
        return "conll"
    tabs = Counter(line.count("\t") for line in lines)
    most, count = tabs.most_common(1)[0]
    if most and count >= 0.8 * len(lines) and lines[0].count("\t") == most:
        return "tsv"
    labels = Counter(line.split(" ", 1)[0] for line in lines)
    labelled = all(len(line.split(" ", 1)) == 2 for line in lines)
    few = 2 <= len(labels) <= min(MOST_CLASSES, len(lines) // 10) and min(labels.values()) >= LEAST_LINES
    return "label-text" if labelled and few and all(re.search(r"\w", label) for label in labels) else None


def _is_conll(lines: Sequence[str]) -> bool:
    """Whether blank lines part blocks of lines that all have the same few columns, the last with few values."""
    blocks = 0
    shapes: Counter[int] = Counter()
    tags: Counter[str] = Counter()
    filled = False
    for line in lines:
        cells = line.rstrip("\r").split("\t") if "\t" in line else line.split()
        if not line.strip():
            blocks += filled
        elif not line.startswith("#") or len(cells) == max(shapes, default=0):
            shapes[len(cells)] += 1
            tags[cells[-1]] += 1
        filled = bool(line.strip())
    width, count = shapes.most_common(1)[0] if shapes else (0, 0)
    words = sum(shapes.values())
    return 2 <= width <= 10 and count == words and 3 <= blocks <= words // 2 and len(tags) <= MOST_TAGS


def read(path: Path, name: str) -> TableFile:
    """Read a file as UTF-8 with quotes; failing that without quotes, then as latin-1."""
    chosen = format_by_content(path) or SUFFIXES.get(path.suffix.lower()) or "csv"
    first: TableFile | None = None
    for encoding in ("utf-8", "latin-1"):
        for quotes in (True, False) if chosen in ("csv", "tsv") else (True,):
            header = _made_up_header(path, chosen, encoding, quotes)
            file = _read_as(path, name, chosen, encoding, quotes, header)
            first = first or file
            if _sound(file):
                return file
    assert first is not None
    return first


def _read_as(
    path: Path, name: str, chosen: Format, encoding: str, quotes: bool, header: tuple[str, ...]
) -> TableFile:
    corpus = Corpus("", format=chosen, encoding=encoding, quotes=quotes, header=header)
    table = read_file(path, chosen, corpus, file=name)
    return TableFile(name, chosen, table, encoding, quotes, header, _columns(chosen, table))


def _sound(file: TableFile) -> bool:
    return not any(problem.level == "error" for problem in file.table.problems)


def _columns(chosen: Format, table: Table) -> Columns:
    """The roles of columns: the format's own, or guessed from names and values."""
    tags = {"conll": (TOKEN, TAG), "conllu": ("form", "upos")}
    if chosen in tags:
        words, tag = tags[chosen]
        counts = Counter(one for row in table.rows for one in row.values.get(tag) or ())
        label = LabelColumn(tag, counts, True, None, OWN)
        return Columns(words, None, None, None, None, (label,), {}, "sequence_labelling")
    if chosen == "squad":
        label = LabelColumn("answers.text", {}, True, None, OWN)
        return Columns("question", "context", "id", "paragraph", None, (label,), {}, "question_answering")
    if chosen in ("tweeteval", "label-text", "atis"):
        labels = []
        for name in ("intent",) if chosen == "atis" else ("label",):
            counts = Counter(str(row.values.get(name) or "").strip() for row in table.rows)
            labels.append(LabelColumn(name, counts, False, None, OWN))
        text = "words" if chosen == "atis" else "text"
        return Columns(text, None, None, None, None, tuple(labels), {})
    return guess_columns(table)


def _made_up_header(path: Path, chosen: Format, encoding: str, quotes: bool) -> tuple[str, ...]:
    """Names for the columns of a table whose first row looks like data: a number, a sentence, or nothing."""
    if chosen not in ("csv", "tsv"):
        return ()
    corpus = Corpus("", format=chosen, encoding=encoding, quotes=quotes)
    cells = _first_row(path, "," if chosen == "csv" else "\t", corpus)
    if not any(_DECIMAL.fullmatch(cell) or len(cell.split()) > 5 for cell in cells):
        return ()
    return tuple(f"{MADE_UP}{number}" for number in range(1, 1 + len(cells)))


def _first_row(path: Path, delimiter: str, corpus: Corpus) -> list[str]:
    """The cells of the first row; none if it cannot be read."""
    try:
        with path.open(encoding=corpus.encoding, newline="") as file:
            first = file.readline(100_000).removeprefix("\ufeff")
            if not corpus.quotes:
                return first.rstrip("\r\n").split(delimiter)
            return next(csv.reader([first], delimiter=delimiter, strict=True), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def _alike(root: Path, files: Sequence[TableFile]) -> Iterator[TableFile]:
    """The files, those of one folder and one shape read alike.

    A file without a header takes the names of a file beside it; where the quotes of one are plain characters,
    or its bytes no UTF-8, so are those of the others.
    """
    shapes: dict[tuple[str, Format, int], list[TableFile]] = defaultdict(list)
    for file in files:
        shapes[(str(Path(file.path).parent), file.format, len(file.table.columns))].append(file)
    settled: dict[str, TableFile] = {}
    for members in shapes.values():
        names = {file.table.columns for file in members if not file.header}
        bare = any(file.header for file in members)
        header = next(iter(names)) if bare and len(names) == 1 else None
        if bare and header is None and names:
            continue  # files with headers of their own, and one without
        encodings = {file.encoding for file in members}
        encoding = "latin-1" if "latin-1" in encodings else "utf-8"
        quotes = all(file.quotes for file in members)
        same_names = len(names) <= 1
        for file in members:
            wanted = (encoding, quotes, header if header is not None else file.header)
            if same_names and wanted != (file.encoding, file.quotes, file.header):
                again = _read_as(root / file.path, file.path, file.format, *wanted)
                if _sound(again):
                    settled[file.path] = again
    for file in files:
        yield settled.get(file.path, file)
