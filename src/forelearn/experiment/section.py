"""What the sections of a study file are made of: strict frozen values, lists, lists of distinct values."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """A section of the study file: no further keys, no silent conversion, no change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def as_tuple(value: Any) -> Any:
    """A list as it is, one value as a list of it."""
    return value if isinstance(value, tuple) else (value,)


def distinct(value: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values, none of which may stand twice."""
    if len(set(value)) < len(value):
        raise PydanticCustomError("repeated", "A value stands twice.", {"fix": "Write each value once."})
    return value


Count = Annotated[int, Field(ge=1)]
Names = Annotated[tuple[str, ...], BeforeValidator(as_tuple), AfterValidator(distinct)]
Paths = Annotated[tuple[str, ...], BeforeValidator(as_tuple), Field(min_length=1)]


T = TypeVar("T")
Grid = Annotated[tuple[T, ...], BeforeValidator(as_tuple), Field(min_length=1), AfterValidator(distinct)]
"""One value or a list of distinct values."""
