"""The record of a study outlasts its store: what has a row is not run again, on whichever machine it ran."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import sys
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from tests.experiment.made_results import made_results
from tests.families import small_study
from tests.training.multitask.setting import make_encoder

from forelearn.core.recipe import Recipe
from forelearn.core.task import Task
from forelearn.core.transfer import Encoder, Source, Transfer
from forelearn.executors.inline import Inline
from forelearn.experiment.api import open_prepared
from forelearn.experiment.opening import Options
from forelearn.experiment.prepare import Prepared
from forelearn.experiment.results_table import read_results, results_of, write_results
from forelearn.training.multitask.methods import multitask

STUDIES = Path(__file__).parents[1] / "studies"
TRANSFER = Transfer(
    Task("a", "binary", "f1", "a"),
    Encoder("e", "0"),
    Recipe(precision="bf16"),
    0,
    (Source(Task("b", "binary", "f1", "b"), Recipe(precision="bf16")),),
)


@pytest.fixture
def arms(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(STUDIES))
    for name in ("arms", "record"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module("arms")


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = small_study(tmp_path, tasks=2)
    path.write_text(path.read_text(encoding="utf-8").replace("epochs = 6", "epochs = 2"), encoding="utf-8")
    return path


def plans_of(arms: ModuleType, prepared: Prepared) -> list[object]:
    """One task alone, on two seeds."""
    target = prepared.space.targets[0]
    recipe, how = prepared.space.recipes[0], multitask("single", {})
    return [
        arms.Planned(
            "single task", Transfer(target, prepared.space.encoder, recipe, seed, (), "multitask", how)
        )
        for seed in (0, 1)
    ]


def run_all(
    arms: ModuleType, study: Path, minutes: float = 10.0
) -> tuple[Prepared, list[object], dict[str, int]]:
    """Run what has no row, and return what was planned."""
    prepared = open_prepared(study, Options(workers=1))
    plans = plans_of(arms, prepared)
    compute = dict.fromkeys(prepared.tasks, 10_000)
    arms.run(prepared, plans, minutes, arms.Record(study.parent, predictions=True), compute)
    return prepared, plans, compute


def test_a_run_is_the_same_in_every_precision_and_in_every_stage_of_it(arms: ModuleType) -> None:
    keys = importlib.import_module("record").keys
    in_32_bits = replace(
        TRANSFER,
        recipe=Recipe(precision="fp32"),
        sources=(replace(TRANSFER.sources[0], recipe=Recipe(precision="fp32")),),
    )
    assert keys(TRANSFER) == [TRANSFER.key, in_32_bits.key]
    assert keys(in_32_bits) == [in_32_bits.key, TRANSFER.key]
    assert replace(TRANSFER, recipe=Recipe(precision="fp32")).key not in keys(TRANSFER)
    assert not set(keys(TRANSFER)) & set(keys(replace(TRANSFER, seed=1)))


def test_what_has_a_row_is_not_run_again_when_the_store_is_gone(arms: ModuleType, study: Path) -> None:
    _, plans, compute = run_all(arms, study)
    table = (study.parent / "results.csv").read_text(encoding="utf-8")
    assert len(table.splitlines()) == 3
    shutil.rmtree(study.parent / "out")

    again, _, _ = run_all(arms, study)
    assert not again.runs.all()
    assert (study.parent / "results.csv").read_text(encoding="utf-8") == table

    lines = table.splitlines(keepends=True)
    (study.parent / "results.csv").write_text(
        "".join(lines[:-1]), encoding="utf-8"
    )  # the second run is missing
    again, _, _ = run_all(arms, study)
    assert [one.transfer.seed for one in again.runs.all()] == [1]
    record = arms.Record(study.parent, predictions=True)
    assert [row["seed"] for row in record.rows(plans)] == ["0", "1"]
    assert set(compute) == set(again.tasks)


def test_a_slice_ends_between_two_runs_and_keeps_no_model(
    arms: ModuleType, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_all(arms, study, 0.0)
    assert not (study.parent / "results.csv").read_text(encoding="utf-8").splitlines()[1:]
    clock = iter([0.0, 0.0, 61.0])
    monkeypatch.setattr(arms, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(arms, "executor_for", lambda prepared: Inline())
    record = arms.Record(study.parent)
    prepared = open_prepared(study, Options(workers=1))
    plans = plans_of(arms, prepared)
    arms.run(prepared, plans, 1.0, record, dict.fromkeys(prepared.tasks, 10_000))
    assert [row["seed"] for row in record.rows(plans)] == ["0"]
    assert not prepared.directory.keys("weights")


def test_a_kill_between_the_two_files_loses_no_predictions(
    arms: ModuleType, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        pass

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as killed:
        killed.setattr(arms, "write_rows", kill)
        with pytest.raises(Killed):
            run_all(arms, study)
    _, plans, _ = run_all(arms, study)
    record = arms.Record(study.parent, predictions=True)
    assert all(record.probabilities(plan, 2) is not None for plan in plans)
    with monkeypatch.context() as killed:
        killed.setattr(arms, "write_lines", kill)
        (study.parent / "results.csv").unlink()
        with pytest.raises(Killed):
            run_all(arms, study)
    assert not (study.parent / "results.csv").exists()  # no row without its predictions


def test_predictions_that_are_kept_give_the_accuracy_that_was_measured(arms: ModuleType, study: Path) -> None:
    prepared, plans, _ = run_all(arms, study)
    record = arms.Record(study.parent, predictions=True)
    for plan in plans:
        found = record.probabilities(plan, 2)
        run = prepared.runs.get(plan.transfer.key)
        labels = np.asarray(prepared.tasks[plan.transfer.target.name].test.labels)
        np.testing.assert_allclose(found.sum(axis=1), 1.0)
        assert float((found.argmax(axis=1) == labels).mean()) == pytest.approx(
            run.performance.test["accuracy"], abs=0.02
        )  # a probability of .50004 is kept as .5
    assert record.probabilities(replace(plans[0], transfer=replace(plans[0].transfer, seed=7)), 2) is None


def test_a_run_of_another_precision_counts_and_keeps_its_arms_name(arms: ModuleType, tmp_path: Path) -> None:
    values = dict.fromkeys(arms.HEADER, "0") | {"arm": "before", "precision": "bf16", "key": TRANSFER.key}
    importlib.import_module("record").write_rows(tmp_path / "results.csv", arms.HEADER, [values])
    record = arms.Record(tmp_path)
    here = replace(
        TRANSFER,
        recipe=Recipe(precision="fp32"),
        sources=(replace(TRANSFER.sources[0], recipe=Recipe(precision="fp32")),),
    )
    assert record.row(arms.Planned("now", here)) == values | {"arm": "now"}
    assert record.row(arms.Planned("now", replace(here, seed=1))) is None


@pytest.fixture
def make(arms: ModuleType, study: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The matrix of the task-embeddings study, over two tasks, with neither chains nor sources in full."""
    spec = importlib.util.spec_from_file_location("matrix", STUDIES / "task-embeddings" / "make.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "matrix", made)
    spec.loader.exec_module(made)
    monkeypatch.setattr(made, "RESULTS", study.parent / "results.csv")
    monkeypatch.setattr(made, "FURTHER", study.parent / "further.csv")
    monkeypatch.setattr(made.plan, "FEW", ())
    monkeypatch.setattr(made.plan, "LENGTHS", ())
    return made


@pytest.mark.slow
def test_the_matrix_goes_on_from_its_table_without_its_store(
    make: ModuleType, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two tasks: 2 × 5 baselines, 2 × 2 pairs and controls on two seeds. A run whose row is lost is made again."""
    table = study.parent / "results.csv"

    def go() -> Prepared:
        limited, here = open_prepared(study), open_prepared(study, Options(out=str(study.parent / "beside")))
        record = make.Record(make.RESULTS, make.FURTHER)
        make.run(limited, here, here, record, 10.0)
        make.note(limited, record)
        return limited

    go()
    whole = read_results(table)
    assert len(whole) == 18
    shutil.rmtree(study.parent / "out")
    assert not go().runs.all()
    assert read_results(table) == whole

    lost = next(row for row in whole if row.source not in ("", row.target))
    write_results([row for row in whole if row is not lost], table)
    again = go()
    assert {one.transfer.label for one in again.runs.all()} == {
        lost.source,
        f"{lost.source} → {lost.target}",
    }
    assert [row.key for row in read_results(table)] == [row.key for row in whole]
    assert results_of(again.runs.all(), again.study.settings.grid())

    turns = [one.target.name for one in make.plan.pairs(again, 1)]
    assert [name for name, _ in groupby(turns)] == [task.name for task in make.plan.shuffled(again, 1)]
    stages: list[str] = []
    monkeypatch.setattr(make, "run_stage", lambda *given: stages.append(given[-1]))
    make.run(again, again, again, make.Record(make.RESULTS, make.FURTHER), 10.0, parts=("chains",))
    assert stages == ["chains"]


@pytest.mark.slow
def test_sources_in_full_go_on_from_their_table_without_their_store(
    make: ModuleType, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A source whose row is there and whose model is gone is trained again for the transfer whose row is not."""
    place = str(study.parent / "beside")
    tasks = open_prepared(study).tasks
    monkeypatch.setattr(make.plan, "FEW", tuple(tasks))
    make_encoder(list(tasks.values()), study.parent / "body")  # one for the sources in full and in few
    tiny, body = 'encoder = "tiny"', 'encoder = "./body"'
    text = study.read_text(encoding="utf-8")
    study.write_text(
        text.replace(tiny, body).replace("[tiny]\nlayers = 1\nhidden = 16\nvocabulary = 700\n", ""),
        encoding="utf-8",
    )

    def go() -> Prepared:
        limited = open_prepared(study, Options(out=place, limit=16))
        full = open_prepared(study, Options(out=place))
        assert len(make.plan.larger(full, limited)) == 2
        record = make.Record(make.RESULTS, make.FURTHER)
        make.run(open_prepared(study), limited, full, record, 10.0, parts=("full",))
        make.further(open_prepared(study), limited, full, record)
        return limited

    go()
    table = study.parent / "further.csv"
    whole = table.read_text(encoding="utf-8").splitlines(keepends=True)
    assert len(whole) == 1 + 2 + 2
    shutil.rmtree(place)
    assert not go().runs.all()

    table.write_text("".join(whole[:-1]), encoding="utf-8")
    again = go()
    assert len(again.runs.all()) == 2
    again_lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    assert again_lines[:-1] == whole[:-1]
    assert again_lines[-1].split(",")[:-2] == whole[-1].split(",")[:-2]  # all but its seconds


def test_pairs_that_ran_as_parts_of_chains_alone_are_no_rows_of_the_matrix(make: ModuleType) -> None:
    """Of `x` one pair was planned, so its part of a chain counts, too; of `y` there are parts alone."""
    row = made_results(seeds=1)[0]
    rows = [
        replace(row, target=target, source=source, key=f"{source} {target}")
        for target, source in [("x", ""), ("x", "a"), ("x", "b"), ("y", ""), ("y", "a"), ("y", "b")]
    ]
    kept = make.plan.without_parts(rows, {"a x", "a y", "b y"})
    assert [row.key for row in kept] == [" x", "a x", "b x", " y"]
