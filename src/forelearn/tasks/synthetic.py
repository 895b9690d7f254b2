"""Families of generated tasks whose order of usefulness is known before anything is trained.

Every task of a family reads documents of the same kind: some ten words, drawn from one common vocabulary of made-up
words, each word equally frequent in every task. What differs is *which* words decide the label: each task has a
lexicon, and a document is positive if it holds at least one word of it. Bags of words, vocabulary overlap and mean
embeddings of the texts therefore say next to nothing about which task helps which: only the labels, and so the
trained models, do.

Tasks come in groups. The lexicons of a group are drawn from a shared core, so a task of the group teaches the others
most of their words; a few words are borrowed from other groups, the rest are a task's own. Tasks differ in their
number of training examples and in label noise (training labels only: dev and test are clean, so that what is
measured is what was learned). In a *null* family all lexicons are disjoint: the tasks can be learned, and none
helps another.

The known order is

    usefulness(source → target) = size × (cleanliness × shared − BREAK_EVEN)

where `shared` is the part of the target's lexicon that the source has too, and size and cleanliness belong to the
source (`size`, `cleanliness`). What a source teaches about the target's words is worth something only as far as its
labels are right; what it costs, because it teaches the encoder to overlook all other words, grows with its size
whether they are right or not. Above 0 a source helps, below 0 it harms. The formula is our own, its two constants
are fitted to an exhaustive measurement with the encoder and the recipe of the demo (`DEMO_RECIPE`, a random BERT of
2 layers × 64). With other encoders the
order is a hypothesis. Measured: the mean rank correlation with the gain within a target is 0.91 on the family that
it was fitted to (seed 0, three training seeds) and 0.76 on another (seed 1, one training seed). The formula orders
the sources of one target and knows nothing of its ceiling: a target whose baseline is above 0.9 gains little even
from its best source, or loses a little.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from forelearn.core.data import Examples, TaskData, task_data
from forelearn.core.keys import seed_from
from forelearn.core.recipe import Recipe

DEMO_RECIPE = Recipe(learning_rate=1e-3, epochs=6, batch_size=16, max_length=32)
"""For `tiny` with random weights (2 layers, hidden size 64): about a second of one shared core a run."""

BREAK_EVEN = 0.3
"""Share of the target's lexicon that a clean source must have to be as good as no source."""
HALF_SIZE = 300
"""Training examples at which a source has half the effect of an unlimited one."""

_GROUPS = (
    "amber",
    "birch",
    "coral",
    "delta",
    "ember",
    "fjord",
    "grove",
    "heath",
    "ivory",
    "jetty",
    "knoll",
    "lotus",
)
_ALONE = "alone"
_T = TypeVar("_T")
_ONSETS = ("b", "br", "d", "dr", "l", "m", "n", "r", "t", "tr", "v", "vl", "z")
_VOWELS = ("a", "e", "i", "o", "u")


@dataclass(frozen=True, slots=True)
class Design:
    """What a family looks like. Tuples are cycled through the tasks of a group, each in an order of its own.

    vocabulary: words that all documents draw from.
    lexicon: deciding words of a task. A null family needs tasks × lexicon ≤ vocabulary.
    length: fewest and most words of a document.
    deciding: fewest and most deciding words of a positive document; a negative one has none.
    prevalence: share of positive documents in every split.
    group: tasks of a group.
    core: words of a group's core; core_shares: part of a lexicon that is drawn from it.
    borrowed: part of the remaining lexicon that is drawn from the cores of other groups.
    train: (examples, label noise) of the tasks. Noise is the share of positive examples that trade labels with a
    negative one.
    dev, test: examples.
    """

    vocabulary: int = 560
    lexicon: int = 44
    length: tuple[int, int] = (9, 11)
    deciding: tuple[int, int] = (1, 3)
    prevalence: float = 0.4
    group: int = 4
    core: int = 44
    core_shares: tuple[float, ...] = (0.95, 0.9, 0.85, 0.8)
    borrowed: float = 0.5
    train: tuple[tuple[int, float], ...] = ((300, 0.0), (220, 0.0), (300, 0.25), (140, 0.0))
    dev: int = 200
    test: int = 300


@dataclass(frozen=True, slots=True)
class Family:
    """Generated tasks and the truth about them.

    tasks: name → task with its examples. The second part of a name is the group; no estimator reads names.
    usefulness: target → source → known usefulness; above 0 helps, below 0 harms, higher is better.
    lexicons: name → the words that decide its label.
    """

    tasks: Mapping[str, TaskData]
    usefulness: Mapping[str, Mapping[str, float]]
    lexicons: Mapping[str, frozenset[str]]

    def best(self, target: str, k: int) -> list[str]:
        """The sources that help `target`, best first, at most `k`; none in a null family. Ties go by name."""
        values = self.usefulness[target]
        helpful = [name for name in values if values[name] > 0]
        return sorted(helpful, key=lambda name: (-values[name], name))[:k]


