"""From folders of every format and kind to study files that check without an error."""

import json
from pathlib import Path

import pytest

from forelearn.core.data import TaskData
from forelearn.experiment.assemble import load_tasks
from forelearn.experiment.check import check
from forelearn.experiment.guess import guess, study_for_rank
from forelearn.experiment.study import parse_study

WORDS = ("water", "bridge", "road", "people", "house", "river", "wind", "night")
SPLITS = ("train", "dev", "test")


def sentence(number: int, *, seed: int = 0) -> str:
    return " ".join(WORDS[(number * step + seed) % 8] for step in range(1, 7)) + f" {seed} {number}"


def put(path: Path, text: str, *, encoding: str = "utf-8") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))


def put_lines(path: Path, values: list[dict[str, object]]) -> None:
    put(path, "\n".join(map(json.dumps, values)))


def put_splits(folder: Path, make, *, suffix: str = "jsonl") -> None:
    """train, dev and test of 60, 30 and 30 rows."""
    for place, (split, rows) in enumerate(zip(SPLITS, (60, 30, 30))):
        put_lines(folder / f"{split}.{suffix}", [make(100 * place + row) for row in range(rows)])


def guessed(folder: Path) -> tuple[str, dict[str, TaskData]]:
    found = guess(folder)
    loaded = load_tasks(parse_study(found.text, path=folder / "study.toml"), partial=True)
    assert loaded.errors == ()
    return found.text, dict(loaded.tasks)


def choice(row: int) -> dict[str, object]:
    return {
        "premise": sentence(row, seed=1),
        "question": ("cause", "effect")[row % 2],
        "choice1": f"first {row}",
        "choice2": f"second {row}",
        "label": row // 2 % 2,
    }


def word_in_context(row: int) -> dict[str, object]:
    return {
        "word": WORDS[row % 8],
        "sentence1": sentence(row, seed=2),
        "sentence2": sentence(row, seed=3),
        "label": row // 3 % 2 == 0,
    }


def tagged(row: int) -> dict[str, object]:
    tags = ["B-who", "I-who", "O", ("O", "B-no")[row % 2]]
    return {
        "tokens": ["Ann", f"of{row}", "saw", f"w{row}"],
        "ner_tags": tags,
        "pos_tags": ["N", "N", "V", "N"],
    }


def question(row: int) -> dict[str, object]:
    context = f"The river {row} rose in {1000 + row} and fell."
    start = context.index(str(1000 + row), 10 + len(str(row)))
    return {
        "question": f"When {row}?",
        "context": context,
        "answers": {"text": [str(1000 + row)], "answer_start": [start]},
    }


def scored(row: int) -> dict[str, object]:
    return {"sentence1": sentence(row, seed=4), "sentence2": sentence(row, seed=5), "score": row % 17 / 3}


