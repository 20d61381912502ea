"""Pictures as numbers: uint8 0..255 at rest, float -1..1 for the networks, and the one check for everybody."""

import numpy as np
import torch

# How the advice is written for each of the two kinds of pictures: it can be copied as it is
WORDS = {
    "tensor": ("images.permute(0, 3, 1, 2)", "to(torch.uint8)", "images[images.isfinite().all((1, 2, 3))]"),
    "array": ("images.transpose(0, 3, 1, 2)", "astype('uint8')", "images[np.isfinite(images).all((1, 2, 3))]"),
}


def to_float(images):
    """Scale stored pictures to what the networks see: uint8 0..255 -> float32 -1..1, any shape; floats stay."""
    images = as_tensor(images)
    return images.float() / 127.5 - 1 if images.dtype == torch.uint8 else images


def to_uint8(images):
    """Scale what the networks draw to what is stored: float -1..1 -> uint8 0..255, any shape; uint8 stays."""
    return images if images.dtype == torch.uint8 else ((images.clamp(-1, 1) + 1) * 127.5).round().byte()


def as_tensor(images):
    """Return a tensor, or an array of numbers as one; else say in one sentence how to make an array."""
    if isinstance(images, np.ndarray) and images.dtype.kind in "buif":
        images = torch.from_numpy(np.ascontiguousarray(images))
    if isinstance(images, torch.Tensor):
        return images
    raise ValueError(f"The pictures are a {type(images).__name__}, not one tensor (N, C, H, W): {_kind_hint(images)}.")


def check(holds, sentence):
    """Stop with a sentence for a student where something does not hold. Raises: ValueError."""
    if not holds:
        raise ValueError(sentence)


def whole(name, number, least=1):
    """Return a whole number as int, 64.0 too, or say in one sentence that `name` must be one, and not below `least`."""
    try:
        fits = bool(number % 1 == 0 and number >= least)
    except Exception:  # a text, a list, a tensor of many numbers: each says no in its own way
        fits = False
    found = " ".join(repr(number).split())[:40]
    check(fits, f"{name}={found} must be a whole number of at least {least}, for example {name}={max(least, 2)}.")
    return int(number)


def check_images(images, *, shape=None, given=False):
    """Return pictures as a tensor, uint8 or float32, or say in one sentence what is wrong with them.

    A NumPy array becomes a tensor, doubles and halves become float32. `shape` (C, H, W): what a GAN draws, or is given.
    Shapes: images (N, C, H, W), uint8 0..255 or float -1..1; C is 1 or 3, or that of `shape`.
    """
    words = WORDS["array" if isinstance(images, np.ndarray) else "tensor"]
    images = as_tensor(images)
    found = tuple(images.shape)
    if hint := _shape_hint(found, shape, words[0]):
        gan = f"and this GAN {'is given' if given else 'draws'} {shape}"
        wanted = gan if shape else "instead of (N, C, H, W) with C = 1 or 3"
        raise ValueError(f"The {'given ' * given}pictures have shape {found}, {wanted}: {hint}.")
    if images.dtype == torch.uint8 and not (
        shape and images[:1000].max() <= 1 == images.max()
    ):  # 0 and 1 as bytes are all but black
        return images
    if hint := _value_hint(images, words, whole_set=shape is not None):
        raise ValueError(hint)
    return images.detach().float()


def _kind_hint(images):
    """Say how to make one array of a list, a data set or a DataLoader, or one tensor of what cannot be counted."""
    if isinstance(images, np.ndarray):
        return "it holds no plain numbers, so use images.astype(float)"
    try:
        first = getattr(images, "dataset", images)[0]
    except Exception:  # whatever it says, it is not about this mistake
        first = ""
    if isinstance(first, str):
        return "load_photos makes one of a folder"
    if getattr(first, "ndim", 0) == 4:
        return "it begins with one, so use images[0]"
    name = "images" if hasattr(images, "__getitem__") else "images.dataset"  # a DataLoader hands out batches
    one = "one[0]" if isinstance(first, tuple | list) else "one"  # a picture and its label
    return f"use np.stack([np.asarray({one}) for one in {name}])"


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
        return f"the channels come last, so use {turn}"
    if shape and found[2:] == shape[1:]:
        grey = "make them grey with images.float().mean(1, keepdim=True).to(images.dtype)"
        return grey if shape[0] == 1 else "give them three channels with images.expand(-1, 3, -1, -1)"
    return "make a GAN for pictures of this shape, or take other pictures" if shape else "keep 1 or 3 of the channels"


def _value_hint(images, words, *, whole_set):
    """Say what is wrong with the numbers of pictures, or return None where they are right."""
    if broken := int((~images.isfinite()).flatten(1).any(1).sum()):
        to_do = f"leave them out with {words[2]}" if broken < len(images) else "make them anew, maybe by a new network"
        return f"{broken} of {len(images)} pictures have pixels that are NaN, not numbers: {to_do}."
    kind, numbers = str(images.dtype)[6:], images if images.is_floating_point() else images.long()
    low, high = numbers.min().item(), numbers.max().item()
    if not images.is_floating_point():
        scaled = "(images * 255)" if high <= 1 else "images" if high <= 255 else "(images / images.max() * 255)"
        to_do = "images * 1.0" if low < 0 else f"{scaled}.{words[1]}"
        return f"The pictures are {kind} from {low} to {high} instead of uint8 from 0 to 255: use {to_do}."
    from_zero = low >= 0 if whole_set else low == 0 and high > 0.5 and not _are_light(images)
    if low >= -1.01 and high <= 1.01 and not from_zero:
        return None
    to_do = "images * 2 - 1" if low >= 0 and high <= 1.01 else "images / 127.5 - 1" if low >= 0 else "uint8, 0 to 255"
    return f"The pictures run from {low:.4g} to {high:.4g} instead of from -1 (black) to 1 (white): use {to_do}."


def _are_light(images):
    """Tell light pictures, in which `cut_out` and `shift` put zeros, from 0..1: theirs are odd numbers of 255ths."""
    between = (images[(images > 0) & (images < 1)] * 255).round()
    return len(between) > 0 and bool((between % 2 == 1).all())
