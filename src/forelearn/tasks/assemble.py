"""From [[data]] sections to tasks: read, draft, split what belongs together, sample, bundle.

Sections that share documents, or groups where the split is by group, are split as one: no document and no
group is in the train of one task and in the test of another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from forelearn.core.data import Examples, TaskData, task_data
from forelearn.core.errors import Problem
from forelearn.core.task import metrics_of
from forelearn.tasks.corpus import IMAGE_FORMATS, Corpus
from forelearn.tasks.documents import Document, documents
from forelearn.tasks.drafts import Draft
from forelearn.tasks.files import listed
from forelearn.tasks.images import image_tasks
from forelearn.tasks.kinds import class_problems, kind_problems, strata, to_be_found
from forelearn.tasks.labels import draft
from forelearn.tasks.names import name_problems
from forelearn.tasks.reading import Read, read_corpus
from forelearn.tasks.rows import SPLITS
from forelearn.tasks.splits import Item, SplitPlan, rank_of, sample, split_items


@dataclass(frozen=True, slots=True)
class LoadedTasks:
    """Tasks by name in the order of the study file, and everything that was found wrong on the way.

    places: document id → `file, row n`, for messages.
    """

    tasks: Mapping[str, TaskData]
    problems: tuple[Problem, ...]
    places: Mapping[str, str]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop a study."""
        return tuple(problem for problem in self.problems if problem.level == "error")


def assemble(
    corpora: Sequence[Corpus], *, root: Path, plan: SplitPlan, metric: str | None = None
) -> LoadedTasks:
    """Read every corpus and make its tasks. Nothing is raised: a task with an error is left out and said.

    metric: the deciding measure of every task; None takes the default of each task's kind.
    """
    problems: list[Problem] = []
    drafts: list[Draft] = []
    read: Read = {}
    named: list[tuple[str, str]] = []
    tasks: dict[str, TaskData] = {}
    for corpus in corpora:
        if corpus.format in IMAGE_FORMATS:
            pictures, found = image_tasks(corpus, root=root, plan=plan)
            for picture in pictures:
                named.append((picture.task.name, corpus.where))
                tasks[picture.task.name], doubts = _measured(picture, corpus.metric, metric, corpus.where)
                found += doubts
            problems += found
            continue
        parts, found = read_corpus(corpus, root=root, read=read)
        own, doubts = documents(corpus, parts)
        found += doubts
        if not any(problem.level == "error" for problem in found):
            # what follows from a broken file or row would be said of every task made of it
            if not own:
                found.append(Problem(corpus.where, "No usable row is left.", "Check the columns and `drop`."))
            made, doubts = draft(corpus, in_part(own, corpus.part))
            found += doubts
            drafts += made
            named += [(task.name, corpus.where) for own_draft in made for task in own_draft.tasks]
        problems += found
    problems += name_problems(named)
    for family in _families(drafts, plan):
        kept, found = _split(family, plan)
        problems += found
        for own_draft in family if kept else ():
            for data, found in _bundle(own_draft, kept, metric=metric):
                problems += found
                if data is not None:
                    tasks[data.task.name] = data
    if metric is not None and tasks and not any(data.task.metric == metric for data in tasks.values()):
        problems.append(_metric_problem("study.toml, metric", metric, list(tasks.values())))
    places = {document.id: document.place for own_draft in drafts for document in own_draft.documents}
    return LoadedTasks(
        {name: tasks[name] for name, _ in dict.fromkeys(named) if name in tasks}, once(problems), places
    )


