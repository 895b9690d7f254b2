"""A card's file: what is written is read back, and what is not sound is one clear error."""

import json
import struct
from dataclasses import replace

import numpy as np
import pytest
from safetensors import safe_open
from tests.cards.made import made_card, made_target, texts

from forelearn.cards.card import file_name
from forelearn.cards.file import (
    FORMAT,
    MOST_BYTES,
    _arrays,
    _sha256,
    content_key,
    from_bytes,
    to_bytes,
    too_large,
)
from forelearn.cards.fingerprints import fingerprints
from forelearn.core.errors import InputError
from forelearn.core.run import Cost
from forelearn.estimators.esm import EsmMap, esm_score


def header_of(data):
    size = struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def changed(data, text=None, **changes):
    """The file with another JSON part, or with fields of it changed; the arrays stay."""
    header, rest = header_of(data)
    told = json.loads(header["__metadata__"][FORMAT]) | changes
    header["__metadata__"] = {FORMAT: text or json.dumps(told)} if text != "none" else {"other": "x"}
    packed = json.dumps(header).encode()
    packed += b" " * (-len(packed) % 8)
    return struct.pack("<Q", len(packed)) + packed + rest


def refusal(data):
    with pytest.raises(InputError) as error:
        from_bytes(data, "cards/flood.safetensors")
    assert error.value.exit_code == 2
    return str(error.value)


def test_a_card_is_read_back_as_it_was():
    card = made_card()
    read = from_bytes(to_bytes(card), "here")
    for name in (
        "name",
        "kind",
        "metric",
        "labels",
        "encoder",
        "embedded",
        "train",
        "dev",
        "licence",
        "made",
    ):
        assert getattr(read, name) == getattr(card, name)
    assert read.performance == card.performance
    assert read.cost == card.cost
    assert read.by == card.by
    assert np.array_equal(read.prints.exact, card.prints.exact)
    assert np.array_equal(read.prints.near, card.prints.near)
    assert np.array_equal(read.vectors["textemb"], card.vectors["textemb"])
    assert read.esm.error == card.esm.error
    assert to_bytes(read) == to_bytes(card)


def test_thirty_two_bits_move_a_score_by_less_than_it_is_shown_with():
    card = made_card()
    target, _, _ = made_target()
    read = from_bytes(to_bytes(card), "here")
    assert esm_score(read.esm, target.moments) == pytest.approx(esm_score(card.esm, target.moments), abs=1e-5)


def test_a_card_is_an_ordinary_safetensors_file(tmp_path):
    (tmp_path / "card.safetensors").write_bytes(to_bytes(made_card()))
    with safe_open(tmp_path / "card.safetensors", "np") as file:
        assert json.loads(file.metadata()[FORMAT])["source"]["name"] == "flood"
        assert set(file.keys()) >= {"esm.projection", "prints.exact", "vector/textemb"}


def test_a_card_without_a_map_and_without_vectors_is_a_card():
    read = from_bytes(to_bytes(made_card(esm=None, vectors={})), "here")
    assert read.esm is None
    assert read.vectors == {}


def test_labels_and_licences_may_hold_any_signs():
    odd = made_card(labels=("nein\n", "\u202eja \ud83d \x1b[31m"), licence='<b>"x"</b>')
    read = from_bytes(to_bytes(odd), "here")
    assert read.labels == odd.labels
    assert read.licence == odd.licence


def full(d, rank=128):
    """A card of a large source with all that a card may hold: TaskEmb has 222 components of BERT-base."""
    draw = np.random.default_rng(0)
    esm = EsmMap(draw.normal(size=(d + 1, rank)), np.ones(rank), 0.1)
    names = [f"taskemb/encoder.layer.{part}.attention.output.LayerNorm.weight" for part in range(222)]
    vectors = {name: draw.normal(size=256).astype("f4") for name in names}
    vectors["textemb"] = draw.normal(size=d).astype("f4")
    return made_card(esm=esm, vectors=vectors, prints=fingerprints(texts(20_000)))


def test_a_card_at_hidden_size_768_with_all_its_parts_is_under_a_megabyte():
    assert 500_000 < len(to_bytes(full(768))) <= MOST_BYTES == 1_000_000


