"""Which column of a table is what: guessed from names, then from values, each guess with its reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forelearn.tasks.rows import SPLIT_WORDS, Table, Value

LOOKED_AT = 5000
"""Rows that a guess looks at."""

TEXTS = (
    "text",
    "tweet text",
    "tweet",
    "sentence",
    "sentence1",
    "premise",
    "question",
    "question1",
    "text_a",
    "text1",
    "content",
    "message",
    "comment",
    "review",
    "post",
    "body",
    "document",
    "utterance",
    "title",
)
PAIRS = ("sentence2", "hypothesis", "question2", "text_b", "text2", "passage", "context", "pair")
FIRSTS = ("sentence1", "premise", "question", "question1", "text_a", "text1", "text")
LABELS = (
    "label",
    "labels",
    "class",
    "category",
    "categories",
    "target",
    "sentiment",
    "intent",
    "emotion",
    "stance",
)
GROUPS = ("event", "group", "topic", "domain", "user", "author", "speaker", "conversation", "thread")
SPLIT_NAMES = ("split", "set", "fold", "partition", "subset")

_ID = re.compile(r"(^|[ _-])(id|docno|guid|idx|index|uid)$|(?<=[a-z])I[Dd]$", re.IGNORECASE)
_DELIMITERS = (";", "|", ",")


@dataclass(frozen=True, slots=True)
class LabelColumn:
    """A column that holds labels. counts: label → rows. is_list: several labels may stand in a cell."""

    name: str
    counts: Mapping[str, int]
    is_list: bool
    delimiter: str | None
    why: str


@dataclass(frozen=True, slots=True)
class Columns:
    """What was guessed of one table. why: role → reason, for every role that was filled."""

    text: str | None
    pair: str | None
    id: str | None
    group: str | None
    split: str | None
    labels: tuple[LabelColumn, ...]
    why: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Look:
    """What the values of a column look like. length: mean number of characters of the filled cells."""

    filled: int
    distinct: int
    length: float
    numeric: bool
    lists: bool
    values: Counter[str]


def guess_columns(table: Table) -> Columns:
    """The likeliest reading of a table; `text` is None or `labels` empty where nothing fits."""
    rows = table.rows[:LOOKED_AT]
    looks = {name: _look([row.values.get(name) for row in rows]) for name in table.columns if name}
    looks = {name: look for name, look in looks.items() if look.filled}
    why: dict[str, str] = {}
    taken: set[str] = set()

    def take(role: str, name: str | None, reason: str) -> str | None:
        if name is not None:
            taken.add(name)
            why[role] = reason
        return name

    split = _named(looks, SPLIT_NAMES, taken)
    if split and not looks[split].values.keys() <= _split_spellings(looks[split].values):
        split = None
    reason = "by its name and values"
    if split is None:
        split = next((name for name, look in looks.items() if _is_split(look)), None)
        reason = "all its values name splits"
    split = take("split", split, reason)
    ids = [
        name
        for name, look in looks.items()
        if name not in taken and _ID.search(name) and look.distinct >= 0.95 * look.filled and not look.lists
    ]
    identifier = take("id", ids[0] if ids else None, "by its name, and nearly every value differs")
    text = _named(looks, TEXTS, taken)
    if text is not None and not looks[text].lists and not looks[text].numeric:
        text = take("text", text, "by its name")
    else:
        wordy = [
            name for name, look in looks.items() if name not in taken and not (look.numeric or look.lists)
        ]
        longest = max(wordy, key=lambda name: looks[name].length, default=None)
        long = longest is not None and looks[longest].distinct > 0.2 * looks[longest].filled
        text = take("text", longest if long else None, "its values are the longest texts")
    pair = None
    if text is not None and text.lower() in FIRSTS:
        pair = take("pair", _named(looks, PAIRS, taken), "by its name, beside the first text")
    labels = _label_columns(looks, rows_of=len(rows), taken=taken, rows=[row.values for row in rows])
    taken.update(column.name for column in labels)
    group = _named(looks, GROUPS, taken)
    if group is not None and not 3 <= looks[group].distinct <= max(3, looks[group].filled // 2):
        group = None
    group = take("group", group, "by its name, and its values repeat")
    return Columns(text, pair, identifier, group, split, labels, why)


def _look(cells: Sequence[Value]) -> _Look:
    filled = [cell for cell in cells if cell]
    texts = [cell if isinstance(cell, str) else ",".join(cell) for cell in filled]
    values = Counter(text.strip() for text in texts)
    return _Look(
        filled=len(filled),
        distinct=len(values),
        length=sum(map(len, texts)) / max(1, len(texts)),
        numeric=all(re.fullmatch(r"[-+]?\d*\.?\d+(e[-+]?\d+)?", text, re.IGNORECASE) for text in values),
        lists=any(isinstance(cell, tuple) for cell in filled),
        values=values,
    )


def _named(looks: Mapping[str, _Look], names: Sequence[str], taken: set[str]) -> str | None:
    """The column that bears the first of `names`, in any case, and is not taken."""
    by_name = {name.lower().strip(): name for name in looks if name not in taken}
    return next((by_name[name] for name in names if name in by_name), None)


def _split_spellings(values: Counter[str]) -> set[str]:
    return {value for value in values if value.lower() in SPLIT_WORDS}


def _is_split(look: _Look) -> bool:
    return look.distinct > 1 and look.values.keys() <= _split_spellings(look.values)


def _label_columns(
    looks: Mapping[str, _Look], *, rows_of: int, taken: set[str], rows: Sequence[Mapping[str, Value]]
) -> tuple[LabelColumn, ...]:
    """The column named like a label; else every column with few, short, repeating values."""
    named = _named(looks, LABELS, taken)
    why = "by its name"
    chosen = [named] if named is not None else []
    if named is None:
        why = "its values are few and short and repeat"
        chosen = [
            name
            for name, look in looks.items()
            if name not in taken
            and name.lower() not in GROUPS
            and 2 <= look.distinct <= max(2, min(50, rows_of // 5))
            and look.length <= 40
        ]
    found = []
    for name in chosen:
        cells = [row.get(name) for row in rows]
        delimiter = None if looks[name].lists else _delimiter(cells)
        is_list = looks[name].lists or delimiter is not None
        counts = _label_counts(cells, delimiter)
        if 2 <= len(counts) <= max(50, rows_of // 10) or (is_list and counts):
            found.append(LabelColumn(name, counts, is_list, delimiter, why))
    return tuple(found)


def _label_counts(cells: Sequence[Value], delimiter: str | None) -> Counter[str]:
    counts: Counter[str] = Counter()
    for cell in cells:
        parts = (
            cell if isinstance(cell, tuple) else (cell or "").split(delimiter) if delimiter else [cell or ""]
        )
        counts.update({part.strip() for part in parts if part.strip()})
    return counts


def _delimiter(cells: Sequence[Value]) -> str | None:
    """What separates labels in a cell: a sign in a tenth of the cells or more whose pieces repeat."""
    texts = [cell for cell in cells if isinstance(cell, str) and cell.strip()]
    whole = len(set(texts))
    for sign in _DELIMITERS:
        split = [text for text in texts if sign in text]
        if len(split) * 10 >= max(10, len(texts)):
            pieces = _label_counts(texts, sign)
            if len(pieces) < whole and all(count > 1 for count in pieces.values()):
                return sign
    return None
