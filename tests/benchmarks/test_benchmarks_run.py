"""Every benchmark runs to its line of JSON: shrunken, on generated data, without peers that are not installed.

Times mean nothing at these sizes; what is compared for correctness must be right at any size.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from benchmarks import (
    _trained,
    _trainer,
    alpha_step,
    ansat,
    auxiliaries,
    conductance,
    demo_quality,
    training,
    words,
)
from tests.families import SMALL
from transformers import BertConfig

from forelearn.models.tiny import build_tiny
from forelearn.tasks.synthetic import Family, family

Last = Callable[..., dict[str, Any]]


@pytest.fixture
def last(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Last:
    """Runs a benchmark's `main` with arguments, where no real data and no real encoder are; its last line."""
    monkeypatch.setenv("FORELEARN_SHARED_DATA", str(tmp_path / "none"))
    monkeypatch.delenv("FORELEARN_MINILM", raising=False)
    threads = torch.get_num_threads()

    def run(main: Callable[[], None], *arguments: str) -> dict[str, Any]:
        monkeypatch.setattr("sys.argv", ["benchmark", *arguments])
        main()
        found: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
        return found

    yield run
    torch.set_num_threads(threads)


def small_encoder(texts: list[str], folder: Path, **_: object) -> None:
    build_tiny(texts, folder, layers=2, hidden=16, heads=2, vocabulary=500)


def test_ansat_runs_and_equals_the_comparisons(last: Last, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ansat, "REPEATS", {3: 1, 5: 1})
    found = last(ansat.main, "--quick", "--documents", "80")
    assert found["max_abs_diff"] == 0
    assert set(found) >= {f"{what}_{tasks}" for what in ("speedup", "seconds") for tasks in (3, 5)}


@pytest.mark.slow
def test_conductance_runs_and_equals_captum_with_its_rule(
    last: Last, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("captum")
    monkeypatch.setattr(_trained, "build_tiny", small_encoder)
    monkeypatch.setattr(_trained.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(conductance, "product_ratio", lambda device: 1.0)
    found = last(conductance.main, "--quick", "--documents", "6")
    assert found["max_abs_diff_same_rule"] <= 1e-6
    assert found["error_fp32"] <= found["error_captum"]
    assert found["speedup_bf16"] is None
    assert found["speedup_fp32"] > 0
    assert found["floor_ratio"] > 0
    assert 0 <= found["active_agreement_bf16"] <= 1


class FakeTrainer:
    """Stands in for Hugging Face's Trainer, which needs packages that are not installed: three empty steps."""

    def add_callback(self, callback: Any) -> None:
        self.callback = callback

    def train(self) -> None:
        for tell in ("on_train_begin", *["on_step_end"] * 3, "on_train_end"):
            getattr(self.callback, tell)(None, None, None)


def test_training_runs_with_every_contestant_in_turn(last: Last, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_trainer, "build_tiny", small_encoder)
    monkeypatch.setattr(_trainer.Contest, "trainer", lambda *_, **__: FakeTrainer())
    monkeypatch.setattr(_trainer, "largest_loss_difference", lambda *_, **__: 0.0)
    found = last(training.main, "--quick", "--inside", "--documents", "48", "--batch-size", "16")
    assert found["documents"] == 48
    assert {"Trainer", "Trainer, grouped", "forelearn fp32"} <= set(found["documents_per_second"])
    assert all(speed > 0 for speed in found["documents_per_second"].values())
    assert {"speedup_vs_trainer_fp32", "speedup_vs_trainer_grouped", "speedup_best"} <= set(found)


@pytest.mark.slow
def test_the_words_in_use_give_the_losses_of_the_whole_matrix(
    last: Last, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_trainer, "build_tiny", small_encoder)
    monkeypatch.setattr(words, "MULTILINGUAL", 3000)
    monkeypatch.setattr(words, "prepare_environment", lambda threads: {})
    found = last(words.main, "--quick", "--steps", "2")
    for case in ("batch_16", "batch_8", "multilingual_batch_8"):
        assert found[case]["max_rel_loss_diff"] < 1e-5
        assert found[case]["max_weight_diff"] < 1e-4
        assert found[case]["parameters_in_use"] < found[case]["parameters_whole"]


def test_the_alpha_step_runs_and_equals_autograd(last: Last, monkeypatch: pytest.MonkeyPatch) -> None:
    small = BertConfig(
        vocab_size=300,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=128,
    )
    for name, value in {"COUNTS": (2, 3), "LARGE": 8, "SMALL": 4, "TOKENS": 12, "VOCABULARY": 300}.items():
        monkeypatch.setattr(alpha_step, name, value)
    monkeypatch.setattr(alpha_step, "make_config", lambda: small)
    found = last(alpha_step.main, "--quick")
    assert found["max_rel_diff"] < 1e-8
    assert found["over_plain_gradient"] > 0
    assert found["speedup_vs_autograd_t12"] > 0


@pytest.mark.slow
def test_auxiliaries_runs_and_judges_every_arm(last: Last, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two small families, one epoch, two methods beside the single task, in this process."""
    every = {arm.name: arm for arm in auxiliaries.arms()}
    chosen = [every[name] for name in ("single", "multitask", "alpha-vil-robust")]
    monkeypatch.setattr(auxiliaries, "arms", lambda: chosen)
    monkeypatch.setattr(auxiliaries, "SEEDS", 2)
    monkeypatch.setattr(auxiliaries, "QUICK", 1)
    monkeypatch.setattr(auxiliaries, "ROWS", 40)
    monkeypatch.setattr(
        auxiliaries, "DESIGN", replace(auxiliaries.DESIGN, train=((60, 0.0),), dev=30, test=40)
    )
    monkeypatch.setattr(auxiliaries, "ProcessPoolExecutor", ThreadPoolExecutor)
    found = last(auxiliaries.main, "--quick", "--workers", "1")
    assert set(found["separated"]) == {"alpha-vil-robust"}
    assert found["gain"]["single"] == [0, 0, 0]
    assert all(low <= mean <= high for mean, low, high in found["gain"].values())


@pytest.mark.slow
def test_demo_quality_runs_and_counts_what_was_found(last: Last, monkeypatch: pytest.MonkeyPatch) -> None:
    """All seeds are seed 0, whose demo of three small tasks, and that of its null family, run once each."""

    def one_family(seed: int, *, null: bool = False) -> Family:
        return family(0, tasks=3, design=SMALL, null=null)

    real = demo_quality.run
    results = cache(lambda null: real(0, null=null, workers=1))
    monkeypatch.setattr("forelearn.experiment.demo.family", one_family)
    monkeypatch.setattr(demo_quality, "family", one_family)
    monkeypatch.setattr(demo_quality, "run", lambda seed, *, null, workers: results(null))
    found = last(demo_quality.main, "--quick", "--workers", "1")
    advised = [answer for answer in results(True).answers if answer.decision in ("transfer", "tied")]
    truth = one_family(0)
    hits = sum(bool(set(one.sources) & set(truth.best(one.target, 3))) for one in results(False).answers)
    assert found["null_false_transfer"] == pytest.approx(len(advised) / 3, abs=1e-4)
    assert (found["top3_of_12"], found["top3_sd"]) == (hits, 0)
    assert (found["family_seeds"], found["null_seeds"]) == (5, 5)
