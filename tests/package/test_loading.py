"""A trained GAN comes back from its checkpoint, on any machine and without its pictures."""

import hashlib
import io
import os
import pickle
import shutil
import sys
import types
import zipfile

import pytest
import torch
from torch import nn

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    MLPDiscriminator,
    MLPGenerator,
    hinge,
    load_gan,
    save_gif,
    seed_everything,
    train,
    walk,
)
from gans_workshop.files import checkpoints, workspace
from gans_workshop.game.loading import _rebuild
from tools import ROOT

OLD = ROOT / "tests" / "data" / "step-000000005.checkpoint"  # written at commit 431069a


@pytest.fixture
def trained(digits, tmp_path):
    """Return a function that trains a GAN of these players on 50 digits, saved in `models`."""

    def play(players=None, *, steps=3, **options):
        seed_everything(3)
        players = players or (MLPGenerator(width=16, latent_dim=5), MLPDiscriminator(width=12))
        gan = GAN(*players, seed=5, **options)
        train(gan, digits[:50], steps=steps, batch_size=16, checkpoint=tmp_path / "models")
        return gan

    return play


class OwnGenerator(nn.Module):
    def __init__(self):
        super().__init__()
        self.latent_dim = 5
        self.only = nn.Linear(5, 28 * 28)

    def forward(self, z):
        return self.only(z).tanh().view(-1, 1, 28, 28)


def own_discriminator():
    return nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 1))


# The networks


SIZES = [(16, 1), (28, 1), (32, 3), (36, 3), (64, 3), (128, 1), (256, 3)]


@pytest.mark.parametrize(("size", "channels"), SIZES)
@pytest.mark.parametrize("kinds", [(Generator, Discriminator), (MLPGenerator, MLPDiscriminator)])
@pytest.mark.parametrize(("width", "latent_dim"), [(2, 64), (8, 8), (16, 1), (6, 24)])
def test_the_networks_of_the_package_are_known_by_their_shapes(kinds, size, channels, width, latent_dim):
    generator = kinds[0](image_size=size, channels=channels, width=width, latent_dim=latent_dim)
    discriminator = kinds[1](image_size=size, channels=channels, width=width)
    random = torch.get_rng_state()
    for network, all_kinds in (
        (generator, (Generator, MLPGenerator)),
        (discriminator, (Discriminator, MLPDiscriminator)),
    ):
        found = _rebuild(all_kinds, network.state_dict(), [channels, size, size], {})
        assert type(found) is type(network)
        assert all(torch.equal(a, b) for a, b in zip(found.state_dict().values(), network.state_dict().values()))
    assert torch.equal(random, torch.get_rng_state()), "looking throws no dice"


def test_the_forms_of_the_recipe_for_colour_are_known_too():
    shape = {"image_size": 64, "channels": 3, "width": 4}
    for network in (Generator(**shape, smooth=False), Generator(**shape, smooth=False, classes=(2, 3))):
        more = {"classes": network.classes} if network.classes else {}
        found = _rebuild((Generator, MLPGenerator), network.state_dict(), [3, 64, 64], more)
        assert str(found) == str(network) and found.latent_dim == 64
    network = Discriminator(**shape, norm=False)
    found = _rebuild((Discriminator, MLPDiscriminator), network.state_dict(), [3, 64, 64], {})
    assert str(found) == str(network)


# What it can do


def test_it_draws_what_the_trained_one_draws(trained, tmp_path, bits, same, capsys):
    gan = trained(d_lr=1e-4, g_lr=2e-4, betas=(0.4, 0.99))
    (file,) = (tmp_path / "models").iterdir()
    shutil.copy(file, tmp_path / "my best one.bin")  # any name, anywhere
    capsys.readouterr()
    for place in (tmp_path / "models", str(tmp_path / "models"), file, tmp_path / "my best one.bin"):
        loaded = load_gan(place)
        assert same(bits(gan), bits(loaded)) and loaded.seconds == gan.seconds
        assert torch.equal(gan.preview(), loaded.preview())
        assert torch.equal(gan.sample(gan.fixed_z[:5]), loaded.sample(gan.fixed_z[:5]))
        groups = [getattr(loaded, name).param_groups[0] for name in ("d_optimizer", "g_optimizer")]
        assert [(group["lr"], group["betas"]) for group in groups] == [(1e-4, (0.4, 0.99)), (2e-4, (0.4, 0.99))]
        assert "A GAN of 3 rounds (0.0 minutes of training), drawing (1, 28, 28)." in capsys.readouterr().out
    film = save_gif(tmp_path / "walk.gif", loaded.sample(walk(loaded.fixed_z[:3], steps=2))[:, None])
    assert film.stat().st_size > 100


