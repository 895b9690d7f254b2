from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from tests.models.small_encoders import TEXTS
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerBase

from forelearn.models.batch import Tokens, alike, batches, collate, reading_batches, tokenize
from forelearn.models.tiny import build_tiny
from forelearn.models.tokenizer import load_tokenizer

lengths_of_texts = some.lists(some.integers(1, 60), min_size=1, max_size=200).map(
    lambda lengths: np.array(lengths, np.int64)
)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerBase:
    folder = tmp_path_factory.mktemp("tiny")
    build_tiny(TEXTS, folder, layers=1, hidden=16, vocabulary=200)
    return load_tokenizer(folder)


def test_tokens_are_those_of_the_tokenizer(tokenizer: PreTrainedTokenizerBase) -> None:
    tokens = tokenize(tokenizer, TEXTS, None, 32)
    for index, text in enumerate(TEXTS):
        row = tokens.ids[tokens.offsets[index] : tokens.offsets[index + 1]]
        assert row.tolist() == tokenizer(text)["input_ids"]
    assert tokens.types is None


def test_no_example_is_longer_than_asked_and_the_tokenizer_is_left_as_it_was(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    tokens = tokenize(tokenizer, ["water " * 50, "water"], None, 8)
    assert tokens.lengths.tolist()[0] == 8
    assert len(tokenizer("water " * 50)["input_ids"]) > 8


def test_pairs_carry_their_segments(tokenizer: PreTrainedTokenizerBase) -> None:
    """[CLS] high [SEP] low water [SEP]: the first three are of segment 0."""
    tokens = tokenize(tokenizer, ["high"], ["low water"], 32)
    batch = collate(tokens, np.array([0]), 0)
    assert batch["token_type_ids"].tolist() == [[0, 0, 0, 1, 1, 1]]


def test_segments_of_a_single_text_are_kept_where_not_all_are_the_first(tmp_path: Path) -> None:
    """As of Funnel, whose [CLS] is of segment 2."""
    build_tiny(TEXTS, tmp_path, layers=1, hidden=16, vocabulary=200)
    tokenizer = load_tokenizer(tmp_path)
    assert tokenize(tokenizer, ["high water"], None, 32).types is None
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="[CLS]:2 $A:0 [SEP]:0",
        special_tokens=[("[CLS]", tokenizer.cls_token_id), ("[SEP]", tokenizer.sep_token_id)],
    )
    found = tokenize(tokenizer, ["high water"], None, 32)
    assert found.types is not None
    assert found.types.tolist() == [2, *[0] * (len(found.ids) - 1)]


def test_the_same_texts_are_tokenised_once(tokenizer: PreTrainedTokenizerBase) -> None:
    first = tokenize(tokenizer, TEXTS, None, 30)
    assert tokenize(tokenizer, list(TEXTS), None, 30) is first
    assert tokenize(tokenizer, TEXTS, None, 29) is not first
    assert tokenize(tokenizer, TEXTS[:-1], None, 30) is not first


def test_texts_that_concatenate_alike_are_told_apart(tokenizer: PreTrainedTokenizerBase) -> None:
    assert len(tokenize(tokenizer, ["high water"], None, 30)) == 1
    assert len(tokenize(tokenizer, ["high", " water"], None, 30)) == 2


def test_no_texts_give_no_tokens(tokenizer: PreTrainedTokenizerBase) -> None:
    assert len(tokenize(tokenizer, [], None, 30)) == 0
    assert batches(np.zeros(0, np.int64), 4, 0) == []
    assert reading_batches(np.zeros(0, np.int64), rows=4) == []


@given(lengths_of_texts, some.integers(1, 40), some.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_every_example_is_in_one_batch_and_one_batch_at_most_is_short(
    lengths: np.ndarray, size: int, seed: int
) -> None:
    cut = batches(lengths, size, seed)
    assert sorted(np.concatenate(cut).tolist()) == list(range(len(lengths)))
    assert sum(len(rows) != size for rows in cut) <= 1
    assert all(len(rows) <= size for rows in cut)


def test_the_seed_alone_decides_the_order() -> None:
    lengths = np.arange(1, 101)
    one, same, other = (batches(lengths, 8, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_batches_of_like_length_are_padded_little() -> None:
    lengths = np.random.default_rng(0).integers(5, 80, 2000)
    padded = sum(lengths[rows].max() * len(rows) for rows in batches(lengths, 32, 0))
    at_random = sum(lengths[start : start + 32].max() * 32 for start in range(0, 2000, 32))
    assert padded / lengths.sum() < 1.06
    assert at_random / lengths.sum() > 1.7


@given(
    lengths_of_texts,
    some.one_of(some.none(), some.integers(1, 40)),
    some.one_of(some.none(), some.integers(1, 300)),
    some.sampled_from([0.0, 0.05, 0.3, 1.0]),
)
@settings(max_examples=100, deadline=None)
def test_rows_alike_keep_to_every_limit_and_no_batch_is_cut_without_need(
    lengths: np.ndarray, rows: int | None, tokens: int | None, padding: float
) -> None:
    def is_within(batch: np.ndarray) -> bool:
        padded = lengths[batch].max() * len(batch)
        return (
            len(batch) <= (rows or len(batch))
            and padded <= (tokens or padded)
            and lengths[batch].sum() >= (1 - padding) * padded
        )

    cut = alike(lengths, rows=rows, tokens=tokens, padding=padding)
    assert sorted(np.concatenate(cut).tolist()) == list(range(len(lengths)))
    assert (np.diff(lengths[np.concatenate(cut)]) >= 0).all()
    assert all(is_within(batch) or len(batch) == 1 for batch in cut)
    assert not any(is_within(np.append(batch, following[0])) for batch, following in pairwise(cut))


def test_only_a_cpu_reads_in_batches_smaller_than_it_may() -> None:
    """40 items of two sequences each, of 10 to 49 tokens: 32 sequences are 16 items."""
    lengths = np.arange(10, 50)
    given = {device: reading_batches(lengths, width=2, rows=32, device=device) for device in ("cpu", "cuda")}
    assert [len(batch) for batch in given["cuda"]] == [8, 16, 16]
    assert max(len(batch) for batch in given["cpu"]) <= 16
    for batch in given["cpu"]:
        assert lengths[batch].sum() >= 0.9 * lengths[batch].max() * len(batch)
    for found in given.values():
        tops = [int(lengths[batch].max()) for batch in found]
        assert tops == sorted(tops, reverse=True)
    long = np.full(40, 500)
    assert {len(batch) for batch in reading_batches(long, rows=64)} == {
        4
    }  # 2,000 tokens, not more than 2,048
    assert {len(batch) for batch in reading_batches(long, tokens=1000)} == {2}
    assert [len(batch) for batch in reading_batches(long, rows=64, device="cuda")] == [40]


def test_padding_is_masked_and_a_full_batch_has_no_mask() -> None:
    """Examples [1 2 3] and [4]: widths 3 and 1, so the second row is 4 and two pads."""
    tokens = Tokens(np.array([1, 2, 3, 4], np.int32), np.array([0, 3, 4], np.int64))
    both = collate(tokens, np.array([0, 1]), 9)
    assert both["input_ids"].tolist() == [[1, 2, 3], [4, 9, 9]]
    assert both["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert set(collate(tokens, np.array([0]), 9)) == {"input_ids"}
