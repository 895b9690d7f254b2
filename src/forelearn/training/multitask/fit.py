"""Epochs of a method, the target's best dev snapshot, and checkpoints between epochs.

An epoch is a function of the parameters, the method's state and its number, so that a run that is continued from a
checkpoint ends with the weights of an undisturbed one, bit for bit on a CPU. A kill loses the epoch that was under way
and those since the last checkpoint.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from forelearn.core.keys import plain
from forelearn.training.checkpoint import STATE, replace_state
from forelearn.training.multitask.history import Epoch, History, read_epoch, renamed, renamed_events
from forelearn.training.multitask.learner import TARGET
from forelearn.training.multitask.ledger import Ledger, peak_bytes
from forelearn.training.multitask.method import Change, Method, parts_named

_SPARING = 20.0
"""A checkpoint is made no sooner than this many times the time that the last one took."""


@dataclass(slots=True)
class _State:
    """epochs: those that were measured. best: which of them the snapshot [P] is of. done: epochs that are behind; size:
    the most sample gradients that one of them took. events: of epochs behind the last that was measured.
    """

    snapshot: torch.Tensor
    epochs: list[Epoch] = field(default_factory=list)
    best: int = -1
    done: int = 0
    size: int = 0
    events: tuple[str, ...] = ()
    saved: float = field(default_factory=time.monotonic)
    took: float = 0.0


def fit_together(
    method: Method[Any],
    *,
    key: str,
    checkpoint: Path | None = None,
    checkpoint_seconds: float = 60.0,
) -> History:
    """Train to the end, leave the learner at the best snapshot, and return what happened.

    key: names the outcome; a checkpoint of another key is not continued. checkpoint: folder of the state between
    epochs.
    Every epoch is measured; with a limit of compute at most as many as the recipe has, evenly over it, so that arms of
    one limit have equally many chances to be lucky on dev, however short their epochs are. The snapshot is that of the
    first measured epoch with the highest measure on the target's `select` examples.
    Raises `Diverged` if the target's training does.
    """
    learner = method.learner
    state = _State(learner.flat.values.clone())
    with learner.session():
        _resume(state, method, checkpoint, key)
        while _goes_on(method, state):
            method.started = spent = learner.ledger.total
            change = method.epoch(state.done)
            state.done += 1
            state.size = max(state.size, learner.ledger.total - spent)
            state.events += change.events
            measured = _is_measured(method, state, spent)
            if measured:
                _measure(state, method, change)
            _report(state, method, measured=measured)
            if checkpoint is not None and _is_due(state, checkpoint_seconds) and _goes_on(method, state):
                _save(state, method, checkpoint, key)
    learner.flat.values.copy_(state.snapshot)
    return History(
        method.name,
        learner.names,
        learner.parts[TARGET].data.task.metric,
        tuple(state.epochs),
        state.epochs[state.best].number,
        dict(learner.ledger.gradients),
        learner.ledger.predictions,
        learner.ledger.stop_watch(),
        peak_bytes(learner.device),
        state.done,
    )


def _goes_on(method: Method[Any], state: _State) -> bool:
    """Whether there is a further epoch: the recipe's, or as many as compute pays for; there is always one."""
    limit = method.options.compute
    if not limit:
        return state.done < method.around.epochs
    return not state.done or method.learner.ledger.total + state.size <= limit


def _is_measured(method: Method[Any], state: _State, before: int) -> bool:
    """Whether the epoch that is behind is a candidate. before: sample gradients when it began."""
    limit, total = method.options.compute, method.learner.ledger.total
    if not limit:
        return True
    if total > limit and state.epochs:
        return False  # it took more than any before it, and more than it may
    looks = method.around.epochs
    return total * looks // limit > before * looks // limit or not _goes_on(method, state)


