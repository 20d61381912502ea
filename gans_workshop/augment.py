"""Differentiable augmentation: change pictures at random before D sees them, so that few pictures seem many."""

import torch
import torch.nn.functional as F


def diff_augment(images):
    """Give each picture a colour change, a shift and a grey square of its own; G's gradient passes through.

    Used on real and fakes alike, `train(..., augment=diff_augment)`: D sees no real picture twice the same way.
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


def shift(images):
    """Move each picture by up to an eighth of its side, up or down and left or right; 0, a middle grey, moves in."""
    y, x = images.shape[2] // 8, images.shape[3] // 8
    rows, columns = (_places(images, size, size // 8) for size in images.shape[2:])
    padded = F.pad(images, (x, x, y, y)).permute(0, 2, 3, 1)
    picture = torch.arange(len(images), device=images.device)[:, None, None]
    return padded[picture, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _places(images, size, margin):
    start = torch.randint(2 * margin + 1, (len(images), 1), device=images.device)
    return start + torch.arange(size, device=images.device)


def cut_out(images):
    """Cover a square of half the side with grey, its centre anywhere: part of it may hang over the edge."""
    rows, columns = (_strip(images, size) for size in images.shape[2:])
    return images * ~(rows[:, None, :, None] & columns[:, None, None, :])


def _strip(images, size):
    centre = torch.randint(0, size, (len(images), 1), device=images.device)
    offset = torch.arange(size, device=images.device) - centre
    return (offset >= -(size // 4)) & (offset < size // 4)
