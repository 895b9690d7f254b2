"""What is kept of a study: weights by key, a check of every hash, and a tidy-up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from forelearn.core.errors import InputError, Problem
from forelearn.core.run import Outcome
from forelearn.experiment.again import without_weights
from forelearn.experiment.last_run import as_run, remembered
from forelearn.experiment.opening import Options, open_apart_from_data
from forelearn.experiment.run_keys import full_key
from forelearn.experiment.settings import LENET
from forelearn.search.search import Search
from forelearn.store.directory import SHELVES, Directory
from forelearn.store.gc import Removal, collect
from forelearn.store.runs import Runs


def weights_of(study: Path, key: str, out: str | None) -> Path:
    """The folder of the weights of run `key`, or of the one that it begins.

    Raises InputError if there is none, and says how to get it.
    """
    options = Options(out=out)
    opened = open_apart_from_data(study, options)
    directory = Directory(opened.out)
    runs = Runs(directory)
    known = {outcome.transfer.key for outcome in runs.all()}
    key = full_key(key, known | set(directory.keys("weights")))
    folder = directory.whole("weights", key)
    if folder is not None:
        return folder
    outcome = runs.get(key)
    if outcome is None:
        rule = "has weights that are not whole, and no run."
        raise InputError(Problem(f"run `{key}`", rule, f"forelearn verify {study} says what is damaged."))
    raise InputError(without_weights(opened, options, outcome))


def verify(study: Path, out: str | None) -> tuple[list[Problem], int]:
    """Everything in the store that is not as its manifest says, and how many folders were read."""
    directory = Directory(open_apart_from_data(study, Options(out=out)).out)
    if not directory.root.is_dir():
        raise InputError(_nothing_run(directory.root))
    count = sum(len(directory.keys(shelf)) for shelf in SHELVES)
    return Runs(directory).verify(), count


def _nothing_run(root: Path) -> Problem:
    """Of a folder that no study has filled."""
    return Problem(
        str(root), "is not there: nothing of the study has run.", "Check --out, or run the study first."
    )


def gc(study: Path, out: str | None, data: str | None, *, dry_run: bool) -> list[Removal]:
    """Remove weights that no answer needs: all but single-task models, best pairs, and what was trained together.

    Answers are those of the study as its file says, and of every run that was told otherwise, each on its own data.
    While one of these is under way, what has run of it and is not told yet is kept, too; and of data that are not here
    any more, all that has run. Where the study keeps all weights, they stay.
    """
    from forelearn.experiment.api import standing

    plain = Options(out=out, data_root=data)
    opened = open_apart_from_data(study, plain)
    directory, settings = Directory(opened.out), opened.settings
    if not directory.root.is_dir():
        raise InputError(_nothing_run(directory.root))
    with directory.lock():
        runs, told = Runs(directory).all(), remembered(directory.root)
        if settings.run.keep_weights == "all":
            return collect(directory, dry_run=dry_run)
        keep = {run.transfer.key for run in runs if run.transfer.multitask}
        own = Options(out=out)
        asks = [plain, *(as_run(study, own if one.data_root else plain, one) for one in told)]
        asks += [] if data is None else [own]
        moved = any(one.data_root for one in (plain, *told))
        known: set[str] = set()
        gone = False
        for asked in dict.fromkeys(asks) if settings.encoder != LENET else ():
            # the data of the file need not be here where they have been elsewhere, nor those of an earlier run
            away = moved if asked.data_root is None else not Path(asked.data_root).is_dir()
            try:
                search = standing(study, asked, last=False)[1]
            except InputError:
                if not away:
                    raise
                gone = True
                continue
            known |= {task.digest for task in search.space.tasks}
            keep |= _needed(search, runs)
        if gone:
            keep |= {run.transfer.key for run in runs if run.transfer.target.digest not in known}
        return collect(directory, keep=keep, dry_run=dry_run)


def _needed(search: Search, runs: Sequence[Outcome]) -> set[str]:
    """Keys of the weights that a search needs: for its answers and, until it is done, of its runs to come.

    Where a round has a gap, nothing of it and of what was asked after it has been told.
    """
    from forelearn.experiment.drive import kept_weights

    keep = kept_weights(search)
    if search.stage == "done":
        return keep
    space = search.space
    known = {task.digest for task in space.tasks}
    return keep | {
        run.transfer.key
        for run in runs
        if run.transfer.key not in search.outcomes
        and run.transfer.encoder.digest == space.encoder.digest
        and run.transfer.target.digest in known
        and (run.transfer.seed in space.run_seeds or space.is_fresh(run.transfer.seed))
    }
