from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from tests.models.small_encoders import FAMILIES, build
from tests.training.small_task import RECIPE, baseline, places, small_task, start_encoder
from transformers import pipeline

from forelearn.core.data import task_data
from forelearn.core.errors import InputError
from forelearn.core.run import outcome_as_json, outcome_from_json
from forelearn.core.transfer import Encoder, Source, Transfer
from forelearn.models.encoder import open_encoder
from forelearn.models.quiet import quiet
from forelearn.models.task_model import load_model
from forelearn.training.measures import performance
from forelearn.training.sequential import stage_seed, train

DATA = small_task()


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> tuple[Encoder, Path]:
    return start_encoder(DATA, tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def finished(start: tuple[Encoder, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished `encoder → flood`."""
    folder = tmp_path_factory.mktemp("finished")
    recipe = replace(RECIPE, epochs=4, learning_rate=5e-3, threshold="dev", positive_weight="sqrt")
    run = train(baseline(DATA, start[0], recipe=recipe), DATA, start[1], **places(folder), device="cpu")
    (folder / "run.json").write_text(json.dumps(outcome_as_json(run)))
    return folder


def weights(folder: Path) -> dict[str, np.ndarray]:
    return load_file(folder / "weights" / "model.safetensors")


def same(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def test_what_was_trained_is_a_folder_that_a_pipeline_loads(finished: Path) -> None:
    with quiet():
        ask = pipeline("text-classification", str(finished / "weights"))
    answers = [answer["label"] for answer in ask(list(DATA.test.texts))]
    right = np.mean([answer == DATA.labels[label] for answer, label in zip(answers, DATA.test.labels)])
    assert set(answers) == set(DATA.labels)
    assert right > 0.9


def test_the_performance_is_that_of_the_stored_predictions(finished: Path) -> None:
    run = outcome_from_json(json.loads((finished / "run.json").read_text()))
    logits = load_file(finished / "files" / "predictions.safetensors")
    expected = performance(
        logits["dev_logits"],
        DATA.dev.labels,
        logits["test_logits"],
        DATA.test.labels,
        DATA.test.groups,
        rule="dev",
    )
    assert run.performance == expected
    assert set(run.performance.by_group) == {"event 0", "event 1"}
    assert run.performance.dev["average_precision"] > 0.9


def test_the_curve_names_every_step_and_the_checkpoint_is_not_among_the_files(finished: Path) -> None:
    curve = json.loads((finished / "files" / "curve.json").read_text())
    assert [point["step"] for point in curve] == list(range(1, 41))
    assert curve[-1]["epoch"] == 4
    assert curve[-1]["loss"] < curve[0]["loss"]
    assert sorted(path.name for path in (finished / "files").iterdir()) == [
        "curve.json",
        "predictions.safetensors",
    ]


def test_the_cost_is_tokens_by_epochs_by_layers(finished: Path) -> None:
    run = outcome_from_json(json.loads((finished / "run.json").read_text()))
    tokenizer = load_model(finished / "weights").tokenizer
    tokens = sum(len(tokenizer(text)["input_ids"]) for text in DATA.train.texts)
    assert run.cost.units == tokens * 4 * 1
    assert run.cost.seconds > 0


def test_the_card_tells_data_recipe_chain_metrics_and_cost(finished: Path) -> None:
    card = (finished / "weights" / "README.md").read_text()
    front = card.split("---")[1]
    run = outcome_from_json(json.loads((finished / "run.json").read_text()))
    assert "pipeline_tag: text-classification" in front
    for part in (DATA.task.digest, run.transfer.key, "tiny", "sqrt", "chosen on dev", "| train | 160 | 54 |"):
        assert part in card, part
    assert f"{run.performance.test['average_precision']:.4f}" in card


def test_a_chain_keeps_the_encoder_of_its_source(
    start: tuple[Encoder, Path], finished: Path, tmp_path: Path
) -> None:
    """With a learning rate of almost nothing, what differs from the source's classifier is the head alone."""
    target = small_task("fire", seed=1)
    still = replace(RECIPE, learning_rate=1e-12, epochs=1)
    transfer = Transfer(target.task, start[0], still, 0, sources=(Source(DATA.task, RECIPE),))
    run = train(transfer, target, finished / "weights", **places(tmp_path), device="cpu")
    before, after = weights(finished), weights(tmp_path)
    for name, value in after.items():
        close = np.allclose(value, before[name], atol=1e-8)
        assert close == (name != "classifier.weight" and name != "classifier.bias"), name
    assert "`flood` → `fire`" in (tmp_path / "weights" / "README.md").read_text()
    assert run.transfer.label == "flood → fire"


def test_the_second_stage_of_a_task_after_itself_is_no_replay(start: tuple[Encoder, Path]) -> None:
    once = baseline(DATA, start[0])
    twice = replace(once, sources=(Source(DATA.task, RECIPE),))
    assert stage_seed(once) != stage_seed(twice)
    assert twice.prefix is not None
    assert stage_seed(twice.prefix) == stage_seed(once)
    assert stage_seed(replace(once, seed=1)) != stage_seed(once)


@pytest.mark.slow
def test_more_than_two_classes_are_measured_by_macro_f1(tmp_path: Path) -> None:
    data = small_task("kind", classes=3)
    encoder, folder = start_encoder(data, tmp_path / "encoder")
    recipe = replace(RECIPE, epochs=15, learning_rate=5e-3)
    run = train(baseline(data, encoder, recipe=recipe), data, folder, **places(tmp_path), device="cpu")
    assert set(run.performance.test) == {"macro_f1", "accuracy", "matthews"}
    assert run.performance.test["macro_f1"] > 0.9
    assert load_model(tmp_path / "weights").labels == data.labels


def test_data_that_cannot_be_measured_is_refused_before_anything_is_spent(
    start: tuple[Encoder, Path], tmp_path: Path
) -> None:
    negatives = DATA.dev.pick([row for row, label in enumerate(DATA.dev.labels) if label == 0])
    data = task_data("flood", DATA.labels, DATA.train, negatives, DATA.test.pick([]))
    with pytest.raises(InputError) as refused:
        train(baseline(data, start[0]), data, start[1], **places(tmp_path), device="cpu")
    assert len(refused.value.problems) == 2
    assert "dev" in str(refused.value)
    assert not list((tmp_path / "files").iterdir())


def test_a_task_name_with_markup_stays_text_in_the_card(start: tuple[Encoder, Path], tmp_path: Path) -> None:
    data = task_data('a|b`<img src=x>"\n# big', DATA.labels, DATA.train, DATA.dev, DATA.test)
    recipe = replace(RECIPE, epochs=1)
    train(baseline(data, start[0], recipe=recipe), data, start[1], **places(tmp_path), device="cpu")
    lines = (tmp_path / "weights" / "README.md").read_text().splitlines()
    assert not [line for line in lines if line.startswith("# big")]
    body = "\n".join(lines).split("---", 2)[2]
    assert "\n# a\\|b\\`\\<img src=x\\>" in body
    assert body.count("<img") == 1 + body.count("`a¦b'<img src=x>\" # big`")


KILLED = """
import sys
from pathlib import Path
from tests.models.small_encoders import FAMILIES, build
from tests.training.small_task import RECIPE, baseline, places, small_task
from forelearn.core.transfer import Encoder
from forelearn.training.sequential import train
import time
folder, start = Path(sys.argv[1]), Path(sys.argv[2])
data = small_task()
def report(progress):
    print(int(progress["step"]), flush=True)
    time.sleep(0.05)
train(baseline(data, Encoder("tiny", "0" * 20)), data, start, **places(folder), device="cpu",
      report=report, checkpoint_seconds=0.0)
"""


@pytest.mark.slow
def test_a_killed_process_continues_to_the_same_weights(start: tuple[Encoder, Path], tmp_path: Path) -> None:
    undisturbed = tmp_path / "undisturbed"
    train(baseline(DATA, start[0]), DATA, start[1], **places(undisturbed), device="cpu")
    killed = tmp_path / "killed"
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(["src", "."]),
        "OMP_NUM_THREADS": str(torch.get_num_threads()),
    }
    for kill_at in (3, 9, 14, None):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(killed), str(start[1])],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=Path(__file__).parents[2],
        )
        assert process.stdout is not None
        steps = []
        for line in process.stdout:
            steps.append(int(line))
            if kill_at is not None and steps[-1] >= kill_at:
                time.sleep(0.01)
                os.kill(process.pid, signal.SIGKILL)
                break
        process.wait()
        process.stdout.close()
        if kill_at is None:
            assert process.returncode == 0
            assert steps[0] > 1
    assert same(weights(killed), weights(undisturbed))
    for name in ("predictions.safetensors", "curve.json"):
        assert (killed / "files" / name).read_bytes() == (undisturbed / "files" / name).read_bytes()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_trains_in_both_precisions(family, precision, tmp_path):
    """DeBERTa changes projections in place and fills masks with a number that bfloat16 cannot hold."""
    data = small_task(rows=24)
    folder = build(family, tmp_path)
    encoder, start = open_encoder(str(folder))
    recipe = replace(RECIPE, precision=precision, epochs=1, max_length=16)
    run = train(Transfer(data.task, encoder, recipe, 0), data, start, **places(tmp_path), device="cpu")
    assert np.isfinite(run.dev())
    assert load_model(tmp_path / "weights").labels == data.labels
