"""From sections of every kind to tasks, whatever the format; what a kind refuses."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from forelearn.core.data import Answer
from forelearn.core.task import METRICS
from forelearn.experiment.save_datasets import write_table
from forelearn.tasks.assemble import LoadedTasks, assemble
from forelearn.tasks.corpus import Corpus
from forelearn.tasks.hub import read_loaded
from forelearn.tasks.rows import SPLITS
from forelearn.tasks.splits import SplitPlan

ROWS = 90


def regression(row: int) -> dict[str, object]:
    return {"first": f"a man {row}", "second": f"a horse {row * 7}", "score": row % 11 / 2}


def choice(row: int) -> dict[str, object]:
    return {
        "premise": f"The glass {row} fell.",
        "question": ("cause", "effect")[row % 2],
        "choice1": f"It broke {row}.",
        "choice2": f"It rang {row}.",
        "label": row // 2 % 2,
    }


def tags(row: int) -> dict[str, object]:
    return {
        "words": f"Ann saw Mount Blanc {row}",
        "tags": f"B-per O B-loc I-loc {('O', 'B-num')[row % 2]}",
    }


def question(row: int) -> dict[str, object]:
    context = f"  In year {1900 + row} the river\nrose.  "
    return {
        "question": f"When {row}?",
        "context": context,
        "answers": {"text": [str(1900 + row)], "answer_start": [context.index(str(1900 + row))]},
        "article": f"article {row // 5}",
    }


SECTIONS = {
    "regression": (regression, {"text": "first", "pair": "second", "label": "score"}),
    "multiple_choice": (choice, {"text": ("premise", "question"), "choices": ("choice1", "choice2")}),
    "sequence_labelling": (tags, {"text": "words", "label": "tags"}),
    "question_answering": (question, {"group": "article"}),
}
KINDS = tuple(SECTIONS)


def flat(values: dict[str, object]) -> dict[str, object]:
    answers = values.pop("answers", None)
    if isinstance(answers, dict):
        values |= {"answer": answers["text"][0], "start": answers["answer_start"][0]}
    return values


def written(kind: str, folder: Path, *, suffix: str, rows: int = ROWS) -> Corpus:
    """The kind's rows as a file, and the section that reads it."""
    make, columns = SECTIONS[kind]
    values = [make(row) for row in range(rows)]
    path = folder / f"t.{suffix}"
    if suffix == "jsonl":
        path.write_text("\n".join(json.dumps(one) for one in values), encoding="utf-8")
    else:
        delimiter = "," if suffix == "csv" else "\t"
        cells = [flat(one) for one in values]
        lines = [delimiter.join(cells[0])]
        lines += [delimiter.join(f'"{cell}"' for cell in one.values()) for one in cells]
        path.write_text("\n".join(lines), encoding="utf-8", newline="")
        if kind == "question_answering":
            columns = columns | {"label": "answer", "start": "start"}
    return Corpus("here", {"": (path.name,)}, kind=kind, name="t", **columns)


def load(corpus: Corpus, root: Path, **plan: object) -> LoadedTasks:
    return assemble([corpus], root=root, plan=SplitPlan(**plan))


def found(loaded: LoadedTasks) -> str:
    return " | ".join(f"{problem.where}: {problem.what} {problem.fix}" for problem in loaded.problems)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_from_every_table_with_all_its_rows(kind, suffix, tmp_path):
    loaded = load(written(kind, tmp_path, suffix=suffix), tmp_path)
    assert loaded.problems == ()
    data = loaded.tasks["t"]
    assert data.task.kind == kind
    assert data.task.metric == METRICS[kind][0]
    assert sum(len(data.split(split)) for split in SPLITS) == ROWS
    assert all(len(data.split(split)) > 5 for split in SPLITS)


def everything(data) -> set[tuple[object, ...]]:
    """What is read and what is to be found of every example, whatever its split."""
    found = set()
    for part in map(data.split, SPLITS):
        columns = (
            part.texts,
            part.pairs,
            part.labels,
            part.choices,
            part.values,
            part.words,
            part.tags,
            part.answers,
        )
        found.update(zip(*(column for column in columns if column)))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_read_does_not_hang_on_the_format(kind, tmp_path):
    read = [
        everything(load(written(kind, tmp_path, suffix=suffix), tmp_path).tasks["t"])
        for suffix in ("csv", "tsv", "jsonl")
    ]
    assert read[0] == read[1] == read[2]
    assert len(read[0]) == ROWS


