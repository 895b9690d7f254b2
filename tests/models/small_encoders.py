"""Tiny random encoders of every family the project is tested with, saved as a user would have them."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import (
    AutoModel,
    BertConfig,
    DebertaConfig,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    PretrainedConfig,
    RobertaConfig,
)

from forelearn.models.tiny import build_tiny
from forelearn.models.tokenizer import load_tokenizer

TEXTS = tuple(f"{word} water in the {place} street" for word in ("high", "low", "no") for place in "abcdef")
FAMILIES = ("bert", "roberta", "distilbert", "electra", "deberta", "deberta-v2")


def build(family: str, folder: Path) -> Path:
    """A saved encoder of `family` with the tokenizer of a tiny one."""
    tiny = folder / "tiny"
    build_tiny(TEXTS, tiny, layers=1, hidden=16, vocabulary=200)
    tokenizer = load_tokenizer(tiny)
    target = folder / family
    torch.manual_seed(0)
    AutoModel.from_config(_config(family, len(tokenizer))).save_pretrained(target)
    tokenizer.save_pretrained(target)
    return target


def _config(family: str, vocabulary: int) -> PretrainedConfig:
    shape = {
        "vocab_size": vocabulary,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 64,
        "pad_token_id": 0,
    }
    if family == "distilbert":
        return DistilBertConfig(
            vocab_size=vocabulary,
            dim=16,
            n_layers=2,
            n_heads=2,
            hidden_dim=32,
            max_position_embeddings=64,
            pad_token_id=0,
        )
    if family == "electra":
        return ElectraConfig(**shape, embedding_size=8)
    if family == "deberta-v2":
        return DebertaV2Config(**shape, relative_attention=True, pos_att_type=["p2c", "c2p"])
    if family == "deberta":
        return DebertaConfig(**shape, relative_attention=True, pos_att_type=["p2c", "c2p"])
    return {"bert": BertConfig, "roberta": RobertaConfig}[family](**shape)
