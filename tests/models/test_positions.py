"""How long a text an encoder reads: as many tokens as it has positions for, and not one more."""

from types import SimpleNamespace

import pytest
import torch
from tests.models.small_encoders import FAMILIES, build
from transformers import AutoModel

from forelearn.models.encoder import encoder_positions
from forelearn.models.positions import TINY_POSITIONS, positions

BOUNDED = {"bert": 64, "roberta": 63, "distilbert": 64, "electra": 64, "deberta": 64, "deberta-v2": 64}
"""Of tables with 64 rows: RoBERTa counts from behind the padding token, which is token 0 here."""


def read(folder, tokens: int) -> None:
    model = AutoModel.from_pretrained(folder).train(False)
    with torch.no_grad():
        model(input_ids=torch.full((1, tokens), 5), attention_mask=torch.ones(1, tokens, dtype=torch.long))


@pytest.mark.parametrize("family", FAMILIES)
def test_an_encoder_reads_as_many_tokens_as_it_has_positions_for_and_not_one_more(family, tmp_path):
    folder = build(family, tmp_path)
    most = encoder_positions(folder)
    assert most == BOUNDED[family]
    read(folder, most)
    with pytest.raises((IndexError, RuntimeError)):
        read(folder, most + 1)


@pytest.mark.parametrize(("family", "most"), [("luke", 62), ("nystromformer", 62), ("bert", 64)])
def test_positions_before_the_first_are_not_counted(family, most):
    """A table of 64 rows; the padding token is 1. Nystromformer begins at 2 whatever that is."""
    config = SimpleNamespace(model_type=family, pad_token_id=1)
    assert positions(config, {"embeddings.position_embeddings.weight": (64, 8)}) == most


def test_the_built_in_encoder_has_as_many_positions_as_a_check_believes(tmp_path):
    build("bert", tmp_path)
    assert encoder_positions(tmp_path / "tiny") == TINY_POSITIONS


def test_an_encoder_of_relative_positions_alone_reads_texts_of_any_length(tmp_path):
    from transformers import DebertaV2Config, DebertaV2Model

    config = DebertaV2Config(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        relative_attention=True,
        position_biased_input=False,
        pos_att_type=["p2c", "c2p"],
    )
    DebertaV2Model(config).save_pretrained(tmp_path)
    assert encoder_positions(tmp_path) is None
    read(tmp_path, 200)
