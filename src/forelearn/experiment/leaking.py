"""Which sources hold rows of a target's test: they would raise what is reported without teaching anything.

Rows that the target's own train or dev holds too do not count: its baseline has seen them as well. So tasks over the
same documents with the same splits never leak into one another.
"""

from __future__ import annotations

from collections.abc import Mapping

from forelearn.core.data import TaskData
from forelearn.search.search import Pair
from forelearn.tasks.leaks import Leak, all_leaks, leaks


def leaking_pairs(tasks: Mapping[str, TaskData]) -> dict[Pair, str]:
    """(source, target) → what of the target's test rows the source holds, in words; pairs that leak alone."""
    first: dict[tuple[object, ...], str] = {}
    # tasks over the same documents are compared once
    stands = {
        name: first.setdefault(tuple(data.split(split).read() for split in ("train", "dev", "test")), name)
        for name, data in tasks.items()
    }
    found = all_leaks({name: tasks[name] for name in first.values()})
    own = {target: leaks(tasks[target], tasks[target]) for target in {target for _, target in found}}
    said = {pair: leak_words(leak, own[pair[1]]) for pair, leak in found.items()}
    return {
        (source, target): words
        for source in tasks
        for target in tasks
        if (words := said.get((stands[source], stands[target]), ""))
    }


def leak_words(leak: Leak, own: Leak) -> str:
    """What leaks, in words; empty for nothing. own: what of its test the target itself holds in train or dev."""
    seen = {row for row, _ in own.pairs}
    exact = sum(row not in seen for row, _ in leak.pairs[: leak.exact])
    near = sum(row not in seen for row, _ in leak.pairs[leak.exact :])
    kinds = [f"{count} {name}" for count, name in ((exact, "exactly"), (near, "nearly")) if count]
    return f"holds {' and '.join(kinds)} of the {leak.rows} test rows" if kinds else ""
