"""Real pictures to learn from. A data set is one uint8 tensor (N, C, H, W); digits come with the package."""

import functools
import hashlib
import shutil
import socket
from contextlib import contextmanager
from importlib import resources

import numpy as np
import torch

from gans_workshop.workspace import cache_folder

# MD5 of the pixels of the 60,000 training and the 10,000 test digits
PIXELS_MD5 = {"train": "6510e85a72c3e9475c492d559d3770d2", "test": "240610fa99e73bfa49df8e7fc24d3206"}

PATIENCE = 15  # seconds without an answer after which a server counts as gone


def load_digits(*, full=False, test=False):
    """Load handwritten digits and their labels (MNIST).

    10,000 training digits (1,000 of each) and 2,000 test digits (200 of each) come with the package and need no
    network. `full=True` fetches all 60,000 (or 10,000 test digits) once, about 12 MB, into the cache; where that
    fails it says so and returns the bundled ones.

    Shapes: images (N, 1, 28, 28) uint8, 0 is black paper and 255 is white ink; labels (N,) int64.
    Source: LeCun, Cortes, Burges, CC BY-SA 3.0, http://yann.lecun.com/exdb/mnist/
    """
    if full:
        try:
            return _download_digits(test)
        except (OSError, RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0].rstrip(":")
            print(f"All of MNIST could not be fetched ({reason}): going on with the digits of the package.")
    with resources.files("gans_workshop").joinpath("data/digits.npz").open("rb") as file:
        bundle = np.load(file)
        part = "test" if test else "train"
        images, labels = bundle[f"{part}_images"], bundle[f"{part}_labels"]
    return torch.from_numpy(images), torch.from_numpy(labels).long()


def to_float(images):
    """Scale stored pictures to what the networks see: uint8 0..255 -> float32 -1..1, any shape; floats stay."""
    return images.float() / 127.5 - 1 if images.dtype == torch.uint8 else images


def shuffled_places(count, seen, batch_size, *, seed):
    """List where the next `batch_size` of `count` pictures stand after `seen`: each epoch has an order of its own."""
    return [_order(count, seed, epoch)[place] for epoch, place in (divmod(seen + i, count) for i in range(batch_size))]


@functools.lru_cache(maxsize=2)
def _order(count, seed, epoch):
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch)).tolist()


def check_images(images, drawn):
    """Return the pictures if a GAN that draws pictures of shape `drawn` (C, H, W) can learn from them as they are.

    Shapes: images (N, C, H, W), uint8 0..255 or float -1..1.
    Raises: ValueError, in one sentence: what was found, what it means, what to do.
    """
    found = tuple(images.shape)
    if len(found) != 4 or found[1:] != drawn or not found[0]:
        hint = f"Hand over a tensor (N, {', '.join(map(str, drawn))}), or make a GAN for other pictures."
        if len(found) == 4 and (found[3], *found[1:3]) == drawn:
            hint = "The channels come last: use images.permute(0, 3, 1, 2)."
        elif found[1:] == drawn[1:] and drawn[0] == 1:
            hint = "The axis for the channel is missing: use images[:, None]."
        raise ValueError(f"The pictures have shape {found}, but this GAN draws {drawn}. {hint}")
    if images.dtype == torch.uint8:
        return images
    low, high = images.min().item(), images.max().item()
    if images.is_floating_point() and -1.01 <= low < 0 and high <= 1.01:
        return images
    hint = "images * 2 - 1" if low >= 0 and high <= 1 else "images / 127.5 - 1" if low >= 0 else "uint8, 0 to 255"
    raise ValueError(
        f"The pictures are {str(images.dtype)[6:]} from {low:.4g} to {high:.4g}, but the GAN draws floats from -1 to 1 "
        f"and would learn the wrong greys. Use {hint}."
    )


@contextmanager
def _patience():
    """Let no network call of this block wait longer than PATIENCE: without a limit, bad wifi hangs a notebook."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _fetch_mnist(folder, test):
    """Read MNIST through torchvision, which downloads what is missing, and make sure that every pixel is there."""
    from torchvision.datasets import MNIST

    with _patience():
        digits = MNIST(folder, train=not test, download=True)
    if hashlib.md5(digits.data.numpy().tobytes()).hexdigest() != PIXELS_MD5["test" if test else "train"]:
        raise ValueError("the downloaded file is damaged")
    return digits.data.unsqueeze(1), digits.targets


def _download_digits(test):
    folder = cache_folder()
    try:
        return _fetch_mnist(folder, test)
    except (ValueError, AssertionError, RuntimeError) as error:
        if str(error).startswith("Error downloading"):  # torchvision's words for: no mirror answers
            raise
        # Unpacking was cut short earlier: clear it away, fetch it once more.
        shutil.rmtree(folder / "MNIST", ignore_errors=True)
        return _fetch_mnist(folder, test)
