"""Ranking cards for a target: against estimators on the rows laid out, and with what cannot be scored."""

import math
import subprocess
import sys

import numpy as np
import pytest
from tests.cards.made import BASE, EMBEDDED, made_card, made_target, texts

from forelearn.cards.fingerprints import Watch, fingerprints
from forelearn.cards.rank import TargetSide, rank_cards
from forelearn.core.scores import Scores
from forelearn.core.transfer import Encoder
from forelearn.estimators.fusion import fuse
from forelearn.estimators.logme import logme
from forelearn.estimators.similarity import similarities


def library(count=6, **changes):
    return [made_card(f"task {n}", seed=n, rows=40 + 10 * n, **changes) for n in range(count)]


def by_name(ranking):
    return {card.name: card for card in ranking.cards}


def test_scores_are_those_of_the_estimators_on_the_rows_laid_out():
    cards = library()
    target, base, labels = made_target()
    found = by_name(rank_cards(iter(cards), target))
    vectors = np.stack([target.vectors["textemb"], *(card.vectors["textemb"] for card in cards)])
    cosine = similarities(vectors)[0, 1:]
    for place, card in enumerate(cards):
        scores = found[card.name].scores
        assert scores["esm"] == pytest.approx(logme(card.esm.apply(base), labels), abs=1e-6)
        assert scores["textemb"] == pytest.approx(cosine[place], abs=1e-6)
        assert scores["size"] == pytest.approx(math.log(card.train))


def test_the_order_is_the_reciprocal_rank_fusion_of_the_estimators():
    cards = library()
    ranking = rank_cards(cards, made_target()[0])
    scores = [
        Scores("quake", name, {card.name: card.scores[name] for card in ranking.cards}) for name in ranking.by
    ]
    fused = fuse(scores)
    assert [card.name for card in ranking.cards] == fused.order()
    assert {card.name: card.fused for card in ranking.cards} == pytest.approx(fused.values)
    assert [card.rank for card in ranking.cards] == sorted(card.rank for card in ranking.cards)


def test_the_order_in_which_cards_come_changes_nothing():
    target = made_target()[0]
    one, other = rank_cards(library(), target), rank_cards(library()[::-1], target)
    assert [card.name for card in one.cards] == [card.name for card in other.cards]
    for ours, theirs in zip(one.cards, other.cards, strict=True):
        assert ours.scores == pytest.approx(theirs.scores)


def test_cards_that_nothing_tells_apart_share_a_rank():
    cards = [made_card(name, seed=3) for name in ("a", "b")] + [made_card("c", seed=4, rows=500)]
    ranking = by_name(rank_cards(cards, made_target()[0], by=["size"]))
    assert [ranking[name].rank for name in ("c", "a", "b")] == [1, 2, 2]


def test_a_card_of_another_base_encoder_is_listed_with_the_reason():
    other = made_card("other", encoder=Encoder("bert-base", "f" * 20), rows=10_000 // 100)
    otherwise = made_card("otherwise", embedded="first token, 128 tokens")
    found = by_name(rank_cards([*library(4), other, otherwise], made_target()[0], by=["textemb", "esm"]))
    assert found["other"].rank is None
    assert found["other"].reasons["esm"] == "it was made under another base encoder, `bert-base`"
    assert "embedded otherwise" in found["otherwise"].reasons["textemb"]
    assert list(found)[-2:] == ["other", "otherwise"]


def test_a_card_without_a_map_keeps_its_other_scores():
    found = by_name(rank_cards([*library(4), made_card("bare", esm=None)], made_target()[0]))
    assert found["bare"].scores["esm"] is None
    assert found["bare"].reasons == {"esm": "it has no ESM map"}
    assert found["bare"].scores["size"] is not None
    assert found["bare"].rank is not None


def test_a_target_without_a_label_a_row_is_ranked_by_the_rest_and_says_why():
    whole = made_target()[0]
    bare = TargetSide(
        "quake", BASE.digest, EMBEDDED, whole.vectors, whole.watch, None, "it has no label a text"
    )
    found = rank_cards(library(), bare)
    assert all(card.reasons["esm"] == "it has no label a text" for card in found.cards)
    assert all(card.rank is not None for card in found.cards)


def test_text_embeddings_of_too_few_cards_are_not_centred():
    found = by_name(rank_cards([made_card()], made_target()[0]))
    assert found["flood"].reasons["textemb"] == "too few cards to remove their mean"


def test_further_vectors_are_compared_by_cosine_and_their_components_fused():
    """By hand: over two components the first card is first and second, the second card second and first."""
    cards = [
        made_card("a", vectors={"taskemb/one": np.float32([1, 0]), "taskemb/two": np.float32([1, 1])}),
        made_card("b", vectors={"taskemb/one": np.float32([1, 1]), "taskemb/two": np.float32([1, 0])}),
    ]
    target = made_target(vectors={"taskemb/one": np.array([2.0, 0.0]), "taskemb/two": np.array([3.0, 0.0])})[
        0
    ]
    found = by_name(rank_cards(cards, target, by=["taskemb/one", "taskemb"]))
    assert found["a"].scores["taskemb/one"] == pytest.approx(1.0)
    assert found["b"].scores["taskemb/one"] == pytest.approx(1 / math.sqrt(2))
    assert found["a"].scores["taskemb"] == pytest.approx(1 / 61 + 1 / 62)
    assert found["b"].scores["taskemb"] == pytest.approx(1 / 61 + 1 / 62)


def test_a_source_that_has_learned_the_targets_test_rows_is_flagged_and_no_other():
    watched = texts(50, seed=99)
    thief = made_card("thief", prints=fingerprints([*texts(60, seed=5), *watched[:20]]))
    found = by_name(rank_cards([*library(3), thief], made_target(watched=watched)[0]))
    assert (found["thief"].leak.exact, found["thief"].leak.near) == (20, 0)
    assert not any(found[f"task {number}"].leak for number in range(3))


def test_what_cannot_be_ranked_is_refused():
    target = made_target()[0]
    with pytest.raises(ValueError, match="two cards"):
        rank_cards([made_card(), made_card()], target)
    with pytest.raises(ValueError, match="no vector `grademb`"):
        rank_cards([made_card()], target, by=["grademb"])
    with pytest.raises(ValueError, match="at least one"):
        rank_cards([made_card()], target, by=[])


def test_an_empty_library_is_an_empty_ranking():
    assert rank_cards([], made_target()[0]).cards == ()


def test_a_constant_vector_has_no_direction():
    same = made_target()[0].vectors["textemb"].astype("f4")
    cards = [*library(3), made_card("zero", vectors={"taskemb": np.zeros(3, "f4"), "textemb": same})]
    target = made_target(vectors={"taskemb": np.ones(3)})[0]
    found = by_name(rank_cards(cards, target, by=["taskemb", "size"]))
    assert found["zero"].reasons["taskemb"] == "a vector has no direction"


def test_the_target_side_holds_no_row_but_its_watched_texts():
    few, many = (made_target(rows=rows)[0] for rows in (50, 5000))
    assert few.moments.gram.nbytes == many.moments.gram.nbytes
    assert isinstance(many.watch, Watch)


@pytest.mark.slow
def test_ranking_cards_loads_no_encoder():
    code = "import sys, forelearn.cards.rank, forelearn.cards.library; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
