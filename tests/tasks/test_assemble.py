"""From sections to tasks."""

from pathlib import Path

import pytest

from forelearn.tasks.assemble import assemble
from forelearn.tasks.corpus import Corpus
from forelearn.tasks.names import name_fault, name_from_label, task_name_fault
from forelearn.tasks.rows import SPLITS
from forelearn.tasks.splits import SplitPlan

PLACES = ("north", "south", "east", "west")


def write(path: Path, rows: int = 120, *, start: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["id,text,topic,tone,place"]
    for row in range(start, start + rows):
        topic = ("help", "news", "rain", "wind")[row // 8 % 4] if row % 40 else "odd"
        tone = ("calm", "upset")[row // 2 % 2]
        lines.append(f"{row},text number {row} of {path.stem},{topic},{tone},place{row % 8}")
    path.write_text("\n".join(lines) + "\n")


def ids(tasks, name, split):
    return set(tasks[name].split(split).ids)


def test_a_column_becomes_one_vs_rest_tasks_over_the_same_documents(tmp_path):
    write(tmp_path / "t.csv")
    corpus = Corpus(
        "here", {"": ("t.csv",)}, label="topic", one_vs_rest=("help", "news", "Other"), prefix="is "
    )
    loaded = assemble([corpus], root=tmp_path, plan=SplitPlan())
    assert loaded.errors == ()
    assert list(loaded.tasks) == ["is help", "is news", "is Other"]
    for split in SPLITS:
        parts = [data.split(split) for data in loaded.tasks.values()]
        assert parts[0].ids == parts[1].ids == parts[2].ids
        # every document has one label: help, news or another one
        assert all(sum(labels) == 1 for labels in zip(*(part.labels for part in parts)))
    assert loaded.tasks["is help"].labels == ("not help", "help")


def test_sections_over_the_same_files_share_documents_and_splits(tmp_path):
    write(tmp_path / "t.csv")
    corpora = [
        Corpus("1", {"": ("t.csv",)}, label="topic", one_vs_rest=("help", "news"), drop=("odd",)),
        Corpus("2", {"": ("*.csv",)}, label="tone", name="tone", positive="upset"),
    ]
    tasks = assemble(corpora, root=tmp_path, plan=SplitPlan()).tasks
    for split in SPLITS:
        assert ids(tasks, "help", split) <= ids(tasks, "tone", split)


def test_capped_tasks_of_two_sections_use_the_same_documents(tmp_path):
    write(tmp_path / "t.csv", 400)
    corpora = [
        Corpus("1", {"": ("t.csv",)}, label="topic", one_vs_rest=("help", "odd")),
        Corpus("2", {"": ("t.csv",)}, label="tone", name="tone", positive="upset"),
    ]
    plan = SplitPlan(train_rows=60, dev_rows=30, test_rows=40)
    loaded = assemble(corpora, root=tmp_path, plan=plan)
    assert loaded.errors == ()
    sizes = {name: [len(data.split(split)) for split in SPLITS] for name, data in loaded.tasks.items()}
    assert set(map(tuple, sizes.values())) == {(60, 30, 40)}
    for split in SPLITS:
        assert ids(loaded.tasks, "odd", split) == ids(loaded.tasks, "tone", split)
        assert loaded.tasks["odd"].split(split).positives() >= 1


def test_groups_of_one_name_stay_together_across_sections_of_different_files(tmp_path):
    write(tmp_path / "a.csv")
    write(tmp_path / "b.csv", start=120)
    corpora = [
        Corpus(name, {"": (f"{name}.csv",)}, label="tone", positive="upset", group="place") for name in "ab"
    ]
    tasks = assemble(corpora, root=tmp_path, plan=SplitPlan(by="group")).tasks
    for split in SPLITS:
        assert set(tasks["a"].split(split).groups) == set(tasks["b"].split(split).groups)


def test_the_folder_of_a_file_can_be_its_group(tmp_path):
    for number, place in enumerate(PLACES):
        write(tmp_path / place / "tweets.csv", start=120 * number)
    corpus = Corpus("here", {"": ("*/tweets.csv",)}, label="tone", positive="upset", group="{file}")
    tasks = assemble([corpus], root=tmp_path, plan=SplitPlan()).tasks
    assert list(tasks) == ["tone"]
    groups = [set(tasks["tone"].split(split).groups) for split in SPLITS]
    assert set().union(*groups) == set(PLACES)
    assert sum(map(len, groups)) == 4


def test_files_without_a_common_name_are_a_task_each(tmp_path):
    write(tmp_path / "a.csv")
    write(tmp_path / "b.csv", start=120)
    corpus = Corpus("here", {"": ("*.csv",)}, label="tone", positive="upset")
    assert list(assemble([corpus], root=tmp_path, plan=SplitPlan()).tasks) == ["a", "b"]
    named = Corpus("here", {"": ("*.csv",)}, label="tone", positive="upset", name="both")
    (data,) = assemble([named], root=tmp_path, plan=SplitPlan()).tasks.values()
    assert sum(len(data.split(split)) for split in SPLITS) == 240


def test_files_can_say_the_split(tmp_path):
    for number, name in enumerate(("train", "test")):
        write(tmp_path / "set" / f"{name}.csv", start=120 * number)
    files = {"train": ("set/train.csv",), "test": ("set/test.csv",)}
    corpus = Corpus("here", files, label="tone", positive="upset")
    (data,) = assemble([corpus], root=tmp_path, plan=SplitPlan()).tasks.values()
    assert data.task.name == "set"
    assert len(data.test) == 120
    assert len(data.train) + len(data.dev) == 120


def test_the_digest_depends_neither_on_the_other_sections_nor_on_the_name(tmp_path):
    write(tmp_path / "a.csv")
    write(tmp_path / "b.csv", start=500)
    one = Corpus("here", {"": ("a.csv",)}, label="tone", positive="upset", name="one")
    two = Corpus("here", {"": ("b.csv",)}, label="tone", positive="upset")
    again = Corpus("here", {"": ("a.csv",)}, label="tone", positive="upset", name="again")
    alone = assemble([one], root=tmp_path, plan=SplitPlan()).tasks["one"]
    beside = assemble([two, again], root=tmp_path, plan=SplitPlan()).tasks["again"]
    assert alone.task.digest == beside.task.digest


def test_lists_in_a_cell_are_split_at_the_delimiter(tmp_path):
    lines = ["text,tags"] + [f"text {row},{('x; y', 'y', '', 'z')[row % 4]}" for row in range(80)]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    corpus = Corpus("here", {"": ("t.csv",)}, label="tags", label_delimiter=";", one_vs_rest=True)
    tasks = assemble([corpus], root=tmp_path, plan=SplitPlan()).tasks
    assert list(tasks) == ["x", "y", "z"]
    assert sum(tasks["y"].split(split).positives() for split in SPLITS) == 40
    assert sum(len(tasks["y"].split(split)) for split in SPLITS) == 80


def test_two_texts_an_example_are_kept_as_pairs(tmp_path):
    lines = ["first,second,label"] + [f"a {row},b {row},{row % 2}" for row in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    corpus = Corpus("here", {"": ("t.csv",)}, text="first", pair="second", positive="1")
    data = assemble([corpus], root=tmp_path, plan=SplitPlan()).tasks["t"]
    assert data.train.pairs is not None
    assert all(pair == text.replace("a", "b") for text, pair in zip(data.train.texts, data.train.pairs))


def test_more_than_two_labels_make_a_multiclass_task_with_numbers_in_their_order(tmp_path):
    lines = ["text,label"] + [f"text {row},{(2, 10, 1)[row % 3]}" for row in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    data = assemble([Corpus("here", {"": ("t.csv",)})], root=tmp_path, plan=SplitPlan()).tasks["t"]
    assert data.labels == ("1", "2", "10")
    assert data.task.kind == "multiclass"
    assert data.task.metric == "macro_f1"


@pytest.mark.parametrize(
    ("labels", "positive"),
    [
        (("0", "1"), "1"),
        (("false", "true"), "true"),
        (("spam", "no"), "spam"),
        (("entailment", "not_entailment"), "entailment"),
        (("related", "non-related"), "related"),
        (("x", "y"), "y"),
    ],
)
def test_the_guessed_positive_label_is_said(tmp_path, labels, positive):
    """Of x and y, neither says anything: y is rarer (20 of 60)."""
    lines = ["text,label"] + [f"text {row},{labels[row % 3 == 2]}" for row in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    loaded = assemble([Corpus("here", {"": ("t.csv",)})], root=tmp_path, plan=SplitPlan())
    assert loaded.tasks["t"].labels[1] == positive
    assert any(f"`{positive}` is taken as the positive label" in problem.what for problem in loaded.problems)


def test_labels_too_rare_are_left_out_with_a_warning_unless_they_were_named(tmp_path):
    lines = ["text,label"] + [f"text {row},{'once' if row == 5 else 'ab'[row % 2]}" for row in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    every = assemble([Corpus("1", {"": ("t.csv",)}, one_vs_rest=True)], root=tmp_path, plan=SplitPlan())
    assert list(every.tasks) == ["a", "b"]
    assert every.errors == ()
    assert any("too rare" in problem.what for problem in every.problems)
    named = Corpus("1", {"": ("t.csv",)}, one_vs_rest=("a", "b", "once"))
    assert len(assemble([named], root=tmp_path, plan=SplitPlan()).errors) == 1


def test_rows_without_text_or_label_are_left_out_and_counted(tmp_path):
    lines = ["text,label"] + [f"text {row},{'ab'[row % 2]}" for row in range(60)]
    lines[3] = ",a"
    lines[5] = lines[6] = "no label,"
    (tmp_path / "t.csv").write_text("\n".join(lines))
    loaded = assemble([Corpus("here", {"": ("t.csv",)}, positive="a")], root=tmp_path, plan=SplitPlan())
    found = [problem.what for problem in loaded.problems]
    assert "Empty texts are left out: 1 row (t.csv, row 4)." in found
    assert "Rows without a label are left out: 2 rows (t.csv, row 6; t.csv, row 7)." in found
    assert len(loaded.places) == 57


def test_texts_in_any_language_are_left_alone(tmp_path):
    texts = ["Où est l’eau ?", "水はどこですか", "أين الماء", "  two  spaces ", "ﬁne 👩‍🚒"]
    lines = ["text,label"] + [f"{texts[row % 5]} {row},{'ab'[row % 2]}" for row in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(lines), encoding="utf-8")
    data = assemble([Corpus("here", {"": ("t.csv",)}, positive="a")], root=tmp_path, plan=SplitPlan()).tasks[
        "t"
    ]
    found = {text for split in SPLITS for text in data.split(split).texts}
    assert found == {f"{texts[row % 5]} {row}" for row in range(60)}


def test_an_id_that_stands_twice_is_said_and_both_rows_are_kept(tmp_path):
    lines = ["id,text,label"] + [f"{max(row, 1)},text {row},{'ab'[row % 2]}" for row in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    loaded = assemble(
        [Corpus("here", {"": ("t.csv",)}, id="id", positive="a")], root=tmp_path, plan=SplitPlan()
    )
    assert len(loaded.places) == 60
    assert any("An id stands twice" in problem.what for problem in loaded.problems)


@pytest.mark.parametrize(
    "name",
    ["", " a", "a\nb", "<b>", "a/b", "a\\b", 'a"b', "a`b", "a\u202eb", "..", "encoder@x", "x" * 81, "a\x00b"],
)
def test_names_that_a_page_or_path_could_misread_are_refused_and_labels_get_the_nearest_allowed_one(name):
    assert name_fault(name)
    assert name_fault(name_from_label(name)) is None


@pytest.mark.parametrize(
    "name", ["a", "type: Related - but not informative", "水", "A & B (c), d.", "می‌خواهم"]
)
def test_plain_names_in_any_script_are_allowed_as_they_are(name):
    assert name_fault(name) is None
    assert name_from_label(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "train longer",
        "Another Seed",
        "no transfer",
        "baseline",
        "a (random labels)",
        "x" * 70 + " (random labels)",
    ],
)
def test_what_controls_are_called_names_no_task_but_may_name_a_study(name):
    assert task_name_fault(name) == "controls are called so"
    assert task_name_fault(name_from_label(name)) is None
    assert name_fault(name) is None or len(name) > 80


def test_a_label_that_a_control_is_called_names_its_task_otherwise_and_says_so(tmp_path):
    lines = ["text,label"] + [f"text {row},{('train longer', 'y')[row % 2]}" for row in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    loaded = assemble([Corpus("here", {"": ("t.csv",)}, one_vs_rest=True)], root=tmp_path, plan=SplitPlan())
    assert list(loaded.tasks) == ["_train longer", "y"]
    assert any("cannot name a task" in problem.what for problem in loaded.problems)


def test_a_label_with_markup_names_its_task_escaped_and_says_so(tmp_path):
    lines = ["text,label"] + [f"text {row},{('<i>x</i>', 'y')[row % 2]}" for row in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    loaded = assemble([Corpus("here", {"": ("t.csv",)}, one_vs_rest=True)], root=tmp_path, plan=SplitPlan())
    assert list(loaded.tasks) == ["_i_x__i_", "y"]
    assert any("cannot name a task" in problem.what for problem in loaded.problems)
    assert loaded.tasks["_i_x__i_"].labels[1] == "<i>x</i>"


def test_what_a_store_knows_a_classification_by_stays_as_it_was(tmp_path):
    """Digests of the first release: another value would make every finished run of a user useless."""
    lines = ["first,second,label"] + [f"first {row},second {row},{'abc'[row % 3]}" for row in range(60)]
    (tmp_path / "b.csv").write_text("\n".join(lines))
    pairs = Corpus("1", {"": ("b.csv",)}, text="first", pair="second")
    vs_rest = Corpus("2", {"": ("b.csv",)}, text="first", one_vs_rest=("a",), group="second")
    tasks = assemble([pairs, vs_rest], root=tmp_path, plan=SplitPlan(by="row")).tasks
    assert {name: data.task.digest for name, data in tasks.items()} == {
        "b": "2bc39d7b6f8865502028",
        "a": "29f7fbb290a39224c698",
    }
