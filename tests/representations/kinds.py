"""Tiny encoders of every family and small tasks of every kind, with long and short examples among them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch

from forelearn.core.data import Examples, TaskData
from forelearn.models.heads import head_for
from forelearn.models.task_model import TaskModel, new_model
from forelearn.tasks.synthetic_kinds import FORMS, Form, Sizes, lexicons, make_task

LENGTH = 48
"""Tokens a sequence is cut to: some contexts take two windows."""

NO_ROWS = "answers"


@cache
def task(form: Form) -> TaskData:
    return make_task(form, form, lexicons(0, 1)[0], sizes=Sizes(train=16, dev=4, test=4))


def model(folder: Path, form: Form, *, seed: int = 1) -> TaskModel:
    """A model of 64 bits with a head for the task, whose weights are wide enough for gradients to be seen."""
    made = new_model(folder, head_for(task(form)), seed=seed)
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for _, parameter in sorted(made.model.named_parameters()):
            if parameter.dim() > 1:
                parameter.normal_(0.0, 0.3, generator=generator)
    made.model.double()
    return made


def shuffled(examples: Examples) -> tuple[Examples, np.ndarray]:
    order = np.random.default_rng(3).permutation(len(examples))
    return examples.pick(order.tolist()), order


SENTENCES = tuple(form for form in FORMS if form not in ("spans", "tags", "answers"))
