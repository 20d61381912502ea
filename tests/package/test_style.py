"""The style generator: each size obeys its own style, a network comes along, and what does not fit is named."""

import copy

import pytest
import torch
from torch import nn

from gans_workshop import GAN, Discriminator, StyleGenerator, load_gan, load_style_network, seed_everything, train
from gans_workshop.game.style import SlowLinear, mix_with_neighbours
from tools import ROOT


@pytest.fixture
def network():
    return load_style_network()


@pytest.mark.parametrize("image_size", [16, 28, 60, 64, 100])
@pytest.mark.parametrize("channels", [1, 3])
def test_it_draws_every_size_from_a_style_for_each(image_size, channels):
    G = StyleGenerator(image_size=image_size, channels=channels, width=2, latent_dim=6)
    w = G.to_w(torch.randn(3, 6))
    assert w.shape == (3, len(G.levels), 6) and torch.equal(w[:, 0], w[:, -1])
    pictures = G.draw(w)
    assert pictures.shape == (3, channels, image_size, image_size) and pictures.abs().max() <= 1
    torch.testing.assert_close(G.eval()(torch.ones(2, 6)), G(torch.ones(2, 6)))


def test_only_the_direction_of_z_counts(network):
    z = torch.randn(3, network.latent_dim)
    torch.testing.assert_close(network(z), network(5 * z), atol=1e-4, rtol=1e-4)


def test_a_style_is_forgotten_at_the_next_size():
    """What a size makes louder, all sheets alike, is gone at the next one."""
    level = StyleGenerator(width=4).levels[1]
    sheets, w = torch.randn(2, 32, 4, 4), torch.randn(2, 64)
    torch.testing.assert_close(level(50 * sheets, w), level(sheets, w), atol=0.02, rtol=0.02)


def test_each_size_has_a_say_of_its_own(network):
    w = network.to_w(torch.randn(2, network.latent_dim))
    for size in range(len(network.levels)):
        other = w[:1].clone()
        other[:, size] = w[1, size]
        assert (network.draw(other) - network.draw(w[:1])).abs().max() > 0.05


def test_noise_is_new_while_it_learns_and_the_same_afterwards():
    G = StyleGenerator(width=2)
    w = G.to_w(torch.randn(2, 64))
    for level in G.levels:
        nn.init.ones_(level.noise_strength)
    assert not torch.equal(G.draw(w), G.draw(w))
    assert torch.equal(G.eval().draw(w), G.draw(w))
    again = StyleGenerator(width=2)
    assert torch.equal(again.levels[2].noise, G.levels[2].noise), "of every network the same"


def test_half_of_a_batch_takes_its_finer_styles_from_the_next_one():
    torch.manual_seed(0)
    w = torch.arange(1000.0)[:, None, None].expand(-1, 5, 2)
    mixed = mix_with_neighbours(w)
    assert torch.equal(mixed[:, 0], w[:, 0]), "the coarsest is always one's own"
    changed = (mixed != w).any(2)
    assert 0.45 < changed.any(1).float().mean() < 0.55
    assert torch.equal(changed.cummax(1).values, changed), "from one size on, all finer ones"
    assert torch.equal(mixed[changed.any(1)][:, -1], w.roll(1, 0)[changed.any(1)][:, -1])


def test_the_mapping_learns_at_a_tenth_of_the_rate():
    torch.manual_seed(0)
    slow = SlowLinear(8)
    plain = nn.Linear(8, 8)
    plain.load_state_dict({name: values / 10 for name, values in slow.state_dict().items()})
    x = torch.randn(4, 8)
    torch.testing.assert_close(slow(x), plain(x))
    for layer in (slow, plain):
        optimizer, before = torch.optim.Adam(layer.parameters(), lr=0.01), layer(x).detach()
        layer(x).sum().backward()
        optimizer.step()
        layer.moved = (layer(x) - before).abs().mean().item()
    assert slow.moved == pytest.approx(plain.moved / 10, rel=0.01)


@pytest.mark.parametrize("shape", [(64,), (5, 64), (2, 4, 64), (2, 5, 63), (2, 5, 64, 1)])
def test_styles_that_do_not_fit_are_named(network, shape):
    with pytest.raises(
        ValueError, match=r"The styles w have the shape \(.*\), not \(N, 5, 64\): G.to_w\(z\) makes them"
    ):
        network.draw(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(64,), (2, 63), (2, 5, 64)])
def test_a_z_of_the_wrong_length_is_named(network, shape):
    with pytest.raises(ValueError, match=r"z has the shape \(.*\), not \(N, 64\): z\[None\] is one z"):
        network.to_w(torch.zeros(shape))


@pytest.mark.parametrize("settings", [{"image_size": 30}, {"width": 0}, {"latent_dim": 1.5}])
def test_wrong_sizes_are_refused(settings):
    with pytest.raises(ValueError, match=f"{next(iter(settings))}="):
        StyleGenerator(**settings)


def test_it_plays_saves_and_comes_back(tmp_path, bits, same):
    seed_everything(1)
    shape = {"image_size": 16, "channels": 3, "width": 2}
    gan = GAN(StyleGenerator(latent_dim=7, **shape), Discriminator(norm=False, **shape), seed=1)
    before = copy.deepcopy(gan.generator.state_dict())
    train(gan, torch.randint(0, 256, (20, 3, 16, 16), dtype=torch.uint8), steps=3, batch_size=4, checkpoint=tmp_path)
    assert any(not torch.equal(new, before[name]) for name, new in gan.generator.state_dict().items())
    loaded = load_gan(tmp_path)
    assert isinstance(loaded.generator, StyleGenerator) and loaded.generator.latent_dim == 7
    assert same(bits(loaded), bits(gan))


def test_the_network_that_comes_along_is_small_finished_and_says_whose_faces_it_learned(capsys):
    network = load_style_network()
    assert not network.training and not any(part.requires_grad for part in network.parameters())
    assert "toon-head by Johan Melin, licence CC BY 4.0" in capsys.readouterr().out
    assert (ROOT / "gans_workshop" / "data" / "style.npz").stat().st_size < 2_000_000
    torch.manual_seed(0)
    faces = network(torch.randn(40, 64))
    assert faces.std(0).mean() > 0.2, "they differ"
    assert faces[:, :, :4, :4].mean() > 0.9, "on white"
