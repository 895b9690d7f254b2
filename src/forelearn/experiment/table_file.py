"""The rows of a target × source file, wide or long, with every problem found. What they mean: `read_table.py`.

Long: columns target, source and one of performance or gain; optional baseline, cost, seed and score columns.
Wide: the first column names the target, every other column is a source (or `seed`), cells are performances.
A file whose header has target and source is long, any other is wide. Names of columns match in any case.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from forelearn.core.errors import InputError, Problem, did_you_mean
from forelearn.experiment.table_numbers import Numbers, cell_text
from forelearn.tasks.delimited import read_delimited
from forelearn.tasks.files import decode
from forelearn.tasks.rows import Row

ROLES = ("target", "source", "performance", "gain", "baseline", "cost", "seed")


@dataclass(frozen=True, slots=True)
class TableOptions:
    """How to read a table. The defaults read whatever names its columns as `ROLES` does.

    columns: role → the file's name of the column. scores: names of score columns; None: those that begin
    with `score_` or `score:`. where: column → the value that a row must have to be read.
    baseline: `auto` (baseline column, or rows whose source is empty or `baseline`), `diagonal`, `none`, or
    the name of a source that stands for no transfer. scale: `auto`, `fraction` or `percent`.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    scores: tuple[str, ...] | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    baseline: str = "auto"
    scale: str = "auto"
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a long table or one cell of a wide one; numbers are NaN where missing."""

    target: str
    source: str
    seed: str
    performance: float = math.nan
    gain: float = math.nan
    baseline: float = math.nan
    cost: float = math.nan
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Records:
    """What a file holds. score_names: of its score columns. further: columns left alone."""

    records: tuple[Record, ...]
    score_names: tuple[str, ...]
    has_seeds: bool
    rows: int
    left_out: int
    further: tuple[str, ...]
    varying: tuple[str, ...]
    """Further columns in which rows of one pair and seed differ: they may hold several tables."""
    warnings: tuple[Problem, ...]


def read_records(path: Path, options: TableOptions) -> Records:
    """Read a file. Raises InputError with every problem found."""
    file = str(path)
    text, broken = _decoded(path, options.encoding)
    if broken:
        raise InputError(broken)
    found = read_delimited(path, file=file, delimiter=_delimiter(path, text), encoding=options.encoding)
    if found.problems:
        raise InputError([replace(problem, fix=_fix(problem)) for problem in found.problems])
    columns = _Columns(file, found.columns, options)
    if columns.problems:
        raise InputError(columns.problems)
    rows = [row for row in found.rows if columns.wanted(row)]
    if not rows:
        shown = ", ".join(f"{name}={value}" for name, value in options.where.items())
        raise InputError(Problem(file, f"No row has {shown}.", "Check --where against the file."))
    numbers = Numbers()
    records = columns.long(rows, numbers) if columns.is_long else columns.wide(rows, numbers)
    problems = numbers.problems(file)
    if problems:
        raise InputError(problems)
    return Records(
        tuple(records),
        tuple(columns.scores),
        "seed" in columns.roles,
        len(rows),
        len(found.rows) - len(rows),
        columns.further,
        columns.varying(rows),
        tuple(columns.warnings),
    )


class _Columns:
    """Which column plays which role."""

    def __init__(self, file: str, names: Sequence[str], options: TableOptions) -> None:
        self.file, self.names, self.options = file, tuple(names), options
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.roles = {role: name for role in ROLES if (name := self._role(role)) is not None}
        self.where = {
            name: value
            for text, value in options.where.items()
            if (name := self._known(text, "--where")) is not None
        }
        unknown = [role for role in options.columns if role not in ROLES]
        self.problems += [
            Problem("--columns", f"`{role}` is not a role.", did_you_mean(role, ROLES)) for role in unknown
        ]
        self.is_long = "target" in self.roles and "source" in self.roles
        self.scores: dict[str, str] = {}
        if self.is_long:
            self._measured()
            self._scores()
        elif options.scores:
            self.problems.append(
                Problem(file, "A wide table has no score columns.", "Give scores in a long table.")
            )
        elif len(names) < 3:
            fix = "Give columns target, source and performance, or a row a target and a column a source."
            self.problems.append(Problem(file, f"The table has only {len(names)} columns.", fix))

    @property
    def further(self) -> tuple[str, ...]:
        """Columns that are left alone."""
        if not self.is_long:
            return ()
        used = {*self.roles.values(), *self.scores.values(), *self.where}
        return tuple(name for name in self.names if name not in used)

    def wanted(self, row: Row) -> bool:
        """Whether --where lets the row in."""
        return all(cell_text(row, name) == value for name, value in self.where.items())

    def varying(self, rows: Sequence[Row]) -> tuple[str, ...]:
        """Further columns whose value differs between rows of one target, source and seed."""
        keys = [self.roles[role] for role in ("target", "source", "seed") if role in self.roles]
        first: dict[tuple[str, ...], Row] = {}
        differing: dict[str, None] = {}
        for row in rows if self.is_long else ():
            before = first.setdefault(tuple(cell_text(row, name) for name in keys), row)
            differing |= {
                name: None for name in self.further if cell_text(row, name) != cell_text(before, name)
            }
        return tuple(name for name in self.further if name in differing)

    def long(self, rows: Sequence[Row], numbers: Numbers) -> list[Record]:
        """A record a row."""
        return [
            Record(
                target=cell_text(row, self.roles["target"]),
                source=cell_text(row, self.roles["source"]),
                seed=self._seed(row),
                performance=numbers.read(row, self.roles.get("performance")),
                gain=numbers.read(row, self.roles.get("gain")),
                baseline=numbers.read(row, self.roles.get("baseline")),
                cost=numbers.read(row, self.roles.get("cost")),
                scores={name: numbers.read(row, column) for name, column in self.scores.items()},
            )
            for row in rows
        ]

    def wide(self, rows: Sequence[Row], numbers: Numbers) -> list[Record]:
        """A record a cell."""
        first = self.names[0]
        sources = [name for name in self.names[1:] if name != self.roles.get("seed")]
        return [
            Record(cell_text(row, first), source, self._seed(row), performance=numbers.read(row, source))
            for row in rows
            for source in sources
        ]

    def _seed(self, row: Row) -> str:
        return cell_text(row, self.roles["seed"]) if "seed" in self.roles else ""

    def _known(self, text: str, option: str) -> str | None:
        for name in self.names:
            if name == text or name.casefold() == text.casefold():
                return name
        hint = did_you_mean(text, self.names)
        self.problems.append(Problem(f"{self.file}, row 1", f"There is no column `{text}` ({option}).", hint))
        return None

    def _role(self, role: str) -> str | None:
        if role in self.options.columns:
            return self._known(self.options.columns[role], "--columns")
        return next((name for name in self.names if name.casefold() == role), None)

    def _measured(self) -> None:
        if "performance" in self.roles and "gain" in self.roles:
            chosen = (
                "gain" if set(self.options.columns) & {"gain", "performance"} == {"gain"} else "performance"
            )
            other = self.roles.pop("performance" if chosen == "gain" else "gain")
            fix = f"Choose the other with --columns {'gain' if chosen == 'performance' else 'performance'}={other}."
            self.warnings.append(
                Problem(self.file, f"Read `{self.roles[chosen]}`; `{other}` is left alone.", fix, "warning")
            )
        elif "performance" not in self.roles and "gain" not in self.roles:
            fix = "Name it: --columns performance=COLUMN or gain=COLUMN."
            self.problems.append(
                Problem(f"{self.file}, row 1", "There is no column `performance` or `gain`.", fix)
            )

    def _scores(self) -> None:
        if self.options.scores is None:
            names = [name for name in self.names if name.casefold().startswith(("score_", "score:"))]
            self.scores = {name[6:].strip() or name: name for name in names}
        else:
            known = [(text, self._known(text, "--scores")) for text in self.options.scores]
            self.scores = {text: name for text, name in known if name is not None}


def _decoded(path: Path, encoding: str) -> tuple[str, list[Problem]]:
    try:
        text, problems = decode(path, file=str(path), encoding=encoding)
    except LookupError:
        problem = Problem("--encoding", f"`{encoding}` is not an encoding.", "For example utf-8 or latin-1.")
        return "", [problem]
    return text, [replace(problem, fix=_fix(problem)) for problem in problems]


def _fix(problem: Problem) -> str:
    if " is not " in problem.what and "Byte" in problem.what:
        return "Save the file as UTF-8, or name its encoding: --encoding latin-1."
    if "twice" in problem.what:
        return "Rename one of them."
    if "must have the" in problem.what:
        return "Check the delimiter, and quote cells that contain it."
    return problem.fix if "quotes = false" not in problem.fix else "Close or double the quote."


def _delimiter(path: Path, text: str) -> str:
    """Tab for .tsv and .tab, else the commonest of comma, semicolon and tab in the first line."""
    if path.suffix.lower() in (".tsv", ".tab"):
        return "\t"
    first = next((line for line in text.split("\n") if line.strip()), "")
    return max(",;\t", key=first.count)
