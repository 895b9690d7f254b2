"""How each number was made: the definitions in words, every run's key, the settings and the environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from forelearn.core.task import Kind
from forelearn.report.kinds import definition
from forelearn.report.markup import Child, Markup, element, name
from forelearn.report.section_tasks import recipe_words
from forelearn.report.summary import Summary
from forelearn.report.wording import capital, metric_name

_SHARED_TERMS = (
    (
        "Conductance",
        "how much of the log-odds of a label, against an empty text, flows through a word: of the positive "
        "label of a binary task, of the predicted label of three or more. Mean over the encoder’s layers, each "
        "scaled to length 1 over the document. From −1 to 1.",
    ),
    (
        "Shared active terms (ANSAT)",
        "how many words a document (of a binary target: a positive one) have a conductance at or above the "
        "threshold in both single-task models. A word that is active in both says what the tasks share; it does "
        "not prove that transfer helps.",
    ),
)
"""Of classifiers of texts alone; a page without them does not define them."""


def method(summary: Summary) -> Markup:
    """The last section."""
    return element(
        "section",
        {"id": "method"},
        element("h2", {}, "How each number was made"),
        element("dl", {"class": "definitions"}, [_define(*item) for item in definitions(summary)]),
        _folded("Runs behind the baselines", _baseline_keys(summary)),
        _folded("Settings of the study", _table(summary.settings)),
        _folded("Environment", _table(summary.environment)),
        _folded("Identity of encoder and tasks", _table(_identities(summary))),
    )


def definitions(summary: Summary) -> list[tuple[str, str]]:
    """(word, meaning) of every figure on the page."""
    level = f"{100 * summary.level:.0f} %"
    return [
        *_performance(summary),
        ("Baseline", "encoder → target, averaged over the seeds of the target’s dev-best recipe."),
        (
            "Transfer",
            "encoder → source → target: learn the source, keep the encoder, add a new head, learn the "
            "target.",
        ),
        *_joint(summary),
        ("Gain", "performance of the transfer minus the seed-averaged baseline. Below 0: negative transfer."),
        ("Dev and test", "everything is decided on dev and reported on test. Test labels choose nothing."),
        (
            "Predicted gain",
            f"what the predictor said before the pair was trained, with its {level} interval.",
        ),
        (
            "Gain on fresh seeds",
            f"the pick trained again with seeds that chose nothing, with its {level} interval; the gain by "
            "which a source was picked is partly luck and is not reported as the answer.",
        ),
        (
            "Transfer, tied, not enough evidence, do not transfer",
            "decided on dev: the interval of the gain on fresh seeds lies above 0; several sources help and "
            "cannot be told apart; the interval holds 0 and the data do not settle it; no tried source "
            "helps.",
        ),
        ("Prior", "a guess from features that cost nothing; it orders the first pairs. Higher is better."),
        *(_SHARED_TERMS if any(pair.ansat is not None for pair in summary.pairs) else ()),
        (
            "Cost units",
            "tokens × epochs × layers: the same on every machine. Time is measured beside it; it decides "
            "nothing but a budget that is given in time.",
        ),
        (
            "Trying everything",
            "baselines and all pairs, times recipes, times seeds; features are not part of it. Estimated, "
            "not run, unless the search was exhaustive.",
        ),
    ]  # fmt: skip


def _joint(summary: Summary) -> list[tuple[str, str]]:
    """What it is to learn a target together with auxiliary tasks, where that was tried."""
    if not any(pair.mode == "multitask" for pair in summary.pairs):
        return []
    meant = (
        "the encoder learns the target and auxiliary tasks at once, by the method in brackets; the snapshot that is "
        "best on the target’s dev is kept. `alone` is the same method with the target alone."
    )
    return [("Together with the target", meant)]


def _performance(summary: Summary) -> list[tuple[str, str]]:
    """What performance is, and the deciding metric of every task, each defined once."""
    kinds: dict[str, list[Kind]] = {}
    for task in summary.tasks:
        kinds.setdefault(task.metric, []).append(task.kind)
    pooled = "Higher is better; groups are pooled."
    if len(kinds) < 2:
        metric, measured = next(iter(kinds.items()), (summary.metric, []))
        return [("Performance", f"{metric_name(metric)}: {definition(metric, measured)} {pooled}")]
    own = f"every task is measured by its own metric, and a gain is in that of its target. {pooled}"
    metrics = [(capital(metric_name(metric)), definition(metric, of)) for metric, of in kinds.items()]
    return [("Performance", own), *metrics]


def flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(dotted name, value as text) of every leaf."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from flat(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
        for row, item in enumerate(value, start=1):
            yield from flat(item, f"{path} {row}")
    elif isinstance(value, list | tuple):
        yield path, ", ".join(map(str, value))
    else:
        yield path, "not set" if value is None else str(value)


def _identities(summary: Summary) -> dict[str, str]:
    encoder = {f"encoder {summary.encoder.name}": summary.encoder.digest}
    return encoder | {f"task {task.name}": task.digest for task in summary.tasks}


def _define(word: str, meaning: str) -> Markup:
    return element("div", {}, element("dt", {}, word), element("dd", {}, meaning))


def _folded(title: str, body: Child) -> Markup:
    return element(
        "details", {}, element("summary", {}, title), element("div", {"class": "open scroll"}, body)
    )


def _table(values: Mapping[str, Any]) -> Markup:
    rows = [
        element("tr", {}, element("th", {"scope": "row"}, name(key)), element("td", {}, name(shown)))
        for key, shown in flat(values)
    ]
    if not rows:
        return element("p", {"class": "quiet"}, "Nothing was recorded.")
    return element("table", {"class": "plain"}, element("tbody", {}, rows))


def _baseline_keys(summary: Summary) -> Markup:
    rows = []
    for row in summary.baselines:
        runs = [
            [element("code", {}, key), f" seed {seed}", element("br")]
            for key, seed in zip(row.keys, row.seeds)
        ]
        cells = [element("td", {}, recipe_words(row.recipe)), element("td", {}, runs)]
        rows.append(element("tr", {}, element("th", {"scope": "row"}, name(row.task)), cells))
    head = [element("th", {"scope": "col"}, title) for title in ("Task", "Dev-best recipe", "Runs")]
    return element("table", {"class": "plain"}, element("thead", {}, element("tr", {}, head)),
                   element("tbody", {}, rows))  # fmt: skip
