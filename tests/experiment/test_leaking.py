"""Sources that hold rows of a target's test are no candidates for it, unless the study allows them."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from tests.families import small_study

from forelearn.core.data import TaskData, task_data
from forelearn.experiment import api, leaking
from forelearn.experiment.leaking import leaking_pairs
from forelearn.tasks.synthetic_kinds import Sizes, lexicons, make_task

SIZES = Sizes(train=30, dev=10, test=20)


def task(name: str, seed: int) -> TaskData:
    return make_task("binary", name, lexicons(seed, 1)[0], sizes=SIZES, seed=seed)


def holding(data: TaskData, other: TaskData, count: int, *, name: str) -> TaskData:
    """The task with `count` test texts of another among its training texts."""
    texts = (*other.test.texts[:count], *data.train.texts[count:])
    train = replace(data.train, texts=texts)
    return task_data(name, data.labels, train, data.dev, data.test)


def test_a_source_that_holds_test_rows_is_named_with_their_number_and_the_other_way_round_is_not() -> None:
    target = task("target", 1)
    tasks = {
        "target": target,
        "clean": task("clean", 2),
        "leaky": holding(task("x", 3), target, 4, name="leaky"),
    }
    found = leaking_pairs(tasks)
    assert list(found) == [("leaky", "target")]
    assert found["leaky", "target"].startswith("holds 4 exactly of the 20 test rows")


def test_what_a_target_holds_of_its_own_test_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    target = task("target", 1)
    tasks = {"target": target} | {
        f"leaky{n}": holding(task("x", 3 + n), target, 2, name=f"leaky{n}") for n in range(4)
    }
    real, asked = leaking.leaks, []
    monkeypatch.setattr(
        leaking, "leaks", lambda one, other: asked.append(other.task.name) or real(one, other)
    )
    assert {pair for pair in leaking_pairs(tasks) if pair[1] == "target"} == {
        (f"leaky{n}", "target") for n in range(4)
    }
    assert asked.count("target") == 1


def test_rows_that_the_target_itself_has_learned_do_not_count() -> None:
    """The target's own train holds two of its test texts; a source holds the same two and one more."""
    target = task("target", 1)
    torn = holding(target, target, 2, name="torn")
    source = holding(task("x", 3), target, 3, name="source")
    assert leaking_pairs({"torn": torn, "source": source})["source", "torn"].startswith("holds 1 exactly")


def test_tasks_over_the_same_documents_do_not_leak_into_each_other() -> None:
    one = task("one", 1)
    turned = replace(one.train, labels=tuple(1 - label for label in one.train.labels))
    other = task_data("other", one.labels, turned, one.dev, one.test)
    torn = holding(one, one, 2, name="torn")
    assert leaking_pairs({"one": one, "other": other}) == {}
    assert leaking_pairs({"torn": torn, "same": replace(torn, task=replace(torn.task, name="same"))}) == {}


@pytest.mark.parametrize("allowed", [False, True])
def test_the_search_tries_such_a_pair_only_if_that_is_allowed(allowed: bool, tmp_path: Path) -> None:
    more = "[run]\nworkers = 1\n"
    path = small_study(tmp_path, tasks=2, budget="100%", seeds=1, more=more)
    text = path.read_text(encoding="utf-8").replace(
        "round = 3", f"round = 3\nallow_leaks = {str(allowed).lower()}"
    )
    path.write_text(text, encoding="utf-8")
    target, source = sorted((tmp_path / "data").glob("*.csv"))
    rows = {file: list(csv.DictReader(file.open(encoding="utf-8"))) for file in (target, source)}
    tested = [row["text"] for row in rows[target] if row["split"] == "test"]
    for row, text in zip([row for row in rows[source] if row["split"] == "train"], tested[:5]):
        row["text"] = text
    with source.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[source][0].keys())
        writer.writeheader()
        writer.writerows(rows[source])
    result = api.search(path)
    (pair,) = [row for row in result.pairs if (row.source, row.target) == (source.stem, target.stem)]
    (back,) = [row for row in result.pairs if (row.source, row.target) == (target.stem, source.stem)]
    assert back.status != "set aside"
    if allowed:
        assert pair.status != "set aside"
    else:
        assert pair.status == "set aside"
        assert "5 exactly" in pair.reason
