"""Thresholds of binary tasks: chosen on dev, whatever part is measured by them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.training.multitask.setting import RECIPE, make_encoder, make_method, make_tasks


def test_the_threshold_of_a_test_measure_is_chosen_on_dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Dev is told apart at logit 2, so 2 is the threshold; test at 0. By dev's threshold test has no positive: F1 0."""
    [data] = make_tasks(["binary"])
    data = replace(data, task=replace(data.task, metric="f1"))
    recipe = replace(RECIPE, threshold="dev")
    learner = make_method(
        [data], make_encoder([data], tmp_path / "encoder"), "single", tmp_path, recipe=recipe
    ).learner

    def made(task: int, part: str) -> np.ndarray:
        labels = np.array(data.split(part).labels)
        positive = {"dev": np.where(labels == 1, 3.0, 1.0), "test": np.where(labels == 1, 1.0, -1.0)}[part]
        return np.stack([np.zeros(len(labels)), positive], axis=1).astype(np.float32)

    monkeypatch.setattr(learner, "predictions", made)
    assert learner.measure(0, "dev") == 1.0
    assert learner.measure(0, "test") == 0.0
