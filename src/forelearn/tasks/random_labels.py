"""A task whose training answers say nothing: the same examples, their answers dealt out anew.

As an auxiliary task it is a control: what training gains with it does not come from what its labels teach. Answers are
permuted among the training examples (tags among the words; of questions, a span of the same number of words anywhere
in the context), so that their frequencies stay what they are. Dev and test are left alone.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace

from forelearn.core.data import Answer, Examples, TaskData, task_data
from forelearn.core.keys import seed_from

SUFFIX = " (random labels)"
"""Behind the name of the task that it was made of."""


def with_random_labels(data: TaskData) -> TaskData:
    """The control of `data`; the same for the same task."""
    chance = random.Random(seed_from("random labels", data.task.digest))
    return task_data(
        data.task.name + SUFFIX,
        data.labels,
        _dealt(data.train, chance),
        data.dev,
        data.test,
        kind=data.task.kind,
        metric=data.task.metric,
    )


def find_data(tasks: Mapping[str, TaskData], name: str) -> TaskData:
    """The data of a task of a study, or of the control of one. Raises KeyError if there is no such task."""
    if name not in tasks and name.endswith(SUFFIX):
        return with_random_labels(tasks[name.removesuffix(SUFFIX)])
    return tasks[name]


def _dealt(examples: Examples, chance: random.Random) -> Examples:
    labels, values = list(examples.labels), list(examples.values)
    chance.shuffle(labels)
    chance.shuffle(values)
    flat = [tag for tags in examples.tags for tag in tags]
    chance.shuffle(flat)
    at = iter(flat)
    tags = tuple(tuple(next(at) for _ in tags) for tags in examples.tags)
    answers = tuple(
        tuple(_anywhere(context, answer, chance) for answer in given)
        for context, given in zip(examples.pairs or (), examples.answers)
    )
    return replace(examples, labels=tuple(labels), values=tuple(values), tags=tags, answers=answers)


def _anywhere(context: str, answer: Answer, chance: random.Random) -> Answer:
    """A span of as many words as `answer` has, somewhere in the context."""
    starts = [
        at
        for at in range(len(context))
        if not context[at].isspace() and (not at or context[at - 1].isspace())
    ]
    count = max(1, len(answer.text.split()))
    first = chance.randrange(max(1, len(starts) - count + 1))
    last = starts[min(first + count, len(starts)) - 1]
    end = next((at for at in range(last, len(context)) if context[at].isspace()), len(context))
    return Answer(starts[first], context[starts[first] : end])
