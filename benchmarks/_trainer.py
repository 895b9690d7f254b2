"""The contestants of `benchmarks.training`: Hugging Face's Trainer and our loop, taking turns step by step."""

from __future__ import annotations

import csv
import os
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim.lr_scheduler import LambdaLR
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from forelearn.core.keys import seed_from
from forelearn.core.recipe import Precision, Recipe
from forelearn.models.batch import batches, collate, tokenize
from forelearn.models.heads.base import labelled
from forelearn.models.task_model import TaskModel, new_classifier
from forelearn.models.tiny import build_tiny
from forelearn.training.loop import Stage, fit
from forelearn.training.steps import schedule

MAX_LENGTH = 128


def texts_and_labels(count: int) -> tuple[list[str], list[int], str]:
    """`count` texts at even distances through the corpus, with labels, and what they are."""
    shared = Path(os.environ.get("FORELEARN_SHARED_DATA", "unset"))
    rows = []
    for file in sorted((shared / "crisislex" / "T26").glob("*/*-tweets_labeled.csv")):
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, skipinitialspace=True):
                named = {key.strip(): value for key, value in row.items() if key}
                rows.append((named["Tweet Text"], int(named["Informativeness"] == "Related and informative")))
    if rows:
        picked = [rows[index * len(rows) // count] for index in range(count)]
        return [text for text, _ in picked], [label for _, label in picked], "CrisisLexT26 tweets"
    print(f"no CrisisLexT26 in {shared} (FORELEARN_SHARED_DATA names the folder): generated texts instead")
    chance = random.Random(0)
    words = ["".join(chance.choices("aeiloprstn", k=chance.randint(2, 7))) for _ in range(3000)]
    texts = [" ".join(chance.choices(words, k=max(3, round(chance.gauss(13, 5))))) for _ in range(count)]
    return texts, [index % 2 for index in range(count)], "generated texts"


class Turns:
    """Lets contestants in threads of their own run one step each, in a fixed circle, and times each one's share."""

    def __init__(self, names: Sequence[str]) -> None:
        self._waiting = list(names)
        self._condition = threading.Condition()
        self._began = 0.0
        self.seconds = dict.fromkeys(names, 0.0)

    def take(self, name: str) -> None:
        """Wait until it is `name`'s turn, and start its clock."""
        with self._condition:
            self._condition.wait_for(lambda: self._waiting[0] == name)
        self._began = time.perf_counter()

    def give(self, name: str, *, leave: bool = False) -> None:
        """Stop the clock of `name` and let the next one run."""
        self.seconds[name] += time.perf_counter() - self._began
        with self._condition:
            self._waiting.pop(0)
            if not leave:
                self._waiting.append(name)
            self._condition.notify_all()


class TurnsCallback(TrainerCallback):
    """Trainer gives the turn away after each of its steps."""

    def __init__(self, turns: Turns, name: str) -> None:
        self._turns, self._name = turns, name

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._turns.take(self._name)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._turns.give(self._name)
        self._turns.take(self._name)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._turns.give(self._name, leave=True)


class Contest:
    """The texts, the encoder and the settings that all contestants share."""

    def __init__(
        self, texts: Sequence[str], labels: Sequence[int], scratch: Path, *, batch_size: int, threads: int
    ) -> None:
        torch.set_num_threads(threads)
        self.scratch, self.batch_size = scratch, batch_size
        folder = os.environ.get("FORELEARN_MINILM")
        self.encoder_name = "MiniLM, 6 × 384" if folder else "random BERT, 6 × 384"
        self.start = Path(folder) if folder else scratch / "encoder"
        if not folder:
            build_tiny(texts, self.start, layers=6, hidden=384, heads=12, vocabulary=8000)
        self.labels = np.asarray(labels, dtype=np.int64)
        self.tokens = tokenize(self.classifier().tokenizer, texts, None, MAX_LENGTH)

    def classifier(self) -> TaskModel:
        """The same new classifier each time."""
        return new_classifier(self.start, ("no", "yes"), seed=0)

    def recipe(self, precision: Precision) -> Recipe:
        """One epoch at our defaults."""
        return Recipe(epochs=1, batch_size=self.batch_size, max_length=MAX_LENGTH, precision=precision)

    def trainer(self, classifier: TaskModel, kind: type[Trainer] = Trainer, **options: Any) -> Trainer:
        """Trainer at its defaults but for what all share."""
        recipe = self.recipe("fp32")
        offsets = self.tokens.offsets
        rows = [
            {"input_ids": self.tokens.ids[first:last].tolist(), "labels": int(label)}
            for first, last, label in zip(offsets[:-1], offsets[1:], self.labels, strict=True)
        ]
        arguments = TrainingArguments(
            output_dir=str(self.scratch / "trainer"),
            per_device_train_batch_size=recipe.batch_size,
            num_train_epochs=recipe.epochs,
            learning_rate=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            use_cpu=True,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            **options,
        )
        trainer = kind(
            model=classifier.model,
            args=arguments,
            train_dataset=rows,
            processing_class=classifier.tokenizer,
        )
        trainer.remove_callback(PrinterCallback)
        return trainer

    def epoch(self, best: Precision) -> dict[str, float]:
        """Documents a second of each contestant over one epoch, in turns."""
        precisions: dict[str, Precision] = {"forelearn fp32": "fp32", f"forelearn {best}": best}
        trainers = {"Trainer": {}, "Trainer, grouped": {"train_sampling_strategy": "group_by_length"}}
        turns = Turns([*trainers, *precisions])
        jobs: list[Callable[[], None]] = []
        for name, options in trainers.items():
            trainer = self.trainer(self.classifier(), **options)
            trainer.add_callback(TurnsCallback(turns, name))
            jobs.append(lambda trainer=trainer: trainer.train() and None)
        for name, precision in precisions.items():
            ours = self.classifier()
            jobs.append(
                lambda name=name, ours=ours, precision=precision: self._ours(turns, name, ours, precision)
            )
        threads = [threading.Thread(target=job) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return {name: len(self.tokens) / seconds for name, seconds in turns.seconds.items()}

    def _ours(self, turns: Turns, name: str, classifier: TaskModel, precision: Precision) -> None:

        def report(_: Mapping[str, float]) -> None:
            turns.give(name)
            turns.take(name)

        turns.take(name)
        fit(
            classifier,
            labelled(self.tokens, self.labels),
            Stage("", self.recipe(precision), 0),
            report=report,
        )
        turns.give(name, leave=True)


class OnOurBatches(Trainer):
    """Trainer fed with given batches, in their order, keeping each loss."""

    given: list[dict[str, torch.Tensor]]
    losses: list[float]

    def get_train_dataloader(self) -> Any:
        return torch.utils.data.DataLoader(self.given, batch_size=None)

    def compute_loss(self, *arguments: Any, **named: Any) -> Any:
        found = super().compute_loss(*arguments, **named)
        self.losses.append(float(found.detach()))
        return found


def largest_loss_difference(contest: Contest, *, steps: int) -> float:
    """Largest difference of losses over `steps` steps of Trainer and ours on the same batches, dropout off."""
    rows = np.arange(min(len(contest.tokens), steps * contest.batch_size))
    tokens, labels = contest.tokens, contest.labels
    part = type(tokens)(tokens.ids[: tokens.offsets[len(rows)]], tokens.offsets[: len(rows) + 1])
    recipe = contest.recipe("fp32")
    ours, theirs = (_without_dropout(contest.classifier()) for _ in range(2))
    progress = fit(ours, labelled(part, labels[rows]), Stage("", recipe, 0))
    plan = batches(part.lengths, recipe.batch_size, seed_from("order", 0, 0))
    trainer = contest.trainer(theirs, OnOurBatches)
    assert isinstance(trainer, OnOurBatches)
    trainer.given = [
        collate(part, batch, theirs.pad_id) | {"labels": torch.from_numpy(labels[batch])} for batch in plan
    ]
    trainer.losses = []
    trainer.create_optimizer()
    assert trainer.optimizer is not None
    trainer.lr_scheduler = LambdaLR(trainer.optimizer, lambda step: schedule(step, len(plan), recipe.warmup))
    trainer.train()
    assert len(trainer.losses) == len(progress.losses)
    return max(abs(a - b) for a, b in zip(progress.losses, trainer.losses, strict=True))


def _without_dropout(classifier: TaskModel) -> TaskModel:
    for module in classifier.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return classifier