def family(seed: int, *, tasks: int = 12, null: bool = False, design: Design = Design()) -> Family:
    """A family of `tasks` tasks. The same arguments give the same family, text for text.

    null: disjoint lexicons, so that nothing helps.
    Raises `ValueError` if the vocabulary cannot hold the lexicons.
    """
    chance = random.Random(seed_from("synthetic family", seed))
    words = made_up_words(design.vocabulary, chance)
    plans = _plan(tasks, null, design, words, chance)
    built = {plan.name: _task(plan, words, design, chance) for plan in plans}
    return Family(
        tasks=built,
        usefulness={
            target.name: {
                source.name: size(source.rows)
                * (
                    cleanliness(source.noise, design.prevalence)
                    * len(source.lexicon & target.lexicon)
                    / len(target.lexicon)
                    - BREAK_EVEN
                )
                for source in plans
                if source is not target
            }
            for target in plans
        },
        lexicons={plan.name: plan.lexicon for plan in plans},
    )


def size(rows: int) -> float:
    """How firmly `rows` training examples teach, in [0, 1): rows / (rows + HALF_SIZE)."""
    return rows / (rows + HALF_SIZE)


def cleanliness(noise: float, prevalence: float) -> float:
    """The correlation between noisy and clean labels, 1 − noise / (1 − prevalence); 1 without noise.

    Of the positive examples a share `noise` is wrong, of the negative ones noise × prevalence / (1 − prevalence);
    the correlation is 1 minus both.
    """
    return 1 - noise / (1 - prevalence)


@dataclass(frozen=True, slots=True)
class _Plan:
    name: str
    lexicon: frozenset[str]
    rows: int
    noise: float


def made_up_words(count: int, chance: random.Random) -> list[str]:
    """Made-up words of two or three open syllables, all different."""
    words: dict[str, None] = {}
    while len(words) < count:
        syllables = 2 + (chance.random() < 0.5)
        words["".join(chance.choice(_ONSETS) + chance.choice(_VOWELS) for _ in range(syllables))] = None
    return list(words)


def _plan(tasks: int, null: bool, design: Design, words: Sequence[str], chance: random.Random) -> list[_Plan]:
    pool = list(words)

    def take(count: int) -> list[str]:
        if count > len(pool):
            raise ValueError(
                f"a vocabulary of {design.vocabulary} words cannot hold the lexicons of {tasks} tasks"
            )
        taken, pool[:] = pool[:count], pool[count:]
        return taken

    groups = tasks if null else max(1, tasks // design.group)
    cores = [take(design.lexicon if null else design.core) for _ in range(groups)]
    member_of = [index % groups for index in range(tasks)]
    chance.shuffle(member_of)
    plans: dict[int, _Plan] = {}
    order = list(range(tasks))
    for group in [None] if null else range(groups):
        members = [index for index in order if group is None or member_of[index] == group]
        sizes = _dealt(design.train, len(members), chance)
        shares = _dealt((1.0,) if null else design.core_shares, len(members), chance)
        for index, (rows, noise), share in zip(members, sizes, shares):
            core = cores[member_of[index]]
            shared = chance.sample(core, min(round(share * design.lexicon), len(core)))
            rest = design.lexicon - len(shared)
            foreign = [word for other in cores if other is not core for word in other]
            borrowed = chance.sample(foreign, min(round(design.borrowed * rest), len(foreign)))
            lexicon = frozenset([*shared, *borrowed, *take(rest - len(borrowed))])
            plans[index] = _Plan(_name(index, None if null else member_of[index]), lexicon, rows, noise)
    return [plans[index] for index in order]


def _dealt(values: Sequence[_T], count: int, chance: random.Random) -> list[_T]:
    """`count` values, cycled and shuffled."""
    dealt = [values[index % len(values)] for index in range(count)]
    chance.shuffle(dealt)
    return dealt


def _name(index: int, group: int | None) -> str:
    kin = _ALONE if group is None else _GROUPS[group] if group < len(_GROUPS) else f"group{group + 1}"
    return f"{index + 1:02d}-{kin}"


def _task(plan: _Plan, words: Sequence[str], design: Design, chance: random.Random) -> TaskData:
    inside = [word for word in words if word in plan.lexicon]
    outside = [word for word in words if word not in plan.lexicon]

    def draw(split: str, count: int) -> Examples:
        positives = round(count * design.prevalence)
        labels = [1] * positives + [0] * (count - positives)
        chance.shuffle(labels)
        texts = []
        for label in labels:
            length = chance.randint(*design.length)
            deciding = chance.randint(*design.deciding) if label else 0
            document = chance.sample(inside, deciding) + chance.sample(outside, length - deciding)
            chance.shuffle(document)
            texts.append(" ".join(document))
        ids = tuple(f"{plan.name}/{split}/{row + 1}" for row in range(count))
        return Examples(ids, tuple(texts), tuple(labels))

    train = _with_noise(draw("train", plan.rows), plan.noise, chance)
    return task_data(plan.name, ("no", "yes"), train, draw("dev", design.dev), draw("test", design.test))


def _with_noise(examples: Examples, noise: float, chance: random.Random) -> Examples:
    """The examples with the labels of a share `noise` of the positives traded with as many negatives."""
    labels = list(examples.labels)
    positive = [row for row, label in enumerate(labels) if label == 1]
    negative = [row for row, label in enumerate(labels) if label == 0]
    traded = round(noise * len(positive))
    for row in chance.sample(positive, traded) + chance.sample(negative, traded):
        labels[row] = 1 - labels[row]
    return replace(examples, labels=tuple(labels))
