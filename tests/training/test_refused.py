"""What could not be measured in the end is refused before anything is trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.training.small_task import baseline, places

from forelearn.core.data import TaskData, task_data
from forelearn.core.errors import InputError
from forelearn.core.recipe import Recipe
from forelearn.core.transfer import Encoder
from forelearn.tasks.synthetic_kinds import Sizes, lexicons, make_task
from forelearn.training.sequential import train


def refused(data: TaskData, folder: Path) -> str:
    transfer = baseline(data, Encoder("none", "0" * 20), recipe=Recipe())
    with pytest.raises(InputError) as caught:
        train(transfer, data, folder / "no encoder is needed", **places(folder), device="cpu")
    return str(caught.value)


def test_a_regression_whose_test_values_are_all_the_same(tmp_path: Path) -> None:
    data = make_task("regression", "r", lexicons(0, 1)[0], sizes=Sizes(20, 8, 8))
    flat = replace(data.test, values=(1.5,) * len(data.test))
    made = task_data("r", data.labels, data.train, data.dev, flat, kind="regression")
    assert "test examples" in refused(made, tmp_path)
    assert "1.5" in refused(made, tmp_path)


def test_sequences_without_a_single_span_in_dev(tmp_path: Path) -> None:
    data = make_task("spans", "s", lexicons(0, 1)[0], sizes=Sizes(20, 8, 8))
    outside = data.labels.index("O")
    empty = replace(data.dev, tags=tuple((outside,) * len(tags) for tags in data.dev.tags))
    made = task_data("s", data.labels, data.train, empty, data.test, kind="sequence_labelling")
    assert "none of 8 holds a span" in refused(made, tmp_path)
