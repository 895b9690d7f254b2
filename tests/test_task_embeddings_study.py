"""The study of 23 real tasks: its file reads them all, and its plan holds each run once."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from forelearn.core.data import TaskData
from forelearn.core.recipe import Recipe
from forelearn.core.task import Task
from forelearn.core.transfer import Encoder, Transfer
from forelearn.experiment.assemble import load_tasks
from forelearn.experiment.study import load_study
from forelearn.models.tiny import build_tiny

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("FORELEARN_SHARED_DATA", "unset"))

with_data = pytest.mark.skipif(not DATA.is_dir(), reason="FORELEARN_SHARED_DATA names no folder of real data")


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, TaskData]:
    monkeypatch.setenv("FORELEARN_SHARED_DATA", str(DATA))
    build_tiny(["a text"] * 4, tmp_path, layers=1, hidden=16)  # the tasks are read without the real encoder
    monkeypatch.setenv("FORELEARN_MINILM", str(tmp_path))
    loaded = load_tasks(load_study(ROOT / "studies" / "task-embeddings"))
    assert not loaded.errors
    return dict(loaded.tasks)


@with_data
def test_every_task_is_read_within_its_caps(tasks: dict[str, TaskData]) -> None:
    kinds = Counter(data.task.kind for data in tasks.values())
    assert kinds == {
        "binary": 11,
        "multiclass": 5,
        "regression": 1,
        "multiple_choice": 1,
        "sequence_labelling": 3,
        "question_answering": 2,
    }
    for data in tasks.values():
        assert 0 < len(data.train) <= 400
        assert 0 < len(data.dev) <= 200
        assert 0 < len(data.test) <= 400
    assert tasks["CoLA"].task.metric == "matthews"
    assert tasks["UD parts of speech"].task.metric == "accuracy"


@with_data
def test_the_halves_of_the_questions_share_no_paragraph(tasks: dict[str, TaskData]) -> None:
    one, other = (
        {context for split in ("train", "dev", "test") for context in (data.split(split).pairs or ())}
        for data in (tasks["XQuAD first half"], tasks["XQuAD second half"])
    )
    assert one
    assert other
    assert not one & other


def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("make", ROOT / "studies" / "task-embeddings" / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "make", module)
    spec.loader.exec_module(module)
    return module


def test_the_script_of_the_study_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    module = script(monkeypatch)
    assert module.plan.SEEDS <= module.plan.BASELINES


def test_questions_are_asked_last_and_of_their_own_class_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four tasks: 4 × 5 baselines, 4 × 4 pairs on two seeds; two of the targets with three sources of their class."""
    make = script(monkeypatch)
    tasks = {
        name: Task(name, "question_answering" if "XQuAD" in name else "binary", "f1", name)
        for name in ("RTE", "BoolQ", "XQuAD first half", "XQuAD second half")
    }
    space = SimpleNamespace(
        targets=list(tasks.values()), recipes=[Recipe()], first_seed=0, encoder=Encoder("e", "0")
    )
    space.baseline = lambda task, recipe, seed: Transfer(task, space.encoder, recipe, seed)
    leaks = {("RTE", "XQuAD first half"): "one text"}
    stages = make.plan.matrix(SimpleNamespace(space=space, leaks=leaks))
    assert [name for name, _ in stages][-1] == "question answering"
    assert [len(stage) for _, stage in stages] == [4, 4, 4, 8, 8, 4, 4, 14]
    assert len({one.key for _, stage in stages for one in stage}) == 50
    dear = [one.sources[0].name for one in stages[-1][1]]
    assert "RTE" not in dear[:12]
    assert dear[12:] == ["RTE"] * 2
