"""A classifier: an encoder with a head, its tokenizer and its label names, in an ordinary Hugging Face
folder.

The encoder is what transformers calls the base model, the head is everything else. Where a family keeps its
pooler in the base model (BERT), the pooler is part of the encoder and is transferred; where it lies outside
(DeBERTa, and the dense layer of RoBERTa, ELECTRA and DistilBERT), it is part of the head and starts anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from forelearn.core.errors import InputError, Problem
from forelearn.models.encoder import Shape, first_line, read_config
from forelearn.models.quiet import quiet


@dataclass(frozen=True, slots=True)
class Classifier:
    """model: a sequence-classification model in evaluation mode, 32-bit weights, on the CPU until it is
    moved.

    labels: names by index; for a binary task (negative, positive).
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    labels: tuple[str, ...]

    @property
    def encoder(self) -> PreTrainedModel:
        """The body without the head."""
        body = self.model.base_model
        assert isinstance(body, PreTrainedModel)
        return body

    @property
    def pad_id(self) -> int:
        """The token id that fills a batch up."""
        return int(self.tokenizer.pad_token_id or 0)

    def shape(self) -> Shape:
        """The size of the encoder."""
        return shape_of(self.encoder)


def shape_of(encoder: PreTrainedModel) -> Shape:
    """Layers, hidden size, heads and parameters of an encoder in memory."""
    config = encoder.config
    return Shape(
        layers=int(config.num_hidden_layers),
        hidden=int(config.hidden_size),
        heads=int(config.num_attention_heads),
        parameters=sum(parameter.numel() for parameter in encoder.parameters()),
    )


def load_classifier(folder: Path) -> Classifier:
    """The classifier in `folder`, written by `save_classifier` or by `save_pretrained`."""
    config = read_config(folder)
    names: dict[int, str] = config.to_dict().get("id2label") or {}
    labels = tuple(names[index] for index in sorted(names))
    model, missing = _load(folder, labels)
    if missing:
        raise InputError(
            Problem(
                str(folder),
                f"is an encoder without a trained head (`{missing[0]}` is missing).",
                "Train it first, or name the folder of a finished run.",
            )
        )
    return Classifier(model.train(False), load_tokenizer(folder), labels)


def new_classifier(start: Path, labels: Sequence[str], *, seed: int) -> Classifier:
    """The encoder in `start` with a new head for `labels`.

    start: the folder of an encoder, or of a classifier whose head is dropped.
    seed: decides the new weights; the global random state is left as it is.
    """
    model, missing = _load(start, tuple(labels))
    inside = f"{model.base_model_prefix}."
    anew = {name for name in missing if name.startswith(inside)}
    anew |= {name for name, _ in model.named_parameters() if not name.startswith(inside)}
    _initialise(model, anew, torch.Generator().manual_seed(seed))
    return Classifier(model.train(False), load_tokenizer(start), tuple(labels))


def save_classifier(classifier: Classifier, folder: Path) -> None:
    """Write weights (safetensors), configuration with label names, and tokenizer into `folder`."""
    with quiet():
        classifier.model.save_pretrained(folder)
        classifier.tokenizer.save_pretrained(folder)


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The fast tokenizer in `folder`. Raises `InputError` if there is none: words are found by it."""
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (ValueError, OSError, KeyError, ImportError) as error:
        raise InputError(
            Problem(
                str(folder),
                f"its tokenizer cannot be loaded: {first_line(error)}",
                "Save a fast tokenizer into it (tokenizer.json).",
            )
        ) from error
    if not tokenizer.is_fast:
        raise InputError(
            Problem(
                str(folder), "has no fast tokenizer.", "Convert it: a tokenizer.json is needed to find words."
            )
        )
    return tokenizer


def _load(folder: Path, labels: tuple[str, ...]) -> tuple[PreTrainedModel, list[str]]:
    """A classifier for `labels` from `folder`, and the names of parameters that the folder does not hold."""
    config = read_config(folder)
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: index for index, label in enumerate(labels)}
    config.problem_type = None
    try:
        # the loader draws numbers for what it does not find; they are drawn again below, from our own seed
        with quiet(), torch.random.fork_rng(devices=[]):
            model, report = AutoModelForSequenceClassification.from_pretrained(
                folder,
                config=config,
                dtype=torch.float32,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
    except (ValueError, OSError, RuntimeError) as error:
        raise InputError(
            Problem(
                str(folder),
                f"cannot be loaded as a text classifier: {first_line(error)}",
                "Use an encoder of a family with a sequence-classification head.",
            )
        ) from error
    mismatched = [entry[0] if isinstance(entry, tuple) else entry for entry in report["mismatched_keys"]]
    return model, sorted({*report["missing_keys"], *mismatched})


def _initialise(model: PreTrainedModel, names: set[str], generator: torch.Generator) -> None:
    """Give parameters `names` new values as transformers does: normal weights, zero biases, unit norms."""
    spread = float(getattr(model.config, "initializer_range", 0.02))
    with torch.no_grad():
        for path, module in model.named_modules():
            for name, parameter in module.named_parameters(recurse=False):
                if f"{path}.{name}" not in names:
                    continue
                if name == "bias" or parameter.dim() == 0:
                    parameter.zero_()
                elif isinstance(module, nn.LayerNorm) or parameter.dim() == 1:
                    parameter.fill_(1.0)
                else:
                    parameter.normal_(0.0, spread, generator=generator)
