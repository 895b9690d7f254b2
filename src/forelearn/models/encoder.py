"""Encoders: a hub id or a folder becomes a local folder and an identity.

The identity is the content: tensors by name, type, shape and bytes (however they are sharded), the
configuration without the entries that change nothing, and the tokenizer's files. Two folders with the same
content are the same encoder wherever they lie. Only safetensors are read and no remote code is run.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (  # type: ignore[attr-defined]  # HTTPError is the base of its client's own
    GatedRepoError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)
from transformers import AutoConfig, PretrainedConfig

from forelearn.core.errors import InputError, Problem
from forelearn.core.keys import KEY_LENGTH, canonical
from forelearn.core.transfer import Encoder
from forelearn.models.positions import positions
from forelearn.models.quiet import quiet

_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spm.model",
    "sentencepiece.bpe.model",
    "spiece.model",
)
_HUB_FILES = ("*.safetensors", "*.safetensors.index.json", "config.json", *_TOKENIZER_FILES)
_WITHOUT_EFFECT = frozenset(
    {
        "_name_or_path",
        "name_or_path",
        "transformers_version",
        "architectures",
        "torch_dtype",
        "dtype",
        "id2label",
        "label2id",
        "num_labels",
        "problem_type",
        "tokenizer_file",
        "cache_dir",
        "truncation",
        "padding",
    }
)
"""Entries that record where a file came from, what its last head was, or how a tokenizer was last called."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How large an encoder is. `parameters` counts the encoder's without any head."""

    layers: int
    hidden: int
    heads: int
    parameters: int


def open_encoder(name: str, *, cache: Path | None = None) -> tuple[Encoder, Path]:
    """The encoder called `name`, a hub id or a local folder, and the local folder that holds it.

    cache: where hub files are kept; by default where the hub's own client keeps them.
    Raises `InputError` if there is no such encoder, it has no safetensors, or it cannot be read.
    """
    folder = Path(name).expanduser()
    if not folder.is_dir():
        folder = _download(name, cache)
    return Encoder(name, encoder_digest(folder)), folder


def encoder_digest(folder: Path) -> str:
    """The identity of the encoder in `folder`: a digest of weights, configuration and tokenizer."""
    config = read_config(folder)
    content = hashlib.sha256()
    for name, kind, shape, data in sorted(_tensors(folder), key=lambda tensor: tensor[0]):
        content.update(f"{name}|{kind}|{shape}|".encode())
        content.update(data)
    content.update(canonical(_effective(config.to_dict())).encode())
    for file in _tokenizer_files(folder):
        content.update(f"|{file.name}|".encode())
        if file.suffix == ".json":
            content.update(canonical(_effective(_read_json(file))).encode())
        else:
            content.update(file.read_bytes())
    return content.hexdigest()[:KEY_LENGTH]


def read_config(folder: Path) -> PretrainedConfig:
    """The configuration in `folder`; `InputError` if it is missing, damaged or of an unknown family."""
    if not (folder / "config.json").is_file():
        raise InputError(
            Problem(
                str(folder), "has no config.json.", "Name a folder written by `save_pretrained`, or a hub id."
            )
        )
    _read_json(folder / "config.json")
    try:
        with quiet():
            config: PretrainedConfig = AutoConfig.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
            return config
    except (ValueError, KeyError, OSError) as error:
        raise InputError(
            Problem(
                str(folder / "config.json"),
                f"is not a configuration that transformers knows: {first_line(error).rstrip('.')}.",
                "Use an encoder of a family built into transformers; remote code is never run.",
            )
        ) from error


def encoder_shape(folder: Path) -> Shape:
    """Layers, hidden size, heads and parameters of the encoder in `folder`, read from its files' headers alone.

    Raises InputError for whatever keeps `encoder_digest` from reading the folder.
    The parameters are those of every tensor in the files, so a head that is saved with them counts too.
    """
    config = read_config(folder)
    tensors = [tensor for file in _weight_files(folder) for tensor in _header(file)]
    parameters = sum(math.prod(shape) for _, _, shape, _, _ in tensors)
    _tokenizer_files(folder)
    try:
        return Shape(
            layers=int(config.num_hidden_layers),
            hidden=int(config.hidden_size),
            heads=int(config.num_attention_heads),
            parameters=parameters,
        )
    except AttributeError as error:
        rule = f"is not of one encoder of texts: {first_line(error)}."
        raise InputError(
            Problem(str(folder / "config.json"), rule, "Name an encoder of texts, such as BERT.")
        ) from error