@dataclass
class Table:
    """A stand-in for a `datasets.Dataset`."""

    rows: list[dict[str, object]]
    features: dict[str, object]

    @property
    def column_names(self):
        return list(self.rows[0])

    def __iter__(self):
        return iter(self.rows)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_read_from_a_hub_table_with_named_columns(kind, tmp_path):
    make, columns = SECTIONS[kind]
    tables = {
        split: Table([make(row) for row in range(start, start + 40)], {})
        for start, split in ((0, "train"), (40, "validation"), (80, "test"))
    }
    write_table(read_loaded(tables, name="t"), tmp_path / "t.jsonl")
    corpus = Corpus("here", {"": ("t.jsonl",)}, kind=kind, name="t", split="split", **columns)
    loaded = load(corpus, tmp_path)
    assert loaded.errors == ()
    assert [len(loaded.tasks["t"].split(split)) for split in SPLITS] == [40, 40, 40]


def test_tags_of_a_hub_table_get_the_names_of_their_classes(tmp_path):
    @dataclass
    class Class:
        names: list[str]

    @dataclass
    class Sequence:
        feature: Class

    names = ["O", "B-per", "I-per"]
    table = Table(
        [{"tokens": ["Ann", "B.", f"ran{row}"], "ner": [1, 2, 0]} for row in range(60)],
        {"ner": Sequence(Class(names))},
    )
    write_table(read_loaded(table, name="t"), tmp_path / "t.jsonl")
    files = {"": ("t.jsonl",)}
    corpus = Corpus("here", files, kind="sequence_labelling", name="t", text="tokens", label="ner")
    data = load(corpus, tmp_path).tasks["t"]
    assert data.labels == ("O", "B-per", "I-per")
    assert data.train.tags[0] == (1, 2, 0)


def test_two_columns_are_joined_by_a_space_and_choices_stand_in_their_order(tmp_path):
    data = load(written("multiple_choice", tmp_path, suffix="jsonl"), tmp_path).tasks["t"]
    assert ("The glass 6 fell. cause", 1, ("It broke 6.", "It rang 6.")) in everything(data)


