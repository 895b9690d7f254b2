from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.training.small_task import RECIPE, small_task, start_encoder

from forelearn.core.errors import InputError
from forelearn.models.heads import Items
from forelearn.models.heads.classification import class_weights, weighted_loss
from forelearn.models.task_model import TaskModel, new_classifier
from forelearn.training.cost import units
from forelearn.training.device import resolve_device, resolve_precision
from forelearn.training.loop import Stage, adamw, fit
from forelearn.training.precision import last_linear
from forelearn.training.predict import predict
from forelearn.training.steps import Diverged, schedule

DATA = small_task()


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return start_encoder(DATA, tmp_path_factory.mktemp("encoder"))[1]


def fresh(start: Path) -> tuple[TaskModel, Items]:
    classifier = new_classifier(start, DATA.labels, seed=0)
    return classifier, classifier.head.encode(classifier.tokenizer, DATA.train, 32)


def weights_of(classifier: TaskModel) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in classifier.model.parameters()])


class Stop(Exception):
    """Raised in place of a kill."""


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("stop_at", [1, 7, 10, 11, 19])
def test_an_interrupted_stage_ends_with_the_same_weights(
    start: Path, tmp_path: Path, stop_at: int, precision: str
) -> None:
    stage = Stage("key", replace(RECIPE, precision=precision), seed=3)
    undisturbed, items = fresh(start)
    whole = fit(undisturbed, items, stage)

    def stop(progress: Mapping[str, float]) -> None:
        if progress["step"] == stop_at:
            raise Stop

    killed, _ = fresh(start)
    with pytest.raises(Stop):
        fit(killed, items, stage, checkpoint=tmp_path, checkpoint_seconds=0.0, report=stop)
    again, _ = fresh(start)
    seen: list[float] = []
    progress = fit(
        again,
        items,
        stage,
        checkpoint=tmp_path,
        checkpoint_seconds=0.0,
        report=lambda p: seen.append(p["step"]),
    )
    assert seen[:2] == ([stop_at - 1, stop_at] if stop_at > 1 else [1, 2])  # where it goes on is said, too
    assert torch.equal(weights_of(again), weights_of(undisturbed))
    assert progress.losses == whole.losses


def test_a_checkpoint_of_another_stage_or_a_torn_one_is_passed_over(start: Path, tmp_path: Path) -> None:
    stage = Stage("key", RECIPE, seed=3)
    undisturbed, items = fresh(start)
    fit(undisturbed, items, stage, checkpoint=tmp_path, checkpoint_seconds=0.0)
    for other, damage in ((Stage("other", RECIPE, seed=4), False), (stage, True)):
        if damage:
            file = tmp_path / "state.safetensors"
            file.write_bytes(file.read_bytes()[:1000])
        continued, expected = fresh(start)[0], fresh(start)[0]
        steps: list[float] = []
        fit(
            continued,
            items,
            other,
            checkpoint=tmp_path,
            report=lambda p, steps=steps: steps.append(p["step"]),
        )
        fit(expected, items, other)
        assert steps[0] == 1
        assert torch.equal(weights_of(continued), weights_of(expected))


def test_the_seed_decides_the_outcome_and_the_global_random_state_is_left_alone(start: Path) -> None:
    found = []
    for noise, seed in ((1, 0), (2, 0), (3, 1)):
        torch.manual_seed(noise)
        state = torch.get_rng_state()
        classifier, items = fresh(start)
        fit(classifier, items, Stage("key", RECIPE, seed))
        assert torch.equal(state, torch.get_rng_state())
        found.append(weights_of(classifier))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.slow
def test_the_loop_learns_what_can_be_learned(start: Path, precision: str) -> None:
    classifier, items = fresh(start)
    recipe = replace(RECIPE, precision=precision, epochs=12, learning_rate=5e-3)
    losses = fit(classifier, items, Stage("key", recipe, seed=0)).losses
    assert np.mean(losses[-5:]) < 0.1 < np.mean(losses[:5])
    right = predict(classifier, DATA.test, max_length=32).argmax(axis=1) == np.array(DATA.test.labels)
    assert right.mean() > 0.95
    assert classifier.model.training is False


def test_one_step_is_that_of_plain_torch(start: Path) -> None:
    """Without dropout, one full-batch step equals torch's own AdamW after clipping, at the schedule's rate."""
    recipe = replace(RECIPE, batch_size=len(DATA.train), epochs=1, warmup=0.0, clip_norm=0.1)
    ours, items = fresh(start)
    plain, _ = fresh(start)
    for classifier in (ours, plain):
        for module in classifier.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
    loss = fit(ours, items, Stage("key", recipe, seed=0)).losses[0]
    encoded = plain.tokenizer(list(DATA.train.texts), padding=True, return_tensors="pt")
    out = plain.model(**encoded, labels=torch.tensor(DATA.train.labels))
    out.loss.backward()
    torch.nn.utils.clip_grad_norm_(plain.model.parameters(), 0.1)
    matrices = [p for p in plain.model.parameters() if p.dim() > 1]
    vectors = [p for p in plain.model.parameters() if p.dim() == 1]
    torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}],
        lr=recipe.learning_rate,
        fused=False,
    ).step()
    assert loss == pytest.approx(out.loss.item(), abs=1e-6)
    assert torch.allclose(weights_of(ours), weights_of(plain), atol=2e-5)


