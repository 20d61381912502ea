"""The players: shapes for every size, one sentence for sizes that cannot be, and what `frozen` protects."""

import copy
import inspect
import math
import re

import pytest
import torch
from torch import nn

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    MLPDiscriminator,
    MLPGenerator,
    cut_out,
    load_portraits,
    shape_table,
    train,
)
from gans_workshop.game.models import frozen, grow, shrink, small_weights


@pytest.mark.parametrize("image_size", range(16, 257, 4))
def test_every_multiple_of_four_from_16_to_256(image_size):
    generator = Generator(image_size=image_size, channels=3, width=1, latent_dim=2)
    images = generator(torch.randn(2, 2))
    assert images.shape == (2, 3, image_size, image_size)
    assert Discriminator(image_size=image_size, channels=3, width=1)(images).shape == (2, 1)


@pytest.mark.parametrize("image_size", [0, -4, 8, 12, 27, 30, 258, 260, 512])
@pytest.mark.parametrize("player", [Generator, Discriminator])
def test_other_sizes_are_refused_with_one_that_works(player, image_size):
    words = "multiple of 4 from 16 to 256. Try" if image_size > 16 else "whole number of at least 16, for example"
    with pytest.raises(ValueError, match=f"image_size={image_size} .*{words} image_size=") as refusal:
        player(image_size=image_size)
    proposal = int(str(refusal.value).rstrip(".").rpartition("=")[2])
    player(image_size=proposal, width=1)


@pytest.mark.parametrize("player", [Generator, Discriminator, MLPGenerator, MLPDiscriminator])
@pytest.mark.parametrize("name", ["image_size", "width", "latent_dim"])
def test_sizes_are_whole_numbers(player, name):
    if name == "latent_dim" and "latent_dim" not in inspect.signature(player).parameters:
        return
    player(**{name: 32.0})
    for wrong in ("32", 32.5, (32, 32), 0):
        with pytest.raises(
            ValueError, match=rf"{name}=.* must be a whole number of at least \d+, for example {name}=\d"
        ):
            player(**{name: wrong})


def test_the_plain_players_fit_together():
    images = MLPGenerator(image_size=20, channels=3, latent_dim=5)(torch.randn(4, 5))
    assert images.shape == (4, 3, 20, 20) and images.abs().max() <= 1
    assert MLPDiscriminator(image_size=20, channels=3)(images).shape == (4, 1)


def test_pictures_stay_in_range_and_logits_do_not():
    images = Generator()(100 * torch.randn(8, 64))
    assert images.min() >= -1 and images.max() <= 1
    assert isinstance(list(Discriminator().modules())[-1], nn.Linear), "logits, no sigmoid"


def test_the_last_transposed_convolution_may_draw_and_d_may_go_without_batch_norm():
    generator, detective = Generator(image_size=64, channels=3, smooth=False), Discriminator(norm=False)
    assert generator(torch.randn(2, 64)).shape == (2, 3, 64, 64)
    assert isinstance(generator.layers[-2], nn.ConvTranspose2d)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in detective.modules())
    assert detective(torch.randn(500, 1, 28, 28)).std() > 0.1, "the strength is kept through all layers"
    assert small_weights(detective)(torch.randn(500, 1, 28, 28)).std() < 0.01


def test_the_comments_on_the_layers_are_true_at_28_pixels():
    shapes = [
        line.split("(")[1].split(")")[0] for line in shape_table(Generator(), torch.randn(5, 64)).splitlines()[1:-1]
    ]
    assert shapes[:2] == ["5, 64", "5, 3136"]
    assert [shape for shape in dict.fromkeys(shapes[2:])] == [
        "5, 64, 7, 7",
        "5, 32, 14, 14",
        "5, 16, 28, 28",
        "5, 1, 28, 28",
    ]
    table = shape_table(Discriminator(), torch.randn(5, 1, 28, 28))
    for shape in ("(5, 16, 14, 14)", "(5, 32, 7, 7)", "(5, 64, 4, 4)", "(5, 1024)", "(5, 1)"):
        assert shape in table
    assert table.splitlines()[-1].split()[-1] == f"{sum(p.numel() for p in Discriminator().parameters()):,}"


