"""What holds for every method of multitask training: kinds mix, kills change nothing, runs are whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.training.multitask.setting import make_encoder, make_tasks, make_transfer
from tests.training.small_task import places

from forelearn.core.data import TaskData
from forelearn.core.run import Run
from forelearn.core.transfer import Transfer
from forelearn.models.task_model import load_model
from forelearn.training.multitask.history import read_history
from forelearn.training.multitask.methods import METHODS
from forelearn.training.multitask.train import train_together
from forelearn.training.predict import predict

pytestmark = pytest.mark.slow

FORMS = ("binary", "pair", "regression", "spans")


@pytest.fixture(scope="module")
def tasks() -> list[TaskData]:
    return make_tasks(FORMS)


@pytest.fixture(scope="module")
def start(tasks: list[TaskData], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tasks, tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def trained(
    tasks: list[TaskData], start: Path, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, tuple[Run, Path]]:
    found = {}
    for name in METHODS:
        folder = tmp_path_factory.mktemp(name.replace(":", "-"))
        run = train_together(make_transfer(tasks, name), tasks, start, **places(folder), device="cpu")
        found[name] = run, folder
    return found


@pytest.mark.parametrize("name", METHODS)
def test_a_saved_folder_predicts_what_was_measured(
    name: str, trained: Mapping[str, tuple[Run, Path]], tasks: list[TaskData]
) -> None:
    run, folder = trained[name]
    model = load_model(folder / "weights")
    told = load_file(folder / "files" / "predictions.safetensors")["test_logits"]
    np.testing.assert_allclose(predict(model, tasks[0].test, max_length=48), told, atol=1e-5)
    assert Transfer.from_json(run.transfer.as_json()) == run.transfer


@pytest.mark.parametrize("name", METHODS)
def test_a_history_says_what_every_task_did_and_what_it_cost(
    name: str, trained: Mapping[str, tuple[Run, Path]]
) -> None:
    run, folder = trained[name]
    history = read_history(folder / "files")
    assert history is not None
    assert history.tasks == FORMS
    assert [epoch.number for epoch in history.epochs] == [0, 1]
    best = history.epochs[history.best]
    assert best.select == max(epoch.select for epoch in history.epochs)
    assert best.dev == pytest.approx(run.dev(), abs=1e-6)
    assert best.test == pytest.approx(run.test(), abs=1e-6)
    assert sum(history.gradients.values()) == history.epochs[-1].gradients > 0
    assert run.cost.units == history.epochs[-1].units > 0


@pytest.mark.parametrize("name", METHODS)
def test_a_killed_run_ends_with_the_same_weights(
    name: str,
    trained: Mapping[str, tuple[Run, Path]],
    tasks: list[TaskData],
    start: Path,
    tmp_path: Path,
) -> None:
    class Stop(Exception):
        pass

    def stop(state: Mapping[str, Any]) -> None:
        if state.get("step") == 2 and (tmp_path / "checkpoint" / "state.safetensors").exists():
            raise Stop

    transfer = make_transfer(tasks, name)
    with pytest.raises(Stop):
        train_together(
            transfer,
            tasks,
            start,
            **places(tmp_path),
            device="cpu",
            report=stop,
            checkpoint_seconds=0.0,
        )
    run = train_together(transfer, tasks, start, **places(tmp_path), device="cpu")
    one, other = (
        load_file(folder / "weights" / "model.safetensors") for folder in (tmp_path, trained[name][1])
    )
    assert all(np.array_equal(one[part], other[part]) for part in other)
    assert run.cost.units == trained[name][0].cost.units
    history = read_history(tmp_path / "files")
    before = read_history(trained[name][1] / "files")
    assert history is not None
    assert before is not None
    assert [epoch.tasks for epoch in history.epochs] == [epoch.tasks for epoch in before.epochs]