def _measure(state: _State, method: Method[Any], change: Change) -> None:
    """Note the epoch; keep its parameters if they are the best so far."""
    learner = method.learner
    divided = bool(learner.options.select)
    select = learner.measure(TARGET, "select" if divided else "dev")
    is_best = not state.epochs or select > state.epochs[state.best].select
    number = state.done - 1
    dev = select if not divided else (learner.measure(TARGET, "dev") if is_best else None)
    test = learner.measure(TARGET, "test") if is_best else None
    state.epochs.append(
        Epoch(
            number,
            dict(zip(learner.names, change.tasks, strict=True)),
            change.before,
            change.after,
            state.events,
            select,
            dev,
            test,
            learner.ledger.total,
            learner.ledger.units,
            learner.ledger.stop_watch(),
        )
    )
    state.events = ()
    if is_best:
        state.best = len(state.epochs) - 1
        state.snapshot.copy_(learner.flat.values)


def _report(state: _State, method: Method[Any], *, measured: bool) -> None:
    """How far it is; of an epoch that was measured also what happened."""
    limit, total = method.options.compute, method.learner.ledger.total
    left = (limit - total) // max(state.size, 1) if limit else method.around.epochs - state.done
    said = {"epoch": state.done, "epochs": state.done + max(left, 0)}
    method.around.report({**said, "of": plain(state.epochs[-1])} if measured else said)


def _is_due(state: _State, seconds: float) -> bool:
    return time.monotonic() - state.saved >= max(seconds, _SPARING * state.took)


def _save(state: _State, method: Method[Any], folder: Path, key: str) -> None:
    """Replace the checkpoint, as `replace_state` does."""
    began = time.monotonic()
    ledger = method.learner.ledger
    tensors = {"values": method.learner.flat.values, "snapshot": state.snapshot}
    tensors |= {f"method/{name}": value for name, value in method.tensors().items()}
    numbers = {
        "key": key,
        "epochs": plain(state.epochs),
        "best": state.best,
        "done": state.done,
        "size": state.size,
        "events": state.events,
        "method": method.numbers(),
        "ledger": {
            "gradients": ledger.gradients,
            "units": ledger.units,
            "predictions": ledger.predictions,
            "seconds": ledger.stop_watch(),
        },
    }
    held = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    replace_state(folder, held, {"state": json.dumps(numbers)})
    state.saved = time.monotonic()
    state.took = state.saved - began


def _resume(state: _State, method: Method[Any], folder: Path | None, key: str) -> None:
    """Put the checkpoint saved under `key`, if there is one, into the method and its learner."""
    file = folder / STATE if folder is not None else None
    if file is None or not file.is_file():
        return
    try:
        with safe_open(file, framework="pt") as saved:
            numbers: Mapping[str, Any] = json.loads((saved.metadata() or {}).get("state", "{}"))
            if numbers.get("key") != key or "done" not in numbers:
                return
            if saved.get_slice("values").get_shape() != list(method.learner.flat.values.shape):
                return
            held = {name: saved.get_tensor(name) for name in saved.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, ValueError):
        return
    learner = method.learner
    learner.flat.values.copy_(held["values"])
    state.snapshot.copy_(held["snapshot"])
    epochs = [read_epoch(epoch) for epoch in numbers["epochs"]]
    state.epochs = [renamed(epoch, learner.names) for epoch in epochs]
    state.best, state.done, state.size = (int(numbers[name]) for name in ("best", "done", "size"))
    state.events = renamed_events(
        numbers["events"], dict(zip(epochs[0].tasks, learner.names)) if epochs else {}
    )
    method.restore(parts_named(held, "method/"), numbers["method"])
    _restore_ledger(learner.ledger, numbers["ledger"])


def _restore_ledger(ledger: Ledger, numbers: Mapping[str, Any]) -> None:
    ledger.gradients = dict(numbers["gradients"])
    ledger.units = float(numbers["units"])
    ledger.predictions = int(numbers["predictions"])
    ledger.seconds = float(numbers["seconds"])
