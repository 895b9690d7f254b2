"""Conductance of every encoder layer in one pass, merged to word scores (Dhamdhere et al. 2018).

For each document and layer, the flow of attribution through the layer's hidden units at each token along the
straight path from a baseline to the input. Pugantsov & McCreadie 2022 use it to say which terms are active in
a classifier; what their text leaves open is settled in `path` (start and baseline), `rules` (points) and
`words` (merging, norm, mean).

Differs from the paper and from Captum's LayerConductance: all layers share one forward and one backward
instead of one each; the trapezoid rule with as many points as a document needs instead of 51 Gauss–Legendre
nodes; F is by default the difference of the two logits. The paper's tasks are binary, ours may have more labels
(there F follows the label that the model predicts, see `path`) and pairs of texts. Completeness, the sum over
tokens against F(input) − F(baseline), comes with the result.

Not covered: heads other than sequence classification.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from forelearn.core.errors import InputError, Problem
from forelearn.core.task import CLASSIFICATION
from forelearn.models.batch import alike
from forelearn.representations.attributions import Attributions, load_attributions, save_attributions
from forelearn.representations.blocks import BlockEngine
from forelearn.representations.hooked import HookedEngine
from forelearn.representations.path import Batch, Ends, Engine, Function, Precision, Trace, make_batch
from forelearn.representations.rules import CaptumGauss, FixedTrapezoid, Rule, Trapezoid
from forelearn.representations.words import Document, read_documents, word_scores

if TYPE_CHECKING:
    from forelearn.models.task_model import TaskModel

__all__ = [
    "Attributions",
    "CaptumGauss",
    "FixedTrapezoid",
    "TokenConductance",
    "Trapezoid",
    "conductance",
    "conductance_units",
    "default_micro_batch",
    "load_attributions",
    "make_engine",
    "save_attributions",
    "token_conductance",
]

PADDING = 0.05
"""At most this share of a batch of documents is padding."""


@dataclass(frozen=True, slots=True)
class TokenConductance:
    """One document before words are made.

    tokens: [layers, tokens] float64, special tokens included. baseline, value: F at both ends. points: points
        used.
    """

    tokens: NDArray[np.float64]
    baseline: float
    value: float
    points: int


def conductance(
    classifier: TaskModel,
    texts: Sequence[str],
    *,
    pairs: Sequence[str | None] | None = None,
    rule: Rule | None = None,
    function: Function = "difference",
    precision: Precision = "fp32",
    device: str = "cpu",
    max_length: int = 128,
    micro_batch: int | None = None,
    report: Callable[[Mapping[str, int]], None] | None = None,
) -> Attributions:
    """Word scores of `texts`, in their order.

    pairs: second texts; None where a document has none. A model of single texts reads a pair as a pair, too.
    rule: points of the path; nested trapezoid sums to a tolerance of 0.01 unless told otherwise.
    max_length: tokens a text is cut to, special tokens included; the same for all models that are compared.
    micro_batch: documents × points × tokens evaluated at once; by default 2,048 on a CPU and 32,768
        elsewhere. It changes no result beyond rounding.
    report: called with {"documents": done, "of": all} as documents are done. Raises `InputError` for a model
    that is no classifier of texts, a tokenizer without words, or an unknown encoder.
    """
    began = time.perf_counter()
    rule = Trapezoid() if rule is None else rule
    engine = make_engine(classifier, function=function, precision=precision, device=device)
    documents = read_documents(classifier.tokenizer, texts, pairs, max_length)
    scores: list[NDArray[np.float32]] = [np.zeros(0, np.float32)] * len(documents)
    completeness = np.zeros((len(documents), engine.layers))
    change = np.zeros(len(documents))
    points = np.zeros(len(documents), np.int32)
    found_all = token_conductance(engine, classifier, documents, rule=rule, micro_batch=micro_batch)
    for done, (row, found) in enumerate(found_all, start=1):
        scores[row] = word_scores(found.tokens, documents[row]).astype(np.float32)
        change[row] = found.value - found.baseline
        completeness[row] = found.tokens.sum(1) - change[row]
        points[row] = found.points
        if report is not None:
            report({"documents": done, "of": len(documents)})
    lengths = np.array([len(document) for document in documents], np.int64)
    return Attributions(
        scores=tuple(scores),
        spans=tuple(document.spans for document in documents),
        completeness=completeness,
        change=change,
        points=points,
        units=conductance_units(lengths, points, layers=engine.layers),
        seconds=time.perf_counter() - began,
    )


def conductance_units(
    lengths: NDArray[np.integer], points: NDArray[np.integer] | float, *, layers: int
) -> float:
    """Σ tokens × points × layers: what conductance costs, known before it is computed for a given number of
    points.

    A unit is one token through one layer at one point, forward and backward to the inputs. Training's unit
    also has the backward to the weights, so in the same currency conductance is counted at half more than its
    arithmetic. The forward pass that finds the label to follow of three or more, half a point a document, is not
    counted.
    """
    return float((lengths.astype(np.float64) * points).sum() * layers)


def make_engine(
    classifier: TaskModel,
    *,
    function: Function = "difference",
    precision: Precision = "fp32",
    device: str = "cpu",
) -> Engine:
    """The fastest engine that fits the classifier. Raises `InputError` for a model that is none."""
    if classifier.kind not in CLASSIFICATION:
        raise InputError(
            Problem(
                "conductance",
                f"reads classifiers of texts, and this model does {classifier.kind.replace('_', ' ')}.",
                "Name the model of a binary or multiclass task.",
            )
        )
    engine = BlockEngine if BlockEngine.fits(classifier.model) else HookedEngine
    return engine(classifier.model, function=function, precision=precision, device=torch.device(device))


def token_conductance(
    engine: Engine,
    classifier: TaskModel,
    documents: Sequence[Document],
    *,
    rule: Rule,
    micro_batch: int | None = None,
) -> Iterator[tuple[int, TokenConductance]]:
    """Row and conductance of each document, shortest documents first."""
    limit = micro_batch or default_micro_batch(engine.device)
    pad_id = int(classifier.tokenizer.pad_token_id)
    levels = rule.levels()
    lengths = [len(document) for document in documents]
    for cut in alike(lengths, tokens=limit // len(levels[0]), padding=PADDING):
        rows = cut.tolist()
        chosen = [documents[row] for row in rows]
        batch = make_batch(chosen, pad_id, engine.device)
        for place, found in _attribute(engine, batch, chosen, rule, levels, limit):
            yield rows[place], found


def default_micro_batch(device: torch.device) -> int:
    """Tokens at once, over documents and points: what stays in a CPU's cache, or fills a GPU."""
    return 2048 if device.type == "cpu" else 32768


