"""How many tokens an encoder has positions for: the rows of its table of absolute positions.

Families that count positions from behind the padding token (RoBERTa and what was made from it) cannot use the first
`pad_token_id` + 1 rows. Encoders without a table (relative or rotary positions) take texts of any length.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TINY_POSITIONS = 128
"""Of the built-in encoder."""

_BEHIND_PADDING = frozenset(
    {
        "camembert",
        "data2vec-text",
        "ibert",
        "lilt",
        "longformer",
        "luke",
        "markuplm",
        "mpnet",
        "roberta",
        "roberta-prelayernorm",
        "xlm-roberta",
        "xlm-roberta-xl",
        "xmod",
    }
)
"""Model types whose first position is `pad_token_id` + 1."""

_BEHIND_TWO = frozenset({"mra", "nystromformer", "yoso"})
"""Model types whose first position is 2, whatever the padding token."""


def positions(config: Any, shapes: Mapping[str, tuple[int, ...]]) -> int | None:
    """The most tokens of a text, special ones included; None if nothing bounds them.

    config: of transformers. shapes: name → shape of every tensor in the encoder's files.
    """
    rows = [
        shape[0]
        for name, shape in shapes.items()
        if name.split(".")[-2:] == ["position_embeddings", "weight"]
    ]
    if not rows or not getattr(
        config, "position_biased_input", True
    ):  # DeBERTa may hold a table and not read it
        return None
    first = 2 if config.model_type in _BEHIND_TWO else 0
    if config.model_type in _BEHIND_PADDING:
        first = int(config.pad_token_id) + 1
    return min(rows) - first
