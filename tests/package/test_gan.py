"""The two players: each step moves one of them as the textbook says, and the state of the game can be kept."""

import io
import re

import numpy as np
import pytest
import torch
from torch import nn

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    LiveView,
    MLPDiscriminator,
    MLPGenerator,
    cut_out,
    to_float,
    train,
)
from gans_workshop.device import order
from gans_workshop.game.gan import PARTS

# One step


def test_a_round_without_turns_for_d_is_refused(make_gan):
    with pytest.raises(ValueError, match="d_steps=0 must be a whole number of at least 1"):
        make_gan(d_steps=0)


# What people give instead of the right thing, and what they are told


def painter(numbers=64):
    return nn.Sequential(nn.Linear(numbers, 784), nn.Tanh(), nn.Unflatten(1, (1, 28, 28)))


def detective(*end):
    return nn.Sequential(nn.Conv2d(1, 4, 4, 2, 1), nn.BatchNorm2d(4), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 14), *end)


class Told(nn.Module):
    """A player with a sigmoid that is no layer."""

    def __init__(self):
        super().__init__()
        self.layers = detective()

    def forward(self, images):
        return torch.sigmoid(self.layers(images)).view(-1, 1)


def with_length(network, latent_dim):
    network.latent_dim = latent_dim
    return network


def sheets():
    """A generator as in PyTorch's own lesson: z (N, 100, 1, 1)."""
    layers = nn.Sequential(nn.ConvTranspose2d(100, 8, 7), nn.BatchNorm2d(8), nn.ConvTranspose2d(8, 1, 4, 4), nn.Tanh())
    return with_length(layers, 100)


ENDED = (nn.Flatten(0), nn.Unflatten(0, (-1, 1)))
PLAYERS = {  # what was given, what is said, what that sentence advises
    "a Sequential": (
        lambda: (painter(), Discriminator()),
        "write generator.latent_dim = 64",
        lambda: with_length(painter(), 64),
    ),
    "another length": (
        lambda: (with_length(painter(), 32), Discriminator()),
        r"z of shape \(2, 32\)",
        lambda: with_length(painter(), 64),
    ),
    "parallel": (
        lambda: (nn.DataParallel(Generator()), Discriminator()),
        "generator.module",
        lambda: nn.DataParallel(Generator()).module,
    ),
    "sheets": (
        lambda: (sheets(), Discriminator()),
        r"nn.Unflatten\(1, \(100, 1, 1\)\)",
        lambda: with_length(nn.Sequential(nn.Unflatten(1, (100, 1, 1)), sheets()), 100),
    ),
    "flat pictures": (
        lambda: (with_length(nn.Sequential(nn.Linear(64, 784)), 64), Discriminator()),
        r"shape \(784,\).*nn.Unflatten\(1, \(1, 28, 28\)\)",
        lambda: with_length(painter(), 64),
    ),
    "swapped": (lambda: (Discriminator(), Generator()), "generator first, then the discriminator", Generator),
    "classes": (
        lambda: (Generator, Discriminator),
        r"with brackets: GAN\(Generator\(\), Discriminator\(\)\)",
        Generator,
    ),
    "a text": (lambda: ("generator", Discriminator()), "must be two networks", Generator),
}
JUDGES = {
    "(N, 1, 1, 1)": (
        detective,
        r"with \(2, 1, 1, 1\).*nn.Flatten\(0\), nn.Unflatten\(0, \(-1, 1\)\)",
        lambda: detective(*ENDED),
    ),
    "(N,)": (lambda: detective(nn.Flatten(0)), r"with \(2,\), not a logit", lambda: detective(nn.Flatten(0), *ENDED)),
    "(N, 1, 2, 2)": (
        lambda: detective(nn.Upsample(scale_factor=2)),
        r"with \(2, 1, 2, 2\)",
        lambda: detective(nn.Upsample(scale_factor=2), *ENDED),
    ),
    "ten opinions": (
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10)),
        r"nn.Linear\(10, 1\)",
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10), nn.Linear(10, 1)),
    ),
    "a sigmoid": (
        lambda: detective(nn.Flatten(), nn.Sigmoid()),
        "ends with a sigmoid: leave it out",
        lambda: detective(nn.Flatten()),
    ),
    "a sigmoid and a new shape": (
        lambda: detective(nn.Sigmoid(), *ENDED),
        "ends with a sigmoid",
        lambda: detective(*ENDED),
    ),
    "a sigmoid in forward": (Told, "ends with a sigmoid", lambda: detective(nn.Flatten())),
    "our own with a sigmoid": (
        lambda: nn.Sequential(Discriminator(), nn.Sigmoid()),
        "ends with a sigmoid",
        Discriminator,
    ),
}


