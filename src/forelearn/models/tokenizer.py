"""The tokenizer in an encoder's folder, by itself: who counts tokens needs no network, and no second for its import."""

from __future__ import annotations

from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from forelearn.core.errors import InputError, Problem
from forelearn.models.encoder import first_line
from forelearn.models.quiet import quiet


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
