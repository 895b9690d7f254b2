"""What living through an order costs, inside a budget: a table of the README, from the files beside this one.

`python studies/task-embeddings/lived.py` prints it; `make.py readme` puts it into the README. Sources are tried on dev,
on one seed, the best on dev is kept, no transfer being a choice, and test is read on the other seed
(`evaluation.study_quality`). Beside every order: predictors, controls, and forelearn's own search.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from estimators import Row, by_least, lines
from measured import ALL_FUSED, DEFAULT, NOW, QUESTIONS, Array, Measured, measured, rows_of, scores_of

from forelearn.evaluation.budget import SHARES
from forelearn.evaluation.hierarchical import mean_over
from forelearn.evaluation.intervals import Interval
from forelearn.evaluation.lived import judged as judged_picks
from forelearn.evaluation.lived import split_at
from forelearn.evaluation.orders import Method
from forelearn.evaluation.study_cells import StudyMethod
from forelearn.evaluation.study_quality import STAY, evaluate_truth
from forelearn.evaluation.table import mean_known
from forelearn.evaluation.truth import Truth
from forelearn.experiment.evaluate import methods_for
from forelearn.experiment.replay import TableSearch
from forelearn.experiment.settings import BY_MODELS

LOST = ("lost@16.5", "lost@49.5")
LESS = " less no transfer"
STARTS = (DEFAULT, *BY_MODELS)
"""What forelearn's search is started from: the features that are its default, and what `rank` orders by."""


SEARCH = "forelearn, no score"
SHOWN_AGAIN = (NOW, "taskemb", "everything", SEARCH, f"forelearn with `{DEFAULT}`", "B → B")
"""Of the methods, those that are shown without the two halves of XQuAD as targets, too."""


def lived_lines(found: Measured) -> list[str]:
    """What is lost when sources are tried in an order, or by a search, inside a budget."""
    kinds = {row["task"]: row["kind"] for row in rows_of("tasks.csv")}
    others = [target for target in found.truth.targets if kinds.get(target) != QUESTIONS]
    rows = [
        Row(name if part is found else f"*{name}, without XQuAD as a target*", figures)
        for part in (found, found.at_targets(others))
        for name, figures in lived(part).items()
        if part is found or name in SHOWN_AGAIN
    ]
    return lines(by_least(rows, LOST[0]), found, [column for name in LOST for column in (name, name + LESS)])


def lived(found: Measured, *, draws: int = 50, replays: int = 3) -> dict[str, dict[str, Interval]]:
    """Method → `lost@…`, and the same `LESS`: every order, predictors, controls and forelearn's search.

    All tried on dev, read on test. Nothing while one seed alone has run: there is none to judge on.
    """
    truth, scores = found.truth, scores_of(found)
    if len(truth.search_seeds) < 2:
        return {}
    fusions = [
        StudyMethod(Method(name, lambda view, name=name: scores[name], "no run"))
        for name in (*ALL_FUSED, NOW)
        if name in scores
    ]
    others = [one for one in methods_for(truth, found.features) if one.method.name not in ALL_FUSED]
    quality = evaluate_truth(truth, [*others, *fusions], draws=draws)
    lost = {}
    for verdict in quality.verdicts:
        apart = verdict.against.get(STAY, {})
        lost[verdict.method] = {name: verdict.figures[name] for name in LOST if name in verdict.figures} | {
            name + LESS: apart[name] for name in LOST if name in apart
        }
    for name, used in ((SEARCH, ()), *((f"forelearn with `{one}`", (one,)) for one in STARTS)):
        if set(used) <= scores.keys():
            lost[name] = searched(truth, {one: scores[one] for one in used}, replays)
    return lost


def searched(truth: Truth, scores: Mapping[str, Array], replays: int) -> dict[str, Interval]:
    """forelearn's search on dev of one seed, its picks judged on test of the other: `lost@…`, and `LESS`."""
    search = TableSearch(scores=tuple(scores))
    found: dict[str, list[Array]] = {}
    for place in truth.search_seeds:
        split = split_at(truth, place)
        view = replace(split.view, scores=dict(scores))
        stayed = judged_picks((None,) * len(truth.targets), split)[0]
        answers = [search(view, number) for number in range(replays)]
        for share in SHARES:
            lost = mean_known(
                np.stack([judged_picks(answer.picks[share], split)[0] for answer in answers]), axis=0
            )
            name = f"lost@{100 * share:g}"
            found.setdefault(name, []).append(100.0 * lost)
            found.setdefault(name + LESS, []).append(100.0 * (lost - stayed))
    return {name: mean_over(np.stack(values, axis=1)) for name, values in found.items()}


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore", RuntimeWarning)
    print("\n".join(lived_lines(measured().whole())))


if __name__ == "__main__":
    main()
