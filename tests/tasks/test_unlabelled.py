"""Rows without labels, read by the columns of the task's own section."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from forelearn.core.data import Examples, TaskData, task_data
from forelearn.core.errors import InputError
from forelearn.core.task import Kind
from forelearn.tasks.corpus import Corpus
from forelearn.tasks.documents import documents
from forelearn.tasks.reading import read_corpus
from forelearn.tasks.unlabelled import read_unlabelled, section_of

PAIR = Corpus("s", {"train": ("train.tsv",)}, quotes=False, text="one", pair="two")


def task(kind: Kind = "binary", *, pairs: bool = True, choices: int = 0) -> TaskData:
    part = Examples(
        ids=("a",),
        texts=("text",),
        labels=(1,),
        pairs=("pair",) if pairs else None,
        choices=(tuple(f"c{place}" for place in range(choices)),) if choices else (),
        values=(1.0,),
        words=(("w",),),
        tags=((0,),),
    )
    labels = ("no", "yes") if kind in ("binary", "sequence_labelling") else ()
    return task_data("t", labels, part, part, part, kind=kind)


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_a_file_without_a_label_column_is_read_with_all_its_rows_in_their_order(tmp_path):
    file = write(tmp_path, "test.tsv", 'index\tone\ttwo\n5\ta "b\tc\n4\td\te\n')
    found = read_unlabelled(PAIR, task(), file)
    assert found.index == ("5", "4")
    assert found.examples.texts == ('a "b', "d")
    assert found.examples.pairs == ("c", "e")
    assert found.examples.labels == ()
    assert found.warnings == ()


def test_a_label_that_is_there_is_not_read(tmp_path):
    file = write(tmp_path, "test.tsv", "one\ttwo\tlabel\na\tb\tno such label\n")
    assert read_unlabelled(PAIR, task(), file).examples.labels == ()


@pytest.mark.parametrize(
    ("head", "id_column", "index"),
    [
        ("index", None, ("8", "9")),
        ("idx", None, ("8", "9")),
        ("name", None, ("0", "1")),
        ("name", "name", ("8", "9")),
    ],
)
def test_rows_are_named_by_index_idx_or_the_sections_id_and_else_numbered_from_0(
    head, id_column, index, tmp_path
):
    file = write(tmp_path, "test.jsonl", f'{{"{head}": 8, "text": "a"}}\n{{"{head}": 9, "text": "b"}}\n')
    assert (
        read_unlabelled(Corpus("s", {"": ("x.jsonl",)}, id=id_column), task(pairs=False), file).index == index
    )


@pytest.mark.parametrize(
    "text",
    [
        "index\tsentence\n0\ta\n1\tb\n",  # a header of its own, other columns than the section's
        "g\t1\t*\ta\ng\t0\t\tb\n",  # as the section says
        "g\t*\ta\ng\t\tb\n",  # without the label's column
    ],
)
def test_a_section_without_header_rows_reads_files_with_one_with_all_columns_and_without_the_label(
    text, tmp_path
):
    header = ("source", "label", "star", "sentence")
    corpus = Corpus("s", {"train": ("train.tsv",)}, quotes=False, header=header, text="sentence")
    found = read_unlabelled(corpus, task(pairs=False), write(tmp_path, "test.tsv", text))
    assert found.examples.texts == ("a", "b")
    assert found.index == ("0", "1")


def test_an_empty_text_stays_and_is_said(tmp_path):
    file = write(tmp_path, "test.tsv", "one\ttwo\na\tb\n\tc\n")
    found = read_unlabelled(PAIR, task(), file)
    assert found.examples.texts == ("a", "")
    assert "predicted all the same: 1 (" in str(found.warnings[0])


def test_columns_are_joined_and_choices_stand_in_their_order(tmp_path):
    corpus = Corpus(
        "s", {"": ("x.jsonl",)}, kind="multiple_choice", text=("premise", "question"), choices=("c2", "c1")
    )
    row = '{"premise": "p", "question": "cause", "c1": "one", "c2": "two", "idx": 3}\n'
    found = read_unlabelled(
        corpus, task("multiple_choice", pairs=False, choices=2), write(tmp_path, "t.jsonl", row)
    )
    assert found.examples.texts == ("p cause",)
    assert found.examples.choices == (("two", "one"),)
    assert found.index == ("3",)


def test_words_and_questions_get_stand_ins_where_tags_and_answers_would_be(tmp_path):
    words = Corpus("s", {"": ("x.jsonl",)}, kind="sequence_labelling", text="words")
    file = write(tmp_path, "w.jsonl", '{"words": ["a", "b"]}\n{"words": "c"}\n')
    found = read_unlabelled(words, task("sequence_labelling", pairs=False), file).examples
    assert found.words == (("a", "b"), ("c",))
    assert found.tags == ((0, 0), (0,))
    asked = Corpus("s", {"": ("x.json",)}, kind="question_answering")
    file = write(tmp_path, "q.jsonl", '{"question": "q", "context": " c d"}\n')
    found = read_unlabelled(asked, task("question_answering"), file).examples
    assert found.pairs == (" c d",)
    assert len(found.answers) == 1


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("t.tsv", "one\tzwo\na\tb\n", "no column `two`"),
        ("t.tsv", "one\ttwo\na\n", "2 fields"),
        ("t.tsv", "", "empty"),
        ("t.txt", "a\n", "does not follow from its suffix"),
        ("t.jsonl", '{"one": ["a"], "two": "b"}\n', "row 1: the text is a list"),
        ("missing.tsv", None, "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused(name, text, said, tmp_path):
    file = tmp_path / name if text is None else write(tmp_path, name, text)
    with pytest.raises(InputError, match=said):
        read_unlabelled(PAIR, task(), file)


def test_half_a_character_is_refused_with_its_row(tmp_path):
    file = write(tmp_path, "t.jsonl", '{"text": "whole"}\n{"text": "cut \\ud83d"}\n')
    with pytest.raises(InputError, match=r"row 2: a text holds half a character"):
        read_unlabelled(Corpus("s", {"": ("train.jsonl",)}), task(pairs=False), file)


def test_rows_with_another_number_of_choices_are_refused_with_their_place(tmp_path):
    corpus = Corpus("s", {"": ("x.jsonl",)}, kind="multiple_choice", choices="options")
    file = write(
        tmp_path, "t.jsonl", '{"text": "a", "options": ["b", "c"]}\n{"text": "a", "options": ["b"]}\n'
    )
    with pytest.raises(InputError, match=r"row 2: has 1 choices, the task has 2"):
        read_unlabelled(corpus, task("multiple_choice", pairs=False, choices=2), file)


def test_the_section_of_a_task_is_found_by_its_name_its_file_or_its_label(tmp_path):
    write(tmp_path, "one.csv", "text,label\n" + "a,yes\nb,no\n" * 4)
    write(tmp_path, "two.csv", "text,label\n" + "a,red\nb,blue\nc,green\n" * 4)
    corpora = [
        Corpus("1", {"": ("one.csv",)}, positive="yes"),
        Corpus("2", {"": ("two.csv",)}, one_vs_rest=("red", "blue"), prefix="is: "),
        Corpus("3", {"": ("two.csv",)}, name="colour"),
    ]
    found = {name: section_of(name, corpora, root=tmp_path).where for name in ("one", "is: blue", "colour")}
    assert found == {"one": "1", "is: blue": "2", "colour": "3"}
    with pytest.raises(ValueError, match="green"):
        section_of("is: green", corpora, root=tmp_path)


SHARED = Path(os.environ.get("FORELEARN_SHARED_DATA", "unset"))


@pytest.mark.skipif(
    not (SHARED / "superglue").is_dir(), reason="set FORELEARN_SHARED_DATA to the folder of data"
)
@pytest.mark.parametrize(
    ("files", "rest", "indexed"),
    [
        ("glue/RTE/dev.tsv", {"text": "sentence1", "pair": "sentence2", "quotes": False}, True),
        ("glue/WNLI/val.tsv", {"text": "a", "pair": "b", "header": ("index", "a", "b", "label")}, True),
        (
            "glue/CoLA/dev.tsv",
            {"text": "s", "header": ("source", "label", "star", "s"), "quotes": False},
            False,
        ),
        ("superglue/CB/val.jsonl", {"text": "premise", "pair": "hypothesis"}, True),
        (
            "superglue/COPA/val.jsonl",
            {"text": ("premise", "question"), "choices": ("choice1", "choice2"), "kind": "multiple_choice"},
            True,
        ),
    ],
)
def test_the_benchmarks_own_files_are_read_as_with_their_labels(files, rest, indexed):
    corpus = Corpus("s", {"": (files,)}, **rest)
    kind: Kind = "multiple_choice" if "choices" in rest else "binary"
    data = task(kind, pairs="pair" in rest, choices=2 * ("choices" in rest))
    found = read_unlabelled(corpus, data, SHARED / files)
    parts, _ = read_corpus(corpus, root=SHARED, read={})
    labelled, _ = documents(corpus, parts)
    assert list(found.examples.texts) == [one.content.text for one in labelled]
    assert list(found.examples.pairs or ()) == [one.content.pair for one in labelled if "pair" in rest]
    assert list(found.examples.choices) == [one.content.choices for one in labelled if "choices" in rest]
    assert len(set(found.index)) == len(labelled)
    if indexed:
        assert found.index[0] == str(
            parts[0].table.rows[0].values.get("idx", parts[0].table.rows[0].values.get("index"))
        )
    else:
        assert found.index == tuple(map(str, range(len(labelled))))
