"""How a target is trained together with auxiliary tasks: a method by its name, with every option that it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Scalar = str | float | int | bool


@dataclass(frozen=True, slots=True)
class Multitask:
    """A method of multitask training.

    options: (name, value) of every option of the method, defaults among them, sorted by name: a key says all of
    them. `training.multitask.methods.multitask` makes it.
    """

    method: str
    options: tuple[tuple[str, Scalar], ...] = ()

    def option(self, name: str) -> Scalar:
        """The value of an option. Raises KeyError for one that is not among `options`."""
        return dict(self.options)[name]

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Multitask:
        """The value whose plain form is `value`."""
        return Multitask(value["method"], tuple((name, option) for name, option in value["options"]))
