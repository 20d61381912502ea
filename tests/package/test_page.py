"""The web page of a trained GAN: it draws what PyTorch draws, does what a person asks, and asks nobody for anything."""

import base64
import html
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from gans_workshop import GAN, Discriminator, Generator, LiveView, MLPDiscriminator, MLPGenerator, save_page, train
from gans_workshop.game.models import Skip
from tools import ROOT, load_notebook, load_script

WORKSHOP = load_script("workshop.py")
PAGE = ROOT / "tests" / "platforms" / "browser" / "page.mjs"
PARTS = ROOT / "gans_workshop" / "view" / "page"


@pytest.fixture(scope="session")
def visit(need, tmp_path_factory):
    """Return a function that opens pages in a browser and returns what each job (see page.mjs) has seen."""
    need(shutil.which("node"), "Node (nodejs.org)")
    need((ROOT / "presentation" / "node_modules" / "playwright-core").is_dir(), "`npm ci --prefix presentation`")
    try:
        browser = WORKSHOP.find_browser()
    except WORKSHOP.Problem:
        browser = None
    need(browser, "Chrome, Chromium or Edge")

    def go(*jobs):
        path = tmp_path_factory.mktemp("jobs") / "jobs.json"
        path.write_text(json.dumps([{**job, "path": str(job["path"])} for job in jobs]), encoding="utf-8")
        command = ["node", PAGE, browser, path]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=300)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return go


# Networks of every kind, as if they had lived


class Told(nn.Module):
    """A generator that is told a class, or several, as those of notebook 07: one-hot labels stand behind z."""

    def __init__(self, classes):
        super().__init__()
        self.latent_dim, self.classes = 16, classes
        self.counts = (classes,) if isinstance(classes, int) else classes
        layers = [nn.Linear(16 + sum(self.counts), 8 * 7 * 7), nn.Unflatten(1, (8, 7, 7)), nn.BatchNorm2d(8), nn.ReLU()]
        layers += [nn.ConvTranspose2d(8, 4, 4, 2, 1, bias=False), nn.BatchNorm2d(4), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(
            *layers, nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(4, 3, 3, 1, 1), nn.Tanh()
        )

    def forward(self, z, labels):
        columns = labels.reshape(len(z), -1).unbind(1)
        one_hot = [nn.functional.one_hot(column, count) for column, count in zip(columns, self.counts)]
        return self.layers(torch.cat([z, *one_hot], 1))


class UNet(nn.Module):
    """A small one of pix2pix: it takes a picture, and each stair sees its twin."""

    def __init__(self, channels=3):
        super().__init__()
        self.latent_dim = 1
        deep = [
            nn.Conv2d(8, 16, 4, 2, 1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.ConvTranspose2d(16, 8, 4, 2, 1),
        ]
        inner = Skip(*deep, nn.BatchNorm2d(8), nn.ReLU())  # (N, 16, 16, 16)
        outer = Skip(
            nn.Conv2d(channels, 8, 4, 2, 1),
            nn.LeakyReLU(0.2),
            inner,
            nn.BatchNorm2d(16),
            nn.ConvTranspose2d(16, 8, 4, 2, 1),
        )
        self.layers = nn.Sequential(outer, nn.Conv2d(8 + channels, 3, 3, 1, 1), nn.Sigmoid(), nn.Identity())

    def forward(self, z, pictures):
        return self.layers(pictures)


class Judge(nn.Module):
    """A detective for any game."""

    def __init__(self, channels):
        super().__init__()
        self.layers = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1))

    def forward(self, images, condition=None):
        return self.layers(images)


def lived(network, spread=0.15):
    """Give a network weights and statistics as after a training: neither zero nor one."""
    dice = torch.Generator().manual_seed(1)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.running_mean.copy_(0.3 * torch.randn(layer.running_mean.shape, generator=dice))
            layer.running_var.copy_(torch.rand(layer.running_var.shape, generator=dice) + 0.3)
            layer.bias.data.copy_(0.3 * torch.randn(layer.bias.shape, generator=dice))
        elif hasattr(layer, "weight"):
            layer.weight.data.copy_(torch.randn(layer.weight.shape, generator=dice) * spread)
    return network