def once(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """The problems in their order, those that say the same of several places as one."""
    places: dict[tuple[str, str, str], list[Problem]] = defaultdict(list)
    for problem in problems:
        places[(problem.what, problem.fix, problem.level)].append(problem)
    return tuple(
        replace(same[0], where=listed(list(dict.fromkeys(problem.where for problem in same))))
        for same in places.values()
    )


def _metric_problem(where: str, metric: str, tasks: Sequence[TaskData]) -> Problem:
    """A deciding measure that is measured for none of the tasks."""
    kinds = listed(list(dict.fromkeys(data.task.kind.replace("_", " ") for data in tasks)))
    known = dict.fromkeys(name for data in tasks for name in metrics_of(data.task.kind, data.labels))
    return Problem(
        where,
        f"`{metric}` is not measured for {kinds} tasks: {listed([data.task.name for data in tasks])}.",
        f"Choose one of {', '.join(known)}, or leave it out.",
    )


def in_part(documents: Sequence[Document], part: tuple[int, int] | None) -> list[Document]:
    """The k-th of n parts; what has one value of `cut` stays in one part, whatever the order of rows."""
    if part is None:
        return list(documents)
    which, parts = part
    cuts = sorted({document.cut for document in documents}, key=lambda cut: (rank_of(0, cut), cut))
    taken = set(cuts[which - 1 :: parts])
    return [document for document in documents if document.cut in taken]


def _families(drafts: Sequence[Draft], plan: SplitPlan) -> list[list[Draft]]:
    """Drafts that must be split together, in the order of the first of each."""
    head = list(range(len(drafts)))

    def find(index: int) -> int:
        while head[index] != index:
            index = head[index]
        return index

    owner: dict[tuple[str, str], int] = {}
    for index, own in enumerate(drafts):
        keys = {("document", document.id) for document in own.documents}
        if own.part is None:  # parts of a file that share no document are split apart
            keys |= {("file", document.file) for document in own.documents}
        if plan.by != "row":
            # what has its splits is not dealt out again with what has none
            keys |= {
                ("given group" if document.split else "group", document.group)
                for document in own.documents
                if document.group
            }
        for key in keys:
            first, second = sorted((find(owner.setdefault(key, index)), find(index)))
            head[second] = first
    families: dict[int, list[Draft]] = defaultdict(list)
    for index, own in enumerate(drafts):
        families[find(index)].append(own)
    return list(families.values())


def _split(family: Sequence[Draft], plan: SplitPlan) -> tuple[dict[str, str], list[Problem]]:
    """Document id → split, after sampling; the same for every task of the family."""
    where = family[0].where
    first: dict[str, Document] = {}
    labels: dict[str, list[str]] = defaultdict(list)
    for number, own in enumerate(family):
        for document in own.documents:
            first.setdefault(document.id, document)
        for task in own.tasks:
            for document, shown in zip(own.documents, strata(task, own.documents)):
                labels[document.id] += [f"{number}:{task.name}:{one}" for one in shown]
    torn = [
        f"{document.place} ({document.split} and {first[document.id].split})"
        for own in family
        for document in own.documents
        if document.split != first[document.id].split
    ]
    if torn:
        return {}, [
            Problem(
                where,
                f"A document has two splits in two sections: {listed(torn)}.",
                "Let the sections agree on its split.",
            )
        ]
    items = [
        Item(name, tuple(labels[name]), document.group, document.split, document.place)
        for name, document in first.items()
    ]
    chosen, problems = split_items(items, plan, where=where)
    kept: dict[str, str] = {}
    for split in SPLITS:
        own_items = [item for item in items if chosen.get(item.id) == split]
        kept |= dict.fromkeys(sample(own_items, plan.most(split), seed=plan.seed), split)
    return kept, problems


def _bundle(
    own: Draft, kept: Mapping[str, str], *, metric: str | None
) -> Iterator[tuple[TaskData | None, list[Problem]]]:
    """Each task of a draft with its examples, or why it cannot be."""
    rows = {
        split: [row for row, document in enumerate(own.documents) if kept.get(document.id) == split]
        for split in SPLITS
    }
    grouped = all(document.group for document in own.documents)
    paired = own.documents[0].content.pair is not None
    bare = {
        split: Examples(
            ids=tuple(own.documents[row].id for row in rows[split]),
            texts=tuple(own.documents[row].content.text for row in rows[split]),
            groups=tuple(own.documents[row].group for row in rows[split]) if grouped else (),
            pairs=tuple(own.documents[row].content.pair or "" for row in rows[split]) if paired else None,
        )
        for split in SPLITS
    }
    for task in own.tasks:
        found = {split: to_be_found(task, own.documents, rows[split]) for split in SPLITS}
        if task.kind is None:
            labels = {split: found[split]["labels"] for split in SPLITS}
            usable, problems = class_problems(task, labels, where=own.where)
        else:
            usable, problems = kind_problems(task, found, where=own.where)
        if not usable:
            yield None, problems
            continue
        train, dev, test = (replace(bare[split], **found[split]) for split in SPLITS)
        data = task_data(task.name, task.labels, train, dev, test, kind=task.kind)
        data, found_wrong = _measured(data, own.metric, metric, own.where)
        yield data, problems + found_wrong


def _measured(
    data: TaskData, own: str | None, metric: str | None, where: str
) -> tuple[TaskData, list[Problem]]:
    """The task with the measure that decides it: its section's own, else the study's where its kind has it."""
    chosen = own or metric
    if chosen in metrics_of(data.task.kind, data.labels):
        return replace(data, task=replace(data.task, metric=chosen)), []
    return data, [] if own is None else [_metric_problem(f"{where} metric", own, [data])]
