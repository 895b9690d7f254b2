"""Rank the sources of one target by what is known before any pair is trained."""

from __future__ import annotations

import math
from pathlib import Path

from forelearn.core.errors import InputError, Problem
from forelearn.core.keys import digest, plain
from forelearn.experiment.api import SILENT, UNCHANGED, executor_for, find_task, open_prepared
from forelearn.experiment.beliefs import Beliefs
from forelearn.experiment.drive import Display, new_search, replay, run_transfers
from forelearn.experiment.guess import study_for_rank
from forelearn.experiment.opening import Options
from forelearn.report.ranking import RankedSource, Ranking
from forelearn.report.summary import Interval
from forelearn.search.space import source_name


def rank(
    study: Path | str,
    target: str | None = None,
    options: Options = UNCHANGED,
    *,
    attributions: bool = False,
    display: Display = SILENT,
) -> Ranking:
    """Order the sources of `target`, best first. No pair is trained.

    target: may be left out if the study has one target. attributions: train every task alone on one seed (what
    the store has is not trained again) and compare what the models look at. Where the store has finished pairs,
    the predicted gain stands beside the scores.
    """
    prepared = open_prepared(study, options)
    targets = [task.name for task in prepared.space.targets]
    if target is None and len(targets) > 1:
        raise InputError(
            Problem("--target", "must name one of several targets.", f"Known: {', '.join(targets)}.")
        )
    task = find_task(prepared, target or targets[0])
    with prepared.directory.lock(), executor_for(prepared) as executor:
        search = new_search(prepared)
        beliefs = Beliefs(prepared, executor, display)
        pending = replay(prepared, search, Beliefs(prepared))  # the store's features are enough to replay
        if attributions and search.stage == "grid":
            display.plan("grid", pending, search)
            run_transfers(prepared, pending, executor, display)
            for transfer in pending:
                outcome = prepared.runs.get(transfer.key)
                if outcome is not None:
                    search.tell(outcome)
        alone = all(search.recipe(one) is not None for one in search.space.tasks)
        if alone:
            beliefs.get_ready(search)
        else:
            beliefs.notes["attributions"] = (
                "the tasks have not been trained alone: attributions are left out (add --attributions)"
            )
        if alone:
            beliefs(search)
        scores = beliefs.scores()
        prior = beliefs.prior()
    rows = []
    for source, pair_target in prepared.space.pairs():
        if pair_target.name != task.name:
            continue
        pair = (source_name(source), task.name)
        values = {name: found[pair] for name, found in scores.items()}
        known = pair in prior
        rows.append(
            RankedSource(
                source=pair[0],
                rank=1 + sum(prior[other] > prior[pair] + 1e-9 for other in prior if other[1] == task.name)
                if known
                else None,
                score=prior.get(pair),
                scores={name: plain(value) for name, value in values.items()},
                predicted=Interval(*beliefs.before[pair]) if pair in beliefs.before else None,
                obtained=search.dev_gain(source, task),
                reason="" if known else "no estimator can score it",
            )
        )
    rows.sort(key=lambda item: (item.rank is None, item.rank, item.source))
    used = tuple(
        name
        for name, found in scores.items()
        if any(not math.isnan(value) for pair, value in found.items() if pair[1] == task.name)
    )
    return Ranking(task.name, task.metric, used, tuple(rows), tuple(beliefs.notes.values()))


def study_from_files(
    target_file: Path, sources: Path, *, encoder: str | None, out: str | None, target: str | None
) -> tuple[Path, str | None, str | None]:
    """Write a study for a target file and a folder of sources; the study file, the target and its folder.

    The study lies in `.forelearn/` of the working folder (or in `out`), so that a second call starts from what
    the first has computed.
    """
    guessed = study_for_rank(target_file, sources, encoder=encoder or "tiny")
    place = digest([str(target_file.resolve()), str(sources.resolve()), guessed.text])
    folder = Path(out) if out is not None else Path(".forelearn") / f"{target_file.stem}-{place[:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "study.toml"
    if not path.exists() or path.read_text(encoding="utf-8") != guessed.text:
        part = folder / ".study.toml.part"
        part.write_text(guessed.text, encoding="utf-8")
        part.replace(path)
    return path, target, None
