"""From a study's trained runs to predictions on a file without labels."""

from __future__ import annotations

import csv
import json
import shlex
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tests.cli.test_commands import call, tree
from tests.families import small_study
from tests.mixed_studies import mixed_study

from forelearn.core.errors import InputError
from forelearn.core.multitask import Multitask
from forelearn.core.run import Cost, Failure, Performance, Run
from forelearn.core.transfer import Transfer
from forelearn.experiment.api import _planned, open_prepared, train
from forelearn.experiment.chosen_runs import chosen_runs
from forelearn.experiment.drive import new_search
from forelearn.experiment.predict import predict
from forelearn.experiment.prepare import Prepared
from forelearn.search.space import LONGER
from forelearn.tasks.synthetic_kinds import Sizes
from forelearn.tasks.synthetic_mixed import mixed_family
from forelearn.training.ensemble import softmax
from forelearn.training.multitask.methods import multitask

TASK = "01-amber"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of two tasks; the first is trained on two seeds."""
    study = small_study(tmp_path_factory.mktemp("predict"), tasks=2)
    text = study.read_text(encoding="utf-8")
    study.write_text(text.replace("[recipe]", '[recipe]\nthreshold = "dev"'), encoding="utf-8")
    for seed in (0, 1):
        train(study, TASK, seed=seed)
    return study


def rows_of_test(study: Path, folder: Path, *, name: str = "test.csv") -> Path:
    """The task's own test rows without labels and splits."""
    with (study.parent / "data" / f"{TASK}.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text"])
        writer.writerows([row["text"]] for row in rows)
    return path


def keys_of(study: Path) -> list[str]:
    runs = [run for run in open_prepared(study).runs.all() if run.transfer.target.name == TASK]
    return [run.transfer.key for run in sorted(runs, key=lambda run: run.transfer.seed)]


def stored(study: Path, key: str) -> np.ndarray:
    """Logits on test, as training left them."""
    return load_file(study.parent / "out" / "runs" / key / "predictions.safetensors")["test_logits"]


def chances(path: Path) -> list[float]:
    with path.open(encoding="utf-8", newline="") as file:
        return [float(row["probability of yes"]) for row in csv.DictReader(file)]


def test_one_run_predicts_what_training_measured_on_the_same_rows(study, tmp_path):
    key = keys_of(study)[1]
    found = predict(study, TASK, rows_of_test(study, tmp_path), tmp_path / "p.csv", keys=[key])
    assert [run.transfer.key for run in found.chosen.runs] == [key]
    np.testing.assert_allclose(chances(tmp_path / "p.csv"), softmax(stored(study, key))[:, 1], atol=2e-6)


def test_without_keys_all_seeds_predict_together_and_it_is_said_which_and_why(study, tmp_path):
    found = predict(study, TASK, rows_of_test(study, tmp_path), tmp_path / "p.csv")
    keys = keys_of(study)
    assert [run.transfer.key for run in found.chosen.runs] == keys
    assert "highest mean average_precision on dev" in found.chosen.why
    assert "seeds 0, 1" in found.chosen.why
    mean = sum(softmax(stored(study, key))[:, 1] for key in keys) / 2
    np.testing.assert_allclose(chances(tmp_path / "p.csv"), mean, atol=2e-6)
    assert found.as_json()["rows"] == len(mean)


def test_a_binary_label_is_positive_from_the_mean_of_the_thresholds_on(study, tmp_path):
    found = predict(study, TASK, rows_of_test(study, tmp_path), tmp_path / "p.csv").predicted
    threshold = np.mean([open_prepared(study).runs.get(key).performance.threshold for key in keys_of(study)])
    said = ["yes" if row[1] >= threshold else "no" for row in found.probabilities]
    assert list(found.said) == said
    assert set(said) == {"yes", "no"}
    assert said != ["yes" if row[1] >= 0.5 else "no" for row in found.probabilities]


