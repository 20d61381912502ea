"""How good, how varied, how original are the fakes? The judge is a digit classifier: a detective for ten digits."""

import functools

import numpy as np
import torch
from torch import nn

from gans_workshop.datasets import DATA, to_float


def make_judge():
    """Make the untrained judge: images (N, 1, 28, 28) in [-1, 1] -> 64 features (N, 64) -> logits (N, 10)."""
    features = nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),  # (N, 16, 14, 14)
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),  # (N, 32, 7, 7)
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),  # (N, 64, 3, 3)
        *(nn.Flatten(), nn.Linear(576, 64), nn.ReLU()),  # (N, 64)
    )
    return nn.Sequential(features, nn.Linear(64, 10))  # (N, 10)


@functools.cache
def load_judge():
    """Load the trained judge that comes with the package: 99.4 % right on the test digits (`benchmarks/judge.py`)."""
    judge = make_judge()
    with np.load(DATA / "judge.npz") as weights:
        judge.load_state_dict({name: torch.from_numpy(values).float() for name, values in weights.items()})
    return judge.eval().requires_grad_(False)


def look(images):
    """Let the judge look at pictures: the digit that it sees in each, and features for the numbers below.

    Shapes: images (N, 1, 28, 28) uint8 or in [-1, 1] -> digits (N,), features (N, 64).
    """
    flat = _flat(images, 1, None)
    if images.shape[1:] != (1, 28, 28):
        raise ValueError(f"The judge knows only digits, (N, 1, 28, 28), not {tuple(images.shape)}: try spread.")
    see, name = load_judge()
    features = torch.cat([see(part) for part in flat.view(-1, 1, 28, 28).split(500)])
    return name(features).argmax(1), features.double().sqrt()  # the root: no single loud feature drowns the others


def digit_histogram(digits):
    """Count the pictures of each digit, (10,), and the digits that make up at least one picture in a hundred.

    It sees that a digit is missing, not how it is drawn: real and blurred digits have 10, ones or random pixels 1.
    """
    counts = digits.bincount(minlength=10)
    return counts, int((counts >= len(digits) / 100).sum())


def frechet_distance(real, fake):
    """Measure how far two crowds of features (N, 64), (M, 64) are apart in mean and spread: 0 is the same crowd.

    2,000 pictures against the bundled test digits: real 0.7, blurred 2.5, only ones 92, random pixels 99, one digit
    146. Fewer give more. It tells neither poor pictures from missing ones nor copies from new ones.
    Source: Heusel et al. 2017.
    """
    (mean_a, cov_a), (mean_b, cov_b) = [(f.mean(0), torch.cov(f.T)) for f in (_crowd(real, 2), _crowd(fake, 2))]
    values, vectors = torch.linalg.eigh(cov_a)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    return float((mean_a - mean_b).square().sum() + cov_a.trace() + cov_b.trace() - 2 * cross)


def coverage_and_density(real, fake, *, neighbours=5):
    """Draw a ball around each real picture's features, out to its fifth neighbour, and count the fakes in the balls.

    Coverage is the share of balls with a fake inside: how much of the real variety is met. Density is the number of
    balls around a fake, over `neighbours`: how typical fakes are, though all may be the same one. 2,000 against 2,000:
    real 0.93 and 0.99, blurred 0.83 and 1.10, ones 0.11 and 0.93, one digit 0.01 and 2.6, random pixels 0.00 and 0.06.
    Shapes: real (N, 64), fake (M, 64) -> two numbers. Source: Naeem et al. 2020, eq. 5 and 6.
    """
    count = neighbours + 1  # the nearest is the picture itself
    radius = torch.cdist(_crowd(real, count), real).kthvalue(count, dim=1, keepdim=True).values
    inside = torch.cdist(real, _crowd(fake, 1)) < radius
    return float(inside.any(1).double().mean()), float(inside.sum() / (neighbours * len(fake)))


def spread(images, real):
    """Compare how far apart two pictures are on average with the same among real ones. It needs no judge.

    Digits: real 1.03, blurred 0.84, only ones 0.64, one picture 0, random pixels 1.15: all alike shows, nonsense not.
    Shapes: images (N, C, H, W), real (M, C, H, W); the first 1,000 of each count.
    """
    apart = [torch.pdist(_flat(those, 2, 1000).double()).mean() for those in (images, real)]
    return float(apart[0] / apart[1].clamp(min=1e-9))


def nearest_images(images, among):
    """Find the picture nearest to each one in `among`, say the training pictures: distances and places.

    The distance is the root mean square over all pixels, 0 for a copy; one shifted by a pixel looks new. To the bundled
    training digits: real 0.34, blurred 0.31, only ones 0.15, one digit 0.41, random 1.08. Show among[places].
    """
    flat = _flat(images, 1, None)
    if images.shape[1:] != among.shape[1:]:
        raise ValueError(f"{tuple(images.shape)} and {tuple(among.shape)} cannot be compared: make both the same size.")
    distances, places = torch.full((len(flat),), torch.inf), torch.zeros(len(flat), dtype=torch.long)
    for i, part in enumerate(among.split(2000)):  # all of a large data set as floats would not fit into the memory
        others = _flat(part, 1, None)
        nearest = torch.cdist(flat, others).argmin(1)
        apart = (flat - others[nearest]).square().mean(1).sqrt()
        places = torch.where(apart < distances, 2000 * i + nearest, places)
        distances = distances.minimum(apart)
    return distances, places


def _crowd(features, least):
    if features.ndim != 2 or len(features) < least:
        raise ValueError(f"Found {tuple(features.shape)}, not features of {least} or more pictures: look(images)[1].")
    return features


def _flat(images, least, most):
    flat = to_float(images[:most]).flatten(1).cpu() if images.ndim == 4 else images.new_empty(0, 1)
    if len(flat) < least or not -1.01 <= flat.min() <= flat.max() <= 1.01:
        found = f" from {flat.min():.4g} to {flat.max():.4g}" if len(flat) else ""
        raise ValueError(f"Found {tuple(images.shape)}{found}, not {least} or more pictures (N, C, H, W) from -1 to 1.")
    return flat
