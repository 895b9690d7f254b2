"""Cards of made-up sources, small and quick."""

from dataclasses import replace

import numpy as np

from forelearn.cards.card import TEXTEMB, Card
from forelearn.cards.fingerprints import fingerprints
from forelearn.cards.rank import target_side
from forelearn.core.run import Cost
from forelearn.core.transfer import Encoder
from forelearn.estimators.esm import fit_esm, reduce

BASE = Encoder("tiny", "0123456789abcdef0123")
EMBEDDED = "mean of the last layer, 48 tokens"
WORDS = ["river", "rain", "bridge", "road", "water", "help", "send", "food", "night", "team", "wind", "fire"]


def texts(count, seed=0):
    draw = np.random.default_rng(seed)
    return [" ".join(draw.choice(WORDS, 12)) + f" {seed} {row}" for row in range(count)]


def made_card(name="flood", *, d=12, rank=6, rows=60, seed=0, **changes):
    draw = np.random.default_rng(seed)
    base = draw.normal(size=(rows, d)) + 0.3
    tuned = base @ (np.eye(d) + 0.4 * draw.normal(size=(d, d)) / np.sqrt(d)) + 0.1
    card = Card(
        name=name,
        kind="binary",
        metric="average_precision",
        labels=("no", "yes"),
        encoder=BASE,
        embedded=EMBEDDED,
        train=rows,
        dev=10,
        performance={0: 0.5, 1: 0.625},
        prints=fingerprints(texts(rows, seed)),
        vectors={TEXTEMB: base.mean(axis=0).astype(np.float32)},
        esm=reduce(fit_esm(base, tuned), rank),
        licence="CC-BY-4.0",
        cost=Cost(1200.0, 3.5),
        made="2026-01-02T03:04:05+00:00",
        by="forelearn 0.1.0",
    )
    return replace(card, **changes)


def made_target(*, d=12, rows=80, seed=99, watched=(), vectors=None):
    draw = np.random.default_rng(seed)
    base = draw.normal(size=(rows, d)) + 0.2
    labels = (base[:, 0] + 0.5 * draw.normal(size=rows) > 0.2).astype(int)
    side = target_side(
        "quake",
        base,
        labels,
        encoder=BASE.digest,
        embedded=EMBEDDED,
        watched=watched or texts(20, seed),
        vectors=vectors,
    )
    return side, base, labels
