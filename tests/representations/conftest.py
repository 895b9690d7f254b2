"""Tiny random classifiers of every supported family, over one vocabulary made of generated texts."""

import pytest
import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    DebertaConfig,
    DebertaForSequenceClassification,
    DebertaV2Config,
    DebertaV2ForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from forelearn.models.heads.classification import Classification
from forelearn.models.task_model import TaskModel
from forelearn.models.tiny import build_tiny
from forelearn.models.tokenizer import load_tokenizer

# tensors this small are slower on two threads, and much slower when other tests run beside them
torch.set_num_threads(1)

TEXTS = [
    "water rises near the old bridge",
    "send blankets and food to the shelter, please",
    "the road is closed",
    "volunteers wanted: bring gloves, boots and a shovel to the north school before noon",
    "rain",
    "thank you all for the kind words",
]

_SIZE = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 80,
    # wide weights make the path curved: with the usual 0.02 any rule is exact
    "initializer_range": 0.4,
    "num_labels": 2,
}
_DISTIL = {
    "dim": 16,
    "n_layers": 3,
    "n_heads": 2,
    "hidden_dim": 24,
    "max_position_embeddings": 80,
    "initializer_range": 0.4,
    "num_labels": 2,
}
_RELATIVE = {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_biased_input": False}

FAMILIES = {
    "bert": (BertForSequenceClassification, BertConfig, _SIZE),
    "roberta": (RobertaForSequenceClassification, RobertaConfig, {**_SIZE, "type_vocab_size": 2}),
    "electra": (ElectraForSequenceClassification, ElectraConfig, {**_SIZE, "embedding_size": 12}),
    "distilbert": (DistilBertForSequenceClassification, DistilBertConfig, _DISTIL),
    "deberta": (DebertaForSequenceClassification, DebertaConfig, {**_SIZE, **_RELATIVE}),
    "deberta-v2": (DebertaV2ForSequenceClassification, DebertaV2Config, {**_SIZE, **_RELATIVE}),
    "deberta-v2 with convolution": (
        DebertaV2ForSequenceClassification,
        DebertaV2Config,
        {**_SIZE, **_RELATIVE, "conv_kernel_size": 3},
    ),
}
FAST = ["bert", "roberta", "electra", "distilbert"]


@pytest.fixture(scope="session")
def vocabulary(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    build_tiny(TEXTS, folder, layers=1, hidden=8, vocabulary=120)
    return folder


@pytest.fixture(scope="session")
def make_classifier(vocabulary):
    """family → a random classifier; `labels` other than 2 and another seed on request."""

    def make(family, *, labels=2, seed=0):
        tokenizer = load_tokenizer(vocabulary)
        model_class, config_class, options = FAMILIES[family]
        config = config_class(
            **{
                **options,
                "vocab_size": len(tokenizer),
                "pad_token_id": tokenizer.pad_token_id,
                "num_labels": labels,
            }
        )
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = model_class(config).eval()
        return TaskModel(
            model, tokenizer, Classification(tuple(f"label {number}" for number in range(labels)))
        )

    return make


@pytest.fixture(scope="session")
def bert(make_classifier):
    return make_classifier("bert")
