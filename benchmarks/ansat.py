"""ANSAT of all pairs at once against one vectorised numpy comparison for each (pair, threshold, set).

python -m benchmarks.ansat [--quick]

Both start from the same word scores of 2,000 generated documents and give the same [tasks, tasks, 3, 14]
table. `speedup_…` is against the comparison as it stands in the definition, which selects a set's words each
time; `speedup_…_gathered` grants it that the words of a pair and set are gathered once for all 14 thresholds.
One thread, CPU seconds (other load on the machine does not count), median of interleaved repeats. With 200
tasks the comparison is timed on a part of the pairs and scaled, and with `--quick` not at all.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from forelearn.representations.ansat import THRESHOLDS, ansat

REPEATS = {12: 9, 33: 3, 200: 3}
"""Tasks → repeats in the quick form; three times as many in the full one."""

Scores = Mapping[str, list[NDArray[np.float32]]]
Positives = Mapping[str, list[int]]


def generate(tasks: int, documents: int, seed: int) -> tuple[Scores, Positives]:
    """Word scores that share a part between tasks; tasks with 3 to 30 % positive documents."""
    chance = np.random.default_rng(seed)
    words = chance.integers(5, 35, documents)
    common = [chance.normal(0, 0.12, count) for count in words]
    scores = {
        f"task {task}": [
            np.clip(shared + chance.normal(0, 0.12, len(shared)), -1, 1).astype(np.float32)
            for shared in common
        ]
        for task in range(tasks)
    }
    positives = {
        name: np.flatnonzero(chance.random(documents) < chance.uniform(0.03, 0.3)).tolist() for name in scores
    }
    return scores, positives


def compare_each(
    scores: Scores, positives: Positives, *, gather_once: bool, pairs: int | None = None
) -> NDArray[np.float64]:
    """The definition, one comparison a (pair, set, threshold); `pairs` stops after that many."""
    names = list(scores)
    words = np.fromiter(map(len, scores[names[0]]), int)
    flat = [np.concatenate(scores[name]) for name in names]
    mine = np.zeros((len(names), len(words)), bool)
    for row, name in enumerate(names):
        mine[row, positives[name]] = True
    inside = mine.repeat(words, axis=1)
    levels = THRESHOLDS.astype(np.float32)
    values = np.full((len(names), len(names), 3, len(levels)), np.nan)
    done = 0
    for source in range(len(names)):
        for target in range(len(names)):
            if pairs is not None and done == pairs:
                return values
            done += 1
            sets = (
                (inside[source], mine[source].sum()),
                (inside[target], mine[target].sum()),
                (inside[source] & inside[target], (mine[source] & mine[target]).sum()),
            )
            for place, (chosen, size) in enumerate(sets):
                if not size:
                    continue
                left, right = flat[source][chosen], flat[target][chosen]
                for number, level in enumerate(levels):
                    if not gather_once:
                        left, right = flat[source][chosen], flat[target][chosen]
                    shared = np.count_nonzero((left >= level) & (right >= level))
                    values[source, target, place, number] = shared / size
    return values


@dataclass(frozen=True)
class Setting:
    """Generated scores and the three ways to count them."""

    scores: Scores
    positives: Positives

    def ours(self) -> NDArray[np.float64]:
        """All pairs at once."""
        return ansat(self.scores, self.positives).values

    def plain(self, pairs: int | None = None) -> NDArray[np.float64]:
        """One comparison at a time, as the definition has it."""
        return compare_each(self.scores, self.positives, gather_once=False, pairs=pairs)

    def gathered(self, pairs: int | None = None) -> NDArray[np.float64]:
        """One comparison at a time on words gathered once a pair and set."""
        return compare_each(self.scores, self.positives, gather_once=True, pairs=pairs)


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer repeats; no comparison at 200 tasks")
    parser.add_argument("--documents", type=int, default=2000)
    options = parser.parse_args()
    found: dict[str, float] = {}
    worst = 0.0
    print(f"{options.documents} documents, 3 sets, {len(THRESHOLDS)} thresholds, one thread, CPU seconds")
    print(
        f"{'tasks':>6} {'forelearn':>12} {'comparisons':>12} {'speedup':>9} {'gathered once':>14} {'speedup':>9}"
    )
    for tasks, repeats in REPEATS.items():
        setting = Setting(*generate(tasks, options.documents, seed=tasks))
        # none: all pairs; otherwise a part of them, and how many times it fits into the whole
        part, scale = (1000, tasks**2 / 1000) if tasks == 200 else (None, 1.0)
        compared = tasks < 200 or not options.quick
        if tasks < 200:
            values, expected = setting.ours(), setting.gathered()
            if not np.array_equal(np.isnan(values), np.isnan(expected)):
                worst = float("inf")
            worst = max(worst, float(np.nanmax(np.abs(values - expected))))
        ours, plain, gathered = [], [], []
        for _ in range(repeats * (1 if options.quick else 3)):
            ours.append(seconds(setting.ours))
            if compared:
                plain.append(scale * seconds(partial(setting.plain, part)))
                gathered.append(scale * seconds(partial(setting.gathered, part)))
        mine = found[f"seconds_{tasks}"] = statistics.median(ours)
        line = f"{tasks:>6} {mine:>10.4f} s"
        for name, times in (("", plain), ("_gathered", gathered)):
            if compared:
                found[f"speedup_{tasks}{name}"] = statistics.median(times) / mine
                line += f" {statistics.median(times):>10.3f} s {found[f'speedup_{tasks}{name}']:>8.1f}x "
        print(line)
    print(json.dumps({**{name: round(value, 4) for name, value in found.items()}, "max_abs_diff": worst}))


if __name__ == "__main__":
    main()
