"""Which method of multitask training tells a helpful auxiliary task from a useless one, and does it pay?

    python -m benchmarks.auxiliaries --quick     5 families, 10 epochs of αVIL
    python -m benchmarks.auxiliaries             5 families, 20 epochs
    python -m benchmarks.auxiliaries --docs      the same, and writes the table of `docs/multitask.md`

Each family (a seed: its words, its texts, the encoder, the training) has a target of 100 training examples and three
auxiliary tasks of 300, over the same vocabulary: `helpful` has the target's own lexicon, `neutral` another one that can
be learned as well and says nothing about the target, `random` the texts of the helpful one with its labels dealt out
anew. The encoder is a random BERT, 2 layers × 64.

All arms are held to the sample gradients that αVIL takes in its epochs: what an arm would have kept with no more. An
arm's weight of a task is the mean over its epochs. The last line is JSON: `separated`, method → seeds of 5 in which the
random-label task got less weight than the helpful one; `gain`, arm → [mean, low, high] of the difference in test
accuracy to the single task with the same compute at a constant rate (90 %, Student's t over families).
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

os.environ.setdefault("OMP_NUM_THREADS", "1")

from scipy.stats import t as student

from forelearn.core.data import TaskData, task_data
from forelearn.core.multitask import Multitask, Scalar
from forelearn.core.recipe import Recipe
from forelearn.models.tiny import build_tiny
from forelearn.tasks.random_labels import with_random_labels
from forelearn.tasks.synthetic import Design, family
from forelearn.training.multitask.fit import fit_together
from forelearn.training.multitask.history import History
from forelearn.training.multitask.ledger import Ledger
from forelearn.training.multitask.method import Surroundings
from forelearn.training.multitask.methods import METHODS, multitask, new_method, options_of
from forelearn.training.multitask.text import TextLearner

SEEDS = 5
QUICK, FULL = 10, 20
"""Epochs of αVIL in the two forms."""
AUXILIARY = ("helpful", "neutral", "random")
RECIPE = Recipe(learning_rate=1e-3, batch_size=16, max_length=32)
DESIGN = Design(group=2, core_shares=(1.0,), borrowed=0.0, train=((300, 0.0),), dev=150, test=400)
ROWS = 100
"""Training examples of the target."""
REFERENCE = "single"
DOCS = Path(__file__).resolve().parent.parent / "docs" / "multitask.md"
BEGIN, END = "<!-- auxiliaries: measured -->", "<!-- auxiliaries: end -->"


@dataclass(frozen=True, slots=True)
class Arm:
    """name: for people. auxiliary: which tasks it is given; none but the target for ()."""

    name: str
    method: str
    options: Mapping[str, Scalar]
    auxiliary: tuple[str, ...] = AUXILIARY


def arms() -> list[Arm]:
    """Every method that stands by itself, and the controls of αVIL."""
    methods = [name for name in METHODS if name != "single" and ":" not in name]
    return [
        Arm("single", "single", {}, ()),
        Arm("single, decaying rate", "single", {"schedule": "linear"}, ()),
        *[Arm(name, name, {}) for name in methods],
        *[Arm(f"{name}, alone", name, {}, ()) for name in ("alpha-vil", "alpha-vil-robust")],
        *[Arm(f"{name}, helpful only", name, {}, ("helpful",)) for name in ("alpha-vil", "alpha-vil-robust")],
    ]


def make_family(seed: int) -> dict[str, TaskData]:
    """The target and its three auxiliary tasks."""
    found = family(seed, tasks=4, design=DESIGN)
    first, *rest = found.tasks.values()
    kin = first.task.name.partition("-")[2]
    helpful = next(data for data in rest if data.task.name.endswith(kin))
    neutral = next(data for data in rest if not data.task.name.endswith(kin))
    target = task_data(
        "target", first.labels, first.train.pick(range(ROWS)), first.dev, first.test, metric="accuracy"
    )
    return {"target": target, "helpful": helpful, "neutral": neutral, "random": with_random_labels(helpful)}


def run(work: tuple[int, Arm, int, int]) -> tuple[int, str, History]:
    """One arm on one family. work: seed, arm, how often it is measured, sample gradients at most."""
    seed, arm, epochs, compute = work
    tasks = make_family(seed)
    chosen = [tasks[name] for name in ("target", *arm.auxiliary)]
    plan: Multitask = multitask(arm.method, {**arm.options, "compute": compute})
    with tempfile.TemporaryDirectory() as folder:
        texts = [text for data in tasks.values() for text in data.train.texts]
        build_tiny(texts, Path(folder) / "encoder", layers=2, hidden=64, heads=2, vocabulary=1000, seed=seed)
        learner = TextLearner(chosen, Path(folder) / "encoder", RECIPE, options_of(plan), seed, Ledger())
        method = new_method(plan, learner, Surroundings(epochs, Path(folder)))
        return seed, arm.name, fit_together(method, key="")


def compute_of(epochs: int) -> int:
    """Sample gradients of αVIL in that many epochs: a pass over every task, and ten over the target's dev."""
    return epochs * (ROWS + 3 * 300 + 10 * DESIGN.dev)


