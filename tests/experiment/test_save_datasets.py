"""Objects in memory become a study of files."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tasks.test_tables import ClassLabel

from forelearn.core.errors import InputError
from forelearn.experiment.assemble import load_tasks
from forelearn.experiment.save_datasets import save_datasets
from forelearn.experiment.study import load_study


class Fake:
    """The part of a `datasets.Dataset` that is used: texts that speak of a word, and two classes."""

    def __init__(self, word: str, rows: int, first: int = 0, **columns: object) -> None:
        self.rows = [
            {"text": f"{word} message number {row}", "label": row % 2, **columns}
            for row in range(first, first + rows)
        ]
        self.column_names = list(self.rows[0]) if self.rows else []
        self.features = {"text": object(), "label": ClassLabel()}

    def __iter__(self):
        return iter(self.rows)


def test_each_object_is_a_task_with_its_class_names_and_splits(tmp_path):
    """`B` has a column `split` of its own, which gives way to the splits of the mapping."""
    study = save_datasets(
        tmp_path / "mine",
        {
            "A": Fake("fire", 120),
            "B": {
                "train": Fake("flood", 60, split="x"),
                "validation": Fake("flood", 20, 60),
                "test": Fake("flood", 30, 80),
            },
        },
    )
    assert study == tmp_path / "mine" / "study.toml"
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "A.jsonl",
        "B.jsonl",
        "study.toml",
    ]
    loaded = load_tasks(load_study(study))
    assert loaded.errors == ()
    assert {name: data.labels for name, data in loaded.tasks.items()} == dict.fromkeys(
        "AB", ("negative", "positive")
    )
    given = loaded.tasks["B"]
    assert [len(part) for part in (given.train, given.dev, given.test)] == [60, 20, 30]
    assert given.test.texts[0].startswith("flood message number")
    assert load_study(study).settings.name == "mine"


def test_hidden_labels_of_test_are_a_word_in_the_study_file(tmp_path):
    hidden = Fake("flood", 30, 80)
    for row in hidden.rows:
        row["label"] = -1
    splits = {"train": Fake("flood", 60), "validation": Fake("flood", 20, 60), "test": hidden}
    study = save_datasets(tmp_path / "mine", {"rte": splits, "A": Fake("fire", 120)})
    assert study.read_text().startswith("# rte: No row of test has a `label`: dev serves as test")
    loaded = load_tasks(load_study(study))
    assert loaded.errors == ()
    assert len(loaded.tasks["rte"].test) == 20


def test_real_objects_are_written_like_the_made_ones(tmp_path):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])}
    )

    def made(word: str) -> object:
        return datasets.Dataset.from_list(
            [{"text": f"{word} message number {row}", "label": row % 2} for row in range(60)],
            features=features,
        )

    both = datasets.DatasetDict({"train": made("flood"), "test": made("storm")})
    study = save_datasets(tmp_path / "mine", {"A": made("fire"), "B": both})
    loaded = load_tasks(load_study(study))
    assert loaded.errors == ()
    assert {data.labels for data in loaded.tasks.values()} == {("no", "yes")}


@pytest.mark.parametrize(
    ("made", "rule"),
    [
        ({"../A": Fake("fire", 60)}, "cannot name a file"),
        ({"A": Fake("fire", 0)}, "has no rows"),
        ({"A": {}}, "has no rows"),
        ({}, "No file in this folder can be a task"),
    ],
)
def test_what_cannot_be_a_study_is_refused_and_leaves_nothing(tmp_path: Path, made, rule):
    with pytest.raises(InputError, match=rule):
        save_datasets(tmp_path / "mine", made)
    assert not list(tmp_path.iterdir())


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    save_datasets(tmp_path / "mine", {"A": Fake("fire", 60)})
    before = (tmp_path / "mine" / "A.jsonl").read_bytes()
    with pytest.raises(InputError, match="exists already"):
        save_datasets(tmp_path / "mine", {"A": Fake("flood", 60)})
    assert (tmp_path / "mine" / "A.jsonl").read_bytes() == before
