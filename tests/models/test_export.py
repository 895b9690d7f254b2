from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub.errors import HfHubHTTPError, HTTPError
from tests.models.small_encoders import build

from forelearn.core.errors import ForelearnError, InputError
from forelearn.models import lenet
from forelearn.models.export import export, push, usage
from forelearn.models.head_name import head_name
from forelearn.models.lenet import load_classifier, save_classifier
from forelearn.models.task_model import load_model, new_classifier, save_model


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    start = build("bert", folder)
    save_model(new_classifier(start, ("a", "b"), seed=0), folder / "weights")
    (folder / "weights" / "README.md").write_text("# card")
    (folder / "weights" / "manifest.json").write_text("{}")
    return folder / "weights"


def test_a_head_is_known_by_the_end_of_the_models_name() -> None:
    assert head_name("BertForSequenceClassification") == "SequenceClassification"
    assert head_name("RoFormerForTokenClassification") == "TokenClassification"
    assert head_name("XLNetForQuestionAnsweringSimple") == "QuestionAnswering"
    assert head_name("BertModel") == "BertModel"


def test_an_exported_folder_is_whole_and_loads(trained: Path, tmp_path: Path) -> None:
    destination = export(trained, tmp_path / "new" / "place")
    assert load_model(destination).labels == ("a", "b")
    assert (destination / "README.md").read_text() == "# card"
    assert not (destination / "manifest.json").exists()
    assert [path.name for path in destination.parent.iterdir()] == ["place"]


def test_an_empty_folder_that_one_stands_in_is_filled(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    export(trained, Path("."))
    assert load_model(tmp_path / "here").labels == ("a", "b")


def test_a_network_for_images_is_exported_without_a_tokenizer(tmp_path: Path) -> None:
    save_classifier(lenet.new_classifier(("a", "b"), body_seed=0, head_seed=0), tmp_path / "weights")
    destination = export(tmp_path / "weights", tmp_path / "place")
    assert load_classifier(destination).labels == ("a", "b")
    assert usage(destination) == f'forelearn.models.lenet.load_classifier("{destination}")'


def test_an_empty_folder_may_be_the_destination(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    export(trained, tmp_path / "place")
    assert (tmp_path / "place" / "config.json").is_file()


def test_a_folder_that_holds_something_is_never_written_into(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="not an empty folder"):
        export(trained, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_what_an_earlier_attempt_left_beside_is_replaced(trained: Path, tmp_path: Path) -> None:
    (tmp_path / ".place.part").mkdir()
    (tmp_path / ".place.part" / "half.safetensors").write_text("half")
    export(trained, tmp_path / "place")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["place"]
    assert not (tmp_path / "place" / "half.safetensors").exists()


def test_a_folder_without_a_classifier_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no trained classifier"):
        export(tmp_path, tmp_path / "place")


class Hub:
    """Records what is sent, and fails when told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls: list[tuple[str, dict[str, object]]] = []
        self.error = error

    def create_repo(self, repo_id: str, *, private: bool, exist_ok: bool) -> None:
        if self.error:
            raise self.error
        self.calls.append(("create", {"repo_id": repo_id, "private": private, "exist_ok": exist_ok}))

    def upload_folder(
        self, *, repo_id: str, folder_path: Path, commit_message: str, ignore_patterns: list[str]
    ) -> None:
        self.calls.append(("upload", {"repo_id": repo_id, "folder": folder_path, "ignored": ignore_patterns}))


def test_a_push_makes_a_private_repository_and_sends_the_folder(trained: Path) -> None:
    hub = Hub()
    assert push(trained, "me/flood", api=hub) == "me/flood"
    assert hub.calls == [
        ("create", {"repo_id": "me/flood", "private": True, "exist_ok": True}),
        ("upload", {"repo_id": "me/flood", "folder": trained, "ignored": ["manifest.json"]}),
    ]


def test_a_hub_that_refuses_is_a_failure_with_a_next_step(trained: Path) -> None:
    with pytest.raises(ForelearnError, match="hf auth login"):
        push(trained, "me/flood", api=Hub(OSError("no network")))
    with pytest.raises(ForelearnError, match="hf auth login"):
        push(trained, "me/flood", api=Hub(HTTPError("no network")))  # of the library that asks
    assert issubclass(HfHubHTTPError, HTTPError)
