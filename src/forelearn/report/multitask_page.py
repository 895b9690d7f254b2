"""The page of multitask training for one target: the answer, the arms, what each task did, the curves, the cost.

One file, own SVG, own style, own scripts, no network. As `page.py` does, it forbids by policy whatever it does not
carry itself.
"""

from __future__ import annotations

from forelearn.report.document import document
from forelearn.report.markup import Markup, element, join, name, names
from forelearn.report.multitask_summary import Comparison, Worth
from forelearn.report.multitask_words import decisive, divided, lead, mean, over_seeds, seeds_words
from forelearn.report.section_arms import arms
from forelearn.report.section_auxiliaries import auxiliaries, events
from forelearn.report.section_curves import compute_curve, curves
from forelearn.report.section_ledger import ledger, made
from forelearn.report.summary import Interval
from forelearn.report.wording import NONE, bounds, capital, count, metric_name, minus, number, of, signed

SECTIONS = (
    ("arms", "Arms"),
    ("auxiliaries", "Auxiliary tasks"),
    ("curves", "Epoch by epoch"),
    ("events", "Events"),
    ("ledger", "Cost"),
    ("method", "How it was made"),
)
STYLES: dict[Worth, str] = {"worth it": "won", "not worth it": "loss", "not enough evidence": "unclear"}

_LONG = 160
"""Letters from which names of auxiliary tasks stand in their table alone, not above it, too."""


def multitask_page(comparison: Comparison) -> str:
    """The page as text, to be written as UTF-8."""
    body = {
        "arms": arms(comparison, compute_curve(comparison)),
        "auxiliaries": auxiliaries(comparison),
        "curves": curves(comparison),
        "events": events(comparison),
        "ledger": ledger(comparison),
        "method": made(comparison),
    }
    links = [element("a", {"href": f"#{key}"}, title) for key, title in SECTIONS if body[key] is not None]
    main = element(
        "main",
        {"id": "main"},
        _top(comparison),
        element("nav", {"aria-label": "Sections"}, links),
        _notes(comparison),
        [body[key] for key, _ in SECTIONS],
    )
    foot = element("footer", {}, "forelearn · ", name(comparison.study), " · ", name(comparison.target))
    return document(
        f"{comparison.target}: multitask training",
        [element("a", {"class": "skip", "href": "#arms"}, "To the arms"), main, foot],
        styles=["style.css", "multitask.css"],
        scripts=["script.js", "multitask.js"],
    )


def _top(comparison: Comparison) -> Markup:
    """The answer, with its numbers."""
    said = len(comparison.auxiliaries) <= 3 or sum(map(len, comparison.auxiliaries)) > _LONG
    verdict, rest = lead(comparison)
    return element(
        "header",
        {},
        element("p", {"class": "mark"}, "forelearn train · ", name(comparison.study)),
        element("h1", {}, name(comparison.target)),
        element("p", {"class": "lead"}, element("b", {"class": STYLES[comparison.worth]}, verdict), rest),
        element("p", {"class": "because"}, capital(minus(comparison.reason))),
        element(
            "p",
            {"class": "quiet"},
            None if said else ["With ", names(comparison.auxiliaries), ". "],
            "How they were chosen: " if comparison.auxiliaries else "",
            comparison.chosen,
        ),
        _facts(comparison),
    )


def _facts(comparison: Comparison) -> Markup:
    method, metric = comparison.method, metric_name(comparison.metric)
    test = mean(method.test)
    spread = over_seeds(method.test, comparison.level)
    against = decisive(comparison)
    among = (
        "no control has an interval" if against is None else f"over {against.arm}, on which the answer rests"
    )
    others = len(comparison.arms) - 1
    return element(
        "dl",
        {"class": "facts"},
        _fact(
            f"test {metric}",
            number(test),
            of(len(method.test), "seed")
            if spread is None
            else f"{number(spread.low)} to {number(spread.high)}, mean over seeds",
        ),
        _fact(
            "lead on select" if divided(comparison) else "lead on dev",
            _mean(None if against is None else against.select),
            _bounds(None if against is None else against.select, among),
        ),
        _fact(
            "the same on test",
            _mean(None if against is None else against.test),
            _bounds(None if against is None else against.test, "reported, decided nothing"),
        ),
        _fact(
            "sample gradients an arm",
            count(comparison.compute),
            f"{of(len(method.seeds), 'seed')}, beside {of(others, 'other arm')}",
        ),
    )


def _fact(term: str, shown: str, below: str) -> Markup:
    return element(
        "div",
        {},
        element("dt", {}, term),
        element("dd", {"class": "figure"}, shown),
        element("dd", {}, below),
    )


def _mean(value: Interval | None) -> str:
    return NONE if value is None else signed(value.mean)


def _bounds(value: Interval | None, word: str) -> str:
    return word if value is None else f"{bounds(value)}, {word}"


def _notes(comparison: Comparison) -> Markup | None:
    """What a reader must know before any figure; None if there is nothing."""
    items: list[Markup | str] = []
    if len(comparison.method.seeds) < 2:
        items.append(seeds_words(comparison))
    for arm in comparison.arms:
        for reason in arm.failed:
            items.append(join(name(arm.name), f": a seed has no run. {reason}"))
    uneven = [arm.name for arm in comparison.arms if set(arm.seeds) != set(comparison.method.seeds)]
    if uneven:
        items.append(
            join(
                "Differences use the seeds that both have run; other seeds than the method: ",
                names(uneven),
                ".",
            )
        )
    if not items:
        return None
    return element(
        "aside",
        {"class": "notes", "aria-label": "Notes"},
        element("h2", {}, "Worth knowing"),
        element("ul", {}, [element("li", {}, item) for item in items]),
    )
