"""What goes wrong, as values and as exceptions with an exit code.

A message names the thing, the value, the rule and the next step.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

EXIT_FAILED = 1
"""Something that was tried did not work (a run failed, a check of the store found damage)."""
EXIT_INPUT = 2
"""The input was refused; nothing was written."""

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
"""What the system says of disks that have no room."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input.

    where: file, and row or key, as the user would look it up (`tweets.csv, row 17`).
    what: the thing, its value and the rule that it breaks.
    fix: the next step, one sentence.
    level: `error` stops the command; `warning` is shown and the command goes on.
    """

    where: str
    what: str
    fix: str
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.where}: {self.what} {self.fix}"


class ForelearnError(Exception):
    """A failure with a message meant for the user. `exit_code` is what the command returns."""

    exit_code = EXIT_FAILED


class InputError(ForelearnError):
    """An input was refused: every problem found, nothing written."""

    exit_code = EXIT_INPUT

    def __init__(self, problems: Problem | Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[Problem, ...]]]:
        return InputError, (self.problems,)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence that names the nearest known name, or lists what is known. Empty if nothing is."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"Did you mean `{near[0]}`?"
    return f"Known: {', '.join(names[:12])}{', …' if len(names) > 12 else ''}." if names else ""
