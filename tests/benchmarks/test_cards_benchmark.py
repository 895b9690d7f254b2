"""The benchmark of cards, small: what it checks can fail."""

import pytest
from benchmarks.cards import (
    fill,
    growth,
    largest_difference,
    leaks_right,
    make_card,
    make_maps,
    make_target,
    make_world,
    rank_folder,
)

from forelearn.cards.file import to_bytes
from forelearn.cards.library import Library


@pytest.fixture(scope="module")
def ranked(tmp_path_factory):
    world = make_world(16, seed=0)
    folder = tmp_path_factory.mktemp("library") / "cards"
    fill(folder, world, 12)
    target = make_target(world, 300, seed=7)
    return world, list(Library(folder).cards()), target, *rank_folder(folder, target)


def test_every_generated_card_is_read_and_ranked(ranked):
    _, cards, _, ranking, seconds = ranked
    assert len(cards) == len(ranking.cards) == 12
    assert {len(card.scores) for card in ranking.cards} == {3}
    assert all(value is not None for card in ranking.cards for value in card.scores.values())
    assert seconds > 0


def test_scores_and_leaks_are_right_and_wrong_ones_would_be_seen(ranked):
    world, cards, target, ranking, _ = ranked
    assert largest_difference(cards, ranking, target) < 1e-9
    assert leaks_right(cards, ranking, target) == 1.0
    assert any(card.leak for card in ranking.cards)
    other = make_target(world, 300, seed=8)
    assert largest_difference(cards, ranking, other) > 1e-3
    assert leaks_right(cards, ranking, other) < 1.0


def test_growth_is_a_ratio_of_costs(ranked):
    world, cards, target, _, _ = ranked
    files = [to_bytes(card) for card in cards]
    for ratio in growth(files, target.side(), make_target(world, 250, seed=8).side(), repeats=5):
        assert 0.3 < ratio < 3.0


def test_generated_cards_differ():
    world = make_world(8, seed=0)
    maps = make_maps(world, 2, seed=1)
    one, other = make_card(world, maps, 0), make_card(world, maps, 2)
    assert (one.esm.projection != other.esm.projection).any()
    assert one.train != other.train
