"""Every method of multitask training by its name. A new one is a file, and a line here.

Beside those of `METHODS` there is `torchjd:NAME` for each aggregator of torchjd, which is imported only then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forelearn.core.errors import InputError, Problem, did_you_mean
from forelearn.core.multitask import Multitask, Scalar
from forelearn.training.multitask.aggregators import PREFIX, aggregator
from forelearn.training.multitask.alpha_vil import AlphaVil
from forelearn.training.multitask.alpha_vil_robust import AlphaVilRobust
from forelearn.training.multitask.diw import Diw
from forelearn.training.multitask.gradient_cosine import GradientCosine
from forelearn.training.multitask.learner import Learner
from forelearn.training.multitask.method import Method, Surroundings
from forelearn.training.multitask.options import Options, read_options, written
from forelearn.training.multitask.single import Single
from forelearn.training.multitask.standard import Standard
from forelearn.training.multitask.uncertainty import Uncertainty

METHODS: dict[str, type[Method[Any]]] = {
    kind.name: kind for kind in (Single, Standard, AlphaVil, AlphaVilRobust, Diw, GradientCosine, Uncertainty)
}


def multitask(method: str, options: Mapping[str, Scalar] | None = None) -> Multitask:
    """The method called `method` with these options, the others at their defaults.

    Raises InputError for an unknown name or a value out of range.
    """
    return Multitask(method, written(read_options(_kind(method).Options, options or {}, method)))


def differs_alone(method: str) -> bool:
    """Whether a method without auxiliary tasks is anything else than plain training of the target."""
    return _kind(method).differs_alone


def options_of(plan: Multitask) -> Options:
    """The options of a plan as its method takes them."""
    return read_options(_kind(plan.method).Options, dict(plan.options), plan.method)


def new_method(plan: Multitask, learner: Learner, around: Surroundings) -> Method[Any]:
    """The method of a plan, before its first epoch."""
    return _kind(plan.method)(learner, options_of(plan), around)


def check_count(plan: Multitask, tasks: int) -> None:
    """Raise InputError if the method of a plan does not take so many tasks, the target among them."""
    _kind(plan.method).check_count(options_of(plan), tasks)


@dataclass(frozen=True, slots=True)
class Reading:
    """One pass over a part of a task. units: what it costs. examples: how many it has."""

    units: float
    examples: int


def expected_cost(plan: Multitask, epochs: int, train: Sequence[Reading], tune: Reading) -> float:
    """What training by a plan is expected to cost, in the units of `train` and `tune`.

    train: of the training examples of each task, the target's first. tune: of the target's dev. epochs: the recipe's;
    with a limit of compute there are as many as it pays for.
    """
    options = options_of(plan)
    dev = max(1, round(tune.examples * (1 - options.select)))
    over_tasks, over_tune = _kind(plan.method).passes(options, len(train), dev)
    seen = train[:1] if plan.method == Single.name else train
    if options.compute:
        shares = sum(max(1, round(options.share * one.examples)) for one in seen)
        epochs = max(1, int(options.compute / (over_tasks * shares + over_tune * dev)))
    units = over_tasks * options.share * sum(one.units for one in seen)
    return epochs * (units + over_tune * tune.units * (1 - options.select))


def _kind(method: str) -> type[Method[Any]]:
    if method.startswith(PREFIX):
        return aggregator(method.removeprefix(PREFIX))
    if method not in METHODS:
        near = did_you_mean(method, METHODS)
        known = "\n".join(f"  {name}: {kind.about}" for name, kind in METHODS.items())
        known += f"\n  {PREFIX}NAME: an aggregator of torchjd, by its name ({PREFIX}UPGrad)"
        fix = f"{near if near.startswith('Did') else 'Choose another.'} Known:\n{known}"
        raise InputError(Problem(f"method `{method}`", "is not known.", fix))
    return METHODS[method]
