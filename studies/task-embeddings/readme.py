"""The tables of the README, by the names of their marks; `make.py readme` puts them in."""

from __future__ import annotations

import warnings

import numpy as np
from choice import CRISIS, choice_lines
from estimators import above_chance, all_classes, in_class, judged, small_classes, table_of
from factors import class_lines, factor_lines
from full_and_chains import chain_lines, full_lines, full_order_lines, further
from measured import Measured, gains_of, measured, rows_of, said

from forelearn.evaluation.intervals import bootstrap_mean
from forelearn.evaluation.reliability import reliability


def tables() -> dict[str, list[str]]:
    """Name → its lines, from the files beside this one and the crisis study's."""
    warnings.simplefilter("ignore", RuntimeWarning)  # the mean of what has not run
    found = measured()
    draws = judged(found)
    return {
        "tasks": task_lines(found),
        "headline": headline(found),
        "all classes": all_classes(found, draws),
        "above chance": above_chance(found),
        "in class": in_class(found),
        "small classes": small_classes(found),
        "choice": choice_lines(draws, judged(measured(CRISIS))),
        "classes": class_lines(found.truth),
        "factors": factor_lines(found),
        "full": [*full_lines(found.truth, further("full")), "", *full_order_lines(found, further("full"))],
        "chains": chain_lines(found.truth, further("chain")),
    }


def task_lines(found: Measured) -> list[str]:
    """What each task is, and what it reaches alone."""
    text = [
        "| task | kind | train, dev, test | measure | alone, test | chance, dev | alone, dev | "
        "gain of a source, mean (best) |",
        "| --- | --- | ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    truth = found.truth
    gains = np.where(truth.candidates, gains_of(truth), np.nan)
    for row in rows_of("tasks.csv"):
        if row["task"] not in truth.targets:
            continue
        place = truth.targets.index(row["task"])
        test, dev = truth.test.baselines[place], truth.dev.baselines[place]
        sizes = ", ".join(row[part] for part in ("train", "dev", "test"))
        alone = [
            f"{100 * np.nanmean(side):.1f} ± {100 * np.nanstd(side, ddof=1):.1f}" for side in (test, dev)
        ]
        chance = f"{100 * float(row['chance']):.1f}" if row["chance"] else "–"
        known = gains[place][np.isfinite(gains[place])]
        gain = f"{known.mean():+.1f} ({known.max():+.1f})" if len(known) else "–"
        kind = row["kind"].replace("_", " ")
        text.append(
            f"| {row['task']} | {kind} | {sizes} | {row['metric']} | {alone[0]} | {chance} | {alone[1]} | {gain} |"
        )
    return text


def headline(found: Measured) -> list[str]:
    """What stands above all tables: how much there is to gain, and how far two seeds agree."""
    truth = found.truth
    gains = np.where(truth.candidates, gains_of(truth), np.nan)
    known = gains[np.isfinite(gains)]
    of_target = [float(np.mean(row[np.isfinite(row)])) for row in gains if np.isfinite(row).any()]
    again = reliability(table_of(truth, {}))
    leaks = len(rows_of("leaks.csv"))
    return [
        f"- {len(known)} pairs of {len(truth.targets)} tasks; {leaks} pairs whose source holds rows of the target's "
        "test are left out.",
        f"- {100 * float(np.mean(known <= 0)):.0f} % of the pairs gain nothing on test; the mean gain of a source is "
        f"{said(bootstrap_mean(of_target), signed=True)} points.",
        f"- Two seeds agree on the order of a target's sources at {said(again.agreement, 2)} (rank correlation); "
        f"a pair's runs differ by {said(again.seed_sd)} points (SD over seeds), the means of sources by "
        f"{said(again.source_sd)}.",
        f"- {len(found.above_chance())} of {len(truth.targets)} targets learn something alone: their baselines lie "
        "above chance by two of their SDs.",
        f"- The single-task models of one seed took {found.alone / 60:.0f} minutes of one core, all pairs of one seed "
        f"{found.pairs / 3600:.1f} hours.",
    ]
