"""What every arm of a multitask comparison has cost, and how each number was made."""

from __future__ import annotations

from collections.abc import Sequence

from forelearn.report.markup import Child, Markup, element, name
from forelearn.report.multitask_summary import Arm, Comparison
from forelearn.report.multitask_words import mean, memory, uneven
from forelearn.report.section_tasks import recipe_words
from forelearn.report.sortable import Cell, Column, Row, sortable
from forelearn.report.wording import NONE, capital, count, duration, metric_name, number
from forelearn.training.multitask.history import History

KINDS = {"train": "Train", "alpha": "α-step"}
"""What sample gradients are spent on, by its name in a ledger; other names stand as they are."""


def ledger(comparison: Comparison) -> Markup | None:
    """Whole runs, not cut at matched compute; None if no run has a ledger."""
    arms = [arm for arm in comparison.arms if arm.histories]
    if not arms:
        return None
    kinds = list(dict.fromkeys(kind for arm in arms for one in arm.histories for kind in one.gradients))
    single = next((arm for arm in arms if arm.method == "single"), None)
    unit = None if single is None else _an_epoch(single)
    columns = [
        Column("Arm"),
        Column("Epochs", number=True),
        *(Column(KINDS.get(kind, kind), number=True, note="sample gradients") for kind in kinds),
        Column("All gradients", number=True),
        Column("An epoch", number=True, note="sample gradients of one epoch"),
        *(
            [Column("× single", number=True, note="an epoch over one of single-task training")]
            if unit
            else ()
        ),
        Column("Predictions", number=True, note="examples read to measure"),
        Column("Time", number=True),
        Column("Peak memory", number=True),
    ]
    rows = []
    for place, arm in enumerate(arms):
        all_of = mean(sum(one.gradients.values()) for one in arm.histories)
        each = _an_epoch(arm)
        seconds = mean(one.seconds for one in arm.histories)
        peak = max(one.peak_bytes for one in arm.histories)
        cells = [
            Cell(name(arm.name), place),
            _count(mean(_epochs(one) for one in arm.histories)),
            *(_count(mean(one.gradients.get(kind, 0) for one in arm.histories)) for kind in kinds),
            _count(all_of),
            _count(each),
            *(
                [Cell(number(each / unit, 2) if each else NONE, each / unit if each else None)]
                if unit
                else ()
            ),
            _count(mean(one.predictions for one in arm.histories)),
            Cell(NONE if seconds is None else duration(seconds), seconds),
            Cell(memory(peak), peak),
        ]
        rows.append(Row(tuple(cells)))
    return element(
        "section",
        {"id": "ledger"},
        element("h2", {}, "What it cost"),
        element(
            "p",
            {"class": "intro"},
            "Whole runs, means over seeds. A sample gradient is one example forward and backward; a prediction is an "
            "example that was only read. Peak memory is of the GPU’s tensors, on a CPU of the whole process.",
            *(f" {line}" for line in uneven(comparison)),
        ),
        sortable("ledger-table", "Compute of every arm", columns, rows, style="together"),
    )


def made(comparison: Comparison) -> Markup:
    """Definitions, recipe, options and runs."""
    return element(
        "section",
        {"id": "method"},
        element("h2", {}, "How each number was made"),
        element("dl", {"class": "definitions"}, [_define(*item) for item in definitions(comparison)]),
        _folded("Options of every arm", _options(comparison.arms)) if comparison.arms else None,
        _folded("Runs", _runs(comparison)),
    )


