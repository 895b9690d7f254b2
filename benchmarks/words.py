"""A step of training on the words in use, beside the same step on the whole embedding matrix.

    python -m benchmarks.words --quick

The same classifier on the same texts (those of `benchmarks.training`) at the precision that `auto` resolves to, in one
process that keeps freed memory, as workers do. Both forms take turns, a short epoch each, so that a busy machine slows
both alike. Once with the encoder's own vocabulary, once with that of a multilingual one (250,000 words, random rows
beyond its own). CPU seconds, the system's included; medians of the ratios of one turn. The last line is JSON.
`max_rel_loss_diff`: between the losses of both forms; `max_weight_diff`: between all weights after the first turn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.training import prepare_environment

MULTILINGUAL = 250_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="five turns; the full form takes fifteen")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=12, help="steps a turn")
    arguments = parser.parse_args()
    prepare_environment(arguments.threads)
    result: dict[str, object] = {}
    turns = 5 if arguments.quick else 15
    for name, batch_size, words in (
        ("batch_16", 16, 0),
        ("batch_8", 8, 0),
        ("multilingual_batch_8", 8, MULTILINGUAL),
    ):
        result[name] = compare(name, arguments.threads, batch_size, arguments.steps, turns, words)
    print(json.dumps({**result, "threads": arguments.threads}))


def compare(
    name: str, threads: int, batch_size: int, steps: int, turns: int, words: int
) -> dict[str, float | int]:
    """Both forms in turn. words: of the vocabulary; 0 keeps the encoder's own."""
    import numpy as np
    import torch

    from benchmarks._trainer import Contest, texts_and_labels
    from forelearn.executors.memory import keep_freed_memory
    from forelearn.models.heads.base import labelled
    from forelearn.models.task_model import TaskModel
    from forelearn.models.words import narrow_words, widen_words
    from forelearn.training.device import resolve_precision
    from forelearn.training.loop import Stage, fit

    keep_freed_memory()
    torch.set_num_threads(threads)
    texts, labels, _ = texts_and_labels(steps * batch_size)
    with tempfile.TemporaryDirectory() as scratch:
        contest = Contest(texts, labels, Path(scratch), batch_size=batch_size, threads=threads)
        items = labelled(contest.tokens, np.asarray(labels))
        stage = Stage("", contest.recipe(resolve_precision("cpu")), 0)

        def fresh() -> TaskModel:
            model = contest.classifier()
            if words:
                with torch.random.fork_rng(devices=[]):
                    torch.manual_seed(0)
                    model.model.resize_token_embeddings(words, mean_resizing=False)
            return model

        def turn(narrow: bool) -> tuple[float, list[float], TaskModel, int]:
            model = fresh()
            began = time.process_time()
            if narrow:
                narrow_words(model, [items.tokens])
            trained = sum(parameter.numel() for parameter in model.model.parameters())
            losses = fit(model, items, stage).losses
            widen_words(model)
            return (time.process_time() - began) / len(losses), losses, model, trained

        seconds: dict[bool, list[float]] = {False: [], True: []}
        apart = weights = 0.0
        parameters: dict[bool, int] = {}
        for number in range(turns + 1):
            order = (False, True) if number % 2 else (True, False)
            found = {narrow: turn(narrow) for narrow in order}
            for narrow, (spent, _, _, trained) in found.items():
                parameters[narrow] = trained
                if number:  # the first one warms up
                    seconds[narrow].append(spent)
            pairs = zip(found[False][1], found[True][1], strict=True)
            apart = max(apart, *(abs(one - other) / one for one, other in pairs))
            if not number:
                both = zip(found[False][2].model.parameters(), found[True][2].model.parameters(), strict=True)
                weights = max(float((one - other).detach().abs().max()) for one, other in both)
    ratios = [one / other for one, other in zip(seconds[False], seconds[True], strict=True)]
    print(f"{name}: {steps} steps a turn, {turns} turns, {threads} thread(s)")
    for narrow, said in ((False, "whole matrix"), (True, "words in use")):
        step = 1000 * statistics.median(seconds[narrow])
        print(f"  {said:14s}{step:8.0f} ms of CPU a step{parameters[narrow] / 1e6:8.1f} M parameters")
    return {
        "speedup": round(statistics.median(ratios), 3),
        "speedup_least": round(min(ratios), 3),
        "speedup_most": round(max(ratios), 3),
        "max_rel_loss_diff": apart,
        "max_weight_diff": weights,
        "parameters_whole": parameters[False],
        "parameters_in_use": parameters[True],
    }


if __name__ == "__main__":
    main()
