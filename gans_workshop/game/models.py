"""The players: a generator and a discriminator of convolutions (DCGAN), and a plain pair without (MLP)."""

from contextlib import contextmanager

import torch
from torch import nn

from gans_workshop.game.images import check, whole
from gans_workshop.game.labels import counts, plain, to_weights


class Generator(nn.Module):
    """Draw pictures from noise, from a coarse sheet to a fine one: the criminal.

    `image_size` is a multiple of 4 from 16 to 256; w is `width`, the number of feature maps at the full size. With
    `classes`, one number or several, it draws what it is told: labels or mixtures, as `labels.to_weights` takes them.
    Without `smooth` the last transposed convolution draws the picture itself, as in the paper: rounds are shorter.
    Shapes at 28 pixels: z (N, latent_dim) -> Linear (N, 4w, 7, 7) -> grow (N, 2w, 14, 14) -> grow (N, w, 28, 28) ->
        Conv2d, Tanh (N, channels, 28, 28), between -1 and 1
    Shapes at 64 pixels: z (N, latent_dim) -> Linear (N, 8w, 4, 4) -> grow (N, 8w, 8, 8) -> grow (N, 4w, 16, 16) ->
        grow (N, 2w, 32, 32) -> grow (N, w, 64, 64) -> Conv2d, Tanh (N, channels, 64, 64), between -1 and 1
    Raises: ValueError: 'image_size=...'
    Source: Radford et al. 2016; the convolution at the end smooths the checkerboard (Odena et al. 2016).
    """

    def __init__(self, *, image_size=28, channels=1, latent_dim=64, width=16, classes=0, smooth=True):
        super().__init__()
        self.latent_dim, self.classes = whole("latent_dim", latent_dim), plain(classes)
        told_more = sum(counts(classes))
        sizes = staircase(image_size)[::-1]  # 28: 7, 14, 28
        maps = double(width, len(sizes))[::-1]  # 28: 4w, 2w, w
        layers = [
            nn.Linear(self.latent_dim + told_more, maps[0] * sizes[0] ** 2, bias=False),  # (N, 4w * 7 * 7)
            nn.Unflatten(1, (maps[0], sizes[0], sizes[0])),  # (N, 4w, 7, 7)
            nn.BatchNorm2d(maps[0]),  # (N, 4w, 7, 7)
            nn.ReLU(),  # (N, 4w, 7, 7)
        ]
        for size, before, after in zip(sizes[1:], maps, maps[1:]):
            layers += grow(before, after, odd=size % 2)  # (N, 2w, 14, 14), then (N, w, 28, 28)
        draw = nn.Conv2d(maps[-1], channels, 3, padding=1)
        if not smooth:
            layers, draw = layers[:-3], nn.ConvTranspose2d(maps[-2], channels, 4, stride=2, padding=1)
        layers += [
            draw,  # (N, channels, 28, 28)
            nn.Tanh(),  # (N, channels, 28, 28), between -1 and 1
        ]
        self.layers = small_weights(nn.Sequential(*layers))

    def forward(self, z, labels=None):
        weights = to_weights(labels, self.classes, len(z))
        return self.layers(z if weights is None else torch.cat([z, weights], 1))


