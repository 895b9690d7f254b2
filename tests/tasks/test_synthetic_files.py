from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from forelearn.core.data import TaskData
from forelearn.tasks.synthetic_files import formats_of, write_family, write_task
from forelearn.tasks.synthetic_kinds import FORMS, Form, Sizes, lexicons, make_task

SPLITS = ("train", "dev", "test")


def task(form: Form) -> TaskData:
    return make_task(form, form, lexicons(0, 1)[0], sizes=Sizes(12, 6, 6))


def rows_of(path: Path) -> list[dict[str, str]]:
    """Rows of a table, every cell as text, read without our readers."""
    if path.suffix == ".jsonl":
        lines = path.read_text().splitlines()
        return [{name: str(cell) for name, cell in json.loads(line).items()} for line in lines]
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))


@pytest.mark.parametrize("format", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("form", ["binary", "multiclass", "pair", "regression", "choice"])
def test_a_table_says_all_that_the_task_holds(form: Form, format: str, tmp_path: Path) -> None:
    data = task(form)
    (path,) = write_task(tmp_path, data, format)  # type: ignore[arg-type]
    rows = rows_of(path)
    for split in SPLITS:
        part, found = data.split(split), [row for row in rows if row["split"] == split]
        assert tuple(row["id"] for row in found) == part.ids
        assert tuple(row["premise" if part.choices else "text"] for row in found) == part.texts
        assert part.pairs is None or tuple(row["pair"] for row in found) == part.pairs
        if part.values:
            assert tuple(float(row["value"]) for row in found) == part.values
        elif part.choices:
            assert tuple(int(row["label"]) for row in found) == part.labels
            assert tuple((row["choice1"], row["choice2"]) for row in found) == part.choices
        else:
            assert tuple(data.labels.index(row["label"]) for row in found) == part.labels


@pytest.mark.parametrize(("format", "width", "word", "tag"), [("conll", 2, 0, 1), ("conllu", 10, 1, 3)])
@pytest.mark.parametrize("form", ["spans", "tags"])
def test_columns_of_words_and_tags_say_all_that_the_task_holds(
    form: Form, format: str, width: int, word: int, tag: int, tmp_path: Path
) -> None:
    data = task(form)
    for split, path in zip(SPLITS, write_task(tmp_path, data, format), strict=True):  # type: ignore[arg-type]
        part, texts = data.split(split), path.read_text().split("\n\n")
        assert texts.pop() == ""
        cells = [
            [line.split("\t") for line in text.splitlines() if not line.startswith("#")] for text in texts
        ]
        assert {len(line) for lines in cells for line in lines} == {width}
        assert tuple(tuple(line[word] for line in lines) for lines in cells) == part.words
        assert tuple(tuple(data.labels.index(line[tag]) for line in lines) for lines in cells) == part.tags


def test_squad_files_hold_contexts_in_which_answers_stand_at_their_offsets(tmp_path: Path) -> None:
    data = task("answers")
    for split, path in zip(SPLITS, write_task(tmp_path, data, "json"), strict=True):
        part, held = data.split(split), json.loads(path.read_text())
        paragraphs = [one for article in held["data"] for one in article["paragraphs"]]
        assert tuple(one["context"] for one in paragraphs) == part.pairs
        assert tuple(one["qas"][0]["question"] for one in paragraphs) == part.texts
        for one, (answer,) in zip(paragraphs, part.answers, strict=True):
            (found,) = one["qas"][0]["answers"]
            assert found == {"text": answer.text, "answer_start": answer.start}
            assert one["context"][found["answer_start"] :].startswith(found["text"])


def test_a_family_is_written_in_every_format_and_the_same_way_each_time(tmp_path: Path) -> None:
    tasks = {form: task(form) for form in FORMS}
    first, second = (write_family(tmp_path / name, tasks) for name in ("one", "two"))
    assert {path.suffix for paths in first.values() for path in paths} == {
        ".csv",
        ".tsv",
        ".jsonl",
        ".conll",
        ".conllu",
        ".json",
    }
    assert [path.name for path in first["spans"]] == [f"spans-{split}.conll" for split in SPLITS]
    for form in FORMS:
        assert [path.read_bytes() for path in first[form]] == [path.read_bytes() for path in second[form]]
    chosen = write_family(tmp_path / "three", tasks, {"binary": "jsonl"})
    assert [path.name for path in chosen["binary"]] == ["binary.jsonl"]


def test_a_format_that_cannot_hold_the_kind_is_refused(tmp_path: Path) -> None:
    for form in FORMS:
        for format in {"csv", "tsv", "jsonl", "conll", "conllu", "json"} - set(formats_of(task(form))):
            with pytest.raises(ValueError, match=f"cannot be written as {format}"):
                write_task(tmp_path, task(form), format)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
