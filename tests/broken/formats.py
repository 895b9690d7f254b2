"""Studies with a broken file in each of the formats beside tables."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.broken.base import FIRST, GOOD, broken, good

SECTION = f'{FIRST}\nlabel = "label"\npositive = "yes"'


def with_file(
    name: str, where: str, what: str, section: str, path: str, write: Callable[[], str | bytes]
) -> None:
    """The good study with one section and its file replaced."""

    def build(folder: Path) -> Path:
        study = good(folder, study=GOOD.replace(SECTION, section))
        (folder / path).parent.mkdir(exist_ok=True)
        text = write()
        (folder / path).write_bytes(text.encode() if isinstance(text, str) else text)
        return study

    broken(name, where, what)(build)


def sentences(count: int = 40, *, tab: str = "\t") -> list[str]:
    """Blocks of word lines: a name, a verb and a number each."""
    return [f"Ann{n}{tab}B-per\nsaw{tab}O\nw{n}{tab}{('O', 'B-num')[n % 2]}\n" for n in range(count)]


def squad(change: Callable[[list[dict[str, object]]], object] = lambda articles: None) -> str:
    """Twelve articles of one paragraph with one question."""
    articles: list[dict[str, object]] = []
    for n in range(12):
        context = f"The river rose in {1900 + n} and fell again."
        answer = {"text": str(1900 + n), "answer_start": context.index("19")}
        qas = [{"id": f"q{n}", "question": f"When was it {n}?", "answers": [answer]}]
        articles.append({"title": f"river {n}", "paragraphs": [{"context": context, "qas": qas}]})
    change(articles)
    return json.dumps({"version": "1.1", "data": articles})


def _shift(articles: list[dict[str, object]]) -> None:
    articles[4]["paragraphs"][0]["qas"][0]["answers"][0]["answer_start"] = 3  # type: ignore[index]


def _no_context(articles: list[dict[str, object]]) -> None:
    del articles[4]["paragraphs"][0]["context"]  # type: ignore[index]


def _broken_line(blocks: list[str], line: str) -> str:
    return "\n".join([*blocks[:3], line, *blocks[3:]])


TAGS = 'files = "t.conll"'
with_file(
    "word without a tag",
    "t.conll, row 13",
    "Every word must have the 2 columns that most have",
    TAGS,
    "t.conll",
    lambda: _broken_line(sentences(), "alone\n"),
)
with_file("words and no tags", "t.conll", "a word and no tag", TAGS, "t.conll", lambda: "a\nb\n\nc\nd\n")
with_file("empty file of words", "t.conll", "is empty", TAGS, "t.conll", lambda: "\n\n")
with_file(
    "header of another width",
    "t.conll",
    "`header` names 3 columns, and the file has 2",
    f'{TAGS}\nheader = ["token", "pos", "tag"]',
    "t.conll",
    lambda: "\n".join(sentences()),
)
with_file(
    "a column that CoNLL-U has not",
    "[[data]] 1 label",
    "no column `ner`",
    'files = "t.conllu"\nlabel = "ner"',
    "t.conllu",
    lambda: "\n".join(f"1\ta{n}\t_\tX\t_\t_\t0\t_\t_\t_\n" for n in range(40)),
)
with_file(
    "CoNLL-U line with too few columns",
    "t.conllu, row 1",
    "Every word must have the 10 columns",
    'files = "t.conllu"',
    "t.conllu",
    lambda: "\n".join(f"1\ta{n}\tX\n" for n in range(40)),
)
QUESTIONS = 'files = "q.json"'
with_file("cut-off JSON", "q.json", "not one JSON value", QUESTIONS, "q.json", lambda: squad()[:-40])
with_file("JSON of another form", "q.json, row 1", "`data` is missing", QUESTIONS, "q.json", lambda: "{}")
with_file("a list of rows", "q.json", "is a list of rows", QUESTIONS, "q.json", lambda: '[{"text": "a"}]')
with_file(
    "a list of rows with labels",
    "[[data]] 1",
    "what a .json file is read as",
    f'{QUESTIONS}\nlabel = "label"\npositive = "yes"',
    "q.json",
    lambda: '[{"text": "a", "label": "yes"}]',
)
with_file(
    "paragraph without a context",
    "q.json, row 5",
    "`context` is missing",
    QUESTIONS,
    "q.json",
    lambda: squad(_no_context),
)
with_file(
    "answer that is elsewhere",
    "[[data]] 1: q.json, row 5",
    "does not stand in its context",
    QUESTIONS,
    "q.json",
    lambda: squad(_shift),
)
with_file(
    "texts without their labels",
    "d/train_text.txt",
    "`d/train_labels.txt` is missing",
    'files = "d/train_text.txt"\nformat = "tweeteval"',
    "d/train_text.txt",
    lambda: "one\ntwo\n",
)
with_file(
    "sentences without their slots",
    "d/seq.in",
    "`d/seq.out` is missing",
    'files = "d/seq.in"\nformat = "atis"',
    "d/seq.in",
    lambda: "one\ntwo\n",
)
with_file(
    "line with a label alone",
    "l.txt, row 7",
    "a label, a blank and a text",
    'files = "l.txt"\nformat = "label-text"',
    "l.txt",
    lambda: "\n".join(f"{n % 2}{'' if n == 6 else f' text {n}'}" for n in range(40)),
)


@broken(
    "more texts than labels", "d/train_text.txt", "different numbers of lines: 40 in train_text.txt, 39 in"
)
def _unaligned(folder: Path) -> Path:
    study = good(folder, study=GOOD.replace(SECTION, 'files = "d/train_text.txt"\nformat = "tweeteval"'))
    (folder / "d").mkdir()
    (folder / "d" / "train_text.txt").write_text("".join(f"text {n}\n" for n in range(40)))
    (folder / "d" / "train_labels.txt").write_text("".join(f"{n % 2}\n" for n in range(39)))
    return study
