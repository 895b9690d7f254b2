"""A checkpoint of one stage: it is read on another device, and a disk that is full costs the checkpoint alone."""

import torch
from torch import nn

from forelearn.core.recipe import Recipe
from forelearn.training import checkpoint
from forelearn.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from forelearn.training.loop import adamw


def stepped() -> tuple[nn.Module, torch.optim.Optimizer]:
    model = nn.Linear(3, 2)
    optimiser = adamw(model, Recipe())
    model(torch.ones(4, 3)).sum().backward()
    optimiser.step()
    return model, optimiser


def test_what_a_fused_optimiser_counts_lies_beside_the_parameters(tmp_path):
    """A kernel on a GPU cannot read a count that a checkpoint has brought to the CPU. `meta` stands for the GPU."""
    model, optimiser = stepped()
    save_checkpoint(tmp_path, "k", model, optimiser, Progress(1, [0.5]))
    away = nn.Linear(3, 2, device="meta")
    other = adamw(away, Recipe())
    assert load_checkpoint(tmp_path, "k", away, other).step == 1
    for parameter in away.parameters():
        assert set(other.state[parameter]) == {"step", "exp_avg", "exp_avg_sq"}
        assert {value.device.type for value in other.state[parameter].values()} == {"meta"}


def test_a_restored_optimiser_takes_the_step_that_it_would_have_taken(tmp_path):
    model, optimiser = stepped()
    save_checkpoint(tmp_path, "k", model, optimiser, Progress(1, [0.5]))
    other = nn.Linear(3, 2)
    restored = adamw(other, Recipe())
    load_checkpoint(tmp_path, "k", other, restored)
    for one, its in ((model, optimiser), (other, restored)):
        its.zero_grad()
        one(torch.full((4, 3), 0.5)).sum().backward()
        its.step()
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))


def test_a_full_disk_costs_the_new_checkpoint_and_nothing_else(tmp_path, monkeypatch):
    model, optimiser = stepped()
    save_checkpoint(tmp_path, "k", model, optimiser, Progress(1, [0.5]))

    def full(tensors, file, metadata):
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    save_checkpoint(tmp_path, "k", model, optimiser, Progress(2, [0.5, 0.4]))
    assert [file.name for file in tmp_path.iterdir()] == ["state.safetensors"]
    assert load_checkpoint(tmp_path, "k", model, optimiser).step == 1