class Discriminator(nn.Module):
    """Give each picture a logit, high for 'real' and low for 'fake': the detective. sigmoid(logit) is D(x).

    `image_size` is a multiple of 4 from 16 to 256; w is `width`, the number of feature maps of the first layer. With
    `classes`, the same as the generator's, it is told what a picture shall show: logit = w.h + (E y).h, where h is
    what comes out of Flatten and E y is a learned direction for each class. Without `norm` it has no batch norm, which
    a penalty on its slope forbids, and weights that keep the strength of their input (He et al. 2015).
    Shapes at 28 pixels: images (N, channels, 28, 28) -> Conv2d (N, w, 14, 14) -> shrink (N, 2w, 7, 7) ->
        shrink (N, 4w, 4, 4) -> Flatten, Linear (N, 1)
    Shapes at 64 pixels: images (N, channels, 64, 64) -> Conv2d (N, w, 32, 32) -> shrink (N, 2w, 16, 16) ->
        shrink (N, 4w, 8, 8) -> shrink (N, 8w, 4, 4) -> Flatten, Linear (N, 1)
    Raises: ValueError: 'image_size=...'
    Source: Radford et al. 2016; Miyato and Koyama 2018 for the classes.
    """

    def __init__(self, *, image_size=28, channels=1, width=16, classes=0, norm=True):
        super().__init__()
        sizes = staircase(image_size, round_up=True)[1:]  # 28: 14, 7, 4
        maps = double(width, len(sizes))  # 28: w, 2w, 4w
        layers = [
            nn.Conv2d(channels, maps[0], 4, stride=2, padding=1),  # (N, w, 14, 14)
            nn.LeakyReLU(0.2),  # (N, w, 14, 14)
        ]
        level = nn.BatchNorm2d if norm else None
        for size, before, after in zip(sizes, maps, maps[1:]):
            layers += shrink(before, after, odd=size % 2, norm=level)  # (N, 2w, 7, 7), then (N, 4w, 4, 4)
        layers += [
            nn.Flatten(),  # (N, 4w * 4 * 4)
            nn.Linear(maps[-1] * sizes[-1] ** 2, 1),  # (N, 1)
        ]
        start = small_weights if norm else fair_weights
        self.layers, self.classes = start(nn.Sequential(*layers)), plain(classes)
        if size := sum(counts(classes)):
            directions = nn.Linear(size, maps[-1] * sizes[-1] ** 2, bias=False)  # E y: (N, 4w * 4 * 4)
            self.directions = small_weights(directions)

    def forward(self, images, labels=None):
        weights = to_weights(labels, self.classes, len(images))
        if weights is None:
            return self.layers(images)
        h = self.layers[:-1](images)
        return self.layers[-1](h) + (self.directions(weights) * h).sum(1, keepdim=True)


def grow(before, after, *, odd=0, repeat=False, norm=nn.BatchNorm2d):
    """List the layers that double a sheet: (N, before, H, W) -> (N, after, 2 H + odd, 2 W + odd).

    With `repeat` each number is first repeated, 2 x 2, which leaves no checkerboard (Odena et al. 2016); then odd is 0.
    """
    if repeat:
        doubled = [nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1, bias=False)]
    else:
        doubled = [nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, output_padding=odd, bias=False)]
    return [*doubled, norm(after), nn.ReLU()]


def shrink(before, after, *, odd=0, norm=nn.BatchNorm2d):
    """List the layers that halve a sheet, an odd one rounded up: (N, before, H, W) -> (N, after, H / 2, W / 2)."""
    return [
        nn.Conv2d(before, after, 4 - odd, stride=2, padding=1, bias=not norm),
        *([norm(after)] if norm else []),
        nn.LeakyReLU(0.2),
    ]


class Skip(nn.Module):
    """A skip connection: what comes in goes on beside what `inside` makes of it, (N, C, H, W) -> (N, C + C', H, W)."""

    def __init__(self, *inside):
        super().__init__()
        self.inside = nn.Sequential(*inside)

    def forward(self, sheets):
        return torch.cat([sheets, self.inside(sheets)], 1)


