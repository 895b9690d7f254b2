"""Everything that can be wrong with a study, found before anything is trained. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from forelearn.core.data import TaskData
from forelearn.core.errors import InputError, Problem
from forelearn.experiment.assemble import load_tasks
from forelearn.experiment.opening import UNCHANGED, Options, open_study
from forelearn.experiment.settings import LENET, READY, TINY
from forelearn.experiment.study import Study, expand, read_study, read_text, study_file
from forelearn.models.positions import TINY_POSITIONS
from forelearn.tasks.audit import Balance, audit, balances
from forelearn.tasks.files import listed


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found.

    study: None if the file could not be read at all. tasks: by name, without those that have an error.
    problems: errors first, then warnings, each in the order in which they were found.
    """

    study: Study | None
    tasks: Mapping[str, TaskData]
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop the study."""
        return tuple(problem for problem in self.problems if problem.level == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that do not stop it."""
        return tuple(problem for problem in self.problems if problem.level == "warning")

    def balances(self) -> list[Balance]:
        """Sizes, positive counts and prevalence of every split of every task."""
        return balances(self.tasks)

    def sound(self) -> tuple[Study, Mapping[str, TaskData]]:
        """The study and its tasks; InputError with every error if there is one."""
        if self.errors or self.study is None:
            raise InputError(self.errors)
        return self.study, self.tasks


def check(path: Path | str, options: Options = UNCHANGED) -> Checked:
    """Read a study file, its data and its splits, and audit them. Nothing is raised, nothing is written.

    What is wrong with the file does not hide what is wrong with the data: the check goes on with the rest.
    """
    try:
        file = study_file(path)
        study, problems = read_study(
            read_text(file),
            path=file,
            data_root=None if options.data_root is None else Path(options.data_root),
            out=None if options.out is None else Path(options.out),
        )
        if study is not None and not problems:
            study = open_study(file, options)
    except InputError as error:
        return Checked(None, {}, error.problems)
    if study is None:
        return Checked(None, {}, tuple(problems))
    loaded = load_tasks(study, partial=bool(problems))
    found = [
        *problems,
        *_encoder_problems(study),
        *loaded.problems,
        *_input_problems(study, loaded.tasks),
        *_pair_problems(study, loaded.tasks),
        *_warm_start_problems(study, loaded.tasks),
        *audit(loaded.tasks, places=loaded.places),
    ]
    found.sort(key=lambda problem: problem.level != "error")
    return Checked(study, loaded.tasks, tuple(dict.fromkeys(found)))


def _input_problems(study: Study, tasks: Mapping[str, TaskData]) -> Iterator[Problem]:
    """Tasks that the encoder cannot read: images need the network for images, and texts another encoder."""
    encoder = study.settings.encoder
    unread = [name for name, data in tasks.items() if bool(data.train.images) != (encoder == LENET)]
    if unread:
        wanted = "texts" if encoder == LENET else "images"
        fix = (
            f'Set encoder = "{LENET}".'
            if wanted == "images"
            else 'Set encoder = "tiny", a folder or a hub id.'
        )
        if len(unread) < len(tasks):
            fix = "Put images and texts into two studies."
        what = f"`{encoder}` cannot read {wanted}: {listed([f'`{name}`' for name in unread])}."
        yield Problem(f"{study.path.name}, encoder", what, fix)


def _pair_problems(study: Study, tasks: Mapping[str, TaskData]) -> Iterator[Problem]:
    """Sources and targets of which no source can be learned before any target."""
    sources, targets = study.settings.sources or tuple(tasks), study.settings.targets or tuple(tasks)
    if len(tasks) < 2 or any(name.startswith(READY) or name not in tasks for name in (*sources, *targets)):
        return  # an encoder goes before every target; tasks that are missing are said elsewhere
    if len({tasks[name].task.digest for name in (*sources, *targets)}) < 2:
        what = f"The only source of {listed([f'`{name}`' for name in targets])} is the task itself."
        yield Problem(f"{study.path.name}, sources", what, "Add a task to `sources`, or leave `sources` out.")


def _warm_start_problems(study: Study, tasks: Mapping[str, TaskData]) -> Iterator[Problem]:
    """Earlier studies that cannot be read, or whose gains are of another metric than the first target's."""
    named = study.settings.search.warm_start
    first = next(iter(study.settings.targets or tasks), "")
    if not named or first not in tasks:
        return
    from forelearn.experiment.earlier import load_pairs  # loads arrays, which other studies need not

    for name in named:
        try:
            load_pairs(study.folder / expand(name), (), metric=tasks[first].task.metric)
        except KeyError as error:
            what = f"The environment variable {error.args[0]} is not set."
            yield Problem(
                f"{study.path.name}, [search] warm_start", what, f"Set it: export {error.args[0]}=…"
            )
        except InputError as error:
            yield from error.problems


def length_problems(study: Study, encoder: str, most: int | None) -> Iterator[Problem]:
    """Texts longer than an encoder reads. most: how many tokens it has positions for; None is any number."""
    longest = max(study.settings.recipe.max_length)
    if most is not None and longest > most:
        what = f"`max_length` is {longest}, but `{encoder}` has positions for {most} tokens."
        yield Problem(f"{study.path.name}, [recipe] max_length", what, f"Set it to {most} or less.")


def _encoder_problems(study: Study) -> Iterator[Problem]:
    """What opening the local encoders would refuse; the hub is not asked. Weights are read to their headers alone."""
    if study.settings.encoder == TINY:
        yield from length_problems(study, TINY, TINY_POSITIONS)
    for name in study.hub_encoders():
        what = f"`{name}` is looked up on the hub when the study runs."
        fix = "See that it is spelt as there, or name a local folder."
        yield Problem(f"{study.path.name}, encoder", what, fix, "warning")
    for folder in study.local_encoders():
        from forelearn.models.encoder import (  # loads transformers, which other studies need not
            encoder_positions,
            encoder_shape,
        )
        from forelearn.models.tokenizer import load_tokenizer

        try:
            encoder_shape(folder)
            load_tokenizer(folder)
            yield from length_problems(study, str(folder), encoder_positions(folder))
        except InputError as error:
            yield from error.problems
