"""SQuAD 1.1 and 2.0: articles of paragraphs, each with questions whose answers are spans of it.

Source: Rajpurkar et al. 2016, "SQuAD: 100,000+ Questions for Machine Comprehension of Text", and its JSON files.
Contexts keep their white space: answers are found by the position of their first character.
Questions that version 2.0 calls impossible, or that come without `answers`, have none; they are read, and left out of
what is learned with a count later.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from forelearn.core.errors import Problem
from forelearn.tasks.files import decode
from forelearn.tasks.rows import Row, Table, as_value, unreadable

COLUMNS = ("id", "question", "context", "answers.text", "answers.answer_start", "title", "paragraph")
"""`paragraph` names the paragraph in its article, so that questions of one paragraph stay together."""


def read_squad(path: Path, *, file: str, encoding: str = "utf-8") -> Table:
    """Read a SQuAD file: a row a question, numbered from 1 in the order of the file."""
    text, problems = decode(path, file=file, encoding=encoding)
    if problems:
        return unreadable(file, problems[0])
    if not text.strip():
        return unreadable(file, Problem(file, "The file is empty.", "Give a file in SQuAD's JSON form."))
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        return unreadable(
            file,
            Problem(
                file,
                f"The file is not one JSON value: {error}.",
                'It may be cut off; for one JSON object a line set format = "jsonl".',
            ),
        )
    if isinstance(value, list):
        what = "The file is a list of rows; a .json file is read as SQuAD's form of question answering."
        return unreadable(
            file, Problem(file, what, "Write it as JSON lines, one object a line, in a .jsonl file.")
        )
    rows: list[Row] = []
    try:
        for cells in _questions(value):
            rows.append(Row({key: as_value(cell) for key, cell in cells.items()}, file, len(rows) + 1))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        lacking = f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else str(error)
        return unreadable(
            file,
            Problem(
                f"{file}, row {len(rows) + 1}",
                f"The file is not in SQuAD's form: {lacking}.",
                "It is {data: [{title, paragraphs: [{context, qas: [{id, question, answers: [{text, "
                "answer_start}]}]}]}]}; a list of other records fits in JSON lines.",
            ),
        )
    if not rows:
        return unreadable(file, Problem(file, "The file has no question.", "Leave the file out."))
    return Table(file, COLUMNS, tuple(rows))


def _questions(value: Any) -> Iterator[dict[str, object]]:
    """Each question with its context. KeyError, TypeError or AttributeError where the form is another."""
    for place, article in enumerate(value["data"], start=1):
        title = str(article.get("title") or f"article {place}")
        for paragraph in article["paragraphs"]:
            # by content: one paragraph in two files is one group, two paragraphs of one title are two
            content = hashlib.sha256(paragraph["context"].encode("utf-8", "surrogatepass")).hexdigest()
            for question in paragraph["qas"]:
                answers = [] if question.get("is_impossible") else question.get("answers") or []
                yield {
                    "id": question.get("id"),
                    "question": question["question"],
                    "context": paragraph["context"],
                    "answers.text": [str(answer["text"]) for answer in answers],
                    "answers.answer_start": [answer["answer_start"] for answer in answers],
                    "title": title,
                    "paragraph": f"{title}, {content[:8]}",
                }
