"""What is trained with the words in use alone is what would be trained with all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file
from tests.training.multitask.setting import RECIPE as TOGETHER
from tests.training.multitask.setting import make_tasks, make_transfer
from tests.training.small_task import RECIPE, WORDS, baseline, places, small_task

from forelearn.core.transfer import Encoder
from forelearn.models.batch import Tokens
from forelearn.models.task_model import TaskModel
from forelearn.models.tiny import build_tiny
from forelearn.models.words import WordsInUse, narrow_words
from forelearn.training import sequential
from forelearn.training.multitask import text
from forelearn.training.multitask.methods import METHODS
from forelearn.training.multitask.train import train_together
from forelearn.training.sequential import train

SEVERAL = make_tasks(("binary", "pair", "spans"))


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder that knows many more words than the tasks use."""
    folder = tmp_path_factory.mktemp("encoder")
    others = [" ".join(f"{word}{ending}" for ending in ("lar", "nis", "tok")) for word in WORDS]
    texts = [text for data in (small_task(), *SEVERAL) for text in data.train.read()]
    build_tiny([*texts, *others * 20], folder, layers=1, hidden=32, heads=2, vocabulary=1200)
    return folder


def close(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray], within: float) -> None:
    assert one.keys() == other.keys()
    for name, values in one.items():
        np.testing.assert_allclose(other[name], values, rtol=0, atol=within, err_msg=name)


def of(folder: Path) -> dict[str, np.ndarray]:
    """Weights and predictions of a run."""
    return load_file(folder / "weights" / "model.safetensors") | load_file(
        folder / "files" / "predictions.safetensors"
    )


def test_a_stage_ends_the_same(start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = small_task()
    transfer = baseline(data, Encoder("tiny", "0" * 20), recipe=replace(RECIPE, weight_decay=0.3))
    narrowed = []

    def narrow(model: TaskModel, texts: Iterable[Tokens]) -> None:
        narrow_words(model, texts)
        narrowed.append(model.encoder.get_input_embeddings())

    monkeypatch.setattr(sequential, "narrow_words", narrow)
    train(transfer, data, start, **places(tmp_path / "narrow"), device="cpu")
    assert isinstance(narrowed[0], WordsInUse)
    monkeypatch.setattr(sequential, "narrow_words", lambda model, texts: None)
    train(transfer, data, start, **places(tmp_path / "whole"), device="cpu")
    close(of(tmp_path / "whole"), of(tmp_path / "narrow"), 2e-4)


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
@pytest.mark.parametrize("name", [name for name in METHODS if name != "single"])
def test_tasks_together_end_the_same(
    name: str, optimiser: str, start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(TOGETHER, learning_rate=1e-3, epochs=1, weight_decay=0.3)
    transfer = make_transfer(SEVERAL, name, recipe=recipe, optimiser=optimiser, dropout=False)
    train_together(transfer, SEVERAL, start, **places(tmp_path / "narrow"), device="cpu")
    monkeypatch.setattr(text, "narrow_words", lambda model, texts, for_good: None)
    train_together(transfer, SEVERAL, start, **places(tmp_path / "whole"), device="cpu")
    close(of(tmp_path / "whole"), of(tmp_path / "narrow"), 1e-3)


def test_a_checkpoint_of_the_whole_matrix_is_passed_over(
    start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An earlier version left one under the same key: the stage starts again."""
    data = small_task()
    transfer = baseline(data, Encoder("tiny", "0" * 20))

    class Killed(Exception):
        pass

    def kill(progress: Mapping[str, float]) -> None:
        if progress["step"] == 5:
            raise Killed

    folders = places(tmp_path / "killed")
    with monkeypatch.context() as before:
        before.setattr(sequential, "narrow_words", lambda model, texts: None)
        with pytest.raises(Killed):
            train(transfer, data, start, **folders, device="cpu", checkpoint_seconds=0.0, report=kill)
    (file,) = folders["checkpoint"].iterdir()
    with safe_open(file, framework="np") as saved:
        assert any("word_embeddings" in name for name in saved.keys())  # noqa: SIM118 (not a mapping)
    train(transfer, data, start, **folders, device="cpu")
    train(transfer, data, start, **places(tmp_path / "undisturbed"), device="cpu")
    close(of(tmp_path / "undisturbed"), of(tmp_path / "killed"), 0.0)
