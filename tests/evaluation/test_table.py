"""A table is a pure value: what is a candidate, what is judged, what a half of the seeds shows."""

from dataclasses import replace

import numpy as np
import pytest
from tests.evaluation.tables import table_of


def test_a_task_is_never_a_candidate_source_of_itself():
    table = table_of([[0.1, 0.2], [0.3, 0.4]], itself=((0, 1),))
    assert table.candidates.tolist() == [[True, False], [True, True]]


def test_a_pair_without_a_value_is_no_candidate():
    table = table_of([[np.nan, 0.2], [0.3, 0.4]])
    assert table.candidates.tolist() == [[False, True], [True, True]]


def test_targets_without_a_baseline_are_judged_by_performance():
    table = table_of([[0.1, 0.2], [0.3, 0.4]])
    mixed = replace(table, gains=np.where([[[True]], [[False]]], table.gains, np.nan))
    assert mixed.known.tolist() == [True, False]
    np.testing.assert_allclose(mixed.values[:, :, 0], [[0.1, 0.2], [0.8, 0.9]])


def test_a_half_of_the_seeds_shows_its_own_baselines_alone():
    gains = np.arange(12.0).reshape(2, 2, 3)
    table = table_of(gains, baselines=np.arange(6.0).reshape(2, 3))
    half = table.with_seeds([2, 0])
    assert half.seeds == ("2", "0")
    np.testing.assert_array_equal(half.gains, gains[:, :, [2, 0]])
    np.testing.assert_array_equal(half.baselines, [[2.0, 0.0], [5.0, 3.0]])


def test_arranging_moves_every_part_alike():
    table = table_of([[0.1, 0.2], [0.3, 0.4]], itself=((0, 1),), costs=np.array([[1.0, 2.0], [3.0, 4.0]]))
    moved = table.arranged([1, 0], [1, 0])
    assert moved.targets == ("t1", "t0")
    assert moved.itself == ((1, 0),)
    np.testing.assert_array_equal(moved.costs, [[4.0, 3.0], [2.0, 1.0]])
    np.testing.assert_array_equal(moved.gains[:, :, 0], [[0.4, 0.3], [0.2, 0.1]])


def test_a_part_of_the_wrong_shape_is_refused():
    with pytest.raises(ValueError, match="costs"):
        table_of([[0.1, 0.2]], costs=np.ones((2, 2)))
