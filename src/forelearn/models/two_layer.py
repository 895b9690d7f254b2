"""A classifier of texts that ends in two layers: the first token's last state → 256 → ReLU → C logits.

Source: the heads of αVIL's experiments on language, Kourdis et al. 2020 (768→256→ReLU→C on `<s>` of roberta-base).
Differs from the paper: any encoder whose tokenizer puts a classification token first. What the paper leaves open: no
dropout between the layers; a pooler of the encoder's own (BERT) is passed by; weights start as transformers starts a
head's, normal with mean 0 and the encoder's `initializer_range` (.02) as standard deviation, biases 0.

No class of transformers has this head. The saved folder's `model_type` is therefore one that transformers does not
know: an `Auto…` class refuses it, where with the encoder's own it would put a new, untrained head on top and go on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedModel, PreTrainedTokenizerBase
from transformers.modeling_outputs import SequenceClassifierOutput

from forelearn.core.errors import InputError, Problem
from forelearn.models.batch import special_ids
from forelearn.models.encoder import first_line
from forelearn.models.quiet import quiet

WIDTH = 256
"""Units between the two layers."""

USAGE = """No Auto class of transformers has its head, which is two layers on the first token; forelearn loads it:

```python
from pathlib import Path
import torch
from forelearn.models.task_model import load_model

trained = load_model(Path("."))
with torch.inference_mode():
    logits = trained.model(**trained.tokenizer("a text", return_tensors="pt")).logits
label = trained.labels[int(logits.argmax())]
```"""
"""For model cards."""

_FAMILY = "forelearn-two-layer"
_WEIGHTS, _CONFIG = "model.safetensors", "config.json"


class TwoLayerClassifier(PreTrainedModel):  # type: ignore[no-untyped-call]
    """The body, under the name that its family gives it (`bert`), and `head`: linear, ReLU, linear."""

    _supports_sdpa = True  # the body, whose configuration this is, has settled which attention it takes

    def __init__(self, body: PreTrainedModel, classes: int) -> None:
        """body: its pooler is taken off. The head's weights are to be set."""
        super().__init__(body.config)
        self.base_model_prefix = body.base_model_prefix
        if hasattr(body, "pooler"):
            body.register_module("pooler", None)
        setattr(self, self.base_model_prefix, body)
        with torch.device("meta"):  # torch's own start would draw from the global random state
            head = nn.Sequential(
                nn.Linear(body.config.hidden_size, WIDTH), nn.ReLU(), nn.Linear(WIDTH, classes)
            )
        self.head = head.to_empty(device=body.device)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
    ) -> SequenceClassifierOutput:
        """Logits [b, C]. Shape of each argument: [b, t]."""
        batch = {"input_ids": input_ids, "attention_mask": attention_mask, "token_type_ids": token_type_ids}
        output = self.base_model(**{name: values for name, values in batch.items() if values is not None})
        return SequenceClassifierOutput(logits=self.head(output.last_hidden_state[:, 0]))


def check_first_token(tokenizer: PreTrainedTokenizerBase, where: str) -> None:
    """Raise InputError unless the tokenizer puts its classification token first. where: for the message."""
    before, _ = special_ids(tokenizer)
    if not before or before[0] != tokenizer.cls_token_id:
        rule = "has a tokenizer that puts no classification token first, which a head of two layers reads."
        raise InputError(Problem(where, rule, 'Train with `head = "auto"`.'))


def save_two_layer(model: TwoLayerClassifier, labels: Sequence[str], folder: Path) -> None:
    """Write weights (safetensors) and config.json, with the encoder's configuration in it, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
    save_file(tensors, folder / _WEIGHTS, metadata={"format": "pt"})
    config = {
        "model_type": _FAMILY,
        "architectures": [type(model).__name__],
        "labels": list(labels),
        "encoder": json.loads(model.config.to_json_string()),
    }
    (folder / _CONFIG).write_text(json.dumps(config, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def is_two_layer(folder: Path) -> bool:
    """Whether the configuration in `folder` is one that `save_two_layer` writes."""
    try:
        return bool(json.loads((folder / _CONFIG).read_text(encoding="utf-8"))["model_type"] == _FAMILY)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def load_two_layer(folder: Path) -> tuple[TwoLayerClassifier, tuple[str, ...]]:
    """What `save_two_layer` wrote, and its labels. Raises InputError if the folder does not hold all of it."""
    try:
        config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        labels = tuple(str(label) for label in config["labels"])
        # a new body draws its weights before they are loaded
        with quiet(), torch.random.fork_rng(devices=[]):
            encoder = AutoConfig.for_model(**config["encoder"])
            body = AutoModel.from_config(encoder, dtype=torch.float32)  # type: ignore[no-untyped-call]
        model = TwoLayerClassifier(body, len(labels))
        model.load_state_dict(load_file(folder / _WEIGHTS))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise InputError(
            Problem(
                str(folder),
                f"holds no whole classifier of two layers: {first_line(error)}.",
                "Name the folder of a finished run, or train it again.",
            )
        ) from error
    return model, labels
