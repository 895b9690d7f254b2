"""JSON lines, Parquet, CrisisLexT26 and `datasets` objects."""

import builtins
import sys
import types

import pytest

from forelearn.tasks.crisislex import read_crisislex
from forelearn.tasks.hub import SPLIT_COLUMN, HubTable, read_id, read_loaded
from forelearn.tasks.jsonl import read_jsonl
from forelearn.tasks.parquet import read_parquet


def jsonl(folder, content):
    (folder / "t.jsonl").write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_jsonl(folder / "t.jsonl", file="t.jsonl")


def test_json_values_become_texts_and_arrays_stay_lists(tmp_path):
    table = jsonl(
        tmp_path,
        '{"text": "a\\u0085b", "label": true, "n": 3, "x": 1.0, '
        '"tags": ["p", 2], "none": null, "in": {"y": "z"}}\n\n',
    )
    assert dict(table.rows[0].values) == {
        "text": "a\x85b",
        "label": "true",
        "n": "3",
        "x": "1",
        "tags": ("p", "2"),
        "none": None,
        "in.y": "z",
    }


def test_a_line_separator_inside_a_json_text_ends_no_line(tmp_path):
    table = jsonl(tmp_path, '{"text": "a\u2028b"}\n{"text": "c"}\n')
    assert [row.values["text"] for row in table.rows] == ["a\u2028b", "c"]


def test_every_broken_json_line_is_named(tmp_path):
    table = jsonl(tmp_path, '{"text": "a"}\n{"text": "b\n[1]\n{"text": NaN}\n' + "[" * 100_000 + "\n")
    (problem,) = table.problems
    assert problem.where == "t.jsonl, row 2"
    for part in ("row 2: ", "row 3: a list", "row 4: NaN", "row 5: "):
        assert part in problem.what


def test_an_empty_json_file_is_said(tmp_path):
    assert "empty" in jsonl(tmp_path, " \n").problems[0].what


def test_a_parquet_file_that_is_none_is_said_in_one_sentence(tmp_path):
    pytest.importorskip("pyarrow")
    (tmp_path / "t.parquet").write_bytes(b"PAR1 is not enough")
    (problem,) = read_parquet(tmp_path / "t.parquet", file="t.parquet").problems
    assert "not a readable Parquet table" in problem.what
    assert problem.what.endswith(".")
    assert not problem.what.endswith("..")


def test_parquet_tables_read_with_lists_numbers_and_nothing(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(
        pa.table({"text": ["a", "b"], "label": [1.0, None], "tags": [["x"], []], "bad": [float("nan"), 2.5]}),
        tmp_path / "t.parquet",
    )
    table = read_parquet(tmp_path / "t.parquet", file="t.parquet")
    assert [dict(row.values) for row in table.rows] == [
        {"text": "a", "label": "1", "tags": ("x",), "bad": None},
        {"text": "b", "label": None, "tags": (), "bad": "2.5"},
    ]
    (tmp_path / "u.parquet").write_bytes(b"no table")
    assert "not a readable Parquet" in read_parquet(tmp_path / "u.parquet", file="u.parquet").problems[0].what


@pytest.mark.parametrize(
    ("module", "read", "extra"),
    [
        (
            "pyarrow",
            lambda folder: read_parquet(folder / "t.parquet", file="t.parquet"),
            "forelearn[parquet]",
        ),
        ("datasets", lambda folder: read_id("hf://owner/name"), "forelearn[hub]"),
    ],
)
def test_a_missing_extra_is_named_with_its_install_command(tmp_path, monkeypatch, module, read, extra):
    plain = builtins.__import__

    def without(name, *rest, **named):
        if name.split(".")[0] == module:
            raise ImportError(name)
        return plain(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.delitem(sys.modules, module, raising=False)
    (problem,) = read(tmp_path).problems
    assert extra in problem.fix


class ClassLabel:
    names = ("negative", "positive")


class Fake:
    """The part of a `datasets.Dataset` that the reader uses."""

    def __init__(self, rows):
        self.rows = rows
        self.column_names = list(rows[0])
        self.features = {"text": object(), "label": ClassLabel()}

    def __iter__(self):
        return iter(self.rows)


def check_names_and_splits(table_of):
    train = table_of([{"text": "a", "label": 1}, {"text": "b", "label": 0}, {"text": "c", "label": -1}])
    test = table_of([{"text": "d", "label": 0}])
    table = read_loaded({"train": train, "validation": test}, name="owner/name")
    assert [(row.values["label"], row.values[SPLIT_COLUMN]) for row in table.rows] == [
        ("positive", "train"),
        ("negative", "train"),
        (None, "train"),
        ("negative", "dev"),
    ]
    assert table.rows[3].place == "owner/name, validation, row 1"
    assert SPLIT_COLUMN not in read_loaded(train, name="one").columns


def test_class_labels_get_their_names_and_splits_of_a_mapping_are_kept():
    assert isinstance(Fake([{"text": "a"}]), HubTable)
    check_names_and_splits(Fake)


def test_where_a_benchmark_hides_the_labels_of_test_dev_becomes_test():
    known = [{"text": "a", "label": 1}, {"text": "b", "label": 0}]
    splits = {"train": Fake(known), "validation": Fake(known), "test": Fake([{"text": "c", "label": -1}])}
    table = read_loaded(splits, name="glue")
    assert [row.values[SPLIT_COLUMN] for row in table.rows] == ["train", "train", "test", "test"]
    assert [row.values["text"] for row in table.rows] == ["a", "b", "a", "b"]
    assert [problem.level for problem in table.problems] == ["warning"]
    assert "dev serves as test" in str(table.problems[0])
    splits["test"] = Fake([{"text": "c", "label": 0}, {"text": "d", "label": -1}])
    assert not read_loaded(splits, name="glue").problems
    assert [
        row.values["text"] for row in read_loaded({**splits, "validation": Fake(known[:1])}, name="g").rows
    ] == [
        *"ab",
        "a",
        *"cd",
    ]


def test_an_id_is_loaded_with_its_config_and_what_fails_is_said(monkeypatch):
    asked = []

    def load_dataset(path, name=None):
        asked.append((path, name))
        if name == "none":
            raise ValueError("BuilderConfig 'none' not found.\nAvailable: ['rte']")
        if name == "script":
            raise RuntimeError("Dataset scripts are no longer supported, but found glue.py")
        return {"train": Fake([{"text": "a", "label": 1}])}

    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=load_dataset))
    assert len(read_id("hf://owner/glue/rte").rows) == 1
    assert read_id("hf://owner/glue").file == "hf://owner/glue"
    assert asked == [("owner/glue", "rte"), ("owner/glue", None)]
    (problem,) = read_id("hf://owner/glue/none").problems
    assert problem.what.endswith("BuilderConfig 'none' not found.")
    (problem,) = read_id("hf://owner/glue/script").problems
    assert problem.what.endswith("no longer supported, but found glue.py")


def test_real_dataset_objects_read_like_the_fake_ones():
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["negative", "positive"])}
    )
    check_names_and_splits(lambda rows: datasets.Dataset.from_list(rows, features=features))


def test_a_crisislex_file_without_its_columns_is_said(tmp_path):
    (tmp_path / "t.csv").write_text("Tweet ID, text\n1, a\n")
    (problem,) = read_crisislex(tmp_path / "t.csv", file="t.csv").problems
    assert "`Tweet Text`" in problem.what
