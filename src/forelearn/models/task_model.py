"""An encoder with the head of a task, its tokenizer and its label names, in an ordinary Hugging Face folder.

The encoder is what transformers calls the base model, the head is everything else. Where a family keeps its
pooler in the base model (BERT), the pooler is part of the encoder and is transferred; where it lies outside
(DeBERTa, and the dense layer of RoBERTa, ELECTRA and DistilBERT), it is part of the head and starts anew. Heads
that read every token have no use for BERT's pooler: it travels beside them, unchanged, in a file of its own, so
that a classification after them finds it. So it does beside a head of two layers (`two_layer`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from transformers import AutoModel, PreTrainedModel, PreTrainedTokenizerBase

from forelearn.core.errors import InputError, Problem
from forelearn.core.task import Kind
from forelearn.models.encoder import Shape, first_line, read_config
from forelearn.models.heads import Head, head_in
from forelearn.models.heads.classification import Classification
from forelearn.models.quiet import quiet
from forelearn.models.tokenizer import load_tokenizer
from forelearn.models.two_layer import (
    TwoLayerClassifier,
    check_first_token,
    is_two_layer,
    load_two_layer,
    save_two_layer,
)

_POOLER = "pooler."
_POOLER_FILE = "pooler.safetensors"


@dataclass(frozen=True, slots=True)
class TaskModel:
    """model: a model of one of the `Auto…` classes, or a `TwoLayerClassifier`, in evaluation mode, 32-bit weights, on
    the CPU until moved.

    head: what it reads, gives and learns. pooler: the encoder's pooler by name, where `model` has none.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    head: Head
    pooler: Mapping[str, torch.Tensor] = field(default_factory=dict)

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names by index; for a binary task (negative, positive)."""
        return self.head.labels

    @property
    def kind(self) -> Kind:
        """The kind of task."""
        return self.head.kind

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


def load_model(folder: Path) -> TaskModel:
    """The model in `folder`, written by `save_model` or by `save_pretrained`, with the head that it has."""
    if is_two_layer(folder):
        classifier, labels = load_two_layer(folder)
        pooler = _pooler(folder, classifier)
        return TaskModel(classifier.train(False), load_tokenizer(folder), Classification(labels), pooler)
    head = head_in(read_config(folder), str(folder))
    model, missing = _load(folder, head)
    if missing:
        raise InputError(
            Problem(
                str(folder),
                f"is an encoder without a trained head (`{missing[0]}` is missing).",
                "Train it first, or name the folder of a finished run.",
            )
        )
    return TaskModel(
        model.train(False), load_tokenizer(folder), head, _outside(_pooler(folder, model), model)
    )


def new_model(start: Path, head: Head, *, seed: int, two_layers: bool = False) -> TaskModel:
    """The encoder in `start` with a new head.

    start: the folder of an encoder, or of a trained model whose head is dropped.
    seed: decides the new weights; the global random state is left as it is.
    two_layers: a classification ends in two layers on the first token (`two_layer`). Raises InputError for an encoder
        whose tokenizer puts no classification token there.
    """
    tokenizer = load_tokenizer(start)
    model, missing = _load_below(start, head, tokenizer) if two_layers else _load(start, head)
    head.check(model, str(start))
    prefix = f"{model.base_model_prefix}."
    anew = {name for name in missing if name.startswith(prefix)}
    anew |= {name for name, _ in model.named_parameters() if not name.startswith(prefix)}
    pooler = _pooler(start, model)
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name in sorted(anew & {prefix + name for name in pooler}):
            parameters[name].copy_(pooler[name.removeprefix(prefix)])
            anew.discard(name)
    _initialise(model, anew, torch.Generator().manual_seed(seed))
    return TaskModel(model.train(False), tokenizer, head, _outside(pooler, model))


def new_classifier(start: Path, labels: Sequence[str], *, seed: int) -> TaskModel:
    """The encoder in `start` with a new head that classifies."""
    return new_model(start, Classification(tuple(labels)), seed=seed)


def save_model(task_model: TaskModel, folder: Path) -> None:
    """Write weights (safetensors), configuration with label names, and tokenizer into `folder`."""
    with quiet():
        if isinstance(task_model.model, TwoLayerClassifier):
            save_two_layer(task_model.model, task_model.labels, folder)
        else:
            task_model.model.save_pretrained(folder)
        task_model.tokenizer.save_pretrained(folder)
    if task_model.pooler:
        save_file(dict(task_model.pooler), folder / _POOLER_FILE, metadata={"format": "pt"})


def _load_below(
    start: Path, head: Head, tokenizer: PreTrainedTokenizerBase
) -> tuple[PreTrainedModel, list[str]]:
    """The encoder in `start` below two new layers, and the names of its parameters that the folder does not hold."""
    assert isinstance(head, Classification)
    check_first_token(tokenizer, str(start))
    body, missing = _load(start, head, AutoModel)
    model = TwoLayerClassifier(body, len(head.names))
    held = {name for name, _ in model.named_parameters()}
    below = (f"{model.base_model_prefix}.{name}" for name in missing)
    return model, [name for name in below if name in held]


def _load(folder: Path, head: Head, auto: Any = None) -> tuple[PreTrainedModel, list[str]]:
    """A model with `head` from `folder`, and the names of parameters that the folder does not hold.

    auto: the class of transformers to load; the head's own by default.
    """
    config = read_config(folder)
    config.id2label = dict(enumerate(head.names))
    config.label2id = {name: index for index, name in enumerate(head.names)}
    config.problem_type = "regression" if head.kind == "regression" else None
    try:
        # the loader draws numbers for what it does not find; they are drawn again, from our own seed
        with quiet(), torch.random.fork_rng(devices=[]):
            model, report = (auto or head.auto).from_pretrained(
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
                f"cannot be loaded for {head.kind.replace('_', ' ')}: {first_line(error)}",
                f"Use an encoder of a family that has a {head.pipeline} head in transformers.",
            )
        ) from error
    mismatched = [entry[0] if isinstance(entry, tuple) else entry for entry in report["mismatched_keys"]]
    return model, sorted({*report["missing_keys"], *mismatched})


def _pooler(folder: Path, model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """The encoder's pooler in a folder by name (`pooler.dense.weight`), beside the weights or among them.

    Empty if there is none, or where the pooler belongs to the head (DeBERTa) and starts anew with it.
    """
    prefix = f"{model.base_model_prefix}."
    if any(name.startswith(_POOLER) for name, _ in model.named_parameters()):
        return {}
    found: dict[str, torch.Tensor] = {}
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 (not a mapping)
                if name.removeprefix(prefix).startswith(_POOLER):
                    found[name.removeprefix(prefix)] = tensors.get_tensor(name).to(torch.float32)
    return found


def _outside(pooler: Mapping[str, torch.Tensor], model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """What of a pooler the model itself does not hold."""
    held = {name for name, _ in model.named_parameters()}
    return {
        name: values for name, values in pooler.items() if f"{model.base_model_prefix}.{name}" not in held
    }


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
