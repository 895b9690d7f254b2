"""A run that is looked at ends as one that is not; a hopeless one ends early, cheaply and without weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from tests.models.small_encoders import FAMILIES, build
from tests.training.small_task import RECIPE, baseline, places, small_task, start_encoder

from forelearn.core.recipe import Recipe
from forelearn.core.run import Run, Stopped
from forelearn.core.transfer import Encoder, Transfer
from forelearn.models.encoder import open_encoder
from forelearn.training.loop import Report
from forelearn.training.measures import choose_threshold, measure
from forelearn.training.sequential import train

pytestmark = pytest.mark.slow

DATA = small_task(rows=64)
FOUR = replace(RECIPE, epochs=4, threshold="dev", learning_rate=5e-3)
"""Four steps an epoch, sixteen in all."""
HOPELESS = 2.0
"""No measure reaches it."""


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> tuple[Encoder, Path]:
    return start_encoder(DATA, tmp_path_factory.mktemp("encoder"))


def trained(
    start: tuple[Encoder, Path],
    folder: Path,
    rungs: Mapping[int, float | None] | None = None,
    *,
    recipe: Recipe = FOUR,
    report: Report | None = None,
) -> Run | Stopped:
    transfer = baseline(DATA, start[0], recipe=recipe)
    return train(
        transfer,
        DATA,
        start[1],
        **places(folder),
        device="cpu",
        rungs=rungs,
        report=report,
        checkpoint_seconds=0.0,
    )


def made(folder: Path) -> tuple[bytes, bytes, bytes]:
    """Weights, predictions and curve, byte for byte."""
    files = folder / "files"
    weights = (folder / "weights" / "model.safetensors").read_bytes()
    return weights, (files / "predictions.safetensors").read_bytes(), (files / "curve.json").read_bytes()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_run_that_is_looked_at_ends_with_the_same_weights(
    start: tuple[Encoder, Path], tmp_path: Path, precision: str
) -> None:
    recipe = replace(FOUR, precision=precision)
    plain = trained(start, tmp_path / "plain", recipe=recipe)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    looked_at = trained(start, tmp_path / "looked at", {1: None, 2: 0.0, 3: None}, recipe=recipe)
    assert torch.equal(state, torch.get_rng_state())
    assert made(tmp_path / "looked at") == made(tmp_path / "plain")
    assert isinstance(plain, Run)
    assert isinstance(looked_at, Run)
    assert plain.performance.rungs == {}
    assert list(looked_at.performance.rungs) == [1, 2, 3]
    assert replace(looked_at.performance, rungs={}) == plain.performance
    assert looked_at.cost.units == plain.cost.units


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("family", FAMILIES)
def test_looking_leaves_every_family_as_it_was(family: str, precision: str, tmp_path: Path) -> None:
    """Some keep tensors from one pass for the next: they must not come from a pass without gradients."""
    data = small_task(rows=24)
    encoder, folder = open_encoder(str(build(family, tmp_path)))
    recipe = replace(RECIPE, precision=precision, epochs=2, max_length=16)
    weights = []
    for name, rungs in (("plain", None), ("looked at", {1: None})):
        transfer = Transfer(data.task, encoder, recipe, 0)
        train(transfer, data, folder, **places(tmp_path / name), device="cpu", rungs=rungs)
        weights.append(load_file(tmp_path / name / "weights" / "model.safetensors"))
    assert all(np.array_equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_what_is_measured_at_a_rung_is_the_deciding_measure_on_dev_at_the_recipe_s_threshold(
    start: tuple[Encoder, Path], tmp_path: Path
) -> None:
    """At a learning rate of almost nothing the weights at the rung are those at the end, whose logits are kept."""
    still = replace(FOUR, learning_rate=1e-30, epochs=2, weight_decay=0.0)
    run = trained(start, tmp_path, {1: None}, recipe=still)
    assert isinstance(run, Run)
    logits = load_file(tmp_path / "files" / "predictions.safetensors")["dev_logits"]
    threshold = choose_threshold(logits, DATA.dev.labels)
    expected = measure(logits, DATA.dev.labels, threshold=threshold)[DATA.task.metric]
    assert run.performance.rungs[1] == pytest.approx(expected, abs=1e-9)
    assert run.dev() == expected


def test_a_rung_knows_what_the_run_has_learned_by_then(start: tuple[Encoder, Path], tmp_path: Path) -> None:
    recipe = replace(FOUR, epochs=12)
    run = trained(start, tmp_path, {1: None, 11: None}, recipe=recipe)
    assert isinstance(run, Run)
    assert run.performance.rungs[1] < 0.7 < 0.85 < run.performance.rungs[11]


def test_a_hopeless_run_costs_its_share_of_the_epochs_and_leaves_no_weights(
    start: tuple[Encoder, Path], tmp_path: Path
) -> None:
    whole = trained(start, tmp_path / "whole", {1: None, 3: None})
    assert isinstance(whole, Run)
    seen: list[float] = []
    stopped = trained(
        start, tmp_path / "stopped", {1: 0.0, 3: HOPELESS}, report=lambda state: seen.append(state["step"])
    )
    assert isinstance(stopped, Stopped)
    assert seen[-1] == 12
    assert (stopped.epoch, stopped.floor) == (3, HOPELESS)
    assert stopped.dev == whole.performance.rungs[3]
    assert stopped.cost.units == whole.cost.units * 3 / 4
    assert stopped.cost.seconds > 0
    assert stopped.reason.startswith("stopped after epoch 3 of 4: dev ")
    assert not list((tmp_path / "stopped" / "weights").iterdir())
    assert [path.name for path in (tmp_path / "stopped" / "files").iterdir()] == ["curve.json"]
    assert len(json.loads((tmp_path / "stopped" / "files" / "curve.json").read_text())) == 12


def test_a_run_at_its_floor_goes_on(start: tuple[Encoder, Path], tmp_path: Path) -> None:
    first = trained(start, tmp_path / "first", {1: None})
    assert isinstance(first, Run)
    dev = first.performance.rungs[1]
    assert isinstance(trained(start, tmp_path / "level", {1: dev}), Run)
    assert isinstance(trained(start, tmp_path / "below", {1: float(np.nextafter(dev, 1.0))}), Stopped)


class Killed(Exception):
    """Raised in place of a kill."""


def kill_at(step: int) -> Report:
    def report(state: Mapping[str, float]) -> None:
        if state["step"] == step:
            raise Killed

    return report


@pytest.mark.parametrize("step", [3, 4, 5, 8, 9, 15])
def test_a_run_that_is_killed_before_at_or_behind_a_rung_ends_the_same(
    start: tuple[Encoder, Path], tmp_path: Path, step: int
) -> None:
    """An epoch has four steps, and a checkpoint follows every step that is not killed."""
    rungs = {1: 0.0, 2: None}
    undisturbed = trained(start, tmp_path / "undisturbed", rungs)
    assert isinstance(undisturbed, Run)
    with pytest.raises(Killed):
        trained(start, tmp_path / "killed", rungs, report=kill_at(step))
    seen: list[float] = []
    again = trained(start, tmp_path / "killed", rungs, report=lambda state: seen.append(state["step"]))
    assert isinstance(again, Run)
    assert seen[:2] == [step - 1, step]  # where it goes on is said, too
    assert again.performance == undisturbed.performance
    assert list(again.performance.rungs) == [1, 2]
    assert made(tmp_path / "killed") == made(tmp_path / "undisturbed")


@pytest.mark.parametrize("step", [2, 4, 7, 8])
def test_a_hopeless_run_that_is_killed_is_stopped_where_it_would_have_been(
    start: tuple[Encoder, Path], tmp_path: Path, step: int
) -> None:
    rungs = {1: 0.0, 2: HOPELESS}
    undisturbed = trained(start, tmp_path / "undisturbed", rungs)
    with pytest.raises(Killed):
        trained(start, tmp_path / "killed", rungs, report=kill_at(step))
    again = trained(start, tmp_path / "killed", rungs)
    assert isinstance(undisturbed, Stopped)
    assert isinstance(again, Stopped)
    same = {"cost": undisturbed.cost, "made": undisturbed.made}
    assert replace(again, **same) == undisturbed
    assert again.cost.units == undisturbed.cost.units


def test_a_checkpoint_behind_a_rung_is_not_continued_under_another_floor(
    start: tuple[Encoder, Path], tmp_path: Path
) -> None:
    """Else a run that passed without being looked at, or under a lower floor, would slip through."""
    for name, before in (("unseen", None), ("lower", {1: 0.0})):
        with pytest.raises(Killed):
            trained(start, tmp_path / name, before, report=kill_at(6))
        assert isinstance(trained(start, tmp_path / name, {1: HOPELESS}), Stopped)


@pytest.mark.parametrize("epoch", [0, 4, 9])
def test_a_rung_outside_the_run_is_refused(start: tuple[Encoder, Path], tmp_path: Path, epoch: int) -> None:
    with pytest.raises(ValueError, match=f"1 to 3, got .*{epoch}"):
        trained(start, tmp_path, {epoch: None})
