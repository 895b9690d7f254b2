"""Which kind of task a table holds, if it is no classification, and which columns play its roles."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from forelearn.core.task import are_spans
from forelearn.experiment.guess_looks import LabelColumn, Look, named
from forelearn.tasks.corpus import Column
from forelearn.tasks.labels import is_number
from forelearn.tasks.rows import Value

CONTEXTS = ("context", "passage", "paragraph", "article", "document")
QUESTIONS = ("question", "query")
ANSWERS = ("answers.text", "answer_text", "answers", "answer")
STARTS = ("answers.answer_start", "answer_start", "answer_starts", "start")
PREMISES = ("premise", "context", "passage", "article", "ctx", "text", "sentence", "prompt", "stem")
CHOICE_LISTS = ("choices", "choices.text", "options", "endings", "candidates", "answers")
RIGHT = ("label", "labels", "answer", "gold", "correct", "answerkey", "answer_key", "key", "target")
WORDS = ("tokens", "words", "token", "word", "form", "text", "sentence", "utterance")
TAGS = (
    "ner_tags",
    "tags",
    "slots",
    "labels",
    "label",
    "pos_tags",
    "upos",
    "upos_tags",
    "chunk_tags",
    "pos",
    "ner",
)
SCORES = (
    "score",
    "similarity",
    "relatedness",
    "relatedness_score",
    "rating",
    "intensity",
    "value",
    "label",
    "target",
)

NUMBERED_LABELS = ("label", "target")
"""Columns that hold numbers of classes more often than a scale, unless the numbers have decimal points."""

MOST_TAGS = 200
FEW_NUMBERS = 20
"""Up to so many different whole numbers are taken for labels, not for a scale."""

_NUMBERED = re.compile(
    r"(.*)(choice|option|ending|answer|sol|solution|alternative|candidate)[ _.-]?([0-9]|[a-e])", re.IGNORECASE
)

Rows = Sequence[Mapping[str, Value]]


@dataclass(frozen=True, slots=True)
class Roles:
    """A kind and the columns that play its roles; why: role → reason."""

    kind: str
    text: Column
    labels: tuple[LabelColumn, ...]
    why: Mapping[str, str]
    pair: Column = None
    choices: Column = None
    start: str | None = None
    names: tuple[str, ...] = field(default=())

    def columns(self) -> set[str]:
        """Every column that plays a role."""
        said = (self.text, self.pair, self.choices, self.start, tuple(label.name for label in self.labels))
        return {name for one in said if one for name in ((one,) if isinstance(one, str) else one)}


def kind_roles(rows: Rows, looks: Mapping[str, Look], taken: set[str]) -> Roles | None:
    """The roles of the first kind that fits; None for a table that is a classification or nothing.

    taken: columns that have a role already (id, split).
    """
    for find in (_question_answering, _multiple_choice, _sequence_labelling):
        if (roles := find(rows, looks, taken)) is not None:
            return roles
    return None


def _question_answering(rows: Rows, looks: Mapping[str, Look], taken: set[str]) -> Roles | None:
    found = [named(looks, names, taken) for names in (QUESTIONS, CONTEXTS, ANSWERS, STARTS)]
    question, context, answer, start = found
    if question is None or context is None or answer is None or start is None:
        return None
    if not all(re.fullmatch(r"[\d,]+", value) for value in looks[start].values):
        return None
    why = dict.fromkeys(("kind", "text", "pair", "label", "start"), "by its name")
    why["kind"] = "a question, a context, answers and where they start"
    return Roles("question_answering", question, (_label(answer),), why, pair=context, start=start)


def _multiple_choice(rows: Rows, looks: Mapping[str, Look], taken: set[str]) -> Roles | None:
    choices = _choices(rows, looks, taken)
    label = named(looks, RIGHT, taken | set((choices,) if isinstance(choices, str) else choices or ()))
    if choices is None or label is None:
        return None
    count = len(choices) if isinstance(choices, tuple) else max(len(row.get(choices) or ()) for row in rows)
    fits, names = _names_of_choices(looks[label].values, choices, count)
    if not fits:
        return None
    used = taken | {label} | set((choices,) if isinstance(choices, str) else choices)
    parts = (named(looks, PREMISES, used), named(looks, QUESTIONS, used))
    texts = tuple(name for name in parts if name is not None)
    if not texts:
        return None
    why = {
        "kind": "numbered columns beside a label that points at one of them",
        "text": "by its name" if len(texts) == 1 else "by their names; they are joined by a space",
        "choices": "by their names, in their order",
        "label": "by its name",
        "labels": "what the choices are called, in their order",
    }
    text = texts if len(texts) > 1 else texts[0]
    return Roles("multiple_choice", text, (_label(label),), why, choices=choices, names=names)


def _choices(rows: Rows, looks: Mapping[str, Look], taken: set[str]) -> Column:
    """Numbered columns of texts, or a column of lists of texts."""
    series: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for name, look in looks.items():
        match = _NUMBERED.fullmatch(name)
        if match and name not in taken and not look.numeric and not look.lists:
            series[(match[1].lower(), match[2].lower())].append((match[3].lower(), name))
    for members in series.values():
        if len(members) > 1:
            return tuple(name for _, name in sorted(members))
    lists = {name: look for name, look in looks.items() if look.lists}
    return named(lists, CHOICE_LISTS, taken)


def _names_of_choices(values: Iterable[str], choices: Column, count: int) -> tuple[bool, tuple[str, ...]]:
    """(whether a label points at a choice, what the choices are called if not by position from 0)."""
    said = set(values)
    if said <= {str(n) for n in range(count)} or said <= set(choices or ()):
        return True, ()
    for names in ([str(n) for n in range(1, count + 1)], list("ABCDEFGH"[:count]), list("abcdefgh"[:count])):
        if said <= set(names):
            return True, tuple(names)
    return False, ()


def _sequence_labelling(rows: Rows, looks: Mapping[str, Look], taken: set[str]) -> Roles | None:
    words = named(looks, WORDS, taken)
    if words is None:
        return None
    tagged = []
    for name, look in looks.items():
        if name in taken or name == words or look.lists != looks[words].lists:
            continue
        if not look.lists and name.lower() not in TAGS:
            continue
        if (counts := _aligned(rows, words, name)) is not None:
            tagged.append(LabelColumn(name, counts, True, None, "a tag for each word in every row"))
    tagged.sort(key=lambda column: TAGS.index(column.name.lower()) if column.name.lower() in TAGS else 99)
    if not tagged:
        return None
    why = {"kind": "as many tags as words in every row", "text": "by its name", "label": tagged[0].why}
    return Roles("sequence_labelling", words, tuple(tagged), why)


def _aligned(rows: Rows, words: str, tags: str) -> Counter[str] | None:
    """The tags with their counts, if every row has as many of them as words, and they are few."""
    counts: Counter[str] = Counter()
    vocabulary: set[str] = set()
    for row in rows:
        first, second = (_pieces(row.get(name)) for name in (words, tags))
        if len(first) != len(second):
            return None
        counts.update(second)
        vocabulary.update(first)
    many = len(counts) > MOST_TAGS or sum(counts.values()) < 2 * len(rows)
    return None if many or (len(counts) * 2 > len(vocabulary) and not are_spans(list(counts))) else counts


def _pieces(cell: Value) -> tuple[str, ...]:
    return cell if isinstance(cell, tuple) else tuple((cell or "").split())


def scale_column(looks: Mapping[str, Look], taken: set[str], *, by_name: bool) -> LabelColumn | None:
    """The column of numbers on a scale: named like a score, or (not by_name) the one with decimal points."""
    scales = {}
    for name, look in looks.items():
        numbers = [value for value in look.values if is_number(value)]
        points = any("." in value for value in numbers)
        if (
            name not in taken
            and look.nearly_numeric
            and len(numbers) > (2 if points else FEW_NUMBERS)
            and (points or name.lower() not in NUMBERED_LABELS)
        ):
            scales[name] = look
    if by_name:
        chosen = named(scales, SCORES, taken)
        why = "by its name; its values are a scale"
        return None if chosen is None else LabelColumn(chosen, {}, False, None, why)
    decimal = [name for name, look in scales.items() if look.decimals]
    if len(decimal) != 1:
        return None
    return LabelColumn(decimal[0], {}, False, None, "its values have decimal points")


def _label(name: str) -> LabelColumn:
    return LabelColumn(name, {}, False, None, "by its name")