def staircase(image_size, *, round_up=False):
    """List the sides of the sheets, each half of the one before: 28, 14, 7 for G, which walks up; and 4 for D."""
    image_size = whole("image_size", image_size, least=16)
    if image_size % 4 or not 16 <= image_size <= 256:
        hint = f"a multiple of 4 from 16 to 256. Try image_size={min(max(16, 4 * round(image_size / 4)), 256)}"
        raise ValueError(f"image_size={image_size} cannot be halved often enough: the side must be {hint}.")
    sizes = [image_size]
    while sizes[-1] >= (5 if round_up else 8):
        sizes.append((sizes[-1] + round_up) // 2)
    return sizes


def double(width, steps):
    """List how many feature maps the sheets of a staircase have: `width`, twice as many, ..., at most 8 times."""
    return [whole("width", width) * min(2**i, 8) for i in range(steps)]


class MLPGenerator(nn.Module):
    """Draw pictures (N, C, H, W) from z (N, latent_dim) without convolutions, as in Goodfellow et al. 2014."""

    def __init__(self, *, image_size=28, channels=1, latent_dim=64, width=128):
        super().__init__()
        image_size, width = whole("image_size", image_size), whole("width", width)
        self.latent_dim = latent_dim = whole("latent_dim", latent_dim)
        self.layers = nn.Sequential(
            nn.Linear(latent_dim, width),  # (N, w)
            nn.ReLU(),  # (N, w)
            nn.Linear(width, 2 * width),  # (N, 2w)
            nn.ReLU(),  # (N, 2w)
            nn.Linear(2 * width, channels * image_size**2),  # (N, C * H * W)
            nn.Tanh(),  # (N, C * H * W), between -1 and 1
            nn.Unflatten(1, (channels, image_size, image_size)),  # (N, C, H, W)
        )

    def forward(self, z):
        return self.layers(z)


class MLPDiscriminator(nn.Module):
    """Give pictures (N, C, H, W) logits (N, 1) without convolutions, as in Goodfellow et al. 2014."""

    def __init__(self, *, image_size=28, channels=1, width=128):
        super().__init__()
        image_size, width = whole("image_size", image_size), whole("width", width)
        self.layers = nn.Sequential(
            nn.Flatten(),  # (N, C * H * W)
            nn.Linear(channels * image_size**2, 2 * width),  # (N, 2w)
            nn.LeakyReLU(0.2),  # (N, 2w)
            nn.Linear(2 * width, width),  # (N, w)
            nn.LeakyReLU(0.2),  # (N, w)
            nn.Linear(width, 1),  # (N, 1)
        )

    def forward(self, images):
        return self.layers(images)


def small_weights(network):
    """Draw all weights from N(0, 0.02), so that no layer dominates at first. Source: Radford et al. 2016, sec. 4."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0, 0.02)
    return network


def fair_weights(network):
    """Draw all weights so that each layer keeps the strength of its input, without batch norm too (He et al. 2015)."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(layer.weight, 0.2)
            nn.init.zeros_(layer.bias)
    return network


def check_players(generator, discriminator):
    """Say in one sentence why two things cannot be the players: no networks, or nobody knows how long z is."""
    networks = isinstance(generator, nn.Module) and isinstance(discriminator, nn.Module)
    check(networks, "The players must be two networks, written with brackets: GAN(Generator(), Discriminator()).")
    to_do = "write generator.latent_dim = 64, or what it is, before GAN(...)"
    to_do = "give the network inside, generator.module" if hasattr(generator, "module") else to_do
    to_do = "give the generator first, then the discriminator" if hasattr(discriminator, "latent_dim") else to_do
    check(hasattr(generator, "latent_dim"), f"The generator does not say how many numbers z has: {to_do}.")
    theirs = getattr(generator, "classes", 0), getattr(discriminator, "classes", getattr(generator, "classes", 0))
    check(theirs[0] == theirs[1], "G has classes={} and D classes={}: both must be the same.".format(*theirs))


def check_logits(logits, count):
    """Say in one sentence why D's answer to `count` pictures is not (N, 1), or is no logits: they passed a sigmoid."""
    end = f"nn.Linear({logits.shape[-1]}, 1)" if logits.ndim == 2 else "nn.Flatten(0), nn.Unflatten(0, (-1, 1))"
    found = f"The discriminator answers {count} pictures with {tuple(logits.shape)}, not a logit for each, ({count}, 1)"
    check(logits.shape[1:] == (1,), f"{found}: end it with {end}.")
    step = logits.grad_fn
    while step and step.name().startswith(("View", "Reshape", "Unsafe", "Squeeze", "Unsqueeze")):
        step = step.next_functions[0][0]
    sigmoid = step and step.name().startswith("Sigmoid")
    check(not sigmoid, "The discriminator ends with a sigmoid: leave it out, each loss takes logits and has its own.")


@contextmanager
def frozen(network):
    """Let pictures and gradients pass through `network`, but change no bit of it, nor batch norm's statistics."""
    batch_norm = nn.modules.batchnorm._BatchNorm  # of 1, 2 or 3 dimensions
    norms = [layer for layer in network.modules() if isinstance(layer, batch_norm) and layer.track_running_stats]
    learning = [weights for weights in network.parameters() if weights.requires_grad]
    network.requires_grad_(False)
    for layer in norms:
        layer.track_running_stats = False
    try:
        yield
    finally:
        for weights in learning:
            weights.requires_grad_(True)
        for layer in norms:
            layer.track_running_stats = True
