"""Files as they come: other schemes of spans, comments, stray quotes, bytes, groups, scripts without blanks."""

from __future__ import annotations

import json
import sys
import unicodedata
from pathlib import Path

import pytest

from forelearn.core.errors import InputError
from forelearn.experiment.data_settings import DataSettings
from forelearn.tasks.assemble import LoadedTasks, assemble
from forelearn.tasks.conll import read_conll
from forelearn.tasks.corpus import Corpus
from forelearn.tasks.delimited import read_delimited
from forelearn.tasks.leaks import normal
from forelearn.tasks.near import plain_words, shingles
from forelearn.tasks.splits import SplitPlan
from forelearn.tasks.unlabelled import read_unlabelled


def loaded(root: Path, *corpora: Corpus, plan: SplitPlan | None = None) -> LoadedTasks:
    return assemble(corpora, root=root, plan=plan or SplitPlan())


def said(found: LoadedTasks) -> str:
    return "\n".join(str(problem) for problem in found.problems)


def sentences(tags: tuple[str, ...], *, odd: dict[int, str] | None = None, count: int = 40) -> str:
    """Sentences of a word a tag; of some, the last word has another tag."""
    blocks = []
    for number in range(count):
        own = [*tags[:-1], (odd or {}).get(number, tags[-1])]
        blocks.append("\n".join(f"w{number}x{place}\t{tag}" for place, tag in enumerate(own)))
    return "\n\n".join(blocks) + "\n"


# --- groups


def questions(name: str, paragraphs: int) -> str:
    qas = [
        {"context": f"{name} {p} lies in the sea.", "qas": [
            {"id": f"{name}{p}{q}", "question": f"Where is {name} {p}? ({q})",
             "answers": [{"text": "the sea", "answer_start": len(f"{name} {p} lies in ")}]} for q in range(4)]}
        for p in range(paragraphs)
    ]  # fmt: skip
    return json.dumps({"data": [{"title": name, "paragraphs": qas}]})


def test_dev_that_is_taken_out_of_train_has_paragraphs_of_its_own(tmp_path):
    (tmp_path / "train.json").write_text(questions("Reef", 12))
    (tmp_path / "test.json").write_text(questions("Cape", 4))
    found = loaded(tmp_path, Corpus("d", {"train": ("train.json",), "test": ("test.json",)}, name="q"))
    data = found.tasks["q"]
    assert not set(data.train.groups) & set(data.dev.groups)
    assert len(data.dev) >= 4


def test_dev_of_a_train_that_is_one_group_is_taken_by_row_and_said(tmp_path):
    (tmp_path / "train.json").write_text(questions("Reef", 1))
    (tmp_path / "test.json").write_text(questions("Cape", 4))
    found = loaded(tmp_path, Corpus("d", {"train": ("train.json",), "test": ("test.json",)}, name="q"))
    assert len(found.tasks["q"].dev) == 1
    assert "Train is one group" in said(found)


def test_groups_of_one_name_do_not_join_files_that_are_split_with_files_that_are_not(tmp_path):
    for name, split in (("a", False), ("b", True)):
        head = "text,label,topic" + (",split" if split else "")
        rows = [
            f"{name} text {n},{'yes' if n % 2 else 'no'},{n % 10}"
            + (f",{('train', 'dev', 'test')[n % 3]}" if split else "")
            for n in range(60)
        ]
        (tmp_path / f"{name}.csv").write_text("\n".join([head, *rows]) + "\n")
    found = loaded(
        tmp_path,
        Corpus("a", {"": ("a.csv",)}, name="a", group="topic"),
        Corpus("b", {"": ("b.csv",)}, name="b", group="topic", split="split"),
    )
    assert set(found.tasks) == {"a", "b"}
    assert not found.errors


# --- tags


