"""The options of a method as a frozen value: those that every method has, how they are read, and their rules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Literal, TypeVar, get_args, get_type_hints

from forelearn.core.errors import InputError, Problem, did_you_mean
from forelearn.core.multitask import Scalar

O = TypeVar("O", bound="Options")  # noqa: E741


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What every method can be told.

    share: of a task's training examples that an epoch takes, drawn anew for each, in (0, 1].
    optimiser: `adamw`, or `sgd` with `momentum`; rate, decay and clipping are the recipe's. epsilon: AdamW's.
    schedule: `constant`, or `linear`: the recipe's warm-up, then down to 0 at the end.
    dropout: whether the encoder's dropout is on in training.
    compute: sample gradients (one example, forward and backward) that training takes at most, in as many epochs as they
    pay for; the recipe's epochs are then how often the target is measured. 0: no limit, there are the recipe's epochs.
    select: share of the target's dev examples that choose the snapshot and are kept from everything else (α,
    weights); 0: all of dev does both.
    head: `auto`, every task's is its `Auto…` class's own; `two-layer`, those of binary and multiclass tasks of text are
    the first token's last state → 256 → ReLU → C (`models.two_layer`), as in αVIL's paper: forelearn alone loads them.
    """

    share: float = 1.0
    optimiser: Literal["adamw", "sgd"] = "adamw"
    momentum: float = 0.9
    epsilon: float = 1e-8
    schedule: Literal["constant", "linear"] = "constant"
    dropout: bool = True
    compute: int = 0
    select: float = 0.0
    head: Literal["auto", "two-layer"] = "auto"

    def __post_init__(self) -> None:
        self.check()

    def check(self) -> None:
        """Raise InputError for a value that is out of range."""
        self.require("share", 0 < self.share <= 1, "must lie in (0, 1]")
        self.require("momentum", 0 <= self.momentum < 1, "must lie in [0, 1)")
        self.require("epsilon", self.epsilon > 0, "must be above 0")
        self.require("compute", self.compute >= 0, "must be 0 (no limit) or more")
        self.require("select", 0 <= self.select < 1, "must lie in [0, 1)")

    def require(self, name: str, holds: bool, rule: str) -> None:
        """Raise InputError unless `holds`."""
        if not holds:
            raise InputError(
                Problem(
                    f"option `{name}`", f"{rule}, got {getattr(self, name)}.", "Change it, or leave it out."
                )
            )


def read_options(kind: type[O], given: Mapping[str, Scalar], method: str) -> O:
    """The options `given` of a method, the others at their defaults. A value may be a text (of a command line).

    Raises InputError for an unknown name or a value of another type.
    """
    types = get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    read: dict[str, Scalar] = {}
    for name, value in given.items():
        if name not in names:
            raise InputError(
                Problem(
                    f"option `{name}`", f"is none of {method}.", did_you_mean(name, names) or "Leave it out."
                )
            )
        read[name] = _read(name, value, types[name])
    return kind(**read)  # type: ignore[arg-type]


def written(options: Options) -> tuple[tuple[str, Scalar], ...]:
    """Every option with its value, sorted by name."""
    return tuple(sorted(asdict(options).items()))


def _read(name: str, value: Scalar, wanted: object) -> Scalar:
    choices = get_args(wanted)
    if choices:
        if value in choices:
            return value
        raise _wrong(name, value, f"must be one of {', '.join(map(str, choices))}")
    try:
        if wanted is bool:
            text = str(value).lower()
            if text not in ("true", "false", "yes", "no", "1", "0"):
                raise ValueError
            return text in ("true", "yes", "1")
        if wanted is int:
            number = float(value)
            if number != int(number) or isinstance(value, bool):
                raise ValueError
            return int(number)
        if wanted is float:
            number = float(value)
            if isinstance(value, bool) or not math.isfinite(number):
                raise ValueError
            return number
    except (ValueError, OverflowError):
        kind = {bool: "true or false", int: "a whole number", float: "a number"}
        raise _wrong(name, value, f"must be {kind[wanted]}") from None  # type: ignore[index]
    return str(value)


def _wrong(name: str, value: Scalar, rule: str) -> InputError:
    return InputError(Problem(f"option `{name}`", f"{rule}, got `{value}`.", "Change it, or leave it out."))
