"""Run the study in slices, and write its tables: `python make.py run --minutes 60`, then `python make.py table`.

First the grid of learning rates, on dev: single task and standard multitask training, two seeds; the rate with the
best mean over both and all targets is used for every arm. Then, seed by seed, every arm on every target; then the
paper's own rate, and αVIL at the lower rates of the grid: it adds up the tasks' changes, so that the rate that is
best for the others may be too high for it. DIW takes five times the compute of all others: beyond the grid's seeds
it is held to theirs. What has a row in `results.csv` is not run again, on whichever machine it ran.
"""

from __future__ import annotations

import csv
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from arms import Planned, Record, asked, between, run, said

from forelearn.core.data import TaskData
from forelearn.core.multitask import Scalar
from forelearn.core.recipe import Recipe
from forelearn.core.transfer import Source, Transfer
from forelearn.experiment.api import open_prepared
from forelearn.experiment.multitask_settings import common
from forelearn.experiment.opening import Options
from forelearn.experiment.prepare import Prepared
from forelearn.tasks.random_labels import with_random_labels
from forelearn.training.multitask.methods import multitask

SEEDS, GRID_SEEDS = 4, 2
PAPER_RATE = 5e-6
CONTROLS = ("single task", "single task, decaying", "αVIL, no auxiliary", "αVIL, random labels")
"""What αVIL has to beat at equal compute."""
ARMS = ("single task", "multitask", "DIW", "αVIL")
"""The columns of the paper's Table 2, which compares at equal epochs."""
CONSTANT = "one answer to all"
"""The row of what needs no model: the answer that is commonest on dev."""


def others_of(prepared: Prepared, target: TaskData) -> list[TaskData]:
    """The auxiliary tasks of a target."""
    return [data for data in prepared.tasks.values() if data is not target]


def constant_answer(data: TaskData) -> tuple[float, float]:
    """Dev and test accuracy, in percent, of the answer that is commonest on dev."""
    answer = Counter(data.dev.labels).most_common(1)[0][0]
    dev, test = (100 * fmean(label == answer for label in part.labels) for part in (data.dev, data.test))
    return dev, test


def compute(prepared: Prepared, target: TaskData) -> int:
    """Sample gradients of αVIL on a target, as the method counts them."""
    given = prepared.study.settings.multitask.options
    share, tuned = float(given["share"]), float(given["alpha_share"])
    an_epoch = sum(max(1, round(share * len(data.train))) for data in prepared.tasks.values())
    an_epoch += 10 * max(1, round(tuned * len(target.dev)))
    return prepared.space.recipes[0].epochs * an_epoch


def planned(
    prepared: Prepared,
    arm: str,
    method: str,
    target: TaskData,
    auxiliary: Sequence[TaskData],
    recipe: Recipe,
    seed: int,
    *,
    held: dict[str, Scalar] | None = None,
    longest: int = 0,
    equal: bool = True,
) -> Planned:
    """One run. longest: its epochs at most; 0: the recipe's. equal: whether it is read at the recipe's epochs, too."""
    own = dict(prepared.study.settings.multitask.options)
    given = own if method.startswith("alpha-vil") else common(own)
    if method == "alpha-vil-robust":  # its α-step has a scale of its own
        given = {name: value for name, value in own.items() if name != "alpha_rate"}
    how = multitask(method, {**given, **(held or {})})
    its = replace(recipe, epochs=longest or recipe.epochs)
    sources = tuple(Source(data.task, its) for data in auxiliary)
    transfer = Transfer(target.task, prepared.space.encoder, its, seed, sources, "multitask", how)
    return Planned(arm, transfer, recipe.epochs if equal else None, arm in CONTROLS)


def grid(prepared: Prepared) -> list[Planned]:
    """Single task and standard multitask training at every rate."""
    return [
        planned(prepared, f"{arm} at {recipe.learning_rate:g}", method, target, auxiliary, recipe, seed)
        for seed in range(GRID_SEEDS)
        for recipe in prepared.space.recipes
        for target in prepared.tasks.values()
        for arm, method, auxiliary in (
            ("single task", "single", []),
            ("multitask", "multitask", others_of(prepared, target)),
        )
    ]


def best_recipe(prepared: Prepared, record: Record) -> Recipe | None:
    """The recipe whose snapshots are best on dev, over targets, seeds and both arms; None before all have run."""
    found: dict[Recipe, list[float]] = {}
    for plan in grid(prepared):
        row = record.row(plan)
        if row is None:
            return None
        found.setdefault(plan.transfer.recipe, []).append(float(row["dev"]))
    return max(found, key=lambda recipe: fmean(found[recipe]))


