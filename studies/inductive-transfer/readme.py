"""The made parts of README.md: what stands between `<!-- made: NAME -->` and `<!-- end -->`."""

from __future__ import annotations

import re
from collections.abc import Callable

from claims import claims
from table1 import markdown, table1

from forelearn.evaluation.study_result import StudyEvaluation
from forelearn.report.evaluation_rows import bounded
from forelearn.report.study_words import (
    LOSSES,
    change_words,
    costs,
    error_rows,
    in_short,
    losses,
    reliability_rows,
    study_heading,
    warning,
)
from forelearn.report.wording import metric_name

MADE = re.compile(r"(<!-- made: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def setting(found: StudyEvaluation) -> str:
    """What was run."""
    hours = found.seconds / 3600
    return (
        f"{study_heading(found)}. Training took {hours:.1f} hours of worker time in all; trying every pair once, "
        f"with one baseline a target, takes {found.exhaustive_seconds / 3600:.1f}."
    )


def noise(found: StudyEvaluation) -> str:
    """What the runs can support."""
    return "\n\n".join([markdown(*reliability_rows(found)), *(f"**{line}**" for line in warning(found))])


def errors(found: StudyEvaluation) -> str:
    """RMSE@K of every feature set, in both metrics."""
    parts = []
    for metric in found.metrics:
        head, rows = error_rows(metric, (10, 40, 100))
        parts.append(
            f"**{metric_name(metric.quality.truth.metric)}**, points; lower is better\n\n{markdown(head, rows)}"
        )
    return "\n\n".join(parts)


def short(found: StudyEvaluation) -> str:
    """What one holds in the end, over no transfer."""
    return markdown(*in_short(found))


def all_losses(found: StudyEvaluation) -> str:
    """Points lost at both budgets, over all targets and over those that change."""
    parts = []
    for metric in found.metrics:
        quality, name = metric.quality, metric_name(metric.quality.truth.metric)
        parts.append(
            f"**{name}, all {len(quality.truth.targets)} targets**\n\n{markdown(LOSSES, losses(quality))}"
        )
        parts.append(
            f"**{name}, the {len(quality.changed)} targets that change**\n\n"
            f"{markdown(LOSSES, losses(quality, changed=True))}"
        )
        parts.append(change_words(quality))
    return "\n\n".join(parts)


def cost_table(found: StudyEvaluation) -> str:
    """What each method costs at the first budget, without and with features and confirmation."""
    return markdown(
        ["method", "without features and confirmation", "with them"], costs(found.metrics[0].quality)
    )


def orders(found: StudyEvaluation) -> str:
    """Which orders differ from random and from no transfer by more than their interval."""
    lines = []
    for metric in found.metrics:
        better: dict[str, list[str]] = {}
        worse: dict[str, list[str]] = {}
        for verdict in metric.quality.verdicts:
            for reference in ("random", "no transfer"):
                for name, value in verdict.against.get(reference, {}).items():
                    side = better if value.high < 0 else worse if value.low > 0 else None
                    if side is not None:
                        said = f"{verdict.method} ({name.removeprefix('lost@')} %: {bounded(value, 1, sign=True)})"
                        side.setdefault(reference, []).append(said)
        name = metric_name(metric.quality.truth.metric)
        for reference in ("random", "no transfer"):
            fewer, more = (", ".join(side.get(reference, [])) or "none" for side in (better, worse))
            lines.append(
                f"- {name}, points lost against {reference}: fewer by more than the interval: {fewer}; more: {more}."
            )
        chance = (1 - metric.quality.level) * metric.quality.comparisons
        lines.append(
            f"- {metric.quality.comparisons} comparisons in {name}: about {chance:.0f} would exclude 0 by chance alone."
        )
    return "\n".join(lines)


PARTS: dict[str, Callable[[StudyEvaluation], str]] = {
    "claims": claims,
    "short": short,
    "setting": setting,
    "reliability": noise,
    "table1": table1,
    "errors": errors,
    "losses": all_losses,
    "costs": cost_table,
    "orders": orders,
}
"""Name of a made part → what makes it."""


def fill(text: str, found: StudyEvaluation) -> str:
    """The README with every made part made again. An unknown name is an error."""
    return MADE.sub(lambda one: f"{one[1]}{PARTS[one[2]](found).strip()}\n{one[3]}", text)
