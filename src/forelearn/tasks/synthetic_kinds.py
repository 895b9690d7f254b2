"""Generated tasks of every kind over one lexicon, so that what one kind teaches is what another one needs.

A *lexicon* gives three topics some made-up words each; all other words are fillers and mean nothing. Every task asks,
in the form of its kind, which topic the topic words of a text belong to:

| form | kind | what is read | what is to be found |
| --- | --- | --- | --- |
| `binary` | binary | a text about one topic | whether it is the first topic |
| `multiclass` | multiclass | a text about one topic | the topic |
| `pair` | binary | two texts | whether both are about the first topic |
| `regression` | regression | a text with words of several topics | the mean weight of its topic words |
| `choice` | multiple_choice | a premise and two choices | the choice about the premise's topic |
| `spans` | sequence_labelling | a text | runs of one or two words of a topic, as BIO tags |
| `tags` | sequence_labelling | a text | each word's topic, or none |
| `answers` | question_answering | a question with a key word, a context | the one or two words behind the key |

Labels are balanced: each stands in turn, and the order is shuffled. A sixth of the words are topic words, which is
the share that they have in the vocabulary (questions and their contexts hold fewer, choices a few more or less), so
that bags of words hardly tell a lexicon that decides from one that does not. Keys are words of the first topic; an
answer is a word of the second, and in half of the cases one of the third behind it. A fifth of the contexts are
longer than 40 words.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from forelearn.core.data import Answer, Examples, TaskData, task_data
from forelearn.core.keys import seed_from
from forelearn.core.task import Kind
from forelearn.tasks.synthetic import made_up_words

Form = Literal["binary", "multiclass", "pair", "regression", "choice", "spans", "tags", "answers"]

TOPICS = ("red", "green", "blue")
WEIGHTS = {"red": 1.0, "green": 0.0, "blue": -1.0}
"""What a word of each topic adds to the value of a regression, before the mean."""

_TOPIC_WORDS = 16
_FILLERS = 240
_LENGTH = 12
_LONG = 45


@dataclass(frozen=True, slots=True)
class Sizes:
    """Examples of each split."""

    train: int = 300
    dev: int = 100
    test: int = 150


@dataclass(frozen=True, slots=True)
class Lexicon:
    """topics: the words of each topic, by its name. fillers: the words that mean nothing."""

    topics: Mapping[str, tuple[str, ...]]
    fillers: tuple[str, ...]

    def topic_words(self) -> frozenset[str]:
        """The words of all topics."""
        return frozenset(word for words in self.topics.values() for word in words)


def lexicons(seed: int, count: int) -> list[Lexicon]:
    """`count` lexicons over the same 288 words, no two of which share a topic word.

    Raises `ValueError` if there are more than six.
    """
    size = len(TOPICS) * _TOPIC_WORDS
    words = made_up_words(size + _FILLERS, random.Random(seed_from("synthetic kinds", seed)))
    if count * size > len(words):
        raise ValueError(f"{len(words)} words hold at most {len(words) // size} lexicons, not {count}")
    made = []
    for start in range(0, count * size, size):
        own = words[start : start + size]
        topics = {
            topic: tuple(own[index * _TOPIC_WORDS : (index + 1) * _TOPIC_WORDS])
            for index, topic in enumerate(TOPICS)
        }
        made.append(Lexicon(topics, tuple(words[:start] + words[start + size :])))
    return made


def make_task(
    form: Form,
    name: str,
    lexicon: Lexicon,
    *,
    sizes: Sizes = Sizes(),
    seed: int = 0,
    random_labels: bool = False,
) -> TaskData:
    """A task of the given form. The same arguments give the same task.

    random_labels: what is to be found is dealt out anew among the examples of each split, so that it has
    nothing to do with what is read. Only for forms whose examples can trade it: not `spans`, `tags`, `answers`.
    """
    shape = _SHAPES[form]
    chance = random.Random(seed_from("synthetic kinds", form, name, seed))

    def draw(split: str, count: int) -> Examples:
        turns = list(range(count))
        chance.shuffle(turns)
        drawn = [shape.draw(lexicon, turn, chance) for turn in turns]
        columns: dict[str, Any] = {column: tuple(row[column] for row in drawn) for column in drawn[0]}
        if random_labels:
            found = "values" if form == "regression" else "labels"
            columns[found] = tuple(chance.sample(columns[found], count))
        return Examples(tuple(f"{name}/{split}/{row + 1}" for row in range(count)), **columns)

    if random_labels and form in ("spans", "tags", "answers"):
        raise ValueError(f"the examples of `{form}` cannot trade what is to be found")
    train, dev, test = (draw(split, getattr(sizes, split)) for split in ("train", "dev", "test"))
    return task_data(name, shape.labels, train, dev, test, kind=shape.kind)


def _text(words: Sequence[str], lexicon: Lexicon, length: int, chance: random.Random) -> str:
    """The words among fillers, in any order."""
    text = [*words, *chance.sample(lexicon.fillers, length - len(words))]
    chance.shuffle(text)
    return " ".join(text)


def _about(topic: str, lexicon: Lexicon, chance: random.Random, *, length: int = _LENGTH) -> str:
    """A text of which a sixth are words of the topic."""
    return _text(chance.sample(lexicon.topics[topic], length // 6), lexicon, length, chance)


def _other(topic: str, chance: random.Random) -> str:
    return chance.choice([name for name in TOPICS if name != topic])


def _binary(lexicon: Lexicon, turn: int, chance: random.Random) -> dict[str, Any]:
    topic = _other(TOPICS[0], chance) if turn % 2 == 0 else TOPICS[0]
    return {"texts": _about(topic, lexicon, chance), "labels": turn % 2}


def _multiclass(lexicon: Lexicon, turn: int, chance: random.Random) -> dict[str, Any]:
    label = turn % len(TOPICS)
    return {"texts": _about(TOPICS[label], lexicon, chance), "labels": label}


def _pair(lexicon: Lexicon, turn: int, chance: random.Random) -> dict[str, Any]:
    """Half are about the first topic both; of the others one text is, or neither."""
    first, both = TOPICS[0], turn % 2
    other = [_other(first, chance), chance.choice(TOPICS)]
    chance.shuffle(other)
    texts, pairs = (_about(first if both else topic, lexicon, chance) for topic in other)
    return {"texts": texts, "pairs": pairs, "labels": both}


def _regression(lexicon: Lexicon, turn: int, chance: random.Random) -> dict[str, Any]:
    named = [chance.choice(TOPICS) for _ in range(2)]
    words = [chance.choice(lexicon.topics[topic]) for topic in named]
    return {
        "texts": _text(words, lexicon, _LENGTH, chance),
        "values": sum(WEIGHTS[topic] for topic in named) / len(named),
    }


def _choice(lexicon: Lexicon, turn: int, chance: random.Random) -> dict[str, Any]:
    """Half of the wrong choices are about another topic, the others about none."""
    topic, right = chance.choice(TOPICS), turn % 2
    wrong = lexicon.topics[_other(topic, chance)] if chance.random() < 0.5 else lexicon.fillers
    told = [chance.choice(words) for words in (lexicon.topics[topic], wrong)]
    choices = [_text([word], lexicon, 6, chance) for word in told]
    return {
        "texts": _about(topic, lexicon, chance),
        "choices": tuple(reversed(choices) if right else choices),
        "labels": right,
    }


_SPAN_TAGS = ("O", *(f"{sign}-{topic}" for topic in TOPICS for sign in "BI"))


def _spans(lexicon: Lexicon, turn: int, chance: random.Random) -> dict[str, Any]:
    """One span of two words, or two of one word, each with fillers around it."""
    lengths = (2,) if turn % 2 else (1, 1)
    words = chance.sample(lexicon.fillers, _LENGTH - 2)
    tags = ["O"] * len(words)
    for length, place in zip(
        lengths, sorted(chance.sample(range(len(words) + 1), len(lengths)), reverse=True)
    ):
        topic = chance.choice(TOPICS)
        words[place:place] = chance.sample(lexicon.topics[topic], length)
        tags[place:place] = [f"B-{topic}", f"I-{topic}"][:length]
    return _tagged(words, [_SPAN_TAGS.index(tag) for tag in tags])


def _tags(lexicon: Lexicon, turn: int, chance: random.Random) -> dict[str, Any]:
    topics = [chance.choice(TOPICS) for _ in range(2)]
    pairs = [(chance.choice(lexicon.topics[topic]), TOPICS.index(topic) + 1) for topic in topics]
    pairs += [(word, 0) for word in chance.sample(lexicon.fillers, _LENGTH - 2)]
    chance.shuffle(pairs)
    return _tagged([word for word, _ in pairs], [tag for _, tag in pairs])


def _tagged(words: Sequence[str], tags: Sequence[int]) -> dict[str, Any]:
    return {"texts": " ".join(words), "words": tuple(words), "tags": tuple(tags)}


def _answers(lexicon: Lexicon, turn: int, chance: random.Random) -> dict[str, Any]:
    """The first key is asked for; a third of the contexts hold a second one, with an answer of its own."""
    red, green, blue = (lexicon.topics[topic] for topic in TOPICS)
    units = [
        [key, chance.choice(green), *chance.sample(blue, chance.randint(0, 1))]
        for key in chance.sample(red, 2 if turn % 3 == 0 else 1)
    ]
    words = chance.sample(lexicon.fillers, _LONG if turn % 5 == 0 else _LENGTH)
    for unit, place in zip(units, chance.sample(range(len(words) - 1), len(units))):
        words[place : place + 1] = [" ".join(unit)]
    context, (key, *answer) = " ".join(words), units[0]
    start = context.split().index(key)
    before = " ".join(context.split()[: start + 1])
    found = Answer(len(before) + 1, " ".join(answer))
    return {"texts": _text([key], lexicon, 3, chance), "pairs": context, "answers": (found,)}


@dataclass(frozen=True, slots=True)
class _Shape:
    kind: Kind
    labels: tuple[str, ...]
    draw: Callable[[Lexicon, int, random.Random], dict[str, Any]]


_SHAPES: dict[Form, _Shape] = {
    "binary": _Shape("binary", ("other", TOPICS[0]), _binary),
    "multiclass": _Shape("multiclass", TOPICS, _multiclass),
    "pair": _Shape("binary", ("no", "both"), _pair),
    "regression": _Shape("regression", (), _regression),
    "choice": _Shape("multiple_choice", (), _choice),
    "spans": _Shape("sequence_labelling", _SPAN_TAGS, _spans),
    "tags": _Shape("sequence_labelling", ("none", *TOPICS), _tags),
    "answers": _Shape("question_answering", (), _answers),
}
FORMS: tuple[Form, ...] = tuple(_SHAPES)
