"""The network for images: its size, its start, and what it leaves in a folder."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from forelearn.core.errors import InputError
from forelearn.models.lenet import (
    ImageClassifier,
    lenet_encoder,
    lenet_shape,
    load_classifier,
    new_classifier,
    save_classifier,
)

LABELS = tuple("0123456789")


def made(body: int = 1, head: int = 2, labels: tuple[str, ...] = LABELS) -> ImageClassifier:
    return new_classifier(labels, body_seed=body, head_seed=head)


def pixels(count: int = 5) -> torch.Tensor:
    return torch.randint(
        0, 256, (count, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )


def test_the_size_is_that_of_the_layers_by_hand() -> None:
    """10·25 + 10 = 260; 20·10·25 + 20 = 5,020; 28 → 24 → 12 → 8 → 4, so 20·16·50 + 50 = 16,050; head 50·10 + 10."""
    model = made()
    assert [parameter.numel() for parameter in model.body.parameters()] == [250, 10, 5000, 20, 16000, 50]
    assert sum(parameter.numel() for parameter in model.parameters()) == 260 + 5020 + 16050 + 510
    shape = lenet_shape()
    assert (shape.parameters, shape.hidden, shape.layers) == (21_330, 50, 3)


def test_logits_are_those_of_the_layers_in_turn() -> None:
    model = made()
    values = (pixels().double().unsqueeze(1) / 255 - 0.1307) / 0.3081
    weights = {name: value.double() for name, value in model.state_dict().items()}
    for layer in ("first", "second"):
        conv = torch.nn.functional.conv2d(
            values, weights[f"body.{layer}.weight"], weights[f"body.{layer}.bias"]
        )
        count, filters, rows, columns = conv.shape
        blocks = conv.view(count, filters, rows // 2, 2, columns // 2, 2)
        values = blocks.amax(dim=(3, 5)).clamp(min=0)
    features = values.reshape(len(values), -1) @ weights["body.dense.weight"].T + weights["body.dense.bias"]
    logits = features.clamp(min=0) @ weights["head.weight"].T + weights["head.bias"]
    assert model(pixels()).shape == (5, 10)
    torch.testing.assert_close(model(pixels()).double(), logits, atol=1e-5, rtol=0)


def test_the_start_is_uniform_within_one_over_the_root_of_the_inputs() -> None:
    model = made()
    for layer, inputs in (
        (model.body.first, 25),
        (model.body.second, 250),
        (model.body.dense, 320),
        (model.head, 50),
    ):
        bound = inputs**-0.5
        for parameter in layer.parameters():
            assert parameter.abs().max() <= bound
        assert layer.weight.abs().max() > 0.9 * bound
        assert float(layer.weight.std().detach()) == pytest.approx(bound / 3**0.5, rel=0.1)


def test_bodies_and_heads_follow_from_their_own_seeds_and_leave_the_global_state_alone() -> None:
    before = torch.get_rng_state()
    one, again, other_head, other_body = made(), made(), made(head=3), made(body=3)
    assert torch.equal(torch.get_rng_state(), before)
    states = [model.state_dict() for model in (one, again, other_head, other_body)]
    for name in states[0]:
        assert torch.equal(states[0][name], states[1][name])
        assert torch.equal(states[0][name], states[2][name]) == name.startswith("body.")
        assert torch.equal(states[0][name], states[3][name]) == name.startswith("head.")


def test_a_saved_folder_loads_to_the_same_logits_and_label_names(tmp_path: Path) -> None:
    labels = ("cat", "dög", "fish")
    model = made(labels=labels)
    save_classifier(model, tmp_path / "new")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    loaded = load_classifier(tmp_path / "new")
    assert loaded.labels == labels
    assert torch.equal(loaded(pixels()), model(pixels()))
    card = (tmp_path / "new" / "README.md").read_text(encoding="utf-8")
    assert "pipeline_tag: image-classification" in card
    assert "`dög`" in card


def test_the_code_on_the_card_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_classifier(made(), tmp_path)
    monkeypatch.chdir(tmp_path)
    code = (tmp_path / "README.md").read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    names: dict[str, object] = {}
    exec(code, names)
    assert names["label"] in LABELS


def _drop_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def _other_family(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))


def _cut_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])


def _drop_tensor(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    del tensors["head.bias"]
    save_file(tensors, folder / "model.safetensors")


@pytest.mark.parametrize("damage", [_drop_config, _other_family, _cut_weights, _drop_tensor])
def test_a_folder_that_is_not_whole_is_refused(tmp_path: Path, damage: object) -> None:
    save_classifier(made(), tmp_path)
    damage(tmp_path)  # type: ignore[operator]
    with pytest.raises(InputError, match="holds no whole LeNet"):
        load_classifier(tmp_path)


def test_images_that_are_too_small_are_refused() -> None:
    assert new_classifier(("a", "b"), (16, 40), body_seed=0, head_seed=0)(
        torch.zeros(1, 16, 40, dtype=torch.uint8)
    ).shape == (1, 2)
    with pytest.raises(ValueError, match="at least 16×16"):
        new_classifier(("a", "b"), (15, 40), body_seed=0, head_seed=0)


def test_what_stands_for_the_network_in_keys_stays_the_same() -> None:
    assert lenet_encoder().name == "lenet"
    assert lenet_encoder().digest == "6bdd1f44c39cbb02fb03"
