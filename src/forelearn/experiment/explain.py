"""Why: terms that two tasks share, documents as both models read them, where a run's numbers come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from forelearn.core.errors import InputError, Problem
from forelearn.core.keys import plain
from forelearn.core.run import Failure, Outcome, Run, outcome_as_json
from forelearn.core.task import CLASSIFICATION
from forelearn.core.transfer import Transfer
from forelearn.experiment.again import KEEP_ALL
from forelearn.experiment.beliefs import Beliefs
from forelearn.experiment.drive import all_stored
from forelearn.experiment.opening import Options
from forelearn.experiment.prepare import Prepared
from forelearn.experiment.run_keys import full_key
from forelearn.report.summary import Document, Explanation, Term, Word
from forelearn.report.wording import metric_name, signed
from forelearn.representations.attributions import Attributions
from forelearn.representations.terms import shared_terms
from forelearn.search.search import Pair, Search
from forelearn.search.space import Candidate, Chain, source_name
from forelearn.training.multitask.history import FILE as HISTORY

THRESHOLD = 0.05
"""From which score a word counts as active in explanations: the lowest of the paper's thresholds."""
TERMS = 12
DOCUMENTS = 3


def terms(beliefs: Beliefs, pair: Pair) -> list[Term]:
    """Words active in both models of a pair over the documents that stand for the target, most documents first."""
    read = beliefs.read
    if read is None or not set(pair) <= set(read.attributions):
        return []
    found = shared_terms(
        read.attributions[pair[0]],
        read.attributions[pair[1]],
        read.documents.read,
        read.documents.positives[pair[1]],
        threshold=THRESHOLD,
        most=TERMS,
    )
    return [Term(term.term, term.documents, term.source, term.target) for term in found]


def explanations(prepared: Prepared, search: Search, beliefs: Beliefs) -> Iterator[Explanation]:
    """For every tried pair, those of the target's documents with most words active in both models."""
    read = beliefs.read
    if read is None:
        return
    for source, target in search.space.pairs():
        pair = (source_name(source), target.name)
        if set(pair) <= set(read.attributions) and search.pair_outcomes(source, target):
            yield explain_pair(beliefs, prepared, pair)


def explain_pair(beliefs: Beliefs, prepared: Prepared, pair: Pair) -> Explanation:
    """Documents that stand for the target as the two single-task models read them, with its labels for them."""
    read = beliefs.read
    assert read is not None
    first, second = read.attributions[pair[0]], read.attributions[pair[1]]

    def shared(row: int) -> int:
        return int(((first.scores[row] >= THRESHOLD) & (second.scores[row] >= THRESHOLD)).sum())

    names, texts = prepared.tasks[pair[1]].labels, read.documents.read
    known = zip(read.documents.positives[pair[1]], read.documents.labels[pair[1]], strict=True)
    chosen = sorted(known, key=lambda both: (-shared(both[0]), both[0]))[:DOCUMENTS]
    documents = tuple(
        _document(read.documents.ids[row], names[label], texts[row], first, second, row)
        for row, label in chosen
    )
    return Explanation(pair[0], pair[1], THRESHOLD, documents)


def _document(
    name: str, label: str, text: str, first: Attributions, second: Attributions, row: int
) -> Document:
    spans = [(int(start), int(end)) for start, end in first.spans[row]]
    following = [start for start, _ in spans[1:]] + [len(text)]
    words = tuple(
        Word(
            text=text[start:end],
            score_source=float(first.scores[row][index]),
            score_target=float(second.scores[row][index]),
            active_source=bool(first.scores[row][index] >= THRESHOLD),
            active_target=bool(second.scores[row][index] >= THRESHOLD),
            after=text[end : following[index]],
        )
        for index, (start, end) in enumerate(spans)
    )
    return Document(name, label, words, text[: spans[0][0]] if spans else text)


