"""Curves of multitask training: what every task did over the epochs, and every arm against what it had spent."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import chain

from forelearn.report.epoch_chart import THIN, Chart, Point, Series, epoch_chart, mean_points, swatch
from forelearn.report.markup import Markup, element, name
from forelearn.report.multitask_summary import Arm, Comparison
from forelearn.report.multitask_words import alpha_of, figure, share_of, slope_of, weight_of
from forelearn.report.wording import count, metric_name
from forelearn.training.multitask.history import Epoch, History

_PLACES = 100
"""Places of the compute axis at which all arms are read."""


def curves(comparison: Comparison) -> Markup | None:
    """The method's panels over epochs; None if nothing is known of any epoch."""
    method = comparison.method
    if not any(history.epochs for history in method.histories):
        return None
    tasks = list(dict.fromkeys(chain.from_iterable(history.tasks for history in method.histories)))
    charts = [
        _by_task(method, tasks, "α", "How much of its change was taken; 1 is all of it.", alpha_of, rule=1.0),
        _by_task(method, tasks, "Weight", "After the epoch; at its floor a task is dropped.", weight_of),
        _by_task(method, tasks, "Share of all weights", "Its weight over the sum of all.", share_of),
        _by_task(
            method, tasks, "⟨g, δ⟩", "Above 0 the change hurts the target’s dev loss.", slope_of, rule=0.0
        ),
        _by_task(method, tasks, "‖δ‖", "How far the task moved the parameters.", _length, spread=True),
        _dev_loss(method),
        _by_task(method, tasks, "Training loss", "Mean over the examples of the epoch.", _loss, spread=True),
    ]
    panels = [panel for panel in map(epoch_chart, filter(None, charts)) if panel is not None]
    if not panels:
        return None
    seeds = len(method.histories)
    drawn = "one seed, so one line a task"
    if seeds > 1:
        drawn = "fine lines are seeds, thick ones their mean"
    if seeds * len(tasks) > THIN:
        drawn = "means over seeds; the seeds of a task are drawn when it is shown alone"
    return element(
        "section",
        {"id": "curves"},
        element("h2", {}, "Epoch by epoch"),
        element(
            "p",
            {"class": "intro"},
            f"{method.name}: {drawn}. A name below shows its task alone; a panel in focus is read with the arrow keys.",
        ),
        element("div", {"class": "curves"}, legend(tasks), element("div", {"class": "panels"}, panels)),
    )


def compute_curve(comparison: Comparison) -> Markup | None:
    """Every arm's deciding measure against its sample gradients; None if no arm has an epoch."""
    arms = [arm for arm in comparison.arms if any(history.epochs for history in arm.histories)]
    if not arms:
        return None
    first = min(history.epochs[0].gradients for arm in arms for history in arm.histories if history.epochs)
    end = max(comparison.compute, first)
    metric = metric_name(comparison.metric)
    steps = [end * (step + 1) / _PLACES for step in range(_PLACES)]
    series = [_arm_series(arm, place, comparison.compute, steps) for place, arm in enumerate(arms)]
    said = [(at, f"{count(round(at))} sample gradients: {_at(series, at)}") for at in steps]
    chart = Chart(
        f"Dev {metric} against compute",
        "Lines: what would have been kept by then, on the examples that decide, mean over seeds. Dots: what each "
        "seed keeps at matched compute; rings: its test, which chose nothing.",
        "sample gradients so far",
        series,
        said,
        stop=(float(comparison.compute), "matched"),
        floor=_floor(series),
    )
    drawn = epoch_chart(chart, wide=True)
    return element("div", {"class": "curves beside-legend"}, drawn, legend([arm.name for arm in arms]))


def legend(names: Sequence[str]) -> Markup:
    """A button a series; pressed, it shows this one alone."""
    items = [
        element(
            "li",
            {},
            element(
                "button",
                {"type": "button", "aria-pressed": "false", "data-place": place},
                swatch(place),
                name(text),
            ),
        )
        for place, text in enumerate(names)
    ]
    return element("ul", {"class": "legend", "aria-label": "Legend"}, items)


def _length(epoch: Epoch, task: str) -> float | None:
    return epoch.tasks[task].length if task in epoch.tasks else None


