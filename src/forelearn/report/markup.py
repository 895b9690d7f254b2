"""HTML and SVG that are escaped by construction: text becomes markup in one place only.

Not covered: raw text elements (`style`, `script`), which `page.py` fills with the package's own files alone.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping

VOID = frozenset({"br", "col", "input", "link", "meta"})
CONTROLS = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(127, 160)), "\ufffd")


class Markup(str):
    """Text that is markup already. Only this module and the package's own files make any."""

    __slots__ = ()


Child = str | int | None | Iterable["Child"]
Attributes = Mapping[str, object]
"""Name → value; whatever it is, it is shown as escaped text."""


def visible(text: str) -> str:
    """`text` for one line of a terminal: no control character, line break or lone surrogate is left."""
    return _whole(text).replace("\n", " ").replace("\r", " ").replace("\t", " ")


def escaped(text: str) -> Markup:
    """`text` with nothing left that a browser could take for markup; control characters become U+FFFD."""
    return Markup(html.escape(_whole(text), quote=True))


def join(*children: Child) -> Markup:
    """The children one after the other; None is nothing, text is escaped."""
    parts: list[str] = []
    for child in children:
        if isinstance(child, Markup):
            parts.append(child)
        elif isinstance(child, str | int):
            parts.append(escaped(str(child)))
        elif child is not None:
            parts.append(join(*child))
    return Markup("".join(parts))


def element(name: str, attributes: Attributes | None = None, *children: Child) -> Markup:
    """`<name …>children</name>`; an attribute that is None or False is left out, True stands alone."""
    shown = "".join(
        f" {key}" if value is True else f' {key}="{escaped(_plain(value))}"'
        for key, value in (attributes or {}).items()
        if value is not None and value is not False
    )
    if name in VOID:
        return Markup(f"<{name}{shown}>")
    return Markup(f"<{name}{shown}>{join(*children)}</{name}>")


def name(text: str) -> Markup:
    """A name that comes from data, kept apart from the writing direction around it."""
    return element("bdi", {}, text)


def names(texts: Iterable[str]) -> Markup:
    """Several names with commas."""
    shown = [name(text) for text in texts]
    return Markup(", ".join(shown))


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8").translate(CONTROLS)


def _plain(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
