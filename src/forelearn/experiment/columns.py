"""Which column of a table is what: guessed from names, then from values, each guess with its reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from forelearn.experiment.guess_kinds import Roles, kind_roles, scale_column
from forelearn.experiment.guess_looks import Columns, LabelColumn, Look, looked_at, looks_of, named
from forelearn.tasks.corpus import Column
from forelearn.tasks.rows import SPLIT_WORDS, Table, Value

TEXTS = (
    "text",
    "tweet text",
    "tweet",
    "question",
    "sentence",
    "sentence1",
    "premise",
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
PAIRS = ("sentence2", "hypothesis", "question2", "text_b", "text2", "passage", "context", "sentence", "pair")
FIRSTS = ("sentence1", "premise", "question", "question1", "text_a", "text1", "text")
LABELS = (
    "label",
    "labels",
    "gold_label",
    "is_duplicate",
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
TOPICS = ("word", "term", "aspect")
"""What a text is about, where that stands in a column of its own."""

MADE_UP = "column "
"""How the columns of a file without a header are called: `column 1` …"""

SPLIT_NAMES = ("split", "set", "fold", "partition", "subset")

_ID = re.compile(r"(^|[ _-])(id|docno|guid|idx|index|uid)$|(?<=[a-z])I[Dd]$", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_PLAIN = re.compile(r"\d+|yes|no|true|false|pos(itive)?|neg(ative)?", re.IGNORECASE)
_DELIMITERS = (";", "|", ",")


def guess_columns(table: Table) -> Columns:
    """The likeliest reading of a table; `text` is None or `labels` empty where nothing fits."""
    rows = [row.values for row in looked_at(table)]
    looks = looks_of(table)
    bare = all(name.startswith(MADE_UP) for name in table.columns)
    why: dict[str, str] = {}
    taken: set[str] = set()

    def take(role: str, name: str | None, reason: str) -> str | None:
        if name is not None:
            taken.add(name)
            why[role] = reason
        return name

    split = named(looks, SPLIT_NAMES, taken)
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
    roles = kind_roles(rows, looks, taken)
    if roles is None:
        roles = _classified([row.values for row in table.rows], looks, taken, bare=bare)
    taken |= roles.columns()
    why |= roles.why
    group = named(looks, GROUPS, taken)
    if group is not None and not 3 <= looks[group].distinct <= max(3, looks[group].filled // 2):
        group = None
    group = take("group", group, "by its name, and its values repeat")
    return Columns(
        text=roles.text,
        pair=roles.pair,
        id=identifier,
        group=group,
        split=split,
        labels=roles.labels,
        why=why,
        kind=roles.kind or None,
        choices=roles.choices,
        start=roles.start,
        names=roles.names,
    )


def _classified(
    rows: Sequence[Mapping[str, Value]], looks: Mapping[str, Look], taken: set[str], *, bare: bool
) -> Roles:
    """The roles of a classification, or of a regression, which differ in their labels only. rows: all of the table."""
    why: dict[str, str] = {}
    text, pair, said = _texts(looks, taken, bare=bare)
    why |= said
    used = taken | {name for name in (text, pair) if name}
    scale = scale_column(looks, used, by_name=True)
    if scale is None and (bare or named(looks, LABELS, used) is None):
        scale = scale_column(looks, used, by_name=False)
    if scale is not None:
        why["kind"] = "its labels are numbers on a scale"
    labels = _label_columns(looks, rows_of=len(rows), taken=used, rows=rows, bare=bare)
    topic = named(looks, TOPICS, used | {label.name for label in labels})
    joined: Column = text
    if text is not None and topic is not None and not looks[topic].numeric and not looks[topic].lists:
        joined = (topic, text)
        why["text"] = "what a text is about, and the text; they are joined by a space"
    if scale is not None:
        return Roles("regression", joined, (scale,), why, pair=pair)
    return Roles("", joined, labels, why, pair=pair)


def _texts(
    looks: Mapping[str, Look], taken: set[str], *, bare: bool
) -> tuple[str | None, str | None, dict[str, str]]:
    """(text, second text, role → reason): by name, as twins (`text 1`, `text 2`), else the longest."""
    text = named(looks, TEXTS, taken)
    if text is not None and not looks[text].lists and not looks[text].numeric:
        why = {"text": "by its name"}
    else:
        wordy = [name for name, look in looks.items() if name not in taken and look.wordy]
        wordy.sort(key=lambda name: -looks[name].length)
        text = wordy[0] if wordy else None
        why = {"text": "its values are the longest texts"} if text else {}
        twins = sorted(wordy[:2], key=list(looks).index)
        if len(twins) == 2 and (_numbered(*twins) or (bare and looks[wordy[1]].length > 15)):
            why["pair"] = "the other of two columns of texts"
            return twins[0], twins[1], why
    if text is not None and text.lower() in FIRSTS and (pair := named(looks, PAIRS, taken | {text})):
        why["pair"] = "by its name, beside the first text"
        return text, pair, why
    return text, None, why


def _numbered(first: str, second: str) -> bool:
    """Whether two names differ in a number alone."""
    return first != second and _DIGITS.sub("#", first) == _DIGITS.sub("#", second)


def _split_spellings(values: Counter[str]) -> set[str]:
    return {value for value in values if value.lower() in SPLIT_WORDS}


def _is_split(look: Look) -> bool:
    return look.distinct > 1 and look.values.keys() <= _split_spellings(look.values)


def _label_columns(
    looks: Mapping[str, Look],
    *,
    rows_of: int,
    taken: set[str],
    rows: Sequence[Mapping[str, Value]],
    bare: bool,
) -> tuple[LabelColumn, ...]:
    """The column named like a label; else every column with few, short, repeating values.

    bare: the file has no header; of several such columns the one with the plainest values is taken.
    """
    label = named(looks, LABELS, taken)
    why = "by its name"
    chosen = [label] if label is not None else []
    if label is None:
        why = "its values are few and short and repeat"
        chosen = [
            name
            for name, look in looks.items()
            if name not in taken
            and name.lower() not in GROUPS
            and 2 <= look.distinct <= max(2, min(50, rows_of // 5))
            and look.length <= 40
        ]
        if bare and len(chosen) > 1:
            plain = [name for name in chosen if all(map(_PLAIN.fullmatch, looks[name].values))]
            chosen = [min(plain or chosen, key=lambda name: looks[name].distinct)]
            why = "its values are the plainest and repeat"
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
