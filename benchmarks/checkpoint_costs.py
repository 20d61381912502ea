"""What checkpoints cost: at 64 pixels, while Drive does not answer, and in memory over 10,000 steps.

python benchmarks/checkpoint_costs.py      # about four minutes, on a quiet machine
"""

import contextlib
import io
import os
import resource
import statistics
import sys
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path

import torch
from checkpoint_faults import Disk
from checkpoint_kills import as_in_colab

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    MLPDiscriminator,
    MLPGenerator,
    checkpoints,
    load_digits,
    seed_everything,
    train,
)


def cost_of_saving(saves=20):
    """Print what a save of the 64-pixel model takes from the training, in seconds and as a part of a minute."""
    seed_everything(0)
    images = torch.randint(0, 256, (1000, 3, 64, 64), dtype=torch.uint8)
    gan = GAN(Generator(image_size=64, channels=3), Discriminator(image_size=64, channels=3))
    train(gan, images, steps=2)
    with tempfile.TemporaryDirectory() as base:
        start = time.perf_counter()
        keeper = checkpoints.Keeper(as_in_colab(Path(base)), gan, images)
        print(f"to begin, with the checksum of 1,000 pictures: {time.perf_counter() - start:.3f} s")
        waits, work = [], []
        for _ in range(saves):
            start, cpu = time.perf_counter(), time.process_time()
            keeper._save(gan)
            waits.append(time.perf_counter() - start)
            keeper._wait(time.monotonic() + 20)
            work.append(time.process_time() - cpu)
        (path, *_) = Path(base).rglob("step-*")
        size = path.stat().st_size / 1e6
    held, all_work = statistics.median(waits), statistics.median(work)
    print(f"one checkpoint: {size:.1f} MB; training waits {held * 1000:.0f} ms for it ({held / 0.6:.2f} % of a minute)")
    print(f"all processor time of a save, both places: {all_work * 1000:.0f} ms ({all_work / 0.6:.2f} % of a minute)")


def outage(rounds=25, steps=30):
    """Print the steps in a second of processor time while Drive hangs or fails, as parts of those with a good Drive.

    Neighbours on the machine do not count then, and neither would waiting: the longest wait for a step stands beside.
    """
    images = load_digits()[0][:1000]
    checkpoints.EVERY, checkpoints.PATIENCE = 0.5, 0
    speeds, waits = {"good": [], "hang": [], "ENOTCONN": []}, {"good": 0, "hang": 0, "ENOTCONN": 0}
    for turn in range(rounds):
        for state in list(speeds) if turn % 2 else reversed(speeds):
            with tempfile.TemporaryDirectory() as base:
                folder, begun = as_in_colab(Path(base)), []
                seed_everything(0)
                gan = GAN(Generator(width=8), Discriminator(width=8))
                disk = Disk(folder, 0 if state == "good" else 1, "EIO" if state == "good" else state, lasting=True)

                def note(gan, done, last, begun=begun):
                    begun.append((time.process_time(), time.perf_counter()))

                with disk.watch(), contextlib.redirect_stdout(io.StringIO()):
                    train(gan, images, steps=steps, checkpoint=folder, watch=note)
                speeds[state].append((len(begun) - 1) / (begun[-1][0] - begun[0][0]))
                waits[state] = max(waits[state], *(after[1] - before[1] for before, after in pairwise(begun)))
    for state in ("hang", "ENOTCONN"):
        ratios = [bad / good for bad, good in zip(speeds[state], speeds["good"])]
        print(
            f"Drive: {state}: {100 * statistics.median(ratios):.1f} % of the steps per second with a good Drive "
            f"({rounds} pairs: {100 * min(ratios):.1f} to {100 * max(ratios):.1f} %), a save each half second; longest "
            f"wait for a step {waits[state]:.2f} s, with a good Drive {waits['good']:.2f} s"
        )


def soak(steps=10_000, warm_up=1_000):
    """Print how the memory of the process grows over many steps with many saves."""
    images = load_digits()[0][:200]
    checkpoints.EVERY = 0.5
    sizes = []

    def look(gan, done, last):
        if gan.step in (warm_up, steps):
            sizes.append(int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6)

    with tempfile.TemporaryDirectory() as base, contextlib.redirect_stdout(io.StringIO()):
        folder = as_in_colab(Path(base))
        seed_everything(0)
        gan = GAN(MLPGenerator(width=16), MLPDiscriminator(width=16))
        train(gan, images, steps=steps, batch_size=16, checkpoint=folder, watch=look)
        files = len(list(Path(base).rglob("step-*")))
    print(f"{steps} steps: {sizes[1] - sizes[0]:+.1f} MB after the first {warm_up}; files {files}, threads {threads()}")


def threads():
    """Count the threads of Python that are alive."""
    return threading.active_count()


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)
    for measure in (cost_of_saving, outage, soak):
        if sys.argv[1:] in ([], [measure.__name__]):
            measure()
