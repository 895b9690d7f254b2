"""What a row says: its texts and what is to be found in them, by the kind of task, or why it cannot be used."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from forelearn.core.data import Answer
from forelearn.core.task import Kind
from forelearn.tasks.causes import (
    EMPTY,
    EMPTY_ANSWER,
    EMPTY_CHOICE,
    EMPTY_TAG,
    EMPTY_WORD,
    EQUAL_CHOICES,
    HALF_SIGN,
    NO_CHOICE,
    NO_CONTEXT,
    NO_NUMBER,
    NO_START,
    ODD_START,
    ODD_TEXT,
    OFF,
    SEVERAL,
    UNANSWERABLE,
    UNEVEN,
    UNLABELLED,
    Cause,
    Dropped,
    Refused,
)
from forelearn.tasks.corpus import Corpus, columns_of, kind_of
from forelearn.tasks.rows import Row, Value


@dataclass(frozen=True, slots=True)
class Content:
    """What is read of a document and what is to be found; a kind fills what it has.

    labels: several for one-vs-rest tasks; for a multiple choice the position of the right one, as text.
    value: of a regression. words, tags: of sequence labelling, equally many. answers: at least one.
    """

    text: str
    pair: str | None = None
    labels: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    value: float = 0.0
    words: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()


_BLANKS = re.compile(r"[ \t\n]+")
_POSITION = re.compile(r"[0-9]{1,18}(\.0*)?")


@dataclass(frozen=True, slots=True)
class Layout:
    """The kind of a section's tasks and the columns that its rows are read from, resolved once."""

    corpus: Corpus
    kind: Kind | None
    text: tuple[str, ...]
    pair: tuple[str, ...]
    choices: tuple[str, ...]
    label: str
    start: str


def layout_of(corpus: Corpus) -> Layout:
    """The layout of a section."""
    return Layout(
        corpus=corpus,
        kind=kind_of(corpus),
        text=columns_of(corpus, "text"),
        pair=columns_of(corpus, "pair"),
        choices=columns_of(corpus, "choices"),
        label=columns_of(corpus, "label")[0],
        start=next(iter(columns_of(corpus, "start")), ""),
    )


def content_of(row: Row, layout: Layout) -> Content:
    """The content of a row. Raises Refused or Dropped where the row cannot be used."""
    match layout.kind:
        case "sequence_labelling":
            return _sequence(row, layout)
        case "question_answering":
            return _question(row, layout)
        case "multiple_choice":
            text, pair = _texts(row, layout)
            choices = _choices(row, layout.choices)
            return Content(text, pair, (_right_choice(row, layout, choices),), choices)
        case "regression":
            text, pair = _texts(row, layout)
            return Content(text, pair, value=_number(row, layout))
        case _:
            text, pair = _texts(row, layout)
            return Content(text, pair, _labels(row, layout))


def refuse_halves(row: Row, columns: Sequence[str]) -> None:
    """Raise Refused if a cell of these columns cannot be written as UTF-8."""
    for column in columns:
        cell = row.values.get(column) or ""
        try:
            (cell if isinstance(cell, str) else "".join(cell)).encode()
        except UnicodeEncodeError:
            raise Refused(HALF_SIGN) from None


def _texts(row: Row, layout: Layout) -> tuple[str, str | None]:
    """The text and the second text, each of its columns joined by spaces."""
    text = joined(row, layout.text)
    pair = joined(row, layout.pair) if layout.pair else None
    if not text.strip():
        raise Refused(EMPTY)
    return text, pair


def joined(row: Row, columns: Sequence[str]) -> str:
    """The cells of several columns, joined by spaces. Raises Refused for a list."""
    cells = []
    for column in columns:
        cell = row.values.get(column)
        if isinstance(cell, tuple):
            raise Refused(ODD_TEXT)
        if cell:
            cells.append(cell)
    return " ".join(cells)


def _one_label(row: Row, layout: Layout) -> str:
    """The label of a task that has one a row."""
    cell = row.values.get(layout.label)
    if isinstance(cell, tuple):
        if len(cell) > 1:
            raise Refused(SEVERAL)
        cell = next(iter(cell), "")
    label = (cell or "").strip()
    if not label:
        raise Refused(UNLABELLED)
    if label in layout.corpus.drop:
        raise Dropped(label)
    return label