def test_spans_of_bioes_are_read_as_bio(tmp_path):
    (tmp_path / "t.conll").write_text(sentences(("B-x", "I-x", "E-x", "O", "S-y")))
    found = loaded(tmp_path, Corpus("d", {"": ("t.conll",)}, name="t"))
    data = found.tasks["t"]
    assert data.labels == ("O", "B-x", "B-y", "I-x")
    assert data.task.metric == "span_f1"
    assert [data.labels[tag] for tag in data.train.tags[0]] == ["B-x", "I-x", "I-x", "O", "B-y"]
    assert "read as BIO" in said(found)


@pytest.mark.parametrize("odd", ["0", "B", "b-x"])
def test_an_odd_tag_among_spans_is_said_for_it_costs_the_task_its_measure(odd, tmp_path):
    (tmp_path / "t.conll").write_text(sentences(("B-x", "I-x", "O"), odd=dict.fromkeys(range(0, 40, 4), odd)))
    found = loaded(tmp_path, Corpus("d", {"": ("t.conll",)}, name="t"))
    assert found.tasks["t"].task.metric == "accuracy"
    assert f"decided by accuracy, and not as spans: {odd}" in said(found)


def test_parts_of_speech_are_plain_tags_without_a_word(tmp_path):
    (tmp_path / "t.conll").write_text(sentences(("NOUN", "VERB", "X")))
    found = loaded(tmp_path, Corpus("d", {"": ("t.conll",)}, name="t"))
    assert not found.problems


def test_a_word_without_a_tag_is_an_error_with_its_row(tmp_path):
    (tmp_path / "t.conll").write_text(sentences(("B-x", "O"), odd={3: ""}))
    found = loaded(tmp_path, Corpus("d", {"": ("t.conll",)}, name="t"))
    assert "A word has no tag: 1 row (t.conll, row 10)" in said(found)
    assert not found.tasks


# --- comments


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("# id 0d8c\tdomain=en\n", "{word} _ _ {tag}"),  # blanks separate words, a tab stands in a comment
        ("#\thttp://a.b\n", "1\t{word}\t{tag}\tO"),
        ("-DOCSTART-\n\n", "{word} {tag}"),
        ("-DOCSTART- -X- O O\n\n", "{word} {tag}"),
        ("# sent_id = 1\n", "{word} a b {tag}"),  # as many cells as a word has
    ],
)
def test_comments_and_starts_of_documents_decide_no_columns_and_are_no_words(head, line, tmp_path):
    file = tmp_path / "t.conll"
    body = "\n".join(line.format(word=word, tag=tag) for word, tag in (("Reef", "B-x"), ("#sea", "O")))
    file.write_text("".join(f"{head}{body}\n\n" for _ in range(2)))
    table = read_conll(file, file="t.conll")
    assert not table.problems
    assert len(table.rows) == 2
    words = table.rows[0].values[table.columns[0 if "1\t" not in line else 1]]
    assert words == ("Reef", "#sea")


# --- tables


def test_a_plain_quote_that_finds_another_swallows_no_row(tmp_path):
    file = tmp_path / "t.tsv"
    file.write_text('label\ttext\n0\t"Hello there.\n1\tShe said bye."\n0\tthe end\n')
    table = read_delimited(file, file="t.tsv", delimiter="\t")
    assert "row 2" in str(table.problems[0])
    assert "set quotes = false" in str(table.problems[0])
    assert len(read_delimited(file, file="t.tsv", delimiter="\t", quotes=False).rows) == 3