def dcgan(size, channels, width):
    pair = Generator(image_size=size, channels=channels, width=width), Discriminator(image_size=size, channels=channels)
    return GAN(lived(pair[0]), pair[1])


def texture():
    book = load_notebook("05")
    return GAN(lived(book.TextureGenerator()), book.make_texture_detective())


def told(classes):
    generator = lived(Told(classes))
    labels = torch.stack([torch.arange(64) % count for count in generator.counts], 1)
    return GAN(generator, Judge(3), fixed_condition=labels[:, 0] if isinstance(classes, int) else labels)


def pictures(channels=3):
    sketches = (torch.arange(64 * channels * 32 * 32).reshape(64, channels, 32, 32) % 251) / 125 - 1
    return GAN(lived(UNet(channels)), Judge(3), fixed_condition=sketches)


KINDS = {
    "28/1": lambda: dcgan(28, 1, 16),
    "32/3": lambda: dcgan(32, 3, 16),
    "64/3": lambda: dcgan(64, 3, 16),
    "MLP": lambda: GAN(lived(MLPGenerator()), MLPDiscriminator()),
    "texture": texture,
    "ten classes": lambda: told(10),
    "four attributes": lambda: told((5, 5, 4, 6)),
    "picture": pictures,
    "grey picture": lambda: pictures(1),
}
DRAW = "return await page.evaluate((xs) => [net.engine, xs.map((x) => Array.from(draw(net, x)))], input)"


@pytest.fixture(scope="session")
def kept(tmp_path_factory):
    """Return a function that makes the page of a kind, once: (path, GAN)."""
    made = {}

    def make(kind):
        if kind not in made:
            gan = KINDS[kind]()
            made[kind] = save_page(tmp_path_factory.mktemp("pages") / "page.html", gan, title=kind), gan
        return made[kind]

    return make


def about(path):
    return json.loads(re.search(r'id="about">(.*?)</script>', path.read_text(encoding="utf-8"))[1])


def given_and_wanted(gan):
    """What the first layer is given for three z or pictures, as lists, and the pictures that PyTorch draws."""
    condition, z = gan.fixed_condition, gan.fixed_z[5:8]
    if condition is None:
        return z.tolist(), gan.sample(z)
    if condition.ndim == 4:
        return condition[5:8].flatten(1).tolist(), gan.sample(z, condition[5:8])
    columns = condition[5:8].reshape(3, -1).unbind(1)
    one_hot = [nn.functional.one_hot(column, count) for column, count in zip(columns, gan.generator.counts)]
    return torch.cat([z, *one_hot], 1).tolist(), gan.sample(z, condition[5:8])


@pytest.fixture(scope="session")
def drawn(kept, visit):
    """What each kind of network has drawn with both engines, {kind: [seen with the kernel, seen without]}."""
    pages = {kind: (kept(kind)[0], given_and_wanted(kept(kind)[1])[0]) for kind in KINDS}
    jobs = [{"path": path, "steps": DRAW, "input": given, "plain": p} for path, given in pages.values() for p in (0, 1)]
    seen = visit(*jobs)
    return {kind: seen[2 * i : 2 * i + 2] for i, kind in enumerate(KINDS)}


@pytest.mark.parametrize("kind", KINDS)
def test_both_engines_draw_what_pytorch_draws(kind, kept, drawn):
    _, wanted = given_and_wanted(kept(kind)[1])
    assert [one["value"][0] for one in drawn[kind]] == ["WebAssembly", "JavaScript"]
    for one in drawn[kind]:
        assert one["requests"] == one["errors"] == []
        pictures = torch.tensor(one["value"][1]).reshape(wanted.shape)
        assert (pictures - wanted).abs().max() < 1 / 127.5, "one grey level"
    assert wanted.std() > 0.1, "a flat picture would prove nothing"
