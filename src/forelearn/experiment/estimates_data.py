"""Scores that read no model: of the data, of loss curves, of finished runs on other targets, of chance."""

from __future__ import annotations

import json
import math

import numpy as np
from numpy.typing import NDArray

from forelearn.core.scores import Scores
from forelearn.core.task import Task
from forelearn.core.transfer import Encoder
from forelearn.estimators.chance import random_scores
from forelearn.estimators.curvegrad import curvegrad
from forelearn.estimators.fusion import fuse
from forelearn.estimators.static import static
from forelearn.evaluation.orders import centred
from forelearn.experiment.estimate_stock import Stock, Table
from forelearn.experiment.free import FREE
from forelearn.experiment.row_scores import Scored
from forelearn.search.space import source_name


def by_data(stock: Stock, method: str, target: Task) -> Table:
    """A score of `free.py`."""
    scores = stock.free[method]
    found = {source: scores[source, target.name] for source in stock.sources(target)}
    return {
        source: Scored(value) if math.isfinite(value) else Scored(None, reason=FREE[method])
        for source, value in found.items()
    }


def by_luck(stock: Stock, method: str, target: Task) -> Table:
    """Chance, by the study's seed."""
    names = list(stock.sources(target))
    scores = random_scores(target.name, names, seed=stock.prepared.study.settings.seed)
    return {name: Scored(value) for name, value in scores.values.items()}


def by_other_targets(stock: Stock, method: str, target: Task) -> Table:
    """Mean gain on the other targets, each centred first, as an easy one speaks for none; a mean that rests on one run
    counts half (shrinkage 1).
    """
    space = stock.prepared.space
    names = sorted({source_name(source) for source, _ in space.pairs()})
    targets = sorted(task.name for task in space.targets)
    gains = np.full((len(names), len(targets)), math.nan)
    for source, other in space.pairs():
        gain = stock.search.dev_gain(source, other)
        if gain is not None:
            gains[names.index(source_name(source)), targets.index(other.name)] = gain
    scores = dict(zip(names, static(centred(gains.T).T, shrinkage=1.0)[:, targets.index(target.name)]))
    return {
        name: Scored(float(scores[name]))
        if math.isfinite(scores[name])
        else Scored(None, reason="no finished run on another target")
        for name in stock.sources(target)
    }


def by_curves(stock: Stock, method: str, target: Task) -> Table:
    """Five orders, one a point of training, fused by reciprocal rank. Slopes are means over the seeds that have run."""
    slopes: dict[str, NDArray[np.float64]] = {}
    found: Table = {}
    for name, source in stock.sources(target).items():
        runs = [] if isinstance(source, Encoder) else stock.search.baselines(source)
        folders = [stock.prepared.directory.whole("runs", run.transfer.key) for run in runs]
        curves = [folder / "curve.json" for folder in folders if folder is not None]
        curves = [file for file in curves if file.is_file()]
        if not curves:
            found[name] = Scored(None, reason="it has not been trained alone: there is no loss curve")
            continue
        read = [json.loads(file.read_text(encoding="utf-8")) for file in curves]
        try:
            slopes[name] = np.mean([curvegrad([point["loss"] for point in curve]) for curve in read], axis=0)
        except ValueError as error:
            found[name] = Scored(None, reason=str(error))
    if slopes:
        orders = [
            Scores(target.name, method, {name: float(row[point]) for name, row in slopes.items()})
            for point in range(len(next(iter(slopes.values()))))
        ]
        found |= {name: Scored(value) for name, value in fuse(orders).values.items()}
    return found