def definitions(comparison: Comparison) -> list[tuple[str, str]]:
    """(word, meaning) of what stands on the page."""
    level = f"{100 * comparison.level:.0f} %"
    mixes = any(
        task.alpha is not None
        for history in comparison.method.histories
        for epoch in history.epochs
        for task in epoch.tasks.values()
    )
    found = [
        ("Measure", f"{metric_name(comparison.metric)} of {comparison.target}; higher is better."),
        ("Encoder", comparison.encoder),
        ("Recipe, the same for all arms", recipe_words(comparison.recipe) or NONE),
        ("Auxiliary tasks", f"{', '.join(comparison.auxiliaries) or 'none'}. {capital(comparison.chosen)}"),
        ("Snapshot", "the parameters after the epoch with the best measure on the dev examples that decide."),
        (
            "Matched compute",
            f"every arm counts with the best snapshot within {count(comparison.compute)} sample gradients, what the "
            "method spent, measured no more often than the method; later epochs of an arm count for nothing.",
        ),
        (
            "Control",
            "what has to be beaten: the same compute without what an auxiliary task is said to teach.",
        ),
        (
            "Dev − test",
            "dev chooses snapshots (and with some methods weights), so dev flatters; the gap says by how much.",
        ),
        (
            "Interval",
            f"{level}: Student’s t of the mean over seeds; of differences, over the differences of equal seeds.",
        ),
        (
            "Worth it",
            "the interval of the dev difference lies above 0 for every control. Not worth it: it lies below 0 for one "
            "of them, or no mean is above 0. Not enough evidence: anything else, and whenever there is one seed, or "
            "the method failed on one.",
        ),
    ]
    if mixes:
        found += [
            ("δ", "what an epoch on one task alone changes in the parameters; ‖δ‖ is its length."),
            ("α", "how much of a task’s δ is taken, found by descent on the target’s dev loss."),
            (
                "⟨g, δ⟩",
                "derivative of the target’s dev loss by α where all α are 1; above 0 the change hurts the target.",
            ),
        ]
    return found


def _an_epoch(arm: Arm) -> float | None:
    return mean(sum(one.gradients.values()) / _epochs(one) for one in arm.histories if one.epochs)


def _epochs(history: History) -> int:
    """How many it had, measured or not."""
    return history.trained or len(history.epochs)


def _count(value: float | None) -> Cell:
    return Cell(NONE if value is None else count(round(value)), value)


def _options(arms: Sequence[Arm]) -> Markup:
    """A row an option, a column an arm; what differs from the first arm is bold."""
    names = list(dict.fromkeys(key for arm in arms for key, _ in arm.options))
    first = dict(arms[0].options)
    rows = [
        ["method", *(_value(arm.method, arms[0].method) for arm in arms)],
        [
            "auxiliary tasks",
            *(
                _value(", ".join(arm.auxiliaries) or "none", ", ".join(arms[0].auxiliaries) or "none")
                for arm in arms
            ),
        ],
        *([key, *(_value(dict(arm.options).get(key), first.get(key)) for arm in arms)] for key in names),
    ]
    note = element(
        "p",
        {"class": "quiet"},
        "Bold: another value than in the first arm. A dash: the method has no such option.",
    )
    return element("div", {}, note, _plain(["", *(arm.name for arm in arms)], rows))


def _value(value: object, other: object) -> Markup:
    if value is None:
        return element("span", {"class": "quiet"}, NONE)
    shown = name(str(value))
    return shown if other is None or value == other else element("b", {}, shown)


def _runs(comparison: Comparison) -> Markup:
    rows: list[list[Child]] = []
    for arm in comparison.arms:
        for place, (seed, key) in enumerate(zip(arm.seeds, arm.keys, strict=True)):
            kept = (
                arm.histories[place].within(comparison.compute).number + 1
                if arm.histories[place].epochs
                else NONE
            )
            rows.append(
                [name(arm.name), seed, element("code", {}, key), kept,
                 *(number(mean([value[place]])) for value in (arm.select, arm.dev, arm.test))]
            )  # fmt: skip
    if not rows:
        return element("p", {"class": "quiet"}, "Nothing has run.")
    return _plain(["Arm", "Seed", "Key of the run", "Epoch kept", "Select", "Dev", "Test"], rows)


def _plain(titles: Sequence[str], rows: Sequence[Sequence[Child]]) -> Markup:
    head = [element("th", {"scope": "col"}, name(title)) for title in titles]
    body = [
        element(
            "tr", {}, element("th", {"scope": "row"}, row[0]), [element("td", {}, cell) for cell in row[1:]]
        )
        for row in rows
    ]
    return element(
        "table", {"class": "plain"}, element("thead", {}, element("tr", {}, head)), element("tbody", {}, body)
    )


def _define(word: str, meaning: str) -> Markup:
    return element("div", {}, element("dt", {}, word), element("dd", {}, meaning))


def _folded(title: str, body: Child) -> Markup:
    inner = element(
        "div", {"class": "open scroll", "role": "region", "tabindex": 0, "aria-label": title}, body
    )
    return element("details", {}, element("summary", {}, title), inner)