def _attribute(
    engine: Engine,
    batch: Batch,
    documents: Sequence[Document],
    rule: Rule,
    levels: Sequence[NDArray[np.float64]],
    limit: int,
) -> Iterator[tuple[int, TokenConductance]]:
    """Level by level; a document leaves when it is done, the others keep what they have."""
    ends = engine.ends(batch)
    left = list(range(len(documents)))
    so_far: Trace | None = None
    last_sums: NDArray[np.float64] | None = None
    last_words: list[NDArray[np.float64]] = []
    for level, places in enumerate(levels):
        new = _trace(engine, batch, ends, places if so_far is None else places[1::2], limit)
        so_far = new if so_far is None else _interleave(so_far, new)
        sums = _sums(so_far, rule, len(batch.ids[0]))
        final = level == len(levels) - 1
        words = [
            word_scores(sums[place, :, : len(documents[row])], documents[row])
            for place, row in enumerate(left)
            if len(levels) > 1
        ]
        stay = []
        for place, row in enumerate(left):
            moved = np.inf if last_sums is None else np.abs(words[place] - last_words[place]).max(initial=0.0)
            if not final and moved >= rule.tolerance:
                stay.append(place)
                continue
            tokens = sums[place] if last_sums is None else sums[place] + (sums[place] - last_sums[place]) / 3
            yield (
                row,
                TokenConductance(
                    tokens=tokens[:, : len(documents[row])],
                    baseline=float(so_far.values[place, 0]),
                    value=float(so_far.values[place, -1]),
                    points=len(places),
                ),
            )
        if not stay:
            return
        last_sums, last_words = sums[stay], [words[place] for place in stay]
        if len(stay) < len(left):
            index = torch.tensor(stay, device=engine.device)
            batch, ends = batch.pick(index), ends.pick(index)
            so_far = _pick(so_far, index)
            left = [left[place] for place in stay]


def _trace(
    engine: Engine,
    batch: Batch,
    ends: Ends,
    places: NDArray[np.float64],
    limit: int,
) -> Trace:
    """The trace at `places`, in as many parts as the limit asks for."""
    width = batch.ids.numel()
    parts = min(len(places), max(1, round(width * len(places) / limit)))
    traces = [engine.trace(batch, ends, part.tolist()) for part in np.array_split(places, parts)]
    if len(traces) == 1:
        return traces[0]
    return Trace(
        values=torch.cat([trace.values for trace in traces], 1),
        states=[torch.cat(same, 1) for same in zip(*(trace.states for trace in traces), strict=True)],
        gradients=[torch.cat(same, 1) for same in zip(*(trace.gradients for trace in traces), strict=True)],
    )


def _sums(trace: Trace, rule: Rule, width: int) -> NDArray[np.float64]:
    """[documents, layers, tokens]: the rule's sum at every layer; tokens that the engine left out are 0."""
    sums = np.zeros((len(trace.values), len(trace.states), width))
    for layer, (states, gradients) in enumerate(zip(trace.states, trace.gradients, strict=True)):
        sums[:, layer, : states.shape[2]] = rule.integrate(states, gradients).cpu().numpy()
    return sums


def _interleave(old: Trace, new: Trace) -> Trace:
    """Points of both traces in the order of the path: old, new, old, …, old."""

    def merge(even: torch.Tensor, odd: torch.Tensor) -> torch.Tensor:
        both = even.new_empty((len(even), even.shape[1] + odd.shape[1], *even.shape[2:]))
        both[:, ::2], both[:, 1::2] = even, odd
        return both

    return Trace(
        values=merge(old.values, new.values),
        states=[merge(*same) for same in zip(old.states, new.states, strict=True)],
        gradients=[merge(*same) for same in zip(old.gradients, new.gradients, strict=True)],
    )


def _pick(trace: Trace, rows: torch.Tensor) -> Trace:
    return Trace(
        values=trace.values[rows],
        states=[states[rows] for states in trace.states],
        gradients=[gradients[rows] for gradients in trace.gradients],
    )