def test_it_learns_on_exactly_where_the_trained_one_stopped(trained, digits, tmp_path, bits, same, capsys):
    def noise(images):  # which draws from PyTorch's own random numbers
        return images + 0.05 * torch.randn(images.shape)

    trained(augment=noise, loss=hinge, d_steps=2)
    torch.rand(7)  # a look in between
    loaded = load_gan(tmp_path / "models")
    loaded.loss, loaded.augment, loaded.d_steps = hinge, noise, 2  # as the docstring says
    train(loaded, digits[:50], steps=6, batch_size=16, checkpoint=tmp_path / "models")
    assert "Going on from round 3" in capsys.readouterr().out
    shutil.rmtree(tmp_path / "models")
    whole = trained(augment=noise, loss=hinge, d_steps=2, steps=6)
    assert same(bits(whole), bits(loaded))


def test_it_learns_on_from_other_pictures_in_another_folder(trained, digits, tmp_path):
    trained()
    loaded = load_gan(tmp_path / "models")
    before = sorted((tmp_path / "models").iterdir())
    train(loaded, digits[50:], steps=5, batch_size=16, checkpoint=tmp_path / "others")
    assert loaded.step == 5 and sorted((tmp_path / "models").iterdir()) == before
    assert load_gan(tmp_path / "others").step == 5


def test_the_newest_good_one_of_a_folder_is_taken(trained, tmp_path, capsys):
    trained(steps=2)
    trained(steps=4)
    newest = tmp_path / "models" / "step-000000004.checkpoint"
    newest.write_bytes(newest.read_bytes()[:-1])
    assert load_gan(tmp_path / "models").step == 2
    assert f"{newest} is damaged: the one before is used" in capsys.readouterr().out


def test_a_gan_of_november_2026_is_loaded_as_well(tmp_path):
    for place in (OLD, OLD.parent):
        gan = load_gan(place)
        assert gan.step == 5 and gan.sample(3).shape == (3, 1, 16, 16) and gan.generator.latent_dim == 8
        assert gan.fixed_condition is None


def test_an_old_training_goes_on_with_its_pictures_in_another_order_as_its_refusal_says(digits, tmp_path):
    from gans_workshop import load_digits

    images = load_digits()[0][:50, :, 6:22, 6:22].flip(0)
    shutil.copy(OLD, tmp_path)
    make = (lambda: Generator(image_size=16, width=2, latent_dim=8)), (lambda: Discriminator(image_size=16, width=2))
    with pytest.raises(
        ValueError, match=r"or from these in another order.*load_gan goes on with it\. Nothing there was"
    ):
        train(GAN(make[0](), make[1]()), images, steps=6, checkpoint=tmp_path)
    gan = load_gan(tmp_path)
    train(gan, images, steps=6, batch_size=16, checkpoint=tmp_path / "on")
    assert gan.step == 6


