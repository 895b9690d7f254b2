"""Conductance of all layers: speed and error against Captum's LayerConductance, one call a layer, at its
defaults.

python -m benchmarks.conductance [--quick] [--device cuda]

A classifier is trained for a moment on real tweets where they are at hand. The step rule is chosen on *other*
documents: the fewest trapezoid points whose largest error is at most half that of Captum's rule there.

- `speedup_fp32`, `speedup_bf16`: Captum's fp32 seconds over ours. Captum is slow, so it runs on a part of the
  documents, and its seconds are scaled by tokens; ours runs on all of them. Kernels are equal on both sides:
  PyTorch's.
- `max_abs_diff_same_rule`: Captum against our engine with Captum's own rule, both in fp64: tokens and words.
- `error_…`: largest error of a word score (in [−1, 1]) on the documents that Captum did, against trapezoid
  sums in fp64: 1,025 points (`--quick` on a CPU: for the short documents; the longer ones take the Richardson
  value at 129 points, whose distance from 1,025 points on the short ones is `reference_gap`).
- `active_agreement_bf16`: share of (word, threshold) decisions in which bf16 agrees with the reference.
- `floor_ratio`: our time over that of the matrix products alone of the same arithmetic (linear layers' only,
  forward and backward to the inputs, same shapes, same precision), on a part of the documents.

On a CPU one thread and CPU seconds, so that other load does not count; on a GPU wall seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks._captum import CaptumConductance
from benchmarks._floor import product_ratio, run_products
from benchmarks._trained import MAX_LENGTH, accuracy, find_encoder, find_texts, train_briefly
from forelearn.models.task_model import TaskModel
from forelearn.representations.ansat import THRESHOLDS
from forelearn.representations.conductance import (
    CaptumGauss,
    FixedTrapezoid,
    Trapezoid,
    make_engine,
    token_conductance,
)
from forelearn.representations.path import Engine, Precision
from forelearn.representations.rules import Rule
from forelearn.representations.words import Document, read_documents, word_scores

CANDIDATES = (9, 11, 13, 15, 17, 21, 25, 33)
OTHERS = 4
KINDS: tuple[Precision, ...] = ("fp32", "bf16")

Words = list[NDArray[np.float64]]
"""An array a document."""


@dataclass(frozen=True)
class Stage:
    """A classifier with one engine a precision."""

    classifier: TaskModel
    engines: dict[Precision, Engine]
    cuda: bool

    def tokens(self, documents: Sequence[Document], rule: Rule, precision: Precision) -> Words:
        """[layers, tokens] of each document."""
        found = dict(token_conductance(self.engines[precision], self.classifier, documents, rule=rule))
        return [found[row].tokens for row in range(len(documents))]

    def words(self, documents: Sequence[Document], rule: Rule, precision: Precision) -> Words:
        """Word scores of each document."""
        return as_words(self.tokens(documents, rule, precision), documents)

    def seconds(self, work: Callable[[], object]) -> float:
        """CPU seconds of the one thread, or wall seconds on a GPU."""
        if not self.cuda:
            began = time.process_time()
            work()
            return time.process_time() - began
        torch.cuda.synchronize()
        began = time.perf_counter()
        work()
        torch.cuda.synchronize()
        return time.perf_counter() - began


def as_words(tokens: Words, documents: Sequence[Document]) -> Words:
    return [word_scores(found, document) for found, document in zip(tokens, documents, strict=True)]


def largest(left: Words, right: Words) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(left, right, strict=True))


def agreement(left: Words, right: Words) -> float:
    a, b = (np.concatenate(side)[:, None] >= THRESHOLDS for side in (left, right))
    return float((a == b).mean())


def choose_rule(stage: Stage, documents: Sequence[Document]) -> FixedTrapezoid:
    """The fewest points with at most half the largest error of Captum's rule on `documents`, in fp32."""
    reference = stage.words(documents, Trapezoid(tolerance=0.0, first=9, most=65), "fp32")
    allowed = largest(stage.words(documents, CaptumGauss(), "fp32"), reference) / 2
    print(f"choosing the rule on {len(documents)} other documents: error allowed {allowed:.5f}")
    for points in CANDIDATES:
        error = largest(stage.words(documents, FixedTrapezoid(points), "fp32"), reference)
        print(f"  {points:>3} points: {error:.5f}")
        if error <= allowed:
            break
    return FixedTrapezoid(points)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one to two minutes on a CPU")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--documents", type=int, help="32 on a CPU, 512 on a GPU")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cuda = options.device == "cuda"
    count = options.documents or (512 if cuda else 32)
    stage, documents, others = prepare(options.device, count)
    ratio = product_ratio(options.device)
    print(f"matrix products: bf16 is {ratio:.1f} times as fast as fp32")
    rule = choose_rule(stage, others)

    # Captum's part: two short documents, for the longest reference, and longer ones
    shorts = [document for document in documents if len(document) >= 12][:2]
    places = np.linspace(0.1, 0.95, 30) if cuda else (0.5, 0.85) if options.quick else (0.3, 0.5, 0.7, 0.85)
    part = shorts + [documents[int(place * count)] for place in places]
    found: dict[str, float | None] = {"points": rule.points}
    theirs = compare_speed(stage, documents, part, rule, found, rounds=2 if options.quick else 4)
    if ratio < 2:
        found["speedup_bf16"] = None
    found["max_abs_diff_same_rule"] = same_rule(stage, shorts[:1])
    reference, gap = make_reference(stage, shorts, part[2:], whole=cuda or not options.quick)
    found["reference_gap"] = gap
    found["error_captum"] = largest(theirs, reference)
    found["active_agreement_captum"] = agreement(theirs, reference)
    for kind in KINDS:
        ours = stage.words(part, rule, kind)
        found[f"error_{kind}"] = largest(ours, reference)
        found[f"active_agreement_{kind}"] = agreement(ours, reference)
    found["error_nested_fp32"] = largest(stage.words(part, Trapezoid(), "fp32"), reference)
    some = documents if cuda else documents[::8] if options.quick else documents[::2]
    found["floor_ratio"] = floor_ratio(stage, some, rule, "fp32")
    found["floor_ratio_bf16"] = floor_ratio(stage, some, rule, "bf16")
    for key, value in found.items():
        print(f"  {key:<26} {value if value is None else format(value, '.4g')}")
    print(
        json.dumps({key: value if value is None else float(f"{value:.4g}") for key, value in found.items()})
    )