def test_a_loss_that_is_not_finite_stops_the_stage_before_the_weights_are_touched(start: Path) -> None:
    classifier, items = fresh(start)
    with torch.no_grad():
        last_linear(classifier).weight[0, 0] = math.inf
    before = weights_of(classifier)
    with pytest.raises(Diverged, match="lower learning rate"):
        fit(classifier, items, Stage("key", RECIPE, seed=0))
    assert torch.equal(before, weights_of(classifier))


def test_the_schedule_by_hand() -> None:
    """10 steps, a fifth of them rising: 1/2, 1, then 8/8 down to 1/8."""
    found = [schedule(step, 10, 0.2) for step in range(10)]
    assert found == pytest.approx([0.5, 1.0, 1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8])
    assert schedule(0, 1, 0.0) == 1.0


def test_class_weights_by_hand() -> None:
    """8 negative, 2 positive: ratio 4, root 2. Balanced means 1 and 4 over the mean (8 + 8) / 10 = 1.6."""
    labels = np.array([0] * 8 + [1] * 2)
    assert class_weights(labels, 2, "none").tolist() == [1, 1]
    assert class_weights(labels, 2, "balanced") == pytest.approx([1 / 1.6, 4 / 1.6])
    assert class_weights(labels, 2, "sqrt") == pytest.approx([1 / 1.2, 2 / 1.2])
    assert class_weights(labels, 3, "balanced").tolist() == [1, 1, 1]
    assert class_weights(np.ones(4, np.int64), 2, "sqrt").tolist() == [1, 1]


def test_the_weighted_loss_keeps_its_weight_in_a_batch_of_one_class() -> None:
    """Two examples at even odds cost ln 2 each; weighing 3 they cost 3 ln 2 on average."""
    loss = weighted_loss(torch.zeros(2, 2), torch.tensor([1, 1]), torch.tensor([1.0, 3.0]))
    assert loss.item() == pytest.approx(3 * math.log(2))


def test_biases_and_norms_are_not_decayed(start: Path) -> None:
    classifier, _ = fresh(start)
    decayed, spared = adamw(classifier.model, RECIPE).param_groups
    spared_names = {
        name
        for name, p in classifier.model.named_parameters()
        if any(p is other for other in spared["params"])
    }
    assert decayed["weight_decay"] == RECIPE.weight_decay
    assert spared["weight_decay"] == 0.0
    assert all("bias" in name or "LayerNorm" in name for name in spared_names)
    assert len(spared["params"]) + len(decayed["params"]) == len(list(classifier.model.parameters()))


def test_bf16_logits_keep_their_bits(start: Path) -> None:
    """bfloat16 would leave few distinct values among 160 logits of about the same size."""
    classifier, _ = fresh(start)
    logits = predict(classifier, DATA.train, max_length=32, precision="bf16")
    assert logits.dtype == np.float32
    exact = predict(classifier, DATA.train, max_length=32)
    assert np.abs(logits - exact).max() < 0.05
    assert (logits.view(np.uint32) & 0xFFFF).any()


def test_predictions_do_not_depend_on_the_order_or_number_of_examples(start: Path) -> None:
    classifier, _ = fresh(start)
    everything = predict(classifier, DATA.test, max_length=32)
    rows = range(len(DATA.test))[::-1]
    backwards = predict(classifier, DATA.test.pick(rows), max_length=32)[::-1]
    alone = np.concatenate([predict(classifier, DATA.test.pick([row]), max_length=32) for row in range(5)])
    assert np.allclose(everything, backwards, atol=1e-5)
    assert np.allclose(everything[:5], alone, atol=1e-5)


def test_units_by_hand() -> None:
    """Lengths 3 and 10 cut to 8: 11 items, 2 epochs, 6 layers: 132."""
    assert units([3, 10], 8, 2, 6) == 132


def test_devices_are_checked_by_name() -> None:
    assert resolve_device("cpu") == "cpu"
    assert resolve_device("auto") in {"cpu", "cuda", "mps"}
    with pytest.raises(InputError, match="unknown"):
        resolve_device("gpu")
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="not available"):
            resolve_device("cuda")


def test_a_number_of_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert resolve_device("cuda:1") == "cuda:1"
    with pytest.raises(InputError, match="`cuda:2`: is not there: torch sees 2"):
        resolve_device("cuda:2")
    with pytest.raises(InputError, match="`cuda:x`: is not there"):
        resolve_device("cuda:x")


@pytest.mark.parametrize(
    ("flags", "expected"), [({}, "fp32"), ({"avx512_bf16": True}, "bf16"), ({"amx_bf16": True}, "bf16")]
)
def test_precision_follows_the_instruction_set(
    monkeypatch: pytest.MonkeyPatch, flags: dict[str, bool], expected: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: flags)
    assert resolve_precision("cpu") == expected