def test_the_command_writes_a_glue_file_and_says_what_was_taken(study, tmp_path, monkeypatch, capsys):
    file = rows_of_test(study, tmp_path)
    target = tmp_path / "new" / "CoLA.tsv"
    arguments = (
        "predict",
        study,
        *keys_of(study),
        "--task",
        TASK,
        "--file",
        file,
        "--as",
        "glue",
        "-o",
        target,
    )
    code, out, err = call(monkeypatch, capsys, *arguments)
    assert code == 0
    assert out == f"{target}\n"
    assert "the runs that were named" in err
    assert "yes is written as 1" in err
    lines = target.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "index\tprediction"
    assert [line.split("\t")[0] for line in lines[1:]] == [str(row) for row in range(60)]
    assert {line.split("\t")[1] for line in lines[1:]} <= {"0", "1"}
    assert [path.name for path in target.parent.iterdir()] == ["CoLA.tsv"]


def test_the_command_says_in_json_what_it_did(study, tmp_path, monkeypatch, capsys):
    arguments = ("--task", TASK, "--file", rows_of_test(study, tmp_path), "--as", "superglue", "--json")
    said = ("--labels", "yes=entailment")
    code, out, _ = call(
        monkeypatch, capsys, "predict", study, *arguments, *said, "-o", tmp_path / "RTE.jsonl"
    )
    assert code == 0
    found = json.loads(out)
    assert found["labels"] == {"no": "not_entailment", "yes": "entailment"}
    assert [run["seed"] for run in found["runs"]] == [0, 1]
    lines = (tmp_path / "RTE.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["idx"] for line in lines] == list(range(60))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--task", "03-amber", "-o", "p.csv"], "Did you mean `0"),
        (["--task", TASK, "-o", "p.csv", "--as", "glu"], "Did you mean `glue`"),
        (["--task", TASK, "-o", "p.tsv", "--as", "glue"], "no file that GLUE takes"),
        (["--task", TASK, "-o", "RTE.tsv", "--as", "glue"], "the model's labels are `no`, `yes`"),
        (["--task", TASK, "-o", "RTE.tsv", "--as", "glue", "--labels", "yes"], "is LABEL=VALUE"),
        (["--task", TASK, "-o", "p.csv", "--labels", "jes=1"], "Did you mean `yes`"),
        (["--task", TASK, "-o", "."], "is a folder"),
        (["--task", TASK, "-o", "./test.csv"], "the file whose rows are to be predicted"),
        (["--task", TASK, "-o", "p.csv", "--file", "nowhere.csv"], "cannot be read"),
        (["--task", TASK, "-o", "p.csv", "--file", "lacking.csv"], "no column `text`"),
        (["0" * 20, "--task", TASK, "-o", "p.csv"], "is not in the store"),
        (["--task", "02-amber", "-o", "p.csv"], "forelearn train"),
    ],
)
def test_bad_input_is_one_error_with_exit_code_2_and_nothing_is_written(
    arguments, said, study, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    rows_of_test(study, tmp_path)
    (tmp_path / "lacking.csv").write_text("words\na\n", encoding="utf-8")
    before = tree(tmp_path)
    given = arguments if "--file" in arguments else [*arguments, "--file", "test.csv"]
    code, out, err = call(monkeypatch, capsys, "predict", study, *given)
    assert code == 2
    assert out == ""
    assert said in err
    assert len([line for line in err.splitlines() if line.startswith("error: ")]) == 1
    assert tree(tmp_path) == before


# --- which runs are taken


@pytest.fixture
def empty(tmp_path: Path) -> Prepared:
    """A study of three tasks in which nothing has run."""
    return open_prepared(small_study(tmp_path, tasks=3))


def put(
    prepared: Prepared, transfer: Transfer, dev: float, *, weights: bool = True, by: str = "forelearn"
) -> Run:
    """A run with this dev measure, and a folder that stands for its weights."""
    measures = {"average_precision": dev}
    run = Run(transfer, Performance(measures, measures), Cost(), "2026-01-01T00:00:00+00:00", by)
    prepared.runs.put(run)
    if weights:
        (prepared.directory.work("weights", transfer.key) / "config.json").write_text("{}")
        prepared.directory.finish("weights", transfer.key)
    return run


def plans(prepared: Prepared, source: str | None, seeds: Iterable[int]) -> list[Transfer]:
    space, target = prepared.space, prepared.tasks[TASK].task
    recipe = space.recipes[0]
    if source is None:
        return [space.baseline(target, recipe, seed) for seed in seeds]
    return [space.pair(prepared.tasks[source].task, target, recipe, recipe, seed) for seed in seeds]


def test_the_group_with_the_best_mean_is_taken_not_the_one_with_the_best_seed(empty):
    for transfer, dev in zip(plans(empty, None, (0, 1)), (0.9, 0.1)):
        put(empty, transfer, dev)
    for transfer, dev in zip(plans(empty, "02-amber", (1, 0)), (0.6, 0.7)):
        put(empty, transfer, dev)
    found = chosen_runs(empty, empty.tasks[TASK].task)
    assert {run.transfer.label for run in found.runs} == {f"02-amber → {TASK}"}
    assert [run.transfer.seed for run in found.runs] == [0, 1]
    assert "0.6500 (seeds 0, 1), of 2" in found.why
    assert found.notes == ()


def test_a_single_lucky_run_is_not_taken_where_others_have_two_seeds(empty):
    for transfer in plans(empty, None, (0, 1)):
        put(empty, transfer, 0.5)
    put(empty, plans(empty, "02-amber", [0])[0], 0.9)
    found = chosen_runs(empty, empty.tasks[TASK].task)
    assert all(run.transfer.is_baseline for run in found.runs)


def test_where_all_have_one_seed_the_best_is_taken_and_it_is_said(empty):
    put(empty, plans(empty, None, [0])[0], 0.5)
    put(empty, plans(empty, "02-amber", [0])[0], 0.9)
    found = chosen_runs(empty, empty.tasks[TASK].task)
    assert [run.dev() for run in found.runs] == [0.9]
    assert "one seed alone" in found.notes[0]


def test_another_recipe_mode_or_method_is_another_group(empty):
    alone = plans(empty, None, (0, 1))
    for transfer in alone:
        put(empty, transfer, 0.5)
    longer = [replace(one, recipe=replace(one.recipe, epochs=9)) for one in alone]
    together = [
        replace(one, mode="multitask", multitask=Multitask(method)) for one in alone for method in ("x", "y")
    ]
    for transfer in (*longer, *together):
        put(empty, transfer, 0.8 if transfer.multitask == Multitask("y") else 0.6)
    found = chosen_runs(empty, empty.tasks[TASK].task)
    assert {run.transfer.multitask for run in found.runs} == {Multitask("y")}
    assert len(found.runs) == 2


def test_a_seed_without_weights_is_left_out_and_said_with_the_command(empty):
    first, second = plans(empty, "02-amber", (0, 1))
    put(empty, first, 0.5)
    put(empty, second, 0.6, weights=False)
    found = chosen_runs(empty, empty.tasks[TASK].task)
    assert [run.transfer.seed for run in found.runs] == [0]
    assert f"--target {TASK} --source 02-amber --run-seed 1" in found.notes[0]


def test_the_command_names_options_that_are_not_at_their_defaults(empty):
    first, second = (
        replace(one, mode="multitask", multitask=multitask("single", {"head": "two-layer"}))
        for one in plans(empty, None, (0, 1))
    )
    put(empty, first, 0.5)
    put(empty, second, 0.6, weights=False)
    found = chosen_runs(empty, empty.tasks[TASK].task)
    assert "--method single --option head=two-layer --no-controls --run-seed 1" in found.notes[0]


@pytest.mark.parametrize("control", [LONGER, TASK])
def test_a_control_is_made_again_by_its_own_name(empty, control):
    """What the message names is what `train` trains."""
    space, target = empty.space, empty.tasks[TASK].task
    recipe = space.recipes[0]
    one = space.pair(LONGER if control == LONGER else target, target, recipe, recipe, 0)
    put(empty, one, 0.5, weights=False)
    with pytest.raises(InputError) as refused:
        chosen_runs(empty, target)
    words = shlex.split(str(refused.value).split("Train it again: ")[1].rstrip("."))
    source = words[words.index("--source") + 1]
    assert source == control
    assert _planned(space, new_search(empty), target, source, 0) == one


def test_without_any_weights_the_error_names_the_command_of_every_seed(empty):
    chain = empty.space.through(
        empty.space.chain([empty.tasks["02-amber"].task, empty.tasks["03-amber"].task]),
        [empty.space.recipes[0]] * 2,
        empty.tasks[TASK].task,
        empty.space.recipes[0],
        4,
    )
    put(empty, chain, 0.5, weights=False)
    with pytest.raises(InputError, match="weights were not kept") as refused:
        chosen_runs(empty, empty.tasks[TASK].task)
    assert f"--target {TASK} --source '02-amber->03-amber' --run-seed 4" in str(refused.value)
    assert f"forelearn train {empty.study.path}" in str(refused.value)


def test_a_named_run_without_weights_or_of_another_task_or_failed_is_refused_all_at_once(empty):
    lost = put(empty, plans(empty, None, [0])[0], 0.5, weights=False, by="a cluster")
    with pytest.raises(InputError, match="trained elsewhere"):
        chosen_runs(empty, empty.tasks[TASK].task, [lost.transfer.key])
    other = empty.space.baseline(empty.tasks["02-amber"].task, empty.space.recipes[0], 0)
    put(empty, other, 0.5)
    failed = plans(empty, None, [3])[0]
    empty.runs.put(Failure(failed, "out of memory", Cost(), "2026-01-01T00:00:00+00:00"))
    with pytest.raises(InputError) as refused:
        chosen_runs(empty, empty.tasks[TASK].task, [other.key, failed.key, "nothing"])
    assert len(refused.value.problems) == 3
    assert f"is of 02-amber, not of {TASK}" in str(refused.value)
    assert "out of memory" in str(refused.value)


def test_runs_that_are_named_are_taken_in_their_order_whatever_they_are(empty):
    alone, pair = plans(empty, None, [0])[0], plans(empty, "02-amber", [0])[0]
    put(empty, alone, 0.5)
    put(empty, pair, 0.4)
    found = chosen_runs(empty, empty.tasks[TASK].task, [pair.key, alone.key, pair.key])
    assert [run.transfer.key for run in found.runs] == [pair.key, alone.key]


# --- every kind


@pytest.mark.slow
def test_a_file_without_labels_of_every_kind_gets_a_prediction_a_row(tmp_path):
    family = mixed_family(
        0, kin=("tags", "regression"), strangers=("answers", "choice", "pair"), sizes=Sizes(24, 12, 12)
    )
    study = mixed_study(tmp_path, family, epochs=1)
    questions = {
        "sequence_labelling": '{"token": ["be", "da", "fi"], "form": ["be", "da", "fi"]}\n',
        "question_answering": '{"question": "be", "context": "da fi go"}\n',
        "multiple_choice": '{"premise": "be", "choice1": "da", "choice2": "fi"}\n',
        "regression": '{"text": "be da"}\n',
        "binary": '{"text": "be", "pair": "da"}\n',
    }
    seen = set()
    for name, data in open_prepared(study).tasks.items():
        if data.task.kind in seen or data.task.kind not in questions:
            continue
        seen.add(data.task.kind)
        train(study, name)
        file = tmp_path / "rows.jsonl"
        file.write_text(questions[data.task.kind] * 2, encoding="utf-8")
        found = predict(study, name, file, tmp_path / "p.jsonl", form="jsonl").predicted
        lines = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text(encoding="utf-8").splitlines()]
        assert [line["id"] for line in lines] == [0, 1]
        first, second = ({**line, "id": 0} for line in lines)
        assert first == second, name
        match data.task.kind:
            case "sequence_labelling":
                assert len(found.said[0]) == 3
                assert set(found.said[0]) <= set(data.labels)
            case "question_answering":
                assert "da fi go"[slice(*map(int, found.spans[0][:2]))] == found.said[0]
            case "multiple_choice":
                assert found.said[0] in (0, 1)
                assert sum(found.probabilities[0]) == pytest.approx(1)
            case "regression":
                assert -2 < found.said[0] < 2
            case _:
                assert found.said[0] in data.labels
    assert seen == set(questions)
