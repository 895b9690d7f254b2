"""`torchjd:NAME`: any aggregator of torchjd over the tasks' gradients.

Source: Quinton and Rey 2024, "Jacobian descent for multi-objective optimization", and the paper of each aggregator,
which torchjd names (UPGrad is theirs; MGDA, PCGrad, AlignedMTL, … are others'). In each step the gradients of the
tasks' losses on the shared parameters are the rows of a matrix [T, P_shared], of which the aggregator makes one
gradient [P_shared]. Parameters of one task alone take its own gradient, divided by T, so that `torchjd:Mean` is
standard multitask training.

An aggregator's arguments are options of the method under their own names, or `aggregator_NAME` where every method has
another option of that name. Arguments that are not numbers or words stay at their defaults, and an aggregator that
needs one cannot be named. One that remembers earlier steps begins anew with each epoch, so that a killed run ends with
the same weights. The weights of the history are the means of those that the aggregator gave the rows; there are none
where it does not weigh rows.

Needs the extra `mtl`; some aggregators need more, and say so. Takes T × P_shared numbers of memory.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, make_dataclass
from functools import cache
from typing import Any, ClassVar, Literal, get_origin, get_type_hints

import torch

from forelearn.core.errors import InputError, Problem, did_you_mean
from forelearn.training.multitask.history import TaskEpoch
from forelearn.training.multitask.joint import Joint
from forelearn.training.multitask.learner import Learner
from forelearn.training.multitask.method import Change, Surroundings
from forelearn.training.multitask.options import Options
from forelearn.training.steps import Diverged

PREFIX = "torchjd:"

_COUNT = "n_tasks"
"""The argument that is the number of tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregatorOptions(Options):
    """Options of every aggregator; `aggregator` adds its arguments.

    kind: torchjd's class. arguments: option → argument of it.
    """

    kind: ClassVar[Any]
    arguments: ClassVar[Mapping[str, str]]

    def check(self) -> None:
        """Raise InputError for a value that is out of range, missing, or refused by torchjd."""
        Options.check(self)
        for option in self.arguments:
            if getattr(self, option) is None:
                name = f"{PREFIX}{self.kind.__name__}"
                raise InputError(Problem(f"option `{option}`", f"{name} needs a value.", f"Give {option}=…"))
        self.new_aggregator(2)

    def new_aggregator(self, tasks: int) -> Any:
        """torchjd's, before its first step. Raises InputError if it refuses."""
        given = {argument: getattr(self, option) for option, argument in self.arguments.items()}
        if _COUNT in inspect.signature(self.kind).parameters:
            given[_COUNT] = tasks
        try:
            return self.kind(**given)
        except (ValueError, ImportError) as error:
            raise _refused(self.kind.__name__, error) from None


class Aggregated(Joint[AggregatorOptions]):
    """What all aggregators share; `aggregator` makes the class of each."""

    def __init__(self, learner: Learner, options: AggregatorOptions, around: Surroundings) -> None:
        super().__init__(learner, options, around)
        self.check_count(options, learner.count)
        segments = [one for one in learner.flat.segments if len(one.owners) > 1]
        self._shared = [slice(one.start, one.stop) for one in segments]
        self._rows = learner.flat.values.new_zeros(
            learner.count, sum(one.stop - one.start for one in segments)
        )
        self._weights: list[torch.Tensor] = []
        self._begin()

    @classmethod
    def check_count(cls, options: AggregatorOptions, tasks: int) -> None:
        """Some aggregators want more tasks than there are."""
        if tasks > 1:
            try:
                with torch.random.fork_rng(devices=[]):  # some draw
                    options.new_aggregator(tasks)(torch.eye(tasks))
            except ValueError as error:
                raise _refused(options.kind.__name__, error) from None

    def epoch(self, number: int) -> Change:
        """Joint steps."""
        self._begin()
        losses = self.joint_pass(number)
        count = self.learner.count
        means = torch.stack(self._weights).mean(0).tolist() if self._weights else [None] * count
        return Change(tuple(TaskEpoch(weight=weight, loss=loss) for weight, loss in zip(means, losses)))

    def step(self, losses: Mapping[int, torch.Tensor], progress: float) -> None:
        """The aggregated gradient of what is shared, and each task's own of the rest."""
        gradient = self.learner.flat.gradient
        for task, loss in losses.items():
            for place in self._shared:
                gradient[place] = 0.0
            loss.backward(retain_graph=task < len(losses) - 1)  # type: ignore[no-untyped-call]
            if self._shared:
                torch.cat([gradient[place] for place in self._shared], out=self._rows[task])
        gradient /= len(losses)
        if self._shared:
            if not bool(torch.isfinite(self._rows).all()):
                raise Diverged("training diverged: a gradient is not finite. Try a lower learning rate.")
            together = self._aggregator(self._rows)
            sizes = [place.stop - place.start for place in self._shared]
            for place, part in zip(self._shared, together.split(sizes)):
                gradient[place] = part
        self.optimiser.step(progress, losses)

    def _begin(self) -> None:
        """An aggregator that remembers nothing, and notes its weights where it has any."""
        self._weights = []
        self._aggregator = self.options.new_aggregator(self.learner.count)
        if isinstance(self._aggregator, _torchjd().WeightedAggregator):
            self._aggregator.weighting.register_forward_hook(self._note)

    def _note(self, module: Any, given: Any, weights: torch.Tensor) -> None:
        self._weights.append(weights.detach().cpu())


