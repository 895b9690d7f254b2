"""From a folder of files to a study file. Every guess is a line to edit, with the reason beside it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from forelearn.core.errors import InputError, Problem
from forelearn.experiment.guess_files import readable, tables
from forelearn.experiment.guess_sections import sections, streams, uniquely_named
from forelearn.experiment.section_text import Notes, line, quoted, section_names, section_texts, whole
from forelearn.tasks.corpus import SUFFIXES
from forelearn.tasks.names import name_from_label
from forelearn.tasks.rows import SPLIT_WORDS

FOR_RANK = "# Written by `forelearn rank FILE --sources FOLDER`, and written over by the next such call."
"""The first line of a study that is not a person's."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A study file as text, and what in it deserves a look, one sentence each."""

    text: str
    notes: tuple[str, ...]


def guess(folder: Path | str) -> Guess:
    """The study file for the tables in `folder` and below. InputError if nothing in it can be a task."""
    root = Path(folder)
    notes = Notes()
    files = readable(root, tables(root), notes)
    drafts = whole(uniquely_named([*streams(root, notes), *sections(root, files, notes)]))
    if not drafts:
        raise InputError(
            Problem(
                str(root),
                "No file in this folder can be a task." + "".join(f" {note}" for note in notes.said[:5]),
                f"Put {', '.join(SUFFIXES)} files with a text and a label column in it.",
            )
        )
    body = [text for section in drafts for text in section_texts(section, notes)]
    # label files of an incident stream have no columns to count: a dozen tasks and more
    tasks = sum(len(section_names(section)) if section.files else 12 for section in drafts)
    grouped = any(section.by_file or any(file.columns.group for file in section.files) for section in drafts)
    return Guess(_header(root, notes.all()) + "\n".join(body) + _footer(grouped, tasks), notes.all())


def study_for_rank(target_file: Path, sources_folder: Path, *, encoder: str = "tiny") -> Guess:
    """The study of one target file and a folder of source files.

    A file is a task; a file beside which lie others of its train, dev and test is one with
    them.
    """
    target = Path(target_file).resolve()
    folder = Path(sources_folder).resolve()
    if not target.is_file():
        raise InputError(
            Problem(str(target_file), "There is no such file.", "Name a table with a label column.")
        )
    notes = Notes()
    candidates = tables(folder)
    beside = tables(target.parent, below=False)
    if target.parent.name.lower() in SPLIT_WORDS:  # train/x, test/x
        kin = (
            path for path in sorted(target.parent.parent.glob(f"*/{escape(target.name)}")) if path.is_file()
        )
        beside += [path for path in kin if path.parent.name.lower() in SPLIT_WORDS]
    root = Path(os.path.commonpath([*(path.parent for path in (target, *beside)), folder]))
    paths = dict.fromkeys([target, *beside, *candidates])
    own = target.relative_to(root).as_posix()
    known = {path.relative_to(root).as_posix() for path in candidates}
    drafts = [
        draft
        for draft in sections(root, readable(root, list(paths), notes), notes, pool=False)
        if any(file.path == own or file.path in known for file in draft.files)
    ]
    aims = [draft for draft in drafts if any(file.path == own for file in draft.files)]
    if not aims:
        said = [note for note in notes.said if note.startswith(own)]
        raise InputError(
            Problem(
                str(target_file),
                f"It cannot be a target. {' '.join(said[:1])}",
                "Give it a text and a label column.",
            )
        )
    if len(aims) == len(drafts):
        raise InputError(
            Problem(
                str(sources_folder), "No file in this folder can be a source.", "Give tables with labels."
            )
        )
    drafts = whole(uniquely_named([*aims, *(draft for draft in drafts if draft not in aims)]))
    targets = [name for draft in drafts[: len(aims)] for name in section_names(draft)]
    body = [text for draft in drafts for text in section_texts(draft, notes)]
    head = [
        FOR_RANK,
        f"name = {quoted(name_from_label(target.stem))}",
        f"encoder = {quoted(encoder)}",
        f"data_root = {quoted(str(root))}",
        f"targets = [{', '.join(map(quoted, targets))}]",
        "",
    ]
    return Guess("\n".join([*head, *body]), notes.all())


def _header(root: Path, notes: Sequence[str]) -> str:
    said = "".join(f"# - {' '.join(note.split())}\n" for note in notes)
    return (
        "# A study file, guessed from the files in this folder. Every line can be edited.\n"
        + (f"# To look at:\n{said}" if said else "")
        + f"name = {quoted(name_from_label(root.resolve().name or 'study'))}\n"
        + line("encoder", '"tiny"', "or a hub id, or a local folder")
        + "\n\n"
    )


def _budget(tasks: int) -> str:
    """A share of the exhaustive cost that leaves most of it for pairs: of few tasks the baselines are a large part.

    On two of three seeds they are 2 / (3 n) of everything for n tasks of like size.
    """
    return next((share for most, share in ((5, "100%"), (8, "60%"), (11, "33%")) if tasks <= most), "16.5%")


def _footer(grouped: bool, tasks: int) -> str:
    lines = [
        "",
        "[splits]",
        line("# by", '"group"' if grouped else '"row"', "by default: given, else group, else row"),
        line("dev", "0.15", "shares of all documents"),
        "test = 0.25",
        line("# train_rows", "1500", "a cap keeps a first study short"),
        "",
        "[search]",
        line("budget", quoted(_budget(tasks)), '"120 runs", "2h", or a share of the exhaustive cost'),
        "",
    ]
    return "\n".join(lines)