@pytest.mark.parametrize(
    ("said", "labels"),
    [((0, 1), ()), (("choice1", "choice2"), ()), (("A", "B"), ("A", "B")), (("1", "2"), ("1", "2"))],
)
def test_the_right_choice_is_a_position_a_column_or_a_listed_name(said, labels, tmp_path):
    lines = [json.dumps(choice(row) | {"label": said[row // 2 % 2]}) for row in range(ROWS)]
    (tmp_path / "t.jsonl").write_text("\n".join(lines))
    corpus = Corpus(
        "here",
        {"": ("t.jsonl",)},
        kind="multiple_choice",
        text="premise",
        choices=("choice1", "choice2"),
        labels=labels,
    )
    data = load(corpus, tmp_path).tasks["t"]
    picked = dict(zip(data.train.texts, data.train.labels))
    assert all(label == int(text.split()[2]) // 2 % 2 for text, label in picked.items())


def test_choices_may_be_one_column_of_lists(tmp_path):
    lines = [
        json.dumps({"text": f"t {row}", "ends": [f"a {row}", f"b {row}", f"c {row}"], "label": row % 3})
        for row in range(60)
    ]
    lines[7] = json.dumps({"text": "four", "ends": ["a", "b", "c", "d"], "label": 3})
    (tmp_path / "t.jsonl").write_text("\n".join(lines))
    corpus = Corpus("here", {"": ("t.jsonl",)}, kind="multiple_choice", choices="ends")
    loaded = load(corpus, tmp_path)
    assert loaded.errors == ()
    assert "another number of choices than most are left out: 1 row (t.jsonl, row 8 has 4)" in found(loaded)
    assert {len(options) for options in loaded.tasks["t"].train.choices} == {3}


def test_words_may_hold_what_other_programs_take_for_white_space(tmp_path):
    """U+0085 and U+00A0 are white space to `str.split` and no blank here."""
    lines = [json.dumps({"w": "a\x85b c\xa0d e", "t": "X Y X"}) for row in range(40)]
    (tmp_path / "t.jsonl").write_text("\n".join(lines))
    corpus = Corpus("here", {"": ("t.jsonl",)}, kind="sequence_labelling", text="w", label="t")
    assert load(corpus, tmp_path).tasks["t"].train.words[0] == ("a\x85b", "c\xa0d", "e")


def test_answers_stand_in_their_contexts_whose_white_space_is_kept(tmp_path):
    data = load(written("question_answering", tmp_path, suffix="jsonl"), tmp_path).tasks["t"]
    assert data.train.pairs is not None
    for context, answers in zip(data.train.pairs, data.train.answers):
        assert context.startswith("  In year ")
        assert context.endswith("rose.  ")
        (answer,) = answers
        assert context[answer.start : answer.start + len(answer.text)] == answer.text


def test_a_list_of_answers_as_objects_is_read_like_lists_of_their_parts(tmp_path):
    lines = []
    for row in range(60):
        value = question(row)
        value["answers"] = [{"text": str(1900 + row), "answer_start": 10}] * 2 if row else []
        lines.append(json.dumps(value))
    (tmp_path / "t.jsonl").write_text("\n".join(lines))
    loaded = load(Corpus("here", {"": ("t.jsonl",)}, kind="question_answering"), tmp_path)
    assert "Questions without an answer are left out: 1 row (t.jsonl, row 1)" in found(loaded)
    assert all(len(answers) == 1 for answers in loaded.tasks["t"].train.answers)
    assert isinstance(loaded.tasks["t"].train.answers[0][0], Answer)


def test_questions_of_one_group_never_straddle_a_split(tmp_path):
    data = load(written("question_answering", tmp_path, suffix="jsonl"), tmp_path).tasks["t"]
    groups = [set(data.split(split).groups) for split in SPLITS]
    assert sum(map(len, groups)) == len(set().union(*groups)) == 18


def test_numbers_of_every_fifth_reach_every_split(tmp_path):
    data = load(written("regression", tmp_path, suffix="csv"), tmp_path).tasks["t"]
    for split in SPLITS:
        values = data.split(split).values
        assert min(values) <= 1
        assert max(values) >= 4


def test_rare_tags_are_kept_by_a_small_sample(tmp_path):
    lines = ["w\tt"] + [f"a b{row}\tO {'B-rare' if row % 50 == 0 else 'B-often'}" for row in range(400)]
    (tmp_path / "t.tsv").write_text("\n".join(lines))
    corpus = Corpus("here", {"": ("t.tsv",)}, kind="sequence_labelling", text="w", label="t")
    data = load(corpus, tmp_path, train_rows=12, dev_rows=12, test_rows=12).tasks["t"]
    rare = data.labels.index("B-rare")
    for split in SPLITS:
        assert len(data.split(split)) == 12
        assert any(rare in tags for tags in data.split(split).tags)


@pytest.mark.parametrize(
    ("kind", "row", "change", "said"),
    [
        ("regression", 3, {"score": "good"}, "not a finite number: 1 row (t.jsonl, row 4 has `good`)"),
        ("regression", 3, {"score": "inf"}, "not a finite number"),
        ("multiple_choice", 3, {"label": 2}, "The label says no choice: 1 row (t.jsonl, row 4 has `2`)"),
        ("multiple_choice", 3, {"choice2": " "}, "A choice is empty: 1 row (t.jsonl, row 4)"),
        ("sequence_labelling", 3, {"tags": "O O"}, "(t.jsonl, row 4 has 5 words and 2 tags)"),
        (
            "question_answering",
            3,
            {"answers": {"text": ["river"], "answer_start": [4]}},
            "An answer does not stand in its context where `start` says: 1 row (t.jsonl, row 4 has `river` at 4)",
        ),
        (
            "question_answering",
            3,
            {"answers": {"text": ["a", "b"], "answer_start": [4]}},
            "not as many positions as answers: 1 row (t.jsonl, row 4 has 2 and 1)",
        ),
        (
            "question_answering",
            3,
            {"answers": {"text": ["a"], "answer_start": [-1]}},
            "no whole number of 0 or more: 1 row (t.jsonl, row 4 has `-1`)",
        ),
        (
            "question_answering",
            3,
            {"answers": {"text": ["a"], "answer_start": ["9" * 5000]}},
            "no whole number of 0 or more: 1 row (t.jsonl, row 4 has `999",
        ),
        ("multiple_choice", 3, {"label": "9" * 5000}, "The label says no choice: 1 row"),
    ],
)
def test_a_row_that_breaks_the_rule_of_its_kind_is_named(kind, row, change, said, tmp_path):
    make, columns = SECTIONS[kind]
    values = [make(number) for number in range(ROWS)]
    values[row] |= change
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, values)))
    loaded = load(Corpus("here", {"": ("t.jsonl",)}, kind=kind, **columns), tmp_path)
    (problem,) = loaded.errors
    assert said in problem.what
    assert problem.where == "here: t.jsonl, row 4"
    assert loaded.tasks == {}


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("regression", {"score": 2.5}, "holds the value 2.5 only"),
        ("multiple_choice", {"label": 1}, "choice 1 is always right"),
        ("sequence_labelling", {"tags": "O O O O O"}, "1 different tags"),
    ],
)
def test_a_task_of_which_nothing_can_be_learned_is_refused(kind, change, said, tmp_path):
    make, columns = SECTIONS[kind]
    values = [make(number) | change for number in range(ROWS)]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, values)))
    loaded = load(Corpus("here", {"": ("t.jsonl",)}, kind=kind, **columns), tmp_path)
    (problem,) = loaded.errors
    assert said in problem.what