def squad(rows: int = 40) -> str:
    articles = [
        {
            "title": f"title {row // 2}",
            "paragraphs": [
                {
                    "context": f"In {1500 + row // 2} the bridge fell.",
                    "qas": [
                        {
                            "id": f"{row}",
                            "question": f"When {row}?",
                            "answers": [{"text": str(1500 + row // 2), "answer_start": 3}],
                        }
                    ],
                }
            ],
        }
        for row in range(rows)
    ]
    return json.dumps({"version": "1.1", "data": articles})


def conll(rows: int, *, seed: int = 0, extra: str = "") -> str:
    return "\n".join(
        f"Ann{row + seed}\tB-who{extra * (row % 2)}\nsaw\tO\n#tag\tO\nw{row}\t{('O', 'B-no')[row % 2]}\n"
        for row in range(rows)
    )


def conllu(rows: int, *, seed: int = 0) -> str:
    blocks = []
    for row in range(rows):
        cells = [
            (str(n), f"{word}{row + seed}", tag) for n, word, tag in ((1, "Ann", "PROPN"), (2, "saw", "VERB"))
        ]
        lines = [f"# sent_id = {row}", f"1-2\tAnnsaw{row}" + "\t_" * 8]
        lines += ["\t".join([n, form, "_", tag, *"_" * 6]) for n, form, tag in cells]
        lines += ["2.1\tgone" + "\t_" * 8]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


@pytest.mark.parametrize(
    ("make", "kind", "lines"),
    [
        (choice, "multiple_choice", ['text = ["premise", "question"]', 'choices = ["choice1", "choice2"]']),
        (
            word_in_context,
            "binary",
            ['text = ["word", "sentence1"]', 'pair = "sentence2"', 'positive = "true"'],
        ),
        (question, "question_answering", ['start = "answers.answer_start"', 'pair = "context"']),
        (scored, "regression", ['kind = "regression"', 'label = "score"', 'pair = "sentence2"']),
    ],
)
def test_the_kind_and_the_roles_of_columns_are_guessed(make, kind, lines, tmp_path):
    put_splits(tmp_path / "set", make)
    text, tasks = guessed(tmp_path)
    assert list(tasks) == ["set"]
    assert tasks["set"].task.kind == kind
    assert all(line in text for line in lines)


def test_a_kind_that_is_no_classification_is_said(tmp_path):
    put_splits(tmp_path / "set", choice)
    assert any(note.startswith("set is read as multiple choice: numbered") for note in guess(tmp_path).notes)


@pytest.mark.parametrize(
    ("columns", "text", "pair"),
    [
        (("question", "sentence", "label"), "question", "sentence"),
        (("question1", "question2", "is_duplicate"), "question1", "question2"),
        (("sentence1", "sentence2", "gold_label"), "sentence1", "sentence2"),
    ],
)
def test_the_columns_of_known_pair_tasks_are_known(columns, text, pair, tmp_path):
    first, second, label = columns
    put_splits(
        tmp_path / "set",
        lambda row: {first: sentence(row, seed=7), second: sentence(row, seed=8), label: "ab"[row // 2 % 2]},
    )
    lines = guess(tmp_path).text
    assert f'text = "{text}"' in lines
    assert f'pair = "{pair}"' in lines
    assert f'label = "{label}"' in lines


def test_every_column_of_tags_is_a_task(tmp_path):
    put_splits(tmp_path / "set", tagged)
    text, tasks = guessed(tmp_path)
    assert {name: data.task.metric for name, data in tasks.items()} == {
        "set ner_tags": "span_f1",
        "set pos_tags": "accuracy",
    }
    assert 'kind = "sequence_labelling"' in text


@pytest.mark.parametrize(
    ("labels", "names"),
    [(("A", "B"), '["A", "B"]'), (("1", "2"), '["1", "2"]'), (("choice1", "choice2"), None)],
)
def test_what_the_choices_are_called_is_guessed(labels, names, tmp_path):
    put_splits(tmp_path / "set", lambda row: choice(row) | {"label": labels[row // 2 % 2]})
    text, tasks = guessed(tmp_path)
    assert (f"labels = {names}" in text) == (names is not None)
    assert set(tasks["set"].train.labels) == {0, 1}


def test_a_file_without_a_header_takes_the_names_of_the_file_beside_it(tmp_path):
    row = "{n}\t{a}\t{b}\t{y}"
    for name, rows, head in (("train", 60, True), ("val", 20, False), ("dev", 30, True)):
        lines = ["index\tsentence1\tsentence2\tlabel"] if head else []
        lines += [
            row.format(n=n, a=sentence(n, seed=rows), b=sentence(n, seed=rows + 1), y=n // 2 % 2)
            for n in range(rows)
        ]
        put(tmp_path / "wnli" / f"{name}.tsv", "\n".join(lines) + "\n")
    text, tasks = guessed(tmp_path)
    assert 'header = ["index", "sentence1", "sentence2", "label"] # one of the files has no header' in text
    assert [len(tasks["wnli"].split(split)) for split in SPLITS] == [60, 20, 30]


def test_in_a_file_without_a_header_scores_have_decimal_points_and_two_texts_are_a_pair(tmp_path):
    for name, rows in (("train", 60), ("dev", 30), ("test", 30)):
        lines = [
            f'genre{n % 3}\t{n:04}\t{n % 11 / 2:.3f}\t"{sentence(n, seed=rows)}\t{sentence(n, seed=rows + 1)}'
            + ("\tsource\tsource" if n % 7 == 6 else "")
            for n in range(rows)
        ]
        put(tmp_path / "sts" / f"sts-{name}.tsv", "\n".join(lines) + "\n")
    text, tasks = guessed(tmp_path)
    assert tasks["sts"].task.kind == "regression"
    assert 'label = "column 3"' in text
    assert 'pair = "column 5"' in text
    assert "quotes = false" in text


def test_numbered_columns_of_texts_in_a_text_file_with_tabs_are_a_pair(tmp_path):
    for name, rows in (("a_train", 60), ("a_test", 30)):
        lines = ["\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String"]
        lines += [
            f'{n // 2 % 2}\t{n}\t{n + 500}\t"{sentence(n, seed=rows)}\t{sentence(n, seed=rows + 1)}'
            for n in range(rows)
        ]
        put(tmp_path / f"{name}.txt", "\n".join(lines) + "\n")
    text, tasks = guessed(tmp_path)
    assert 'format = "tsv"' in text
    assert 'pair = "#2 String"' in text
    assert tasks["a"].train.pairs is not None


def test_words_and_tags_are_read_from_files_whose_names_agree_in_the_split_alone(tmp_path):
    put(tmp_path / "ner" / "w17train.conll", conll(60))
    put(tmp_path / "ner" / "new.dev.conll", conll(30, seed=100))
    put(tmp_path / "ner" / "new.test.conll", conll(30, seed=200, extra=",B-else"))
    put(tmp_path / "ner" / "new.test.checked", conll(30, seed=200))
    found = guess(tmp_path)
    text, tasks = guessed(tmp_path)
    assert list(tasks) == ["ner"]
    assert 'test = "ner/new.test.checked"' in text
    assert 'format = "conll"' in text
    assert any("new.test.conll is left out" in note for note in found.notes)
    assert "#tag" in tasks["ner"].train.words[0]


def test_files_of_words_in_folders_of_their_own_are_tasks_of_their_own(tmp_path):
    for place, name in enumerate(("en", "de", "fr")):
        put(tmp_path / name / f"{name}.conll", conll(80, seed=1000 * place))
    assert sorted(guessed(tmp_path)[1]) == ["de", "en", "fr"]


def test_a_dev_file_of_words_serves_as_train_where_there_is_none(tmp_path):
    put(tmp_path / "en-ud-dev.conllu", conllu(60))
    put(tmp_path / "en-ud-test.conllu", conllu(30, seed=100))
    text, tasks = guessed(tmp_path)
    assert "there is no train file, and dev serves as one" in text
    (data,) = tasks.values()
    assert data.labels == ("PROPN", "VERB")
    assert all(len(words) == 2 for words in data.train.words)


def test_questions_of_one_paragraph_are_a_group_without_a_line(tmp_path):
    put(tmp_path / "q.json", squad())
    text, tasks = guessed(tmp_path)
    assert tasks["q"].task.kind == "question_answering"
    groups = [set(tasks["q"].split(split).groups) for split in SPLITS]
    assert sum(map(len, groups)) == len(set().union(*groups)) == 20
    assert "\ngroup" not in text


def test_texts_with_their_labels_in_a_file_beside_them_are_one_task(tmp_path):
    for split, rows in (("train", 60), ("val", 30), ("test", 30)):
        put(
            tmp_path / "mood" / f"{split}_text.txt",
            "".join(f"{sentence(n, seed=rows)} \n" for n in range(rows)),
        )
        put(tmp_path / "mood" / f"{split}_labels.txt", "".join(f"{n % 3}\n" for n in range(rows)))
    put(tmp_path / "mood" / "mapping.txt", "0\tanger\n1\tjoy\n2\tsadness\n")
    _, tasks = guessed(tmp_path)
    assert tasks["mood"].task.kind == "multiclass"
    assert tasks["mood"].labels == ("anger", "joy", "sadness")


def test_intents_and_slots_are_two_tasks(tmp_path):
    for split, rows in (("train", 60), ("valid", 30), ("test", 30)):
        folder = tmp_path / "air" / split
        put(folder / "seq.in", "".join(f"from town{n} to there\n" for n in range(rows)))
        put(folder / "seq.out", "".join("O B-from O B-to\n" for n in range(rows)))
        put(folder / "label", "".join(f"{('fly', 'fare', 'time')[n % 3]}\n" for n in range(rows)))
    _, tasks = guessed(tmp_path)
    assert {name: data.task.kind for name, data in tasks.items()} == {
        "air intent": "multiclass",
        "air slots": "sequence_labelling",
    }


def test_lines_that_begin_with_a_label_are_read_to_their_line_feed(tmp_path):
    for split, rows in (("train", 60), ("test", 30)):
        lines = [f"{n % 3} caf\xe9\x85 {sentence(n, seed=rows)}" for n in range(rows)]
        put(tmp_path / f"q.{split}.all", "\n".join(lines) + "\n", encoding="latin-1")
    text, tasks = guessed(tmp_path)
    assert 'format = "label-text"' in text
    assert 'encoding = "latin-1"' in text
    assert sum(len(tasks["q"].split(split)) for split in SPLITS) == 90


def everything(folder: Path) -> None:
    """A folder as it grows: a file or folder in each format."""
    put(
        folder / "tone.csv",
        "\n".join(
            ["text,label", *(f"{sentence(n, seed=20)},{('calm', 'upset')[n // 3 % 2]}" for n in range(80))]
        ),
    )
    put(
        folder / "topic.tsv",
        "\n".join(["text\tlabel", *(f"{sentence(n, seed=21)}\t{('a', 'b')[n // 3 % 2]}" for n in range(80))]),
    )
    put_lines(folder / "scores.jsonl", [scored(row) for row in range(80)])
    put_splits(folder / "copa", choice)
    put(folder / "ner.conll", conll(80))
    put(folder / "pos.conllu", conllu(80))
    put(folder / "squad.json", squad())
    put(folder / "README.md", "# Notes\n\n" + "\n".join(f"- line {n} of the notes" for n in range(40)))
    put(folder / "LICENSE.txt", "\n".join(f"clause {n}: {sentence(n)}" for n in range(40)))


def test_a_folder_of_all_formats_becomes_a_study_that_checks_without_an_error(tmp_path):
    everything(tmp_path)
    (tmp_path / "study.toml").write_text(guess(tmp_path).text, encoding="utf-8")
    checked = check(tmp_path)
    assert checked.errors == ()
    assert {name: data.task.kind for name, data in checked.tasks.items()} == {
        "tone": "binary",
        "topic": "binary",
        "scores": "regression",
        "copa": "multiple_choice",
        "ner": "sequence_labelling",
        "pos": "sequence_labelling",
        "squad": "question_answering",
    }


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("tone.csv", "tone"),
        ("scores.jsonl", "scores"),
        ("copa/train.jsonl", "copa"),
        ("ner.conll", "ner"),
        ("pos.conllu", "pos"),
        ("squad.json", "squad"),
    ],
)
def test_a_file_of_any_format_can_be_ranked_for(target, name, tmp_path):
    everything(tmp_path)
    found = study_for_rank(tmp_path / target, tmp_path)
    study = parse_study(found.text, path=tmp_path / "study.toml")
    assert study.settings.targets == (name,)
    loaded = load_tasks(study)
    assert loaded.errors == ()
    assert len(loaded.tasks) == 7


def test_a_target_outside_the_folder_brings_its_own_splits_and_no_neighbour(tmp_path):
    put_splits(tmp_path / "mine", choice)
    put_lines(tmp_path / "mine" / "other.jsonl", [scored(row) for row in range(40)])
    put(tmp_path / "theirs" / "ner.conll", conll(80))
    study = parse_study(
        study_for_rank(tmp_path / "mine" / "train.jsonl", tmp_path / "theirs").text,
        path=tmp_path / "study.toml",
    )
    loaded = load_tasks(study)
    assert list(loaded.tasks) == ["mine", "ner"]
    assert study.settings.targets == ("mine",)
    assert [len(loaded.tasks["mine"].split(split)) for split in SPLITS] == [60, 30, 30]
