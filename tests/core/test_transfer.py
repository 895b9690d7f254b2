"""What the key of a transfer says."""

from __future__ import annotations

from forelearn.core.multitask import Multitask
from forelearn.core.recipe import Recipe
from forelearn.core.task import Task
from forelearn.core.transfer import Encoder, Transfer


def plan(metric: str, multitask: Multitask | None = None) -> Transfer:
    task, encoder = Task("t", "binary", metric, "1" * 20), Encoder("e", "2" * 20)
    return Transfer(
        task, encoder, Recipe(), 0, mode="multitask" if multitask else "sequential", multitask=multitask
    )


def test_the_metric_is_in_the_key_where_it_chooses_the_snapshot_and_nowhere_else() -> None:
    how = Multitask("single")
    metrics = ("accuracy", "f1", "matthews")
    assert len({plan(metric, how).key for metric in metrics}) == 3
    assert len({plan(metric).key for metric in metrics}) == 1
