"""Scores that read the target's rows: under the sources' models, or mapped into their spaces.

Where a source has single-task models of several seeds, the score is their mean, and each half of the rows is read
with one of them in turn, so that the spread is over rows and seeds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from forelearn.core.task import Task
from forelearn.core.transfer import Encoder
from forelearn.estimators.esm import EsmMap, Moments, esm_score, fit_esm, moments
from forelearn.experiment.estimate_jobs import SCORES
from forelearn.experiment.estimate_stock import Asked, Stock, Table
from forelearn.experiment.estimates_texts import text_rows
from forelearn.experiment.row_scores import BY_PREDICTIONS, HALVES, Scored, half_samples, over_seeds
from forelearn.representations.effort import Effort


def by_rows(stock: Stock, method: str, target: Task) -> Table:
    """A score of the target's rows under each source's model. All such scores are made at once: reading costs."""
    seeds: dict[str, list[Asked]] = {}
    found: Table = {}
    for name, source in stock.sources(target).items():
        seeds[name] = [
            stock.ask(
                "rows_job",
                ["scores of rows, by example", model, target.kind, target.digest, HALVES],
                str(folder),
                target.name,
                target.digest,
            )
            for model, folder in stock.models(source)
        ]
        if not seeds[name]:
            found[name] = Scored(None, reason=stock.why_no_model(source))
    asked = {one.key: one for several in seeds.values() for one in several}
    folders = stock.results(asked, f"rows of {target.name} under the models of its sources")
    for name, several in seeds.items():
        scored = []
        for one in several:
            if one.key not in folders:
                scored.append(Scored(None, reason=stock.why_not(one)))
                continue
            value = json.loads((folders[one.key] / SCORES).read_text(encoding="utf-8"))
            said = value["scores"][method]
            scored.append(Scored(said["value"], tuple(said["halves"]), said["reason"], said["seconds"]))
            read = value["effort"]["predictions" if method in BY_PREDICTIONS else "features"]
            whole = Effort(**value["effort"]["features"]) + Effort(**value["effort"]["predictions"])
            stock.count(method, one.key, Effort(**read) + Effort(seconds=said["seconds"]), whole=whole)
        if scored:
            found[name] = over_seeds(scored)
    return found


def by_esm(stock: Stock, method: str, target: Task) -> Table:
    """LogME of the target's rows, mapped into the space of each source's model (`estimators/esm.py`).

    A map is fitted on all training texts of the source: on the positive ones alone it knows too little of the rest.
    """
    encoder = stock.prepared.space.encoder
    folder = str(stock.prepared.folders[encoder.digest])
    read = stock.ask(
        "target_rows_job",
        ["target rows and examples", encoder.digest, target.kind, target.digest],
        folder,
        target.name,
        target.digest,
    )
    held = stock.arrays(method, {target.name: read}, f"rows of {target.name}")
    if target.name not in held:
        return stock.refused(target, f"the target's rows: {stock.why_not(read)}")
    rows, targets = held[target.name]["features"], held[target.name]["targets"]
    halves = half_samples(
        targets, seed=stock.prepared.study.settings.seed, examples=held[target.name]["rows"]
    )  # those of all scores that read these rows
    try:
        whole = moments(rows, targets)
    except ValueError as error:  # what an estimator raises for rows that it is not defined for
        return stock.refused(target, str(error))
    try:
        parts = [moments(rows[half], targets[half]) for half in halves]
    except ValueError:
        parts = []  # too few rows to halve: no spread
    base, tuned = text_rows(stock, method, stock.all_rows), _tuned_rows(stock, method, target)
    began = time.perf_counter()
    found: Table = {}
    for name, source in stock.sources(target).items():
        if isinstance(source, Encoder):
            found[name] = Scored(None, reason="a ready encoder has no training texts to fit a map on")
        elif name not in base or not tuned.get(name):
            why = "its texts could not be read" if stock.models(source) else stock.why_no_model(source)
            found[name] = Scored(None, reason=why)
        else:
            maps = [_map(stock, key, base[name], own) for key, own in tuned[name].items()]
            found[name] = over_seeds([_mapped(one, whole, parts) for one in maps])
    took = time.perf_counter() - began
    stock.count(method, f"maps for {target.digest}", Effort(seconds=took))
    return found


def _tuned_rows(stock: Stock, method: str, target: Task) -> Mapping[str, dict[str, NDArray[np.float64]]]:
    """Source → key → its own texts under each of its single-task models, row by row as `text_rows` has them."""
    asked: dict[str, Asked] = {}
    owner: dict[str, str] = {}
    for name, source in stock.sources(target).items():
        if isinstance(source, Encoder):
            continue
        rows = stock.all_rows[name]
        for model, folder in stock.models(source):
            one = stock.ask(
                "text_rows_job", ["tuned rows", model, source.digest, rows], str(folder), name, source.digest, rows
            )  # fmt: skip
            asked[one.key], owner[one.key] = one, name
    found: dict[str, dict[str, NDArray[np.float64]]] = {}
    for key, arrays in stock.arrays(method, asked, "texts of the sources under their models").items():
        found.setdefault(owner[key], {})[key] = np.asarray(arrays["features"], np.float64)
    return found


def _map(stock: Stock, key: str, base: NDArray[np.float64], tuned: NDArray[np.float64]) -> EsmMap | str:
    """The map of a source's model, fitted once for all targets; why there is none. key: of its texts."""
    if key not in stock.maps:
        try:
            stock.maps[key] = fit_esm(base, tuned)
        except ValueError as error:
            stock.maps[key] = str(error)
    return stock.maps[key]


def _mapped(esm: EsmMap | str, whole: Moments, parts: Sequence[Moments]) -> Scored:
    if isinstance(esm, str):
        return Scored(None, reason=esm)
    try:
        return Scored(esm_score(esm, whole), tuple(esm_score(esm, part) for part in parts))
    except ValueError as error:
        return Scored(None, reason=str(error))