@pytest.mark.parametrize(
    ("pixels", "player"), [(28, Generator), (64, Generator), (28, Discriminator), (64, Discriminator)]
)
def test_the_shapes_in_the_docstrings_are_true(pixels, player):
    text = re.search(rf"Shapes at {pixels} pixels: (.*?)\n    (?:Shapes|Raises)", player.__doc__, re.DOTALL)[1]
    said = re.findall(r"\(N, (.*?)\)", text)
    network, w = player(image_size=pixels, channels=3, width=5), 5
    example = torch.randn(2, 64) if player is Generator else torch.randn(2, 3, pixels, pixels)
    names = {"latent_dim": 64, "channels": 3} | {f"{n}w": n * w for n in (2, 4, 8)} | {"w": w}
    expected = [f"(2, {', '.join(str(names.get(part, part)) for part in shape.split(', '))})" for shape in said]
    table = shape_table(network, example)
    found = [line[16:].rpartition(")")[0] + ")" for line in table.splitlines()[1:-1]]
    found = [shape for i, shape in enumerate(found) if i == 0 or shape.count(",") == 3 or shape == "(2, 1)"]
    assert list(dict.fromkeys(found)) == expected


@pytest.mark.parametrize(("small", "large"), [(4, 8), (7, 14), (4, 9)])
def test_grow_and_shrink_walk_the_same_stairs(small, large):
    up = nn.Sequential(*grow(3, 5, odd=large % 2))(torch.randn(2, 3, small, small))
    assert up.shape == (2, 5, large, large)
    down = nn.Sequential(*shrink(5, 3, odd=large % 2))(up)
    assert down.shape == (2, 3, (large + 1) // 2, (large + 1) // 2)


@pytest.mark.parametrize(("network", "example"), [(Generator, torch.randn(5, 64)), (Generator(), (5, 64))])
def test_the_shape_table_says_what_it_takes(network, example):
    with pytest.raises(ValueError, match=r"takes a network and a tensor, for example Generator\(\), torch.randn"):
        shape_table(network, example)
    assert "(5, 64)" in shape_table(Generator(), torch.randn(5, 64))


def test_the_shape_table_leaves_no_hook_behind():
    network = Generator()
    shape_table(network, torch.randn(2, 64))
    assert not any(layer._forward_hooks for layer in network.modules())


def test_the_shape_table_changes_nothing():
    network = Generator()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    shape_table(network, torch.randn(2, 64))
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_weights_small_weights_and_differ():
    torch.manual_seed(0)
    network = small_weights(nn.Sequential(nn.Linear(300, 300), nn.Conv2d(32, 64, 3)))
    for layer in network:
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
        assert layer.weight.mean().item() == pytest.approx(0, abs=0.001)


def test_frozen_lets_gradients_through_and_changes_nothing():
    network = Discriminator(width=4)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    images = torch.randn(4, 1, 28, 28, requires_grad=True)
    with frozen(network):
        network(images).sum().backward()
    assert images.grad.abs().sum() > 0
    assert all(p.grad is None and p.requires_grad for p in network.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    with pytest.raises(RuntimeError), frozen(network):
        network(torch.randn(4, 1, 5, 5))
    network(images)
    assert network.state_dict()["layers.3.num_batches_tracked"] == 1, "it learns again, after an error too"


@pytest.mark.parametrize("norm", [nn.BatchNorm1d(3), nn.BatchNorm1d(3, track_running_stats=False)])
def test_frozen_protects_every_batch_norm_and_thaws_only_what_it_froze(norm):
    network = nn.Sequential(nn.Linear(3, 3), norm)
    network[0].requires_grad_(False)
    before, tracks = copy.deepcopy(network.state_dict()), norm.track_running_stats
    with frozen(network):
        network(torch.randn(5, 3))
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert [p.requires_grad for p in network.parameters()] == [False, False, True, True]
    assert norm.track_running_stats == tracks


@pytest.mark.parametrize("image_size", [32, 64, 128])
def test_players_for_colour_pictures_learn_at_every_size_on_offer(image_size):
    images = load_portraits(image_size=image_size)[:8]
    gan = GAN(
        Generator(image_size=image_size, channels=3, width=2),
        Discriminator(image_size=image_size, channels=3, width=2),
        augment=cut_out,
    )
    before = gan.generator.layers[0].weight.clone()
    train(gan, images, steps=2)
    assert gan.sample(3).shape == (3, 3, image_size, image_size)
    assert not torch.equal(gan.generator.layers[0].weight, before)
    assert all(math.isfinite(loss) for loss in gan.history.d_loss)