@cache
def aggregator(name: str) -> type[Aggregated]:
    """The method of the aggregator called `name`.

    Raises InputError if torchjd is not installed, or has no such aggregator that options can make.
    """
    known = aggregators()
    if name not in known:
        near = did_you_mean(name, known)
        fix = near if near.startswith("Did") else f"Known: {', '.join(sorted(known))}."
        raise InputError(Problem(f"method `{PREFIX}{name}`", "is not an aggregator.", fix))
    about = f"torchjd's {name} over the tasks' gradients"
    return type(
        name,
        (Aggregated,),
        {"name": f"{PREFIX}{name}", "about": about, "Options": _options(known[name]), "__doc__": about},
    )


@cache
def aggregators() -> Mapping[str, Any]:
    """torchjd's aggregators that options can make, by name. Raises InputError if torchjd is not installed."""
    module = _torchjd()
    kinds = {name: getattr(module, name) for name in module.__all__}
    return {
        name: kind
        for name, kind in kinds.items()
        if issubclass(kind, module.Aggregator) and not inspect.isabstract(kind) and _can_be_made(kind)
    }


def _options(kind: Any) -> type[AggregatorOptions]:
    """Options of one aggregator. A required argument's default is None, which `check` refuses."""
    taken = {one.name for one in fields(Options)}
    types = get_type_hints(kind.__init__)
    given, arguments = [], {}
    for name, argument in inspect.signature(kind).parameters.items():
        if _is_plain(types[name]) and name != _COUNT:
            option = f"aggregator_{name}" if name in taken else name
            required = argument.default is argument.empty
            given.append((option, types[name], field(default=None if required else argument.default)))
            arguments[option] = name
    return make_dataclass(
        f"{kind.__name__}Options",
        given,
        bases=(AggregatorOptions,),
        namespace={"kind": kind, "arguments": arguments, "__doc__": f"Options of {kind.__name__}."},
        frozen=True,
        slots=True,
        kw_only=True,
    )


def _can_be_made(kind: Any) -> bool:
    """Whether every required argument is a number or a word."""
    types = get_type_hints(kind.__init__)
    required = [name for name, it in inspect.signature(kind).parameters.items() if it.default is it.empty]
    return all(_is_plain(types[name]) for name in required)


def _is_plain(wanted: Any) -> bool:
    return wanted in (int, float, bool, str) or get_origin(wanted) is Literal


def _torchjd() -> Any:
    try:
        return importlib.import_module("torchjd.aggregation")
    except ModuleNotFoundError:
        raise InputError(
            Problem(
                f"method `{PREFIX}…`", "needs torchjd.", "Install it with `pip install 'forelearn[mtl]'`."
            )
        ) from None


def _refused(name: str, error: Exception) -> InputError:
    said = str(error).rstrip(".")
    fix = "Change its options, or choose another."
    return InputError(Problem(f"method `{PREFIX}{name}`", f"is refused by torchjd: {said}.", fix))
