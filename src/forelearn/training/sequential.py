"""Learn a source, keep its encoder, learn the target: one stage of such a chain, from a folder to a folder.

Phang et al. 2018 call it intermediate-task training. A stage starts from an encoder (or from the encoder of
the classifier that the stage before it left) and ends as a Hugging Face folder with a model card, beside its
predictions and its loss curve.
"""

from __future__ import annotations

import json
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from forelearn.core.errors import InputError, Problem
from forelearn.core.keys import seed_from
from forelearn.core.run import Cost, Run
from forelearn.core.transfer import Transfer
from forelearn.models.batch import tokenize
from forelearn.models.classifier import new_classifier, save_classifier
from forelearn.tasks.data import Examples, TaskData
from forelearn.training.card import write_card
from forelearn.training.cost import units
from forelearn.training.device import resolve_device
from forelearn.training.loop import Diverged, Report, Stage, fit
from forelearn.training.measures import performance
from forelearn.training.predict import predict_tokens


def train(
    transfer: Transfer,
    data: TaskData,
    start: Path,
    *,
    weights: Path,
    files: Path,
    device: str = "auto",
    report: Report | None = None,
    checkpoint_seconds: float = 60.0,
) -> Run:
    """Train the last stage of `transfer` on `data`, from the folder `start`, and measure it.

    start: the transfer's encoder for a baseline, or the trained folder of `transfer.prefix`; only its
    encoder is kept. weights: gets the Hugging Face folder and its card. files: gets
    `predictions.safetensors` (`dev_logits` and `test_logits`, [n, C] float32), `curve.json` and, while it
    runs, `checkpoint/`. Both folders must exist. Called again with the same folders after a kill, it goes on
    from the checkpoint and ends the same. Raises `Diverged` if the loss is not finite, and `InputError` if
    the data cannot be measured or learned.
    """
    began = time.monotonic()
    _check(data)
    recipe = transfer.recipe
    device = resolve_device(device)
    seed = stage_seed(transfer)
    classifier = new_classifier(start, data.labels, seed=seed_from("head", seed))
    tokens = {
        name: tokenize(classifier.tokenizer, part.texts, part.pairs, recipe.max_length)
        for name, part in (("train", data.train), ("dev", data.dev), ("test", data.test))
    }
    checkpoint = files / "checkpoint"
    progress = fit(
        classifier,
        tokens["train"],
        np.asarray(data.train.labels, dtype=np.int64),
        Stage(transfer.key, recipe, seed),
        device=device,
        checkpoint=checkpoint,
        checkpoint_seconds=checkpoint_seconds,
        report=report,
    )
    logits = {
        name: predict_tokens(classifier, tokens[name], precision=recipe.precision, device=device)
        for name in ("dev", "test")
    }
    if not all(np.isfinite(values).all() for values in logits.values()):
        raise Diverged(
            "the trained classifier predicts numbers that are not finite. Try a lower learning rate."
        )
    classifier.model.to("cpu")  # type: ignore[arg-type]
    earlier = progress.earlier_seconds
    cost = Cost(
        units(tokens["train"].lengths, recipe.max_length, recipe.epochs, classifier.shape().layers),
        earlier + time.monotonic() - began,
    )
    run = Run(
        transfer=transfer,
        performance=performance(
            logits["dev"],
            data.dev.labels,
            logits["test"],
            data.test.labels,
            data.test.groups,
            rule=recipe.threshold,
        ),
        cost=cost,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    save_file(
        {f"{name}_logits": values for name, values in logits.items()}, files / "predictions.safetensors"
    )
    an_epoch = -(-len(data.train) // recipe.batch_size)
    curve = [
        {"step": step, "epoch": round(step / an_epoch, 6), "loss": loss}
        for step, loss in enumerate(progress.losses, start=1)
    ]
    (files / "curve.json").write_text(json.dumps(curve), encoding="utf-8")
    save_classifier(classifier, weights)
    write_card(weights, run, data)
    if checkpoint.is_dir():
        shutil.rmtree(checkpoint)
    return run


def stage_seed(transfer: Transfer) -> int:
    """The seed of the last stage, from seed and depth: the second stage of `B → B` is no replay."""
    return seed_from("stage", transfer.seed, len(transfer.sources))


def _check(data: TaskData) -> None:
    """Refuse data on which nothing can be learned or measured, before anything is spent."""
    parts: tuple[tuple[str, Examples], ...] = (("train", data.train), ("dev", data.dev), ("test", data.test))
    problems = []
    for name, part in parts:
        where = f"task `{data.task.name}`, {name} examples"
        if not len(part):
            problems.append(Problem(where, "there are none.", "Give it examples, or change the split."))
        elif data.task.kind == "binary" and not part.positives():
            problems.append(
                Problem(
                    where,
                    f"none of {len(part)} is `{data.labels[1]}`: nothing can be learned or measured.",
                    "Change the split, or drop the task.",
                )
            )
    if problems:
        raise InputError(problems)
