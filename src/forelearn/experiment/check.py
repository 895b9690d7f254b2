"""Everything that can be wrong with a study, found before anything is trained. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from forelearn.core.data import TaskData
from forelearn.core.errors import InputError, Problem
from forelearn.experiment.assemble import load_tasks
from forelearn.experiment.opening import Options, open_study
from forelearn.experiment.settings import LENET
from forelearn.experiment.study import Study, read_study, read_text, study_file
from forelearn.tasks.audit import Balance, audit, balances
from forelearn.tasks.files import listed

UNCHANGED = Options()


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


def _encoder_problems(study: Study) -> Iterator[Problem]:
    """What opening the local encoders would refuse. Weights are read no further than their headers."""
    for folder in study.local_encoders():
        from forelearn.models.encoder import encoder_shape  # loads transformers, which other studies need not
        from forelearn.models.task_model import load_tokenizer

        try:
            encoder_shape(folder)
            load_tokenizer(folder)
        except InputError as error:
            yield from error.problems
