"""Kill a training at random moments, run it again until it is done, and compare with a run that was never stopped.

Each training is a fork of this process, which has imported PyTorch already. It saves whenever its disks are free, so
that most kills meet a save. Every other training has two places, as in Colab, and loses its own disk now and then.

python benchmarks/checkpoint_kills.py --kills 1000      # about ten minutes; Linux and macOS
"""

import argparse
import contextlib
import hashlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import types
from pathlib import Path

import torch

from gans_workshop import (
    GAN,
    MLPDiscriminator,
    MLPGenerator,
    checkpoints,
    load_digits,
    seed_everything,
    train,
    workspace,
)

STEPS = 120


def noise(images):
    """Stand for an augmentation: it draws from PyTorch's own random numbers."""
    return images + 0.05 * torch.randn(images.shape)


def fingerprint(gan):
    """Return a checksum of every bit of the game."""

    def flat(state):
        parts = state.values() if isinstance(state, dict) else state if isinstance(state, list | tuple) else None
        return [state] if parts is None else [item for part in parts for item in flat(part)]

    whole = hashlib.sha256()
    for item in [*flat(gan.state_dict()), torch.get_rng_state()]:
        whole.update(item.contiguous().numpy().tobytes() if isinstance(item, torch.Tensor) else repr(item).encode())
    return whole.hexdigest()


def play(images, folder, steps=STEPS):
    """Play the whole game, with a folder for checkpoints or None, and return its fingerprint."""
    seed_everything(3)
    gan = GAN(MLPGenerator(width=16), MLPDiscriminator(width=16))
    train(gan, images, steps=steps, batch_size=16, augment=noise, checkpoint=folder)
    return fingerprint(gan)


def as_in_colab(base):
    """Let the package believe that it is in Colab, with Drive under `base`; return a folder in Drive."""
    sys.modules["google.colab"] = types.ModuleType("google.colab")
    workspace.DRIVE = base / "drive"
    workspace.DRIVE.mkdir(exist_ok=True)
    os.environ["GANS_WORKSHOP_CACHE"] = str(base / "disk")
    return workspace.DRIVE / "models"


def fork(images, base, two_places):
    """Start the training in a new process, which leaves its fingerprint in base/done; return the process's number."""
    child = os.fork()
    if child:
        return child
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        folder = as_in_colab(base) if two_places else base / "models"
        result = play(images, folder)
    (base / "done").write_text(result)
    os._exit(0)


def checkpoints_in(base):
    """List all checkpoints below a folder."""
    return sorted(base.rglob("step-*"))


def main():
    """Print how many kills, broken checkpoints and wrong results there were; exit with 1 if any."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--longest", type=float, default=0.4, help="seconds until a kill; more on a busy machine")
    options = parser.parse_args()
    torch.set_num_threads(1)
    checkpoints.EVERY = 0
    images, dice = load_digits()[0][:100], random.Random(0)
    expected = play(images, None)
    start, kills, runs, broken, wrong, files, resumed, lost_disks = time.time(), 0, 0, 0, 0, 0, 0, 0
    while kills < options.kills:
        with tempfile.TemporaryDirectory() as base:
            base, two_places = Path(base), runs % 2 == 1
            while True:
                child = fork(images, base, two_places)
                end = time.monotonic() + dice.uniform(0, options.longest)
                while time.monotonic() < end and not os.waitpid(child, os.WNOHANG)[0]:
                    time.sleep(0.001)
                if (base / "done").exists():
                    break
                with contextlib.suppress(ProcessLookupError, ChildProcessError):
                    os.kill(child, signal.SIGKILL)
                    os.waitpid(child, 0)
                kills += 1
                found = checkpoints_in(base)
                files, resumed = files + len(found), resumed + bool(found)
                broken += sum(checkpoints._unpack(path.read_bytes()) is None for path in found)
                if two_places and dice.random() < 0.1:  # the next session gets a new machine
                    shutil.rmtree(base / "disk", ignore_errors=True)
                    lost_disks += 1
            runs += 1
            wrong += (base / "done").read_text() != expected
    print(f"{kills} kills in {runs} trainings of {STEPS} steps, {time.time() - start:.0f} s")
    print(f"{resumed} kills left a checkpoint behind; {lost_disks} times the machine's own disk was lost")
    print(f"checkpoints examined after a kill: {files}, broken: {broken}")
    print(f"trainings that ended with other bits than the run never stopped: {wrong}")
    sys.exit(1 if broken or wrong or not resumed else 0)


if __name__ == "__main__":
    main()
