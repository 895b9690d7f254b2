"""Readers of words and tags, of questions, and of lines with labels: by hand, and on anything."""

import hashlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forelearn.tasks.conll import read_conll, read_conllu
from forelearn.tasks.corpus import SUFFIXES, Corpus, format_of, kind_of
from forelearn.tasks.delimited import read_delimited
from forelearn.tasks.jsonl import read_jsonl
from forelearn.tasks.plain_text import read_atis, read_label_text, read_tweeteval
from forelearn.tasks.squad import read_squad


def put(folder, name, text, encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def values(table):
    assert table.problems == ()
    return [dict(row.values) for row in table.rows]


def test_sentences_are_parted_by_lines_that_are_blank_or_hold_tabs_alone(tmp_path):
    path = put(tmp_path, "t.conll", "Ann\tB-x\nran\tO\n\t\nBob\tB-x\n\n\n\nCy\tO")
    table = read_conll(path, file="t.conll")
    assert values(table) == [
        {"token": ("Ann", "ran"), "tag": ("B-x", "O")},
        {"token": ("Bob",), "tag": ("B-x",)},
        {"token": ("Cy",), "tag": ("O",)},
    ]
    assert [row.row for row in table.rows] == [1, 4, 8]


def test_of_columns_between_blanks_the_first_is_the_word_and_the_last_the_tag(tmp_path):
    text = "-DOCSTART- -X- -X- O\n\nEU NNP I-NP I-ORG\nrejects VBZ I-VP O\n"
    (row,) = values(read_conll(put(tmp_path, "t.conll", text), file="t"))
    assert row == {
        "token": ("EU", "rejects"),
        "column 2": ("NNP", "VBZ"),
        "column 3": ("I-NP", "I-VP"),
        "tag": ("I-ORG", "O"),
    }
    named = read_conll(tmp_path / "t.conll", file="t", header=("word", "pos", "chunk", "ner"))
    assert values(named)[0]["ner"] == ("I-ORG", "O")


def test_a_hash_opens_a_comment_only_where_the_line_is_no_word(tmp_path):
    text = "# sent_id = 1\n#rain\tB-x\n#\tO\n"
    (row,) = values(read_conll(put(tmp_path, "t.conll", text), file="t"))
    assert row["token"] == ("#rain", "#")


def test_words_between_tabs_may_hold_blanks_and_other_white_space(tmp_path):
    (row,) = values(read_conll(put(tmp_path, "t.conll", "10 000\tO\na\x85b\tO\r\n"), file="t"))
    assert row["token"] == ("10 000", "a\x85b")


def test_ranges_and_empty_nodes_are_no_words(tmp_path):
    rest = "\t_" * 5
    text = (
        "# newdoc id = d1\n# sent_id = s1\n"
        f"1-2\tdon't\t_\t_\t_{rest}\n1\tdo\tdo\tAUX\tVB{rest}\n2\tn't\tnot\tPART\tRB{rest}\n2.1\tgo\tgo\tVERB\tVB{rest}\n"
        f"\n# sent_id = s2\n1\tGo\tgo\tVERB\tVB{rest}\n"
    )
    first, second = values(read_conllu(put(tmp_path, "t.conllu", text), file="t"))
    assert first["form"] == ("do", "n't")
    assert (first["upos"], first["xpos"]) == (("AUX", "PART"), ("VB", "RB"))
    assert (first["sent_id"], second["sent_id"], second["document"]) == ("s1", "s2", "d1")


def test_questions_are_read_with_their_context_as_it_is(tmp_path):
    context = "  A\n\nriver "
    paragraph = {
        "context": context,
        "qas": [
            {"id": "a", "question": "What?", "answers": [{"text": "river", "answer_start": 5}]},
            {"id": "b", "question": "Why?", "answers": [], "is_impossible": True},
        ],
    }
    text = json.dumps({"data": [{"title": "T", "paragraphs": [paragraph, {"context": "x", "qas": []}]}]})
    first, second = values(read_squad(put(tmp_path, "q.json", text), file="q"))
    assert first["context"] == context
    assert first["answers.text"] == ("river",)
    assert first["answers.answer_start"] == ("5",)
    content = hashlib.sha256(first["context"].encode()).hexdigest()[:8]
    assert (first["paragraph"], first["title"]) == (f"T, {content}", "T")
    assert second["answers.text"] == ()


def test_a_line_ends_at_a_line_feed_and_its_first_word_is_the_label(tmp_path):
    path = put(tmp_path, "l.all", "0 caf\xe9 \x85 au lait\r\n1  two blanks\n", encoding="latin-1")
    assert values(read_label_text(path, file="l", encoding="latin-1")) == [
        {"label": "0", "text": "caf\xe9 \x85 au lait"},
        {"label": "1", "text": " two blanks"},
    ]


def test_labels_beside_texts_get_their_names_and_lines_stay_aligned(tmp_path):
    path = put(tmp_path, "dev_text.txt", "one\u2028line\ntwo \n")
    put(tmp_path, "dev_labels.txt", "1\n0")
    assert [row["label"] for row in values(read_tweeteval(path, file="t"))] == ["1", "0"]
    put(tmp_path, "mapping.txt", "0\tcalm\n1\tnot calm\n")
    assert values(read_tweeteval(path, file="t")) == [
        {"text": "one\u2028line", "label": "not calm"},
        {"text": "two ", "label": "calm"},
    ]


def test_a_link_out_of_the_folder_is_no_file_beside_it(tmp_path):
    inside = tmp_path / "in"
    inside.mkdir()
    path = put(inside, "seq.in", "a b\n")
    put(inside, "seq.out", "O O\n")
    put(tmp_path, "label", "secret\n")
    (inside / "label").symlink_to(tmp_path / "label")
    (problem,) = read_atis(path, file="in/seq.in").problems
    assert "`in/label` is missing" in problem.what


def test_a_header_that_the_first_row_repeats_is_no_row(tmp_path):
    header = ("a", "b")
    with_names = put(tmp_path, "x.tsv", "a\t b\n1\t2\na\tb\n")
    without = put(tmp_path, "y.tsv", "1\t2\n3\t4\n")
    assert [
        row["a"] for row in values(read_delimited(with_names, file="x", delimiter="\t", header=header))
    ] == [
        "1",
        "a",
    ]
    assert len(values(read_delimited(without, file="y", delimiter="\t", header=header))) == 2


def test_what_goes_on_after_the_header_is_left_out_with_a_count_between_tabs_only(tmp_path):
    header = ("a", "b")
    tabs = read_delimited(put(tmp_path, "x.tsv", "1\t2\n3\t4\t5\n"), file="x", delimiter="\t", header=header)
    assert [problem.level for problem in tabs.problems] == ["warning"]
    assert "1 rows (row 2 has 3)" in tabs.problems[0].what
    assert len(tabs.rows) == 2
    commas = read_delimited(put(tmp_path, "x.csv", "1,2\n3,4,5\n"), file="x", header=header)
    assert [problem.level for problem in commas.problems] == ["error"]


def test_lists_of_objects_and_objects_of_lists_are_the_same_columns(tmp_path):
    one = {"a": {"text": ["x", "y"], "start": [1, 2]}}
    other = {"a": [{"text": "x", "start": 1}, {"text": "y", "start": 2}]}
    path = put(tmp_path, "t.jsonl", f"{json.dumps(one)}\n{json.dumps(other)}\n")
    first, second = values(read_jsonl(path, file="t"))
    assert first == second == {"a.text": ("x", "y"), "a.start": ("1", "2")}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("x/*.conllu", "sequence_labelling"),
        ("x.IOB2", "sequence_labelling"),
        ("x.json", "question_answering"),
        ("x.csv", None),
        ("hf://a/b", None),
    ],
)
def test_the_format_and_the_kind_follow_from_the_suffix(path, kind):
    corpus = Corpus("here", {"train": (path,)})
    assert kind_of(corpus) == kind
    assert format_of(corpus) in {*SUFFIXES.values(), "hub"}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(st.sampled_from('a\tO\n #-1.{}[]":,\r\x85\ufeffB'), max_size=80))
def test_no_text_breaks_a_reader(text, tmp_path):
    """Whatever a file holds, a reader gives rows or says what is wrong."""
    path = put(tmp_path, "any_text.txt", text)
    put(tmp_path, "any_labels.txt", text)
    for read in (read_conll, read_conllu, read_squad, read_label_text, read_tweeteval):
        table = read(path, file="any")
        assert table.rows or table.problems or not text.strip(" \n\r") or read in (read_conll, read_conllu)
        for row in table.rows:
            assert set(row.values) <= set(table.columns)
