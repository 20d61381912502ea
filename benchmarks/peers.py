"""Well-known DCGAN settings for digits, re-expressed as networks for our own training loop.

Their defaults are meant for many epochs on a GPU. Side by side at equal CPU time they tell what a student on a laptop
would see, not that they are worse GANs.
"""

from itertools import pairwise

import torch
from torch import nn


class Player(nn.Sequential):
    """A stack of layers that knows how long a z is, as `GAN` asks of a generator."""

    latent_dim = 100


def normal_init(network):
    """Draw all weights as Radford et al. 2016 do: N(0, 0.02), batch norm around 1."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1, 0.02)
    return network


def examples_dcgan(channels=1):
    """Make the 64-pixel DCGAN of pytorch/examples (ngf = ndf = 64, z of 100): generator, discriminator."""
    maps = [512, 256, 128, 64]
    g = [nn.Unflatten(1, (100, 1, 1)), nn.ConvTranspose2d(100, 512, 4, bias=False), nn.BatchNorm2d(512), nn.ReLU()]
    for before, after in pairwise(maps):
        g += [nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    g += [nn.ConvTranspose2d(64, channels, 4, 2, 1, bias=False), nn.Tanh()]
    d = [nn.Conv2d(channels, 64, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for after, before in reversed([*pairwise(maps)]):
        d += [nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
    d += [nn.Conv2d(512, 1, 4, bias=False), nn.Flatten()]
    return normal_init(Player(*g)), normal_init(nn.Sequential(*d))


def pytorch_gan_dcgan():
    """Make the 32-pixel DCGAN of PyTorch-GAN (z of 100, upsampling, dropout in D): generator, discriminator."""
    g = [nn.Linear(100, 128 * 8 * 8), nn.Unflatten(1, (128, 8, 8)), nn.BatchNorm2d(128)]
    for before, after in ((128, 128), (128, 64)):
        g += [nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1)]
        g += [nn.BatchNorm2d(after, 0.8), nn.LeakyReLU(0.2)]
    g += [nn.Conv2d(64, 1, 3, padding=1), nn.Tanh()]
    d = []
    for before, after in ((1, 16), (16, 32), (32, 64), (64, 128)):
        d += [nn.Conv2d(before, after, 3, 2, 1), nn.LeakyReLU(0.2), nn.Dropout2d(0.25)]
        d += [nn.BatchNorm2d(after, 0.8)] if before > 1 else []
    d += [nn.Flatten(), nn.Linear(128 * 2 * 2, 1)]
    return normal_init(Player(*g)), normal_init(nn.Sequential(*d))


def textbook_dcgan():
    """Make the 28-pixel DCGAN of many tutorials (7 x 7 x 128, width 64): generator, discriminator."""
    g = Player(
        nn.Linear(100, 128 * 7 * 7, bias=False),
        nn.Unflatten(1, (128, 7, 7)),
        nn.BatchNorm2d(128),
        nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 1, 4, 2, 1),
        nn.Tanh(),
    )
    d = nn.Sequential(
        nn.Conv2d(1, 64, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(64, 128, 4, 2, 1, bias=False),
        nn.BatchNorm2d(128),
        nn.LeakyReLU(0.2),
        nn.Flatten(),
        nn.Linear(128 * 7 * 7, 1),
    )
    return normal_init(g), normal_init(d)


# name: (networks, picture size, learning rate of Adam); all take batches of 64 and beta1 = 0.5
PEERS = {
    "pytorch/examples DCGAN, 64 px": (examples_dcgan, 64, 2e-4),
    "PyTorch-GAN dcgan, 32 px": (pytorch_gan_dcgan, 32, 2e-4),
    "textbook DCGAN, 28 px": (textbook_dcgan, 28, 2e-4),
}


@torch.no_grad()
def draw_as_trained(gan, count):
    """Draw pictures (count, C, H, W) as the peers' scripts do: with G itself, and batch norm as in training."""
    gan.generator.train()
    z = torch.randn(count, gan.generator.latent_dim).to(gan.device)
    return torch.cat([gan.generator(part) for part in z.split(100)])


def resize(images, size):
    """Bring pictures (N, C, H, W), uint8 or float, to another size, smoothly; their type stays."""
    if images.shape[-1] == size:
        return images
    pixels = nn.functional.interpolate(images.float(), size=(size, size), mode="bilinear", antialias=True)
    return pixels.round().to(torch.uint8) if images.dtype == torch.uint8 else pixels
