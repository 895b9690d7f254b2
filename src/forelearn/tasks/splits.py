"""Train, dev and test: given, by row (stratified) or by group (disjoint), and smaller samples of them.

[choice] Every draw depends on the seed and on names of documents or groups, never on the order of rows.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from forelearn.core.errors import Problem
from forelearn.core.keys import seed_from
from forelearn.tasks.files import listed

By = Literal["group", "row", "given"]


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """How documents are split.

    by: None chooses `given` where the data say it, else `group` where there are groups, else `row`.
    dev, test: shares of all documents, in (0, 1). *_rows: most documents of a split; None keeps all.
    """

    by: By | None = None
    dev: float = 0.15
    test: float = 0.25
    seed: int = 0
    train_rows: int | None = None
    dev_rows: int | None = None
    test_rows: int | None = None

    def most(self, split: str) -> int | None:
        """The cap of a split."""
        return {"train": self.train_rows, "dev": self.dev_rows, "test": self.test_rows}[split]


@dataclass(frozen=True, slots=True)
class Item:
    """A document as the split sees it. labels: what should occur in every split. given: its split, or ""."""

    id: str
    labels: tuple[str, ...]
    group: str
    given: str
    place: str


def split_items(
    items: Sequence[Item], plan: SplitPlan, *, where: str
) -> tuple[dict[str, str], list[Problem]]:
    """Document id → split, for documents that are split together; on a problem the mapping is empty."""
    given = [item for item in items if item.given]
    grouped = all(item.group for item in items) and bool(items)
    problems: list[Problem] = []
    if given:
        return _given(items, plan, where=where, grouped=grouped)
    if plan.by == "given":
        return {}, [
            Problem(
                where,
                'by = "given" needs a split for every row, and the data say none.',
                'Name the `split` column, or files = {train = "…", test = "…"}.',
            )
        ]
    by_group = plan.by == "group" or (plan.by is None and grouped)
    if by_group and not grouped:
        problems.append(
            Problem(
                where,
                'by = "group" needs groups.',
                "Name the `group` column; it is split by row for now.",
                "warning",
            )
        )
    if by_group and grouped:
        groups, found = by_groups(items, {"dev": plan.dev, "test": plan.test}, seed=plan.seed, where=where)
        return {item.id: groups[item.group] for item in items} if groups else {}, problems + found
    return by_rows(items, {"dev": plan.dev, "test": plan.test}, seed=plan.seed), problems


def _given(
    items: Sequence[Item], plan: SplitPlan, *, where: str, grouped: bool
) -> tuple[dict[str, str], list[Problem]]:
    """The given splits; dev is taken out of train where none is given, by whole groups where there are any."""
    problems: list[Problem] = []
    open_items = [item.place for item in items if not item.given]
    if open_items:
        problems.append(
            Problem(where, f"Rows without a split: {listed(open_items)}.", "Give every row a split.")
        )
    sizes = Counter(item.given for item in items)
    for split in ("train", "test"):
        if not sizes[split]:
            problems.append(
                Problem(
                    where,
                    f"The given splits have no {split} rows.",
                    'Add them; a dev file can serve as test (files = {train = "…", test = "…"}), and dev is '
                    "then taken out of train.",
                )
            )
    if grouped:
        problems += _torn_groups(items, where=where, level="error" if plan.by == "group" else "warning")
    if any(problem.level == "error" for problem in problems):
        return {}, problems
    chosen = {item.id: item.given for item in items}
    if not sizes["dev"]:
        train = [item for item in items if item.given == "train"]
        share = {"dev": plan.dev / (1 - plan.test)}
        by_group = grouped and plan.by != "row"
        if by_group and plan.by != "group" and len({item.group for item in train}) < 2:
            what = "Train is one group: dev is taken out of it by row, and holds the group that is learned."
            problems.append(Problem(where, what, "Give a dev file, or more groups.", "warning"))
            by_group = False
        if by_group:
            groups, found = by_groups(train, share, seed=plan.seed, where=where)
            problems += found
            chosen |= {item.id: groups[item.group] for item in train} if groups else {}
        else:
            chosen |= by_rows(train, share, seed=plan.seed)
    return chosen, problems


def _torn_groups(items: Sequence[Item], *, where: str, level: Literal["error", "warning"]) -> list[Problem]:
    splits: dict[str, set[str]] = defaultdict(set)
    for item in items:
        splits[item.group].add(item.given)
    torn = sorted(group for group, found in splits.items() if len(found) > 1)
    if not torn:
        return []
    first = next(item.place for item in items if item.group == torn[0])
    return [
        Problem(
            where,
            f"Groups that stand in several of the given splits: {listed(torn)} (first at {first}).",
            'Correct the split column, or leave it out and set by = "group" in [splits].'
            if level == "error"
            else "Measures on test are then of groups that were seen in training.",
            level,
        )
    ]


def rank_of(seed: int, name: str) -> bytes:
    """A pseudo-random place in an order that depends on the seed and the name alone."""
    return hashlib.blake2b(f"{seed}\0{name}".encode(), digest_size=8).digest()


def _rarest(items: Iterable[Item]) -> dict[str, str]:
    """Document id → the rarest of its labels ("" where it has none): the stratum it is drawn from."""
    items = list(items)
    counts = Counter(label for item in items for label in item.labels)
    return {item.id: min(item.labels, key=lambda label: (counts[label], label), default="") for item in items}


def by_rows(items: Sequence[Item], shares: Mapping[str, float], *, seed: int) -> dict[str, str]:
    """Stratified split by row: each label's documents are dealt out in the wished shares.

    A document of several labels counts for its rarest. A label with at least three documents reaches every
    split; rounding is carried from label to label, so that the totals stay within one row of the shares.
    """
    strata: dict[str, list[Item]] = defaultdict(list)
    rarest = _rarest(items)
    for item in items:
        strata[rarest[item.id]].append(item)
    chosen: dict[str, str] = {}
    carried = dict.fromkeys(shares, 0.0)
    for name in sorted(strata):
        members = sorted(strata[name], key=lambda item: (rank_of(seed, item.id), item.id))
        left = len(members)
        start = 0
        for split, share in shares.items():
            wished = len(members) * share + carried[split]
            count = round(wished)
            if len(members) > len(shares):
                count = max(1, count)
            count = max(0, min(count, left - 1))
            carried[split] = wished - count
            chosen |= {item.id: split for item in members[start : start + count]}
            start += count
            left -= count
        chosen |= {item.id: "train" for item in members[start:]}
    return chosen


def by_groups(
    items: Sequence[Item], shares: Mapping[str, float], *, seed: int, where: str
) -> tuple[dict[str, str], list[Problem]]:
    """Group → split, with whole groups in each split.

    The best of many seeded deals, by its distance from the wished shares of documents and of each label's
    documents; a label that a split misses weighs most. Too few groups: nothing and a problem.
    """
    names = sorted({item.group for item in items})
    splits = ("train", *shares)
    if len(names) < len(splits):
        return {}, [
            Problem(
                where,
                f"{len(names)} groups cannot fill {len(splits)} splits: {listed(names)}.",
                'Give more groups, or set by = "row" in [splits].',
            )
        ]
    labels = sorted({label for item in items for label in item.labels})
    row = {name: index for index, name in enumerate(names)}
    column = {label: index + 1 for index, label in enumerate(labels)}
    counts = np.zeros((len(names), len(labels) + 1))
    for item in items:
        counts[row[item.group], 0] += 1
        for label in item.labels:
            counts[row[item.group], column[label]] += 1
    totals = counts.sum(axis=0)
    wished = {split: shares.get(split, 1 - sum(shares.values())) for split in splits}
    weights = np.full(len(labels) + 1, 1.0 / max(1, len(labels)))
    weights[0] = 4.0  # sizes first: a split far from its share is worse than a label that is
    draw = random.Random(seed_from("groups", seed, names))
    best: tuple[float, dict[str, str]] | None = None
    for deal in range(max(20, min(400, 2_000_000 // counts.size))):
        order = list(range(len(names)))
        draw.shuffle(order)
        # every other deal aims beside the shares: one more group may be what a label needs
        scale = draw.uniform(0.6, 1.8) if deal % 2 else 1.0
        dealt = _deal(order, counts[:, 0], {split: scale * wished[split] * totals[0] for split in shares})
        distance = 0.0
        for split in splits:
            got = counts[dealt[split]].sum(axis=0)
            off = (got / totals - wished[split]) / wished[split]
            distance += float(weights @ off**2) + 100.0 * float(((got == 0) & (totals > 0)).sum())
        if best is None or distance < best[0]:
            best = (distance, {names[index]: split for split in splits for index in dealt[split]})
    assert best is not None
    return best[1], []


def _deal(order: Sequence[int], sizes: np.ndarray, wished: Mapping[str, float]) -> dict[str, list[int]]:
    """Groups in `order` fill dev and test up to the nearest size, at least one each; train gets the rest."""
    dealt: dict[str, list[int]] = {}
    start = 0
    for place, (split, size) in enumerate(wished.items()):
        taken = 0.0
        end = start
        last = len(order) - (len(wished) - place)  # leaves a group to each split that follows
        while end < last and (end == start or abs(taken + sizes[order[end]] - size) < abs(taken - size)):
            taken += sizes[order[end]]
            end += 1
        dealt[split] = list(order[start:end])
        start = end
    dealt["train"] = list(order[start:])
    return dealt


def sample(items: Sequence[Item], rows: int | None, *, seed: int) -> set[str]:
    """Ids of at most `rows` documents: a plain random sample, except that rare labels keep their documents.

    Each label keeps min(its documents, rows / (2 × labels)); the rest is filled at random. Where no label is
    rare this is the plain sample.
    """
    if rows is None or len(items) <= rows:
        return {item.id for item in items}
    order = sorted(items, key=lambda item: (rank_of(seed, item.id), item.id))
    counts = Counter(label for item in items for label in item.labels)
    quota = max(1, rows // (2 * max(1, len(counts))))
    held: dict[str, list[Item]] = defaultdict(list)
    for item in order:
        for label in item.labels:
            held[label].append(item)
    kept: dict[str, None] = {}
    have: Counter[str] = Counter()
    for label in sorted(counts, key=lambda label: (counts[label], label)):
        for item in held[label]:
            if have[label] >= quota or len(kept) >= rows:
                break
            if item.id not in kept:
                kept[item.id] = None
                have.update(item.labels)
    for item in order:
        if len(kept) >= rows:
            break
        kept[item.id] = None
    return set(kept)


def subsample(labels: Sequence[int], rows: int, *, seed: int) -> list[int]:
    """Positions of at most `rows` examples of one task, in their order; rare labels keep examples."""
    width = len(str(len(labels)))
    items = [Item(str(place).zfill(width), (str(label),), "", "", "") for place, label in enumerate(labels)]
    kept = sample(items, rows, seed=seed)
    return [place for place, item in enumerate(items) if item.id in kept]
