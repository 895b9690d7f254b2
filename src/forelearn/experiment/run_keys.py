"""Keys of runs as people type them: whole, or a beginning that no other run has."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from forelearn.core.errors import InputError, Problem

SHORTEST = 4
"""Characters of a beginning, at least."""


def full_key(given: str, known: Collection[str], *, also: str = "") -> str:
    """The key of the one run that `given` begins. InputError if there is none, or several.

    known: keys of runs. also: what else may be said in place of a key, as a sentence.
    """
    if given in known:
        return given
    begun = sorted(key for key in known if key.startswith(given)) if len(given) >= SHORTEST else []
    if len(begun) == 1:
        return begun[0]
    if begun:
        raise InputError(Problem(f"run `{given}`", f"begins {len(begun)} keys.", "Write more of it."))
    near = difflib.get_close_matches(given, sorted(known), n=1)
    if near:
        fix = f"Did you mean `{near[0]}`?"
    elif known:
        fix = f"Pages, `train` and `--json` show the keys of {len(known)} runs; a beginning will do."
        fix += f" {also}" if also else ""
    else:
        fix = "Nothing has run yet: forelearn run STUDY."
    raise InputError(Problem(f"run `{given}`", "is not in the store.", fix))
