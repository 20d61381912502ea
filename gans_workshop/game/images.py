"""Pictures as numbers: uint8 0..255 at rest, float -1..1 for the networks, and the one check for everybody."""

import numpy as np
import torch


def to_float(images):
    """Scale stored pictures to what the networks see: uint8 0..255 -> float32 -1..1, any shape; floats stay."""
    return images.float() / 127.5 - 1 if images.dtype == torch.uint8 else images


def to_uint8(images):
    """Scale what the networks draw to what is stored: float -1..1 -> uint8 0..255, any shape; uint8 stays."""
    return images if images.dtype == torch.uint8 else ((images.clamp(-1, 1) + 1) * 127.5).round().byte()


def check_images(images, *, shape=None):
    """Return pictures as a tensor, uint8 or float32, or say in one sentence what is wrong with them.

    A NumPy array becomes a tensor, doubles and halves become float32. `shape` (C, H, W): what a GAN draws.
    Shapes: images (N, C, H, W), uint8 0..255 or float -1..1; C is 1 or 3, or that of `shape`.
    Raises: ValueError: what was found, what it means, what to do.
    """
    turn = "permute"
    if isinstance(images, np.ndarray) and images.dtype.kind in "uif":
        images, turn = torch.from_numpy(np.ascontiguousarray(images)), "transpose"
    if not isinstance(images, torch.Tensor):
        hint = "torch.stack makes one of a list of tensors, load_photos makes one of a folder"
        raise ValueError(f"The pictures are a {type(images).__name__}, not one tensor (N, C, H, W): {hint}.")
    found = tuple(images.shape)
    if hint := _shape_hint(found, shape, turn):
        wanted = f"and this GAN draws {shape}" if shape else "instead of (N, C, H, W) with C = 1 or 3"
        raise ValueError(f"The pictures have shape {found}, {wanted}: {hint}.")
    if images.dtype == torch.uint8:
        return images
    if hint := _value_hint(images, whole_set=shape is not None):
        raise ValueError(hint)
    return images.detach().float()


def _shape_hint(found, shape, turn):
    """Say how to bring pictures of shape `found` to (N, C, H, W), or return None where they are right."""

    def fits(one):  # (C, H, W)
        return one == shape if shape else one[0] in (1, 3)

    if len(found) == 3 and fits(found):
        return "one picture needs images[None]"
    if len(found) == 3 and (shape is None or (1, *found[1:]) == shape):
        return "grey pictures need images[:, None]"
    if len(found) != 4:
        return "the four axes are how many, channels, height, width"
    if 0 in found:
        return "there is no picture in it"
    if fits(found[1:]):
        return None
    if fits((found[3], *found[1:3])):
        return f"the channels come last, so use images.{turn}(0, 3, 1, 2)"
    return "make a GAN for pictures of this shape, or take other pictures" if shape else "keep 1 or 3 of the channels"


def _value_hint(images, *, whole_set):
    """Say what is wrong with the numbers of pictures that are not uint8, or return None where they are right."""
    kind, low, high = str(images.dtype)[6:], images.min().item(), images.max().item()
    if not images.is_floating_point():
        return f"The pictures are {kind} from {low} to {high}, not uint8 or float: use images.to(torch.uint8)."
    if not torch.isfinite(images).all():
        return "Some pixels are NaN, not numbers: the network that drew them broke down, so train a new one."
    # A byte scaled to -1..1 is never exactly 0: a least number of 0 means from 0 to 1
    from_zero = low >= 0 if whole_set else low == 0 and high > 0.5
    if low >= -1.01 and high <= 1.01 and not from_zero:
        return None
    to_do = "images * 2 - 1" if low >= 0 and high <= 1.01 else "images / 127.5 - 1" if low >= 0 else "uint8, 0 to 255"
    return f"The pictures run from {low:.4g} to {high:.4g} instead of from -1 (black) to 1 (white): use {to_do}."
