"""Measures and augmentations that no notebook uses, so they are no part of the package."""

import torch
import torch.nn.functional as F
from common import load_all_digits

from gans_workshop import classify_digits, cut_out, digit_histogram, frechet_distance, shift, to_float


def coverage_and_density(real, fake, *, neighbours=5):
    """Draw a ball around each real picture's features, out to its fifth neighbour, and count the fakes in the balls.

    Coverage is the share of balls with a fake inside: how much of the real variety is met. Density is the number of
    balls around a fake, over `neighbours`: how typical fakes are, though all may be the same one. 2,000 against 2,000:
    real 0.93 and 0.99, blurred 0.83 and 1.10, ones 0.11 and 0.93, one digit 0.01 and 2.6, random pixels 0.00 and 0.06.
    Shapes: real (N, 64), fake (M, 64) -> two numbers. Source: Naeem et al. 2020, eq. 5 and 6.
    """
    count = neighbours + 1  # the nearest is the picture itself
    radius = torch.cdist(real, real).kthvalue(count, dim=1, keepdim=True).values
    inside = torch.cdist(real, fake) < radius
    return float(inside.any(1).double().mean()), float(inside.sum() / (neighbours * len(fake)))


def spread(images, real):
    """Compare how far apart two pictures are on average with the same among real ones. It needs no judge.

    Digits: real 1.03, blurred 0.84, only ones 0.64, one picture 0, random pixels 1.15: all alike shows, nonsense not.
    Shapes: images (N, C, H, W), real (M, C, H, W); the first 1,000 of each count.
    """
    apart = [torch.pdist(to_float(those[:1000]).flatten(1).double()).mean() for those in (images, real)]
    return float(apart[0] / apart[1].clamp(min=1e-9))


class Judge:
    """Compare 10,000 pictures with the 10,000 test digits; coverage and density on 2,000."""

    def __init__(self):
        self.test_images, self.test_labels = load_all_digits(test=True)
        self.digits, self.real = classify_digits(self.test_images)

    def score(self, images):
        """Return distance, coverage, density and the number of digits covered."""
        digits, features = classify_digits(images)
        coverage, density = coverage_and_density(self.real[:2000], features[:2000])
        distance = frechet_distance(self.real, features)
        return {"distance": distance, "coverage": coverage, "density": density, "digits": digit_histogram(digits)[1]}


def blur(images, sigma=0.7):
    """Blur pictures (N, 1, H, W) with a Gaussian; beyond the edge the background is black."""
    x = torch.arange(-3, 4)
    kernel = torch.exp(-(x**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    return F.conv2d(F.pad(to_float(images), (3, 3, 3, 3), value=-1), torch.outer(kernel, kernel)[None, None])


def diff_augment(images):
    """Give each picture a colour change, a shift and a grey square of its own; G's gradient passes through.

    Used on real and fakes alike, `GAN(..., augment=diff_augment)`: D sees no real picture twice the same way.
    Shapes: images (N, C, H, W) in [-1, 1] -> the same shape; some values now lie beyond.
    Source: Zhao et al. 2020, 'Differentiable augmentation for data-efficient GAN training', sec. 4.
    """
    return cut_out(shift(change_colours(images)))


def change_colours(images):
    """Change brightness by -0.5 to 0.5, then saturation by a factor of 0 to 2, then contrast by 0.5 to 1.5."""
    brightness, saturation, contrast = torch.rand(3, len(images), 1, 1, 1, dtype=images.dtype, device=images.device)
    images = images + brightness - 0.5
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * 2 * saturation
    mean = images.mean((1, 2, 3), keepdim=True)
    return mean + (images - mean) * (contrast + 0.5)
