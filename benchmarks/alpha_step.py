"""The α-step: what it costs beside a plain gradient, and beside differentiating through α.

    python -m benchmarks.alpha_step --quick

A BERT of 6 layers × 384 with random weights and BERT's vocabulary of 30,522 (23 million parameters), a classification
head a task, T = 2, 5 and 12 changes of all parameters. Two dev batches, of texts of 48 tokens: 64 of them, what the
learner reads at once, and 16, as small as a batch of training. One thread, CPU seconds. All take turns in one run, with
the same kernels; a ratio is the median over the rounds of two times measured in the same round.

- plain: forward and backward of the loss on that batch, of an ordinary model with its own parameters, dropout off.
- ours: one whole iteration of `alpha_step.descend` on the learner of real training: the mixture, the gradient, the
  slopes, the step on α. Changes in 32 bits; at T = 12 also in bfloat16 and in a mapped file.
- autograd: parameters as a differentiable function of α, `torch.func.functional_call` with θ + Σ α_i δ_i a parameter,
  backward to α. `stacked` is the same with one product a parameter (`tensordot`) in place of the sum, a form that has
  to be thought of.

The mixture and the slopes read every change once each, at the speed of the memory, whatever the batch: the larger the
batch, the less they weigh, and the less autograd's detour does. So each figure names its batch.

The last line is JSON. `over_plain_gradient`: ours over plain at 16 texts, the largest over T, 32 bits; `…_64` at 64.
`speedup_vs_autograd_t12`: autograd over ours at 16 texts; `…_64` at 64. `max_rel_diff`: largest relative difference of
our slopes, and of α after three steps with momentum, from those of autograd through α, in float64 on a small BERT, at
every T. `delta_mb_t12`: memory of the changes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from transformers import BertConfig, BertModel, BertTokenizer

from benchmarks._autograd import (
    MOMENTUM,
    Peer,
    as_parts,
    difference,
    differentiate,
    multiplied,
    plain,
    summed,
)
from forelearn.core.data import Examples, TaskData, task_data
from forelearn.core.recipe import Recipe
from forelearn.models.dropout import quick_dropout
from forelearn.models.linear import quick_linear
from forelearn.models.quiet import quiet
from forelearn.models.task_model import new_model
from forelearn.training.multitask.alpha_step import AlphaStep, descend
from forelearn.training.multitask.deltas import Deltas
from forelearn.training.multitask.learner import TARGET
from forelearn.training.multitask.ledger import Ledger
from forelearn.training.multitask.options import Options
from forelearn.training.multitask.text import TextLearner

COUNTS = (2, 5, 12)
LARGE, SMALL = 64, 16
"""Texts of a dev batch."""
TOKENS = 48
VOCABULARY = 30_522
RATE = 0.005
SPREAD = 1e-3
"""Of a change, in each parameter: about what an epoch of fine-tuning makes."""

Work = Callable[[], object]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="5 rounds rather than 15")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rounds = 5 if options.quick else 15
    found: dict[str, float] = {"max_rel_diff": max(difference(count) for count in COUNTS)}
    print(f"one thread; texts of {TOKENS} tokens; {rounds} rounds; CPU seconds (medians)")
    print(f"{'tasks':>5} {'texts':>5} {'':<12}{'seconds':>9}{'over plain':>12}")
    over: dict[int, list[float]] = {LARGE: [], SMALL: []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_encoder(folder / "encoder")
        for count in COUNTS:
            spent = measure(folder, count, rounds)
            for (size, what), seconds in spent.items():
                ratio = paired(seconds, spent[size, "plain"])
                print(f"{count:>5} {size:>5} {what:<12}{statistics.median(seconds):>9.3f}{ratio:>12.3f}")
                if what == "ours":
                    over[size].append(ratio)
    found["over_plain_gradient"] = max(over[SMALL])
    found["speedup_vs_autograd_t12"] = paired(spent[SMALL, "autograd"], spent[SMALL, "ours"])
    found["over_plain_gradient_64"] = max(over[LARGE])
    found["speedup_vs_autograd_t12_64"] = paired(spent[LARGE, "autograd"], spent[LARGE, "ours"])
    for size in (SMALL, LARGE):
        found[f"speedup_vs_stacked_t12_{size}"] = paired(spent[size, "stacked"], spent[size, "ours"])
    for kind in ("bf16", "file"):
        found[f"over_plain_gradient_{kind}_t12"] = paired(
            spent[LARGE, f"ours, {kind}"], spent[LARGE, "plain"]
        )
    found["delta_mb_t12"] = COUNTS[-1] * parameters() * 4 / 1e6
    found["delta_mb_bf16_t12"] = found["delta_mb_t12"] / 2
    print(json.dumps({key: float(f"{value:.4g}") for key, value in found.items()}))


def paired(above: Sequence[float], below: Sequence[float]) -> float:
    """Median over the rounds of the ratio of two times of the same round."""
    return statistics.median(one / other for one, other in zip(above, below, strict=True))


def measure(folder: Path, count: int, rounds: int) -> dict[tuple[int, str], list[float]]:
    """(Texts, contender) → CPU seconds in each round."""
    generator = torch.Generator().manual_seed(count)
    tasks = [make_task(number) for number in range(count)]
    learner = TextLearner(tasks, folder / "encoder", Recipe(), Options(), 0, Ledger())
    start = learner.flat.values.clone()
    changes = [SPREAD * torch.randn(len(start), generator=generator) for _ in range(count)]
    nothing = torch.zeros(()).expand(len(start))
    kept = {"ours": Deltas(count, start)}
    if count == COUNTS[-1]:
        kept["ours, bf16"] = Deltas(count, start, precision="bf16")
        kept["ours, file"] = Deltas(count, start, file=folder / "deltas")
    for deltas in kept.values():
        for task, change in enumerate(changes):
            deltas.put(task, change, nothing)
    peer = new_model(folder / "encoder", learner.models[TARGET].head, seed=0)
    work: dict[tuple[int, str], Work] = {}
    for size in (LARGE, SMALL):
        beside = Peer(peer, learner, size)
        assert tuple(beside.batch["input_ids"].shape) == (size, TOKENS)
        work[size, "plain"] = partial(plain, beside)
        for what, deltas in kept.items():
            if what == "ours" or size == LARGE:
                work[size, what] = partial(iterate, learner, start, deltas, size)
    if count == COUNTS[-1]:
        theta = {name: value.detach() for name, value in peer.model.named_parameters()}
        parts = as_parts(changes, theta)
        stacked = {name: torch.stack([part[name] for part in parts]) for name in theta}
        for size in (LARGE, SMALL):
            both = Peer(peer, learner, size)
            work[size, "autograd"] = partial(differentiate, both, partial(summed, theta, parts), count)
            work[size, "stacked"] = partial(differentiate, both, partial(multiplied, theta, stacked), count)
    with learner.session(), quick_dropout(peer.model), quick_linear(peer.model):
        for one in work.values():
            one()
        spent: dict[tuple[int, str], list[float]] = {who: [] for who in work}
        for _ in range(rounds):
            for who, one in work.items():
                began = time.process_time()
                one()
                spent[who].append(time.process_time() - began)
    return spent


def iterate(learner: TextLearner, start: torch.Tensor, deltas: Deltas, size: int) -> AlphaStep:
    """One iteration of ours."""
    rows, flat = np.arange(size), learner.flat
    return descend(
        lambda step: learner.tune_gradient(rows),
        flat.values,
        flat.gradient,
        start,
        deltas,
        learner.count,
        steps=1,
        rate=RATE,
        momentum=MOMENTUM,
    )


def make_config() -> BertConfig:
    return BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=384,
        num_hidden_layers=6,
        num_attention_heads=12,
        intermediate_size=1536,
        max_position_embeddings=128,
    )


def parameters() -> int:
    """Of the body and 12 heads of two labels."""
    with torch.device("meta"):
        body = BertModel(make_config())
    return sum(value.numel() for value in body.parameters()) + COUNTS[-1] * 2 * (384 + 1)


def write_encoder(folder: Path) -> None:
    """A random BERT with a vocabulary of made-up words."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words += [f"w{number}" for number in range(VOCABULARY - len(words))]
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        BertModel(make_config()).save_pretrained(folder)
        BertTokenizer(
            vocab={word: index for index, word in enumerate(words)}, model_max_length=128
        ).save_pretrained(folder)


def make_task(number: int) -> TaskData:
    """Texts of random words, as many tokens each; only the dev part is read.

    Train holds every word, so that all of them are in use and the changes are those of the whole encoder.
    """
    chance = np.random.default_rng(number)

    def part(name: str, size: int) -> Examples:
        texts = [
            " ".join(f"w{word}" for word in chance.integers(VOCABULARY - 5, size=TOKENS - 2))
            for _ in range(size)
        ]
        return examples(name, texts)

    def examples(name: str, texts: list[str]) -> Examples:
        ids = tuple(f"{name}{row}" for row in range(len(texts)))
        return Examples(ids, tuple(texts), tuple(row % 2 for row in range(len(texts))))

    words = [f"w{word}" for word in range(VOCABULARY - 5)]
    every = [
        " ".join([*words[start : start + 100], "[UNK]", "[MASK]"]) for start in range(0, len(words), 100)
    ]
    train = examples("train", every)
    return task_data(f"task {number}", ("no", "yes"), train, part("dev", LARGE), part("test", 2))


if __name__ == "__main__":
    main()
