"""Predictions, and a gradient of a dev loss, in our batches beside those of other sizes.

    python -m benchmarks.reading --quick

MiniLM on the texts of `benchmarks.training`, in fp32 on the CPU. Predictions: Hugging Face's `Trainer.predict` in
batches of 64 in the order of the file, the same model in batches of 64 by length, and `forelearn` (`reading_batches`).
The gradient is that of an α-step: of the mean loss of 20 texts, in one batch and in ours (`alike`). All take turns in
one process; CPU seconds, medians of the ratios of one turn. The last line is JSON. `max_abs_logit_diff` and
`max_rel_gradient_diff` are between ours and the others.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from benchmarks.training import ROOT, prepare_environment

T = TypeVar("T")
BATCH = 64
GRADIENT_OF = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="400 texts, five turns; the full form 2,000 and nine"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.inside:
        command = [sys.executable, "-m", "benchmarks.reading", *sys.argv[1:], "--inside"]
        environment = prepare_environment(arguments.threads)
        raise SystemExit(subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode)
    documents, turns = (400, 5) if arguments.quick else (2000, 9)
    print(json.dumps(compare(documents, turns, arguments.threads)))


def compare(documents: int, turns: int, threads: int) -> dict[str, float | int | str]:
    """Both tables."""
    import numpy as np
    import torch

    from benchmarks._trainer import Contest, texts_and_labels
    from forelearn.executors.memory import keep_freed_memory
    from forelearn.models.batch import alike, collate, most_padding
    from forelearn.models.heads.base import labelled
    from forelearn.training.predict import predict_items

    keep_freed_memory()
    torch.set_num_threads(threads)
    texts, labels, what = texts_and_labels(documents)
    with tempfile.TemporaryDirectory() as scratch:
        contest = Contest(texts, labels, Path(scratch), batch_size=32, threads=threads)
        model, tokens = contest.classifier(), contest.tokens
        items = labelled(tokens, contest.labels)
        trainer = contest.trainer(model, per_device_eval_batch_size=BATCH)

        @torch.inference_mode()
        def by_length() -> np.ndarray:
            model.model.train(False)
            found = np.zeros((len(items), 2), np.float32)
            for rows in np.array_split(np.argsort(-tokens.lengths), range(BATCH, len(items), BATCH)):
                found[rows] = model.model(**collate(tokens, rows, model.pad_id)).logits.numpy()
            return found

        print(
            f"{len(texts)} {what}, encoder {contest.encoder_name}, fp32, {threads} thread(s), {turns} turns"
        )
        predicted = in_turns(
            {
                "Trainer.predict": lambda: trainer.predict(trainer.train_dataset).predictions,
                f"{BATCH} by length": by_length,
                "forelearn": lambda: predict_items(model, items),
            },
            turns,
        )
        parameters = list(model.model.parameters())
        first = np.arange(GRADIENT_OF)

        def gradient(cut: list[np.ndarray]) -> torch.Tensor:
            model.model.zero_grad()
            for rows in cut:
                logits = model.model(**collate(tokens, rows, model.pad_id)).logits
                truth = torch.from_numpy(contest.labels[rows])
                (torch.nn.functional.cross_entropy(logits, truth, reduction="sum") / GRADIENT_OF).backward()
            return torch.cat([p.grad.flatten() for p in parameters if p.grad is not None])

        ours = alike(tokens.lengths[first], padding=most_padding("cpu"))
        descended = in_turns(
            {"one batch": lambda: gradient([first]), "batches alike": lambda: gradient(ours)}, turns
        )
    logits = [found for found, _ in predicted.values()]
    whole, cut = (found for found, _ in descended.values())
    return {
        "predict_speedup_vs_trainer": ratio(predicted, "Trainer.predict", "forelearn"),
        "predict_speedup_vs_by_length": ratio(predicted, f"{BATCH} by length", "forelearn"),
        "gradient_speedup": ratio(descended, "one batch", "batches alike"),
        "max_abs_logit_diff": max(float(np.abs(found - logits[-1]).max()) for found in logits),
        "max_rel_gradient_diff": float((whole - cut).abs().max() / whole.abs().max()),
        "documents": documents,
        "threads": threads,
    }


def in_turns(forms: Mapping[str, Callable[[], T]], turns: int) -> dict[str, tuple[T, list[float]]]:
    """What each form gives, and its CPU seconds turn by turn; a turn before them warms up."""
    found: dict[str, tuple[T, list[float]]] = {name: (form(), []) for name, form in forms.items()}
    for number in range(turns):
        for name in sorted(forms, reverse=bool(number % 2)):
            began = time.process_time()
            forms[name]()
            found[name][1].append(time.process_time() - began)
    for name, (_, seconds) in found.items():
        print(f"  {name:16s}{1000 * statistics.median(seconds):8.0f} ms of CPU")
    return found


def ratio(found: Mapping[str, tuple[T, list[float]]], slow: str, fast: str) -> float:
    """The median over turns of how many times as long `slow` takes."""
    pairs = zip(found[slow][1], found[fast][1], strict=True)
    return round(statistics.median(one / other for one, other in pairs), 3)


if __name__ == "__main__":
    main()
