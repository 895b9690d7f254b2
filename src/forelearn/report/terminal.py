"""The answer in the terminal: short, within 80 columns, every text from data shown as plain text."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

from forelearn.report.kinds import measured_by, own_metrics
from forelearn.report.markup import visible
from forelearn.report.summary import Answer, Further, Summary
from forelearn.report.wording import (
    DECISIONS,
    NONE,
    TOGETHER,
    bounds,
    duration,
    headline,
    learned,
    number,
    of,
    several_trained,
    share,
    signed,
    spent_share,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

MOST_NOTES = 6
_FEW = 3
"""Targets that are named one by one even where all want the same."""
STYLES = {
    "transfer": "bold cyan",
    "tied": "cyan",
    "do not transfer": "yellow",
    "not enough evidence": "dim",
}


def show(summary: Summary, *, console: Console | None = None) -> None:
    """Print the answers, what they cost and what is worth knowing. console: stdout by default."""
    from rich.console import Console
    from rich.text import Text

    out = console or Console()
    out.print(Text(headline(summary), style="bold"))
    if summary.answers:
        out.print(answer_table(summary))
    for line in closing(summary):
        out.print(Text(line))


def answer_table(summary: Summary) -> Table:
    """One row a target: decision or source, gain on fresh seeds with its interval, what was predicted."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, expand=False)
    table.add_column("Target", overflow="fold", min_width=12)
    table.add_column("Learn first", overflow="fold", min_width=14)
    table.add_column("Gain", justify="right", no_wrap=True)
    table.add_column(f"{100 * summary.level:.0f} % interval", no_wrap=True)
    table.add_column("Guess", justify="right", no_wrap=True)
    metrics = own_metrics(summary)
    for answer in summary.answers:
        table.add_row(*_cells(answer, metrics.get(answer.target)))
    return table


def closing(summary: Summary) -> list[str]:
    """Lines under the table: means, cost, what more would buy, negative transfer, failures, notes."""
    lines = []
    shown = [
        answer.baseline
        for answer in summary.answers
        if answer.performance is not None and answer.baseline is not None
    ]
    if shown:
        before = sum(shown) / len(shown)
        what, mean = f"test {measured_by(summary)}", f" (mean {number(before)})"
        if own_metrics(summary):
            what, mean = "on test, each target in its own metric,", ""
        lines.append(
            f"Gain: {what} on fresh seeds against the baseline{mean}. Guess: predicted before training."
        )
    single = [pair for pair in summary.pairs if pair.is_single]
    tried = sum(pair.status == "run" for pair in single)
    *first, last = [f"{tried} of {of(len(single), 'pair')}", *several_trained(summary)]
    trained = f"{', '.join(first)} and {last}" if first else last
    whole = spent_share(summary, everything=True)
    part = "" if whole is None else f", {share(whole)} of trying everything"
    seconds = duration(sum(row.seconds for row in summary.costs))
    lines.append(f"Cost: {trained} trained, {seconds}{part}.")
    lines += more_runs(summary.answers)
    worse = [answer for answer in summary.answers if answer.negative]
    if worse:
        pairs = [_label(summary, source, answer.target) for answer in worse for source in answer.negative]
        more = f" and {len(pairs) - 3} more" if len(pairs) > 3 else ""
        lines.append(f"Negative transfer: {visible(', '.join(pairs[:3]))}{more}.")
    if summary.failures:
        lines.append(f"{of(len(summary.failures), 'run')} failed; the page says why.")
    said = [*summary.notes, *(f"{task} is no source: {why}" for task, why in summary.set_aside.items())]
    lines += [f"Note: {visible(note)}" for note in said[:MOST_NOTES]]
    if len(said) > MOST_NOTES:
        lines.append(f"{of(len(said) - MOST_NOTES, 'more note')} on the page.")
    return lines


def more_runs(answers: Sequence[Answer]) -> list[str]:
    """What more runs would buy: a line a purpose, with the targets, or how many where many want the same."""
    purposes: dict[str, list[tuple[str, Further]]] = {}
    for answer in answers:
        if answer.further is not None and answer.further.runs:
            purposes.setdefault(answer.further.purpose, []).append((answer.target, answer.further))
    if not purposes:
        return []
    wanted = [further for group in purposes.values() for _, further in group]
    paces = [one.runs_an_hour for one in wanted if one.runs_an_hour is not None and one.runs_an_hour >= 1]
    pace = f" (an hour of one worker buys about {round(fmean(paces))})" if paces else ""
    lines = [f"More runs{pace}:"]
    for purpose, group in purposes.items():
        runs = {further.runs for _, further in group}
        if len(group) > _FEW and len(runs) == 1:
            times = [further.seconds for _, further in group if further.seconds is not None]
            time = f", {duration(sum(times))} in all" if times else ""
            said = f"{of(runs.pop(), 'run')} for each of {of(len(group), 'target')}{time}"
        else:
            said = "; ".join(f"{visible(target)} {_runs(further)}" for target, further in group)
        lines.append(f"  {purpose}: {said}")
    return lines


def _runs(further: Further) -> str:
    time = "" if further.seconds is None else f" ({duration(further.seconds)})"
    return f"{of(further.runs, 'run')}{time}"


def _label(summary: Summary, source: str, target: str) -> str:
    row = summary.pair(source, target)
    return f"{source} → {target}" if row is None else row.label


def _cells(answer: Answer, metric: str | None) -> list[Text]:
    from rich.text import Text

    advice = Text(DECISIONS[answer.decision], style=STYLES[answer.decision])
    if answer.decision in ("transfer", "tied"):
        advice = Text(visible(" or ".join(map(learned, answer.sources))), style=STYLES[answer.decision])
        if answer.mode == "multitask":
            advice.append(f"\n{TOGETHER}", style="dim")
    elif answer.gain is not None and answer.sources:
        advice.append(f"\nbest: {visible(learned(answer.sources[0]))}", style="dim")
    gain = NONE if answer.gain is None else signed(answer.gain.mean)
    guess = NONE if answer.predicted is None else signed(answer.predicted.mean)
    target = Text(visible(answer.target))
    if metric is not None:
        target.append(f"\n{metric}", style="dim")
    return [target, advice, Text(gain), Text(bounds(answer.gain)), Text(guess)]