@dataclass(frozen=True, slots=True)
class Explained:
    """An outcome with its chain, and, for a pair, the terms that explain it.

    chain: outcomes of the source parts, first to last. alone: the target by itself with the same recipe and seed; None
    for a baseline, and where that has not run. weights: where the trained folder is, if it was kept.
    without_terms: why a pair has no terms to show, in a sentence; empty where it has, and for a baseline.
    """

    outcome: Outcome
    chain: tuple[Outcome, ...]
    terms: tuple[Term, ...]
    weights: str | None
    folder: str
    without_terms: str = ""
    alone: Run | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            **outcome_as_json(self.outcome),
            "chain": [outcome_as_json(outcome) for outcome in self.chain],
            "alone": None if self.alone is None else outcome_as_json(self.alone),
            "terms": plain(self.terms),
            "without_terms": self.without_terms,
            "weights": self.weights,
            "folder": self.folder,
        }

    def text(self) -> str:
        """For people."""
        transfer = self.outcome.transfer
        lines = [f"{transfer.label}   ({transfer.key}, seed {transfer.seed}, made {self.outcome.made})"]
        cost = self.outcome.cost
        spent = f"cost  {cost.seconds:.1f} s, {cost.units:,.0f} units"
        if isinstance(self.outcome, Failure):
            lines.append(f"failed: {self.outcome.reason}")
        elif isinstance(self.outcome, Run):
            performance = self.outcome.performance
            metric = transfer.target.metric
            lines += [
                f"{split:5} {_measured(values, metric)}"
                for split, values in (("dev", performance.dev), ("test", performance.test))
            ]
            if self.alone is not None:
                lines.append(_against(self.outcome, self.alone))
            if transfer.target.kind == "binary":
                lines.append(f"threshold {performance.threshold:.4f} ({transfer.recipe.threshold})")
            lines += [
                f"  test, {group}: {_measured(values, metric)}"
                for group, values in performance.by_group.items()
            ]
            lines += [
                f"dev after epoch {epoch} of {transfer.recipe.epochs}: {metric_name(metric)} {dev:.4f}"
                for epoch, dev in sorted(performance.rungs.items())
            ]
            lines.append(f"{spent}; by {self.outcome.by}")
        else:
            lines += [self.outcome.reason, spent]
        lines.append(
            "recipe " + ", ".join(f"{name}={value}" for name, value in plain(transfer.recipe).items())
        )
        if transfer.multitask:
            others = ", ".join(source.name for source in transfer.sources)
            how = f"together with {others}" if others else "without auxiliary tasks"
            lines.append(f"learned {how} by {transfer.multitask.method}")
            lines.append(
                "options " + ", ".join(f"{name}={value}" for name, value in transfer.multitask.options)
            )
        lines.append(f"encoder {transfer.start.name} ({transfer.start.digest})")
        lines += [f"after  {part.transfer.label} ({part.transfer.key})" for part in self.chain]
        lines.append(f"folder {self.folder}")
        if self.weights or not transfer.multitask:
            lines.append(f"weights {self.weights or 'not kept; `forelearn train` makes them again'}")
        else:
            lines.append(f"weights not kept. {KEEP_ALL}")
        if self.terms:
            lines.append("terms active in both single-task models (documents; score in source, in target):")
            lines += [
                f"  {term.word:20} {term.documents:4}  {term.score_source:.3f}  {term.score_target:.3f}"
                for term in self.terms
            ]
        if self.without_terms:
            lines.append(self.without_terms)
        return "\n".join(lines)


def _against(run: Run, alone: Run) -> str:
    """What the target reaches by itself on the seed of a run, and what the run gains."""
    own, reached = (alone.dev(), alone.test()), (run.dev(), run.test())
    said = ", ".join(
        f"{split} {level:.4f} (gain {signed(value - level, 4)})"
        for split, level, value in zip(("dev", "test"), own, reached)
    )
    return f"alone {said}, on this seed; over all seeds, with its interval: forelearn report"


def _measured(values: Mapping[str, float], metric: str) -> str:
    """The measures in words, the deciding one first."""
    ordered = sorted(values, key=lambda name: (name != metric, name))
    return "  ".join(f"{metric_name(name)} {values[name]:.4f}" for name in ordered)


