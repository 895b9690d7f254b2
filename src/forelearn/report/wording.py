"""Figures in words: one place decides places, signs and units for the page, the terminal and notebooks."""

from __future__ import annotations

import re

from forelearn.report.summary import Answer, Decision, Further, Interval, Stage, Status, Summary

NONE = "–"
DECISIONS: dict[Decision, str] = {
    "transfer": "Transfer",
    "tied": "Tied",
    "do not transfer": "Do not transfer",
    "not enough evidence": "Not enough evidence",
}
STATUSES: dict[Status, str] = {
    "run": "run",
    "not tried": "not tried",
    "failed": "failed",
    "stopped": "stopped early",
    "set aside": "set aside",
}
STAGES: dict[Stage, str] = {
    "baselines": "Baselines",
    "features": "Features",
    "pairs": "Pairs",
    "chains": "Several sources in turn",
    "joint": "Sources together with the target",
    "confirmation": "Confirmation on fresh seeds",
    "exhaustive": "Everything (estimated)",
}
LONGER = "train longer"
"""The control that trains the target alone for twice the epochs."""
TOGETHER = "together with the target"
"""Stands by an answer whose sources are not learned first."""
_FIGURE = re.compile(r"(?<![^\s\[(])-(?=\d+\.\d)")
METRICS = {
    "average_precision": "average precision",
    "f1": "F1",
    "macro_f1": "macro F1",
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "matthews": "Matthews correlation",
    "pearson": "Pearson correlation",
    "spearman": "Spearman correlation",
    "span_f1": "span F1",
    "span_precision": "span precision",
    "span_recall": "span recall",
    "answer_f1": "answer F1",
    "exact_match": "exact match",
    "deciding": "each target's own metric",
}


def metric_name(metric: str) -> str:
    """The metric in words."""
    return METRICS.get(metric, metric.replace("_", " "))


def number(value: float | None, places: int = 3) -> str:
    """`0.412`, with a true minus sign; a dash for None."""
    if value is None:
        return NONE
    return _rounded(value, places).replace("-", "−")


def signed(value: float | None, places: int = 3) -> str:
    """`+0.034`, `−0.010`, `0.000`."""
    if value is None:
        return NONE
    shown = _rounded(value, places)
    return shown.replace("-", "−") if float(shown) <= 0 else f"+{shown}"


def bounds(value: Interval | None) -> str:
    """`−0.004 to +0.061`; empty for None."""
    return "" if value is None else f"{signed(value.low)} to {signed(value.high)}"


def with_bounds(value: Interval | None) -> str:
    """`+0.034 (+0.012 to +0.055)`; a dash for None."""
    return NONE if value is None else f"{signed(value.mean)} ({bounds(value)})"


def share(value: float | None) -> str:
    """`16.5 %`; below a thousandth `< 0.1 %`."""
    if value is None:
        return NONE
    if 0 < value < 0.001:
        return "< 0.1 %"
    return f"{100 * value:.1f} %" if value < 0.9995 else f"{100 * value:.0f} %"


