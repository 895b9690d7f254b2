"""The tables of the README, by the names of their marks; `make.py readme` puts them in."""

from __future__ import annotations

import warnings

import numpy as np
from choice import CRISIS, choice_lines
from estimators import (
    above_chance,
    all_classes,
    in_class,
    judged,
    paired,
    small_classes,
    table_of,
)
from factors import class_lines, factor_lines
from full_and_chains import chain_lines, full_lines, full_order_lines, further
from lived import lived_lines
from measured import Measured, gains_of, measured, rows_of, said

from forelearn.evaluation.intervals import bootstrap_mean
from forelearn.evaluation.reliability import reliability
from forelearn.evaluation.table import mean_known


def tables() -> dict[str, list[str]]:
    """Name → its lines, from the files beside this one and the crisis study's."""
    warnings.simplefilter("ignore", RuntimeWarning)  # the mean of what has not run
    everything = measured()
    found = everything.whole()
    if len(found.truth.targets) < 2:
        raise SystemExit(
            "Too little has run for tables: no two targets have runs of nearly all sources on a seed."
        )
    draws = judged(found)
    full = further("full")
    return {
        "tasks": task_lines(everything),
        "headline": headline(found),
        "all classes": all_classes(found, draws),
        "lived": lived_lines(found),
        "paired": paired(draws),
        "above chance": above_chance(found),
        "in class": in_class(everything),
        "small classes": small_classes(everything),
        "choice": choice_lines(draws, judged(measured(CRISIS).whole())),
        "classes": class_lines(found),
        "factors": factor_lines(found),
        "full": [*full_lines(found.truth, full), "", *full_order_lines(found, full)],
        "chains": chain_lines(found.truth, further("chain")),
    }


def task_lines(found: Measured) -> list[str]:
    """What each task is, and what it reaches alone. found: all that has run."""
    text = [
        "| task | kind | train, dev, test | measure | alone, test | chance, dev | alone, dev | "
        "gain of a source, mean (best) |",
        "| --- | --- | ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    truth = found.truth
    gains = np.where(found.candidates(), gains_of(truth), np.nan)
    for row in rows_of("tasks.csv"):
        runs = (found.alone or {}).get(row["task"])
        if runs is None:
            continue
        dev, test = (f"{100 * side.mean():.1f} ± {100 * np.std(side, ddof=1):.1f}" for side in runs.T)
        sizes = ", ".join(row[part] for part in ("train", "dev", "test"))
        chance = f"{100 * float(row['chance']):.1f}" if row["chance"] else "–"
        known = gains[truth.targets.index(row["task"])] if row["task"] in truth.targets else np.array([])
        known = known[np.isfinite(known)]
        gain = f"{known.mean():+.1f} ({known.max():+.1f})" if len(known) else "–"
        kind = row["kind"].replace("_", " ")
        text.append(
            f"| {row['task']} | {kind} | {sizes} | {row['metric']} | {test} | {chance} | {dev} | {gain} |"
        )
    return text


def headline(found: Measured) -> list[str]:
    """What stands above all tables: what is judged, how much there is to gain, and how far two seeds agree."""
    truth, seeds = found.truth, len(found.seeds)
    gains = np.where(found.candidates(), gains_of(truth), np.nan)
    known = gains[np.isfinite(gains)]
    of_target = [float(np.mean(row[np.isfinite(row)])) for row in gains if np.isfinite(row).any()]
    again = reliability(table_of(found, {}))
    leaks = len(rows_of("leaks.csv"))
    alone, everything = found.costs
    if again.agreement is None:
        warning = [
            "- **On one seed the best source is valued by the run that it was chosen by: regrets are all too large by "
            "that luck, which differences between methods do not share.**"
        ]
        agreement = []
    else:
        warning = []
        agreement = [
            f"- Two seeds agree on the order of a target's sources at {said(again.agreement, 2)} (rank correlation); "
            f"a pair's runs differ by {said(again.seed_sd)} points (SD over seeds).",
            *luck_lines(found),
        ]
    return [
        f"- {len(known)} pairs of {len(truth.targets)} targets and {len(truth.sources)} sources, on {seeds} "
        f"seed{'s' * (seeds > 1)}; {leaks} pairs whose source holds rows of the target's test are left out.",
        *warning,
        f"- {100 * float(np.mean(known <= 0)):.0f} % of the pairs gain nothing on test; the mean gain of a source is "
        f"{said(bootstrap_mean(of_target), signed=True)} points.",
        f"- The means of a target's sources differ by {said(again.source_sd)} points (SD).",
        *agreement,
        f"- {len(found.above_chance())} of {len(truth.targets)} targets learn something alone: their baselines lie "
        "above chance by two of their SDs.",
        f"- Trying every pair once takes {everything * found.rate / 3600:.1f} hours of one core at the mean speed of "
        f"the runs; `m`, every task alone, is {100 * alone / everything:.1f} % of that.",
    ]


def luck_lines(found: Measured) -> list[str]:
    """What the best source by dev of a seed gains on the test of that seed, and on that of the others."""
    truth = found.truth
    level = mean_known(truth.test.baselines, axis=1)
    targets = np.arange(len(level))
    lines = []
    for place in found.seeds:
        dev = truth.dev.pairs[:, :, place]
        top = np.where(found.candidates() & np.isfinite(dev), dev, -np.inf).argmax(axis=1)
        gains = 100.0 * (truth.test.pairs[targets, top] - level[:, None])
        others = mean_known(gains[:, [other for other in found.seeds if other != place]], axis=1)
        here, there = (said(bootstrap_mean(values), signed=True) for values in (gains[:, place], others))
        lines.append(
            f"- A target's best source on dev of seed {truth.seeds[place]} gains {here} points of test on that seed, "
            f"{there} on the other."
        )
    return lines
