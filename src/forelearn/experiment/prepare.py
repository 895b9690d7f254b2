"""From a checked study to everything that a search needs: encoder, space, store and deterministic costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from forelearn.core.data import TaskData
from forelearn.core.errors import InputError, Problem, did_you_mean
from forelearn.core.recipe import Recipe
from forelearn.core.task import Task
from forelearn.core.transfer import Encoder, Transfer
from forelearn.experiment.built_in import TINY, StandIn, open_tiny
from forelearn.experiment.check import length_problems
from forelearn.experiment.leaking import leaking_pairs
from forelearn.experiment.opening import Options
from forelearn.experiment.settings import LENET, READY
from forelearn.experiment.study import Study
from forelearn.models.encoder import Shape, encoder_positions, encoder_shape, open_encoder
from forelearn.models.heads import head_for
from forelearn.models.lenet import lenet_encoder, lenet_shape
from forelearn.models.tokenizer import load_tokenizer
from forelearn.search.space import Space
from forelearn.store.directory import Directory
from forelearn.store.runs import Runs
from forelearn.tasks.random_labels import find_data
from forelearn.training.cost import units
from forelearn.training.device import resolve_device, resolve_precision
from forelearn.training.multitask.methods import Reading, expected_cost


@dataclass(frozen=True)
class Place:
    """Where a worker finds the study: plain values that travel between processes.

    options: what the command line changed in the study file. device: resolved. delta_gb: see `RunSettings`.
    """

    study: str
    options: Options
    device: str
    threads: int
    delta_gb: float = 4.0


@dataclass(frozen=True)
class Prepared:
    """A study that is ready to run.

    tasks: by name. folders: encoder digest → its folder. shape: of the study's encoder. stand_in: what takes the
    built-in encoder's place for who only looks, until it is `built`; None where the encoder is there.
    """

    study: Study
    options: Options
    tasks: Mapping[str, TaskData]
    space: Space
    shape: Shape
    folders: Mapping[str, Path]
    directory: Directory
    device: str
    stand_in: StandIn | None = None
    _units: dict[tuple[str, str, int], float] = field(default_factory=dict)

    @cached_property
    def runs(self) -> Runs:
        """The outcomes in the study's store."""
        return Runs(self.directory)

    @cached_property
    def leaks(self) -> Mapping[tuple[str, str], str]:
        """(source, target) → what of the target's test rows the source holds, in words; pairs that leak alone."""
        return leaking_pairs(self.tasks)

    @property
    def place(self) -> Place:
        """What a worker needs to know."""
        assert self.stand_in is None, "what runs needs the encoder itself: call `built` first"
        return Place(
            study=str(self.study.path),
            options=replace(self.options, out=str(self.study.out)),
            device=self.device,
            threads=self.study.settings.run.threads,
            delta_gb=self.study.settings.run.delta_gb,
        )

    def cost(self, transfer: Transfer) -> float:
        """Deterministic units of the last stage of `transfer`: training tokens × epochs × layers.

        Of a multitask transfer they are expected, where its method decides on the way how often it reads what.
        """
        recipe = transfer.recipe
        if not transfer.multitask:
            return self._pass(transfer.target, "train", recipe) * recipe.epochs
        tasks = [transfer.target, *(source.task for source in transfer.sources if source.task)]
        return expected_cost(
            transfer.multitask,
            recipe.epochs,
            [self._reading(task, "train", recipe) for task in tasks],
            self._reading(transfer.target, "dev", recipe),
        )

    def _reading(self, task: Task, part: str, recipe: Recipe) -> Reading:
        return Reading(self._pass(task, part, recipe), len(find_data(self.tasks, task.name).split(part)))

    def _pass(self, task: Task, part: str, recipe: Recipe) -> float:
        """Units of one pass over a part of a task; an image counts as one token."""
        key = (task.digest, part, recipe.max_length)
        if key not in self._units:
            data = find_data(self.tasks, task.name)
            if data.train.images:
                self._units[key] = float(len(data.split(part))) * self.shape.layers
            else:
                items = head_for(data).encode(self.tokenizer, data.split(part), recipe.max_length)
                self._units[key] = units(items.tokens.lengths, recipe.max_length, 1, self.shape.layers)
        return self._units[key]

    @cached_property
    def tokenizer(self) -> Any:
        """The study's encoder's tokenizer."""
        return load_tokenizer(self.folders[self.space.encoder.digest])

    def start(self, transfer: Transfer) -> Path | None:
        """The folder that the last stage starts from; None if the source part's weights are not there.

        The network for images starts from the seed alone: its folder is the study's own and is not looked at.
        """
        prefix = transfer.prefix
        if prefix is None:
            return self.folders[transfer.start.digest]
        return self.directory.whole("weights", prefix.key)


