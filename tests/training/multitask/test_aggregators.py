"""Aggregators of torchjd by name: steps by hand, options, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from tests.training.multitask.setting import make_encoder, make_method, make_tasks, make_transfer
from tests.training.multitask.toy import toy_method, toy_step
from tests.training.small_task import places

from forelearn.core.data import TaskData
from forelearn.core.errors import InputError
from forelearn.tasks.multi_mnist import embedded_digits, multi_mnist
from forelearn.training.multitask import aggregators as ours
from forelearn.training.multitask.history import read_history
from forelearn.training.multitask.methods import METHODS, multitask, options_of
from forelearn.training.multitask.train import train_together

pytest.importorskip("torchjd.aggregation", reason="the extra `mtl` is not installed")

KINDS = ("binary", "binary")


@pytest.fixture(scope="module")
def tasks() -> list[TaskData]:
    return make_tasks(("binary", "spans", "regression"))


@pytest.fixture(scope="module")
def start(tasks: list[TaskData], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tasks, tmp_path_factory.mktemp("encoder"))


def test_upgrad_projects_each_gradient_onto_what_hurts_neither() -> None:
    """(1, 0) and (−1, 1) conflict. Onto the cone {g · (1, 0) ≥ 0, g · (−1, 1) ≥ 0} the first projects to (½, ½), the
    second to (0, 1); their mean is (¼, ¾). Own gradients 1 and 2 are halved."""
    shared, heads = toy_step(toy_method("torchjd:UPGrad", KINDS), [(1.0, 0.0), (-1.0, 1.0)])
    assert shared == pytest.approx([0.25, 0.75], abs=1e-3)
    assert heads == pytest.approx([0.5, 1.0])


def test_mgda_takes_the_shortest_vector_between_gradients() -> None:
    """Between (2, 0) and (0, 2) it is (1, 1)."""
    method = toy_method("torchjd:MGDA", KINDS, aggregator_epsilon=1e-6)
    assert toy_step(method, [(2.0, 0.0), (0.0, 2.0)])[0] == pytest.approx([1.0, 1.0], abs=1e-3)
    assert method.options.epsilon == 1e-8  # AdamW's stays what it is


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_mean_of_gradients_is_standard_multitask_training_step_for_step(
    momentum: float, tasks: list[TaskData], start: Path, tmp_path: Path
) -> None:
    values = []
    for name in ("torchjd:Mean", "multitask"):
        method = make_method(tasks, start, name, tmp_path, optimiser="sgd", momentum=momentum, dropout=False)
        seen: list[torch.Tensor] = []
        method.around = type(method.around)(
            2,
            tmp_path,
            report=lambda state, method=method, seen=seen: seen.append(method.learner.flat.values.clone()),
        )
        with method.learner.session():
            for number in range(2):
                change = method.epoch(number)
        assert [task.weight for task in change.tasks] == pytest.approx([1 / 3] * 3)
        values.append(seen)
    assert len(values[0]) == len(values[1]) >= 8
    for one, other in zip(*values):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)
    assert not torch.allclose(values[0][0], values[0][-1])


def test_permuting_the_auxiliary_tasks_permutes_the_weights(
    tasks: list[TaskData], start: Path, tmp_path: Path
) -> None:
    found = []
    for order in ((0, 1, 2), (0, 2, 1)):
        method = make_method(
            [tasks[index] for index in order], start, "torchjd:UPGrad", tmp_path, dropout=False
        )
        with method.learner.session():
            change = method.epoch(0)
        found.append({name: task.weight for name, task in zip(method.learner.names, change.tasks)})
    assert found[0] == pytest.approx(found[1], abs=1e-3)
    assert len({round(weight, 3) for weight in found[0].values()}) > 1


@pytest.mark.parametrize("name", ["torchjd:UPGrad", "torchjd:GradVac", "torchjd:GradDrop"])
def test_a_killed_run_ends_with_the_same_weights(
    name: str, tasks: list[TaskData], start: Path, tmp_path: Path
) -> None:
    """UPGrad; GradVac, which remembers and draws; and GradDrop, which draws and has no weights."""

    class Stop(Exception):
        pass

    whole, killed = tmp_path / "whole", tmp_path / "killed"

    def stop(state: Mapping[str, Any]) -> None:
        if state.get("step") == 2 and (killed / "checkpoint" / "state.safetensors").exists():
            raise Stop

    transfer = make_transfer(tasks, name)
    train_together(transfer, tasks, start, **places(whole), device="cpu")
    with pytest.raises(Stop):
        train_together(
            transfer, tasks, start, **places(killed), device="cpu", report=stop, checkpoint_seconds=0.0
        )
    train_together(transfer, tasks, start, **places(killed), device="cpu")
    one, other = (load_file(folder / "weights" / "model.safetensors") for folder in (whole, killed))
    assert all(np.array_equal(one[part], other[part]) for part in other)
    history = read_history(whole / "files")
    assert history is not None
    assert all(
        (task.weight is None) == (name == "torchjd:GradDrop") for task in history.epochs[1].tasks.values()
    )


def test_the_target_alone_is_trained_as_it_is(tasks: list[TaskData], start: Path, tmp_path: Path) -> None:
    values = []
    for name in ("torchjd:UPGrad", "single"):
        method = make_method(tasks[:1], start, name, tmp_path, dropout=False)
        with method.learner.session():
            method.epoch(0)
        values.append(method.learner.flat.values)
    torch.testing.assert_close(*values)


@pytest.mark.parametrize("name", sorted(ours.aggregators()))
def test_every_aggregator_takes_a_step_or_says_what_it_needs(name: str) -> None:
    needed: dict[str, dict[str, float]] = {
        "CAGrad": {"c": 0.5},
        "FairGrad": {"alpha": 1.0},
        "Krum": {"n_byzantine": 0},
        "TrimmedMean": {"trim_number": 1},
    }
    given = needed.get(name, {})
    if name in ("CAGrad", "NashMTL") and find_spec("cvxpy") is None:
        with pytest.raises(InputError, match="to be installed"):
            multitask(f"torchjd:{name}", given)
        return
    method = toy_method(f"torchjd:{name}", ("binary",) * 3, **given)
    shared, heads = toy_step(method, [(1.0, 0.5), (0.5, 1.0), (-0.2, 1.0)])
    assert np.isfinite(shared).all()
    assert any(shared)
    assert heads == pytest.approx([1 / 3, 2 / 3, 1.0])


def test_arguments_of_an_aggregator_are_options_and_part_of_the_plan() -> None:
    plan = multitask("torchjd:AlignedMTL", {"scale_mode": "median", "dropout": False})
    assert plan.option("scale_mode") == "median"
    assert plan.option("share") == 1.0
    assert options_of(plan).dropout is False
    assert multitask("torchjd:TrimmedMean", {"trim_number": "1"}).option("trim_number") == 1


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("UpGrad", {}, "Did you mean `UPGrad`"),
        ("foo", {}, "UPGrad"),  # the list is whole
        ("Constant", {}, "is not an aggregator"),  # needs a tensor
        ("WeightedAggregator", {}, "is not an aggregator"),
        ("MeanWeighting", {}, "is not an aggregator"),
        ("TrimmedMean", {}, "`trim_number`: torchjd:TrimmedMean needs a value"),
        ("TrimmedMean", {"trim_number": -1}, "non-negative"),
        ("TrimmedMean", {"trim_numbers": 1}, "Did you mean `trim_number`"),
        ("AlignedMTL", {"scale_mode": "most"}, "must be one of min, median, rmse"),
        ("UPGrad", {"share": 2.0}, "`share`"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_sentence(
    name: str, options: Mapping[str, Any], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        multitask(f"torchjd:{name}", options)


def test_an_aggregator_that_wants_more_tasks_says_so() -> None:
    with pytest.raises(InputError, match=r"at least 3 rows.* Change its options, or choose another"):
        toy_method("torchjd:TrimmedMean", KINDS, trim_number=1)


def test_without_torchjd_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchjd.aggregation", None)
    for function in (ours.aggregator, ours.aggregators):
        function.cache_clear()
    with pytest.raises(InputError, match=r"pip install 'forelearn\[mtl\]'"):
        multitask("torchjd:UPGrad")
    assert "multitask" in METHODS


@pytest.mark.slow
def test_listing_methods_does_not_load_torchjd() -> None:
    code = "import sys; from forelearn.training.multitask.methods import METHODS, multitask; multitask('multitask'); "
    done = subprocess.run([sys.executable, "-c", code + "sys.exit('torchjd' in sys.modules)"], check=False)
    assert done.returncode == 0


def test_an_aggregator_that_draws_draws_by_the_seed_on_images_too(tmp_path: Path) -> None:
    """Whatever the process has drawn before, and without a trace in what it draws after."""
    pair = multi_mnist(*embedded_digits(), composites={"train": 200, "dev": 60, "test": 60})
    start = tmp_path / "lenet"
    found = []
    for number, (seed, before) in enumerate([(0, 1), (0, 2), (3, 1)]):
        torch.manual_seed(before)
        state = torch.random.get_rng_state()
        transfer = replace(make_transfer(pair, "torchjd:Random"), seed=seed)
        train_together(transfer, pair, start, **places(tmp_path / str(number)), device="cpu")
        assert torch.equal(state, torch.random.get_rng_state())
        history = read_history(tmp_path / str(number) / "files")
        assert history is not None
        found.append([task.weight for task in history.epochs[0].tasks.values()])
    assert found[0] == found[1] != found[2]