def prepare(device: str, count: int) -> tuple[Stage, list[Document], list[Document]]:
    """A trained classifier, `count` positive documents it has not seen by length, and others for the rule."""
    with tempfile.TemporaryDirectory() as scratch:
        texts = find_texts()
        name, folder = find_encoder(texts, Path(scratch))
        rows = np.random.default_rng(0).permutation(len(texts.texts))
        steps = 40 if folder == Path(scratch) else 24
        classifier = train_briefly(folder, texts, rows[:2000], steps=steps, device=device)
    held = rows[2000:]
    right = accuracy(classifier, texts, held[:128], device=device)
    print(f"{name} on {texts.origin}; right on {right:.2f} of other documents")
    positive = [texts.texts[row] for row in held if texts.labels[row] == 1]
    read = read_documents(classifier.tokenizer, positive[: count + OTHERS], None, MAX_LENGTH)
    documents, others = sorted(read[:count], key=len), read[count:]
    tokens = sum(map(len, documents))
    print(f"{count} positive ones of {len(documents[0])} to {len(documents[-1])} tokens, {tokens} in all")
    engines: dict[Precision, Engine] = {
        kind: make_engine(classifier, precision=kind, device=device) for kind in (*KINDS, "fp64")
    }
    return Stage(classifier, engines, device == "cuda"), documents, others


def compare_speed(
    stage: Stage,
    documents: Sequence[Document],
    part: Sequence[Document],
    rule: FixedTrapezoid,
    found: dict[str, float | None],
    *,
    rounds: int,
) -> Words:
    """Time both sides in turn: Captum some documents of `part` a round, ours all `documents`. Captum's words."""
    captum = CaptumConductance(stage.classifier)
    captum.tokens(part[:1])
    for kind in KINDS:
        stage.words(part[:1], rule, kind)
    theirs: dict[int, NDArray[np.float64]] = {}
    captum_seconds = 0.0
    spent: dict[Precision, list[float]] = {kind: [] for kind in KINDS}
    for number in range(rounds):
        rows = range(number, len(part), rounds)
        turn = [part[row] for row in rows]

        def attribute(rows: range = rows, turn: list[Document] = turn) -> None:
            # a document at a time is best on a CPU; a GPU takes them together
            groups = [turn] if stage.cuda else [[document] for document in turn]
            theirs.update(
                zip(rows, (found for group in groups for found in captum.tokens(group)), strict=True)
            )

        captum_seconds += stage.seconds(attribute)
        for kind in KINDS:
            spent[kind].append(stage.seconds(partial(stage.words, documents, rule, kind)))
    tokens = sum(map(len, part))
    print(f"Captum: {captum_seconds:.2f} s on {len(part)} of the documents, {tokens} tokens")
    captum_all = captum_seconds * sum(map(len, documents)) / tokens
    for kind in KINDS:
        ours = found[f"seconds_{kind}"] = statistics.median(spent[kind])
        found[f"speedup_{kind}"] = captum_all / ours
        same = captum_seconds / stage.seconds(partial(stage.words, part, rule, kind))
        print(
            f"ours, {rule.points} points, {kind}: {ours:.2f} s on all;"
            f" {captum_all / ours:.1f} times as fast by tokens, {same:.1f} times on Captum's documents"
        )
    return as_words([theirs[row] for row in range(len(part))], part)


def floor_ratio(stage: Stage, documents: Sequence[Document], rule: Rule, kind: Precision) -> float:
    """Our time over that of the matrix products alone, measured in turn."""
    config = stage.classifier.model.config
    products = run_products(
        stage.engines[kind], documents, rule, kind, hidden=config.hidden_size, wide=config.intermediate_size
    )
    ours, floor = [], []
    for _ in range(3):
        ours.append(stage.seconds(partial(stage.words, documents, rule, kind)))
        floor.append(stage.seconds(products))
    return statistics.median(ours) / statistics.median(floor)


def same_rule(stage: Stage, documents: Sequence[Document]) -> float:
    """Largest difference of a token's conductance or a word's score from Captum, both in fp64."""
    model = stage.classifier.model.double()
    theirs = CaptumConductance(stage.classifier).tokens(documents)
    model.float()
    ours = stage.tokens(documents, CaptumGauss(), "fp64")
    return max(largest(ours, theirs), largest(as_words(ours, documents), as_words(theirs, documents)))


def make_reference(
    stage: Stage, shorts: Sequence[Document], longer: Sequence[Document], *, whole: bool
) -> tuple[Words, float]:
    """Reference words of all documents, and how far the 129-point Richardson value is from 1,025 points."""
    exact = FixedTrapezoid(1025)
    near = Trapezoid(tolerance=0.0, first=65, most=129)
    short = stage.words(shorts, exact, "fp64")
    gap = largest(short, stage.words(shorts, near, "fp64"))
    return short + stage.words(longer, exact if whole else near, "fp64"), gap


if __name__ == "__main__":
    main()