def _labels(row: Row, layout: Layout) -> tuple[str, ...]:
    """The labels of a classification; several where each is a task."""
    cell = row.values.get(layout.label)
    delimiter = layout.corpus.label_delimiter
    is_list = isinstance(cell, tuple) or delimiter is not None
    names = cell if isinstance(cell, tuple) else (cell or "").split(delimiter) if delimiter else (cell or "",)
    labels = tuple(dict.fromkeys(name.strip() for name in names if name.strip()))
    if not labels and (not is_list or not layout.corpus.one_vs_rest):
        raise Refused(UNLABELLED)
    if len(labels) > 1 and not layout.corpus.one_vs_rest:
        raise Refused(SEVERAL)
    for name in labels:
        if name in layout.corpus.drop:
            raise Dropped(name)
        _is_listed(name, layout.corpus)
    return labels


def _is_listed(label: str, corpus: Corpus) -> None:
    if corpus.labels and label not in corpus.labels:
        what = f"A label is outside the list ({', '.join(corpus.labels)})"
        raise Refused(Cause(what, "Correct it or add it to `labels`."), f" has `{label}`")


def _number(row: Row, layout: Layout) -> float:
    label = _one_label(row, layout)
    try:
        value = float(label)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Refused(NO_NUMBER, f" has `{label}`")
    return value


def _choices(row: Row, columns: Sequence[str]) -> tuple[str, ...]:
    """The choices of a row: a column each, or one column of lists."""
    only = row.values.get(columns[0]) if len(columns) == 1 else None
    choices = only if isinstance(only, tuple) else tuple(joined(row, (column,)) for column in columns)
    if len(choices) < 2 or not all(choice.strip() for choice in choices):
        raise Refused(EMPTY_CHOICE)
    if len(set(choices)) < len(choices):
        raise Refused(EQUAL_CHOICES)
    return choices


def _right_choice(row: Row, layout: Layout, choices: Sequence[str]) -> str:
    """The position of the right choice, counted from 0, as text."""
    label = _one_label(row, layout)
    for names in (layout.corpus.labels, layout.choices if len(layout.choices) > 1 else ()):
        if label in names and names.index(label) < len(choices):
            return str(names.index(label))
    if not layout.corpus.labels and label.isdecimal():
        place = label.lstrip("0") or "0"
        if len(place) <= len(str(len(choices))) and int(place) < len(choices):
            return str(int(place))
    raise Refused(NO_CHOICE, f" has `{label}`")


def _sequence(row: Row, layout: Layout) -> Content:
    words = words_in(row.values.get(layout.text[0]))
    tags = words_in(row.values.get(layout.label))
    if not words:
        raise Refused(EMPTY)
    if not tags:
        raise Refused(UNLABELLED)
    if len(words) != len(tags):
        raise Refused(UNEVEN, f" has {len(words)} words and {len(tags)} tags")
    if not all(word.strip() for word in words):
        raise Refused(EMPTY_WORD)
    if not all(tag.strip() for tag in tags):
        raise Refused(EMPTY_TAG)
    for tag in tags:
        _is_listed(tag, layout.corpus)
    return Content(" ".join(words), words=words, tags=tags)


def words_in(cell: Value) -> tuple[str, ...]:
    """A list as it is; a text split at blanks, not at the white space that words may hold (U+0085, U+00A0)."""
    return cell if isinstance(cell, tuple) else tuple(word for word in _BLANKS.split(cell or "") if word)


def _question(row: Row, layout: Layout) -> Content:
    question, context = _texts(row, layout)
    if not context or not context.strip():
        raise Refused(NO_CONTEXT)
    texts = _several(row.values.get(layout.label))
    starts = _several(row.values.get(layout.start))
    if not texts:
        raise Refused(UNANSWERABLE)
    if len(texts) != len(starts):
        raise Refused(NO_START, f" has {len(texts)} and {len(starts)}")
    places = map(_position, starts)
    answers = tuple(dict.fromkeys(Answer(start, text) for start, text in zip(places, texts)))
    for answer in answers:
        if not answer.text.strip():
            raise Refused(EMPTY_ANSWER)
        if not context.startswith(answer.text, answer.start):
            raise Refused(OFF, f" has `{_short(answer.text)}` at {answer.start}")
    return Content(question, context, answers=answers)


def _position(cell: str) -> int:
    """A place in a text: `12`, or the `12.0` that a table makes of it where other rows have none."""
    if not _POSITION.fullmatch(cell.strip()):
        raise Refused(ODD_START, f" has `{_short(cell)}`")
    return int(cell.partition(".")[0])


def _several(cell: Value) -> tuple[str, ...]:
    return cell if isinstance(cell, tuple) else (cell,) if cell else ()


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"
