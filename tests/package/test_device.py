"""Which processor, and what the student is told."""

import pytest
import torch

from gans_workshop import pick_device, seed_everything


@pytest.mark.parametrize(
    ("cuda", "mps", "name", "words"),
    [
        (False, False, "cpu", "The processor (CPU) will do the sums"),
        (False, True, "mps", "Apple's GPU will do the sums"),
        (True, True, "cuda", "A GPU will do the sums (Tesla T4)"),
    ],
)
def test_the_fastest_device_is_picked_and_explained(monkeypatch, capsys, cuda, mps, name, words):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tesla T4")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert pick_device() == torch.device(name)
    assert words in capsys.readouterr().out


def test_a_seed_repeats_the_dice():
    seed_everything(3)
    first = torch.randn(5)
    seed_everything(3)
    assert torch.equal(first, torch.randn(5))
