"""From a study to its tasks."""

from __future__ import annotations

from dataclasses import replace

from forelearn.core.errors import Problem, did_you_mean
from forelearn.experiment.settings import READY
from forelearn.experiment.study import Study
from forelearn.tasks.assemble import LoadedTasks, assemble


def load_tasks(study: Study, *, partial: bool = False) -> LoadedTasks:
    """The tasks of a study by name, in the order of its file, and everything wrong with data and names.

    Nothing is raised: a task with an error is left out, and the error is among the problems.
    partial: parts of the study file were refused, so that a missing task is no news.
    """
    settings = study.settings
    file = study.path.name
    corpora = [
        section.corpus(f"{file}, [[data]] {number}") for number, section in enumerate(settings.data, start=1)
    ]
    loaded = assemble(corpora, root=study.data_root, plan=settings.splits.plan(), metric=settings.metric)
    problems = list(loaded.problems)
    complete = not loaded.errors and not partial
    sources = [name for name in settings.sources if not name.startswith(READY)]
    for key, names in (("targets", settings.targets), ("sources", tuple(sources))):
        problems += [
            Problem(f"{file}, {key}", f"There is no task `{name}`.", did_you_mean(name, loaded.tasks))
            for name in names
            if name not in loaded.tasks and complete
        ]
    ready = len(settings.sources) > len(sources)
    if complete and len(loaded.tasks) < 2 and not (loaded.tasks and ready):
        problems.append(
            Problem(
                file,
                f"The study has {len(loaded.tasks)} task; nothing can be learned first.",
                'Add [[data]] sections, or a fine-tuned encoder: sources = ["encoder@folder"].',
            )
        )
    return replace(loaded, problems=tuple(problems))
