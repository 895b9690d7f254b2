from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from huggingface_hub.errors import (
    GatedRepoError,
    HTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)
from safetensors.torch import load_file, save_file
from tests.models.small_encoders import TEXTS, build

from forelearn.core.errors import InputError
from forelearn.models import encoder as module
from forelearn.models.encoder import encoder_digest, encoder_shape, open_encoder
from forelearn.models.task_model import new_classifier, save_model
from forelearn.models.tiny import build_tiny


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("bert", tmp_path_factory.mktemp("bert"))


def test_an_encoder_is_known_by_its_content_and_not_by_its_path(bert: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere" / "copy"
    shutil.copytree(bert, copy)
    one, folder = open_encoder(str(copy))
    other, _ = open_encoder(str(bert))
    assert one.digest == other.digest
    assert one.name == str(copy)
    assert folder == copy


def test_a_single_changed_weight_changes_the_identity(bert: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bert, copy)
    tensors = load_file(copy / "model.safetensors")
    next(iter(tensors.values())).view(-1)[0] += 1
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    assert encoder_digest(copy) != encoder_digest(bert)


@pytest.mark.parametrize(("entry", "same"), [("_name_or_path", True), ("hidden_act", False)])
def test_only_configuration_that_matters_is_part_of_the_identity(
    bert: Path, tmp_path: Path, entry: str, same: bool
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bert, copy)
    config = json.loads((copy / "config.json").read_text())
    config[entry] = "relu"
    (copy / "config.json").write_text(json.dumps(config))
    assert (encoder_digest(copy) == encoder_digest(bert)) == same


def test_sharding_the_weights_changes_nothing(bert: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bert, copy)
    tensors = load_file(copy / "model.safetensors")
    (copy / "model.safetensors").unlink()
    names = sorted(tensors)
    for index, part in enumerate((names[::2], names[1::2])):
        save_file({name: tensors[name] for name in part}, copy / f"model-0000{index}.safetensors")
    assert encoder_digest(copy) == encoder_digest(bert)


def test_the_tokenizer_is_part_of_the_identity(bert: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bert, copy)
    text = (copy / "tokenizer.json").read_text()
    (copy / "tokenizer.json").write_text(text.replace('"lowercase": true', '"lowercase": false'))
    assert encoder_digest(copy) != encoder_digest(bert)


def test_the_shape_is_read_from_the_files(bert: Path) -> None:
    """16 wide, 2 layers of: 4·(16² + 16) attention + 2·32 norms + 16·32 + 32 + 32·16 + 16 = 2,224 each."""
    shape = encoder_shape(bert)
    vocabulary = json.loads((bert / "config.json").read_text())["vocab_size"]
    embeddings = (vocabulary + 64 + 2) * 16 + 32
    assert (shape.layers, shape.hidden, shape.heads) == (2, 16, 2)
    assert shape.parameters == embeddings + 2 * 2224 + 16 * 16 + 16


def _no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def _broken_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def _unknown_family(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "no-such-family"}')


def _no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _cut_short(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-10])


def _no_tokenizer(folder: Path) -> None:
    for file in folder.glob("*token*"):
        file.unlink()


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_no_config, "no config.json"),
        (_broken_config, "not JSON"),
        (_unknown_family, "transformers knows"),
        (_no_weights, "no *.safetensors"),
        (_pickled, "a pickle"),
        (_cut_short, "cut short"),
        (_no_tokenizer, "no tokenizer files"),
    ],
)
def test_a_damaged_folder_is_refused_with_its_fault(
    bert: Path, tmp_path: Path, damage: object, says: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bert, copy)
    assert callable(damage)
    damage(copy)
    with pytest.raises(InputError) as refused:
        open_encoder(str(copy))
    assert says in str(refused.value)
    assert str(copy) in str(refused.value)


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/folder", "a/b/c"])
def test_a_missing_folder_is_refused_without_asking_the_hub(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "snapshot_download", lambda *_, **__: pytest.fail("the hub was asked"))
    with pytest.raises(InputError, match="no such folder"):
        open_encoder(name)


def test_a_hub_id_is_downloaded_without_pickles(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}

    def download(name: str, *, allow_patterns: list[str], cache_dir: Path) -> str:
        asked.update(name=name, patterns=allow_patterns, cache=cache_dir)
        return str(bert)

    monkeypatch.setattr(module, "snapshot_download", download)
    encoder, folder = open_encoder("owner/name", cache=tmp_path)
    assert (encoder.name, folder) == ("owner/name", bert)
    assert asked["name"] == "owner/name"
    assert asked["cache"] == tmp_path
    assert not [pattern for pattern in asked["patterns"] if pattern.endswith((".bin", ".pt", ".py", "*"))]


ANSWER = SimpleNamespace(
    headers={}, status_code=403, request=SimpleNamespace(url="", method="GET", headers={})
)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (LocalEntryNotFoundError("no connection"), "hub could not be reached"),
        (HTTPError("no proxy"), "hub could not be reached"),
        (RepositoryNotFoundError("404", response=ANSWER), "neither a folder nor an id"),  # type: ignore[arg-type]
        (GatedRepoError("403", response=ANSWER), "is gated on the hub. Accept its terms"),  # type: ignore[arg-type]
    ],
)
def test_why_the_hub_gave_no_encoder_is_said(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(*_: object, **__: object) -> str:
        raise error

    monkeypatch.setattr(module, "snapshot_download", download)
    with pytest.raises(InputError, match=said):
        open_encoder("owner/name")


def test_a_tiny_encoder_is_the_same_for_the_same_arguments(tmp_path: Path) -> None:
    digests = []
    state = torch.get_rng_state()
    for index, seed in enumerate((5, 5, 6)):
        build_tiny(TEXTS, tmp_path / str(index), layers=1, hidden=16, vocabulary=150, mlm_epochs=1, seed=seed)
        digests.append(encoder_digest(tmp_path / str(index)))
    assert digests[0] == digests[1] != digests[2]
    assert torch.equal(state, torch.get_rng_state())


def test_the_warm_up_lowers_the_loss_on_masked_tokens(tmp_path: Path) -> None:
    """Random weights tell nothing of a masked word; after 30 passes frequent words are nearer to one another."""
    for epochs in (0, 30):
        build_tiny(TEXTS * 4, tmp_path / str(epochs), layers=1, hidden=16, vocabulary=150, mlm_epochs=epochs)
    cold, warm = (load_file(tmp_path / str(epochs) / "model.safetensors") for epochs in (0, 30))
    name = "embeddings.word_embeddings.weight"
    assert not torch.equal(cold[name], warm[name])
    assert warm[name].isfinite().all()


def test_a_classifier_folder_can_be_opened_as_an_encoder(bert: Path, tmp_path: Path) -> None:
    save_model(new_classifier(bert, ("a", "b", "c"), seed=0), tmp_path)
    encoder, _ = open_encoder(str(tmp_path))
    assert encoder.digest != encoder_digest(bert)