def _loss(epoch: Epoch, task: str) -> float | None:
    return epoch.tasks[task].loss if task in epoch.tasks else None


def _by_task(
    arm: Arm,
    tasks: Sequence[str],
    title: str,
    about: str,
    value: Callable[[Epoch, str], float | None],
    *,
    rule: float | None = None,
    spread: bool = False,
) -> Chart | None:
    """A series a task. value: of a task in an epoch."""
    series = []
    for place, task in enumerate(tasks):
        lines = [_line(history, task, value) for history in arm.histories]
        if any(math.isfinite(y) for line in lines for _, y in line):
            series.append(Series(task, place, mean_points(lines), lines))
    if not series or (value in (weight_of, share_of) and all(_is_constant(one) for one in series)):
        return None
    said = [(at, f"Epoch {at:g}: {_at(series, at)}") for at, _ in _longest(series)]
    return Chart(title, about, "epoch", series, said, rule=rule, spread=spread)


def _line(history: History, task: str, value: Callable[[Epoch, str], float | None]) -> list[Point]:
    return [(epoch.number + 1.0, _number(value(epoch, task))) for epoch in history.epochs]


def _is_constant(one: Series) -> bool:
    return len({round(y, 9) for line in one.seeds for _, y in line if math.isfinite(y)}) == 1


def _dev_loss(arm: Arm) -> Chart | None:
    """The target's dev loss after every epoch, with a stem from where it stood before."""
    after, before = (
        [
            [(epoch.number + 1.0, _number(getattr(epoch, which))) for epoch in history.epochs]
            for history in arm.histories
        ]
        for which in ("after", "before")
    )
    series = [Series("after", 0, mean_points(after), after)]
    earlier = mean_points(before)
    stems = [(at, old, new) for (at, old), (_, new) in zip(earlier, series[0].mean, strict=True)]
    said = [(at, f"Epoch {at:g}: {figure(old)} before, {figure(new)} after") for at, old, new in stems]
    about = "After each epoch; a stem leads from before it: blue fell, orange rose."
    return Chart("Target’s dev loss", about, "epoch", series, said, stems=stems, spread=True)


def _arm_series(arm: Arm, place: int, compute: int, steps: Sequence[float]) -> Series:
    lines, marks, hollow = [], [], []
    for history, seed in zip(arm.histories, arm.seeds, strict=True):
        if not history.epochs:
            continue
        lines.append([(at, _kept(history, at)) for at in steps])
        kept = history.within(compute)
        words = f"{arm.name}, seed {seed}, epoch {kept.number + 1}"
        if math.isfinite(kept.select):
            marks.append((float(kept.gradients), kept.select, f"{words}: dev {figure(kept.select)}"))
        if kept.test is not None and math.isfinite(kept.test):
            hollow.append((float(kept.gradients), kept.test, f"{words}: test {figure(kept.test)}"))
    whole = [line for line in zip(*lines, strict=True) if all(math.isfinite(y) for _, y in line)]
    return Series(arm.name, place, mean_points(list(zip(*whole, strict=True))), (), marks, hollow)


def _kept(history: History, gradients: float) -> float:
    """The deciding measure of the snapshot that would have been kept by then; NaN before the first epoch's end."""
    if history.epochs[0].gradients > gradients:
        return math.nan
    return history.within(math.floor(gradients)).select


def _floor(series: Sequence[Series]) -> float | None:
    """Where the axis begins: the snapshots must be told apart, though training starts far below them."""
    kept = [y for one in series for _, y, _ in (*one.marks, *one.hollow)]
    return min(kept) - 0.75 * (max(kept) - min(kept)) if len(set(kept)) > 1 else None


def _longest(series: Sequence[Series]) -> Sequence[Point]:
    return max((line for one in series for line in one.seeds), key=len)


def _at(series: Sequence[Series], x: float) -> str:
    """Every series by its mean at the last place up to `x`."""
    found = []
    for one in series:
        known = [y for at, y in one.mean if at <= x + 1e-9]
        found.append(f"{one.name} {figure(known[-1] if known else None)}")
    return "; ".join(found)


def _number(value: float | None) -> float:
    return math.nan if value is None else value