def prepare(study: Study, tasks: Mapping[str, TaskData], options: Options, *, build: bool = True) -> Prepared:
    """Open or build the encoder, resolve device and precision, and lay out the space.

    build: False writes nothing: a built-in encoder that is not there has a stand-in until it is `built`.
    Raises InputError for an unknown target or an encoder that cannot be opened, before anything is written.
    """
    settings = study.settings
    device = resolve_device(settings.run.device)
    directory = Directory(study.out)
    folders = {}
    ready = []
    names = []
    for name in settings.sources or list(tasks):
        if name.startswith(READY):
            other, other_folder = _open_named(study, name.removeprefix(READY))
            ready.append(other)
            folders[other.digest] = other_folder
        else:
            names.append(name)
    targets = settings.targets or list(tasks)
    unknown = [name for name in (*names, *targets) if name not in tasks]
    if unknown:
        raise InputError(
            [
                Problem(str(study.path), f"there is no task `{name}`.", did_you_mean(name, tasks))
                for name in dict.fromkeys(unknown)
            ]
        )
    encoder, folder, shape, stand_in = _open(study, tasks, directory, build=build)
    folders[encoder.digest] = folder
    recipes = settings.grid(options.precision or resolve_precision(device))
    space = Space(
        targets=tuple(tasks[name].task for name in targets),
        sources=tuple(tasks[name].task for name in (names if names or ready else list(tasks))),
        encoder=encoder,
        recipes=recipes,
        ready=tuple(ready),
        seeds=settings.search.seeds,
        seed=settings.seed,
        controls=settings.search.controls,
    )
    return Prepared(study, options, tasks, space, shape, folders, directory, device, stand_in)


def built(prepared: Prepared) -> Prepared:
    """The study with its encoder in the store, for what runs. The caller holds the store's lock."""
    if prepared.stand_in is None:
        return prepared
    again = prepare(prepared.study, prepared.tasks, prepared.options)
    return replace(again, _units=prepared._units)  # the stand-in has the same vocabulary


def _open(
    study: Study, tasks: Mapping[str, TaskData], directory: Directory, *, build: bool
) -> tuple[Encoder, Path, Shape, StandIn | None]:
    """The study's encoder, its folder, its shape and what stands in for it."""
    name = study.settings.encoder
    if name == LENET:
        return lenet_encoder(), study.folder, lenet_shape(), None
    if name == TINY:
        encoder, folder, stand_in = open_tiny(study, tasks, directory, build=build)
        return encoder, folder, encoder_shape(folder), stand_in
    encoder, folder = _open_named(study, name)
    return encoder, folder, encoder_shape(folder), None


def _open_named(study: Study, name: str) -> tuple[Encoder, Path]:
    """A folder or an encoder of the hub. InputError if the texts of the recipes are longer than it reads."""
    encoder, folder = open_encoder(study.resolve(name))
    if problems := list(length_problems(study, name, encoder_positions(folder))):
        raise InputError(problems)
    return replace(encoder, name=name), folder
