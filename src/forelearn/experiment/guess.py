"""From a folder of files to a study file. Every guess is a line to edit, with the reason beside it."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from forelearn.core.errors import InputError, Problem
from forelearn.experiment.columns import guess_columns
from forelearn.experiment.section_text import (
    Draft,
    Notes,
    TableFile,
    line,
    quoted,
    section_text,
    section_texts,
    task_names,
)
from forelearn.tasks.corpus import SUFFIXES
from forelearn.tasks.delimited import read_delimited
from forelearn.tasks.jsonl import read_jsonl
from forelearn.tasks.names import name_from_label
from forelearn.tasks.parquet import read_parquet
from forelearn.tasks.rows import SPLIT_WORDS, Table

_SEPARATOR = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Guess:
    """A study file as text, and what in it deserves a look, one sentence each."""

    text: str
    notes: tuple[str, ...]


def guess(folder: Path | str) -> Guess:
    """The study file for the tables in `folder` and below. InputError if nothing in it can be a task."""
    root = Path(folder)
    notes = Notes()
    files = _readable(root, _tables(root), notes)
    sections = _uniquely_named([*_streams(root, notes), *_sections(root, files)])
    if not sections:
        raise InputError(
            Problem(
                str(root),
                "No file in this folder can be a task." + "".join(f" {note}" for note in notes.said[:5]),
                f"Put {', '.join(SUFFIXES)} files with a text and a label column in it.",
            )
        )
    body = [text for section in sections for text in section_texts(section, notes)]
    grouped = any(
        section.by_file or any(file.columns.group for file in section.files) for section in sections
    )
    return Guess(_header(root, notes.all()) + "\n".join(body) + _footer(grouped), notes.all())


def study_for_rank(target_file: Path, sources_folder: Path, *, encoder: str = "tiny") -> Guess:
    """The study of one target file and a folder of source files: each file a task, or one-vs-rest tasks."""
    target = Path(target_file).resolve()
    folder = Path(sources_folder).resolve()
    if not target.is_file():
        raise InputError(
            Problem(str(target_file), "There is no such file.", "Name a table with a label column.")
        )
    notes = Notes()
    paths = [target, *(path for path in _tables(folder) if path != target)]
    root = Path(os.path.commonpath([target.parent, folder]))
    read = _readable(root, paths, notes)
    own = target.relative_to(root).as_posix()
    if not read or read[0].path != own:
        raise InputError(
            Problem(
                str(target_file),
                f"It cannot be a target. {' '.join(notes.said[:1])}",
                "Give it a text and a label column.",
            )
        )
    if len(read) < 2:
        raise InputError(
            Problem(
                str(sources_folder), "No file in this folder can be a source.", "Give tables with labels."
            )
        )
    names = _distinct_names([file.path for file in read])
    body: list[str] = []
    targets: list[str] = []
    for file, name in zip(read, names):
        section = Draft((file,), quoted(file.path), "", name=name)
        for column in file.columns.labels:
            several = len(file.columns.labels) > 1
            own_name = f"{name} {column.name}" if several else name
            made = task_names(column, name_from_label(own_name))
            if file.path == own:
                targets += made
            own_name = name_from_label(own_name)
            body.append(section_text(section, column, name=own_name, prefix=f"{own_name}: ", notes=notes))
    head = [
        f"name = {quoted(name_from_label(target.stem))}",
        f"encoder = {quoted(encoder)}",
        f"data_root = {quoted(str(root))}",
        f"targets = [{', '.join(map(quoted, targets))}]",
        "",
    ]
    return Guess("\n".join([*head, *body]), notes.all())


# --- finding and reading -------------------------------------------------------------------------


def _tables(folder: Path) -> list[Path]:
    """Files with a known suffix, in the order of their paths; hidden ones and `out` are passed over."""
    if not folder.is_dir():
        raise InputError(Problem(str(folder), "There is no such folder.", "Name a folder that holds tables."))
    try:
        os.listdir(folder)
    except OSError as error:
        raise InputError(
            Problem(str(folder), f"The folder cannot be read: {error.strerror}.", "Check its rights.")
        ) from error
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") or part == "out" for part in path.relative_to(folder).parts)
    ]


def _readable(root: Path, paths: Sequence[Path], notes: Notes) -> list[TableFile]:
    """The files that can be read and have a text and a label column; the others become notes."""
    found = []
    for path in paths:
        name = path.relative_to(root).as_posix()
        file = _read(path, name)
        if file.table.problems:
            notes.said.append(f"{name} is left out: {file.table.problems[0].what}")
        elif file.table.columns and "allProperties.text" in file.table.columns:
            continue  # tweets of an incident stream, named by their label files' section
        elif file.columns.text is None or not file.columns.labels:
            what = "text" if file.columns.text is None else "label"
            notes.said.append(f"{name} is left out: no column looks like a {what}.")
        else:
            found.append(file)
    return found


def _read(path: Path, name: str) -> TableFile:
    """Read a file as UTF-8 with quotes; failing that without quotes, then as latin-1."""
    chosen = SUFFIXES[path.suffix.lower()]
    first: Table | None = None
    for encoding, quotes in (("utf-8", True), ("utf-8", False), ("latin-1", True), ("latin-1", False)):
        header: tuple[str, ...] = ()
        if chosen == "parquet":
            table = read_parquet(path, file=name)
        elif chosen == "jsonl":
            table = read_jsonl(path, file=name, encoding=encoding)
        else:
            delimiter = "," if chosen == "csv" else "\t"
            table = read_delimited(path, file=name, delimiter=delimiter, encoding=encoding, quotes=quotes)
            if _looks_like_data(table.columns):
                header = tuple(f"column {number}" for number in range(1, 1 + len(table.columns)))
                table = read_delimited(
                    path, file=name, delimiter=delimiter, encoding=encoding, quotes=quotes, header=header
                )
        first = first or table
        if not table.problems:
            return TableFile(name, chosen, table, encoding, quotes, header, guess_columns(table))
    assert first is not None
    return TableFile(name, chosen, first, "utf-8", True, (), guess_columns(first))


def _looks_like_data(header: Sequence[str]) -> bool:
    """Whether the first row is no header: a cell is a number, or a sentence of six words or more."""
    return any(name.isdecimal() or len(name.split()) > 5 for name in header)


# --- files to sections ---------------------------------------------------------------------------


def _sections(root: Path, files: Sequence[TableFile]) -> Iterator[Draft]:
    """Files that belong together: train, dev and test of one task, one file a folder, or each on its own."""
    alike: dict[tuple[object, ...], list[TableFile]] = defaultdict(list)
    for file in files:
        alike[(file.table.columns, file.format, file.encoding, file.quotes, file.header)].append(file)
    for members in alike.values():
        rest: list[TableFile] = []
        parts: dict[tuple[str, str], list[TableFile]] = defaultdict(list)
        for file in members:
            stem, split = _split_of(Path(file.path).stem)
            (parts[(str(Path(file.path).parent), stem)] if split else rest).append(file)
        for (parent, stem), own in parts.items():
            splits, left = _by_split(own)
            rest += left
            if splits:
                table = ", ".join(f"{split} = {quoted(file.path)}" for split, file in splits.items())
                why = "by the names of the files" + ("" if len(splits) > 2 else "; dev is taken out of train")
                name = name_from_label(stem or Path(parent).name or "task")
                yield Draft(tuple(splits.values()), f"{{{table}}}", why, name)
        rest.sort(key=lambda file: file.path)
        if len(rest) > 2 and len({Path(file.path).parent for file in rest}) == len(rest):
            paths, why = _glob(root, [file.path for file in rest])
            yield Draft(tuple(rest), paths, why, by_file=True)
            continue
        for file in rest:
            yield Draft((file,), quoted(file.path), "", name_from_label(Path(file.path).stem))


def _by_split(files: Sequence[TableFile]) -> tuple[dict[str, TableFile], list[TableFile]]:
    """(split → file, files that are no part of it). Without a test file the larger dev file is the test."""
    named: dict[str, list[TableFile]] = defaultdict(list)
    for file in sorted(files, key=lambda file: (len(file.table.rows), file.path)):
        named[_split_of(Path(file.path).stem)[1]].append(file)
    if not named["test"] and named["dev"]:
        named["test"].append(named["dev"].pop())
    if not (named["train"] and named["test"]):
        return {}, list(files)
    chosen = {split: named[split].pop() for split in ("train", "dev", "test") if named[split]}
    return chosen, [file for left in named.values() for file in left]


def _split_of(stem: str) -> tuple[str, str]:
    """`mrpc_train` → (`mrpc`, `train`), `dev32` → (``, `dev`); the split is empty if the name says none."""
    words = [word for word in _SEPARATOR.split(stem) if word]
    for place in (-1, 0):
        plain = words[place].lower().rstrip("0123456789") if words else ""
        if plain in SPLIT_WORDS:
            del words[place]
            return "_".join(words), SPLIT_WORDS[plain]
    return stem, ""


def _uniquely_named(sections: Sequence[Draft]) -> list[Draft]:
    """The sections with names that differ: the folder's name is put before those that stand twice."""
    times = Counter(section.name for section in sections)
    twice = [section for section in sections if section.files and times[section.name] > 1]
    names = iter(_distinct_names([section.files[0].path for section in twice]))
    return [replace(one, name=next(names)) if one.files and times[one.name] > 1 else one for one in sections]


