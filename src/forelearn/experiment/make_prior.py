"""`forelearn prior STUDY…`: a prior of gains from finished studies, and how well it would have predicted them.

It is measured by leaving out one target at a time: the prior is fitted on the gains on dev of all others, and says
what the left-out target's gains on test would be. Twice: as if nothing of its study had run (the prior alone), and
as if its study's other targets had run (the gain model, which starts from the prior). With two studies or more, one
study at a time is left out as a whole, too: that is what the prior is to a user's study.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forelearn.core.errors import InputError, Problem
from forelearn.core.keys import plain
from forelearn.estimators.gain_model import Prior, fit_gains
from forelearn.estimators.prior_fit import Finished, fit_prior
from forelearn.estimators.scoring import as_scores
from forelearn.estimators.standing import standings
from forelearn.evaluation.calibration import Calibration, Expected, calibration
from forelearn.evaluation.truth import Truth
from forelearn.experiment.evaluate import features_for, opened, results_for
from forelearn.experiment.features_table import Features
from forelearn.experiment.results_table import deciding_of, truth_of
from forelearn.experiment.settings import BY_MODELS
from forelearn.store.file import write_file

Array = NDArray[np.float64]

FEWEST = 4
"""Targets that leaving one out needs: three are left to fit on."""


@dataclass(frozen=True, slots=True)
class MadePrior:
    """A prior, what it was fitted on, and its calibration on targets that were left out.

    alone: nothing of the target's study had run. after_others: the runs of the study's other targets were known.
    other_studies: fitted on the other studies only, nothing of the target's own had run; None of a single study.
    by_study: the same of each study that was left out.
    """

    prior: Prior
    version: int
    studies: tuple[str, ...]
    runs: int
    alone: Calibration
    after_others: Calibration
    other_studies: Calibration | None = None
    by_study: Mapping[str, Calibration] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The file that `--prior` reads."""
        prior = self.prior
        measured: dict[str, float] = {}
        figures = {"alone": self.alone, "after_others": self.after_others}
        if self.other_studies is not None:
            figures |= {"other_studies": self.other_studies}
        figures |= {f"without {study}": found for study, found in self.by_study.items()}
        for name, found in figures.items():
            for figure in ("coverage", "brier", "base_brier"):
                interval = getattr(found, figure)
                for part in ("mean", "low", "high"):
                    if not math.isfinite(getattr(interval, part)):
                        continue  # of too few targets for an interval
                    measured[f"{name}.{figure}.{part}"] = round(getattr(interval, part), 4)
        return {
            "version": self.version,
            "studies": list(self.studies),
            "runs": self.runs,
            "level": round(prior.level, 6),
            "scale": round(prior.scale, 6),
            "slope": round(prior.slope, 4),
            "variances": {name: round(value, 4) for name, value in plain(prior.variances).items()},
            "measured": measured,
        }


@dataclass(frozen=True, slots=True, eq=False)
class _Study:
    """name. truth: of its deciding measure. scores: [T, S], fused and standardised; 0 where nothing is known."""

    name: str
    truth: Truth
    scores: Array

    def finished(self, gains: Array) -> Finished:
        """As the fit takes it."""
        return Finished(gains, self.scores)


def make_prior(studies: Sequence[Path], *, version: int = 1, seed: int = 0) -> MadePrior:
    """Fit a prior on the finished runs of studies (their stores, or `results.csv` beside them) and measure it.

    Raises InputError if a study has no runs, or all together have too few targets.
    """
    read = [_read(path) for path in studies]
    targets = sum(len(one.truth.targets) for one in read)
    if targets < FEWEST:
        raise InputError(
            Problem(
                "prior",
                f"needs at least {FEWEST} targets with finished pairs, got {targets}.",
                "Three of them need four runs or more. Name further studies, or run more targets.",
            )
        )
    dev = [one.finished(one.truth.gains(one.truth.dev)) for one in read]
    try:
        prior = fit_prior(dev)
        alone: list[Expected] = []
        after: list[Expected] = []
        for index, one in enumerate(read):
            for row in range(len(one.truth.targets)):
                rest = [target for target in range(len(one.truth.targets)) if target != row]
                others = [*dev[:index], dev[index].at(rest), *dev[index + 1 :]]
                fitted = fit_prior(others)
                for known, found in (((), alone), (rest, after)):
                    expected = _expected(one, row, known, fitted, _base(others))
                    if expected is not None:
                        found.append(expected)
        apart = _by_other_studies(read, dev)
        elsewhere = [each for found in apart.values() for each in found]
    except ValueError as error:
        raise InputError(Problem("prior", f"{error}.", "Run more pairs first.")) from error
    return MadePrior(
        prior,
        version,
        tuple(one.name for one in read),
        sum(one.runs for one in dev),
        calibration(alone, seed=seed),
        calibration(after, seed=seed),
        calibration(elsewhere, seed=seed) if len(elsewhere) > 1 else None,
        {name: calibration(found, seed=seed) for name, found in apart.items() if len(found) > 1},
    )


