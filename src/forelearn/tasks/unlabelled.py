"""Rows of a file whose labels nobody knows, read by the columns of a task's own [[data]] section.

As `documents`, but for three things: no label is read, though the file may hold one; every row stays, since each is
to be predicted (an empty text is read as it is, and said); the file is one that the user names, wherever it lies.
Not covered: formats that hold the label in the line or in a file beside it (`label-text`, `tweeteval`, `atis`,
`crisislex`, `incident-streams`) and hub ids; their columns are read from a table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from forelearn.core.data import Answer, Examples, TaskData
from forelearn.core.errors import InputError, Problem, did_you_mean
from forelearn.tasks.assemble import in_part
from forelearn.tasks.causes import Refused
from forelearn.tasks.contents import Layout, joined, layout_of, refuse_halves, words_in
from forelearn.tasks.corpus import SUFFIXES, Corpus, Format, column_of
from forelearn.tasks.documents import documents
from forelearn.tasks.files import listed
from forelearn.tasks.labels import draft
from forelearn.tasks.reading import Read, read_corpus, read_file
from forelearn.tasks.rows import Row, Table

INDEX = ("index", "idx")
"""Columns that number the rows of GLUE and SuperGLUE."""

_READ: tuple[Format, ...] = ("csv", "tsv", "jsonl", "parquet", "conll", "conllu", "squad")
"""Formats whose rows can be read without their labels."""


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """n rows to be predicted.

    examples: without labels; tags and answers hold stand-ins that no prediction reads.
    index: [n] what names each row: the cell of `index` or `idx`, else of the section's `id`, else its number from 0.
    warnings: what was doubtful.
    """

    examples: Examples
    index: tuple[str, ...]
    warnings: tuple[Problem, ...] = ()


def section_of(task: str, corpora: Sequence[Corpus], *, root: Path) -> Corpus:
    """The section that makes the task called `task`. Raises ValueError if none does."""
    for corpus in corpora:
        if corpus.name == task:
            return corpus
    read: Read = {}
    for corpus in corpora:
        if corpus.name is None:
            own, _ = documents(corpus, read_corpus(corpus, root=root, read=read)[0])
            drafts, _ = draft(corpus, in_part(own, corpus.part))
            if any(made.name == task for one in drafts for made in one.tasks):
                return corpus
    raise ValueError(f"no section makes `{task}`")


def read_unlabelled(corpus: Corpus, data: TaskData, path: Path) -> Unlabelled:
    """The rows of `path`, all of them, in their order. corpus: the section that makes the task `data`.

    Raises InputError for a file that cannot be read, a column that is missing, or rows that cannot be predicted.
    """
    if data.train.images:
        raise InputError(Problem(str(path), "Images without labels are not read.", "Name a task over texts."))
    layout = layout_of(corpus)
    table = _table(corpus, layout, path)
    read: list[Examples] = []
    refused: list[str] = []
    for row in table.rows:
        try:
            read.append(_example(row, layout, data))
        except Refused as why:
            refused.append(f"{row.row}: {why.cause.what[0].lower()}{why.cause.what[1:]}{why.detail}")
        except ValueError as why:
            refused.append(f"{row.row}: {why}")
    if refused:
        rule = f"Every row is to be predicted, and {len(refused)} cannot be read (row {listed(refused)})."
        raise InputError(Problem(str(path), rule, "Mend these rows, or take them out."))
    index = _index(table, column_of(corpus, "id"))
    examples = _together(read, index, data)
    return Unlabelled(examples, index, tuple(_doubts(examples, table)))


def _table(corpus: Corpus, layout: Layout, path: Path) -> Table:
    """The file as a table that has every column that is read."""
    said = corpus.format if corpus.format in _READ else None
    chosen = said or SUFFIXES.get(path.suffix.lower())
    if chosen is None:
        fix = (
            "Write it as .csv, .tsv, .jsonl or .parquet with the columns " + ", ".join(_needed(layout)) + "."
        )
        raise InputError(Problem(str(path), "Its format does not follow from its suffix.", fix))
    needed = _needed(layout)
    tables = []
    for header in _headers(corpus, layout, chosen):
        table = read_file(path, chosen, replace(corpus, header=header), file=str(path))
        errors = [problem for problem in table.problems if problem.level == "error"]
        missing = [name for name in needed if name not in table.columns]
        if not errors and not missing:
            return table
        tables.append((table, errors, missing))
    # the header that the section names is the one to speak of, where it names one
    table, errors, missing = tables[1 if corpus.header else 0]
    if errors:
        raise InputError(errors)
    raise InputError(
        Problem(
            str(path),
            f"There is no column `{missing[0]}`.",
            did_you_mean(missing[0], filter(None, table.columns)),
        )
    )


def _needed(layout: Layout) -> tuple[str, ...]:
    return (*layout.text, *layout.pair, *layout.choices)


def _headers(corpus: Corpus, layout: Layout, format_: Format) -> Iterator[tuple[str, ...]]:
    """What may head the file: a row of its own, the names of the section, these without the label's; words alone."""
    yield ()
    if corpus.header:
        yield corpus.header
        yield tuple(name for name in corpus.header if name != layout.label)
    if format_ == "conll":
        yield layout.text