def _glob(root: Path, paths: Sequence[str]) -> tuple[str, str]:
    """One glob that matches exactly these files, or the list of them."""
    why = "the same columns, one file a folder"
    names = [Path(path).name for path in paths]
    ending = names[0]
    while not all(name.endswith(ending) for name in names):
        ending = ending[1:]
    depth = {len(Path(path).parts) for path in paths}
    if len(depth) == 1:
        pattern = "/".join(["*"] * (depth.pop() - 1) + [f"*{ending}" if ending not in names else ending])
        if sorted(path.relative_to(root).as_posix() for path in root.glob(pattern)) == sorted(paths):
            return quoted(pattern), why
    return "[\n" + "".join(f"  {quoted(path)},\n" for path in paths) + "]", why


def _streams(root: Path, notes: Notes) -> Iterator[Draft]:
    """A section of incident streams, if there are label files and tweets in the form of the track."""
    labels = [path for path in sorted(root.rglob("*.json")) if _holds(path, '"postID"')]
    tweets = [
        path
        for suffix in ("*.jsonl", "*.ndjson", "*.json")
        for path in sorted(root.rglob(suffix))
        if path not in labels and _holds(path, '"allProperties"')
    ]
    if not labels or not tweets:
        return
    names = [[path.relative_to(root).as_posix() for path in found] for found in (labels, tweets)]
    notes.said.append(
        "Incident-stream labels and tweets were found; a task is made of every information type."
    )
    lines = (
        'format = "incident-streams"',
        f"tweets = [{', '.join(map(quoted, names[1]))}]",
        line("one_vs_rest", "true", "a task an information type; list names to choose"),
    )
    yield Draft((), f"[{', '.join(map(quoted, names[0]))}]", "label files of incident streams", lines=lines)


