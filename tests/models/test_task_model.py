from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.small_encoders import FAMILIES, TEXTS, build
from transformers import pipeline
from transformers.utils import logging as transformers_logging

from forelearn.core.errors import InputError
from forelearn.models.batch import collate, tokenize
from forelearn.models.quiet import quiet
from forelearn.models.task_model import load_model, new_classifier, save_model


@pytest.fixture(scope="module", params=FAMILIES)
def start(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(request.param, tmp_path_factory.mktemp("encoder"))


def test_every_family_keeps_its_encoder_and_gets_a_new_head(start: Path, tmp_path: Path) -> None:
    first = new_classifier(start, ("no", "yes"), seed=0)
    with torch.no_grad():
        for parameter in first.model.parameters():
            parameter.add_(0.01)
    save_model(first, tmp_path / "first")
    second = new_classifier(tmp_path / "first", ("no", "yes"), seed=0)
    prefix = f"{first.model.base_model_prefix}."
    other = dict(second.model.named_parameters())
    heads = []
    for name, parameter in first.model.named_parameters():
        if name.startswith(prefix):
            assert torch.equal(parameter, other[name]), name
        elif parameter.dim() > 1:
            heads.append(name)
            assert not torch.equal(parameter, other[name]), name
    assert heads


def test_every_family_comes_back_from_its_folder_as_it_was(start: Path, tmp_path: Path) -> None:
    made = new_classifier(start, ("calm", "flood", "fire"), seed=0)
    save_model(made, tmp_path)
    read = load_model(tmp_path)
    assert read.labels == ("calm", "flood", "fire")
    assert read.shape() == made.shape()
    tokens = tokenize(made.tokenizer, TEXTS, None, 32)
    batch = collate(tokens, np.arange(4), made.pad_id)
    with torch.inference_mode():
        assert torch.equal(made.model(**batch).logits, read.model(**batch).logits)
    assert not list(tmp_path.glob("*.bin"))


def test_every_family_loads_in_a_pipeline_with_its_label_names(start: Path, tmp_path: Path) -> None:
    save_model(new_classifier(start, ("calm", "flood"), seed=0), tmp_path)
    with quiet():
        found = pipeline("text-classification", str(tmp_path))("high water")
    assert found[0]["label"] in {"calm", "flood"}


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("bert", tmp_path_factory.mktemp("bert"))


def test_the_seed_alone_decides_a_new_head(bert: Path) -> None:
    state = torch.get_rng_state()
    one, same, other = (new_classifier(bert, ("a", "b"), seed=seed).model for seed in (1, 1, 2))
    assert torch.equal(one.classifier.weight, same.classifier.weight)
    assert not torch.equal(one.classifier.weight, other.classifier.weight)
    assert torch.equal(state, torch.get_rng_state())


def test_a_pooler_missing_from_the_encoder_follows_the_seed(bert: Path, tmp_path: Path) -> None:
    build_folder = build("bert", tmp_path)
    headless = build_folder.parent / "tiny"
    one, same, other = (new_classifier(headless, ("a", "b"), seed=seed).model for seed in (1, 1, 2))
    assert torch.equal(one.bert.pooler.dense.weight, same.bert.pooler.dense.weight)
    assert not torch.equal(one.bert.pooler.dense.weight, other.bert.pooler.dense.weight)
    assert torch.equal(
        one.bert.encoder.layer[0].output.dense.weight, other.bert.encoder.layer[0].output.dense.weight
    )


def test_an_encoder_without_a_head_is_no_classifier(bert: Path) -> None:
    with pytest.raises(InputError, match="without a trained head"):
        load_model(bert)


def test_loading_says_nothing_and_leaves_logging_as_it_was(
    bert: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    transformers_logging.set_verbosity(logging.INFO)
    try:
        new_classifier(bert, ("a", "b"), seed=0)
        assert transformers_logging.get_verbosity() == logging.INFO
        assert transformers_logging.is_progress_bar_enabled()
    finally:
        transformers_logging.set_verbosity(logging.WARNING)
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "")
