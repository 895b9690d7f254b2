"""Copies of texts, exact and near, between the splits of a task and from what one task learns to what another tests.

Tasks over the same documents are one family; what holds for a family is said once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from forelearn.core.data import TaskData
from forelearn.core.errors import Problem
from forelearn.tasks.files import listed
from forelearn.tasks.leaks import normal
from forelearn.tasks.near import near_pairs
from forelearn.tasks.rows import SPLITS


@dataclass(slots=True)
class _Text:
    """A text with every document that carries it: (family, split, document id)."""

    text: str
    seen: list[tuple[int, str, str]] = field(default_factory=list)

    def firsts(self) -> list[tuple[int, str, str]]:
        """The first document of each (family, split), so that a text is counted once however many copies."""
        return list({one[:2]: one for one in reversed(self.seen)}.values())


def called(names: Sequence[str]) -> str:
    """`a`, `a` and `b`, or `a` and n more tasks."""
    if len(names) == 1:
        return f"`{names[0]}`"
    return (
        f"`{names[0]}` and `{names[1]}`"
        if len(names) == 2
        else f"`{names[0]}` and {len(names) - 1} more tasks"
    )


def texts_of(data: TaskData, split: str) -> Iterator[tuple[str, str]]:
    """(document id, all that is read of it as one text)."""
    part = data.split(split)
    yield from zip(part.ids, part.read())


def copies(
    tasks: Mapping[str, TaskData],
    groups: Sequence[Sequence[str]],
    places: Mapping[str, str],
    threshold: float,
) -> Iterator[Problem]:
    """Exact and near copies between splits of a family, and from what one learns to what another tests."""
    texts: dict[str, _Text] = {}
    for family, members in enumerate(groups):
        seen: set[tuple[str, str, str]] = set()
        for name in members:
            for split in SPLITS:
                for document, raw in texts_of(tasks[name], split):
                    if (document, split, raw) not in seen:
                        seen.add((document, split, raw))
                        texts.setdefault(normal(raw), _Text(raw)).seen.append((family, split, document))
    pairs: dict[tuple[int, str, int, str, bool], list[str]] = defaultdict(list)

    def note(one: tuple[int, str, str], other: tuple[int, str, str], exact: bool) -> None:
        for (family, split, name), (family2, split2, name2) in ((one, other), (other, one)):
            leaks = split2 == "test" and split != "test" if family != family2 else (split, split2) in _LEAKS
            if leaks and name != name2:
                place = f"{places.get(name2, name2)} = {places.get(name, name)}"
                pairs[(family, split, family2, split2, exact)].append(place)

    for entry in texts.values():
        kinds = entry.firsts()
        for place, one in enumerate(kinds):
            for other in kinds[place + 1 :]:
                note(one, other, True)
    distinct = list(texts.values())
    sides: dict[frozenset[tuple[int, str]], int] = {}
    codes = []
    for entry in distinct:
        kinds_of = frozenset((family, split) for family, split, _ in entry.seen)
        codes.append(sides.setdefault(kinds_of, len(sides)))
    for left, right, _ in near_pairs([entry.text for entry in distinct], codes, threshold=threshold):
        for one in distinct[left].firsts():
            for other in distinct[right].firsts():
                note(one, other, False)
    for family, split, family2, split2 in sorted({key[:4] for key in pairs}):
        if family == family2:
            same, near = (pairs.get((family, split, family2, split2, exact), []) for exact in (True, False))
            yield _within(called(groups[family]), split, split2, same, near, threshold)
    for tested, members in enumerate(groups):
        across = {key[0]: dict[bool, list[str]]() for key in sorted(pairs) if key[2] == tested != key[0]}
        for (family, _, family2, _, is_exact), found in sorted(pairs.items()):
            if family2 == tested and family in across:
                across[family].setdefault(is_exact, []).extend(found)
        if across:
            learned = {called(groups[family]): kinds for family, kinds in across.items()}
            yield _across(called(members), learned, threshold)


_LEAKS = (("train", "test"), ("dev", "test"), ("train", "dev"))


def _within(
    name: str, split: str, split2: str, exact: Sequence[str], near: Sequence[str], threshold: float
) -> Problem:
    """Copies between two splits of one family."""
    places = f"stands in {split2} and in {split}"
    if not exact:
        what = f"Nearly the same text (resemblance from {threshold:g}) {places}, {_times(len(near))}"
    else:
        nearly = f", and nearly the same (resemblance from {threshold:g}) {_times(len(near))}" if near else ""
        what = f"The same text {places}, {_times(len(exact))}{nearly}"
    return Problem(
        f"task {name}",
        f"{what}: {listed([*exact, *near])}.",
        "Remove the copies, or give copies one group and split by group.",
        "warning",
    )


def _across(name: str, learned: Mapping[str, Mapping[bool, Sequence[str]]], threshold: float) -> Problem:
    """Copies of what a family tests in what others learn. learned: other family → exact or not → places."""
    counts = []
    for other, kinds in learned.items():
        near = len(kinds.get(False, ()))
        nearly = f", {near} of them nearly" if near else ""
        counts.append(f"{_times(near + len(kinds.get(True, ())))} in {other}{nearly}")
    first = next(place for kinds in learned.values() for places in kinds.values() for place in places)
    return Problem(
        f"task {name}",
        f"The same text, or nearly (resemblance from {threshold:g}), stands in its test and in train or dev of other "
        f"tasks: {'; '.join(counts)}; for example {first}.",
        "Remove the copies from the sources, or read gains from them with care.",
        "warning",
    )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
