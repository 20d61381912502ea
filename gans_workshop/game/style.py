"""A generator with a style for each size: the coarse sizes decide the shape, the fine ones the colours."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from gans_workshop.device import dice
from gans_workshop.files.datasets import DATA
from gans_workshop.game.images import check, whole
from gans_workshop.game.models import double, small_weights, staircase


class StyleGenerator(nn.Module):
    """Draw pictures from a learned sheet that is the same for all, and change it at each size as a style w says.

    `image_size` is a multiple of 4 from 16 to 256; `width` is the number of feature maps at the full size. While it
    learns, half of the pictures of a batch take their finer styles from a neighbour, so that each size learns to stand
    alone, and the noise is new each time; afterwards it stays the same.
    Shapes at 64 pixels: z (N, latent_dim) -> to_w (N, 5, latent_dim): a style for 4, 8, 16, 32 and 64 pixels -> draw:
        constant (N, 8w, 4, 4) -> Level (N, 8w, 4, 4) -> Level (N, 8w, 8, 8) -> Level (N, 4w, 16, 16) ->
        Level (N, 2w, 32, 32) -> Level (N, w, 64, 64) -> Conv2d, Tanh (N, channels, 64, 64), between -1 and 1
    Raises: ValueError: 'image_size=...', 'z has the shape ...', 'The styles w have the shape ...'
    Source: Karras et al. 2019, with one convolution for each size instead of two.
    """

    def __init__(self, *, image_size=64, channels=3, latent_dim=64, width=16):
        super().__init__()
        self.latent_dim = whole("latent_dim", latent_dim)
        sizes = staircase(image_size)[::-1]  # 64: 4, 8, 16, 32, 64
        maps = double(width, len(sizes))[::-1]  # 64: 8w, 8w, 4w, 2w, w
        layers = [layer for _ in range(3) for layer in (SlowLinear(latent_dim), nn.LeakyReLU(0.2))]
        self.mapping = nn.Sequential(*layers)  # (N, latent_dim)
        self.constant = nn.Parameter(torch.randn(1, maps[0], sizes[0], sizes[0]))
        levels = [Level(maps[0], maps[0], sizes[0], latent_dim, first=True)]
        levels += [Level(*those, latent_dim) for those in zip(maps, maps[1:], sizes[1:])]
        self.levels = nn.ModuleList(levels)
        self.paint = small_weights(nn.Sequential(nn.Conv2d(maps[-1], channels, 3, padding=1), nn.Tanh()))

    def forward(self, z):
        w = self.to_w(z)
        return self.draw(mix_with_neighbours(w) if self.training else w)

    def to_w(self, z):
        """Turn z (N, latent_dim), of which only the direction counts, into styles w (N, sizes, latent_dim)."""
        found = tuple(z.shape)
        check(
            found[1:] == (self.latent_dim,), f"z has the shape {found}, not (N, {self.latent_dim}): z[None] is one z."
        )
        w = self.mapping(F.normalize(z, dim=1) * self.latent_dim**0.5)
        return w[:, None].expand(-1, len(self.levels), -1)

    def draw(self, w):
        """Draw pictures (N, channels, H, W) in [-1, 1] from a style for each size, w (N, sizes, latent_dim)."""
        found, needed = tuple(w.shape), (len(self.levels), self.latent_dim)
        hint = f"G.to_w(z) makes them, and w[None] is one where w has the shape {needed}"
        check(found[1:] == needed, f"The styles w have the shape {found}, not (N, {needed[0]}, {needed[1]}): {hint}.")
        sheets = self.constant.expand(len(w), -1, -1, -1)
        for level, style in zip(self.levels, w.unbind(1)):
            sheets = level(sheets, style)
        return self.paint(sheets)


def load_style_network():
    """Load the style network for faces of 64 pixels that comes with the package, made by `tools/train_style.py`."""
    with np.load(DATA / "style.npz") as weights:
        network = StyleGenerator(width=weights["paint.0.weight"].shape[1])
        network.load_state_dict({name: torch.from_numpy(values).float() for name, values in weights.items()})
    print("It learned from toon-head by Johan Melin, licence CC BY 4.0: say so where you show what you made.")
    return network.eval().requires_grad_(False)


class Level(nn.Module):
    """Double the sheets, but `first` only take them, add noise, and give each sheet a strength and a level from w.

    Shapes: sheets (N, before, H / 2, W / 2), w (N, latent_dim) -> (N, after, H, W)
    """

    def __init__(self, before, after, size, latent_dim, *, first=False):
        super().__init__()
        odd = {"stride": 2, "padding": 1, "output_padding": size % 2, "bias": False}
        self.grow = nn.Identity() if first else nn.ConvTranspose2d(before, after, 4, **odd)
        self.noise_strength = nn.Parameter(torch.zeros(after, 1, 1))
        self.register_buffer("noise", torch.randn(1, 1, size, size, generator=dice(size), device="cpu"))
        self.style = nn.Linear(latent_dim, 2 * after)
        small_weights(self)

    def forward(self, sheets, w):
        sheets = self.grow(sheets)
        noise = torch.randn_like(sheets[:, :1]) if self.training else self.noise
        strength, level = self.style(w)[..., None, None].chunk(2, 1)
        sheets = F.instance_norm(sheets + self.noise_strength * noise)  # each sheet: mean 0, spread 1
        return F.leaky_relu(sheets * (1 + strength) + level, 0.2)


class SlowLinear(nn.Module):
    """A layer (N, size) -> (N, size) that learns at a tenth of the rate, as in Karras et al. 2019, appendix B.

    What it stores is ten times what it uses, so a step of the optimizer moves it by a tenth.
    """

    def __init__(self, size):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.empty(size, size)), nn.Parameter(torch.zeros(size))
        nn.init.kaiming_normal_(self.weight, 0.2)
        with torch.no_grad():
            self.weight *= 10

    def forward(self, x):
        return F.linear(x, self.weight / 10, self.bias / 10)


def mix_with_neighbours(w):
    """Let half of the pictures take their finer styles from the next one, from a random size on: w (N, sizes, dim)."""
    sizes = w.shape[1]
    begin = torch.randint(1, 2 * sizes - 1, (len(w), 1, 1), device=w.device)  # from `sizes` on: nothing is mixed
    return torch.where(torch.arange(sizes, device=w.device)[:, None] < begin, w, w.roll(1, 0))
