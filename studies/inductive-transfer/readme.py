"""The made parts of README.md: what stands between `<!-- made: NAME -->` and `<!-- end -->`."""

from __future__ import annotations

import re
from collections.abc import Callable

from claims import claims
from table1 import markdown, table1

from forelearn.evaluation.intervals import Interval
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
    """Points lost less those of random and of no transfer; bold where the interval leaves 0 out."""
    parts = []
    columns = [(reference, share) for reference in ("random", "no transfer") for share in ("16.5", "49.5")]
    for metric in found.metrics:
        quality = metric.quality
        rows = []
        for verdict in quality.verdicts:
            values = [verdict.against.get(of, {}).get(f"lost@{share}") for of, share in columns]
            if any(values):
                rows.append([verdict.method, *map(_bold, values)])
        head = ["points lost", *(f"less {of}, {share} %" for of, share in columns)]
        chance = (1 - quality.level) * quality.comparisons
        name = metric_name(quality.truth.metric)
        parts.append(
            f"**{name}**; below 0 is better; bold where the interval leaves 0 out\n\n{markdown(head, rows)}"
        )
        parts.append(
            f"{quality.comparisons} differences were looked at in {name}, these among them: about {chance:.0f} would "
            "leave 0 out by chance alone."
        )
    return "\n\n".join(parts)


def _bold(value: Interval | None) -> str:
    text = bounded(value, 1, sign=True)
    return f"**{text}**" if value is not None and (value.low > 0 or value.high < 0) else text


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
