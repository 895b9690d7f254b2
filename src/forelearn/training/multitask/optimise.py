"""Optimisers over segments of the flat buffers, and the learning rate of an epoch.

AdamW and SGD are torch's own. A step touches the parameters of the tasks that took part in it and no others: the
head of a task that did not is neither moved by its momentum nor decayed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import nn

from forelearn.core.recipe import Recipe
from forelearn.training.multitask.flat import Flat
from forelearn.training.multitask.options import Options
from forelearn.training.steps import Diverged, schedule

_GRAIN = 1_000_000
"""A share of the whole training, in parts: what `schedule` takes as steps."""


class Optimiser:
    """Steps of AdamW or SGD on the parameters of some tasks; its state is kept until it is dropped."""

    def __init__(self, flat: Flat, tasks: Iterable[int], recipe: Recipe, options: Options) -> None:
        self._flat = flat
        self._recipe = recipe
        self._schedule = options.schedule
        self._segments = flat.segments_of(frozenset(tasks))
        self._parameters = [nn.Parameter(flat.values[one.start : one.stop]) for one in self._segments]
        groups = [
            {"params": [parameter], "weight_decay": recipe.weight_decay if segment.decayed else 0.0}
            for parameter, segment in zip(self._parameters, self._segments)
        ]
        self._inner: torch.optim.Optimizer
        if options.optimiser == "sgd":
            self._inner = torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=options.momentum)
        else:
            fused = flat.values.device.type in ("cpu", "cuda")
            self._inner = torch.optim.AdamW(groups, lr=recipe.learning_rate, eps=options.epsilon, fused=fused)

    def step(self, progress: float, tasks: Iterable[int]) -> None:
        """One step with what lies in the gradient buffer, for the parameters of `tasks`; zeroes the buffer.

        progress: share of the whole training that is behind, in [0, 1). Raises `Diverged`, before anything is
        moved, if the gradient is not finite.
        """
        taking = frozenset(tasks)
        for parameter, segment in zip(self._parameters, self._segments):
            takes = bool(segment.owners & taking)
            parameter.grad = self._flat.gradient[segment.start : segment.stop] if takes else None
        size = nn.utils.clip_grad_norm_(self._parameters, self._recipe.clip_norm)
        if not math.isfinite(float(size)):
            raise Diverged(
                f"training diverged (gradient norm {float(size)}) at rate {self._recipe.learning_rate:g}. "
                "Try a lower learning rate."
            )
        for group in self._inner.param_groups:
            group["lr"] = self._recipe.learning_rate * rate(progress, self._schedule, self._recipe.warmup)
        self._inner.step()
        self._flat.gradient.zero_()

    def tensors(self) -> dict[str, torch.Tensor]:
        """The state, by name: `SEGMENT/NAME`."""
        return {
            f"{index}/{name}": value
            for index, parameter in enumerate(self._parameters)
            for name, value in self._inner.state[parameter].items()
            if isinstance(value, torch.Tensor)
        }

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Take back what `tensors` gave."""
        state: dict[int, dict[str, torch.Tensor]] = {}
        for place, value in tensors.items():
            index, _, name = place.partition("/")
            state.setdefault(int(index), {})[name] = value
        # torch's own way puts each where its kernel wants it: the step of a fused one beside the parameters
        self._inner.load_state_dict({**self._inner.state_dict(), "state": state})


def rate(progress: float, kind: str, warmup: float) -> float:
    """Share of the peak learning rate when `progress` of the training is behind."""
    if kind == "constant":
        return 1.0
    return schedule(min(int(progress * _GRAIN), _GRAIN - 1), _GRAIN, warmup)
