"""What can be tried: tasks, ready encoders, recipes and seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from forelearn.core.recipe import Recipe
from forelearn.core.task import Task
from forelearn.core.transfer import Encoder, Source, Transfer


@dataclass(frozen=True, slots=True)
class Space:
    """The transfers that a search chooses among.

    targets: the tasks an answer is wanted for.
    sources: tasks to learn first; a target may be among them (it is then no source of itself).
    ready: encoders that someone has fine-tuned already: sources whose first part costs nothing.
    encoder: where every chain starts.
    recipes: the grid; each task keeps the one that is best on dev.
    seeds: how many run seeds there are. Baselines run on all of them. Pairs are tried on the first; the
        winner is judged on the others, on which no pair was tried, paired with their baselines.
    seed: the study's seed; the run seeds follow from it.
    """

    targets: tuple[Task, ...]
    sources: tuple[Task, ...]
    encoder: Encoder
    recipes: tuple[Recipe, ...]
    ready: tuple[Encoder, ...] = ()
    seeds: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.targets or not self.recipes or self.seeds < 1:
            raise ValueError("a space has at least one target, one recipe and one seed")

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Targets and sources, each once, in the order given."""
        return tuple({task.name: task for task in (*self.targets, *self.sources)}.values())

    @property
    def run_seeds(self) -> tuple[int, ...]:
        """All run seeds."""
        return tuple(self.seed * 1000 + index for index in range(self.seeds))

    @property
    def first_seed(self) -> int:
        """The seed on which recipes and sources are chosen."""
        return self.run_seeds[0]

    @property
    def judging_seeds(self) -> tuple[int, ...]:
        """The seeds on which the winner is judged: none of them chose it."""
        return self.run_seeds[1:]

    def sources_of(self, target: Task) -> tuple[Task | Encoder, ...]:
        """What can be learned before `target`."""
        return (*(task for task in self.sources if task.digest != target.digest), *self.ready)

    def pairs(self) -> Iterator[tuple[Task | Encoder, Task]]:
        """Every (source, target)."""
        for target in self.targets:
            for source in self.sources_of(target):
                yield source, target

    def baseline(self, task: Task, recipe: Recipe, seed: int) -> Transfer:
        """`encoder → task`."""
        return Transfer(task, self.encoder, recipe, seed)

    def pair(
        self, source: Task | Encoder, target: Task, source_recipe: Recipe | None, recipe: Recipe, seed: int
    ) -> Transfer:
        """`encoder → source → target`, or `ready encoder → target`."""
        first = Source(encoder=source) if isinstance(source, Encoder) else Source(source, source_recipe)
        return Transfer(target, self.encoder, recipe, seed, sources=(first,))

    def exhaustive(self) -> Iterator[Transfer]:
        """All baselines and pairs, × recipes × seeds: the denominator of a budget given as a share.

        Source and target of a pair share the recipe here: the grid is counted once per pair.
        """
        for recipe, seed in product(self.recipes, self.run_seeds):
            for task in self.tasks:
                yield self.baseline(task, recipe, seed)
            for source, target in self.pairs():
                yield self.pair(source, target, None if isinstance(source, Encoder) else recipe, recipe, seed)


def source_name(source: Task | Encoder) -> str:
    """How a source is shown: a task's name, or `encoder@NAME`."""
    return source.name if isinstance(source, Task) else f"encoder@{source.name}"