def test_two_equal_choices_leave_the_row_out(tmp_path):
    values = [choice(row) for row in range(ROWS)]
    values[4]["choice2"] = values[4]["choice1"]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, values)))
    columns = SECTIONS["multiple_choice"][1]
    loaded = load(Corpus("here", {"": ("t.jsonl",)}, kind="multiple_choice", **columns), tmp_path)
    assert "Rows with two equal choices are left out: 1 row (t.jsonl, row 5)" in found(loaded)


def test_a_span_that_nothing_opened_is_counted_and_its_reading_said(tmp_path):
    """`I-loc` after `O` and after `I-per`: two in one row."""
    values = [tags(row) for row in range(ROWS)]
    values[2]["tags"] = "I-per I-loc O B-loc I-loc"
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, values)))
    corpus = Corpus("here", {"": ("t.jsonl",)}, kind="sequence_labelling", text="words", label="tags")
    said = found(load(corpus, tmp_path))
    assert "2 tags `I-…` go on with a span that no `B-…` opened: t.jsonl, row 3" in said
    assert "Each is read as the first word of a span" in said


def test_many_numbers_in_a_column_of_labels_suggest_a_regression(tmp_path):
    lines = ["text,label"] + [f"text {row},{row / 7:.3f}" for row in range(ROWS)]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    (problem,) = load(Corpus("here", {"": ("t.csv",)}), tmp_path).errors
    assert 'set kind = "regression"' in problem.fix


def test_a_metric_is_of_its_section_first_then_of_the_study_where_the_kind_has_it(tmp_path):
    numbers = written("regression", tmp_path, suffix="csv")
    lines = ["text,label"] + [f"text {row},{'ab'[row % 2]}" for row in range(60)]
    (tmp_path / "b.csv").write_text("\n".join(lines))
    letters = Corpus("2", {"": ("b.csv",)}, name="b", positive="a", metric="matthews")
    more = Corpus("3", {"": ("b.csv",)}, name="c", positive="b")
    loaded = assemble([numbers, letters, more], root=tmp_path, plan=SplitPlan(), metric="spearman")
    assert {name: data.task.metric for name, data in loaded.tasks.items()} == {
        "t": "spearman",
        "b": "matthews",
        "c": "average_precision",
    }
    assert loaded.errors == ()


def test_a_metric_that_no_task_has_is_one_error(tmp_path):
    corpus = written("regression", tmp_path, suffix="csv")
    loaded = assemble([corpus], root=tmp_path, plan=SplitPlan(), metric="f1")
    (problem,) = loaded.errors
    assert problem.what == "`f1` is not measured for regression tasks: t."