def test_text_that_parquet_holds_as_bytes_is_text(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    from forelearn.tasks.parquet import read_parquet

    file = tmp_path / "t.parquet"
    column = pyarrow.array(["café".encode(), b"tea"], pyarrow.binary())
    parquet.write_table(pyarrow.table({"text": column}), file)
    assert [row.values["text"] for row in read_parquet(file, file="t").rows] == ["café", "tea"]
    parquet.write_table(pyarrow.table([column, column], names=["text", "text"]), file)
    assert "stands twice" in str(read_parquet(file, file="t").problems[0])


def test_times_that_python_has_none_for_are_texts_and_bytes_that_are_no_text_are_refused(
    tmp_path, monkeypatch
):
    """Without pandas there is no value for a nanosecond."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    from forelearn.tasks.parquet import read_parquet

    monkeypatch.setitem(sys.modules, "pandas", None)
    file = tmp_path / "t.parquet"
    times = pyarrow.array([1, 2], pyarrow.timestamp("ns"))
    parquet.write_table(pyarrow.table({"text": ["a", "b"], "at": times}), file)
    rows = read_parquet(file, file="t").rows
    assert [row.values["text"] for row in rows] == ["a", "b"]
    assert rows[1].values["at"].endswith("000000002")
    broken = pyarrow.array([b"ok", b"\xff"], pyarrow.binary()).cast(pyarrow.string(), safe=False)
    parquet.write_table(pyarrow.table({"text": broken}), file)
    (problem,) = read_parquet(file, file="t").problems
    assert "not a readable Parquet table" in problem.what


def test_a_folder_of_atis_is_read_once_whatever_a_glob_finds(tmp_path):
    for name, lines in (("seq.in", "fly home"), ("seq.out", "O O"), ("label", "flight")):
        (tmp_path / name).write_text("\n".join([lines] * 30) + "\n")
    found = loaded(tmp_path, Corpus("d", {"": ("*",)}, name="t", format="atis"))
    assert "`seq.in` is named" in said(found)
    assert not found.tasks


def test_a_second_text_of_a_multiple_choice_is_refused_with_what_to_write_instead():
    with pytest.raises(ValueError, match="`pair` is not for multiple choice") as refused:
        DataSettings(
            files="a.jsonl", kind="multiple_choice", text="article", pair="question", choices="options"
        )
    assert 'text = ["article", "question"]' in str(refused.value.errors()[0]["ctx"]["fix"])


# --- rows without labels


def test_words_and_questions_without_labels_are_predicted(tmp_path):
    (tmp_path / "t.conll").write_text(sentences(("B-x", "O")))
    (tmp_path / "new.conll").write_text("Reef\nhere\n\nCape\n")
    words = Corpus("d", {"": ("t.conll",)}, name="t")
    data = loaded(tmp_path, words).tasks["t"]
    assert read_unlabelled(words, data, tmp_path / "new.conll").examples.words == (
        ("Reef", "here"),
        ("Cape",),
    )

    (tmp_path / "t.json").write_text(questions("Reef", 12))
    bare = {"data": [{"paragraphs": [{"context": "A reef.", "qas": [{"id": "q1", "question": "What?"}]}]}]}
    (tmp_path / "new.json").write_text(json.dumps(bare))
    asked = Corpus("d", {"": ("t.json",)}, name="q")
    data = loaded(tmp_path, asked).tasks["q"]
    found = read_unlabelled(asked, data, tmp_path / "new.json")
    assert (found.examples.texts, found.index) == (("What?",), ("q1",))

    (tmp_path / "odd.conll").write_text("Reef here\nand\n")
    with pytest.raises(InputError, match="columns that most have"):
        read_unlabelled(words, data, tmp_path / "odd.conll")


# --- the same text


def test_one_text_in_two_forms_of_unicode_is_one_text():
    text = "Où est la forêt brûlée ?"
    other = unicodedata.normalize("NFD", text)
    assert other != text
    assert normal(other) == normal(text)
    assert plain_words(other) == plain_words(text)


def test_texts_without_blanks_are_near_where_they_differ_in_a_word():
    """19 of 21 characters agree; read as one word each they would share nothing."""
    one, other = shingles(
        ["昨天下午城里发生了一次很大的地震很多人受伤", "昨天上午城里发生了一次很大的地震很多人受伤"]
    )
    assert len(set(one.tolist()) & set(other.tolist())) / len(set(one.tolist()) | set(other.tolist())) > 0.7
    assert plain_words("Tea 茶 and cha茶") == ["tea", "茶", "and", "cha", "茶"]
