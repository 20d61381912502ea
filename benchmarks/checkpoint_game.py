"""The small game that the checkpoint benchmarks play; nothing to run here."""

import hashlib
import os
import sys
import types

import torch

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    MLPDiscriminator,
    MLPGenerator,
    PatchDiscriminator,
    UNet,
    pix2pix,
    seed_everything,
    train,
)
from gans_workshop.files import checkpoints, workspace


def noise(images):
    """Stand for an augmentation: it draws from PyTorch's own random numbers."""
    return images + 0.05 * torch.randn(images.shape)


def new_game(conditions=None):
    """Make the game, or one that is told labels from 0 to 9, or given pictures."""
    seed_everything(3)
    if conditions is not None and conditions.ndim == 4:
        players = (kind(image_size=32, channels=1, width=2) for kind in (UNet, PatchDiscriminator))
        return GAN(*players, loss=pix2pix, augment=noise, fixed_condition=conditions[:8])
    if conditions is not None:
        names = [f"digit {number}" for number in range(10)]
        players = Generator(width=2, latent_dim=8, classes=10), Discriminator(width=2, classes=10)
        return GAN(*players, augment=noise, class_names=names)
    return GAN(MLPGenerator(width=16), MLPDiscriminator(width=16), augment=noise)


def play(images, folder, steps, conditions=None):
    """Play the whole game, with a folder for checkpoints or None, and return its fingerprint."""
    gan = new_game(conditions)
    train(gan, images, conditions=conditions, steps=steps, batch_size=16, checkpoint=folder)
    return fingerprint(gan)


def fingerprint(gan):
    """Return a checksum of every bit of the game, but for the time that it took."""

    def flat(state):
        parts = state.values() if isinstance(state, dict) else state if isinstance(state, list | tuple) else None
        return [state] if parts is None else [item for part in parts for item in flat(part)]

    whole = hashlib.sha256()
    for item in [*flat(gan.state_dict() | {"seconds": 0}), torch.get_rng_state()]:
        whole.update(item.contiguous().numpy().tobytes() if isinstance(item, torch.Tensor) else repr(item).encode())
    return whole.hexdigest()


def as_in_colab(base):
    """Let the package believe that it is in Colab, with Drive under `base`; return a folder in Drive."""
    sys.modules["google.colab"] = types.ModuleType("google.colab")
    workspace.DRIVE = base / "drive"
    workspace.DRIVE.mkdir(exist_ok=True)
    os.environ["GANS_WORKSHOP_CACHE"] = str(base / "disk")
    return workspace.DRIVE / "models"


def checkpoints_in(base):
    """List all checkpoints below a folder."""
    return sorted(base.rglob("step-*"))


def is_broken(path):
    """Say whether a checkpoint cannot be read."""
    return checkpoints._unpack(path.read_bytes()) is None
