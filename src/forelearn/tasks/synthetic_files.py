"""Tasks as files in the formats that users bring, for trying out readers.

| kind | formats, the first by default | how |
| --- | --- | --- |
| binary, multiclass, regression | csv, tsv, jsonl | columns id, text, pair (of pairs), label or value, split |
| multiple_choice | jsonl, csv, tsv | columns id, premise, choice1 to choiceK, label (from 0), split |
| sequence_labelling | conll (spans), conllu (tags) | a file a split: word and tag a line, an empty line behind a text |
| question_answering | json | SQuAD 1.1, a file a split, a paragraph a question |

CSV is quoted where it must be; TSV has no quotes. CoNLL-U holds the tag in its fourth column, UPOS, and `_` where
nothing is known.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from forelearn.core.data import Examples, TaskData
from forelearn.core.task import are_spans

Format = Literal["csv", "tsv", "jsonl", "conll", "conllu", "json"]

SPLITS = ("train", "dev", "test")
_TABLES: tuple[Format, ...] = ("csv", "tsv", "jsonl")


def formats_of(data: TaskData) -> tuple[Format, ...]:
    """The formats in which a task can be written, its default first."""
    match data.task.kind:
        case "sequence_labelling":
            return ("conll", "conllu") if are_spans(data.labels) else ("conllu", "conll")
        case "question_answering":
            return ("json",)
        case "multiple_choice":
            return ("jsonl", "csv", "tsv")
        case _:
            return _TABLES


def write_family(
    folder: Path, tasks: Mapping[str, TaskData], formats: Mapping[str, Format] | None = None
) -> dict[str, list[Path]]:
    """Write each task into `folder`; returns its files, one of all splits or one each of train, dev, test.

    formats: task → format; a task that is not named takes its default, and of the tasks with rows the first is
    written as CSV, the second as TSV, the third as JSON lines, and so on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chosen, tables = dict(formats or {}), 0
    written = {}
    for name, data in tasks.items():
        possible = formats_of(data)
        if name not in chosen:
            chosen[name] = possible[0]
            if possible == _TABLES:
                chosen[name] = _TABLES[tables % len(_TABLES)]
                tables += 1
        written[name] = write_task(folder, data, chosen[name])
    return written


def write_task(folder: Path, data: TaskData, format: Format) -> list[Path]:
    """Write one task as `NAME.FORMAT`, or as `NAME-SPLIT.FORMAT` for each split. `ValueError` if it cannot be."""
    if format not in formats_of(data):
        raise ValueError(f"a {data.task.kind} task cannot be written as {format}")
    name = data.task.name
    if format in _TABLES:
        rows = [row for split in SPLITS for row in _rows(data, split)]
        return [_write(folder / f"{name}.{format}", _table(rows, format))]
    texts = {split: _marked(data, split, format) for split in SPLITS}
    return [_write(folder / f"{name}-{split}.{format}", text) for split, text in texts.items()]


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


def _rows(data: TaskData, split: str) -> Iterable[dict[str, object]]:
    part = data.split(split)
    for row, name in enumerate(part.ids):
        cells: dict[str, object] = {"id": name}
        if part.choices:
            cells["premise"] = part.texts[row]
            cells |= {f"choice{number}": text for number, text in enumerate(part.choices[row], start=1)}
            cells["label"] = part.labels[row]
        else:
            cells["text"] = part.texts[row]
            if part.pairs is not None:
                cells["pair"] = part.pairs[row]
            if data.task.kind == "regression":
                cells["value"] = part.values[row]
            else:
                cells["label"] = data.labels[part.labels[row]]
        yield {**cells, "split": split}


def _table(rows: list[dict[str, object]], format: Format) -> str:
    if format == "jsonl":
        return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    if format == "tsv":
        lines = [list(rows[0]), *([str(cell) for cell in row.values()] for row in rows)]
        if any(sign in cell for line in lines for cell in line for sign in "\t\n\r"):
            raise ValueError("a cell holds a tab or a line end, which TSV without quotes cannot say")
        return "".join("\t".join(line) + "\n" for line in lines)
    held = io.StringIO()
    writer = csv.DictWriter(held, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return held.getvalue()


def _marked(data: TaskData, split: str, format: Format) -> str:
    part = data.split(split)
    if format == "json":
        return json.dumps(_squad(data.task.name, part), ensure_ascii=False, indent=1) + "\n"
    texts = []
    for row, words in enumerate(part.words):
        tags = [data.labels[tag] for tag in part.tags[row]]
        if format == "conll":
            lines = [f"{word}\t{tag}" for word, tag in zip(words, tags)]
        else:
            lines = [f"# sent_id = {part.ids[row]}", f"# text = {part.texts[row]}"]
            lines += [
                "\t".join([str(number), word, "_", tag, *"______"])
                for number, (word, tag) in enumerate(zip(words, tags), start=1)
            ]
        texts.append("".join(f"{line}\n" for line in lines) + "\n")
    return "".join(texts)


def _squad(title: str, part: Examples) -> dict[str, object]:
    paragraphs = [
        {
            "context": context,
            "qas": [
                {
                    "id": name,
                    "question": question,
                    "answers": [{"text": answer.text, "answer_start": answer.start} for answer in answers],
                }
            ],
        }
        for name, question, context, answers in zip(part.ids, part.texts, part.pairs or (), part.answers)
    ]
    return {"version": "1.1", "data": [{"title": title, "paragraphs": paragraphs}]}
