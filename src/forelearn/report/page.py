"""One self-contained page: own SVG, own style, own script, no network.

The page forbids by policy whatever it does not carry itself: only its one script, known by its hash, may run,
so that text from data could do nothing even if it were not escaped.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import NamedTemporaryFile

from forelearn.report.document import document
from forelearn.report.markup import element, name
from forelearn.report.section_answers import answers, notes, top
from forelearn.report.section_controls import controls
from forelearn.report.section_gains import cost, gains
from forelearn.report.section_method import method
from forelearn.report.section_pairs import pairs
from forelearn.report.section_tasks import failures, tasks
from forelearn.report.summary import Summary

SECTIONS = (
    ("answers", "Answers"),
    ("gains", "Gains"),
    ("controls", "Controls"),
    ("cost", "Cost"),
    ("pairs", "Pairs"),
    ("tasks", "Tasks"),
    ("failures", "Failures"),
    ("method", "How it was made"),
)


def page(summary: Summary) -> str:
    """The page as text, to be written as UTF-8."""
    body = {
        "answers": answers(summary),
        "gains": gains(summary),
        "controls": controls(summary),
        "cost": cost(summary),
        "pairs": pairs(summary),
        "tasks": tasks(summary),
        "failures": failures(summary),
        "method": method(summary),
    }
    links = [element("a", {"href": f"#{key}"}, title) for key, title in SECTIONS if body[key] is not None]
    main = element(
        "main",
        {"id": "main"},
        top(summary),
        element("nav", {"aria-label": "Sections"}, links),
        body["answers"],
        notes(summary),
        [body[key] for key, _ in SECTIONS[1:]],
    )
    foot = element(
        "footer", {}, "forelearn ", summary.version, " · ", name(summary.study), " · ", summary.made
    )
    return document(
        summary.study,
        [element("a", {"class": "skip", "href": "#answers"}, "To the answers"), main, foot],
        styles=["style.css"],
        scripts=["script.js"],
        extra=[
            element("meta", {"name": "generator", "content": f"forelearn {summary.version}"}),
            element("noscript", {}, element("style", {}, "tr.below[hidden] { display: table-row; }")),
        ],
    )


def write_page(summary: Summary, path: Path) -> Path:
    """Write the page beside `path`, then rename it into place; returns `path`."""
    text = page(summary)
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(
        "w", encoding="utf-8", newline="\n", dir=path.parent, suffix=".part", delete=False
    ) as part:
        part.write(text)
    beside = Path(part.name)
    beside.chmod(0o644)
    return beside.replace(path)
