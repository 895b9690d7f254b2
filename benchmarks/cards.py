"""A library of 1,500 cards at hidden size 384, read from disk and ranked for one target.

python -m benchmarks.cards [--quick] [--cards 1500] [--hidden 384]

The cards are generated: maps of rank 128 (fitted ones for some, turned at random for the others), 500 to 20,000
source texts, of which some are the target's. No encoder is run and torch is not imported.

- `seconds`: wall seconds from opening the folder to the ranking, with the target's moments; one thread.
- `peak_mb`: the largest memory that the process has held, generation included.
- `growth_500_to_5000`: cost of a card for a target of 5,000 rows over that for one of 500: reading it from
  memory, scores and leakage. CPU seconds, the two sizes in turn every few cards; the median of repeats.
- `growth_unread`: the same with the cards read beforehand, so that reading hides nothing.
- `max_abs_diff`: largest difference of an ESM score from LogME of the target's rows, mapped and laid out.
- `leaks_right`: share of cards whose exact copies are counted as Python's sets count them.

`--quick` repeats the two sizes fewer times.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from forelearn.cards.card import RANK, TEXTEMB, Card, file_name
from forelearn.cards.file import from_bytes, to_bytes
from forelearn.cards.fingerprints import MOST_EXACT, MOST_NEAR, Fingerprints, fingerprints
from forelearn.cards.library import Library
from forelearn.cards.rank import CardRanking, TargetSide, rank_cards, target_side
from forelearn.core.run import Cost
from forelearn.core.transfer import Encoder
from forelearn.estimators.esm import EsmMap, fit_esm, reduce
from forelearn.estimators.logme import logme

BASE = Encoder("generated", "0" * 20)
EMBEDDED = "mean of the last layer, 128 tokens"
TURN = 4
"""Cards that one size of target is timed on before it is the other's turn."""
POOL = 6_000
"""Texts, of which targets and sources hold some."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """What targets and sources share. scales: [d], of the embeddings' directions. pool: texts; prints of each."""

    hidden: int
    scales: Array
    pool: list[str]
    prints: Fingerprints


def make_world(hidden: int, seed: int) -> World:
    draw = np.random.default_rng(seed)
    words = np.array([f"word{number}" for number in range(2000)])
    pool = [" ".join(row) for row in draw.choice(words, (POOL, 12))]
    scales = np.geomspace(1.0, 0.02, hidden)
    return World(hidden, scales, pool, fingerprints(pool, most_exact=POOL, most_near=POOL))


@dataclass(frozen=True)
class Target:
    """base: [n, d]. labels: [n]. texts: n of the pool."""

    base: Array
    labels: NDArray[np.int64]
    texts: list[str]

    def side(self) -> TargetSide:
        """What a ranking needs of it: one pass over its rows."""
        return target_side(
            "target",
            self.base,
            self.labels,
            encoder=BASE.digest,
            embedded=EMBEDDED,
            watched=self.texts,
        )


def make_target(world: World, rows: int, seed: int) -> Target:
    draw = np.random.default_rng(seed)
    base = draw.normal(size=(rows, world.hidden)) * world.scales + 0.3
    labels = np.digitize(base[:, 0] + draw.normal(size=rows), [-0.3, 0.9])
    texts = [world.pool[place] for place in draw.permutation(POOL)[:rows]]
    return Target(base, labels, texts)


def make_maps(world: World, count: int, seed: int) -> list[EsmMap]:
    """Maps fitted on generated sources of 600 rows."""
    draw = np.random.default_rng(seed)
    maps = []
    for _ in range(count):
        base = draw.normal(size=(600, world.hidden)) * world.scales + 0.3
        turn = np.eye(world.hidden) + draw.normal(size=(world.hidden,) * 2) / np.sqrt(world.hidden)
        maps.append(reduce(fit_esm(base, base @ turn), min(RANK, world.hidden)))
    return maps


def make_card(world: World, maps: Sequence[EsmMap], number: int) -> Card:
    """A source of 500 to 20,000 texts, up to 200 of them of the pool."""
    draw = np.random.default_rng(1000 + number)
    rows = int(500 * 40 ** draw.random())
    shared = draw.permutation(POOL)[: draw.integers(0, 200)]
    others = draw.integers(0, 1 << 63, rows - len(shared), dtype=np.uint64) * np.uint64(2)
    sketches = draw.integers(0, 256, (len(others), 64), dtype=np.uint8)
    digests, first = np.unique(np.concatenate([others, world.prints.exact[shared]]), return_index=True)
    near = np.concatenate([sketches, world.prints.near[shared]])[first[:MOST_NEAR]]
    esm = maps[number % len(maps)]
    if number >= len(maps):
        # another map of the same lengths: its input directions are turned
        signs = np.where(draw.random(len(esm.projection)) < 0.5, -1.0, 1.0)
        esm = EsmMap(esm.projection * signs[:, None], esm.energy, esm.error)
    return Card(
        name=f"source {number}",
        kind="multiclass",
        metric="macro_f1",
        labels=("a", "b", "c"),
        encoder=BASE,
        embedded=EMBEDDED,
        train=rows,
        dev=0,
        performance={0: 0.5},
        prints=Fingerprints(digests[:MOST_EXACT], near, len(digests)),
        vectors={TEXTEMB: draw.normal(size=world.hidden).astype(np.float32)},
        esm=esm,
        cost=Cost(),
    )


