"""Tables whose columns sort by click or keyboard. Without script they are plain tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from forelearn.report.markup import Child, Markup, element, join


@dataclass(frozen=True, slots=True)
class Column:
    """A heading. number: right-aligned, sorts by value with the largest first. note: what it means."""

    title: str
    number: bool = False
    note: str = ""
    extra: Markup | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """What is shown and what it sorts by; a number without `sort` stays at the end in both directions."""

    shown: Child
    sort: float | int | str | None = None
    style: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """The cells, the first of which names the row. below: what stands under it and moves with it."""

    cells: tuple[Cell, ...]
    below: Child = None
    below_id: str = ""
    data: tuple[tuple[str, str], ...] = field(default=())


def sortable(
    identity: str, caption: str, columns: Sequence[Column], rows: Sequence[Row], *, style: str = ""
) -> Markup:
    """The table in a box that scrolls sideways if it must; each row is a body of its own."""
    head = element("tr", {"role": "row"}, [_heading(column) for column in columns])
    bodies = [_body(row, columns) for row in rows]
    table = element(
        "table",
        {"id": identity, "role": "table", "class": f"sortable {style}".strip()},
        element("caption", {"class": "unseen"}, caption),
        element("thead", {"role": "rowgroup"}, head),
        bodies,
    )
    return element("div", {"class": "scroll", "role": "region", "tabindex": 0, "aria-label": caption}, table)


def _heading(column: Column) -> Markup:
    kind = "number" if column.number else "text"
    button = element(
        "button", {"type": "button", "data-kind": kind, "title": column.note or None}, column.title
    )
    return element(
        "th",
        {
            "scope": "col",
            "role": "columnheader",
            "aria-sort": "none",
            "class": "number" if column.number else None,
        },
        join(button, column.extra),
    )


def _body(row: Row, columns: Sequence[Column]) -> Markup:
    cells = []
    for place, (cell, column) in enumerate(zip(row.cells, columns, strict=True)):
        style = " ".join(part for part in ("number" if column.number else "", cell.style) if part)
        attributes: dict[str, object] = {"class": style or None, "data-title": column.title}
        if column.number:
            attributes["data-value"] = "" if cell.sort is None else f"{cell.sort}"
        elif cell.sort is not None:
            attributes["data-value"] = f"{cell.sort}"
        kind: dict[str, object] = {"role": "cell"}
        if place == 0:
            kind = {"scope": "row", "role": "rowheader"}
        cells.append(element("th" if place == 0 else "td", attributes | kind, cell.shown))
    first = element("tr", {"role": "row"}, cells)
    if row.below is None:
        return element("tbody", {"role": "rowgroup", **dict(row.data)}, first)
    inner = element("td", {"role": "cell", "colspan": len(columns)}, row.below)
    hidden: dict[str, object] = {"hidden": True, "id": row.below_id} if row.below_id else {}
    second = element("tr", {"role": "row", "class": "below", **hidden}, inner)
    return element("tbody", {"role": "rowgroup", **dict(row.data)}, first, second)