def test_a_larger_card_is_refused_and_the_large_part_is_named():
    with pytest.raises(
        InputError, match=r"at most 1,000,000 bytes.*esm\.projection 1,574,912.*Leave esm\.projection"
    ):
        to_bytes(full(768, rank=512))
    with pytest.raises(InputError, match="vector/taskemb/0"):
        to_bytes(made_card(vectors={"taskemb/0": np.ones(300_000, "f4")}))


def test_a_file_over_the_limit_is_not_parsed():
    assert "field `size`" in refusal(b"\0" * (MOST_BYTES + 1))


def test_every_flipped_byte_is_found():
    data = to_bytes(made_card())
    for place in range(0, len(data), 97):
        broken = bytearray(data)
        broken[place] ^= 1
        assert refusal(bytes(broken)).startswith("cards/flood.safetensors, field `")


def test_a_file_cut_off_anywhere_is_found():
    data = to_bytes(made_card())
    for end in (0, 7, 8, 100, len(data) // 2, len(data) - 1):
        assert "field `header`" in refusal(data[:end])


def test_another_format_and_a_newer_version_are_named():
    data = to_bytes(made_card())
    assert "field `format`" in refusal(changed(data, text="none"))
    assert "format 2, this forelearn reads 1" in refusal(changed(data, version=2))
    assert "field `version`" in refusal(changed(data, version="many"))


@pytest.mark.parametrize("text", ["[]", "{", "[" * 100_000, '{"version": NaN}'])
def test_a_json_part_that_is_no_object_is_named(text):
    assert f"field `{FORMAT}`" in refusal(changed(to_bytes(made_card()), text=text))


def rewritten(fields):
    """A file with a right digest whose JSON holds other fields: made up, not damaged."""
    card = made_card()
    data = to_bytes(card)
    source = json.loads(header_of(data)[0]["__metadata__"][FORMAT])["source"] | fields
    return changed(data, source=source, sha256=_sha256(source, _arrays(card)))


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"name": "../../etc/passwd"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"kind": "clustering"}, "kind"),
        ({"train": "many"}, "train"),
        ({"train": True}, "train"),
        ({"train": 0}, "train"),
        ({"labels": [1]}, "labels"),
        ({"performance": {"first": 1.0}}, "performance"),
        ({"performance": {"0": None}}, "0"),
        ({"encoder": {"name": "tiny"}}, "digest"),
        ({"distinct": 3}, "prints.distinct"),
        ({"esm_error": -1.0}, "esm.error"),
        ({"cost": 3}, "cost"),
    ],
)
def test_a_made_up_card_is_refused_by_the_field_that_breaks_a_rule(fields, name):
    assert f"cards/flood.safetensors, field `{name}`" in refusal(rewritten(fields))


@pytest.mark.parametrize(
    "changes",
    [
        {"vectors": {"../x": np.ones(3, "f4")}},
        {"vectors": {"textemb": np.array([np.nan], "f4")}},
        {"esm": EsmMap(np.full((4, 2), np.inf), np.ones(2))},
        {"esm": EsmMap(np.ones((4, 2)), np.ones(3))},
        {"performance": {0: float("nan")}},
    ],
)
def test_an_unsound_card_is_never_written(changes):
    with pytest.raises(InputError):
        to_bytes(made_card(**changes))


@pytest.mark.parametrize(
    "name", ["../up", "/etc/passwd", "a/b", "..", "x" * 80, "Überschwemmung", "a b", "CON"]
)
def test_a_file_name_is_one_plain_name_in_the_library(name):
    file = file_name(name)
    assert file.isascii()
    assert "/" not in file
    assert not file.startswith(".")
    assert len(file) < 80


def test_names_that_differ_in_case_have_different_files():
    assert len({file_name(name).lower() for name in ("Flood", "flood", "FLOOD", "flood!")}) == 4


def test_the_content_key_says_what_ranks_and_not_when_it_was_made():
    card = made_card()
    assert content_key(card) == content_key(replace(card, made="later", by="other", cost=Cost(1.0, 1.0)))
    assert content_key(card) == content_key(from_bytes(to_bytes(card), "here"))
    assert content_key(card) != content_key(replace(card, train=61))
    assert content_key(card) != content_key(made_card(seed=1))


def test_every_card_that_is_too_large_is_said_at_once():
    """Before the first is written: what is refused leaves nothing."""
    cards = [
        made_card(name="a"),
        full(768, rank=512),
        made_card(name="b", vectors={"x": np.ones(300_000, "f4")}),
    ]
    assert len(too_large(cards)) == 2
    assert too_large(cards[:1]) == []
