"""How weights that are not there are made: the same words for all who want them.

A run's weights may not have been kept, or never have been here; a failure and a stopped run left none.
"""

from __future__ import annotations

import shlex

from forelearn.core.errors import Problem
from forelearn.core.run import Outcome, Run
from forelearn.core.task import Task
from forelearn.core.transfer import Transfer
from forelearn.experiment.opening import Options
from forelearn.experiment.study import Study
from forelearn.tasks.random_labels import SUFFIX
from forelearn.training.multitask.methods import multitask

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
            usual = dict(multitask(transfer.multitask.method).options)
            for name, value in transfer.multitask.options:
                asks = value != usual.get(name) and not (dealt and name == "compute")
                words += ["--option", f"{name}={value}"] if asks else []
            words.append("--retry-failed" if dealt else "--no-controls")
        elif names:
            words += ["--source", "->".join(names)]
        words += ["--run-seed", str(transfer.seed)]
    if options.out is not None:
        words += ["--out", options.out]
    return shlex.join(words)