def arms(prepared: Prepared, recipe: Recipe, seeds: int) -> list[Planned]:
    """Every arm on every target, seed by seed."""
    found = []
    for seed in range(seeds):
        for target in prepared.tasks.values():
            limit = compute(prepared, target)
            held: dict[str, Scalar] = {"compute": limit}
            least = max(
                1, round(float(prepared.study.settings.multitask.options["share"]) * len(target.train))
            )
            most = -(-limit // least)
            others = others_of(prepared, target)
            twins = [with_random_labels(data) for data in others]
            rows: list[tuple[str, str, Sequence[TaskData], dict[str, Scalar], int, bool]] = [
                ("αVIL", "alpha-vil", others, {}, 0, True),
                ("single task", "single", [], held, most, True),
                ("multitask", "multitask", others, held, most, True),
                ("αVIL-robust", "alpha-vil-robust", others, held, most, False),
                ("single task, decaying", "single", [], {**held, "schedule": "linear"}, most, False),
                ("αVIL, no auxiliary", "alpha-vil", [], held, most, False),
                ("αVIL, random labels", "alpha-vil", twins, {}, 0, True),
                ("DIW", "diw", others, {}, 0, True)
                if seed < GRID_SEEDS
                else ("DIW", "diw", others, held, 0, False),
            ]
            found += [
                planned(
                    prepared,
                    arm,
                    method,
                    target,
                    tasks,
                    recipe,
                    seed,
                    held=given,
                    longest=longest,
                    equal=equal,
                )
                for arm, method, tasks, given, longest, equal in rows
            ]
    return found


def at_paper_rate(prepared: Prepared, recipe: Recipe) -> list[Planned]:
    """The arms of the paper at its learning rate, for as many epochs as the others, on the grid's seeds."""
    slow = replace(recipe, learning_rate=PAPER_RATE)
    return [
        planned(prepared, f"{arm} at 5e-06", method, target, tasks, slow, seed)
        for seed in range(GRID_SEEDS)
        for target in prepared.tasks.values()
        for arm, method, tasks in (
            ("single task", "single", []),
            ("multitask", "multitask", others_of(prepared, target)),
            ("αVIL", "alpha-vil", others_of(prepared, target)),
        )
    ]


def alpha_vil_at_lower_rates(prepared: Prepared, recipe: Recipe) -> list[Planned]:
    """αVIL at the rates of the grid below the chosen one, on the grid's seeds."""
    return [
        planned(prepared, f"αVIL at {lower.learning_rate:g}", "alpha-vil", target, others, lower, seed)
        for seed in range(GRID_SEEDS)
        for lower in prepared.space.recipes
        if lower.learning_rate < recipe.learning_rate
        for target in prepared.tasks.values()
        for others in [others_of(prepared, target)]
    ]


def plans(prepared: Prepared, record: Record, seeds: int) -> list[list[Planned]]:
    """The stages whose plans are known so far."""
    stages = [grid(prepared)]
    recipe = best_recipe(prepared, record)
    if recipe is not None:
        stages += [arms(prepared, recipe, seeds), at_paper_rate(prepared, recipe)]
        stages.append(alpha_vil_at_lower_rates(prepared, recipe))
    return stages


def ensembles(prepared: Prepared, record: Record, planned: Sequence[Planned]) -> list[str]:
    """Test accuracy of ensembles of two seeds each: the grid's seeds as noted in `ensembles.csv`, and the others."""
    targets = list(prepared.tasks)
    with (HERE / "ensembles.csv").open(newline="", encoding="utf-8") as file:
        noted = {(row["arm"], row["target"]): float(row["accuracy"]) for row in csv.DictReader(file)}
    lines = [
        "| test, seeds 0 and 1 / 2 and 3 | " + " | ".join(targets) + " |",
        "| --- |" + " --- |" * len(targets),
    ]
    for arm in dict.fromkeys(plan.arm for plan in planned if " at " not in plan.arm):
        cells = []
        for target in targets:
            mine = [plan for plan in planned if (plan.arm, plan.transfer.target.name) == (arm, target)]
            classes = len(prepared.tasks[target].labels)
            held = [record.probabilities(plan, classes) for plan in mine if plan.transfer.seed >= GRID_SEEDS]
            members = [found for found in held if found is not None]
            cell = f"{100 * noted[arm, target]:.1f}" if (arm, target) in noted else "—"
            if len(members) > 1:
                chosen = np.mean(members, axis=0).argmax(axis=1)
                cell += (
                    f" / {100 * float((chosen == np.asarray(prepared.tasks[target].test.labels)).mean()):.1f}"
                )
            cells.append(cell)
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    return lines


def write(prepared: Prepared, record: Record, planned: Sequence[Planned]) -> None:
    """The tables of the README."""
    readme = HERE / "README.md"
    text = readme.read_text(encoding="utf-8")
    targets = list(prepared.tasks)
    rows = record.rows(planned)
    left = len(planned) - len(rows)
    recipe = best_recipe(prepared, record)
    epochs = str(prepared.space.recipes[0].epochs)
    rate = (
        f"The rate that is best on dev is {recipe.learning_rate:g}."
        if recipe
        else "The grid is not whole yet."
    )
    text = between(
        text, "so far", [rate + (f" **{left} of {len(planned)} runs are still to come.**" if left else "")]
    )

    def values(arm: str, target: str, column: str) -> dict[str, float]:
        mine = [row for row in rows if (row["arm"], row["target"]) == (arm, target)]
        if column in ("dev", "test"):  # at equal epochs: not of those that compute ended earlier
            mine = [row for row in mine if row["epochs"] == epochs]
        return {row["seed"]: 100 * float(row[column]) for row in mine}

    header = "| | " + " | ".join(f"{target}: dev | test" for target in targets) + " |"
    rule = "| --- |" + " --- |" * (2 * len(targets))
    every = dict.fromkeys(row["arm"] for row in rows)
    equal = [arm for arm in every if " at " not in arm]
    constant = [f"{value:.1f}" for data in prepared.tasks.values() for value in constant_answer(data)]
    for name, columns, chosen in (
        ("table 2", ("dev", "test"), [arm for arm in every if arm in ARMS]),
        ("matched", ("dev_matched", "test_matched"), equal),
        ("rates", ("dev", "test"), [arm for arm in every if " at " in arm]),
    ):
        lines = [header, rule, f"| {CONSTANT} | {' | '.join(constant)} |"]
        for arm in chosen:
            cells = [
                said(list(values(arm, target, column).values())) for target in targets for column in columns
            ]
            lines.append(f"| {arm} | {' | '.join(cells)} |")
        text = between(text, name, lines)
    pairs = [(arm, "single task") for arm in equal if arm != "single task"]
    pairs += [("αVIL", control) for control in CONTROLS if control.startswith("αVIL") and control in equal]
    lines = [
        "| test, at equal compute | mean over targets | " + " | ".join(targets) + " | targets × seeds |",
        "| --- | --- |" + " --- |" * (len(targets) + 1),
    ]
    for arm, base in pairs:
        found = {target: values(arm, target, "test_matched") for target in targets}
        against = {target: values(base, target, "test_matched") for target in targets}
        apart = {
            target: {seed: mine[seed] - against[target][seed] for seed in mine if seed in against[target]}
            for target, mine in found.items()
        }
        whole = set.intersection(*(set(seeds) for seeds in apart.values()))
        means = [fmean(seeds[seed] for seeds in apart.values()) for seed in sorted(whole)]
        cells = [said(means, signed=True)]
        cells += [said(list(seeds.values()), signed=True) for seeds in apart.values()]
        lines.append(f"| {arm} less {base} | {' | '.join(cells)} | {len(targets)} × {len(means)} |")
    text = between(text, "differences", lines)
    text = between(text, "ensembles", ensembles(prepared, record, planned))
    readme.write_text(text, encoding="utf-8")


def main() -> None:
    """The command."""
    given = asked(__doc__, HERE, SEEDS)
    prepared = open_prepared(HERE, Options(out=given.out, workers=given.workers))
    record = Record(HERE, predictions=True)
    limit = {data.task.name: compute(prepared, data) for data in prepared.tasks.values()}
    end = time.monotonic() + 60 * given.minutes
    if given.what == "run":
        run(prepared, grid(prepared), given.minutes, record, limit)
        for stage in plans(prepared, record, given.seeds)[1:]:  # a grid that is not whole is the only stage
            run(prepared, stage, (end - time.monotonic()) / 60, record, limit)
    every = [plan for stage in plans(prepared, record, given.seeds) for plan in stage]
    record.add(prepared, every, limit)
    write(prepared, record, every)


if __name__ == "__main__":
    main()
