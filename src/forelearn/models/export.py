"""A trained folder leaves the house: copied to a place of the user's, or sent to the hub."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from huggingface_hub import HfApi
from huggingface_hub.errors import HFValidationError, HTTPError  # type: ignore[attr-defined]

from forelearn.core.errors import ForelearnError, InputError, Problem
from forelearn.models.encoder import first_line
from forelearn.models.head_name import head_name
from forelearn.models.lenet import is_lenet
from forelearn.models.two_layer import is_two_layer

_OURS = ("manifest.json",)
"""Files of the store that a model's folder does not need."""

_PIPELINES = {"SequenceClassification": "text-classification", "TokenClassification": "token-classification"}
"""Head → pipeline of transformers, which has none for multiple choice and, from 5 on, for questions."""


class HubClient(Protocol):
    """What is used of `huggingface_hub.HfApi`."""

    def create_repo(self, repo_id: str, *, private: bool, exist_ok: bool) -> object:
        """Make the repository unless it is there."""
        ...

    def upload_folder(
        self, *, repo_id: str, folder_path: Path, commit_message: str, ignore_patterns: list[str]
    ) -> object:
        """Send the files of a folder in one commit."""
        ...


def export(weights: Path, destination: Path) -> Path:
    """Copy the trained folder `weights` to `destination`, written beside and then renamed.

    Raises `InputError` if `weights` holds no trained classifier, or one whose head no `Auto…` class has, or if
    `destination` is there and not empty.
    """
    _check_weights(weights)
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise InputError(
            Problem(
                str(destination),
                "is there already and is not an empty folder.",
                "Name another folder, or empty it first.",
            )
        )
    destination.parent.mkdir(parents=True, exist_ok=True)
    place = destination.resolve()  # `.` has no name
    beside = place.with_name(f".{place.name}.part")
    if beside.exists():
        shutil.rmtree(beside)
    shutil.copytree(weights, beside, ignore=shutil.ignore_patterns(*_OURS))
    if place.exists():
        place.rmdir()
    beside.rename(place)
    return destination


def usage(folder: Path) -> str:
    """The line of Python that loads the trained folder: a pipeline where transformers has one for its head."""
    if is_lenet(folder):
        return f'forelearn.models.lenet.load_classifier("{folder}")'
    (architecture,) = json.loads((folder / "config.json").read_text(encoding="utf-8"))["architectures"]
    head = head_name(architecture)
    if head in _PIPELINES:
        return f'transformers.pipeline("{_PIPELINES[head]}", "{folder}")'
    return f'transformers.AutoModelFor{head}.from_pretrained("{folder}")'


def push(weights: Path, repo_id: str, *, private: bool = True, api: HubClient | None = None) -> str:
    """Upload the trained folder `weights` to the hub as `repo_id`, and return its id.

    private: whether a repository that is made is private. api: the hub's client; by default the hub's own,
    with the user's stored login.
    Raises `InputError` for a malformed id and `ForelearnError` if the hub refuses.
    """
    _check_weights(weights)
    client: HubClient = HfApi() if api is None else api
    try:
        client.create_repo(repo_id, private=private, exist_ok=True)
        client.upload_folder(
            repo_id=repo_id,
            folder_path=weights,
            commit_message="Upload a classifier trained by forelearn",
            ignore_patterns=list(_OURS),
        )
    except HFValidationError as error:
        raise InputError(
            Problem(f"hub id `{repo_id}`", f"is not valid: {first_line(error)}", "Write it as `owner/name`.")
        ) from error
    except (HTTPError, OSError) as error:
        raise ForelearnError(
            f"the hub did not take `{repo_id}`: {first_line(error)} "
            "Check the login (`hf auth login`) and the network."
        ) from error
    return repo_id


def _check_weights(weights: Path) -> None:
    if is_two_layer(weights):
        raise InputError(
            Problem(
                str(weights),
                "ends in a head of two layers, which no Auto class of transformers has and none could load.",
                'Train it with `head = "auto"` to export it; `forelearn predict` takes it as it is.',
            )
        )
    needed: Iterable[str] = ("config.json", "README.md")
    if not is_lenet(weights):
        needed = (*needed, "tokenizer.json")
    missing = [name for name in needed if not (weights / name).is_file()]
    if missing or not list(weights.glob("*.safetensors")):
        lacks = missing[0] if missing else "*.safetensors"
        raise InputError(
            Problem(
                str(weights), f"holds no trained classifier ({lacks} is missing).", "Name a finished run."
            )
        )