def without_terms(prepared: Prepared, beliefs: Beliefs, pair: Pair) -> str:
    """Why a pair has no shared terms, in a sentence: they are words that speak for a label of a text."""
    for name in pair:
        data = prepared.tasks.get(name)
        if data is None:
            return f"No shared terms: {name} is no task of the study."
        if data.task.kind not in CLASSIFICATION:
            kind = data.task.kind.replace("_", " ")
            return f"No shared terms: they are words that speak for a label of a text, and {name} is {kind}."
    read = beliefs.read
    if read is None or not set(pair) <= set(read.attributions):
        return (
            f"No shared terms: {beliefs.notes.get('attributions', 'its models have not read documents yet')}."
        )
    return "No shared terms: no word is active in both single-task models."


def _together(transfer: Transfer, prepared: Prepared) -> str:
    """What of a target that was learned together with other tasks cannot be shown, and what can, in a sentence."""
    said = f"Weights and losses of each task, epoch by epoch: {HISTORY} in the folder."
    if transfer.sources:
        first = transfer.sources[0].name
        pair = f'; of a pair: forelearn explain "{first}->{transfer.target.name}" --study STUDY'
        return (
            "No shared terms: they compare the models of two tasks, each learned alone, and here one model learned "
            f"them all{pair if first in prepared.tasks else ''}. {said}"  # twins with random labels are no tasks of it
        )
    return said


def _names(candidate: Candidate) -> tuple[str, ...]:
    if isinstance(candidate, Chain):
        return tuple(task.name for task in candidate.sources)
    return (source_name(candidate),)


def explain_key(study: Path, key: str, options: Options) -> Explained:
    """A run by its key, or by `SOURCE->TARGET`, `A->B->TARGET`, `A + B (method)->TARGET` (then that on the first seed).

    Raises InputError, with the nearest key, if the store has no such run.
    """
    from forelearn.experiment.api import standing

    prepared, search, beliefs = standing(study, options)
    if "->" in key:
        *names, named = (part.strip() for part in key.split("->"))
        known = {
            (_names(candidate), target.name): (candidate, target) for candidate, target in search.candidates()
        }
        pair = (tuple(names), named)
        if pair not in known:
            raise InputError(Problem(f"pair `{key}`", "is not in the study.", "Write it SOURCE->TARGET."))
        plan = search.plan(*known[pair], search.space.first_seed, check_prefix=False)
        if plan is None:
            raise InputError(Problem(f"pair `{key}`", "has not run yet.", f"Run it: forelearn run {study}"))
        if prepared.runs.get(plan.key) is None:
            how = f"forelearn run {study}"
            if plan.mode == "sequential":
                how = f"forelearn train {study} --target {quote(named)} --source {quote('->'.join(names))}"
            raise InputError(Problem(f"pair `{key}`", "has not run yet.", f"Run it: {how}"))
        key = plan.key
    also = "For a pair write SOURCE->TARGET."
    key = full_key(key, [outcome.transfer.key for outcome in prepared.runs.all()], also=also)
    today = {one.transfer.key: one for one in all_stored(prepared)}
    outcome = today.get(key) or prepared.runs.get(key)
    assert outcome is not None
    chain: list[Outcome] = []
    prefix = outcome.transfer.prefix
    while prefix is not None:
        part = today.get(prefix.key) or prepared.runs.get(prefix.key)
        if part is not None:
            chain.insert(0, part)
        prefix = prefix.prefix
    transfer = outcome.transfer
    found, why = [], ""
    if transfer.multitask:
        why = _together(transfer, prepared)
    elif transfer.sources:
        last = (transfer.sources[-1].name, transfer.target.name)
        found = terms(beliefs, last)
        why = "" if found else without_terms(prepared, beliefs, last)
    weights = prepared.directory.whole("weights", key)
    return Explained(
        outcome,
        tuple(chain),
        tuple(found),
        None if weights is None else str(weights),
        str(prepared.directory.whole("runs", key)),
        why,
        _alone(transfer, prepared, today),
    )


def _alone(transfer: Transfer, prepared: Prepared, today: Mapping[str, Outcome]) -> Run | None:
    """The target by itself with the recipe and seed of a transfer; None for a baseline, and where it has not run."""
    if transfer.is_baseline:
        return None
    baseline = prepared.space.baseline(transfer.target, transfer.recipe, transfer.seed)
    found = today.get(baseline.key) or prepared.runs.get(baseline.key)
    return found if isinstance(found, Run) else None
