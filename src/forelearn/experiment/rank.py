"""Rank the sources of one target by what is known before any pair is trained, and say how far to trust it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from forelearn.core.errors import InputError, Problem, did_you_mean
from forelearn.core.keys import digest
from forelearn.core.task import Task
from forelearn.estimators.methods import METHODS
from forelearn.experiment.api import SILENT, executor_for, find_task, open_prepared
from forelearn.experiment.beliefs import Beliefs
from forelearn.experiment.drive import Display, all_stored, new_search, replay, run_transfers
from forelearn.experiment.estimates import Estimates, Table
from forelearn.experiment.guess import FOR_RANK, study_for_rank
from forelearn.experiment.last_run import as_last_run
from forelearn.experiment.opening import UNCHANGED, Options
from forelearn.experiment.prepare import Prepared, built
from forelearn.experiment.prior import read_prior
from forelearn.experiment.ranking_rows import ranking
from forelearn.experiment.row_scores import Scored
from forelearn.experiment.settings import BY_MODELS
from forelearn.experiment.verdict import Confirmation, verdict
from forelearn.report.ranking import Ranking
from forelearn.search.search import Search
from forelearn.search.space import source_name
from forelearn.store.file import write_file

BESIDE = ("random", "size", "static")
"""Orders that any ranking must beat; they stand beside each."""


def rank(
    study: Path | str,
    target: str | None = None,
    options: Options = UNCHANGED,
    *,
    by: Sequence[str] = (),
    attributions: bool = False,
    allow_leaks: bool = False,
    prior: Path | None = None,
    display: Display = SILENT,
) -> Ranking:
    """Order the sources of `target`, best first, and say whether to transfer. No pair is trained.

    Once a search of the study has come to its end, what it has answered stands, and is repeated; an exhaustive run
    answers nothing, for it confirms nothing.

    target: may be left out if the study has one target. by: names of methods, fused; empty takes `BY_MODELS` once
    every task has been trained alone, else (and where the study names features) the study's features, as far as what
    they need is there. Methods that read single-task models train those that are missing, on one seed. attributions:
    ANSAT is one of them, whatever else is. allow_leaks: sources that hold rows of the target's test may be
    recommended. prior: a file in place of the shipped one.
    Raises InputError for a method or a target that is not known.
    """
    chosen = _methods((*by, "ansat") if by and attributions and "ansat" not in by else by)
    shipped = read_prior(prior)
    prepared = open_prepared(study, as_last_run(study, options), build=False)
    task = _target(prepared, target)
    with prepared.directory.lock(), executor_for(prepared) as executor:
        prepared = built(prepared)
        search = new_search(prepared)
        beliefs = Beliefs(prepared, executor, display)
        pending = replay(prepared, search, Beliefs(prepared))  # the store's features are enough to replay
        wanted = attributions or any(METHODS[name].reads_models for name in chosen)
        if wanted and search.stage == "grid":
            display.plan("grid", pending, search)
            run_transfers(
                prepared, pending, executor, display, {one.key: search.looks(one) for one in pending}
            )
            replay(prepared, search, Beliefs(prepared))
        answered = None
        tried = any(search.gains(one, task) for one in search.candidates_of(task))
        if search.stage == "done" and tried and not search.options.exhaustive:
            answered = verdict(Confirmation(search, prepared.study.settings.search.level), task)
        _tell_all(prepared, search)
        alone = search.stage != "grid"  # every task has been tried; one that failed leaves the others theirs
        names = chosen or _usual(prepared, task, alone=alone, attributions=attributions)
        beliefs.reads = "ansat" in names
        if alone:
            beliefs.get_ready(search)
        elif not chosen:
            _note_left_out(prepared, task, beliefs)
        if not chosen and beliefs.read is None:
            names = tuple(name for name in names if name != "ansat")
        estimates = Estimates(prepared, search, executor, display)
        tables = {name: _table(name, task, estimates, beliefs) for name in names}
        if not chosen and not any(
            one.value is not None for table in tables.values() for one in table.values()
        ):
            tables |= {name: _table(name, task, estimates, beliefs) for name in _free(prepared)}
        beside = {name: tables.get(name) or estimates.table(name, task) for name in BESIDE}
        return ranking(
            task,
            tables,
            beside,
            search=search,
            beliefs=beliefs,
            estimates=estimates,
            prior=shipped,
            allow_leaks=allow_leaks or prepared.study.settings.search.allow_leaks,
            wanted=chosen or ("ansat",),
            answered=answered,
        )


def _tell_all(prepared: Prepared, search: Search) -> None:
    """Whatever has run is evidence here, in whatever order a search would have asked for it."""
    for outcome in all_stored(prepared):
        if outcome.transfer.key not in search.outcomes:
            search.tell(outcome)


def _methods(by: Sequence[str]) -> tuple[str, ...]:
    known = tuple(name for name in METHODS if name != "rrf")
    problems = [
        Problem("--by", f"there is no method `{name}`.", did_you_mean(name, known))
        for name in by
        if name not in METHODS
    ]
    if problems:
        raise InputError(problems)
    return tuple(name for name in dict.fromkeys(by) if name != "rrf")  # what is listed is always fused


def _target(prepared: Prepared, target: str | None) -> Task:
    targets = [task.name for task in prepared.space.targets]
    if target is None and len(targets) > 1:
        known = f"Known: {', '.join(targets)}."
        raise InputError(
            Problem("--target", f"must name one of {len(targets)} targets{_of_one_file(prepared)}.", known)
        )
    found = find_task(prepared, target or targets[0])
    if found.name not in targets:
        rule = f"`{found.name}` is a source of this study, and none of its targets."
        fix = f"{did_you_mean(found.name, targets)} Or add it to `targets` in the study file."
        raise InputError(Problem("--target", rule, fix.strip()))
    return found


def _of_one_file(prepared: Prepared) -> str:
    """What to say where the targets are labels of one file."""
    sections = [section for section in prepared.study.settings.data if section.one_vs_rest]
    return " (each label of a file is a task of its own, against the others)" if sections else ""


def _usual(prepared: Prepared, target: Task, *, alone: bool, attributions: bool) -> tuple[str, ...]:
    """What orders the sources of a target if no method is named.

    Once the tasks have been trained by themselves (`alone`) that is BY_MODELS, unless the study names features or none
    of the methods is defined for the target; else the study's features, as far as they order sources and what they
    need is there. attributions: whether ANSAT is one of them in any case.
    """
    names = (_by_models(prepared, target) if alone else []) or _ordering(prepared)
    if attributions and "ansat" not in names:
        names = [*names, "ansat"]
    return tuple(name for name in names if alone or not METHODS[name].reads_models)


def _by_models(prepared: Prepared, target: Task) -> list[str]:
    """The methods that take the place of features that the study does not name."""
    if "features" in prepared.study.settings.search.model_fields_set:
        return []
    return [name for name in BY_MODELS if METHODS[name].refusal(target.kind) is None]


def _ordering(prepared: Prepared) -> list[str]:
    features: tuple[str, ...] = prepared.study.settings.search.features
    return [name for name in features if name in METHODS]


def _free(prepared: Prepared) -> list[str]:
    """The study's features that order sources and read no model."""
    return [name for name in _ordering(prepared) if not METHODS[name].reads_models]


