"""Which processor, and what the student is told."""

import pytest
import torch

from gans_workshop import pick_device, seed_everything
from gans_workshop.device import available_devices


def test_the_fastest_device_is_picked_and_explained(monkeypatch, capsys):
    monkeypatch.setattr("gans_workshop.device.available_devices", lambda: ["cpu"])
    assert pick_device() == torch.device("cpu")
    assert "The processor (CPU) will do the sums" in capsys.readouterr().out
    monkeypatch.setattr("gans_workshop.device.available_devices", lambda: ["cuda", "cpu"])
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda name: "Tesla T4")
    assert pick_device() == torch.device("cuda")
    assert "Tesla T4" in capsys.readouterr().out
    assert pick_device("cpu") == torch.device("cpu")


def test_a_gpu_that_is_not_there_is_refused_with_what_to_do(monkeypatch):
    monkeypatch.setattr("gans_workshop.device.available_devices", lambda: ["cpu"])
    for wish in ("cuda", "cuda:0", "mps"):
        with pytest.raises(ValueError, match=f"You asked for '{wish}'.*only cpu here.*Change runtime type"):
            pick_device(wish)


def test_the_cpu_is_always_there():
    assert available_devices()[-1] == "cpu"


def test_a_seed_repeats_the_dice():
    seed_everything(3)
    first = torch.randn(5)
    seed_everything(3)
    assert torch.equal(first, torch.randn(5))