def fill(folder: Path, world: World, count: int) -> int:
    """Write `count` cards; their bytes."""
    folder.mkdir(parents=True)
    maps = make_maps(world, min(8, count), seed=1)
    total = 0
    for number in range(count):
        card = make_card(world, maps, number)
        data = to_bytes(card)
        (folder / file_name(card.name)).write_bytes(data)
        total += len(data)
    return total


def rank_folder(folder: Path, target: Target) -> tuple[CardRanking, float]:
    """The ranking of a library's cards for a target, and wall seconds."""
    began = time.perf_counter()
    ranking = rank_cards(Library(folder).cards(), target.side())
    return ranking, time.perf_counter() - began


def growth(files: Sequence[bytes], few: TargetSide, many: TargetSide, *, repeats: int) -> tuple[float, float]:
    """CPU seconds of ranking the cards in `files` for `many` over those for `few`: with and without reading.

    Each is the median over `repeats` of a ratio of sums over the files.
    """
    ratios: tuple[list[float], list[float]] = [], []
    for repeat in range(repeats + 1):
        spent = np.zeros((2, 2))  # [few or many, reading or ranking]
        for start in range(0, len(files), TURN):
            sides = list(enumerate((few, many)))
            for place, side in sides if (repeat + start // TURN) % 2 else sides[::-1]:
                began = time.process_time()
                cards = [from_bytes(data, "file") for data in files[start : start + TURN]]
                read = time.process_time()
                rank_cards(cards, side)
                spent[place] += read - began, time.process_time() - read
        ratios[0].append(spent[1].sum() / spent[0].sum())
        ratios[1].append(spent[1, 1] / spent[0, 1])
    # the first repeat warms up
    return statistics.median(ratios[0][1:]), statistics.median(ratios[1][1:])


def largest_difference(cards: Sequence[Card], ranking: CardRanking, target: Target) -> float:
    """Of the ranking's ESM scores from LogME of mapped rows."""
    scores = {card.name: card.scores["esm"] for card in ranking.cards}
    found = 0.0
    for card in cards:
        score = scores[card.name]
        assert card.esm is not None
        assert score is not None
        found = max(found, abs(score - logme(card.esm.apply(target.base), target.labels)))
    return found


def leaks_right(cards: Sequence[Card], ranking: CardRanking, target: Target) -> float:
    """Share of the cards whose exact copies are counted as sets count them."""
    counted = {card.name: card.leak.exact for card in ranking.cards}
    theirs = set(fingerprints(target.texts, most_exact=len(target.texts)).exact.tolist())
    right = [counted[card.name] == len(theirs & set(card.prints.exact.tolist())) for card in cards]
    return sum(right) / len(right)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer repeats; under a minute")
    parser.add_argument("--cards", type=int, default=1500)
    parser.add_argument("--hidden", type=int, default=384)
    options = parser.parse_args()
    world = make_world(options.hidden, seed=0)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "cards"
        size = fill(folder, world, options.cards)
        print(f"{options.cards} cards, hidden size {options.hidden}: {size / 1e6:.0f} MB")
        target = make_target(world, 1000, seed=7)
        ranking, seconds = rank_folder(folder, target)
        print(f"ranked in {seconds:.2f} s, {1000 * seconds / options.cards:.2f} ms a card")
        some = [card for card, _ in zip(Library(folder).cards(), range(40), strict=False)]
        few, many = (make_target(world, rows, seed=8).side() for rows in (500, 5000))
        grown = growth([to_bytes(card) for card in some], few, many, repeats=15 if options.quick else 61)
        found = {
            "cards": options.cards,
            "hidden": options.hidden,
            "seconds": seconds,
            "ms_per_card": 1000 * seconds / options.cards,
            "growth_500_to_5000": grown[0],
            "growth_unread": grown[1],
            "max_abs_diff": largest_difference(some, ranking, target),
            "leaks_right": leaks_right(some, ranking, target),
            "torch_imported": "torch" in sys.modules,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    for key, value in found.items():
        print(f"  {key:<20} {value if isinstance(value, bool | int) else format(value, '.4g')}")
    print(json.dumps({k: v if isinstance(v, bool | int) else float(f"{v:.4g}") for k, v in found.items()}))


if __name__ == "__main__":
    main()
