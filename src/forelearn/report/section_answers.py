"""First on the page: what to learn before each target, how sure that is, why, and what more would buy."""

from __future__ import annotations

from forelearn.report.forest import forest_axis, forest_row, forest_scale
from forelearn.report.heatmap import anchor, axes
from forelearn.report.kinds import measured_by, own_metrics
from forelearn.report.markup import Child, Markup, element, join, name, names
from forelearn.report.sortable import Cell, Column, Row, sortable
from forelearn.report.summary import Answer, Summary
from forelearn.report.wording import (
    DECISIONS,
    NONE,
    TOGETHER,
    because,
    bounds,
    count,
    duration,
    headline,
    learned,
    minus,
    number,
    of,
    several_trained,
    share,
    signed,
    spent_share,
    taking,
    with_bounds,
)

ORDER = ("transfer", "tied", "not enough evidence", "do not transfer")


def top(summary: Summary) -> Markup:
    """Title, the answer of the study in a sentence, and four facts."""
    encoder = summary.encoder
    line = (
        f"{of(len(summary.tasks), 'task')} · encoder {encoder.name} ({of(encoder.layers, 'layer')}, "
        f"{encoder.parameters / 1e6:.1f} M parameters) · {measured_by(summary)} · "
        f"budget {summary.budget}"
    )
    return element(
        "header",
        {},
        element("p", {"class": "mark"}, "forelearn"),
        element("h1", {}, name(summary.study)),
        element("p", {"class": "lead"}, headline(summary)),
        element("p", {"class": "quiet"}, line),
        element("dl", {"class": "facts"}, [_fact(*fact) for fact in facts(summary)]),
    )


def facts(summary: Summary) -> list[tuple[str, str, str]]:
    """(what, figure, remark) of the four things that a reader wants first."""
    amounts = [sum(answer.decision == decision for answer in summary.answers) for decision in ORDER]
    helped = [a for a in summary.answers if a.decision in ("transfer", "tied") and a.gain is not None]
    mean = sum(a.gain.mean for a in helped if a.gain is not None) / len(helped) if helped else None
    pairs = [pair for pair in summary.pairs if pair.is_single]
    tried = sum(pair.status == "run" for pair in pairs)
    failed = of(len(summary.failures), "failure")
    seconds = sum(row.seconds for row in summary.costs)
    whole = spent_share(summary, everything=True)
    others = [
        f"{amount}\u00a0{words}"
        for amount, words in zip(amounts[1:], ("tied", "not enough evidence", "do not transfer"))
        if amount
    ]
    return [
        (
            "One source advised",
            f"{amounts[0]} of {len(summary.answers)}",
            ", ".join(others) or "no other answers",
        ),
        (
            "Mean gain there",
            signed(mean),
            f"on test, {measured_by(summary)}, where a transfer is advised",
        ),
        (
            "Pairs trained",
            f"{count(tried)} of {count(len(pairs))}",
            "; ".join([*several_trained(summary), failed]),
        ),
        (
            "Cost, all included",
            duration(seconds),
            "share of trying everything unknown" if whole is None else f"{share(whole)} of trying everything",
        ),
    ]


def notes(summary: Summary) -> Markup | None:
    """Warnings and fallbacks, and the tasks that were set aside as sources."""
    if not summary.notes and not summary.set_aside:
        return None
    items: list[Child] = list(summary.notes)
    items += [
        join(element("b", {}, name(task)), " is no source: ", why) for task, why in summary.set_aside.items()
    ]
    return element(
        "aside",
        {"class": "notes", "aria-label": "Notes"},
        element("h2", {}, "Worth knowing"),
        element("ul", {}, [element("li", {}, item) for item in items]),
    )


def answers(summary: Summary) -> Markup:
    """The table of answers."""
    scale = forest_scale(summary.answers)
    columns = (
        Column("Target"),
        Column("Learn first", note="sorts by decision"),
        Column("Gain on fresh seeds", number=True, extra=forest_axis(scale)),
        Column("Gain", number=True),
        Column("Test", number=True, note="mean over seeds, without and with the source"),
    )
    rows = []
    metrics = own_metrics(summary)
    ordered = sorted(
        summary.answers,
        key=lambda answer: (ORDER.index(answer.decision), -(answer.gain.mean if answer.gain else -1.0)),
    )
    for answer in ordered:
        gain = None if answer.gain is None else answer.gain.mean
        cells = (
            Cell(name(answer.target), style="target"),
            Cell(_advice(answer), ORDER.index(answer.decision), style="advice"),
            Cell(forest_row(answer, scale), gain, style="plot"),
            Cell(_gain(answer), gain, style="gain"),
            Cell(_test(answer, metrics.get(answer.target)), answer.performance, style="test"),
        )
        rows.append(Row(cells, below=_why(answer, summary)))
    return element(
        "section",
        {"id": "answers"},
        element("h2", {}, "What to learn first"),
        element("p", {"class": "intro"}, _measured(summary)),
        element(
            "p",
            {"class": "keys", "aria-hidden": "true"},
            element(
                "span",
                {"class": "key"},
                element("i", {"class": "dot above"}),
                "gain, the interval lies above 0",
            ),
            element("span", {"class": "key"}, element("i", {"class": "dot unsure"}), "it holds 0"),
            element("span", {"class": "key"}, element("i", {"class": "dot below"}), "it lies below 0"),
            element(
                "span", {"class": "key"}, element("i", {"class": "diamond"}), "predicted before training"
            ),
        ),
        sortable("answers-table", "What to learn first, for each target", columns, rows, style="answers"),
    )


