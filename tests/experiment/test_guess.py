"""From folders to study files."""

import json
from pathlib import Path

import pytest

from forelearn.core.errors import InputError
from forelearn.experiment.assemble import load_tasks
from forelearn.experiment.check import check
from forelearn.experiment.columns import guess_columns
from forelearn.experiment.guess import guess, study_for_rank
from forelearn.experiment.study import parse_study
from forelearn.store.file import write_file
from forelearn.tasks.delimited import read_delimited

WORDS = ("water", "bridge", "road", "people", "house", "river", "wind", "night")


def sentence(number: int) -> str:
    return f"{number} " + " ".join(WORDS[(number * step) % 8] for step in range(1, 7))


def write(path: Path, columns: dict[str, object], rows: int = 120, *, start: int = 0) -> None:
    """A table whose columns are functions of the row number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [",".join(columns)]
    lines += [",".join(str(make(row)) for make in columns.values()) for row in range(start, start + rows)]  # type: ignore[operator]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


TEXT = {"text": sentence}
YES_NO = {"label": lambda row: ("no", "yes")[row // 3 % 2]}
TONE = {"tone": lambda row: ("calm", "upset", "cold")[row // 3 % 3]}


def tasks_of(folder: Path) -> list[str]:
    guessed = guess(folder)
    study = parse_study(guessed.text, path=folder / "study.toml")
    loaded = load_tasks(study, partial=True)  # one task is enough here
    assert loaded.errors == ()
    return sorted(loaded.tasks)


def test_columns_are_guessed_from_names_and_values(tmp_path):
    write(
        tmp_path / "t.csv",
        {
            "Tweet ID": lambda row: 10**9 + row,
            "Tweet Text": sentence,
            "event": lambda row: f"event{row % 7}",
            "fold": lambda row: ("train", "train", "val", "test")[row % 4],
            "kind": lambda row: ("news", "help")[row % 2],
        },
    )
    found = guess_columns(read_delimited(tmp_path / "t.csv", file="t.csv"))
    assert (found.text, found.id, found.group, found.split) == ("Tweet Text", "Tweet ID", "event", "fold")
    assert [column.name for column in found.labels] == ["kind"]
    assert set(found.why) >= {"text", "id", "group", "split"}


def test_a_large_file_that_is_sorted_by_label_has_labels(tmp_path):
    """Three labels of 4,000 rows each, one after the other: the first 5,000 rows hold two."""
    names = ("calm", "upset", "cold")
    write(tmp_path / "t.csv", TEXT | {"label": lambda row: names[row // 4000]}, rows=12_000)
    (column,) = guess_columns(read_delimited(tmp_path / "t.csv", file="t.csv")).labels
    assert column.counts == dict.fromkeys(names, 4000)
    assert "positive" not in guess(tmp_path).text.replace("# positive", "")


def test_a_text_without_a_telling_name_is_the_longest_column(tmp_path):
    write(tmp_path / "t.csv", {"x1": lambda row: row, "x2": sentence, "x3": lambda row: "ab"[row % 2]})
    found = guess_columns(read_delimited(tmp_path / "t.csv", file="t.csv"))
    assert found.text == "x2"
    assert [column.name for column in found.labels] == ["x3"]


def test_labels_in_one_cell_are_seen(tmp_path):
    write(tmp_path / "t.csv", TEXT | {"labels": lambda row: ("a", "a; b", "b; c", "c")[row % 4]})
    (column,) = guess_columns(read_delimited(tmp_path / "t.csv", file="t.csv")).labels
    assert column.delimiter == ";"
    assert column.counts == {"a": 60, "b": 60, "c": 60}
    assert tasks_of(tmp_path) == ["t: a", "t: b", "t: c"]


def test_a_folder_of_files_becomes_a_study_that_checks_without_an_error(tmp_path):
    write(tmp_path / "a.csv", TEXT | YES_NO)
    write(tmp_path / "b.csv", {"sentence": sentence} | TONE, start=500)
    guessed = guess(tmp_path)
    (tmp_path / "study.toml").write_text(guessed.text)
    checked = check(tmp_path)
    assert checked.errors == ()
    assert sorted(checked.tasks) == ["a", "b"]
    assert 'positive = "yes"' in guessed.text
    assert "task a label instead: delete name, and set this" in guessed.text
    instead = guessed.text.replace('name = "b"', "")
    instead = instead.replace("# one_vs_rest", "one_vs_rest").replace("# prefix", "prefix")
    loaded = load_tasks(parse_study(instead, path=tmp_path / "study.toml"), partial=True)
    assert sorted(loaded.tasks) == ["a", "b: calm", "b: cold", "b: upset"]
    assert any("Settle which label is positive: a (yes, by its name)" in note for note in guessed.notes)


def test_every_guessed_line_says_why(tmp_path):
    write(tmp_path / "a.csv", TEXT | YES_NO)
    lines = guess(tmp_path).text.split("\n")
    section = lines[lines.index("[[data]]") + 1 :]
    section = section[: section.index("")]
    assert all(" # " in line for line in section if not line.startswith("files"))


def test_one_file_a_folder_with_the_same_columns_is_one_corpus_grouped_by_folder(tmp_path):
    for number, place in enumerate(("north", "south", "east", "west")):
        write(
            tmp_path / place / f"{place}-tweets.csv",
            {"id": lambda row: row} | TEXT | TONE | YES_NO,
            start=300 * number,
        )
    text = guess(tmp_path).text
    assert 'files = "*/*-tweets.csv"' in text
    assert 'group = "{file}"' in text
    assert tasks_of(tmp_path) == ["label"]


def test_files_named_train_dev_and_test_are_one_task_with_given_splits(tmp_path):
    for number, name in enumerate(("train", "valid", "test")):
        write(tmp_path / "cb" / f"{name}.csv", TEXT | YES_NO, start=300 * number)
        write(tmp_path / f"rte_{name}.csv", TEXT | YES_NO, start=300 * number + 100)
    assert tasks_of(tmp_path) == ["cb", "rte"]
    assert 'dev = "cb/valid.csv"' in guess(tmp_path).text


def test_a_larger_dev_file_is_the_test_where_there_is_none(tmp_path):
    for number, (name, rows) in enumerate((("train", 200), ("dev32", 60), ("val", 120))):
        write(tmp_path / "cb" / f"{name}.csv", TEXT | YES_NO, rows, start=300 * number)
    assert 'dev = "cb/dev32.csv", test = "cb/val.csv"' in guess(tmp_path).text


def test_void_labels_are_dropped_and_said(tmp_path):
    write(tmp_path / "a.csv", TEXT | {"label": lambda row: ("x", "y", "z", "Not applicable")[row // 3 % 4]})
    assert 'drop = ["Not applicable"]' in guess(tmp_path).text
    assert tasks_of(tmp_path) == ["a: x", "a: y", "a: z"]


def test_files_that_need_another_reading_are_read_so(tmp_path):
    (tmp_path / "q.tsv").write_text(
        "text\tlabel\n" + "".join(f'"{sentence(row)}\t{"ab"[row % 2]}\n' for row in range(60))
    )
    (tmp_path / "l.csv").write_bytes(
        ("text,label\n" + "".join(f"caf\xe9 {sentence(row)},{'ab'[row % 2]}\n" for row in range(60))).encode(
            "latin-1"
        )
    )
    text = guess(tmp_path).text
    assert "quotes = false" in text
    assert 'encoding = "latin-1"' in text
    assert tasks_of(tmp_path) == ["l", "q"]


def test_a_file_without_a_header_gets_made_up_names(tmp_path):
    lines = [f"{row % 2},{sentence(row)}" for row in range(60)]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    assert 'header = ["column 1", "column 2"]' in guess(tmp_path).text
    assert tasks_of(tmp_path) == ["a"]


def test_files_of_one_stem_get_the_folder_into_their_names(tmp_path):
    write(tmp_path / "x" / "d.csv", TEXT | YES_NO)
    write(tmp_path / "y" / "d.csv", TEXT | TONE, start=500)
    assert tasks_of(tmp_path) == ["x d", "y d"]


def test_incident_streams_are_recognised(tmp_path):
    posts = [
        {"postID": str(n), "eventID": f"e{n % 5}", "postCategories": [["Factoid", "News"][n // 5 % 2]]}
        for n in range(50)
    ]
    (tmp_path / "labels.json").write_text(json.dumps(posts))
    tweets = [json.dumps({"allProperties": {"docno": str(n), "text": sentence(n)}}) for n in range(50)]
    (tmp_path / "tweets.jsonl").write_text("\n".join(tweets))
    assert tasks_of(tmp_path) == ["Report-Factoid", "Report-News"]


def test_files_that_cannot_be_a_task_are_named(tmp_path):
    write(tmp_path / "a.csv", TEXT | YES_NO)
    (tmp_path / "n.csv").write_text("x,y\n1,2\n3,4\n")
    (tmp_path / "b.csv").write_text('text,label\n"open,x\ny\n')
    notes = guess(tmp_path).notes
    assert any("n.csv is left out: no column looks like a text" in note for note in notes)
    assert any("b.csv is left out: A quote opens here" in note for note in notes)


def test_a_folder_with_nothing_to_learn_is_refused(tmp_path):
    with pytest.raises(InputError, match="No file in this folder can be a task"):
        guess(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        guess(tmp_path / "none")


def test_quotes_and_line_ends_in_names_cannot_break_the_file(tmp_path):
    write(tmp_path / 'a"b.csv', TEXT | {'la"bel': YES_NO["label"]})
    text = guess(tmp_path).text
    assert parse_study(text, path=tmp_path / "study.toml").settings.data[0].label == 'la"bel'


def test_a_target_file_and_a_folder_of_sources_make_a_study(tmp_path):
    write(tmp_path / "mine" / "target.csv", TEXT | TONE)
    write(tmp_path / "others" / "a.csv", TEXT | YES_NO, start=200)
    write(tmp_path / "others" / "deep" / "target.csv", TEXT | YES_NO, start=400)
    guessed = study_for_rank(tmp_path / "mine" / "target.csv", tmp_path / "others", encoder="owner/name")
    study = parse_study(guessed.text, path=tmp_path / "elsewhere" / "study.toml")
    assert study.settings.encoder == "owner/name"
    loaded = load_tasks(study)
    assert loaded.errors == ()
    assert sorted(loaded.tasks) == ["a", "deep target", "mine target"]
    assert study.settings.targets == ("mine target",)


def test_a_target_inside_the_folder_of_sources_is_no_source_of_itself(tmp_path):
    write(tmp_path / "a.csv", TEXT | YES_NO)
    write(tmp_path / "b.csv", TEXT | YES_NO, start=200)
    guessed = study_for_rank(tmp_path / "a.csv", tmp_path)
    study = parse_study(guessed.text, path=tmp_path / "study.toml")
    assert list(load_tasks(study).tasks) == ["a", "b"]
    assert study.settings.targets == ("a",)


@pytest.mark.parametrize("missing", ["target", "sources"])
def test_rank_without_a_target_or_without_sources_is_refused(tmp_path, missing):
    write(tmp_path / "a.csv", TEXT | YES_NO)
    (tmp_path / "empty").mkdir()
    target = tmp_path / ("none.csv" if missing == "target" else "a.csv")
    with pytest.raises(InputError):
        study_for_rank(target, tmp_path / "empty")


def scored(row: int, *, odd: tuple[int, ...] = (), of: int = 120) -> str:
    return "high" if row in odd else f"{row * 5 / of:.2f}"


@pytest.mark.parametrize("score", ["score", "how alike"])
def test_one_score_that_is_no_number_is_named_and_changes_no_guess(tmp_path, score):
    columns = {"genre": lambda row: ("news", "forum")[row % 2], "sentence1": sentence, "sentence2": sentence}
    write(tmp_path / "whole" / "t.csv", columns | {score: scored})
    write(tmp_path / "odd" / "t.csv", columns | {score: lambda row: scored(row, odd=(40,))})
    whole, odd = (guess(tmp_path / name) for name in ("whole", "odd"))
    section = odd.text[odd.text.index("[[data]]") :]
    assert 'kind = "regression"' in section
    assert f'label = "{score}"' in section
    assert section == whole.text[whole.text.index("[[data]]") :]
    assert [note for note in odd.notes if note not in whole.notes] == [
        f"t.csv, row 42: `{score}` is 'high', the others are numbers; correct it, or add it to `drop`."
    ]
    assert "# - t.csv, row 42" in odd.text


@pytest.mark.parametrize(
    ("rows", "odd", "kind"), [(120, 6, True), (120, 7, False), (20, 1, False), (21, 1, True)]
)
def test_a_scale_has_at_least_twenty_numbers_and_nineteen_of_twenty_values_are_some(
    tmp_path, rows, odd, kind
):
    label = {"score": lambda row: scored(row, odd=tuple(range(odd)), of=rows)}
    write(tmp_path / "t.csv", TEXT | label | {"tone": lambda row: ("calm", "upset")[row % 2]}, rows=rows)
    found = guess(tmp_path)
    assert ('kind = "regression"' in found.text) == kind
    if odd == 6:
        assert any("3 more that are no numbers" in note for note in found.notes)


def test_several_classes_say_how_to_make_one_task_of_them(tmp_path):
    write(tmp_path / "b.csv", TEXT | TONE)
    found = guess(tmp_path)
    (note,) = (note for note in found.notes if "task of its own" in note)
    assert "b (3 labels)" in note
    assert "delete `one_vs_rest` and `prefix` there, and set `name`" in note
    lines = [line for line in found.text.split("\n") if not line.startswith(("one_vs_rest", "prefix"))]
    text = "\n".join(lines).replace("# name", "name")
    study = parse_study(text, path=tmp_path / "study.toml")
    loaded = load_tasks(study, partial=True)
    assert loaded.errors == ()
    assert [len(data.labels) for data in loaded.tasks.values()] == [3]
    assert list(loaded.tasks) == ["b"]


def test_labels_that_share_a_cell_are_not_offered_as_one_task(tmp_path):
    write(tmp_path / "t.csv", TEXT | {"labels": lambda row: ("a", "a; b", "b; c", "c")[row % 4]})
    assert "# name" not in guess(tmp_path).text


def test_the_fewer_the_tasks_the_larger_the_budget_that_pays_for_more_than_their_baselines(tmp_path):
    """Of n tasks of like size the baselines on two of three seeds cost 2 / (3 n): a third of everything for two."""
    for number in range(2):
        write(tmp_path / f"t{number}.csv", TEXT | YES_NO, start=200 * number)
    assert 'budget = "100%"' in guess(tmp_path).text
    for number in range(2, 12):
        write(tmp_path / f"t{number}.csv", TEXT | YES_NO, start=200 * number)
    assert 'budget = "16.5%"' in guess(tmp_path).text


def test_a_link_that_leaves_the_folder_is_left_out_and_said_as_check_refuses_it(tmp_path):
    write(tmp_path / "elsewhere" / "far.csv", TEXT | YES_NO)
    write(tmp_path / "here" / "near.csv", TEXT | YES_NO, start=200)
    (tmp_path / "here" / "far.csv").symlink_to(tmp_path / "elsewhere" / "far.csv")
    (tmp_path / "here" / "again.csv").symlink_to(tmp_path / "here" / "near.csv")  # stays inside
    found = guess(tmp_path / "here")
    assert "far.csv is left out: it is a link that leaves the folder" in " ".join(found.notes)
    assert tasks_of(tmp_path / "here") == ["again", "near"]


def test_names_of_files_that_look_like_patterns_are_names(tmp_path):
    write(tmp_path / "reviews [2020].csv", TEXT | YES_NO)
    write(tmp_path / "~what?.csv", TEXT | YES_NO, start=500)
    assert len(tasks_of(tmp_path)) == 2
    assert study_for_rank(tmp_path / "reviews [2020].csv", tmp_path).text


def test_a_name_that_is_not_utf8_is_left_out_and_said(tmp_path):
    write(tmp_path / "a.csv", TEXT | YES_NO)
    try:
        write(tmp_path / "caf\udce9.csv", TEXT | YES_NO, start=500)
    except OSError:
        pytest.skip("names are UTF-8 here")
    guessed = guess(tmp_path)
    (note,) = (note for note in guessed.notes if "UTF-8" in note)
    assert "Rename it" in note
    write_file(tmp_path / "study.toml", guessed.text)
    assert tasks_of(tmp_path) == ["a"]
    every = guessed.text.replace('"a.csv"', '"*.csv"')
    loaded = load_tasks(parse_study(every, path=tmp_path / "study.toml"), partial=True)
    assert any("is not UTF-8" in problem.what for problem in loaded.errors)


def test_half_a_character_in_a_label_is_one_error_and_no_file(tmp_path):
    with pytest.raises(InputError, match=r"half a character \(U\+D83D\)"):
        write_file(tmp_path / "study.toml", "labels = ['\ud83d']")
    assert list(tmp_path.iterdir()) == []