def _by_other_studies(studies: Sequence[_Study], dev: Sequence[Finished]) -> dict[str, list[Expected]]:
    """Study → what all others expect of each of its targets; without studies whose others are too few for a fit."""
    found: dict[str, list[Expected]] = {}
    for index, one in enumerate(studies):
        others = [*dev[:index], *dev[index + 1 :]]
        try:
            prior = fit_prior(others)
        except ValueError:
            continue
        rows = range(len(one.truth.targets))
        expected = [_expected(one, row, (), prior, _base(others)) for row in rows]
        found.setdefault(one.name, []).extend(each for each in expected if each is not None)
    return found


def write_prior(made: MadePrior, path: Path) -> None:
    """Write the file that `--prior` reads, beside and then renamed."""
    write_file(path, json.dumps(made.as_json(), indent=1, ensure_ascii=False) + "\n")


def _read(path: Path) -> _Study:
    study = opened(path, None)
    results, _ = results_for(study)
    metric, results = deciding_of(results, study.settings.metric)
    truth = truth_of(results, metric)
    return _Study(study.settings.name, truth, _scores(truth, features_for(study)))


def _scores(truth: Truth, features: Features | None) -> Array:
    """The order that `rank` would give once the tasks have been trained alone, standardised within each target, [T, S].

    That is the fusion of BY_MODELS; the features' own `prior` for a target that has none of their scores. 0 where
    nothing is known.
    """
    found = np.zeros(truth.candidates.shape)
    if features is None:
        return found
    if "prior" in features.columns.names:
        found = np.nan_to_num(features.grid("prior", truth.targets, truth.sources))
    grids = {
        name: features.grid(name, truth.targets, truth.sources)
        for name in BY_MODELS
        if name in features.columns.names
    }
    for row, target in enumerate(truth.targets):
        orders = [
            as_scores(
                target, name, dict(zip(truth.sources, grid[row].tolist(), strict=True)), reason="not known"
            )
            for name, grid in grids.items()
            if np.isfinite(grid[row]).any()
        ]
        if orders:
            places = standings(orders)
            found[row] = [places[source].score if source in places else 0.0 for source in truth.sources]
    return found


def _expected(one: _Study, row: int, known: Sequence[int], prior: Prior, base: float) -> Expected | None:
    """What is expected of a left-out target's test gains. known: targets whose runs on dev are told."""
    truth = one.truth
    gains = truth.gains(truth.dev)
    pairs = [(source, target) for target in truth.targets for source in truth.sources if source != target]
    observed = {
        (truth.sources[column], truth.targets[target]): [float(value) for value in cell[np.isfinite(cell)]]
        for target in known
        for column, cell in enumerate(gains[target])
        if np.isfinite(cell).any()
    }
    baselines = {truth.targets[target]: truth.dev.baselines[target].tolist() for target in known}
    scores = {
        (source, target): float(one.scores[truth.targets.index(target), truth.sources.index(source)])
        for source, target in pairs
    }
    fitted = fit_gains(pairs, observed, baselines, scores=scores, prior=prior)
    place = fitted.targets.index(truth.targets[row])
    tested = truth.gains(truth.test)[row]
    seeds = np.isfinite(tested).sum(axis=1)
    columns = [column for column in range(len(truth.sources)) if seeds[column]]
    if not columns:
        return None
    order = [fitted.sources.index(truth.sources[column]) for column in columns]
    alone = int(np.isfinite(truth.test.baselines[row]).sum())  # what was found is over the mean of these
    noise = fitted.noise[place] ** 2 * (1 / seeds[columns] + 1 / max(alone, 1))
    return Expected(
        fitted.mean[place, order],
        np.sqrt(fitted.sd[place, order] ** 2 + noise),
        np.nanmean(tested[columns], axis=1),
        base,
    )


def _base(studies: Sequence[Finished]) -> float:
    """The share of pairs with a mean gain above 0."""
    with np.errstate(invalid="ignore"):
        means = [
            float(np.nanmean(cell))
            for study in studies
            for cell in study.gains.reshape(-1, study.gains.shape[2])
            if np.isfinite(cell).any()
        ]
    return float(np.mean(np.array(means) > 0)) if means else 0.5
