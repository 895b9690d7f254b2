"""A small BERT made on the spot: vocabulary from the given texts, weights from the seed.

It needs no network, so it carries the demo and the tests. Its vocabulary is WordPiece, trained by
`tokenizers`. An optional warm-up predicts masked tokens of the same texts (Devlin et al. 2019: 15 % of the
tokens; here all of the chosen ones are masked, where the paper leaves 10 % and replaces 10 % by chance).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import BertConfig, BertForMaskedLM, BertTokenizer

from forelearn.core.keys import seed_from
from forelearn.models.batch import batches, collate, tokenize
from forelearn.models.positions import TINY_POSITIONS
from forelearn.models.quiet import quiet

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_MASKED = 0.15
_RATE = 1e-3
_BATCH = 32


def build_tiny(
    texts: Sequence[str],
    folder: Path,
    *,
    layers: int = 2,
    hidden: int = 64,
    heads: int = 2,
    vocabulary: int = 2000,
    mlm_epochs: int = 0,
    seed: int = 0,
) -> None:
    """Write a complete encoder folder, a BERT of `layers` × `hidden` with a vocabulary trained on `texts`.

    vocabulary: largest number of tokens, special ones included.
    mlm_epochs: passes of masked-language modelling over the texts; 0 leaves random weights.
    The same arguments give the same encoder. The global random state is left as it is.
    """
    if hidden % heads:
        raise ValueError(f"hidden ({hidden}) must be a multiple of heads ({heads})")
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _train_vocabulary(texts, vocabulary)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * hidden,
        max_position_embeddings=TINY_POSITIONS,
        pad_token_id=tokenizer.pad_token_id,
    )
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed_from("tiny", seed))
        model = BertForMaskedLM(config)
        if mlm_epochs:
            _warm_up(model, tokenizer, texts, epochs=mlm_epochs, seed=seed)
        model.bert.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def _train_vocabulary(texts: Sequence[str], size: int) -> BertTokenizer:
    backend = _wordpiece({"[UNK]": 0})
    letters = _letters(backend, texts, size // 8)
    # the trainer numbers letters in the order of a hash map and breaks ties between merges by these numbers:
    # named beforehand as special tokens, letters have the same numbers every time
    first = [*_SPECIAL, *letters, *(f"##{letter}" for letter in letters)]
    trainer = trainers.WordPieceTrainer(
        vocab_size=max(size, len(first)),
        special_tokens=first,
        initial_alphabet=letters,
        limit_alphabet=len(letters),
        show_progress=False,
        min_frequency=2,
    )
    backend.train_from_iterator(texts, trainer)
    return BertTokenizer(vocab=backend.get_vocab(), model_max_length=TINY_POSITIONS)


def _wordpiece(vocabulary: dict[str, int]) -> Tokenizer:
    backend = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return backend


def _letters(backend: Tokenizer, texts: Sequence[str], most: int) -> list[str]:
    """The `most` frequent characters of the normalised texts; ties by character."""
    count: Counter[str] = Counter()
    for text in texts:
        count.update(backend.normalizer.normalize_str(text))
    ordered = sorted(
        (item for item in count.items() if not item[0].isspace()), key=lambda item: (-item[1], item[0])
    )
    return sorted(letter for letter, _ in ordered[:most])


def _warm_up(
    model: BertForMaskedLM,
    tokenizer: BertTokenizer,
    texts: Sequence[str],
    *,
    epochs: int,
    seed: int,
) -> None:
    tokens = tokenize(tokenizer, texts, None, TINY_POSITIONS)
    optimiser = torch.optim.AdamW(model.parameters(), lr=_RATE)
    chance = np.random.default_rng(seed_from("tiny masks", seed))
    special = np.array(tokenizer.all_special_ids)
    model.train()
    for epoch in range(epochs):
        for rows in batches(tokens.lengths, _BATCH, seed_from("tiny order", seed, epoch)):
            batch = collate(tokens, rows, tokenizer.pad_token_id)
            ids = batch["input_ids"].numpy()
            masked = (chance.random(ids.shape) < _MASKED) & ~np.isin(ids, special)
            if not masked.any():
                continue
            batch["labels"] = torch.from_numpy(np.where(masked, ids, -100))
            batch["input_ids"] = torch.from_numpy(np.where(masked, tokenizer.mask_token_id, ids))
            model(**batch).loss.backward()
            optimiser.step()
            optimiser.zero_grad()
    model.train(False)