def encoder_positions(folder: Path) -> int | None:
    """The most tokens that the encoder in `folder` reads of a text; None if nothing bounds them. Raises InputError."""
    tensors = [tensor for file in _weight_files(folder) for tensor in _header(file)]
    return positions(read_config(folder), {name: shape for name, _, shape, _, _ in tensors})


def first_line(error: BaseException) -> str:
    """The first line of what `error` says, for use inside a message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _download(name: str, cache: Path | None) -> Path:
    looks_local = name.startswith((".", "/", "~")) or name.count("/") > 1
    if looks_local:
        raise InputError(Problem(f"encoder `{name}`", "no such folder.", "Check the path, or name a hub id."))
    try:
        with quiet():
            folder = Path(snapshot_download(name, allow_patterns=list(_HUB_FILES), cache_dir=cache))
    except GatedRepoError as error:  # a kind of repository that is not found
        raise InputError(
            Problem(
                f"encoder `{name}`",
                "is gated on the hub.",
                "Accept its terms there, then `hf auth login`.",
            )
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise InputError(
            Problem(
                f"encoder `{name}`",
                "is neither a folder nor an id on the hub.",
                "Check the spelling; private ids need `hf auth login`.",
            )
        ) from error
    except (LocalEntryNotFoundError, HTTPError, OSError) as error:
        raise InputError(
            Problem(
                f"encoder `{name}`",
                f"is not a local folder, and the hub could not be reached: {first_line(error).rstrip('.')}.",
                "Check the network, or give the path of a folder.",
            )
        ) from error
    return folder


def _weight_files(folder: Path) -> list[Path]:
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        other = sorted(folder.glob("*.bin")) + sorted(folder.glob("*.pt"))
        what = f"has its weights in {other[0].name}, a pickle." if other else "has no *.safetensors."
        raise InputError(
            Problem(
                str(folder),
                what,
                "Only safetensors are read: convert it with `save_pretrained`, or choose another encoder.",
            )
        )
    return files


def _tensors(folder: Path) -> Iterator[tuple[str, str, tuple[int, ...], memoryview]]:
    """Name, type, shape and bytes of every tensor, straight from the files, one file in memory."""
    for file in _weight_files(folder):
        entries = _header(file)
        data = memoryview(file.read_bytes())
        for key, kind, shape, first, last in entries:
            yield key, kind, shape, data[first:last]


def _header(file: Path) -> list[tuple[str, str, tuple[int, ...], int, int]]:
    """Name, type, shape, first byte and end of every tensor in a file, of which its header alone is read."""
    size = file.stat().st_size
    found = []
    try:
        with file.open("rb") as stream:
            start = 8 + int.from_bytes(stream.read(8), "little")
            if start > size:
                raise ValueError("its header would be longer than the file")
            header = json.loads(stream.read(start - 8))
        for key, value in header.items():
            if key == "__metadata__":
                continue
            first, last = value["data_offsets"]
            if start + last > size:
                raise ValueError("the file is cut short")
            found.append((key, value["dtype"], tuple(value["shape"]), start + first, start + last))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            Problem(
                str(file),
                f"is not a whole safetensors file: {first_line(error)}.",
                "Copy or download it again.",
            )
        ) from error
    return found


def _tokenizer_files(folder: Path) -> list[Path]:
    found = [folder / file for file in _TOKENIZER_FILES if (folder / file).is_file()]
    if not found:
        raise InputError(
            Problem(str(folder), "has no tokenizer files.", "Save the tokenizer into it (`save_pretrained`).")
        )
    return found


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(
            Problem(str(file), f"is not JSON: {first_line(error)}.", "Copy or download it again.")
        ) from error


def _effective(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: item for key, item in value.items() if key not in _WITHOUT_EFFECT and item is not None}
