"""Differentiable augmentation: change pictures at random before D sees them, so that few pictures seem many.

`GAN(..., augment=...)` uses it on real and fakes alike, and G's gradient passes through.
Shapes: images (N, C, H, W), uint8 or in [-1, 1] -> the same shape, in [-1, 1]. Source: Zhao et al. 2020, sec. 4.
"""

import torch
import torch.nn.functional as F

from gans_workshop.game.images import to_float


def shift(images):
    """Move each picture by up to an eighth of its side, up or down and left or right; 0, a middle grey, moves in."""
    images = to_float(images)
    y, x = images.shape[2] // 8, images.shape[3] // 8
    rows, columns = (_moved(images, size, size // 8) for size in images.shape[2:])
    padded = F.pad(images, (x, x, y, y)).permute(0, 2, 3, 1)
    picture = torch.arange(len(images), device=images.device)[:, None, None]
    return padded[picture, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _moved(images, size, margin):
    start = torch.randint(2 * margin + 1, (len(images), 1), device=images.device)
    return start + torch.arange(size, device=images.device)


def cut_out(images):
    """Cover a square of half the side with grey, its centre anywhere: part of it may hang over the edge."""
    images = to_float(images)
    rows, columns = (_strip(images, size) for size in images.shape[2:])
    return images * ~(rows[:, None, :, None] & columns[:, None, None, :])


def _strip(images, size):
    centre = torch.randint(0, size, (len(images), 1), device=images.device)
    offset = torch.arange(size, device=images.device) - centre
    return (offset >= -(size // 4)) & (offset < size // 4)
