"""Tables of figures with intervals: the figure in front, its interval small below it."""

from __future__ import annotations

from collections.abc import Sequence

from forelearn.report.markup import Markup, element


def figure_table(caption: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    """Cells like `5.4 (3.6 to 7.4)` stand in two lines; the first cell of a row names it."""
    head = element("tr", {}, [element("th", {"scope": "col"}, title) for title in titles])
    body = [
        element(
            "tr",
            {},
            element("th", {"scope": "row", "style": _whole(row[0])}, row[0]),
            [_cell(text) for text in row[1:]],
        )
        for row in rows
    ]
    table = element(
        "table",
        {"class": "plain small"},
        element("caption", {}, caption),
        element("thead", {}, head),
        element("tbody", {}, body),
    )
    return element("div", {"class": "scroll", "role": "region", "tabindex": 0, "aria-label": caption}, table)


def _cell(text: str) -> Markup:
    front, bracket, rest = text.partition(" (")
    if not bracket or " to " not in rest:
        return element("td", {"class": "number" if _is_number(text) else None, "style": _whole(text)}, text)
    return element(
        "td", {"class": "number"}, front, element("span", {"class": "quiet block"}, rest.rstrip(")"))
    )


def _whole(text: str) -> str | None:
    """Short texts are not broken."""
    return "white-space:nowrap" if len(text) < 24 else None


def _is_number(text: str) -> bool:
    return text in ("–", "") or text[0].isdigit() or text[0] in "+−"
