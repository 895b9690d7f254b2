"""What to know of tasks before anything is trained: leaks, conflicts, thin labels. Nothing is changed.

Copies are counted once a family of tasks over the same documents, not once a task. Languages are left alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from forelearn.core.data import Examples, TaskData
from forelearn.core.errors import Problem
from forelearn.tasks.copies import called, copies, texts_of
from forelearn.tasks.files import listed
from forelearn.tasks.leaks import normal
from forelearn.tasks.near import THRESHOLD
from forelearn.tasks.rows import SPLITS

FEW = {"train": 10, "dev": 5, "test": 5}
"""Fewer positive documents than this in a split make a warning."""


@dataclass(frozen=True, slots=True)
class Balance:
    """One line of the table of labels: a task's split, its size, its positives and their share (prevalence).

    `positives` are the examples of the positive label; of the rarest label or choice where there are more; the
    sequences with a span (or any tag); all examples where labels have no names (`counted` says which).
    """

    task: str
    split: str
    examples: int
    positives: int
    prevalence: float
    groups: int
    counted: str = "positive documents"


def balances(tasks: Mapping[str, TaskData]) -> list[Balance]:
    """Sizes, positive counts and prevalence of every split of every task."""
    table = []
    for name, data in tasks.items():
        for split in SPLITS:
            part = data.split(split)
            positives, counted = _positives(data, part)
            share = positives / len(part) if len(part) else 0.0
            table.append(Balance(name, split, len(part), positives, share, len(set(part.groups)), counted))
    return table


def _positives(data: TaskData, part: Examples) -> tuple[int, str]:
    """(how many examples count as positive, what they are)."""
    match data.task.kind:
        case "sequence_labelling":
            outside = data.labels.index("O") if "O" in data.labels else -1
            marked = sum(any(tag != outside for tag in tags) for tags in part.tags)
            return marked, "sequences with a tag"
        case "multiple_choice":
            codes = range(len(part.choices[0]) if part.choices else 0)
            return min(map(part.labels.count, codes), default=0), "documents of the rarest choice"
        case "binary":
            return part.positives(), "positive documents"
        case "multiclass":
            return min(map(part.labels.count, range(len(data.labels)))), "documents of the rarest label"
        case _:
            return len(part), "documents"


def families(tasks: Mapping[str, TaskData]) -> list[list[str]]:
    """Names of tasks that share documents, directly or through others, in the order of the tasks."""
    owner: dict[str, int] = {}
    found: dict[int, list[str]] = {}
    for number, (name, data) in enumerate(tasks.items()):
        ids = {one for split in SPLITS for one in data.split(split).ids}
        joined = sorted({owner[one] for one in ids if one in owner})
        members = [member for index in joined for member in found.pop(index)] + [name]
        found[number] = members
        owner.update(dict.fromkeys(ids, number))
        if joined:
            owner = {one: number if index in joined else index for one, index in owner.items()}
    place = {name: index for index, name in enumerate(tasks)}
    return sorted(
        (sorted(members, key=place.__getitem__) for members in found.values()), key=lambda m: place[m[0]]
    )


def audit(
    tasks: Mapping[str, TaskData], *, places: Mapping[str, str] | None = None, threshold: float = THRESHOLD
) -> list[Problem]:
    """Everything doubtful about the tasks, as warnings, each with rows, cause and next step.

    places: document id → `file, row n`. threshold: resemblance from which two texts count as near.
    """
    where = dict(places or {})
    groups = families(tasks)
    problems = [*_thin(tasks), *_twins(tasks)]
    for members in groups:
        problems += _conflicts([tasks[name] for name in members], where)
    problems += _crossed(tasks, groups, where)
    problems += copies(tasks, groups, where, threshold)
    return problems


def _thin(tasks: Mapping[str, TaskData]) -> Iterator[Problem]:
    thin: dict[tuple[str, str], list[str]] = defaultdict(list)
    for line in balances(tasks):
        if line.positives < FEW[line.split]:
            thin[(line.task, line.counted)].append(f"{line.positives} in {line.split}")
    for (name, counted), found in thin.items():
        yield Problem(
            f"task `{name}`",
            f"Few {counted}: {', '.join(found)}; what is measured on so few is mostly noise.",
            "Give more rows, merge labels, raise the caps in [splits], or leave the task out.",
            "warning",
        )


def _twins(tasks: Mapping[str, TaskData]) -> Iterator[Problem]:
    """Tasks of equal content."""
    named: dict[str, list[str]] = defaultdict(list)
    for name, data in tasks.items():
        named[data.task.digest].append(name)
    for names in named.values():
        if len(names) > 1:
            yield Problem(
                f"task {called(names)}",
                "They have the same rows and labels: one before another is the same task twice, and is not tried.",
                "Leave out all but one.",
                "warning",
            )


def _answers(part: Examples) -> Sequence[object]:
    """What is to be found, where two of them for one text contradict each other.

    Empty for question answering: several spans can be right.
    """
    return part.labels or part.values or part.tags


def _conflicts(members: Sequence[TaskData], places: Mapping[str, str]) -> list[Problem]:
    counts: list[str] = []
    example = ""
    known: dict[str, str] = {}
    for data in members:
        labels: dict[str, tuple[object, str]] = {}
        clashing: set[str] = set()
        for split in SPLITS:
            for (name, raw), label in zip(texts_of(data, split), _answers(data.split(split))):
                text = known[raw] if raw in known else known.setdefault(raw, normal(raw))
                first, other = labels.setdefault(text, (label, name))
                if first != label:
                    clashing.add(text)
                    example = example or f"{places.get(other, other)} and {places.get(name, name)}"
        if clashing:
            counts.append(f"{len(clashing)} in `{data.task.name}`")
    if not counts:
        return []
    return [
        Problem(
            f"task {called([data.task.name for data in members])}",
            f"The same text carries different labels: {listed(counts)}; for example {example}.",
            "Settle the labels, or leave them: they bound what any model can reach.",
            "warning",
        )
    ]


def _crossed(
    tasks: Mapping[str, TaskData], groups: Sequence[Sequence[str]], places: Mapping[str, str]
) -> Iterator[Problem]:
    """Documents that one task of a family trains on and another tests on."""
    for members in groups:
        tested: dict[str, str] = {}
        for name in members:
            tested.update(dict.fromkeys(tasks[name].test.ids, name))
        for name in members:
            shared = [
                one for split in ("train", "dev") for one in tasks[name].split(split).ids if one in tested
            ]
            if shared:
                yield Problem(
                    f"task `{name}`",
                    f"As a source it learns {len(shared)} documents that `{tested[shared[0]]}` is tested on: "
                    f"{listed([places.get(one, one) for one in shared])}.",
                    "Split both tasks alike: one [splits] for both, or the same split column.",
                    "warning",
                )
