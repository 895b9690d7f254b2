"""How weights that are not there are made, and those that are handed out: the same words for all who want them.

A run's weights may not have been kept, or never have been here; a failure and a stopped run left none.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace

from forelearn.core.errors import InputError, Problem
from forelearn.core.multitask import Scalar
from forelearn.core.run import Outcome, Run
from forelearn.core.task import Task
from forelearn.core.transfer import Transfer
from forelearn.experiment.multitask_settings import MultitaskSettings, chosen_method
from forelearn.experiment.opening import Options
from forelearn.experiment.study import Study
from forelearn.search.space import LONGER
from forelearn.tasks.random_labels import SUFFIX

KEEP_ALL = (
    'Say keep_weights = "all" in [run] and ask for its comparison again: forelearn train STUDY --with …'
)
"""How weights of an arm of a comparison are made again."""


def without_weights(study: Study, options: Options, outcome: Outcome) -> Problem:
    """Why an outcome has no weights in the study's store, and how they are made."""
    transfer = outcome.transfer
    where = f"run `{transfer.key}` ({transfer.label}, seed {transfer.seed})"
    if not isinstance(outcome, Run):
        fix = f"Train it: {train_command(study, options, transfer)}"
        return Problem(where, f"was not trained to its end: {outcome.reason.rstrip('.')}.", fix)
    rule = "has run, but its weights were not kept."
    if outcome.by != "forelearn":
        rule = f"was trained elsewhere (by {outcome.by}), so its weights are not here."
    return Problem(where, rule, again(study, options, transfer))


def again(study: Study, options: Options, transfer: Transfer) -> str:
    """How weights that were not kept are made again.

    Where epochs follow from what another method has spent, no command of its own trains the run.
    """
    if transfer.multitask is not None and dict(transfer.multitask.options).get("compute"):
        return KEEP_ALL
    return f"Train it again: {train_command(study, options, transfer)}"


def train_command(study: Study, options: Options, transfer: Transfer | None, task: Task | None = None) -> str:
    """The command that trains a transfer; without one, the task alone.

    A control with dealt labels has none of its own: the command asks the question again that it is a control of.
    """
    target = transfer.target if transfer is not None else task
    assert target is not None
    words = ["forelearn", "train", str(study.path), "--target", target.name]
    if transfer is not None:
        names = [source.name.removesuffix(SUFFIX) for source in transfer.sources]
        dealt = any(source.name.endswith(SUFFIX) for source in transfer.sources)
        if transfer.multitask is not None:
            lists = [[name] for name in names] if any("," in name for name in names) else [names]
            words += [word for some in lists if some for word in ("--with", ",".join(some))]
            words += ["--method", transfer.multitask.method]
            usual = _usual(study, transfer.multitask.method)
            for name, value in transfer.multitask.options:
                asks = any(value != one.get(name) for one in usual) and not (dealt and name == "compute")
                words += ["--option", f"{name}={value}"] if asks else []
            words.append("--retry-failed" if dealt else "--no-controls")
        elif names:
            words += ["--source", "->".join(names)]
        elif _is_longer(study, transfer):
            words += ["--source", LONGER]
        words += ["--run-seed", str(transfer.seed)]
    if options.out is not None:
        words += ["--out", options.out]
    return shlex.join(words)


def _usual(study: Study, method: str) -> list[Mapping[str, Scalar]]:
    """What the method is told where nobody says more: by itself, and by the study. Empty where it needs to be told."""
    sections = (MultitaskSettings(), study.settings.multitask)
    try:
        return [dict(chosen_method(section, method, {}).options) for section in sections]
    except InputError:
        return [{}]


def export_command(study: Study, options: Options, key: str) -> str:
    """The command that hands out the weights of a run."""
    words = ["forelearn", "export", key, "FOLDER", "--study", str(study.path)]
    return shlex.join([*words, *([] if options.out is None else ["--out", options.out])])


def _is_longer(study: Study, transfer: Transfer) -> bool:
    """Whether it is a target alone for more epochs than any recipe of the study has: the control of training longer."""
    grid = [replace(one, precision=transfer.recipe.precision) for one in study.settings.grid()]
    return transfer.recipe not in grid and any(
        transfer.recipe == replace(one, epochs=2 * one.epochs) for one in grid
    )
