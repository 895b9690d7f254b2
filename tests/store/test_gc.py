from __future__ import annotations

from tests.store.conftest import make_failure, make_run, make_stopped, make_transfer

from forelearn.store.gc import collect
from forelearn.store.runs import Runs


def test_gc_frees_leftovers_and_unkept_weights_and_nothing_else(runs: Runs, fill) -> None:
    directory = runs.directory
    runs.put(make_run(0))
    key = make_transfer(0).key
    (directory.work("runs", key) / "x").write_text("123")
    for name in ("keep", "drop"):
        fill(directory, name)
        directory.finish("weights", name)
    fill(directory, key)
    fill(directory, "unfinished")
    (directory.removed() / "tmp1").mkdir(parents=True)
    (directory.removed() / "tmp1" / "y").write_text("12345")

    planned = collect(directory, keep={"keep"}, dry_run=True)
    assert directory.keys("weights") == ["drop", "keep"]
    freed = collect(directory, keep={"keep"})
    assert freed == planned
    assert {item.place: item.size for item in freed} == {
        f"work/runs/{key}": 3,
        f"work/weights/{key}": 5123,
        "weights/drop": directory.size("weights", "keep"),
        "removed/tmp1": 5,
    }
    assert directory.keys("weights") == ["keep"]
    assert directory.unfinished("weights") == ["unfinished"]
    assert runs.all() == [make_run(0)]
    assert collect(directory, keep={"keep"}) == []


def test_gc_frees_what_a_kill_left_of_the_weights_of_a_stopped_run(runs: Runs, fill) -> None:
    runs.put(make_stopped())
    fill(runs.directory, make_transfer().key)
    assert [item.why for item in collect(runs.directory)] == ["scratch of a finished key"]
    assert runs.directory.unfinished("weights") == []
    assert runs.all() == [make_stopped()]


def test_gc_frees_the_checkpoint_of_a_stored_run_and_no_other(runs: Runs) -> None:
    """A kill between storing a run and dropping its checkpoint leaves both."""
    runs.put(make_run(0))
    failed = make_failure(1)
    for key in (make_transfer(0).key, failed.transfer.key, "unfinished"):
        (runs.directory.work("checkpoints", key) / "state").write_text("123")
    runs.put(failed, keep_checkpoint=True)
    freed = collect(runs.directory)
    assert {item.place: item.size for item in freed} == {f"work/checkpoints/{make_transfer(0).key}": 3}
    assert sorted(runs.directory.unfinished("checkpoints")) == sorted([failed.transfer.key, "unfinished"])


def test_gc_without_a_list_keeps_all_weights(runs: Runs, fill) -> None:
    fill(runs.directory, "a")
    runs.directory.finish("weights", "a")
    assert collect(runs.directory) == []
    assert runs.directory.keys("weights") == ["a"]


def test_gc_of_a_study_that_does_not_exist_finds_nothing(runs: Runs) -> None:
    assert collect(runs.directory, keep=()) == []
    assert not runs.directory.root.exists()