@pytest.mark.parametrize("name", PLAYERS)
def test_players_that_are_none_are_refused_in_a_sentence_that_can_be_followed(name, digits):
    give, words, advised = PLAYERS[name]
    with pytest.raises(ValueError, match=words) as refusal:
        GAN(*give())
    assert "\n" not in str(refusal.value)
    train(GAN(advised(), Discriminator(width=4)), digits, steps=1, batch_size=8)


@pytest.mark.parametrize("name", JUDGES)
def test_a_detective_without_one_logit_for_each_picture_is_refused(name, digits):
    give, words, advised = JUDGES[name]
    with pytest.raises(ValueError, match=words):
        GAN(Generator(width=4), give())
    train(GAN(Generator(width=4), advised()), digits, steps=1, batch_size=8)


def test_a_sigmoid_inside_a_detective_is_allowed(digits):
    inside = nn.Sequential(nn.Flatten(), nn.Linear(784, 9), nn.Sigmoid(), nn.Linear(9, 1))
    train(GAN(Generator(width=4), nn.DataParallel(inside)), digits, steps=1, batch_size=8)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"loss": nn.BCEWithLogitsLoss()}, r"loss=BCEWithLogitsLoss\(\) is no Loss: write loss=hinge without quotes"),
        ({"loss": "hinge"}, "loss='hinge' is no Loss"),
        ({"loss": (torch.mean, torch.mean)}, r"or Loss\(of_d, of_g\)"),
        ({"augment": "shift"}, "augment='shift' is no function of pictures: write augment=shift"),
        ({"augment": [cut_out]}, r"lambda images: cut_out\(shift\(images\)\)"),
        ({"d_lr": "0.1"}, "d_lr='0.1' must be a number, for example d_lr=0.003"),
        ({"g_lr": -0.1}, "g_lr=-0.1 must be a number"),
        ({"betas": 0.9}, r"betas=0.9: give two numbers from 0 to below 1, as in betas=\(0.5, 0.999\)"),
        ({"betas": (0.5, 1)}, r"betas=\(0.5, 1\): give two"),
        ({"d_steps": "2"}, "d_steps='2' must be a whole number"),
        ({"seed": "today"}, "seed='today' must be a whole number, for example seed=42"),
        ({"seed": 1.5}, "seed=1.5 must be a whole number"),
    ],
)
def test_rules_of_the_wrong_kind_are_refused_at_once(make_gan, rules, words):
    seed = rules.pop("seed", 0)
    with pytest.raises(ValueError, match=words):
        GAN(Generator(width=4), Discriminator(width=4), seed=seed, **rules)


@pytest.mark.parametrize("seed", [20261126120000, 10**30, -5, np.int64(20261126120000), True])
def test_any_whole_number_is_a_seed(digits, bits, same, seed):
    games = [GAN(MLPGenerator(width=4), MLPDiscriminator(width=4), seed=s) for s in (seed, int(seed), 7)]
    games[1].load_state_dict(games[0].state_dict())
    for game in games:
        train(game, digits, steps=5, batch_size=64)  # into the second epoch
    assert same(bits(games[0]), bits(games[1]))
    assert not torch.equal(games[0].fixed_z, games[2].fixed_z)


@pytest.mark.parametrize("seed", [0, 1, 42, 2**40, -3])
def test_the_order_of_the_pictures_is_the_one_it_always_was(seed):
    random = torch.Generator().manual_seed(seed * 1_000_003 + 2)
    assert order(50, seed, 2) == torch.randperm(50, generator=random).tolist()


def test_samples_take_z_as_people_have_it(make_gan):
    gan = make_gan()
    z = gan.fixed_z[:3]
    for same_z in (z.numpy(), z.double(), z.tolist(), z.numpy().astype(np.float64)):
        assert torch.equal(gan.sample(same_z), gan.sample(z))
    for count in (5, 5.0, np.int64(5)):
        assert len(gan.sample(count)) == 5


