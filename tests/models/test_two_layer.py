"""A classifier that ends in two layers: what it computes, how it starts, and who may load it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.small_encoders import FAMILIES, TEXTS, build
from tests.models.test_heads import byte_level
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, pipeline

from forelearn.core.data import Examples
from forelearn.core.errors import InputError
from forelearn.models.batch import collate, tokenize
from forelearn.models.dropout import quick_dropout, reseed_dropout
from forelearn.models.export import export, push
from forelearn.models.heads.classification import Classification
from forelearn.models.task_model import TaskModel, load_model, new_classifier, new_model, save_model
from forelearn.models.two_layer import WIDTH, is_two_layer
from forelearn.representations.conductance import conductance
from forelearn.representations.rules import FixedTrapezoid
from forelearn.training.predict import predict

LABELS = ("calm", "flood", "fire")
FOUR = Examples(tuple("abcd"), TEXTS[4:8], (0, 1, 2, 0))


@pytest.fixture(scope="module", params=FAMILIES)
def start(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(request.param, tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("bert", tmp_path_factory.mktemp("bert"))


def two_layers(start: Path, *, seed: int = 0) -> TaskModel:
    return new_model(start, Classification(LABELS), seed=seed, two_layers=True)


def loud(classifier: TaskModel) -> TaskModel:
    """The same with a head of larger weights: logits that differ by more than rounding."""
    with torch.no_grad():
        for layer in (0, 2):
            classifier.model.head[layer].weight.mul_(10)
    return classifier


def logits(classifier: TaskModel) -> torch.Tensor:
    tokens = tokenize(classifier.tokenizer, TEXTS, TEXTS[::-1], 32)
    found: torch.Tensor = classifier.model(**collate(tokens, np.arange(4), classifier.pad_id)).logits
    return found


def test_every_family_keeps_its_encoder_and_gets_two_layers_without_a_pooler(start: Path) -> None:
    """Parameters: h × 256 and 256 biases, 256 × C and C biases, h = 16 and C = 3."""
    made = two_layers(start)
    parameters = dict(made.model.named_parameters())
    prefix = f"{made.model.base_model_prefix}."
    assert logits(made).shape == (4, 3)
    new = {name: tuple(values.shape) for name, values in parameters.items() if not name.startswith(prefix)}
    assert new == {
        "head.0.weight": (256, 16),
        "head.0.bias": (256,),
        "head.2.weight": (3, 256),
        "head.2.bias": (3,),
    }
    known = dict(AutoModel.from_pretrained(start).named_parameters())
    body = {
        name.removeprefix(prefix): values for name, values in parameters.items() if name.startswith(prefix)
    }
    assert body.keys() == {name for name in known if not name.startswith("pooler.")}
    assert all(torch.equal(values, known[name]) for name, values in body.items())


def test_logits_are_those_of_the_layers_by_hand(bert: Path) -> None:
    """The encoder is made to say (1, −2, 0, …) of every token.

    Unit 0: 3·1 + 1·(−2) + ½ = 1.5. Unit 1: 1·1 + 2·(−2) + 1 = −2, which ReLU makes 0; the others 0.
    Logits: 2·1.5 + 10·0 − 1 = 2; −1.5 + 10·0 + 0 = −1.5; 0·1.5 + 10·0 + ¼ = .25.
    """
    made = two_layers(bert)
    norm, first, last = (
        made.encoder.encoder.layer[-1].output.LayerNorm,
        made.model.head[0],
        made.model.head[2],
    )
    with torch.no_grad():
        for layer in (norm, first, last):
            layer.weight.zero_()
            layer.bias.zero_()
        norm.bias[:2] = torch.tensor([1.0, -2.0])
        first.weight[0, :2], first.bias[0] = torch.tensor([3.0, 1.0]), 0.5
        first.weight[1, :2], first.bias[1] = torch.tensor([1.0, 2.0]), 1.0
        last.weight[:, 0], last.weight[:, 1] = torch.tensor([2.0, -1.0, 0.0]), 10.0
        last.bias[:] = torch.tensor([-1.0, 0.0, 0.25])
        torch.testing.assert_close(logits(made), torch.tensor([[2.0, -1.5, 0.25]] * 4))


def test_the_first_token_alone_is_read(bert: Path) -> None:
    made = two_layers(bert)
    batch = collate(tokenize(made.tokenizer, TEXTS, None, 32), np.arange(4), made.pad_id)
    with torch.no_grad():
        state = AutoModel.from_pretrained(bert).train(False)(**batch).last_hidden_state[:, 0]
        torch.testing.assert_close(made.model(**batch).logits, made.model.head(state))


def test_the_seed_alone_decides_weights_of_the_usual_size(bert: Path) -> None:
    """4,096 numbers: the standard error of their standard deviation is .02 / √8192 = .0002."""
    state = torch.get_rng_state()
    one, same, other = (two_layers(bert, seed=seed).model.head for seed in (1, 1, 2))
    assert torch.equal(state, torch.get_rng_state())
    for layer in (0, 2):
        assert torch.equal(one[layer].weight, same[layer].weight)
        assert not torch.equal(one[layer].weight, other[layer].weight)
        assert not one[layer].bias.any()
    assert one[0].weight.numel() == 16 * WIDTH
    assert float(one[0].weight.detach().std()) == pytest.approx(0.02, abs=0.001)


def test_every_family_comes_back_from_its_folder_as_it_was(start: Path, tmp_path: Path) -> None:
    made = two_layers(start)
    save_model(made, tmp_path)
    state = torch.get_rng_state()
    read = load_model(tmp_path)
    assert torch.equal(state, torch.get_rng_state())
    assert (read.labels, read.kind, read.shape()) == (LABELS, "multiclass", made.shape())
    assert not read.model.training
    assert read.pooler.keys() == made.pooler.keys()
    with torch.inference_mode():
        assert torch.equal(logits(read), logits(made))


def test_a_pooler_that_is_passed_by_travels_to_the_next_classification(bert: Path, tmp_path: Path) -> None:
    save_model(two_layers(bert), tmp_path)
    pooler = AutoModel.from_pretrained(bert).pooler.dense.weight
    assert torch.equal(load_model(tmp_path).pooler["pooler.dense.weight"], pooler)


def test_no_class_of_transformers_loads_the_folder(start: Path, tmp_path: Path) -> None:
    save_model(two_layers(start), tmp_path)
    assert is_two_layer(tmp_path)
    assert not is_two_layer(start)
    for loads in (
        AutoConfig.from_pretrained,
        AutoModel.from_pretrained,
        AutoModelForSequenceClassification.from_pretrained,
        lambda folder: pipeline("text-classification", str(folder)),
    ):
        with pytest.raises(ValueError, match="forelearn-two-layer"):
            loads(tmp_path)


def test_nothing_of_a_path_is_in_the_folder(bert: Path, tmp_path: Path) -> None:
    save_model(two_layers(bert), tmp_path)
    assert str(bert) not in (tmp_path / "config.json").read_text()


def test_export_and_push_refuse_with_the_next_step(bert: Path, tmp_path: Path) -> None:
    save_model(two_layers(bert), tmp_path / "weights")
    (tmp_path / "weights" / "README.md").write_text("# card")
    for leave in (
        lambda: export(tmp_path / "weights", tmp_path / "place"),
        lambda: push(tmp_path / "weights", "me/flood", api=None),
    ):
        with pytest.raises(
            InputError, match=r"two layers, which no Auto class .* `head = \"auto\"`"
        ) as error:
            leave()
        assert error.value.exit_code == 2
    assert not (tmp_path / "place").exists()


@pytest.mark.parametrize("damage", ["weights", "labels", "encoder"])
def test_a_folder_that_is_not_whole_is_refused(bert: Path, tmp_path: Path, damage: str) -> None:
    save_model(two_layers(bert), tmp_path)
    if damage == "weights":
        file = tmp_path / "model.safetensors"
        file.write_bytes(file.read_bytes()[:-100])
    else:
        config = json.loads((tmp_path / "config.json").read_text())
        config["labels"] = ["one"]
        if damage == "encoder":
            del config["encoder"]
        (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="holds no whole classifier of two layers"):
        load_model(tmp_path)


def test_an_encoder_that_puts_no_classification_token_first_is_refused(tmp_path: Path) -> None:
    start = build("bert", tmp_path)
    byte_level(special=False).save_pretrained(start)
    with pytest.raises(InputError, match="no classification token first"):
        two_layers(start)
    assert new_classifier(start, LABELS, seed=0).labels == LABELS


def test_quick_dropout_keeps_what_is_predicted_and_follows_its_seed(start: Path) -> None:
    made = two_layers(start)
    with torch.no_grad():
        usual = logits(made)
        with quick_dropout(made.model):
            assert torch.allclose(usual, logits(made), atol=1e-6)
            made.model.train()
            seen = []
            for seed in (1, 1, 2):
                torch.manual_seed(0)
                reseed_dropout(seed)
                seen.append(logits(made))
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], seen[2])


def test_logits_of_bf16_are_of_32_bits(start: Path) -> None:
    made = loud(two_layers(start))
    exact, found = (predict(made, FOUR, precision=precision) for precision in ("fp32", "bf16"))
    np.testing.assert_allclose(found, exact, atol=0.02 * np.abs(exact).max())
    assert not np.array_equal(found, exact)
    assert not np.array_equal(found, torch.from_numpy(found).bfloat16().float().numpy())


def test_conductance_is_complete(start: Path) -> None:
    """It sums to the change of the log-odds along the path, in every layer."""
    made = two_layers(start)
    with torch.no_grad():
        for parameter in made.model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(6)
    found = conductance(made, TEXTS[:4], rule=FixedTrapezoid(points=201), precision="fp64")
    size = np.abs(found.change).max()
    assert size > 0.01
    np.testing.assert_allclose(found.completeness / size, 0.0, atol=0.01)
