"""A network as a list of steps: it plays as the network does, and what it cannot hold is said in one sentence."""

import pytest
import torch
from torch import nn

from gans_workshop import Generator, MLPGenerator
from gans_workshop.game.models import Skip
from gans_workshop.view.flatten import fold, list_steps, pack, play


def lived(*layers):
    """A network in the state of drawing, with weights and statistics as after a training."""
    network, dice = nn.Sequential(*layers).eval().requires_grad_(False), torch.Generator().manual_seed(0)
    for name, numbers in network.state_dict().items():
        if numbers.is_floating_point():
            drawn = torch.randn(numbers.shape, generator=dice)
            numbers.copy_(drawn.abs() + 0.3 if name.endswith("running_var") else 0.3 * drawn)
    return network


SHEETS = torch.randn(2, 4, 6, 6, generator=torch.Generator().manual_seed(1))
NETWORKS = {
    "norms after weights": [
        nn.Conv2d(4, 3, 3),
        nn.BatchNorm2d(3),
        nn.ConvTranspose2d(3, 5, 4, 2, 1),
        nn.BatchNorm2d(5),
    ],
    "a norm alone": [nn.BatchNorm2d(4), nn.ReLU(), nn.BatchNorm2d(4), nn.Upsample(scale_factor=3)],
    "norms without weights": [nn.Conv2d(4, 3, 3, bias=False), nn.BatchNorm2d(3, affine=False), nn.Sigmoid()],
    "flat and back": [
        nn.Flatten(),
        nn.Linear(144, 12),
        nn.BatchNorm1d(12),
        nn.Unflatten(1, (3, 2, 2)),
        nn.BatchNorm2d(3),
    ],
    "a flat norm": [nn.Flatten(), nn.BatchNorm1d(144), nn.LeakyReLU(0.1), nn.Linear(144, 5), nn.Tanh()],
    "bilinear": [nn.Upsample(scale_factor=2, mode="bilinear"), nn.Dropout(), nn.Conv2d(4, 4, 4, 2, 1)],
    "instance norms": [
        nn.Conv2d(4, 3, 3),
        nn.InstanceNorm2d(3, affine=True),
        nn.ReLU(),
        nn.Conv2d(3, 2, 3),
        nn.InstanceNorm2d(2),
    ],
    "skips": [
        Skip(nn.Conv2d(4, 2, 3, padding=1), Skip(nn.ReLU()), nn.BatchNorm2d(4)),
        nn.ConvTranspose2d(8, 1, 3, 2, 1, 1),
    ],
}


@pytest.mark.parametrize("name", NETWORKS)
def test_steps_play_as_the_network_does(name):
    network = lived(*NETWORKS[name])
    before = [numbers.clone() for numbers in network.state_dict().values()]
    steps = fold(list_steps(network))
    torch.testing.assert_close(play(steps, SHEETS), network(SHEETS), rtol=1e-4, atol=1e-5)
    assert all(torch.equal(a, b) for a, b in zip(before, network.state_dict().values())), "looking changes nothing"


@pytest.mark.parametrize("network", [Generator(), Generator(image_size=64, channels=3), MLPGenerator()], ids=str)
def test_the_packages_generators_need_no_norm_any_more(network):
    kinds = [step["kind"] for step in fold(list_steps(network.eval()))]
    assert "scale" not in kinds and set(kinds) <= {"linear", "unflatten", "relu", "convTranspose", "conv", "tanh"}


def test_the_kinds_of_steps_are_those_that_the_page_knows():
    from tools import ROOT

    engine = (ROOT / "gans_workshop" / "view" / "page" / "engine.js").read_text(encoding="utf-8")
    kinds = {step["kind"] for layers in NETWORKS.values() for step in list_steps(nn.Sequential(*layers))}
    assert [kind for kind in kinds if f"  {kind}(x, y" not in engine and f"DO.{kind} =" not in engine] == []


UNKNOWN = {
    "GELU(approximate='none')": nn.GELU(),
    "Conv2d(4, 4, kernel_size=(3, 3), stride=(1, 1), groups=2)": nn.Conv2d(4, 4, 3, groups=2),
    "Conv2d(4, 4, kernel_size=(3, 1), stride=(1, 1))": nn.Conv2d(4, 4, (3, 1)),
    "padding=same)": nn.Conv2d(4, 4, 3, padding="same"),
    "padding_mode=circular)": nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"),
    "dilation=(2, 2))": nn.Conv2d(4, 4, 3, dilation=2),
    "Upsample(scale_factor=1.5, mode='nearest')": nn.Upsample(scale_factor=1.5),
    "mode='bicubic')": nn.Upsample(scale_factor=2, mode="bicubic"),
    "Upsample(size=(8, 8), mode='nearest')": nn.Upsample(size=(8, 8)),
    "track_running_stats=False)": nn.BatchNorm2d(4, track_running_stats=False),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unknown_layer_is_named(name):
    with pytest.raises(ValueError, match=r"^The page cannot draw with this layer, ") as raised:
        list_steps(nn.Sequential(nn.ReLU(), UNKNOWN[name]))
    assert f"{name}: it knows Linear, Conv2d," in str(raised.value)


def packed(network):
    return pack(fold(list_steps(network)), SHEETS, network(SHEETS))


def test_weights_are_halves_where_these_are_good_enough():
    network = lived(nn.Conv2d(4, 3, 3), nn.Tanh())
    assert packed(network)[2] == 16
    network[0].weight.mul_(1e6)
    network.insert(1, nn.Conv2d(3, 3, 1, bias=False).requires_grad_(False))
    network[1].weight.copy_(torch.eye(3)[..., None, None] * 1e-6)
    layers, data, bits = packed(network)  # 1e6 is no half
    assert bits == 32 and len(data) == 4 * sum(numbers.numel() for numbers in network.parameters())
    assert [layer["kind"] for layer in layers] == ["conv", "conv", "tanh"]


def test_a_network_that_does_more_than_its_layers_is_noticed():
    network = lived(nn.Conv2d(4, 3, 3), nn.Tanh())
    steps, drawn = fold(list_steps(network)), network(SHEETS)
    for other in (drawn * 0.9, drawn[:, :2], drawn[..., :3], drawn * float("nan")):
        with pytest.raises(ValueError, match="The generator does more than its layers say"):
            pack(steps, SHEETS, other)
    with pytest.raises(ValueError, match="The generator does more than its layers say"):
        pack(steps, SHEETS[:, :2], drawn)
