"""Names of the incident-stream information types: the ontology file, short names and older names.

[code] Label files carry short names (`Factoid`) and older releases carry names that were changed later; both
are mapped to the full names of the 25 types below. A file of a later ontology takes the place of the list.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from forelearn.core.errors import InputError, Problem
from forelearn.tasks.files import decode

TYPES = (
    "Request-GoodsServices",
    "Request-SearchAndRescue",
    "Request-InformationWanted",
    "CallToAction-Volunteer",
    "CallToAction-Donations",
    "CallToAction-MovePeople",
    "Report-FirstPartyObservation",
    "Report-ThirdPartyObservation",
    "Report-Weather",
    "Report-Location",
    "Report-EmergingThreats",
    "Report-NewSubEvent",
    "Report-MultimediaShare",
    "Report-ServiceAvailable",
    "Report-Factoid",
    "Report-Official",
    "Report-News",
    "Report-CleanUp",
    "Report-Hashtags",
    "Report-OriginalEvent",
    "Other-ContextualInformation",
    "Other-Advice",
    "Other-Sentiment",
    "Other-Discussion",
    "Other-Irrelevant",
)

TASK_2 = (
    "Request-GoodsServices",
    "Request-SearchAndRescue",
    "Request-InformationWanted",
    "CallToAction-Volunteer",
    "CallToAction-MovePeople",
    "Report-FirstPartyObservation",
    "Report-Location",
    "Report-EmergingThreats",
    "Report-NewSubEvent",
    "Report-MultimediaShare",
    "Report-ServiceAvailable",
    "Other",
)
"""The twelve tasks of the 2020-A track; `Other` is any of the remaining fourteen types."""

RENAMED = {
    "Other-PastNews": "Other-ContextualInformation",
    "Other-ContinuingNews": "Report-News",
    "Other-KnownAlready": "Report-OriginalEvent",
    "Report-SignificantEventChange": "Report-NewSubEvent",
}
"""Older name → its name today."""


def short(name: str) -> str:
    """`Report-Factoid` → `Factoid`."""
    return name.partition("-")[2] or name


def full_names(types: Sequence[str] = TYPES) -> dict[str, str]:
    """Every spelling of a type (full, short, older full, older short) → its full name today."""
    known = {short(name): name for name in types} | {name: name for name in types}
    for old, new in RENAMED.items():
        known.setdefault(old, new)
        known.setdefault(short(old), new)
    return known


def read_ontology(path: Path, *, file: str) -> tuple[str, ...]:
    """Full names of the types that an ontology file lists under `informationTypes`.

    Entries may be texts, objects with an `id` (or `name`), or one object keyed by name; else InputError.
    """
    text, problems = decode(path, file=file, encoding="utf-8")
    if problems:
        raise InputError(problems)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            Problem(file, f"The ontology is not JSON: {error}.", "Download it again.")
        ) from error
    entries = value.get("informationTypes", ()) if isinstance(value, Mapping) else value
    names = [
        name
        for entry in entries
        if isinstance(
            name := entry.get("id", entry.get("name")) if isinstance(entry, Mapping) else entry, str
        )
    ]
    if not names:
        raise InputError(
            Problem(file, "The ontology lists no `informationTypes`.", "Name the file of information types.")
        )
    return tuple(dict.fromkeys(names))
