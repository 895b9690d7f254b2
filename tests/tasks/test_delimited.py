"""CSV and TSV files."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forelearn.tasks.delimited import read_delimited
from forelearn.tasks.rows import Table


def read(folder: Path, content: str | bytes, **options: object) -> Table:
    path = folder / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_delimited(path, file="t.csv", **options)  # type: ignore[arg-type]


def texts(table: Table, column: str = "text") -> list[object]:
    return [row.values[column] for row in table.rows]


def test_names_of_columns_lose_the_space_after_a_comma_and_cells_keep_theirs(tmp_path):
    table = read(tmp_path, "id, text, label\n1, a b ,x\n")
    assert table.columns == ("id", "text", "label")
    assert texts(table) == [" a b "]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    table = read(tmp_path, b"\xef\xbb\xbftext,label\na,x\n")
    assert table.columns == ("text", "label")


def test_only_a_line_feed_ends_a_line(tmp_path):
    odd = "a\x85b\x0bc\u2028d"
    for quotes in (True, False):
        table = read(tmp_path, f"text,label\n{odd},x\nnext,y\n", quotes=quotes)
        assert texts(table) == [odd, "next"]
        assert [row.row for row in table.rows] == [2, 3]


def test_rows_are_lines_as_an_editor_counts_them_also_after_a_cell_of_several_lines(tmp_path):
    table = read(tmp_path, 'text,label\n"one\ntwo\r\nthree",x\n\nnext,y\n')
    assert texts(table) == ["one\ntwo\r\nthree", "next"]
    assert [row.row for row in table.rows] == [2, 6]


def test_without_quotes_every_quote_is_a_plain_character(tmp_path):
    table = read(tmp_path, 'text\tlabel\n"open and\tx\r\nsay ""hi""\ty\n', delimiter="\t", quotes=False)
    assert texts(table) == ['"open and', 'say ""hi""']


def test_encodings_are_read_by_name(tmp_path):
    table = read(tmp_path, "text,label\ncaf\xe9,x\n".encode("latin-1"), encoding="latin-1")
    assert texts(table) == ["café"]
    assert texts(read(tmp_path, "text,label\ncafé,x\n".encode("utf-16"), encoding="utf-16")) == ["café"]


def test_a_file_without_a_header_takes_the_given_names(tmp_path):
    table = read(
        tmp_path, "gj04\t1\t\tThey went.\n", delimiter="\t", header=("source", "label", "star", "text")
    )
    assert texts(table) == ["They went."]
    assert table.rows[0].row == 1


def test_an_empty_cell_of_a_table_of_one_column_is_a_row_and_a_blank_line_of_a_wider_one_is_none(tmp_path):
    """Row by row as pandas writes it: were one left out, all predictions after it would be of other rows."""
    assert texts(read(tmp_path, 'text\nfoo\n""\n  \nbar\n')) == ["foo", "", "  ", "bar"]
    assert texts(read(tmp_path, "text,label\nfoo,x\n\n  \nbar,y\n")) == ["foo", "bar"]
    wide = read(tmp_path, "text\tpair\n\t\nfoo\tbar\n\n", delimiter="\t", quotes=False)
    assert texts(wide) == ["", "foo"]


@pytest.mark.parametrize(
    ("content", "place", "part"),
    [
        (b"text,label\nok,x\ncaf\xe9,x\nna\xefve,y\n", "t.csv, row 3", "0xe9 is not UTF-8 (2 rows"),
        (b"", "t.csv", "empty"),
        (b"text,label\n", "t.csv", "no rows"),
        (b"text,text\na,b\n", "t.csv, row 1", "`text` stands twice"),
        (b'text,label\nok,x\n"open,x\nb,y\n', "t.csv, row 3", "never closes"),
        (b'text,label\n"a"b,x\n', "t.csv, row 2", "cannot be parsed"),
        (b"text,label\na\rb,x\n", "t.csv, row 2", "carriage return"),
        (b"text,label\na,x\nb\nc,y,z\n", "t.csv, row 3", "row 3 has 1; row 4 has 3"),
    ],
)
def test_what_cannot_be_read_is_said_with_file_and_row(tmp_path, content, place, part):
    (problem,) = read(tmp_path, content).problems
    assert problem.where == place
    assert part in problem.what
    assert problem.fix


def test_a_cell_too_long_to_be_meant_is_said(tmp_path):
    (problem,) = read(tmp_path, 'text,label\nok,x\n"open' + ",x\n" * 50_000).problems
    assert problem.where == "t.csv, row 3"
    assert "longer than" in problem.what


def test_many_uneven_rows_are_counted_and_only_some_are_listed(tmp_path):
    (problem,) = read(tmp_path, "text,label\n" + "a\n" * 100).problems
    assert "and 95 more" in problem.what


cells = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\ufeff"), max_size=8), min_size=2, max_size=2
)


@given(rows=st.lists(cells, min_size=1, max_size=6))
def test_whatever_is_written_with_quotes_reads_back(tmp_path_factory, rows):
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    table = read(tmp_path_factory.mktemp("csv"), "a,b\n" + "\n".join(quoted) + "\n")
    assert not table.problems
    assert [list(row.values.values()) for row in table.rows] == rows
