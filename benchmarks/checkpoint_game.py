"""The small game that the checkpoint benchmarks play; nothing to run here."""

import hashlib
import os
import sys
import types

import torch

from gans_workshop import (
    GAN,
    CycleGAN,
    Discriminator,
    Generator,
    MLPDiscriminator,
    MLPGenerator,
    PatchDiscriminator,
    UNet,
    cycle_round,
    least_squares,
    pix2pix,
    seed_everything,
    train,
)
from gans_workshop.files import checkpoints, workspace
from gans_workshop.game.turns import play_round


def noise(images):
    """Stand for an augmentation: it draws from PyTorch's own random numbers."""
    return images + 0.05 * torch.randn(images.shape)


def new_game(conditions=None, piles=None):
    """Make the game, or one that is told labels from 0 to 9, or given pictures, or two piles of them."""
    seed_everything(3)
    if piles:
        shape = {"image_size": 32, "channels": 1, "width": 2}
        options = {"augment": noise, "loss": least_squares}
        games = [
            GAN(
                UNet(**shape),
                PatchDiscriminator(given_channels=0, **shape),
                fixed_condition=pile[:8],
                seed=seed,
                **options,
            )
            for seed, pile in enumerate(piles)
        ]
        return CycleGAN(*games)
    if conditions is not None and conditions.ndim == 4:
        players = (kind(image_size=32, channels=1, width=2) for kind in (UNet, PatchDiscriminator))
        return GAN(*players, loss=pix2pix, augment=noise, fixed_condition=conditions[:8])
    if conditions is not None:
        names = [f"digit {number}" for number in range(10)]
        players = Generator(width=2, latent_dim=8, classes=10), Discriminator(width=2, classes=10)
        return GAN(*players, augment=noise, class_names=names)
    return GAN(MLPGenerator(width=16), MLPDiscriminator(width=16), augment=noise)


def play(images, folder, steps, conditions=None, *, unpaired=False):
    """Play the whole game, with a folder for checkpoints or None, and return its fingerprint."""
    gan = new_game(conditions, (images, conditions) if unpaired else None)
    options = {"batch_size": 16, "checkpoint": folder, "one_round": cycle_round if unpaired else play_round}
    train(gan, images, conditions=conditions, steps=steps, **options)
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
