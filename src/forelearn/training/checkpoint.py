"""The state of an unfinished stage in one safetensors file, written beside and then renamed; nothing is
pickled.

It holds the weights, both moments of AdamW, the step and the curve. The learning rate, the order of examples
and the dropout of a step are functions of (seed, step), so that the random state and the schedule are
restored with the step alone: a continued stage ends with the weights of an undisturbed one, bit for bit on a
CPU.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

_FILE = "state.safetensors"


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
    """Replace the checkpoint in `folder`. A kill at any moment leaves the old or the new one."""
    folder.mkdir(parents=True, exist_ok=True)
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
    beside = folder / f"{_FILE}.new"
    save_file(tensors, beside, metadata={"progress": json.dumps(state)})
    with beside.open("rb") as written:
        os.fsync(written.fileno())
    beside.replace(folder / _FILE)


def load_checkpoint(
    folder: Path, key: str, model: torch.nn.Module, optimiser: torch.optim.Optimizer
) -> Progress:
    """Put the state saved under `key` into `model` and `optimiser`; fresh progress if there is none that
    fits.

    A file of another key or one that cannot be read is passed over: the stage starts again.
    """
    file = folder / _FILE
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
                    if f"exp_avg/{name}" not in held:
                        continue
                    optimiser.state[parameter] = {
                        "step": saved.get_tensor(f"step/{name}"),
                        "exp_avg": saved.get_tensor(f"exp_avg/{name}").to(parameter.device),
                        "exp_avg_sq": saved.get_tensor(f"exp_avg_sq/{name}").to(parameter.device),
                    }
    except SafetensorError:
        return Progress()
    spent = float(state["seconds"])
    return Progress(
        step=int(state["step"]),
        losses=[float(loss) for loss in state["losses"]],
        seconds=spent,
        earlier_seconds=spent,
        rungs={int(epoch): float(dev) for epoch, dev in state.get("rungs", {}).items()},
    )
