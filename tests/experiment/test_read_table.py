"""Files as tables: wide and long, and every oddity handled, counted or refused with file and row."""

from pathlib import Path

import numpy as np
import pytest

from forelearn.core.errors import InputError
from forelearn.experiment.read_table import read_table
from forelearn.experiment.table_file import TableOptions

LONG = """Target,source,seed,performance,baseline,cost,score_size,note
a,b,1,0.60,0.5,2,10,x
a,b,2,0.64,0.5,4,10,y
a,c,1,0.55,0.5,2,30,x
a,c,2,0.57,0.5,2,30,x
b,a,1,0.70,0.8,2,20,x
b,a,2,0.74,0.8,2,20,x
b,c,1,0.80,0.8,2,40,x
"""
WIDE = "target\\source,a,b,c\na,0.9,0.6,0.5\nb,0.7,0.8,-\n"


def write(folder: Path, text: str, name: str = "table.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def read(folder: Path, text: str, name: str = "table.csv", **options: object):
    return read_table(write(folder, text, name), TableOptions(**options))


def refused(folder: Path, text: str, **options: object) -> list[str]:
    with pytest.raises(InputError) as error:
        read(folder, text, **options)
    return [str(problem) for problem in error.value.problems]


def test_a_long_table(tmp_path):
    table, warnings = read(tmp_path, LONG)
    assert (table.targets, table.sources, table.seeds) == (("a", "b"), ("a", "b", "c"), ("1", "2"))
    np.testing.assert_allclose(table.gains[0, 1], [0.10, 0.14])
    np.testing.assert_allclose(table.gains[1, 2], [0.0, np.nan])
    np.testing.assert_allclose(table.baselines, [[0.5], [0.8]])
    np.testing.assert_allclose(table.costs[0], [9 / 4, 3.0, 2.0])  # a pair without runs: the mean
    np.testing.assert_allclose(table.scores["size"], [[np.nan, 10, 30], [20, np.nan, 40]])
    assert table.unit == 100.0
    assert table.baseline_costs.tolist() == [0.0, 0.0]
    assert warnings == ()
    assert table.counts == {"rows": 7, "cells with fewer seeds": 1, "further columns": 1}


def test_a_wide_table_keeps_its_diagonal_as_a_control(tmp_path):
    table, _ = read(tmp_path, WIDE)
    assert table.itself == ((0, 0), (1, 1))
    assert not table.known.any()
    assert table.candidates.tolist() == [[False, True, True], [True, False, False]]
    np.testing.assert_allclose(table.performances[:, :, 0], [[0.9, 0.6, 0.5], [0.7, 0.8, np.nan]])
    assert table.counts["missing cells"] == 1


def test_the_diagonal_or_a_source_can_be_the_baseline(tmp_path):
    table, _ = read(tmp_path, WIDE, baseline="diagonal")
    np.testing.assert_allclose(table.gains[:, :, 0], [[0.0, -0.3, -0.4], [-0.1, 0.0, np.nan]])
    table, _ = read(tmp_path, WIDE.replace("c\n", "Random\n", 1) + "c,0.5,0.6,0.4\n", baseline="random")
    assert table.sources == ("a", "b")
    np.testing.assert_allclose(table.gains[2, :, 0], [0.1, 0.2])
    assert table.known.tolist() == [True, False, True]


def test_a_wide_table_may_have_seeds_and_a_baseline_column(tmp_path):
    text = "task,seed,b,c,baseline\na,1,0.6,0.5,0.4\na,2,0.7,0.6,0.5\nd,1,0.6,0.5,0.4\nd,2,0.6,0.5,0.4\n"
    table, _ = read(tmp_path, text)
    assert table.seeds == ("1", "2")
    np.testing.assert_allclose(table.baselines, [[0.4, 0.5], [0.4, 0.4]])
    np.testing.assert_allclose(table.gains[0], [[0.2, 0.2], [0.1, 0.1]])
    assert table.baseline_costs.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("name", ["", "baseline", "No transfer", "-"])
def test_rows_without_a_source_are_baselines_of_their_seeds(name, tmp_path):
    text = (
        f"target,source,seed,performance\na,{name},1,0.5\na,{name},2,0.6\na,b,1,0.6\na,b,2,0.6\na,c,1,0.7\n"
    )
    table, _ = read(tmp_path, text)
    assert table.sources == ("b", "c")
    np.testing.assert_allclose(table.gains[0, 0], [0.1, 0.0])
    assert table.baseline_costs.tolist() == [1.0]


def test_baseline_seeds_that_no_pair_has_are_averaged_and_counted(tmp_path):
    text = "target,source,seed,performance\na,,8,0.5\na,,9,0.6\na,b,1,0.6\na,b,2,0.7\na,c,1,0.7\n"
    table, _ = read(tmp_path, text)
    np.testing.assert_allclose(table.baselines, [[0.55]])
    assert table.counts["baseline seeds that no pair has (averaged)"] == 2


def test_no_baseline_leaves_gains_unknown(tmp_path):
    table, _ = read(tmp_path, LONG, baseline="none")
    assert not table.known.any()
    np.testing.assert_array_equal(table.values, table.performances)


def test_a_table_of_gains(tmp_path):
    table, _ = read(tmp_path, "source,target,gain\nb,a,1.5\nc,a,-2\nb,d,0.5\nc,d,0.1\n")
    assert table.unit == 1.0
    assert np.isnan(table.performances).all()
    np.testing.assert_allclose(table.values[:, :, 0], [[1.5, -2.0], [0.5, 0.1]])


def test_of_performance_and_gain_one_is_read_and_the_user_told(tmp_path):
    text = "target,source,performance,gain\na,b,0.6,5\na,c,0.5,3\n"
    table, warnings = read(tmp_path, text)
    assert table.performances[0, 0, 0] == 0.6
    assert "`gain` is left alone" in str(warnings[0])
    table, _ = read(tmp_path, text, columns={"gain": "gain"})
    assert table.gains[0, 0, 0] == 5


def test_repeated_runs_are_averaged_whatever_their_order(tmp_path):
    rows = ["a,b,1,0.6", "a,b,1,0.8", "a,c,1,0.5"]
    for order in (rows, rows[::-1]):
        table, _ = read(tmp_path, "\n".join(["target,source,seed,performance", *order]))
        assert table.performances[0, 0, 0] == pytest.approx(0.7)
        assert table.counts["repeated runs (averaged)"] == 1


def test_several_tables_in_one_file_are_noticed_and_where_chooses_one(tmp_path):
    text = "target,source,performance,model\na,b,0.6,x\na,b,0.8,y\na,c,0.5,x\na,c,0.5,y\n"
    _, warnings = read(tmp_path, text)
    assert "`model`" in str(warnings[0])
    assert "--where model=VALUE" in str(warnings[0])
    table, warnings = read(tmp_path, text, where={"Model": "x"})
    assert warnings == ()
    assert table.performances[0, 0, 0] == 0.6
    assert table.counts["rows left out by --where"] == 2


@pytest.mark.parametrize("missing", ["", "-", "NA", "nan", "n/a", "–", "NULL"])
def test_missing_values_are_counted_never_zero(missing, tmp_path):
    table, _ = read(
        tmp_path, f"target,source,performance\na,b,{missing}\na,c,0.5\na,d,0.6\n e ,b,0.4\ne,c,0.3"
    )
    assert table.sources == ("b", "c", "d")
    assert np.isnan(table.performances[0, 0, 0])
    assert table.counts["rows without a value"] == 1
    assert table.counts["missing cells"] == 2


def test_ties_and_rows_without_target_or_seed_are_counted(tmp_path):
    text = "target,source,seed,performance\na,b,1,0.5\na,c,1,0.5\na,d,,0.6\n,b,1,0.9\n"
    table, _ = read(tmp_path, text)
    assert table.counts["tied cells"] == 1
    assert table.counts["rows without a target"] == 1
    assert table.counts["rows without a seed (one seed of their own)"] == 1


@pytest.mark.parametrize(
    ("name", "delimiter"), [("t.tsv", "\t"), ("t.csv", ";"), ("t.csv", "\t"), ("t.txt", ",")]
)
def test_delimiters_byte_order_marks_and_line_ends(name, delimiter, tmp_path):
    text = "\ufeff" + LONG.replace(",", delimiter).replace("\n", "\r\n")
    table, _ = read(tmp_path, text, name)
    assert table.gains.shape == (2, 3, 2)


def test_another_encoding_must_be_named(tmp_path):
    path = write(tmp_path, "target,é,ü\na,0.5,0.6\nb,0.4,0.5\n", encoding="latin-1")
    with pytest.raises(InputError, match="--encoding latin-1"):
        read_table(path)
    assert read_table(path, TableOptions(encoding="latin-1"))[0].sources == ("é", "ü")
    with pytest.raises(InputError, match="not an encoding"):
        read_table(path, TableOptions(encoding="latin-0"))


def test_decimal_commas_and_other_cells_are_refused_together_with_their_rows(tmp_path):
    text = "target;source;performance\na;b;0,61\na;c;0,52\nd;b;high\nd;c;inf\n"
    problems = refused(tmp_path, text)
    assert len(problems) == 2
    assert "table.csv, row 2" in problems[0]
    assert "Decimal commas" in problems[0]
    assert "(row 3)" in problems[0]
    assert "row 4" in problems[1]
    assert "`inf`" in problems[1]


@pytest.mark.parametrize(
    ("text", "few"),
    [
        ("t,a,b\nc,0.5,0.6\nd,51,62\ne,40,30\n", "for c"),
        ("t,a,b,c\nd,0.5,60,70\ne,0.4,62,71\n", "for a"),
        ("target,source,performance,baseline\na,b,51,0.5\na,c,52,0.5\n", "for the baselines"),
    ],
)
def test_mixed_scales_are_refused_unless_the_user_insists(text, few, tmp_path):
    (problem,) = refused(tmp_path, text)
    assert "Scales are mixed" in problem
    assert few in problem
    assert read(tmp_path, text, scale="percent")[0].unit == 1.0


def test_percentages_may_hold_small_and_zero_cells(tmp_path):
    table, _ = read(tmp_path, "t,a,b\nc,0.5,60\nd,51,0\n")
    assert table.unit == 1.0
    assert table.counts["cells of at most 1 among percentages"] == 1


def test_columns_can_be_named_and_wrong_names_are_all_refused_at_once(tmp_path):
    text = LONG.replace("Target", "task").replace("source", "from").replace("performance", "f1")
    table, _ = read(tmp_path, text, columns={"target": "task", "source": "From", "performance": "f1"})
    assert table.targets == ("a", "b")
    problems = refused(
        tmp_path,
        text,
        columns={"target": "tsk", "source": "from", "sauce": "x"},
        where={"nowhere": "1"},
    )
    assert len(problems) == 3
    assert "Did you mean `task`?" in problems[0]
    assert "nowhere" in problems[1]
    assert "`sauce` is not a role" in problems[2]


def test_score_columns_can_be_named(tmp_path):
    text = LONG.replace("score_size", "size")
    assert read(tmp_path, text)[0].scores == {}
    assert set(read(tmp_path, text, scores=("Size",))[0].scores) == {"Size"}
    assert "--scores" in refused(tmp_path, text, scores=("sise",))[0]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "empty"),
        ("target,source,note\na,b,x\n", "no column `performance` or `gain`"),
        ("target,source,performance\na,b\n", "the 3 fields"),
        ("target,source,performance,performance\na,b,1,1\n", "twice"),
        ("target,source,performance\na,b,0.5\nb,a,0.4\n", "two sources"),
        ("target,source,performance\na,b,-\n", "No pair has a value"),
        ("target,source,performance,cost\na,b,0.5,0\na,c,0.5,1\n", "above 0"),
        ("target\na\n", "only 1 columns"),
        ('target,source,performance\na,"b,0.5\n', "never closes"),
    ],
)
def test_what_is_no_table_is_refused_with_its_file(text, what, tmp_path):
    (problem,) = refused(tmp_path, text)
    assert "table.csv" in problem
    assert what in problem
    assert "[[data]]" not in problem
    assert "quotes = false" not in problem


def test_bad_options_are_refused(tmp_path):
    assert "--scale" in refused(tmp_path, LONG, scale="metres")[0]
    assert "No source is called" in refused(tmp_path, LONG, baseline="nobody")[0]
    assert "No row has" in refused(tmp_path, LONG, where={"note": "z"})[0]
    with pytest.raises(InputError, match="cannot be read"):
        read_table(tmp_path / "absent.csv")


def test_names_that_differ_by_case_alone_are_warned_of(tmp_path):
    table, warnings = read(tmp_path, "t,MNLI,b\nmnli,0.9,0.6\nb,0.5,0.7\n")
    assert "MNLI and mnli" in str(warnings[0])
    assert table.counts["names alike but for case"] == 1


def test_baselines_that_differ_between_sources_are_averaged_with_a_word(tmp_path):
    text = "target,source,performance,baseline\na,b,0.6,0.5\na,c,0.6,0.4\n"
    table, warnings = read(tmp_path, text)
    np.testing.assert_allclose(table.baselines, [[0.45]])
    assert "differs between sources" in str(warnings[0])
