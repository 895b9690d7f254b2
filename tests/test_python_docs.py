"""The code on docs/python.md runs, block after block, on a small generated study."""

import re
from pathlib import Path

import numpy as np
import pytest
from tests.families import small_study

import forelearn
from forelearn.core.errors import InputError
from forelearn.executors.inline import Inline

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parent.parent / "docs" / "python.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
NAMES = ("A", "B", "source", "target")


@pytest.fixture
def study(tmp_path, monkeypatch) -> Path:
    """`study.toml` of the tasks that the page names, in the working folder, with rows without labels beside it."""
    path = small_study(tmp_path, tasks=len(NAMES), budget="20 runs", seeds=1)
    for file, name in zip(sorted((tmp_path / "data").glob("*.csv")), NAMES, strict=True):
        file.rename(file.with_name(f"{name}.csv"))
    text = path.read_text(encoding="utf-8").replace('"tiny"\n', '"tiny"\ntargets = ["target"]\n')
    path.write_text(text.replace("epochs = 6", "epochs = 2"), encoding="utf-8")
    (tmp_path / "test.csv").write_text("id,text\n1,amber rain\n2,birch wind\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("forelearn.experiment.api.Local", lambda workers, threads: Inline())  # seconds each
    return path


def block(word: str) -> str:
    """The one block that says `word`."""
    (found,) = (text for text in BLOCKS if word in text)
    return found


def test_the_page_runs_from_the_check_to_the_predictions_in_one_process(study, capsys):
    names: dict[str, object] = {}
    exec(block('study.toml").sound()'), names)
    assert names["result"].answers[0].target == "target"
    assert Path("page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [row.source for row in names["ranking"].rows]
    assert Path("predictions.csv").is_file()
    assert forelearn.report("study.toml").budget == "2h"  # as it was run, not as the file says


def test_the_estimators_take_what_the_page_gives_them():
    random = np.random.default_rng(0)
    chances = random.random((40, 3))
    names = {
        "features": random.normal(size=(40, 5)),
        "labels": np.arange(40) % 2,
        "source_probabilities": chances / chances.sum(axis=1, keepdims=True),
    }
    exec(block("leep(source_probabilities"), names)


def test_the_page_searches_with_a_trainer_of_ones_own(study):
    trained = []

    def my_training(transfer) -> tuple[dict[str, float], dict[str, float]]:
        trained.append(transfer.label)
        if len(trained) == 2:
            raise RuntimeError("out of memory")
        return {"average_precision": 0.5}, {"average_precision": 0.4}

    exec(block("forelearn.ask("), {"forelearn": forelearn, "my_training": my_training})
    assert len(trained) > len(NAMES)
    assert forelearn.ask("study.toml") == []
    with pytest.raises(InputError, match="asks for nothing more"):
        forelearn.tell("study.toml", "0" * 20, dev={}, test={})


def test_the_page_makes_a_study_of_datasets_in_memory(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.chdir(tmp_path)
    columns = {"text": [f"{word} street {number}" for number in range(30) for word in ("dry", "wet")]}
    dataset = datasets.Dataset.from_dict({**columns, "label": ["no", "yes"] * 30})
    parts = {"train": dataset, "validation": dataset.select(range(20)), "test": dataset.select(range(20, 50))}
    names = {"forelearn": forelearn, "dataset": dataset, "dataset_dict": datasets.DatasetDict(parts)}
    exec(block("save_datasets"), names)
    assert Path("mine/out/results.json").is_file()


def test_every_block_of_the_page_is_run_by_one_test():
    words = ('study.toml").sound()', "save_datasets", "leep(source_probabilities", "forelearn.ask(")
    assert len(BLOCKS) == len(words)
    for word in words:
        assert block(word)
