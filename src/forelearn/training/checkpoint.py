"""The state of an unfinished stage in one safetensors file, written beside and then renamed; nothing is
pickled.

It holds the weights, both moments of AdamW, the step and the curve. The learning rate, the order of examples
and the dropout of a step are functions of (seed, step), so that the random state and the schedule are
restored with the step alone: a continued stage ends with the weights of an undisturbed one, bit for bit on a
CPU.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

STATE = "state.safetensors"
"""The file of a checkpoint."""
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


@dataclass(slots=True)
class Progress:
    """How far a stage has come.

    step: optimiser steps done. losses: the loss of each. seconds: measured so far, earlier attempts
    included; earlier_seconds: those of earlier attempts alone. rungs: what was measured on dev at the end of
    an epoch, by the number of epochs done then.
    """

    step: int = 0
    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0
    earlier_seconds: float = 0.0
    rungs: dict[int, float] = field(default_factory=dict)


def save_checkpoint(
    folder: Path, key: str, model: torch.nn.Module, optimiser: torch.optim.Optimizer, progress: Progress
) -> None:
    """Replace the checkpoint in `folder`, as `replace_state` does."""
    tensors = {}
    for name, parameter in model.named_parameters():
        tensors[f"weight/{name}"] = parameter.detach().cpu().contiguous()
        for moment, value in optimiser.state[parameter].items():
            tensors[f"{moment}/{name}"] = value.detach().cpu().contiguous()
    state = {
        "key": key,
        "step": progress.step,
        "losses": progress.losses,
        "seconds": progress.seconds,
        "rungs": progress.rungs,
    }
    replace_state(folder, tensors, {"progress": json.dumps(state)})


def replace_state(folder: Path, tensors: Mapping[str, torch.Tensor], said: Mapping[str, str]) -> None:
    """Write a state into `folder`, beside and then renamed: a kill at any moment leaves the old or the new one.

    A full disk leaves the old one: what cannot be kept is no reason to give up what goes well.
    """
    beside = folder / f"{STATE}.new"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(dict(tensors), beside, metadata=dict(said))
        with beside.open("rb") as written:
            os.fsync(written.fileno())
        beside.replace(folder / STATE)
    except (OSError, SafetensorError):
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def load_checkpoint(
    folder: Path, key: str, model: torch.nn.Module, optimiser: torch.optim.Optimizer
) -> Progress:
    """Put the state saved under `key` into `model` and `optimiser`; fresh progress if there is none that
    fits.

    A file of another key or one that cannot be read is passed over: the stage starts again.
    """
    file = folder / STATE
    if not file.is_file():
        return Progress()
    try:
        with safe_open(file, framework="pt") as saved:
            state = json.loads((saved.metadata() or {}).get("progress", "{}"))
            held = set(saved.keys())
            if state.get("key") != key or not all(
                f"weight/{name}" in held
                and saved.get_slice(f"weight/{name}").get_shape() == list(parameter.shape)
                for name, parameter in model.named_parameters()
            ):
                return Progress()
            with torch.no_grad():
                for name, parameter in model.named_parameters():
                    parameter.copy_(saved.get_tensor(f"weight/{name}"))
            names = {parameter: name for name, parameter in model.named_parameters()}
            stepped = [parameter for group in optimiser.param_groups for parameter in group["params"]]
            moments = {
                index: {moment: saved.get_tensor(f"{moment}/{names[parameter]}") for moment in _MOMENTS}
                for index, parameter in enumerate(stepped)
                if f"exp_avg/{names[parameter]}" in held
            }
    except (SafetensorError, ValueError):
        return Progress()
    # torch's own way puts each where its kernel wants it: the step of a fused one beside the parameters
    optimiser.load_state_dict({**optimiser.state_dict(), "state": moments})
    spent = float(state["seconds"])
    return Progress(
        step=int(state["step"]),
        losses=[float(loss) for loss in state["losses"]],
        seconds=spent,
        earlier_seconds=spent,
        rungs={int(epoch): float(dev) for epoch, dev in state.get("rungs", {}).items()},
    )