def measure(epochs: int, workers: int) -> dict[str, dict[int, History]]:
    """Arm → seed → what happened."""
    limit = compute_of(epochs)
    work = [(seed, arm, epochs, limit) for seed in range(SEEDS) for arm in arms()]
    found: dict[str, dict[int, History]] = {}
    with ProcessPoolExecutor(workers) as pool:
        for seed, name, history in pool.map(run, work):
            found.setdefault(name, {})[seed] = history
    return found


def weight(history: History, name: str) -> float | None:
    """Mean over epochs of an auxiliary task's share of all weights; None if the method has none."""
    place = AUXILIARY.index(name) + 1
    if len(history.tasks) <= place:
        return None
    shares = []
    for epoch in history.epochs:
        weights = [task.weight for task in epoch.tasks.values()]
        if any(value is None for value in weights):
            return None
        known = [value for value in weights if value is not None]
        shares.append(known[place] / sum(known))
    return fmean(shares)


def interval(differences: Sequence[float]) -> tuple[float, float, float]:
    """Mean and 90 % interval over families."""
    mean = fmean(differences)
    half = float(student.ppf(0.95, len(differences) - 1)) * stdev(differences) / len(differences) ** 0.5
    return mean, mean - half, mean + half


def kept(history: History, limit: int) -> tuple[float, int]:
    """Test accuracy and sample gradients of what would have been kept within `limit`."""
    epoch = history.within(limit)
    assert epoch.test is not None
    return epoch.test, min(history.epochs[-1].gradients, limit)


def table(
    found: Mapping[str, Mapping[int, History]], limit: int
) -> tuple[list[list[str]], dict[str, object]]:
    """Rows for people, and the figures of the last line."""
    separated: dict[str, int] = {}
    gain: dict[str, list[float]] = {}
    rows = []
    for name, by_seed in found.items():
        tests = {seed: kept(history, limit)[0] for seed, history in by_seed.items()}
        reference = {seed: kept(history, limit)[0] for seed, history in found[REFERENCE].items()}
        mean, low, high = interval([tests[seed] - reference[seed] for seed in tests])
        gain[name] = [round(value, 4) for value in (mean, low, high)]
        cells = ["", "", "", ""]
        full = all(len(history.tasks) == 4 for history in by_seed.values())
        weights = {
            task: [weight(history, task) for history in by_seed.values()] for task in AUXILIARY if full
        }
        if full and all(value is not None for values in weights.values() for value in values):
            known = {task: [value or 0.0 for value in values] for task, values in weights.items()}
            cells = [f"{fmean(known[task]):.3f}" for task in AUXILIARY]
            apart = sum(bad < good for bad, good in zip(known["random"], known["helpful"]))
            fixed = name == "multitask"
            cells.append("(fixed)" if fixed else f"{apart} of {len(by_seed)}")
            if not fixed:
                separated[name] = apart
        difference = "" if name == REFERENCE else f"{100 * mean:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
        rows.append([name, f"{100 * fmean(tests.values()):.1f}", difference, *cells])
    return rows, {"separated": separated, "gain": gain}


HEADER = ["arm", "test accuracy, %", "less single", "helpful", "neutral", "random", "random < helpful"]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--docs", action="store_true")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    epochs = QUICK if given.quick else FULL
    began = time.monotonic()
    found = measure(epochs, given.workers)
    limit = compute_of(epochs)
    rows, figures = table(found, limit)
    lines = [f"| {' | '.join(row)} |" for row in [HEADER, ["---", *["---:"] * (len(HEADER) - 1)], *rows]]
    said = (
        f"{SEEDS} families, {limit:,} sample gradients each ({epochs} epochs of αVIL); weights are shares of all "
        "tasks' weights, means over epochs and families."
    )
    print("\n".join([*lines, "", said, f"{time.monotonic() - began:.0f} s, one thread a worker"]))
    if given.docs:
        text = DOCS.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        after = rest.partition(END)[2]
        DOCS.write_text("\n".join([before + BEGIN, "", *lines, "", said, "", END]) + after, encoding="utf-8")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
