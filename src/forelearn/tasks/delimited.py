"""CSV and TSV. Names of columns lose the white space around them; cells keep theirs.

With quotes, RFC 4180 strictly: a field may hold commas, line ends and doubled quotes; a quote that never
closes is an error with its row, not a file swallowed in one cell. Without quotes, every quote is a plain
character and every line is a row.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from forelearn.core.errors import Problem
from forelearn.tasks.files import decode, lines_of, listed
from forelearn.tasks.rows import Row, Table, unreadable


def read_delimited(
    path: Path,
    *,
    file: str,
    delimiter: str = ",",
    encoding: str = "utf-8",
    quotes: bool = True,
    header: Sequence[str] = (),
) -> Table:
    """Read a delimited file.

    file: the path as messages name it. header: names of the columns of a file that has no header row; a first
    row that holds these names is the header after all. Of tab-separated rows that go on after the last name of
    `header`, the rest is left out with a warning.
    """
    text, problems = decode(path, file=file, encoding=encoding)
    if problems:
        return unreadable(file, problems[0])
    if not text.strip():
        return unreadable(file, Problem(file, "The file is empty.", "Give a file with a header and rows."))
    fields = _quoted(text, delimiter) if quotes else _plain(text, delimiter)
    columns = tuple(header)
    rows: list[Row] = []
    uneven: list[str] = []
    longer: list[str] = []
    try:
        for number, cells in fields:
            if len(columns) != 1 and len(cells) == 1 and not cells[0].strip():
                continue  # a blank line; in a table of one column it is a row
            if quotes and delimiter == "\t" and any("\n" in cell and "\t" in cell for cell in cells):
                raise _Unclosed(number, _OVER_ROWS)
            if not columns:
                columns = tuple(cell.strip() for cell in cells)
                if len(set(columns)) < len(columns):
                    return unreadable(file, _twice(file, columns))
                if doubt := _other_delimiter(file, columns, delimiter):
                    return unreadable(file, doubt)
            elif header and not (rows or uneven) and tuple(cell.strip() for cell in cells) == columns:
                continue
            elif header and delimiter == "\t" and len(cells) > len(columns):
                longer.append(f"row {number} has {len(cells)}")
                rows.append(Row(dict(zip(columns, cells)), file, number))
            elif len(cells) != len(columns):
                uneven.append(f"row {number} has {len(cells)}")
            else:
                rows.append(Row(dict(zip(columns, cells)), file, number))
    except csv.Error as error:
        return unreadable(file, _broken(file, error))
    found = []
    if uneven:
        hint = "quote cells that contain it" if quotes else "remove it from the cells"
        found.append(
            Problem(
                f"{file}, {uneven[0].split(' has')[0]}",
                f"Every row must have the {len(columns)} fields of the header: {listed(uneven)}.",
                f"Check the delimiter ({delimiter!r}) and {hint}"
                + ("; if quotes are plain characters here, set quotes = false." if quotes else "."),
            )
        )
    if longer:
        found.append(
            Problem(
                file,
                f"Rows go on after the {len(columns)} fields of `header`; the rest is left out: {len(longer)} "
                f"rows ({listed(longer)}).",
                "Name more columns if they are needed.",
                "warning",
            )
        )
    if not rows and not uneven:
        found.append(Problem(file, "The file has a header and no rows.", "Add rows or leave the file out."))
    return Table(file, columns, tuple(rows), tuple(found))


_OVER_ROWS = "a quote closes in a later row, over tabs"
"""A plain quote at the start of a cell that finds another: valid, and rows are lost in one cell."""


class _Unclosed(csv.Error):
    """A parser error with the row where its field's row began."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(reason)
        self.row = row


def _quoted(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    lines = lines_of(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    start = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _Unclosed(start, str(error)) from error
        if cells:  # none of a line that holds nothing at all; a quoted nothing is a cell
            yield start, cells
        start = reader.line_num + 1


def _plain(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.removesuffix("\r")
        if line:
            yield number, line.split(delimiter)


def _broken(file: str, error: csv.Error) -> Problem:
    place = f"{file}, row {error.row}" if isinstance(error, _Unclosed) else file
    reason = str(error)
    if "field larger" in reason:
        return Problem(
            place,
            f"A cell is longer than {csv.field_size_limit():,} characters.",
            "If a quote opens here and never closes, set quotes = false; longer texts fit in JSON lines.",
        )
    if reason == _OVER_ROWS:
        return Problem(
            place,
            "A quote opens here and closes in a later row, so that rows are read as one cell.",
            "Quotes are plain characters in this file: set quotes = false; or write tabs and line ends as blanks.",
        )
    if "unexpected end of data" in reason:
        return Problem(
            place,
            "A quote opens here and never closes.",
            "Close or double the quote; if quotes are plain characters in this file, set quotes = false.",
        )
    if "new-line character" in reason:
        return Problem(
            place,
            "A carriage return stands outside quotes.",
            'End lines with "\\n", or set quotes = false if quotes are plain characters.',
        )
    return Problem(
        place,
        f"The row cannot be parsed: {reason}.",
        "Double the quotes inside quoted cells; if quotes are plain characters here, set quotes = false.",
    )


def _other_delimiter(file: str, columns: Sequence[str], delimiter: str) -> Problem | None:
    """What to do where a header of one field holds another delimiter."""
    if len(columns) > 1:
        return None
    for sign, name, format_ in ((",", "commas", "csv"), ("\t", "tabs", "tsv"), (";", "semicolons", "")):
        if sign in columns[0] and sign != delimiter:
            return Problem(
                f"{file}, row 1",
                f"The header is one field: the file is separated by {name}, not by {delimiter!r}.",
                f'Set format = "{format_}" in [[data]].' if format_ else "Write it with commas or tabs.",
            )
    return None


def _twice(file: str, columns: Sequence[str]) -> Problem:
    name = next(column for column in columns if columns.count(column) > 1)
    return Problem(
        f"{file}, row 1",
        f"Column `{name}` stands twice in the header.",
        "Rename one; for a file without a header, list the column names as `header` in [[data]].",
    )
