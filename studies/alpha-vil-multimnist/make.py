"""Run the study in slices, and write its tables: `python make.py run --minutes 60`, then `python make.py table`.

Seed by seed, every arm on both targets. αVIL runs for the recipe's epochs; what it takes in sample gradients is what
the arms of the second table may take. What has a row in `results.csv` is not run again; the pages are drawn from the
runs that are in the store (`out/`).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from arms import Planned, Record, asked, between, run, said, write_page

from forelearn.core.data import TaskData
from forelearn.core.multitask import Scalar
from forelearn.core.transfer import Source, Transfer
from forelearn.experiment.api import open_prepared
from forelearn.experiment.opening import Options
from forelearn.experiment.prepare import Prepared
from forelearn.tasks.random_labels import with_random_labels
from forelearn.training.multitask.methods import multitask

SEEDS = 5
SGD: dict[str, Scalar] = {"optimiser": "sgd", "momentum": 0.9, "dropout": False}
MATCHED = """At most {:,} sample gradients; the last column is the mean over runs. 90 % intervals over seeds, paired.
The single task is measured on dev after each of its 85 epochs, αVIL after its 30: its best on dev is better by luck,
its test is not."""
CONTROLS = ("single task", "single task, decaying", "αVIL, no auxiliary", "αVIL, random labels")
"""What αVIL has to beat at equal compute."""
TABLE1 = ("single task", "multitask", "DIW", "αVIL")
"""The rows of the paper's Table 1, which compares at equal epochs."""


def compute(prepared: Prepared) -> int:
    """Sample gradients of αVIL: a pass of each task and ten over the target's dev, an epoch."""
    data = next(iter(prepared.tasks.values()))
    return prepared.space.recipes[0].epochs * (2 * len(data.train) + 10 * len(data.dev))


def plans(prepared: Prepared, seeds: int) -> list[Planned]:
    """Every run, in the order in which they are made."""
    limit = compute(prepared)
    recipe = prepared.space.recipes[0]
    epochs = recipe.epochs
    first, second = prepared.tasks.values()
    most = -(-limit // len(first.train))
    found = []
    for seed in range(seeds):
        for target, other in ((first, second), (second, first)):

            def plan(
                arm: str,
                method: str,
                given: dict[str, Scalar],
                auxiliary: Sequence[TaskData],
                longest: int = epochs,
                equal: int | None = epochs,
                target: TaskData = target,
                seed: int = seed,
            ) -> Planned:
                how = multitask(method, {**SGD, **given})
                its = replace(recipe, epochs=longest)
                sources = tuple(Source(data.task, its) for data in auxiliary)
                transfer = Transfer(target.task, prepared.space.encoder, its, seed, sources, "multitask", how)
                return Planned(arm, transfer, equal, arm in CONTROLS)

            held: dict[str, Scalar] = {"compute": limit}
            found += [
                plan("αVIL", "alpha-vil", {}, [other]),
                plan("single task", "single", held, [], most),
                plan("αVIL-robust", "alpha-vil-robust", held, [other], most, None),
                plan("αVIL, no auxiliary", "alpha-vil", held, [], most, None),
                plan("single task, decaying", "single", {**held, "schedule": "linear"}, [], most, None),
                plan("multitask", "multitask", held, [other], most),
                plan("αVIL, random labels", "alpha-vil", {}, [with_random_labels(other)]),
                plan("single task, decaying, equal epochs", "single", {"schedule": "linear"}, []),
                plan("DIW", "diw", {}, [other]),
            ]
    return found


def write(rows: list[dict[str, str]], limit: int, wanted: int) -> None:
    """The tables of the README. wanted: runs of the whole study."""
    readme = HERE / "README.md"
    text = readme.read_text(encoding="utf-8")
    seeds = len({row["seed"] for row in rows})
    pages = "Pages of both targets: `top-left.html`, `bottom-right.html` (their curves of α and weights are Figure 3)."
    left = (
        f"**{len(rows)} of {wanted} runs so far, on {seeds} seeds; rows may lack a seed.** "
        if len(rows) < wanted
        else ""
    )
    text = between(text, "so far", [left + pages])
    targets = list(dict.fromkeys(row["target"] for row in rows))
    arms = list(dict.fromkeys(row["arm"] for row in rows))
    lines = [
        "| | " + " | ".join(f"{target}, {split}" for target in targets for split in ("dev", "test")) + " |"
    ]
    lines.append("| --- |" + " --- |" * (2 * len(targets)))
    for arm in TABLE1:
        cells = []
        for target in targets:
            for split in ("dev", "test"):
                values = [
                    100 * float(row[split]) for row in rows if (row["arm"], row["target"]) == (arm, target)
                ]
                cells.append(
                    f"{min(values):.2f} / {max(values):.2f} / **{fmean(values):.2f}** ± {stdev(values):.2f}"
                    if len(values) > 1
                    else "—"
                )
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    text = between(
        text, "table 1", [*lines, "", "Minimum / maximum / **mean** ± standard deviation over seeds."]
    )
    lines = [
        "| at equal compute | "
        + " | ".join(f"{target}: test | less single task" for target in targets)
        + " | sample gradients |",
        "| --- |" + " --- |" * (2 * len(targets) + 1),
    ]
    for arm in arms:
        cells = []
        for target in targets:
            mine = {row["seed"]: row for row in rows if (row["arm"], row["target"]) == (arm, target)}
            base = {
                row["seed"]: row for row in rows if (row["arm"], row["target"]) == ("single task", target)
            }
            both = [seed for seed in mine if seed in base]
            if len(both) < 2:
                cells += ["—", "—"]
                continue
            values = [100 * float(mine[seed]["test_matched"]) for seed in both]
            apart = [value - 100 * float(base[seed]["test_matched"]) for seed, value in zip(both, values)]
            cells.append(f"{fmean(values):.2f} ± {stdev(values):.2f}")
            cells.append("" if arm == "single task" else said(apart, 2, signed=True))
        spent = fmean(int(row["gradients_matched"]) for row in rows if row["arm"] == arm)
        lines.append(f"| {arm} | {' | '.join(cells)} | {spent / 1e6:.2f} M |")
    text = between(
        text,
        "matched",
        [*lines, "", MATCHED.format(limit)],
    )
    readme.write_text(text, encoding="utf-8")


def main() -> None:
    """The command."""
    given = asked(__doc__, HERE, SEEDS)
    prepared = open_prepared(HERE, Options(out=given.out, workers=given.workers), images=True)
    planned, record = plans(prepared, given.seeds), Record(HERE)
    limit = compute(prepared)
    each = dict.fromkeys(prepared.tasks, limit)
    if given.what == "run":
        run(prepared, planned, given.minutes, record, each)
    record.add(prepared, planned, each)
    write(record.rows(planned), limit, len(planned))
    for target in prepared.tasks:
        write_page(prepared, planned, target, limit, HERE / f"{target}.html", first="αVIL")


if __name__ == "__main__":
    main()
