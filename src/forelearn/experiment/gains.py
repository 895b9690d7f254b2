"""From the search's record to beliefs: the gain model fitted to what has run, as guesses."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from forelearn.estimators.gain_model import Gains, Prior, fit_gains
from forelearn.evaluation.gains import seed_noise
from forelearn.search.record import Record
from forelearn.search.search import Pair
from forelearn.search.space import Chain, Together, source_name
from forelearn.search.value import BASELINE, Guess

STATED = Prior()


def posterior(
    record: Record,
    scores: Mapping[Pair, float] | None = None,
    *,
    noise: float | None = None,
    prior: Prior = STATED,
    exact: Collection[str] = (),
) -> Gains:
    """What is believed of every candidate's gain after the runs on the search's seeds.

    scores: known beforehand, standardised within the target; a control has none. Several sources, in turn
    or together, have that of their best; beyond that their effects are their own, though they share sources with
    others. noise: of one run, as an earlier study found it. exact: targets whose baseline is known without noise.
    """
    space = record.space
    observed, pairs = {}, []
    scores = dict(scores or {})
    for candidate, target in record.candidates():
        pair = (source_name(candidate), target.name)
        if isinstance(candidate, Chain | Together) and candidate.sources:
            scores[pair] = scores.get((candidate.best.name, target.name), 0.0)
        pairs.append(pair)
        gains = record.gains(candidate, target)
        if gains:
            observed[pair] = gains
    baselines = {
        target.name: [run.dev() for run in record.unchosen_baselines(target)] for target in space.targets
    }
    return fit_gains(pairs, observed, baselines, scores=scores, noise=noise, prior=prior, exact=exact)


def run_noise(record: Record) -> float | None:
    """Standard deviation of one run on dev, pooled over replicates of every target; None without any."""
    cells = []
    for candidate, target in record.candidates():
        cells.append([run.dev() for run in record.runs(candidate, target)])
    cells += [[run.dev() for run in record.baselines(task)] for task in record.space.tasks]
    found = seed_noise([cell for cell in cells if len(cell) > 1])
    return found if found == found and found > 0 else None


def guesses(gains: Gains, aside: Collection[str] = (), leaking: Collection[Pair] = ()) -> dict[Pair, Guess]:
    """One guess a candidate and one a baseline.

    aside: sources that are no candidates (`B → B` stays one). leaking: pairs that are none.
    """
    found: dict[Pair, Guess] = {}
    for row, target in enumerate(gains.targets):
        found[BASELINE, target] = Guess(0.0, float(gains.noise[row]), float(gains.baseline_worth[row]))
        for column, source in enumerate(gains.sources):
            mean = float(gains.mean[row, column])
            known = mean == mean and (source, target) not in leaking
            if known and (source not in aside or source == target):
                sd, worth = float(gains.sd[row, column]), float(gains.worth[row, column])
                found[source, target] = Guess(mean, sd, worth)
    return found
