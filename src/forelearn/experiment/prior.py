"""What gains are believed to be before anything of a study has run: a prior with a version, which a user can replace.

The shipped prior (`prior.json`) was fitted on the finished runs of this project's own studies alone (`forelearn
prior`), and says on which, how many, and how well it predicted targets that were left out. A study's own runs take
over from it as they arrive: it is the start of the gain model (`estimators/gain_model.py`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from forelearn.core.errors import InputError, Problem
from forelearn.estimators.gain_model import Prior, Variances
from forelearn.experiment.section import Section

FILE = "prior.json"


class _Variances(Section):
    source: float = Field(gt=0)
    target: float = Field(gt=0)
    pair: float = Field(gt=0)
    noise: float = Field(gt=0)
    score: float = Field(gt=0)


class _File(Section):
    """The file. measured: how it predicted targets that were left out, for people; nothing is computed from it."""

    version: int = Field(ge=1)
    studies: tuple[str, ...] = Field(min_length=1)
    runs: int = Field(ge=1)
    level: float
    scale: float = Field(gt=0)
    slope: float
    variances: _Variances
    measured: dict[str, float] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ShippedPrior:
    """A prior and where it comes from. says: for a sentence ("prior 1, fitted on …")."""

    prior: Prior
    version: int
    says: str


def read_prior(path: Path | None = None) -> ShippedPrior:
    """The prior in a file; None is the shipped one. Raises InputError that names file and field."""
    where = str(path) if path is not None else FILE
    fix = "Make one from finished studies with `forelearn prior STUDY… -o FILE`, or leave it out."
    try:
        text = (
            files("forelearn.experiment").joinpath(FILE).read_text("utf-8")
            if path is None
            else path.read_text("utf-8")
        )
        value: Any = json.loads(text)
        read = _File.model_validate_json(json.dumps(value))
    except OSError as error:
        raise InputError(Problem(where, f"cannot be read: {error.strerror}.", fix)) from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(Problem(f"{where}, {field}", f"{first['msg']}.", fix)) from error
    except ValueError as error:
        raise InputError(Problem(where, f"is not JSON: {error}.", fix)) from error
    prior = Prior(read.level, read.scale, read.slope, Variances(**read.variances.model_dump()))
    name = f"prior {read.version}" if path is None else f"prior {read.version} of {path.name}"
    says = f"{name}, fitted on {read.runs} runs of {', '.join(read.studies)}"
    left_out = "other_studies" if "other_studies.brier.mean" in read.measured else "alone"
    brier, base = (read.measured.get(f"{left_out}.{figure}.mean") for figure in ("brier", "base_brier"))
    if brier is not None and base is not None and brier >= base:
        says += " (there its chances were no better than the base rate)"
    return ShippedPrior(prior, read.version, says)