@pytest.mark.parametrize(
    ("z", "words"),
    [
        (torch.zeros(64), r"z of shape \(64,\).*z\[None\] one"),
        (torch.zeros(5, 100), r"z of shape \(5, 100\).*torch.randn\(5, 64\) is five z"),
        (torch.zeros(5, 1, 28, 28), r"z of shape \(5, 1, 28, 28\)"),
        ("64", "z='64' must be a whole number"),
        (0, "z=0 must be a whole number of at least 1"),
        (2.5, "z=2.5 must be a whole number"),
    ],
)
def test_a_z_that_is_none_is_refused_in_one_sentence(make_gan, z, words):
    with pytest.raises(ValueError, match=words) as refusal:
        make_gan().sample(z)
    assert "\n" not in str(refusal.value)


# The state


def test_a_saved_state_goes_on_in_a_new_gan(make_gan, digits, bits, same):
    whole, first, second = make_gan(), make_gan(), make_gan(seed=5)
    train(whole, digits, steps=9)
    train(first, digits, steps=4)
    saved = io.BytesIO()
    torch.save(first.state_dict(), saved)
    train(first, digits, steps=7)  # must not leak into what was saved
    saved.seek(0)
    second.load_state_dict(torch.load(saved, weights_only=True))
    train(second, digits, steps=9)
    assert same(bits(whole), bits(second))
    torch.testing.assert_close(whole.sample(whole.fixed_z), second.sample(second.fixed_z), rtol=0, atol=0)


def test_the_average_follows_the_generator(make_gan, digits):
    gan = make_gan()
    train(gan, digits, steps=1)
    for kept, new in zip(gan.average_generator.parameters(), gan.generator.parameters()):
        torch.testing.assert_close(kept, new)
    before = [p.clone() for p in gan.average_generator.parameters()]
    train(gan, digits, steps=2)
    for kept, old, new in zip(gan.average_generator.parameters(), before, gan.generator.parameters()):
        torch.testing.assert_close(kept, old + 10 / 11 * (new - old))


def test_the_same_z_gives_the_same_picture_alone_and_in_company(make_gan, digits):
    gan = make_gan()
    train(gan, digits, steps=3)
    together = gan.sample(gan.fixed_z)
    torch.testing.assert_close(gan.sample(gan.fixed_z[7:8])[0], together[7], rtol=1e-4, atol=1e-5)
    assert together.shape == (64, 1, 28, 28) and together.abs().max() <= 1
    assert gan.sample(300).shape == (300, 1, 28, 28)


def test_players_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=re.escape("(1, 32, 32)")):
        GAN(Generator(image_size=32), Discriminator(image_size=64))
    with pytest.raises(ValueError, match="same image_size and channels"):
        GAN(Generator(channels=3), Discriminator(channels=1))


def test_the_state_has_every_part_and_nothing_that_only_pickle_can_read(make_gan):
    state = make_gan().state_dict()
    values = {"step", "seen", "seconds", "seed", "fixed_z", "fixed_condition", "classes", "class_names", "random"}
    assert set(state) == {*PARTS, *values}


def test_a_state_of_another_game_is_told(make_gan, digits):
    gan = make_gan()
    assert gan.misfit(make_gan(seed=1).state_dict()) == ""  # nothing is lost: this one has not begun
    train(gan, digits, steps=1)
    assert gan.misfit(gan.state_dict()) == ""
    assert gan.misfit(make_gan(seed=1).state_dict()) == "began with another seed"
    assert "another width" in gan.misfit(GAN(Generator(width=8), Discriminator(width=4)).state_dict())
    assert "is built in another way" in gan.misfit({"step": 3})


@pytest.mark.parametrize("part", ["generator", "discriminator", "average_generator", "d_optimizer", "g_optimizer"])
def test_a_number_that_is_none_is_found_in_every_part(make_gan, digits, part):
    gan = make_gan()
    train(gan, digits, steps=1)
    assert gan.is_finite()
    broken = getattr(gan, part)
    memory = broken.state_dict() if isinstance(broken, nn.Module) else next(iter(broken.state.values()))
    with torch.no_grad():
        next(tensor for tensor in memory.values() if tensor.ndim).fill_(torch.nan)
    assert not gan.is_finite()


# Conditions: what both players are told about each picture


class ToldGenerator(nn.Module):
    """Draw a picture that is as bright as its label says: a toy, to see what arrives."""

    latent_dim = 3

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, z, labels):
        brightness = self.scale * (labels.float() / 5 - 1) + 0 * z.sum(1)
        return brightness[:, None, None, None].expand(-1, 1, 8, 8)


