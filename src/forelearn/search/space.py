"""What can be tried: tasks, ready encoders, controls, recipes and seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from forelearn.core.multitask import Multitask
from forelearn.core.recipe import Recipe
from forelearn.core.task import Task
from forelearn.core.transfer import Encoder, Mode, Source, Transfer

LONGER = "train longer"
"""The control that trains the target alone for twice the epochs."""

FRESH = 500
"""Fresh seeds are numbered from here: no search draws so many."""

ARROW = " → "
"""Stands between tasks that are learned in turn."""

BESIDE = " + "
"""Stands between tasks that are learned together."""

ALONE = "alone"
"""How a method of joint training without auxiliary tasks is called."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Tasks that are learned in turn before a target, first to last; a candidate as a single source is one.

    sources: at least two. The same task throughout is the control of a chain (`is_control`): as many stages,
    nothing new learned. quoted: whether names stand in quotation marks, see `Space.chain`.
    """

    sources: tuple[Task, ...]
    quoted: bool = False

    def __post_init__(self) -> None:
        if len(self.sources) < 2:
            raise ValueError("a chain has at least two sources")

    @property
    def name(self) -> str:
        """`A → B`, in the order of learning."""
        return ARROW.join(f'"{task.name}"' if self.quoted else task.name for task in self.sources)

    @property
    def last(self) -> Task:
        """What is learned directly before the target."""
        return self.sources[-1]

    @property
    def best(self) -> Task:
        """The source that is expected to gain most: the last one."""
        return self.last

    @property
    def is_control(self) -> bool:
        """Whether it is one task learned again and again."""
        return len({task.digest for task in self.sources}) == 1


@dataclass(frozen=True, slots=True)
class Together:
    """Auxiliary tasks that are learned together with a target, the best first; a candidate as a single source is one.

    sources: none are the control (`is_control`): the same method with the target alone. quoted: whether names stand
    in quotation marks, see `Space.together`.
    """

    sources: tuple[Task, ...]
    multitask: Multitask
    quoted: bool = False

    @property
    def name(self) -> str:
        """`A + B (method)`; without auxiliary tasks `alone (method)`."""
        mark = '"' if self.quoted else ""
        tasks = BESIDE.join(f"{mark}{task.name}{mark}" for task in self.sources) or ALONE
        return f"{tasks} ({mark}{self.multitask.method}{mark})"

    @property
    def best(self) -> Task:
        """The source that is expected to gain most: the first one. The control has none."""
        return self.sources[0]

    @property
    def is_control(self) -> bool:
        """Whether no other task is learned."""
        return not self.sources


Several = Chain | Together
"""What the search forms of sources that have run."""

Candidate = Task | Encoder | Several | str
"""A source; several, in turn or together; the target itself (`B → B`); or `LONGER`."""


@dataclass(frozen=True, slots=True)
class Space:
    """The transfers that a search chooses among.

    targets: the tasks an answer is wanted for.
    sources: tasks to learn first; a target may be among them (it is then no source of itself).
    ready: encoders that someone has fine-tuned already: sources whose first part costs nothing.
    encoder: where every chain starts.
    recipes: the grid; each task keeps the one that is best on dev.
    seeds: on how many seeds the search may run a pair; further ones, `fresh_seed`, are kept for confirmation.
    controls: whether `B → B` and training longer compete with the sources, at about equal cost.
    seed: the study's seed; the run seeds follow from it.
    """

    targets: tuple[Task, ...]
    sources: tuple[Task, ...]
    encoder: Encoder
    recipes: tuple[Recipe, ...]
    ready: tuple[Encoder, ...] = ()
    seeds: int = 3
    seed: int = 0
    controls: bool = True

    def __post_init__(self) -> None:
        if not self.targets or not self.recipes or self.seeds < 1:
            raise ValueError("a space has at least one target, one recipe and one seed")

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Targets and sources, each once, in the order given."""
        return tuple({task.name: task for task in (*self.targets, *self.sources)}.values())

    @property
    def run_seeds(self) -> tuple[int, ...]:
        """The seeds that the search may draw."""
        return tuple(self.seed * 1000 + index for index in range(self.seeds))

    @property
    def first_seed(self) -> int:
        """The seed on which recipes are chosen and every pair is tried first."""
        return self.run_seeds[0]

    def fresh_seed(self, index: int) -> int:
        """A seed that no search draws: for confirmation alone."""
        return self.seed * 1000 + FRESH + index

    def is_fresh(self, seed: int) -> bool:
        """Whether a run with this seed is a confirmation."""
        return seed >= self.seed * 1000 + FRESH

    def sources_of(self, target: Task) -> tuple[Task | Encoder, ...]:
        """What can be learned before `target`."""
        return (*(task for task in self.sources if task.digest != target.digest), *self.ready)

    def controls_of(self, target: Task) -> tuple[Candidate, ...]:
        """What costs about as much as a transfer without learning from another task."""
        return (target, LONGER) if self.controls else ()

    def candidates_of(self, target: Task) -> tuple[Candidate, ...]:
        """Sources and controls; "no transfer" is always one more."""
        return (*self.sources_of(target), *self.controls_of(target))

    def pairs(self) -> Iterator[tuple[Task | Encoder, Task]]:
        """Every (source, target)."""
        for target in self.targets:
            for source in self.sources_of(target):
                yield source, target

    def candidates(self) -> Iterator[tuple[Candidate, Task]]:
        """Every (source or control, target)."""
        for target in self.targets:
            for candidate in self.candidates_of(target):
                yield candidate, target

    def baseline(self, task: Task, recipe: Recipe, seed: int) -> Transfer:
        """`encoder → task`."""
        return Transfer(task, self.encoder, recipe, seed)

    def pair(
        self, source: Candidate, target: Task, source_recipe: Recipe | None, recipe: Recipe, seed: int
    ) -> Transfer:
        """`encoder → source → target`, `ready encoder → target`, or a control."""
        if isinstance(source, str):
            return self.baseline(target, replace(recipe, epochs=2 * recipe.epochs), seed)
        if isinstance(source, Chain | Together):
            raise ValueError("several sources are no pair: see `through` and `beside`")
        first = Source(encoder=source) if isinstance(source, Encoder) else Source(source, source_recipe)
        return Transfer(target, self.encoder, recipe, seed, sources=(first,))

    def chain(self, sources: Sequence[Task]) -> Chain:
        """These tasks in turn. Where any task's name holds ` → `, the names in a chain's name are quoted.

        So no chain is called what a task or another chain is called: no task's name may hold a quotation mark.
        """
        return Chain(tuple(sources), quoted=any(ARROW in task.name for task in self.tasks))

    def through(
        self, chain: Chain, chain_recipes: Sequence[Recipe], target: Task, recipe: Recipe, seed: int
    ) -> Transfer:
        """`encoder → A → B → target`, each source at its own recipe."""
        sources = tuple(Source(task, its) for task, its in zip(chain.sources, chain_recipes, strict=True))
        return Transfer(target, self.encoder, recipe, seed, sources=sources)

    def together(self, sources: Sequence[Task], multitask: Multitask) -> Together:
        """These auxiliary tasks together with a target. Where a task's name could be read so, all names are quoted.

        So nothing is called what a task is called: no task's name may hold a quotation mark.
        """
        names = [task.name for task in self.tasks]
        quoted = any(BESIDE in name or name.endswith(")") or name == ALONE for name in names)
        return Together(tuple(sources), multitask, quoted)

    def beside(self, together: Together, target: Task, recipe: Recipe, seed: int) -> Transfer:
        """`target` learned together with auxiliary tasks, all at the target's recipe."""
        sources = tuple(Source(task, recipe) for task in together.sources)
        return Transfer(target, self.encoder, recipe, seed, sources, "multitask", together.multitask)

    def exhaustive(self) -> Iterator[Transfer]:
        """All baselines and pairs, × recipes × seeds: the denominator of a budget given as a share.

        Source and target of a pair share the recipe here: the grid is counted once per pair. Controls are
        not counted.
        """
        for recipe, seed in product(self.recipes, self.run_seeds):
            for task in self.tasks:
                yield self.baseline(task, recipe, seed)
            for source, target in self.pairs():
                yield self.pair(source, target, None if isinstance(source, Encoder) else recipe, recipe, seed)


def source_name(source: Candidate) -> str:
    """How a candidate is shown: a task's name, `A → B`, `A + B (method)`, `encoder@NAME`, or `train longer`."""
    if isinstance(source, str):
        return source
    return f"encoder@{source.name}" if isinstance(source, Encoder) else source.name


def mode_of(candidate: Candidate | None) -> Mode:
    """How the target is learned with a candidate."""
    return "multitask" if isinstance(candidate, Together) else "sequential"


def stages(transfer: Transfer) -> list[Transfer]:
    """What has to run for a transfer, in order: `encoder → A`, `encoder → A → B`, …, itself the last."""
    found = [transfer]
    while (prefix := found[-1].prefix) is not None:
        found.append(prefix)
    return found[::-1]
