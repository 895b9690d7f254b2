"""Predictions of a classifier on examples."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from forelearn.core.data import Examples
from forelearn.core.recipe import Precision
from forelearn.models.batch import Tokens, batches, collate, tokenize
from forelearn.models.classifier import Classifier
from forelearn.models.linear import quick_linear
from forelearn.training.precision import autocast, full_precision_logits, narrow

_BATCH = 64


def predict(
    classifier: Classifier,
    examples: Examples,
    *,
    max_length: int = 128,
    precision: Precision = "fp32",
    device: str = "cpu",
) -> NDArray[np.float32]:
    """Logits [n, C] in the order of the examples. The classifier is left in evaluation mode on `device`."""
    tokens = tokenize(classifier.tokenizer, examples.texts, examples.pairs, max_length)
    classifier.model.to(device)  # type: ignore[arg-type]
    return predict_tokens(classifier, tokens, precision=precision, device=device)


def predict_tokens(
    classifier: Classifier, tokens: Tokens, *, precision: Precision = "fp32", device: str = "cpu"
) -> NDArray[np.float32]:
    """Logits [n, C] of tokenised examples, for a classifier that is on `device` already."""
    logits = np.zeros((len(tokens), len(classifier.labels)), dtype=np.float32)
    classifier.model.train(False)
    with (
        torch.inference_mode(),
        quick_linear(classifier.model, narrow=narrow(classifier, precision)),
        full_precision_logits(classifier, precision),
        autocast(classifier, precision, device),
    ):
        for rows in batches(tokens.lengths, _BATCH, None):
            batch = collate(tokens, rows, classifier.pad_id, device=device)
            logits[rows] = classifier.model(**batch).logits.float().cpu().numpy()
    return logits