def duration(seconds: float) -> str:
    """`35 s`, `41 min`, `2.1 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 10 or seconds == 0 else f"{seconds:.1f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:,.1f} h".replace(",", " ")


def minus(text: str) -> str:
    """A sentence with true minus signs before its figures (`-0.004`), and nowhere else."""
    return _FIGURE.sub("−", text)


def capital(text: str) -> str:
    """`text` with a capital first letter; the other letters stay as they are (`F1`)."""
    return text[:1].upper() + text[1:]


def learned(source: str) -> str:
    """A candidate by name; one task learned several times in turn is `A twice`, not `A → A`."""
    parts = source.split(" → ")
    if len(parts) == 1 or len(set(parts)) > 1:
        return source
    return f"{parts[0]} {'twice' if len(parts) == 2 else 'three times'}"


def because(answer: Answer) -> str:
    """The reason of an answer, with names and figures as they stand elsewhere."""
    said = answer.reason
    for source in (*answer.sources, answer.rival):
        said = said.replace(source, learned(source)) if source else said
    return minus(said)


def taking(further: Further | None) -> str:
    """`To settle it takes 12 runs, 41 min on one worker; an hour buys 17 runs.`, as far as known; empty for None.

    It stands behind the sentence that names the candidate to try, so that it need not be named again.
    """
    if further is None:
        return ""
    said = []
    if further.runs:
        time = "" if further.seconds is None else f", {duration(further.seconds)} on one worker"
        purpose = "to try it" if further.purpose.startswith("to try") else further.purpose
        said.append(f"{capital(purpose)} takes {of(further.runs, 'run')}{time}")
    if further.runs_an_hour is not None and further.runs_an_hour >= 1:
        said.append(f"{'an' if said else 'An'} hour buys {of(int(further.runs_an_hour), 'run')}")
    return f"{'; '.join(said)}." if said else ""


def count(value: int) -> str:
    """`1 500`: thousands apart by a thin space."""
    return f"{value:,}".replace(",", " ")


def units(value: float) -> str:
    """Cost units: `812`, `26.4 k`, `1 203.4 M`."""
    if value < 1e3:
        return f"{value:.0f}"
    if value < 1e6:
        return f"{value / 1e3:.1f} k"
    return f"{value / 1e6:,.1f} M".replace(",", " ")


def of(amount: int, singular: str, plural: str | None = None) -> str:
    """`1 run`, `2 runs`."""
    return f"{count(amount)} {singular if amount == 1 else plural or singular + 's'}"


def several_trained(summary: Summary) -> list[str]:
    """`2 of 3 chains of sources`, `1 of 2 sets of auxiliary tasks`; empty without any."""
    found = []
    chains = [row for row in summary.pairs if row.chain]
    joint = [row for row in summary.pairs if row.mode == "multitask"]
    for some, one, of_what in ((chains, "chain", "sources"), (joint, "set", "auxiliary tasks")):
        tried = sum(row.status == "run" for row in some)
        if some:
            found.append(f"{count(tried)} of {of(len(some), one)} of {of_what}")
    return found


def spent_share(summary: Summary, *, everything: bool) -> float | None:
    """Units spent over the exhaustive cost; `everything` adds features and confirmation. None if unknown."""
    if summary.exhaustive is None or summary.exhaustive.units <= 0:
        return None
    counted = {"baselines", "pairs", "chains", "joint", *(("features", "confirmation") if everything else ())}
    return sum(row.units for row in summary.costs if row.stage in counted) / summary.exhaustive.units


def headline(summary: Summary) -> str:
    """The answer of the whole study in one sentence."""
    amount = len(summary.answers)
    if amount == 0:
        return "No target has been answered yet."
    open_ties = [answer for answer in summary.answers if _ties_with_control(answer)]
    helped = [answer for answer in summary.answers if answer.decision in ("transfer", "tied")]
    advised = [answer for answer in helped if answer not in open_ties]
    if not advised:
        whom = "the one target" if amount == 1 else f"any of the {amount} targets"
        than = " more than training it longer" if open_ties else ""
        return f"Learning another task first is not shown to help {whom}{than}."
    sure = sum(answer.gain is not None and answer.gain.low > 0 for answer in advised)
    whom = "the one target" if amount == 1 else f"{len(advised)} of {amount} targets"
    proof = f"for {sure} of them" if len(advised) > 1 else "there" if sure else "not there"
    how = "first, or together with the target," if any(a.mode == "multitask" for a in advised) else "first"
    also = f" For {len(open_ties)} more, training longer may do as well." if open_ties else ""
    return f"Learn another task {how} for {whom}; the test interval lies above 0 {proof}.{also}"


def _ties_with_control(answer: Answer) -> bool:
    """Whether one of two that are tied learns no other task."""
    controls = (LONGER, f"{answer.target} itself")
    return answer.decision == "tied" and any(
        name in controls or name.startswith("alone (") for name in answer.sources
    )


def _rounded(value: float, places: int) -> str:
    shown = f"{value:.{places}f}"
    return shown.lstrip("-") if float(shown) == 0 else shown
