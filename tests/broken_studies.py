"""Broken studies, each written into an empty folder: one thing is wrong with each.

`BROKEN[name](folder)` writes the files and returns the study's path; `EXPECTED[name]` is (where, what): a
part of the place and a part of the sentence that the one error must contain.
"""

from tests.broken import formats, kinds, labels, study_files, tables
from tests.broken.base import BROKEN, EXPECTED, GOOD, good

THEMES = (study_files, tables, formats, kinds, labels)
"""Modules that fill `BROKEN`, a theme each."""

__all__ = ["BROKEN", "EXPECTED", "GOOD", "THEMES", "good"]