def _example(row: Row, layout: Layout, data: TaskData) -> Examples:
    """One row. Raises Refused, or ValueError with a reason, if it cannot be predicted."""
    refuse_halves(row, _needed(layout))
    if data.task.kind == "sequence_labelling":
        words = words_in(row.values.get(layout.text[0]))
        if not words or not all(word.strip() for word in words):
            raise ValueError("has an empty word" if words else "has no word")
        return Examples(("",), (" ".join(words),), words=(words,), tags=((0,) * len(words),))
    text = joined(row, layout.text)
    pairs = (joined(row, layout.pair),) if data.train.pairs is not None else None
    match data.task.kind:
        case "question_answering":
            if not text.strip() or pairs is None or not pairs[0].strip():
                raise ValueError("has no question or no context")
            return Examples(("",), (text,), pairs=pairs, answers=((Answer(0, ""),),))
        case "multiple_choice":
            only = row.values.get(layout.choices[0]) if len(layout.choices) == 1 else None
            choices = (
                only if isinstance(only, tuple) else tuple(joined(row, (name,)) for name in layout.choices)
            )
            wanted = len(data.train.choices[0])
            if len(choices) != wanted:
                raise ValueError(f"has {len(choices)} choices, the task has {wanted}")
            return Examples(("",), (text,), pairs=pairs, choices=(choices,))
        case "binary" | "multiclass" | "regression":
            return Examples(("",), (text,), pairs=pairs)
        case other:
            raise ValueError(f"is {other}, of which no file is read")


def _together(read: Sequence[Examples], index: Sequence[str], data: TaskData) -> Examples:
    """The rows as aligned columns. Ids are numbered, so that they are unique where an index is not."""
    return Examples(
        ids=tuple(f"{number}:{name}" for number, name in enumerate(index)),
        texts=tuple(text for one in read for text in one.texts),
        pairs=None if data.train.pairs is None else tuple(pair for one in read for pair in one.pairs or ()),
        choices=tuple(choices for one in read for choices in one.choices),
        words=tuple(words for one in read for words in one.words),
        tags=tuple(tags for one in read for tags in one.tags),
        answers=tuple(answers for one in read for answers in one.answers),
    )


def _index(table: Table, id_column: str | None) -> tuple[str, ...]:
    """What names each row."""
    for name in (*INDEX, *([id_column] if id_column else [])):
        cells = [row.values.get(name) for row in table.rows]
        found = [cell.strip() for cell in cells if isinstance(cell, str) and cell.strip()]
        if len(found) == len(cells):
            return tuple(found)
    return tuple(str(number) for number in range(len(table.rows)))


def _doubts(examples: Examples, table: Table) -> Iterator[Problem]:
    yield from table.problems
    empty = [row.place for row, text in zip(table.rows, examples.texts) if not text.strip()]
    if empty:
        what = f"Rows with an empty text are predicted all the same: {len(empty)} ({listed(empty)})."
        yield Problem(table.file, what, "Check the column and the rows.", "warning")
