"""Plain values (from JSON) back into frozen dataclasses, guided by the fields' types.

Covered: dataclasses, `tuple[X, ...]`, `Mapping[str, X]`, `X | None`, `Literal`, str, int, float, bool, Any.
Not covered: other unions, classes that are not dataclasses.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from forelearn.core.errors import InputError, Problem, did_you_mean

T = TypeVar("T")

NULL = "null"
"""Key in a field's metadata: the number that `plain` wrote as null."""


def read(kind: type[T], value: Any, *, where: str) -> T:
    """The dataclass `kind` that `plain` turned into `value`.

    where: what a message calls the outermost value. Raises InputError, naming the place inside it.
    """
    result: T = _read(kind, value, where)
    return result


def _read(kind: Any, value: Any, where: str) -> Any:
    if kind is Any:
        return value
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        (other,) = (part for part in get_args(kind) if part is not type(None))
        return None if value is None else _read(other, value, where)
    if origin is Literal:
        if value not in get_args(kind):
            raise _refused(where, value, f"one of {', '.join(map(repr, get_args(kind)))}")
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise _refused(where, value, "a list")
        return tuple(_read(get_args(kind)[0], item, f"{where}[{row}]") for row, item in enumerate(value))
    if origin is Mapping:
        if not isinstance(value, Mapping):
            raise _refused(where, value, "an object")
        return {str(key): _read(get_args(kind)[1], item, f"{where}.{key}") for key, item in value.items()}
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, value, where)
    return _scalar(kind, value, where)


def _dataclass(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise _refused(where, value, "an object")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for name in value:
        if name not in fields:
            raise InputError(
                Problem(where, f"`{name}` is not a field of {kind.__name__}.", did_you_mean(name, fields))
            )
    types_of = get_type_hints(kind)
    found = {}
    for name, field in fields.items():
        if name in value:
            endless = field.metadata.get(NULL)
            given = value[name] if value[name] is not None or endless is None else endless
            found[name] = _read(types_of[name], given, f"{where}.{name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise InputError(
                Problem(where, f"`{name}` is missing.", "Make the summary again with `forelearn report`.")
            )
    return kind(**found)


def _scalar(kind: Any, value: Any, where: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise _refused(
            where, value, {str: "a text", int: "a whole number", float: "a number"}.get(kind, str(kind))
        )
    return value


def _refused(where: str, value: Any, rule: str) -> InputError:
    shown = repr(value)
    return InputError(
        Problem(
            where,
            f"must be {rule}, got {shown if len(shown) <= 60 else shown[:57] + '…'}.",
            "Make the summary again with `forelearn report`.",
        )
    )