def _holds(path: Path, sign: str) -> bool:
    try:
        with path.open("rb") as file:
            return sign.encode() in file.read(20_000)
    except OSError:
        return False


# --- the rest of the file ------------------------------------------------------------------------


def _header(root: Path, notes: Sequence[str]) -> str:
    said = "".join(f"# - {' '.join(note.split())}\n" for note in notes)
    return (
        "# A study file, guessed from the files in this folder. Every line can be edited.\n"
        + (f"# To look at:\n{said}" if said else "")
        + f"name = {quoted(name_from_label(root.resolve().name or 'study'))}\n"
        + line("encoder", '"tiny"', "or a hub id, or a local folder")
        + "\n\n"
    )


def _footer(grouped: bool) -> str:
    lines = [
        "",
        "[splits]",
        line("# by", '"group"' if grouped else '"row"', "by default: given, else group, else row"),
        line("dev", "0.15", "shares of all documents"),
        "test = 0.25",
        line("# train_rows", "1500", "a cap keeps a first study short"),
        "",
        "[search]",
        line("budget", '"16.5%"', '"120 runs", "2h", or a share of the exhaustive cost'),
        "",
    ]
    return "\n".join(lines)


def _distinct_names(paths: Sequence[str]) -> list[str]:
    """Stems of files; where stems repeat, as much of the path before them as tells them apart."""
    lengths = [1] * len(paths)
    for _ in range(max((len(Path(path).parts) for path in paths), default=0)):
        names = [
            name_from_label(" ".join(Path(path).with_suffix("").parts[-length:]))
            for path, length in zip(paths, lengths)
        ]
        times = Counter(names)
        if len(times) == len(names):
            return names
        lengths = [length + (times[name] > 1) for name, length in zip(names, lengths)]
    return [name_from_label(f"{place} {Path(path).stem}") for place, path in enumerate(paths, start=1)]