def test_one_made_on_a_gpu_is_loaded_on_a_processor(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
    trained()
    monkeypatch.undo()
    (file,) = (tmp_path / "models").iterdir()
    assert b"cuda:0" in file.read_bytes()
    assert load_gan(file).preview().device.type == "cpu"


def test_conditions_come_back_with_it(digits, tmp_path):
    class Told(OwnGenerator):
        def forward(self, z, labels):
            return super().forward(z) + 0 * labels[:, None, None, None]

    class Judge(nn.Module):
        def __init__(self):
            super().__init__()
            self.only = nn.Linear(28 * 28, 1)

        def forward(self, images, labels):
            return self.only(images.flatten(1))

    labels = torch.arange(64) % 10
    gan = GAN(Told(), Judge(), fixed_condition=labels)
    train(gan, digits[:64], conditions=labels, steps=2, batch_size=16, checkpoint=tmp_path)
    loaded = load_gan(tmp_path, generator=Told(), discriminator=Judge())
    assert torch.equal(loaded.fixed_condition, labels) and torch.equal(loaded.preview(), gan.preview())


def test_in_colab_the_copy_on_its_own_disk_is_enough(digits, tmp_path, monkeypatch, bits, same):
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    monkeypatch.setattr(workspace, "DRIVE", tmp_path / "drive")
    folder = tmp_path / "drive" / "cats-models"
    folder.parent.mkdir()
    gan = GAN(MLPGenerator(width=8), MLPDiscriminator(width=8))
    train(gan, digits[:50], steps=2, checkpoint=folder)
    shutil.rmtree(folder)
    assert same(bits(gan), bits(load_gan(folder)))
    shutil.rmtree(tmp_path / "drive")
    assert same(bits(gan), bits(load_gan(folder)))
    with pytest.raises(OSError, match=r"dogs-models cannot be read \(Drive is not connected\): nothing was changed"):
        load_gan(tmp_path / "drive" / "dogs-models")


# Networks of one's own


def test_networks_of_ones_own_are_given(trained, tmp_path, bits, same):
    gan = trained((OwnGenerator(), own_discriminator()))
    with pytest.raises(
        ValueError, match=r"networks that are not the package's: make them as .* load_gan\(\.\.\., gen"
    ) as no:
        load_gan(tmp_path / "models")
    assert str(no.value).count(". ") == 0
    for own in ({"generator": OwnGenerator()}, {"discriminator": own_discriminator()}):
        with pytest.raises(ValueError, match="not the package's"):
            load_gan(tmp_path / "models", **own)
    loaded = load_gan(tmp_path / "models", generator=OwnGenerator(), discriminator=own_discriminator())
    assert same(bits(gan), bits(loaded))


def test_one_network_of_ones_own_is_enough_where_the_other_is_the_packages(trained, tmp_path, bits, same):
    gan = trained((OwnGenerator(), Discriminator(width=4)))
    assert same(bits(gan), bits(load_gan(tmp_path / "models", generator=OwnGenerator())))


def test_networks_that_do_not_fit_are_refused_in_one_sentence(trained, tmp_path):
    trained()
    with pytest.raises(ValueError, match=r"is built in another way .*: make generator and discriminator as for its"):
        load_gan(tmp_path / "models", generator=MLPGenerator(width=8, latent_dim=5))


# What is no checkpoint


class Hostile:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def foreign(kind, marker):
    """The content of a file that no training wrote."""
    buffer = io.BytesIO()
    if kind == "of PyTorch":
        torch.save({"generator": torch.ones(3)}, buffer)
    elif kind == "hostile":
        buffer.write(pickle.dumps(Hostile(marker)))
    elif kind == "hostile with our header":
        content = pickle.dumps({"gan": Hostile(marker)})
        buffer.write(checkpoints.HEADER + hashlib.sha256(content).digest() + content)
    elif kind == "cut short":
        buffer.write(OLD.read_bytes()[:-9])
    elif kind == "changed":
        content = bytearray(OLD.read_bytes())
        content[5000] ^= 1
        buffer.write(content)
    elif kind == "text":
        buffer.write(b"my notes")
    return buffer.getvalue()


KINDS = ["of PyTorch", "hostile", "hostile with our header", "cut short", "changed", "text", "empty"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_no_whole_checkpoint_is_refused_and_runs_no_code(kind, tmp_path):
    path, marker = tmp_path / "step-000000009.checkpoint", tmp_path / "was here"
    path.write_bytes(foreign(kind, marker))
    with pytest.raises(
        ValueError, match=r"is damaged, or no checkpoint of this workshop.*\. Give the folder that train"
    ):
        load_gan(path)
    with pytest.raises(ValueError, match=r"holds no whole checkpoint\. Give the folder"):
        load_gan(tmp_path)
    assert not marker.exists()


def test_the_checkpoint_of_another_kind_of_game_is_no_gan(tmp_path):
    state = checkpoints.read(OLD)
    for gan in (
        {"step": 3, "generator_ab": {}},
        state["gan"] | {"generator": {"a": torch.ones(1).expand(10**9, 10**9)}},
    ):
        buffer = io.BytesIO()
        torch.save(state | {"gan": gan}, buffer)
        whole = checkpoints.HEADER + hashlib.sha256(buffer.getvalue()).digest() + buffer.getvalue()
        (tmp_path / "step-000000003.checkpoint").write_bytes(whole)
        with pytest.raises(ValueError, match="has networks that are not the package's"):
            load_gan(tmp_path)


def test_other_wrong_places_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for place in ("nowhere", tmp_path / "nowhere.checkpoint", "~/nowhere at all"):
        with pytest.raises(ValueError, match=r"nowhere.* does not exist\. Give the folder that train"):
            load_gan(place)
    assert os.listdir(tmp_path) == [], "looking makes no folder"
    for place in (None, "", ["models"], 5, "https://drive.google.com/x"):
        with pytest.raises(ValueError, match="names no folder or file of this machine"):
            load_gan(place)
    with zipfile.ZipFile("models.zip", "w") as archive:
        archive.write(OLD, OLD.name)
    with pytest.raises(ValueError, match="a ZIP must be unpacked first"):
        load_gan("models.zip")
    shutil.unpack_archive("models.zip", "unpacked")
    assert load_gan("unpacked").step == 5  # what it advises


def test_the_folder_above_points_to_those_inside(trained, tmp_path):
    trained()
    (tmp_path / "cats-models").mkdir()
    (tmp_path / "models").rename(tmp_path / "cats-models" / "32-pixels-50-pictures")
    with pytest.raises(ValueError, match="holds no whole checkpoint itself, but look into 32-pixels-50-pictures"):
        load_gan(tmp_path / "cats-models")
    assert load_gan(tmp_path / "cats-models" / "32-pixels-50-pictures").step == 3


def test_a_locked_file_is_named(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(checkpoints, "read", refuse)
    for place in (shutil.copy(OLD, tmp_path), tmp_path):
        with pytest.raises(OSError, match=r"cannot be read \(Permission denied\): nothing was changed"):
            load_gan(place)
