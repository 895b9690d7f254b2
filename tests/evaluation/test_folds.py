import itertools

import pytest

from forelearn.evaluation.folds import leave_one_target_out

PAIRS = list(itertools.permutations("abc", 2))
SOURCES, TARGETS = [a for a, _ in PAIRS], [b for _, b in PAIRS]


def test_the_held_out_target_is_neither_target_nor_source_of_a_training_row():
    """Pairs ab, ac, ba, bc, ca, cb: with a held out, ba and ca are tested and bc and cb are left to train
    on.
    """
    folds = leave_one_target_out(TARGETS, SOURCES)
    assert [fold.target for fold in folds] == ["a", "b", "c"]
    assert folds[0].test.tolist() == [2, 4]
    assert folds[0].train.tolist() == [3, 5]
    for fold in folds:
        assert all(fold.target not in PAIRS[row] for row in fold.train)


def test_every_row_is_tested_once():
    assert sorted(row for fold in leave_one_target_out(TARGETS, SOURCES) for row in fold.test) == list(
        range(6)
    )


def test_one_target_leaves_nothing_to_train_on():
    (fold,) = leave_one_target_out(["t", "t"], ["a", "b"])
    assert (len(fold.train), len(fold.test)) == (0, 2)


def test_columns_of_different_length_are_refused():
    with pytest.raises(ValueError, match="2 targets but 1 sources"):
        leave_one_target_out(["t", "t"], ["a"])
