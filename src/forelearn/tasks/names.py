"""Which names a task may have: one short line that no page, path or shell could misread."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence

from forelearn.core.errors import Problem
from forelearn.tasks.random_labels import SUFFIX

LONGEST = 80
_MARKUP = re.compile(r'[<>/\\"`{}|]')
_RESERVED = ("encoder@", "hf://")
_TAKEN = ("train longer", "another seed", "no transfer", "baseline")
"""What rows of results that are no task are called; a table from elsewhere says the last two in any case."""


def _invisible(sign: str) -> bool:
    """Control and format characters, except the two joiners that several scripts need."""
    return unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp", "Cs") and sign not in "\u200c\u200d"


def name_fault(name: str) -> str | None:
    """Why `name` cannot name a task, a study or a card; None if it can."""
    if not name.strip():
        return "it is empty"
    if name != name.strip():
        return "white space stands at its ends"
    if any(_invisible(sign) for sign in name):
        return "it holds a control character or a line end"
    if found := _MARKUP.search(name):
        return f"it holds `{found[0]}`"
    if name.startswith(_RESERVED):
        return "names of encoders begin so"
    if name in (".", ".."):
        return "it is a folder"
    return f"it is longer than {LONGEST} characters" if len(name) > LONGEST else None


def task_name_fault(name: str) -> str | None:
    """Why `name` cannot name a task of a study, where it stands among controls; None if it can."""
    if name.casefold() in _TAKEN or name.endswith(SUFFIX):
        return "controls are called so"
    return name_fault(name)


def name_problems(named: Sequence[tuple[str, str]]) -> Iterator[Problem]:
    """Names that cannot be, and names that stand twice. named: tasks, each with the section that makes it."""
    sections: dict[str, list[str]] = defaultdict(list)
    for name, section in named:
        sections[name].append(section)
        if fault := task_name_fault(name):
            yield Problem(
                f"{section} name",
                f"{name!r} cannot name a task: {fault}.",
                "Choose another name, of one line of letters, digits, spaces and - _ . , & ( ).",
            )
    for name, where in sections.items():
        if len(where) > 1:
            yield Problem(
                f"{where[1]} name",
                f"The task name `{name}` is taken by {where[0]}; names are unique.",
                'Set `name`, or `prefix` for one-vs-rest tasks, for example prefix = "type: ".',
            )


def name_from_label(label: str) -> str:
    """The nearest allowed name: forbidden characters become `_`, and what is too long is cut."""
    name = "".join(" " if _invisible(sign) else sign for sign in label)
    name = _MARKUP.sub("_", " ".join(name.split()))[:LONGEST].strip()
    return name if task_name_fault(name) is None else f"_{name.removesuffix(SUFFIX)}"[:LONGEST].strip()
