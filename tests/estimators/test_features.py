import math

import numpy as np
import pytest

from forelearn.core.errors import InputError
from forelearn.core.recipe import Recipe
from forelearn.estimators.features import (
    ANSAT,
    F1,
    F1_ANSAT,
    Columns,
    FeatureTable,
    ansat_columns,
    column,
    f1_columns,
    join,
    recipe_columns,
)

THRESHOLDS = np.arange(1, 15) / 20


def test_the_papers_feature_sets_have_2_42_and_44_columns():
    columns = join(
        f1_columns([0.1], [0.2]), ansat_columns(np.zeros((1, 3, 14)), THRESHOLDS), column("size", [3])
    )
    assert columns.only(F1).names == ("f1.source", "f1.target")
    assert len(columns.only(ANSAT).names) == 42
    assert len(columns.only(F1_ANSAT).names) == 44
    assert columns.groups()["size"] == [44]


def test_ansat_columns_are_named_by_set_and_threshold():
    values = np.arange(42.0).reshape(1, 3, 14)
    columns = ansat_columns(values, THRESHOLDS)
    assert columns.names[0] == "ansat.source@0.05"
    assert columns.names[-1] == "ansat.both@0.70"
    assert columns.named(["ansat.target@0.10"]).rows.tolist() == [[15.0]]
    with pytest.raises(ValueError, match="expected values"):
        ansat_columns(values[:, :2], THRESHOLDS)


def test_recipe_columns_are_numbers_and_a_ready_encoder_has_none():
    columns = recipe_columns(
        [Recipe(learning_rate=2**-15, positive_weight="sqrt"), None],
        [Recipe(batch_size=16), Recipe(batch_size=64)],
    )
    assert columns.named(["recipe.source.learning_rate"]).rows[0, 0] == -15
    assert columns.named(["recipe.target.batch_size"]).rows.ravel().tolist() == [4, 6]
    assert columns.named(["recipe.source.positive_weight=sqrt"]).rows[0, 0] == 1
    sources = [place for place, name in enumerate(columns.names) if name.startswith("recipe.source")]
    assert np.isnan(columns.rows[1, sources]).all()
    assert np.isfinite(columns.rows[0]).all()


def test_an_unknown_group_or_column_is_refused_by_name_with_a_suggestion():
    columns = f1_columns([0.1], [0.2])
    with pytest.raises(InputError, match=r"no group `f2`\. Known: f1"):
        columns.only(["f2"])
    with pytest.raises(InputError, match=r"no column `f1.sorce`.*Did you mean `f1.source`"):
        columns.named(["f1.sorce"])


def test_infinite_values_repeated_names_and_ragged_tables_are_refused():
    with pytest.raises(ValueError, match="finite or NaN"):
        column("x", [math.inf])
    with pytest.raises(ValueError, match="unique"):
        join(column("x", [1]), column("x", [2]))
    with pytest.raises(ValueError, match="1 column names"):
        Columns(("x",), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="differ in length"):
        FeatureTable(("x",), np.zeros((2, 1)), ("t", "t"), ("a",), np.zeros(2))
    with pytest.raises(ValueError, match="a failed run has no row"):
        FeatureTable(("x",), np.zeros((1, 1)), ("t",), ("a",), np.array([math.nan]))


def test_the_canonical_order_does_not_depend_on_how_rows_arrived(made):
    table, _ = made
    shuffled = table.pick(np.random.default_rng(0).permutation(len(table)))
    assert np.array_equal(shuffled.in_order().rows, table.in_order().rows, equal_nan=True)
    assert shuffled.in_order().sources == table.in_order().sources
