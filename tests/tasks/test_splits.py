"""Splits and samples."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forelearn.tasks.splits import Item, SplitPlan, by_groups, by_rows, sample, split_items, subsample

SHARES = {"dev": 0.15, "test": 0.25}


def items(labels, groups=None):
    return [
        Item(
            f"d{place}",
            (label,) if isinstance(label, str) else tuple(label),
            groups[place] if groups else "",
            "",
            "",
        )
        for place, label in enumerate(labels)
    ]


many = st.lists(st.sampled_from(["a", "b", "c", "rare"]), min_size=1, max_size=80)


@given(labels=many, seed=st.integers(0, 5))
def test_row_splits_keep_the_shares_and_do_not_depend_on_the_order_of_rows(labels, seed):
    found = items(labels)
    split = by_rows(found, SHARES, seed=seed)
    assert split == by_rows(found[::-1], SHARES, seed=seed)
    assert split.keys() == {item.id for item in found}
    counts = Counter(split.values())
    strata = len(set(labels))
    for name, share in SHARES.items():
        assert abs(counts[name] - share * len(labels)) <= strata + 1


@given(labels=many)
def test_every_label_with_three_documents_reaches_every_split_by_row(labels):
    split = by_rows(items(labels), SHARES, seed=0)
    for label, count in Counter(labels).items():
        reached = {split[f"d{place}"] for place, one in enumerate(labels) if one == label}
        assert count < 3 or reached == {"train", "dev", "test"}


def test_row_splits_deal_out_by_hand():
    """Of 20 `a` and 20 `b`: dev 3 and 3 (0.15 × 20), test 5 and 5 (0.25 × 20), train 12 and 12."""
    found = items(["a", "b"] * 20)
    split = by_rows(found, SHARES, seed=1)
    counts = Counter((item.labels[0], split[item.id]) for item in found)
    assert counts == {
        (label, name): count for label in "ab" for name, count in (("dev", 3), ("test", 5), ("train", 12))
    }


def test_another_seed_gives_another_split():
    found = items(["a", "b"] * 50)
    assert by_rows(found, SHARES, seed=0) != by_rows(found, SHARES, seed=1)


def test_adding_documents_of_another_label_moves_no_document_by_more_than_rounding():
    before = by_rows(items(["a"] * 100), SHARES, seed=0)
    after = by_rows(items(["a"] * 100 + ["b"] * 100), SHARES, seed=0)
    assert all(after[name] == split for name, split in before.items())


@settings(max_examples=30)
@given(
    sizes=st.lists(st.integers(1, 30), min_size=3, max_size=20),
    seed=st.integers(0, 3),
)
@pytest.mark.slow
def test_group_splits_are_disjoint_complete_and_do_not_depend_on_the_order_of_rows(sizes, seed):
    groups = [f"g{number}" for number, size in enumerate(sizes) for _ in range(size)]
    found = items(["a"] * len(groups), groups)
    split, problems = by_groups(found, SHARES, seed=seed, where="here")
    assert not problems
    assert split.keys() == set(groups)
    assert set(split.values()) == {"train", "dev", "test"}
    assert by_groups(found[::-1], SHARES, seed=seed, where="here")[0] == split


def test_group_splits_lie_near_the_wished_shares():
    groups = [f"g{number}" for number in range(26) for _ in range(40 + number)]
    split, _ = by_groups(items(["a"] * len(groups), groups), SHARES, seed=0, where="here")
    counts = Counter(split[group] for group in groups)
    assert abs(counts["dev"] / len(groups) - 0.15) < 0.03
    assert abs(counts["test"] / len(groups) - 0.25) < 0.03


def test_a_label_in_three_groups_reaches_every_split_by_group():
    groups = [f"g{number}" for number in range(20) for _ in range(10)]
    labels = [("rare", "a") if group in ("g3", "g7", "g11") else ("a",) for group in groups]
    split, _ = by_groups(items(labels, groups), SHARES, seed=0, where="here")
    assert {split["g3"], split["g7"], split["g11"]} == {"train", "dev", "test"}


def test_too_few_groups_are_said():
    split, (problem,) = by_groups(items(["a", "a"], ["x", "y"]), SHARES, seed=0, where="here")
    assert split == {}
    assert "2 groups cannot fill 3 splits" in problem.what


def test_by_group_without_groups_is_said_and_split_by_row():
    found = items(["a", "b"] * 20)
    split, (problem,) = split_items(found, SplitPlan(by="group"), where="here")
    assert problem.level == "warning"
    assert split == by_rows(found, SHARES, seed=0)


def test_groups_are_used_where_nothing_is_said_and_rows_where_there_are_none():
    groups = [f"g{number % 9}" for number in range(90)]
    split, _ = split_items(items(["a"] * 90, groups), SplitPlan(), where="here")
    assert all(
        len({split[f"d{place}"] for place in range(90) if groups[place] == group}) == 1 for group in groups
    )


def given_items(splits, groups=None):
    return [
        Item(f"d{place}", ("ab"[place % 2],), groups[place] if groups else "", split, f"t.csv, row {place}")
        for place, split in enumerate(splits)
    ]


def test_given_splits_are_kept_and_dev_is_taken_out_of_train_alone():
    found = given_items(["train"] * 80 + ["test"] * 20)
    split, problems = split_items(found, SplitPlan(), where="here")
    assert not problems
    assert [split[item.id] for item in found[80:]] == ["test"] * 20
    assert Counter(split.values()) == {"train": 64, "dev": 16, "test": 20}


@pytest.mark.parametrize(
    ("splits", "part"),
    [
        (["train"] * 4, "no test rows"),
        (["test"] * 4, "no train rows"),
        (["train", "", "test"], "Rows without a split"),
    ],
)
def test_given_splits_that_lack_something_are_refused(splits, part):
    split, problems = split_items(given_items(splits), SplitPlan(), where="here")
    assert split == {}
    assert any(part in problem.what for problem in problems)


def test_groups_torn_by_given_splits_are_an_error_by_group_and_a_warning_else():
    found = given_items(["train", "train", "test", "test", "dev", "dev"], ["x", "y", "x", "z", "w", "w"])
    split, (problem,) = split_items(found, SplitPlan(by="group"), where="here")
    assert split == {}
    assert "x (first at t.csv, row 0)" in problem.what
    split, (problem,) = split_items(found, SplitPlan(), where="here")
    assert split
    assert problem.level == "warning"


@given(labels=many, rows=st.integers(1, 90), seed=st.integers(0, 3))
def test_a_sample_has_the_wished_size_and_keeps_rare_labels(labels, rows, seed):
    found = items(labels)
    kept = sample(found, rows, seed=seed)
    assert len(kept) == min(rows, len(labels))
    quota = max(1, rows // (2 * len(set(labels))))
    counts = Counter(labels)
    have = Counter(item.labels[0] for item in found if item.id in kept)
    if rows >= len(counts):
        assert all(have[label] >= min(count, quota) for label, count in counts.items())
    assert sample(found[::-1], rows, seed=seed) == kept


def test_a_sample_of_common_labels_is_the_plain_random_one():
    """Without labels nothing is rare; with two labels of equal share the same documents are drawn."""
    plain = sample([Item(f"d{place}", (), "", "", "") for place in range(400)], 100, seed=0)
    assert sample(items(["a", "b"] * 200), 100, seed=0) == plain


def test_positions_of_a_subsample_are_in_order_and_keep_the_rare_label():
    labels = [0] * 990 + [1] * 10
    kept = subsample(labels, 40, seed=0)
    assert len(kept) == 40
    assert kept == sorted(kept)
    assert sum(labels[place] for place in kept) >= 10