def _note_left_out(prepared: Prepared, target: Task, beliefs: Beliefs) -> None:
    """What waits for single-task models, and how to get it all the same."""
    why = "the tasks have not been trained alone"
    better = _by_models(prepared, target)
    if better:
        names = ",".join(better)
        beliefs.notes["models"] = f"{why}: without {names}, which orders better (--by {names} trains them)"
        return
    beliefs.notes["attributions"] = f"{why}: attributions are left out (add --attributions)"
    further = [name for name in _ordering(prepared) if METHODS[name].reads_models and name != "ansat"]
    if further:
        beliefs.notes["models"] = (
            f"{why}: without {', '.join(further)} (name them with --by, to train the tasks)"
        )


def _table(name: str, target: Task, estimates: Estimates, beliefs: Beliefs) -> Table:
    if name == "ansat":
        why = METHODS[name].refusal(target.kind) or beliefs.notes.get("attributions", "")
        found: Table = {}
        for source in estimates.prepared.space.sources_of(target):
            pair = (source_name(source), target.name)
            value = float(np.mean(beliefs.ansat(pair)[1])) if beliefs.read is not None else math.nan
            reason = why or "no positive documents, or no attributions, of one of the tasks"
            found[pair[0]] = Scored(value) if math.isfinite(value) else Scored(None, reason=reason)
        return found
    return estimates.table(name, target)


@contextmanager
def study_from_files(
    target_file: Path, sources: Path, *, encoder: str | None, out: str | None, target: str | None
) -> Iterator[tuple[Path, str | None, str | None]]:
    """Write a study for a target file and a folder of sources; the study file, the target and its folder.

    The study lies in `.forelearn/` of the working folder (or in `out`), so that a second call starts from what
    the first has computed, even where a source has come or gone since: the folder has one name for its paths. Where
    the block refuses the study, the place is left as it was.
    """
    guessed = study_for_rank(target_file, sources, encoder=encoder or "tiny")
    place = digest([str(target_file.resolve()), str(sources.resolve()), encoder or "tiny"])
    folder = Path(out) if out is not None else Path(".forelearn") / f"{target_file.stem}-{place[:8]}"
    path = folder / "study.toml"
    before = path.read_text(encoding="utf-8", errors="surrogateescape") if path.is_file() else None
    if out is not None and before is not None and not before.startswith(FOR_RANK):
        rule = "is a study of its own, and --out would write over it."
        fix = f"Name another folder with --out, or rank in the study: forelearn rank {folder} --target TASK."
        raise InputError(Problem(str(path), rule, fix))
    made = [parent for parent in path.parents if not parent.exists()]
    if before != guessed.text:
        write_file(path, guessed.text)
    try:
        yield path, target, None
    except InputError:
        if before is not None:
            write_file(path, before)
        else:
            path.unlink()
            with suppress(OSError):  # something else lies there by now
                for parent in made:
                    parent.rmdir()
        raise
