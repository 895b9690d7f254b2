"""From rows to documents: columns get their meaning, rows that cannot be used are counted and named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from forelearn.core.errors import Problem, did_you_mean
from forelearn.tasks.corpus import FILE_GROUP, Corpus, Part, column_of, uses_split_column
from forelearn.tasks.files import listed
from forelearn.tasks.rows import SPLIT_WORDS, Row


@dataclass(frozen=True, slots=True)
class Document:
    """A labelled text. id: unique in the study, from the file and the id column (or the row)."""

    id: str
    text: str
    pair: str | None
    labels: tuple[str, ...]
    group: str
    split: str
    file: str
    row: int

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
    return reading.documents, reading.all_problems()


class _Reading:
    """What is collected while the rows of one corpus pass."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.documents: list[Document] = []
        self.text = column_of(corpus, "text") or "text"
        self.pair = column_of(corpus, "pair")
        self.id = column_of(corpus, "id")
        self.label = column_of(corpus, "label") or "label"
        group = column_of(corpus, "group")
        self.by_file = group == FILE_GROUP
        self.group = None if self.by_file else group
        self.missing: dict[tuple[str, str], list[str]] = {}
        self.columns: dict[str, tuple[str, ...]] = {}
        self.empty: list[str] = []
        self.unlabelled: list[str] = []
        self.several: list[str] = []
        self.outside: list[str] = []
        self.odd_splits: list[str] = []
        self.no_group: list[str] = []
        self.odd_texts: list[str] = []
        self.twice: list[str] = []
        self.dropped: Counter[str] = Counter()
        self.ids: set[str] = set()

    def fits(self, part: Part) -> bool:
        """Whether the table has every column that the section names."""
        roles = {
            "text": self.text,
            "pair": self.pair,
            "id": self.id,
            "label": self.label,
            "group": self.group,
            "split": self.corpus.split,
        }
        lacking = [(role, name) for role, name in roles.items() if name and name not in part.table.columns]
        for role, name in lacking:
            self.missing.setdefault((role, name), []).append(part.table.file)
            self.columns[name] = part.table.columns
        return not lacking

    def take(self, row: Row, part: Part) -> None:
        """Turn a row into a document, or note why not."""
        text = row.values.get(self.text)
        pair = row.values.get(self.pair) if self.pair else None
        if isinstance(text, tuple) or isinstance(pair, tuple):
            self.odd_texts.append(row.place)
            return
        if not text or not text.strip():
            self.empty.append(row.place)
            return
        labels = self._labels(row)
        if labels is None:
            return
        file = row.file
        folder = PurePosixPath(file).parent.name or PurePosixPath(file).stem
        group = folder if self.by_file else self._plain(row, self.group)
        if self.group and not group:
            self.no_group.append(row.place)
            return
        split = part.split
        column = uses_split_column(self.corpus, part.table)
        if column:
            said = self._plain(row, column)
            split = SPLIT_WORDS.get(said.lower(), "")
            if not split:
                self.odd_splits.append(f"{row.place} has `{said}`")
                return
        name = f"{file}:{self._plain(row, self.id) or row.row}"
        if name in self.ids:
            self.twice.append(f"{row.place} (`{name.removeprefix(file + ':')}`)")
            name = f"{name}+{row.row}"
        self.ids.add(name)
        self.documents.append(
            Document(name, text, (pair or "") if self.pair else None, labels, group, split, file, row.row)
        )

    def _plain(self, row: Row, column: str | None) -> str:
        value = row.values.get(column) if column else None
        return value.strip() if isinstance(value, str) else ",".join(value or ())

    def _labels(self, row: Row) -> tuple[str, ...] | None:
        """The row's labels; None if the row is left out, which is noted."""
        value = row.values.get(self.label)
        delimiter = self.corpus.label_delimiter
        is_list = isinstance(value, tuple) or delimiter is not None
        if isinstance(value, tuple):
            names = value
        else:
            names = tuple((value or "").split(delimiter)) if delimiter else (value or "",)
        labels = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
        if not labels and (not is_list or not self.corpus.one_vs_rest):
            self.unlabelled.append(row.place)
            return None
        if len(labels) > 1 and not self.corpus.one_vs_rest:
            self.several.append(row.place)
            return None
        for name in labels:
            if name in self.corpus.drop:
                self.dropped[name] += 1
                return None
            if self.corpus.labels and name not in self.corpus.labels:
                self.outside.append(f"{row.place} has `{name}`")
                return None
        return labels

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
        error, warning = "error", "warning"
        allowed = ", ".join(self.corpus.labels)
        for rows, level, what, fix in (
            (self.odd_texts, error, "The text is a list, not one text", "Name a column of texts."),
            (
                self.several,
                error,
                "A row has several labels",
                "Set one_vs_rest = true, so that each label is a task.",
            ),
            (
                self.outside,
                error,
                f"A label is outside the list ({allowed})",
                "Correct it or add it to `labels`.",
            ),
            (
                self.odd_splits,
                error,
                "A split is not train, dev or test",
                "Correct it or choose another column.",
            ),
            (self.no_group, error, "A row has no group", "Fill the column in, or leave `group` out."),
            (self.empty, warning, "Empty texts are left out", "Check the column and the rows."),
            (self.unlabelled, warning, "Rows without a label are left out", "Check the column and the rows."),
            (
                self.twice,
                warning,
                "An id stands twice in one file; both rows are kept",
                "Check the id column.",
            ),
        ):
            if rows:
                first = rows[0].split(" has ")[0].split(" (")[0]
                what = f"{what}: {len(rows)} row{'s' if len(rows) > 1 else ''} ({listed(rows)})."
                problems.append(
                    Problem(f"{where}: {first}", what, fix, "error" if level == error else "warning")
                )
        for name in self.corpus.drop:
            if self.documents and not self.dropped[name]:
                known = {label for document in self.documents for label in document.labels}
                problems.append(
                    Problem(
                        f"{where} drop",
                        f"No row has the label `{name}`.",
                        did_you_mean(name, known),
                        "warning",
                    )
                )
        return problems
