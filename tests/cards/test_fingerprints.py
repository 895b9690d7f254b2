"""Leakage without texts: exact and near copies found by hashes, and what a bounded card loses."""

import numpy as np
import pytest
from tests.cards.made import WORDS, texts

from forelearn.cards.fingerprints import Watch, fingerprints
from forelearn.tasks.near import THRESHOLD, resemblance, shingles


def test_exact_copies_are_counted_once_whatever_their_case_and_spaces():
    source = ["The river  rises", "the river rises ", "Bridge closed", "something else here"]
    found = Watch(["THE RIVER RISES", "bridge\nclosed", "unrelated words entirely"]).leak(
        fingerprints(source)
    )
    assert (found.exact, found.near, found.distinct) == (2, 0, 3)
    assert found


def test_near_copies_are_found_and_are_not_exact_ones():
    """Twenty words of which one is changed share 17 of 21 word pairs: resemblance .81."""
    draw = np.random.default_rng(0)
    words = [f"{word}{number}" for word in WORDS for number in range(30)]
    rows = [list(draw.choice(words, 20, replace=False)) for _ in range(200)]
    other = [" ".join([*row[:10], "changed", *row[11:]]) for row in rows]
    rows = [" ".join(row) for row in rows]
    sets = shingles([rows[0], other[0]])
    assert resemblance(*sets) == pytest.approx(17 / 21)
    found = Watch(rows).leak(fingerprints(other))
    assert found.exact == 0
    assert 180 <= found.near <= 200


def test_texts_of_low_resemblance_are_not_near():
    """Nine words of twenty changed in a row: resemblance 9 / 29, far below the threshold."""
    draw = np.random.default_rng(1)
    words = [f"{word}{number}" for word in WORDS for number in range(30)]
    rows = [list(draw.choice(words, 20, replace=False)) for _ in range(500)]
    other = [" ".join([*row[:10], *draw.choice(words, 10)]) for row in rows]
    assert resemblance(*shingles([" ".join(rows[0]), other[0]])) < THRESHOLD / 2
    assert not Watch([" ".join(row) for row in rows]).leak(fingerprints(other))


def test_texts_without_words_are_near_to_nothing_but_their_copies():
    found = Watch(["!!!", "", "?"]).leak(fingerprints(["!!!", "...", "??"]))
    assert (found.exact, found.near) == (1, 0)


def test_the_count_is_that_of_sets_of_texts():
    """Oracle: Python's sets, on texts with many copies."""
    draw = np.random.default_rng(2)
    pool = texts(3000)
    ours, theirs = (list(draw.choice(pool, 1500)) for _ in range(2))
    assert Watch(ours).leak(fingerprints(theirs)).exact == len(set(ours) & set(theirs))


def test_order_and_copies_of_rows_change_no_fingerprint():
    rows = texts(300)
    one = fingerprints(rows, most_exact=100, most_near=40)
    other = fingerprints(rows[::-1] + rows[:50], most_exact=100, most_near=40)
    assert np.array_equal(one.exact, other.exact)
    assert np.array_equal(one.near, other.near)
    assert one.distinct == other.distinct == 300


def test_a_bounded_card_says_which_share_of_its_texts_is_checked_and_finds_that_share():
    rows = texts(1000)
    prints = fingerprints(rows, most_exact=250, most_near=100)
    assert prints.coverage == (0.25, 0.1)
    assert prints.exact.shape == (250,)
    assert prints.near.shape == (100, 64)
    found = Watch(rows[:500]).leak(prints)
    assert 100 <= found.exact <= 150
    assert found.checked == (250, 100)
    assert found.distinct == 1000


def test_no_texts_leak_nothing():
    none = fingerprints([])
    assert none.coverage == (1.0, 1.0)
    assert not Watch(texts(5)).leak(none)
    assert not Watch([]).leak(fingerprints(texts(5)))


def test_hashes_are_those_that_cards_elsewhere_were_made_with():
    """Frozen values: a change of a hash makes old cards blind, so it needs a new format version."""
    prints = fingerprints(["The river rises", "water under the bridge tonight"])
    assert prints.exact.tolist() == [7535527825178512907, 16678321672194514992]
    assert prints.near[0, :8].tolist() == [45, 12, 134, 243, 25, 97, 140, 184]