def _measured(summary: Summary) -> str:
    seeds = sorted({answer.n_seeds for answer in summary.answers if answer.n_seeds})
    if not seeds:
        return "No gain has been confirmed on fresh seeds; what is drawn was predicted before training."
    amount = of(seeds[0], "fresh seed") if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]} fresh seeds"
    return (
        f"Decided on dev. The gain shown is measured on test, with {amount} that chose nothing, against the "
        f"target’s own baseline; lines are {100 * summary.level:.0f} % intervals."
        + (
            " Gains of targets with different metrics share an axis, not a unit."
            if own_metrics(summary)
            else ""
        )
    )


def _fact(what: str, figure: str, remark: str) -> Markup:
    return element(
        "div",
        {},
        element("dt", {}, what),
        element("dd", {"class": "figure"}, figure),
        element("dd", {}, remark),
    )


def _advice(answer: Answer) -> Markup:
    kind = answer.decision.replace(" ", "-")
    badge = element("span", {"class": f"badge {kind}"}, DECISIONS[answer.decision])
    if answer.decision in ("transfer", "tied"):
        joined = names(map(learned, answer.sources))
        how = element("span", {"class": "quiet block"}, TOGETHER) if answer.mode == "multitask" else None
        return join(badge, element("span", {"class": "sources"}, joined, how))
    if answer.sources:
        return join(
            badge,
            element("span", {"class": "sources quiet"}, "best tried: ", names(map(learned, answer.sources))),
        )
    return join(badge)


def _gain(answer: Answer) -> Markup:
    if answer.gain is None:
        shown: Child = NONE
    else:
        shown = [
            element("b", {}, signed(answer.gain.mean)),
            element("span", {"class": "quiet block"}, bounds(answer.gain)),
        ]
    predicted = None if answer.predicted is None else f"predicted {signed(answer.predicted.mean)}"
    return join(shown, element("span", {"class": "quiet block"}, predicted))


def _test(answer: Answer, metric: str | None) -> Markup:
    below = element("span", {"class": "quiet block"}, metric) if metric else None
    if answer.performance is None:
        return join(element("span", {"class": "quiet"}, number(answer.baseline)), below)
    return join(
        element("span", {"class": "quiet"}, number(answer.baseline), " → "),
        element("b", {}, number(answer.performance)),
        below,
    )


def _why(answer: Answer, summary: Summary) -> Markup:
    sources, targets = axes(summary)
    said = f"{minus(answer.more)} {taking(answer.further)}".strip()
    more = element("span", {"class": "quiet"}, " ", said) if said else None
    parts: list[Child] = [element("p", {"class": "why"}, because(answer), more)]
    inner: list[Child] = []
    if answer.terms:
        inner.append(_terms(answer))
    facts: list[Markup] = []
    if answer.predicted is not None:
        facts.append(_pair("Predicted gain", with_bounds(answer.predicted)))
    if answer.dev_gain is not None:
        facts.append(_pair("Gain on dev, which decided", with_bounds(answer.dev_gain)))
    if answer.rival_gain is not None:
        facts.append(
            _pair(
                "Its rival on the same seeds",
                [name(learned(answer.rival)), ": ", with_bounds(answer.rival_gain)],
            )
        )
    elif answer.rival:
        facts.append(_pair("Its rival", name(learned(answer.rival))))
    if answer.negative:
        facts.append(_pair("Makes it worse", names(answer.negative)))
    if answer.runs:
        facts.append(_pair("Spent on this target", f"{of(answer.runs, 'run')}, {duration(answer.seconds)}"))
    links = [
        element(
            "a", {"href": f"#{anchor(sources.index(source), targets.index(answer.target))}"}, name(source)
        )
        for source in answer.sources
        if source in sources and answer.target in targets
    ]
    if links:
        facts.append(_pair("Details of the pair", [[link, " "] for link in links]))
    if answer.weights_key is not None:
        facts.append(_pair("Trained weights", element("code", {}, answer.weights_key)))
    if answer.export_hint:
        facts.append(_pair("Take it out", element("code", {}, answer.export_hint)))
    inner.append(element("dl", {"class": "list"}, facts))
    title = "Evidence and cost" if not answer.terms else "Evidence, shared terms and cost"
    parts.append(
        element(
            "details",
            {},
            element("summary", {}, title, element("span", {"class": "unseen"}, " for ", answer.target)),
            element("div", {"class": "open"}, inner),
        )
    )
    return join(parts)


def _terms(answer: Answer) -> Markup:
    head = [
        element("th", {"scope": "col"}, text) for text in ("Shared term", "Documents", "Source", "Target")
    ]
    rows = [
        element(
            "tr",
            {},
            element("th", {"scope": "row"}, name(term.word)),
            element("td", {"class": "number"}, count(term.documents)),
            element("td", {"class": "number"}, signed(term.score_source, 2)),
            element("td", {"class": "number"}, signed(term.score_target, 2)),
        )
        for term in answer.terms[:12]
    ]
    caption = element("caption", {}, "Words active in both single-task models, with their mean conductance")
    return element("table", {"class": "small"}, caption, element("thead", {}, element("tr", {}, head)),
                   element("tbody", {}, rows))  # fmt: skip


def _pair(what: str, shown: Child) -> Markup:
    return element("div", {}, element("dt", {}, what), element("dd", {}, shown))