class ToldDiscriminator(nn.Module):
    """Compare the mean of a picture with its label; `told` keeps what it was asked."""

    def __init__(self):
        super().__init__()
        self.weight, self.told = nn.Parameter(torch.ones(1)), []

    def forward(self, images, labels):
        self.told.append((images.detach().mean((1, 2, 3)), labels))
        return (self.weight * images.mean((1, 2, 3)) * labels)[:, None]


def told_gan(**options):
    return GAN(ToldGenerator(), ToldDiscriminator(), fixed_condition=torch.arange(64) % 10, **options)


@pytest.fixture
def grey_squares():
    """20 pictures of one grey each, and the label that says which: 0 is black."""
    labels = torch.arange(20) % 10
    return (labels.float() / 5 - 1)[:, None, None, None] + torch.zeros(20, 1, 8, 8), labels


def test_a_condition_reaches_both_players_beside_its_own_picture(grey_squares):
    images, labels = grey_squares
    gan = told_gan(d_steps=2)
    gan.discriminator.told.clear()
    train(gan, images, conditions=labels, steps=3, batch_size=4)
    assert gan.step == 3 and len(gan.discriminator.told) == 3 * 5
    for i in range(0, 15, 5):  # a round: real, fake, real, fake for D's two turns; fake for G's
        means, told = zip(*gan.discriminator.told[i : i + 5])
        for real in (0, 2):
            torch.testing.assert_close(means[real], told[real].float() / 5 - 1)
        assert torch.equal(told[0], told[1]) and torch.equal(told[2], told[3])
        assert torch.equal(told[3], told[4]) and not torch.equal(told[1], told[3])


def test_a_picture_as_condition_arrives_as_it_is(digits):
    class Copy(ToldGenerator):
        def forward(self, z, pictures):
            return self.scale * pictures

    class Compare(ToldDiscriminator):
        def forward(self, images, pictures):
            self.told.append((images.detach(), pictures))
            return (self.weight * (images - pictures).mean((1, 2, 3)))[:, None]

    images = to_float(digits[:64])
    gan = GAN(Copy(), Compare(), fixed_condition=images)
    gan.discriminator.told.clear()
    train(gan, images, conditions=-images, steps=2, batch_size=4)
    real, condition = gan.discriminator.told[0]
    assert torch.equal(real, -condition)
    torch.testing.assert_close(gan.preview(), gan.average_generator.scale.detach() * images)


def test_samples_and_previews_are_drawn_for_their_conditions():
    gan = told_gan()
    torch.testing.assert_close(gan.preview().mean((1, 2, 3)), (torch.arange(64) % 10).float() / 5 - 1)
    fives = gan.sample(torch.zeros(300, 3), torch.full((300,), 5))
    assert fives.shape == (300, 1, 8, 8) and fives.abs().max() < 1e-6


def test_a_game_with_conditions_is_watched_saved_and_goes_on_exactly(grey_squares, tmp_path, bits, same, capsys):
    images, labels = grey_squares
    whole, view = told_gan(), LiveView()
    train(whole, images, conditions=labels, steps=9, batch_size=4, watch=view)
    assert view.film.frames[-1].shape == (64, 1, 8, 8)
    train(told_gan(), images, conditions=labels, steps=4, batch_size=4, checkpoint=tmp_path)
    again = told_gan()
    train(again, images, conditions=labels, steps=9, batch_size=4, checkpoint=tmp_path)
    assert "Going on from round 4" in capsys.readouterr().out
    assert same(bits(whole), bits(again))
    with pytest.raises(ValueError, match="learns from 20 other conditions"):
        train(told_gan(), images, conditions=labels.flip(0), steps=9, checkpoint=tmp_path)


@pytest.mark.parametrize("count", [0, 19, 21])
def test_conditions_that_do_not_fit_are_refused_in_one_sentence(make_gan, grey_squares, digits, count):
    conditions = torch.zeros(count, dtype=torch.long) if count else None
    with pytest.raises(ValueError, match=f"There are {count} conditions, and this game needs 20: one for each picture"):
        train(told_gan(), grey_squares[0], conditions=conditions, steps=1)
    if count:
        with pytest.raises(ValueError, match=f"There are {count} conditions, and this game needs 0"):
            train(make_gan(), digits, conditions=conditions, steps=1)
