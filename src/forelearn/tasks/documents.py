"""From rows to documents: columns get their meaning, rows that cannot be used are counted and named."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import PurePosixPath

from forelearn.core.errors import Problem, did_you_mean
from forelearn.tasks.causes import Cause, Dropped, Refused
from forelearn.tasks.contents import Content, content_of, layout_of, refuse_halves
from forelearn.tasks.corpus import (
    FILE_GROUP,
    Corpus,
    Role,
    column_of,
    columns_of,
    uses_split_column,
)
from forelearn.tasks.files import listed
from forelearn.tasks.reading import Part
from forelearn.tasks.rows import SPLIT_WORDS, Row

NO_GROUP = Cause("A row has no group", "Fill the column in, or leave `group` out.")
ODD_SPLIT = Cause("A split is not train, dev or test", "Correct it or choose another column.")
TWICE = Cause("An id stands twice in one file; both rows are kept", "Check the id column.", "warning")
OTHER_NUMBER = Cause(
    "Rows with another number of choices than most are left out",
    "A task has the same number of choices in every row.",
    "warning",
)

OTHER_SPANS = Cause(
    "Spans are written as BIOES or BILOU, and read as BIO",
    "Predictions are written as BIO: B-TYPE opens a span, I-TYPE goes on with it.",
    "warning",
)
_SPAN = re.compile(r"[BIESLU]-.+")
_LAST = {"E-": "I-", "L-": "I-", "S-": "B-", "U-": "B-"}
"""Signs of a span's last word and of its only one, and what they are in BIO."""

_ROLES: tuple[Role, ...] = ("text", "pair", "choices", "id", "label", "start", "group", "split", "part_by")


@dataclass(frozen=True, slots=True)
class Document:
    """What one row holds. id: unique in the study, from the file and the id column (or the row).

    cut: the value of the column whose rows stay in one part of the file; the id where there is none.
    """

    id: str
    content: Content
    group: str
    split: str
    file: str
    row: int
    cut: str

    @property
    def place(self) -> str:
        """`file, row n`, for messages."""
        return f"{self.file}, row {self.row}"


def documents(corpus: Corpus, parts: Sequence[Part]) -> tuple[list[Document], list[Problem]]:
    """The usable documents of a corpus, in the order of its files."""
    reading = _Reading(corpus)
    for part in parts:
        if part.table.rows and reading.fits(part):
            for row in part.table.rows:
                reading.take(row, part)
    reading.finish()
    return reading.documents, reading.all_problems()


class _Reading:
    """What is collected while the rows of one corpus pass."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.layout = layout_of(corpus)
        self.documents: list[Document] = []
        self.id = column_of(corpus, "id")
        group = column_of(corpus, "group")
        self.by_file = group == FILE_GROUP
        self.group = None if self.by_file else group
        self.cut = column_of(corpus, "part_by") or self.group
        self.used = tuple({name: None for role in _ROLES for name in columns_of(corpus, role)})
        self.missing: dict[tuple[str, str], list[str]] = {}
        self.columns: dict[str, tuple[str, ...]] = {}
        self.noted: dict[Cause, list[str]] = defaultdict(list)
        self.dropped: Counter[str] = Counter()
        self.ids: set[str] = set()

    def fits(self, part: Part) -> bool:
        """Whether the table has every column that the section names."""
        lacking = [
            (role, name)
            for role in _ROLES
            for name in columns_of(self.corpus, role)
            if name != FILE_GROUP and name not in part.table.columns
        ]
        for role, name in lacking:
            self.missing.setdefault((role, name), []).append(part.table.file)
            self.columns[name] = part.table.columns
        return not lacking

    def take(self, row: Row, part: Part) -> None:
        """Turn a row into a document, or note why not."""
        try:
            self.documents.append(self._document(row, part))
        except Refused as refused:
            self.noted[refused.cause].append(row.place + refused.detail)
        except Dropped as dropped:
            self.dropped[dropped.label] += 1

    def _document(self, row: Row, part: Part) -> Document:
        refuse_halves(row, self.used)
        content = content_of(row, self.layout)
        file = row.file
        group = _folder(file) if self.by_file else _plain(row, self.group)
        if self.group and not group:
            raise Refused(NO_GROUP)
        split = part.split
        column = uses_split_column(self.corpus, part.table)
        if column:
            said = _plain(row, column)
            split = SPLIT_WORDS.get(said.lower(), "")
            if not split:
                raise Refused(ODD_SPLIT, f" has `{said}`")
        name = f"{file}:{_plain(row, self.id) or row.row}"
        if name in self.ids:
            self.noted[TWICE].append(f"{row.place} (`{name.removeprefix(file + ':')}`)")
            name = f"{name}+{row.row}"
        self.ids.add(name)
        return Document(name, content, group, split, file, row.row, _plain(row, self.cut) or name)

    def finish(self) -> None:
        """What only all rows together show: how many choices most of them have, and how spans are written."""
        if self.layout.kind == "sequence_labelling" and not self.corpus.labels:
            self._as_bio()
        if self.layout.kind != "multiple_choice" or not self.documents:
            return
        numbers = Counter(len(document.content.choices) for document in self.documents)
        most = max(numbers, key=lambda number: (numbers[number], number))
        odd = [document for document in self.documents if len(document.content.choices) != most]
        self.noted[OTHER_NUMBER] += [f"{one.place} has {len(one.content.choices)}" for one in odd]
        self.documents = [one for one in self.documents if len(one.content.choices) == most]

    def _as_bio(self) -> None:
        """Spans that are written with a sign for their last word (BIOES, BILOU) become BIO."""
        tags = {tag for document in self.documents for tag in document.content.tags}
        if not any(tag[:2] in _LAST for tag in tags) or not all(
            tag == "O" or _SPAN.fullmatch(tag) for tag in tags
        ):
            return
        self.noted[OTHER_SPANS] += [
            one.place for one in self.documents if any(tag[:2] in _LAST for tag in one.content.tags)
        ]
        plain = {tag: _LAST.get(tag[:2], tag[:2]) + tag[2:] for tag in tags}
        self.documents = [
            replace(one, content=replace(one.content, tags=tuple(plain[tag] for tag in one.content.tags)))
            for one in self.documents
        ]

    def all_problems(self) -> list[Problem]:
        """Everything noted, one problem a cause."""
        where = self.corpus.where
        problems = []
        for (role, name), files in self.missing.items():
            problems.append(
                Problem(
                    f"{where} {role}",
                    f"There is no column `{name}` in {listed(files)}.",
                    did_you_mean(name, [column for column in self.columns[name] if column]),
                )
            )
        for cause, rows in self.noted.items():
            if rows:
                first = rows[0].split(" has ")[0].split(" (")[0]
                what = f"{cause.what}: {len(rows)} row{'s' if len(rows) > 1 else ''} ({listed(rows)})."
                problems.append(Problem(f"{where}: {first}", what, cause.fix, cause.level))
        for name in self.corpus.drop:
            if self.documents and not self.dropped[name]:
                known = {label for document in self.documents for label in document.content.labels}
                problems.append(
                    Problem(
                        f"{where} drop",
                        f"No row has the label `{name}`.",
                        did_you_mean(name, known),
                        "warning",
                    )
                )
        return problems


def _plain(row: Row, column: str | None) -> str:
    value = row.values.get(column) if column else None
    return value.strip() if isinstance(value, str) else ",".join(value or ())


@cache
def _folder(file: str) -> str:
    """The name of the folder that a file lies in, or the file's stem at the root."""
    path = PurePosixPath(file)
    return path.parent.name or path.stem
