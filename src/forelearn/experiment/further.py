"""What further runs would buy for a target: in words, in runs, and at the pace of the study in hours.

The words and the number of runs follow from what has run alone. Seconds are measured, so they stand apart.
"""

from __future__ import annotations

from forelearn.core.task import Task
from forelearn.core.transfer import Transfer
from forelearn.evaluation.decision import Decision
from forelearn.report.summary import Further
from forelearn.search.search import Search
from forelearn.search.space import Candidate, source_name, stages


def further(
    search: Search, target: Task, decision: Decision, winner: Candidate | None, rival: Candidate | None
) -> tuple[str, Further | None]:
    """What more runs would buy, in a sentence or two, and what that takes; None before the target has a recipe."""
    recipe = search.recipe(target)
    if recipe is None:
        return "", None
    said = []
    runs, purpose = 0, ""
    wanted = [search.alone(target, recipe, search.space.fresh_seed(0))]
    if decision.kind == "not enough evidence" and decision.more_seeds:
        if winner is not None:
            wanted = search.confirmation(target, winner, rival, search.space.fresh_seed(0))
        wanted = list({transfer.key: transfer for transfer in wanted}.values())
        runs, purpose = decision.more_seeds * len(wanted), "to settle it"
        had, most = len(search.baselines(target, fresh=True)), search.options.confirm_seeds
        beyond = ""
        if winner is not None and had + decision.more_seeds > most:
            beyond = f", on more fresh seeds than `confirm_seeds` ({most}) allows"
            purpose = f"to settle it beyond `confirm_seeds` = {most}"
        said.append(f"About {runs} more run{'' if runs == 1 else 's'} would settle it{beyond}.")
    untried = {
        candidate: guess.worth
        for candidate in search.candidates_of(target)
        if not search.pair_outcomes(candidate, target)
        and search.next_seed(candidate, target) is not None
        and (guess := search.guess(candidate, target)) is not None
    }
    if untried:
        best = max(untried, key=lambda one: (untried[one], source_name(one)))
        if not runs:
            wanted = _missing(search, best, target) or wanted
            runs, purpose = len(wanted), "to try the most promising of those left"
        some = f"{len(untried)} candidate{'' if len(untried) == 1 else 's'}"
        verb = "has" if len(untried) == 1 else "have"
        said.append(
            f"{some} {verb} not been tried; one run of the most promising, {source_name(best)}, is expected to add "
            f"{untried[best]:+.4f}."
        )
    elif search.guesses is not None:
        said.append("Every candidate has been tried.")
    a_run = sum(map(search.cost, wanted)) / len(wanted) * search.purse.seconds_per_unit()
    taken = Further(runs, purpose, runs * a_run, 3600 / a_run) if a_run else Further(runs, purpose)
    return " ".join(said), taken


def _missing(search: Search, candidate: Candidate, target: Task) -> list[Transfer]:
    """What has to run for the first run of a candidate."""
    plan = search.plan(candidate, target, search.space.first_seed, check_prefix=False)
    return [] if plan is None else [one for one in stages(plan) if one.key not in search.outcomes]
