"""Which tasks a target is trained with: those that are named, or the best by `rank`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from forelearn.core.data import TaskData
from forelearn.core.errors import InputError, Problem, did_you_mean
from forelearn.experiment.drive import Display
from forelearn.experiment.opening import Options
from forelearn.experiment.rank import rank

AUTO = "auto"
"""In place of names: the best sources by `rank`."""

BY_NAME = "by name"
"""How tasks that were named were found."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """names: of the auxiliary tasks. why: how they were found, in words."""

    names: tuple[str, ...]
    why: str


def named(names: Sequence[str], target: TaskData, tasks: Mapping[str, TaskData]) -> Chosen:
    """The tasks with these names; `A,B` names two where no task is called so.

    Raises InputError for each that cannot be learned beside the target.
    """
    names = [one for name in names for one in ([name] if name in tasks else _split(name))]
    if not names:
        raise InputError(Problem("--with", "names no task.", "Name one: --with A,B; or leave it out."))
    problems = list(_refused(names, target, tasks))
    if problems:
        raise InputError(problems)
    return Chosen(tuple(names), BY_NAME)


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def _refused(names: Sequence[str], target: TaskData, tasks: Mapping[str, TaskData]) -> Iterator[Problem]:
    others = [name for name in tasks if name != target.task.name]
    for name in dict.fromkeys(names):
        if name == AUTO and AUTO not in tasks:
            rule = "stands alone: it takes the best tasks by `rank`, and no others."
            yield Problem(f"--with {AUTO}", rule, "Leave the names out, or `auto`.")
        elif name not in tasks:
            yield Problem(f"auxiliary task `{name}`", "is not in the study.", did_you_mean(name, others))
        elif tasks[name].task.digest == target.task.digest:
            yield Problem(
                f"auxiliary task `{name}`", "is the target itself.", "Name other tasks, or leave --with out."
            )
        elif list(names).count(name) > 1:
            yield Problem(f"auxiliary task `{name}`", "stands twice.", "Name it once.")


def best_ranked(
    study: Path | str,
    target: str,
    top: int,
    tasks: Mapping[str, TaskData],
    options: Options,
    display: Display,
) -> Chosen:
    """The `top` best tasks by `rank`; those that hold rows of the target's test are left out as it leaves them out.

    Tasks are taken in its order even where it advises against a transfer, or sets one aside: `why` says so.
    Raises InputError if there is none.
    """
    if top < 1:
        raise InputError(Problem("--top", f"must be at least 1, got {top}.", "Raise it."))
    found = rank(study, target, options, display=display)
    ranked = [row for row in found.rows if row.rank is not None and row.source in tasks]
    usable = [row for row in ranked if row.eligible or not row.leak]
    rows = usable[:top]
    if not rows:
        why = "no other task can be ranked for it without holding rows of its test."
        raise InputError(Problem(f"--with auto for `{target}`", why, "Name tasks: --with A,B."))
    said = [f"the best {len(rows)} of {len(ranked)} tasks by rank ({', '.join(found.estimators)})"]
    if len(ranked) > len(usable):
        said.append(f"left out for rows of the target's test: {len(ranked) - len(usable)}")
    if found.advice.decision == "do not transfer":
        said.append("rank advises against learning any of them")
    elif found.advice.decision == "not enough evidence":
        said.append("rank has not enough evidence that any of them helps")
    said += [f"rank would set {row.source} aside: {row.reason.rstrip('.')}" for row in rows if row.reason]
    return Chosen(tuple(row.source for row in rows), "; ".join(said))
