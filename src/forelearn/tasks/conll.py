"""Words and tags, a word a line, a blank line between sentences: CoNLL (any columns) and CoNLL-U.

Source: the shared task of CoNLL 2003 (Tjong Kim Sang and De Meulder) and universaldependencies.org/format.
Columns are separated by tabs, or by blanks in files whose first word has no tab. Left out: comments and
`-DOCSTART-`; of CoNLL-U also the ranges of multiword tokens (`3-4`) and empty nodes (`5.1`).
A `#` opens a comment only where the line has not the columns of a word, or says `# key=value` before a sentence:
`#hashtag` is a word of tweets. How many columns there are is what most words have.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from forelearn.core.errors import Problem
from forelearn.tasks.files import decode, listed
from forelearn.tasks.rows import Row, Table, unreadable

CONLLU = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
"""The ten columns of CoNLL-U. Its table has `sent_id` and `document` from the comments too."""

TOKEN, TAG = "token", "tag"
"""What the first and the last column of a CoNLL file are called where `header` names none."""

_BLANKS = re.compile(r"[ \t]+")
_SAYING = re.compile(r"#\s.*=")
_DOCUMENT = "-DOCSTART-"


def read_conll(path: Path, *, file: str, encoding: str = "utf-8", header: Sequence[str] = ()) -> Table:
    """Read a file with a word a line: a row a sentence, each column the list of its words' cells.

    header: names of the columns; without it the first is `token`, the last `tag`, the others `column 2` … A header of
    one name is for files of words without tags.
    """
    lines, problem = _lines(path, file=file, encoding=encoding)
    if problem is not None:
        return unreadable(file, problem)
    filled = [line for _, line in lines if line.strip()]
    words = [line for line in filled if not line.startswith(("#", _DOCUMENT))] or filled
    tabs = "\t" in words[0]
    widths = Counter(len(_cells(line, tabs=tabs)) for line in words)
    width = max(widths, key=lambda one: (widths[one], one))
    if width < 2 and len(header) != 1:
        return unreadable(
            file,
            Problem(
                file,
                "A line holds a word and no tag.",
                "Separate a word and its tag by a tab or a blank, one word a line.",
            ),
        )
    if header and len(header) != width:
        return unreadable(
            file,
            Problem(
                file,
                f"`header` names {len(header)} columns, and the file has {width}.",
                "Name every column of the file.",
            ),
        )
    columns = tuple(header) or (TOKEN, *(f"column {n}" for n in range(2, width)), TAG)
    rows: list[Row] = []
    uneven: list[str] = []
    for number, sentence in _sentences(lines):
        cells: list[list[str]] = []
        for place, line in enumerate(sentence):
            own = _cells(line, tabs=tabs)
            is_comment = line.startswith("#") and (len(own) != width or (not cells and _SAYING.match(line)))
            if own[0] == _DOCUMENT or is_comment:
                continue
            if len(own) != width:
                uneven.append(f"row {number + place} has {len(own)}")
                continue
            cells.append(own)
        if cells:
            rows.append(Row(dict(zip(columns, map(tuple, zip(*cells)))), file, number))
    return Table(file, columns, tuple(rows), _uneven(file, uneven, width))


def read_conllu(path: Path, *, file: str, encoding: str = "utf-8") -> Table:
    """Read CoNLL-U: a row a sentence, each of the ten columns the list of its words' cells."""
    lines, problem = _lines(path, file=file, encoding=encoding)
    if problem is not None:
        return unreadable(file, problem)
    rows: list[Row] = []
    uneven: list[str] = []
    document = ""
    for number, sentence in _sentences(lines):
        cells: list[list[str]] = []
        said: dict[str, str] = {}
        for place, line in enumerate(sentence):
            own = line.split("\t")
            if line.startswith("#") and len(own) != len(CONLLU):
                key, _, value = line[1:].partition("=")
                said[key.strip()] = value.strip()
            elif len(own) != len(CONLLU):
                uneven.append(f"row {number + place} has {len(own)}")
            elif own[0].isdecimal():
                cells.append(own)
        document = said.get("newdoc id", document)
        if cells:
            values = dict(zip(CONLLU, map(tuple, zip(*cells))))
            rows.append(Row({**values, "sent_id": said.get("sent_id"), "document": document}, file, number))
    return Table(file, (*CONLLU, "sent_id", "document"), tuple(rows), _uneven(file, uneven, len(CONLLU)))


def _lines(path: Path, *, file: str, encoding: str) -> tuple[list[tuple[int, str]], Problem | None]:
    """Numbered lines without their ends, or why there are none."""
    text, problems = decode(path, file=file, encoding=encoding)
    if problems:
        return [], problems[0]
    if not text.strip():
        return [], Problem(file, "The file is empty.", "Give a file with a word and its tag a line.")
    return [(n, line.removesuffix("\r")) for n, line in enumerate(text.split("\n"), start=1)], None


def _sentences(lines: Sequence[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    """(number of its first line, lines) of what stands between blank lines; a line of tabs is blank."""
    start, sentence = 0, list[str]()
    for number, line in lines:
        if line.strip():
            start = start if sentence else number
            sentence.append(line)
        elif sentence:
            yield start, sentence
            sentence = []
    if sentence:
        yield start, sentence


def _cells(line: str, *, tabs: bool) -> list[str]:
    return line.split("\t") if tabs else _BLANKS.split(line.strip(" \t"))


def _uneven(file: str, uneven: Sequence[str], width: int) -> tuple[Problem, ...]:
    if not uneven:
        return ()
    return (
        Problem(
            f"{file}, {uneven[0].split(' has')[0]}",
            f"Every word must have the {width} columns that most have: {listed(uneven)}.",
            "Check what separates columns (tabs or blanks), and that a blank line ends each sentence.",
        ),
    )
