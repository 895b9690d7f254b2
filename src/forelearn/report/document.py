"""A page of its own: style and scripts inside, and a policy that forbids whatever it does not carry itself."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files

from forelearn.report.markup import Markup, element, join


def document(
    title: str,
    body: Sequence[Markup],
    *,
    styles: Sequence[str],
    scripts: Sequence[str] = (),
    extra: Sequence[Markup] = (),
) -> str:
    """The page as text, to be written as UTF-8.

    styles, scripts: files of this package, joined in this order; without scripts none may run. extra: more of the
    head, behind the style.
    """
    style, script = (_joined(names) for names in (styles, scripts))
    known = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    may_run = f"script-src 'sha256-{known}'; " if scripts else ""
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; {may_run}img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
    head = element(
        "head",
        {},
        element("meta", {"charset": "utf-8"}),
        element("meta", {"http-equiv": "Content-Security-Policy", "content": policy}),
        element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("meta", {"name": "color-scheme", "content": "light dark"}),
        element("link", {"rel": "icon", "href": "data:,"}),
        element("title", {}, f"{title} · forelearn"),
        element("style", {}, Markup(style)),
        *extra,
    )
    whole = join(*body, element("script", {}, Markup(script)) if scripts else None)
    return f"<!doctype html>\n{element('html', {'lang': 'en'}, head, element('body', {}, whole))}\n"


def _joined(names: Sequence[str]) -> str:
    return "".join((files("forelearn.report") / name).read_text(encoding="utf-8") for name in names)
