"""What checkpoints cost: at 64 pixels, while Drive does not answer, and in memory over 10,000 steps.

python benchmarks/checkpoint_costs.py      # about four minutes, on a quiet machine; or cost_of_saving, outage or soak
"""

import contextlib
import io
import os
import resource
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import torch
from checkpoint_faults import Disk
from checkpoint_game import as_in_colab, checkpoints_in
from common import ranges, write_csv

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    MLPDiscriminator,
    MLPGenerator,
    load_digits,
    seed_everything,
    train,
)
from gans_workshop.files import checkpoints


def cost_of_saving(saves=20):
    """Write what a save of the 64-pixel model takes from the training, in seconds and as a part of a minute."""
    seed_everything(0)
    images = torch.randint(0, 256, (1000, 3, 64, 64), dtype=torch.uint8)
    gan = GAN(Generator(image_size=64, channels=3), Discriminator(image_size=64, channels=3))
    train(gan, images, steps=2)
    with tempfile.TemporaryDirectory() as base:
        keeper = checkpoints.CheckpointKeeper(as_in_colab(Path(base)), gan, (images, None))
        waits, work = [], []
        for _ in range(int(saves)):
            start, cpu = time.perf_counter(), time.process_time()
            keeper._save(gan)
            waits.append(time.perf_counter() - start)
            keeper._wait(time.monotonic() + 20)
            work.append(time.process_time() - cpu)
        size = checkpoints_in(Path(base))[0].stat().st_size / 1e6
    held, all_work = statistics.median(waits), statistics.median(work)
    values = {
        "a checkpoint of the 64-pixel model, MB": f"{size:.1f}",
        "the training waits, ms": f"{held * 1000:.0f}",
        "the training waits, % of a minute": f"{held / 0.6:.2f}",
        "all processor time of a save, % of a minute": f"{all_work / 0.6:.2f}",
    }
    write_csv("checkpoint_costs", [{"what": what, "value": value} for what, value in values.items()])


def outage(groups=25, rounds=30):
    """Write the rounds in a second of processor time while Drive hangs or fails, as parts of those with a good Drive.

    Neighbours on the machine do not count then, and neither would waiting: the longest wait for a round is beside it.
    """
    images = load_digits()[0][:1000]
    checkpoints.EVERY, checkpoints.LAST_WAIT = 0.5, 0
    speeds, waits = {"good": [], "hang": [], "ENOTCONN": []}, {"good": 0, "hang": 0, "ENOTCONN": 0}
    for turn in range(int(groups)):
        for state in list(speeds) if turn % 2 else reversed(speeds):
            with tempfile.TemporaryDirectory() as base:
                folder, begun = as_in_colab(Path(base)), []
                seed_everything(0)
                gan = GAN(Generator(width=8), Discriminator(width=8))
                disk = Disk(folder, 0 if state == "good" else 1, "EIO" if state == "good" else state, lasting=True)

                def note(gan, done, last, begun=begun):
                    begun.append((time.process_time(), time.perf_counter()))

                with disk.watch(), contextlib.redirect_stdout(io.StringIO()):
                    train(gan, images, steps=int(rounds), checkpoint=folder, watch=note)
                speeds[state].append((len(begun) - 1) / (begun[-1][0] - begun[0][0]))
                waits[state] = max(waits[state], *(after[1] - before[1] for before, after in pairwise(begun)))
    rows = []
    for state, name in (("hang", "hangs"), ("ENOTCONN", "fails")):
        ratios = [100 * bad / good for bad, good in zip(speeds[state], speeds["good"])]
        row = {"machine is": "as it is", "Drive": name, "groups": len(ratios)}
        row |= ranges("rounds a second, % of those with a good Drive", ratios, ".1f")
        row |= {"longest wait for a round, s": f"{waits[state]:.2f}", "with a good Drive, s": f"{waits['good']:.2f}"}
        rows.append(row)
    write_csv("checkpoint_outage", rows, keys=2)


def soak(rounds=10_000, warm_up=1_000):
    """Write how the memory of the process grows over many rounds with many saves."""
    images, ends = load_digits()[0][:200], (int(warm_up), int(rounds))
    checkpoints.EVERY = 0.5
    sizes = []

    def look(gan, done, last):
        if gan.step in ends and not last:
            sizes.append(int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6)

    with tempfile.TemporaryDirectory() as base, contextlib.redirect_stdout(io.StringIO()):
        seed_everything(0)
        gan = GAN(MLPGenerator(width=16), MLPDiscriminator(width=16))
        train(gan, images, steps=ends[1], batch_size=16, checkpoint=as_in_colab(Path(base)), watch=look)
    what = f"memory growth over {ends[1]:,} rounds after the first {ends[0]:,}, MB"
    write_csv("checkpoint_costs", [{"what": what, "value": f"{sizes[1] - sizes[0]:.1f}"}])


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)
    measures = {measure.__name__: measure for measure in (cost_of_saving, outage, soak)}
    if sys.argv[1:]:
        measures[sys.argv[1]](*sys.argv[2:])
    else:
        for measure in measures.values():
            measure()
