"""A FastGAN-like for 64 pixels, written after the paper: Liu et al. 2021, 'Towards faster and stabilized GAN training'.

As there: skip-layer excitation in G, spectral norm, and a D that must also rebuild the real pictures which it sees. Not
as there: 64 pixels instead of 256 to 1,024, and what was rebuilt is compared by L1, not by a trained network (LPIPS).
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm


class Noise(nn.Module):
    """Add noise, the same for all maps of a picture; how much of it is learned, and none at first."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, maps):
        return maps + self.weight * torch.randn_like(maps[:, :1])


class Generator(nn.Module):
    """Draw pictures from noise: z (N, 256) -> images (N, 3, 64, 64) in [-1, 1]; width is the paper's ngf."""

    def __init__(self, *, width=64):
        super().__init__()
        self.latent_dim, maps = 256, [16 * width, 8 * width, 4 * width, 2 * width, 2 * width]  # 4, 8, ..., 64 pixels
        start = spectral_norm(nn.ConvTranspose2d(256, 2 * maps[0], 4, bias=False))
        self.start = nn.Sequential(nn.Unflatten(1, (256, 1, 1)), start, nn.BatchNorm2d(2 * maps[0]), nn.GLU(1))
        steps = [grow(maps[i], maps[i + 1], twice=i % 2 == 0) for i in range(4)]
        self.grow = nn.Sequential(*[layer for step in steps for layer in step])
        squeeze = conv(maps[0], maps[4], 4, padding=0), nn.SiLU(), conv(maps[4], maps[4], 1, padding=0)
        self.excite = nn.Sequential(*squeeze, nn.Sigmoid())  # the smallest sheet weighs the maps of the largest
        self.draw = nn.Sequential(conv(maps[4], 3), nn.Tanh())

    def forward(self, z):
        sheet = self.start(z)
        return self.draw(self.grow(sheet) * self.excite(sheet))


class Halve(nn.Module):
    """Halve a sheet in two ways, and take their mean: (N, before, H, W) -> (N, after, H / 2, W / 2)."""

    def __init__(self, before, after):
        super().__init__()
        main = [conv(before, after, 4, stride=2), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
        self.main = nn.Sequential(*main, conv(after, after), nn.BatchNorm2d(after), nn.LeakyReLU(0.2))
        direct = [nn.AvgPool2d(2), conv(before, after, 1, padding=0), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
        self.direct = nn.Sequential(*direct)

    def forward(self, maps):
        return (self.main(maps) + self.direct(maps)) / 2


class Discriminator(nn.Module):
    """Give each picture 25 logits, one for each patch: images (N, 3, 64, 64) -> (N, 25); width is the paper's ndf."""

    def __init__(self, *, width=64):
        super().__init__()
        w = width
        self.see = nn.Sequential(conv(3, w), nn.LeakyReLU(0.2), Halve(w, 2 * w), Halve(2 * w, 4 * w))  # (N, 4w, 16, 16)
        self.halve = Halve(4 * w, 8 * w)  # (N, 8w, 8, 8)
        name = conv(8 * w, 16 * w, 1, padding=0), nn.BatchNorm2d(16 * w), nn.LeakyReLU(0.2)
        self.name = nn.Sequential(*name, conv(16 * w, 1, 4, padding=0), nn.Flatten())  # (N, 25)
        self.decode, self.decode_part = decoder(8 * w, w), decoder(4 * w, w)

    def forward(self, images):
        return self.name(self.halve(self.see(images)))

    def rebuild(self, images):
        """Return the logits, and how badly D rebuilds the pictures from 8 x 8, and a quarter of them from 16 x 16."""
        sheet = self.see(images)
        small = self.halve(sheet)
        y, x = (int(side) for side in torch.randint(2, (2,)))
        quarter = images[:, :, 32 * y : 32 * y + 32, 32 * x : 32 * x + 32]
        part = self.decode_part(sheet[:, :, 8 * y : 8 * y + 8, 8 * x : 8 * x + 8])
        wrong = F.l1_loss(self.decode(small), images) + F.l1_loss(part, F.interpolate(quarter, 64))
        return self.name(small), wrong


def conv(before, after, size=3, *, stride=1, padding=1):
    """Make a convolution whose strength is always 1, so that the start of its weights does not matter."""
    return spectral_norm(nn.Conv2d(before, after, size, stride, padding, bias=False))


def grow(before, after, *, twice=False):
    """List the layers that double a sheet: (N, before, H, W) -> (N, after, 2 H, 2 W); half of the maps are gates."""
    noise = [Noise()] if twice else []
    layers = [nn.Upsample(scale_factor=2), conv(before, 2 * after), *noise, nn.BatchNorm2d(2 * after), nn.GLU(1)]
    return layers + ([conv(after, 2 * after), Noise(), nn.BatchNorm2d(2 * after), nn.GLU(1)] if twice else [])


def decoder(before, width):
    """Make the small generator that rebuilds: (N, before, 8, 8) -> (N, 3, 64, 64) in [-1, 1]."""
    steps = grow(before, 2 * width), grow(2 * width, width), grow(width, width)
    return nn.Sequential(*[layer for step in steps for layer in step], conv(width, 3), nn.Tanh())
