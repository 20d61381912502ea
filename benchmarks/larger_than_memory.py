"""Train from a file of made pictures, larger than the memory that is used, in turn with a part of them in memory.

python benchmarks/larger_than_memory.py    # 200,000 pictures of 128 pixels: 10 GB of disk for a few minutes
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from common import write_csv

from gans_workshop import GAN, Discriminator, Generator, non_saturating_r1, train
from gans_workshop.files import mapped
from gans_workshop.files.marks import make_mark
from gans_workshop.files.workspace import cache_folder

IN_MEMORY = 20_000  # pictures of the comparison: all of them would need the memory that is to be saved


def made(numbers, size):
    """Make pictures, uint8 (3, size, size), by their numbers: from a few of random numbers, moved for each picture."""
    tile = np.random.default_rng(0).integers(0, 256, (64, 3, size, size), dtype=np.uint8)
    for number in numbers:
        picture = np.roll(tile[number % 64], number // 64, axis=2)
        picture[0, 0, :4] = np.frombuffer(np.uint32(number).tobytes(), np.uint8)  # no two are the same
        yield picture


def memory():
    """Return the megabytes that this process holds, and those of files that the system lends it."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":" in line)
    return [int(lines[name].split()[0]) / 1024 for name in ("RssAnon", "RssFile")]


class Watch(threading.Thread):
    """Note the most memory that is held, ten times a second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.most, self.ended = [0, 0], False

    def run(self):
        while not self.ended:
            self.most = [max(pair) for pair in zip(self.most, memory())]
            time.sleep(0.1)


def make_gan(size, width):
    """Make the game for thousands of pictures."""
    torch.manual_seed(0)
    form = {"image_size": size, "channels": 3, "width": width}
    players = Generator(**form, smooth=False), Discriminator(**form, norm=False)
    return GAN(*players, loss=non_saturating_r1, betas=(0.5, 0.99))


def play(gan, images, rounds, batch):
    """Play rounds and return how many pictures a second were learned from."""
    train(gan, images, steps=gan.step + 1, batch_size=batch)
    before = time.perf_counter()
    train(gan, images, steps=gan.step + rounds, batch_size=batch)
    return rounds * batch / (time.perf_counter() - before)


def main():
    """Write the speeds in turn, and the memory of the process that trains from the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--width", type=int, default=8)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--file", type=Path, help="for the second process, which trains")
    options = parser.parse_args()
    torch.set_num_threads(1)
    shape = (options.count, 3, options.size, options.size)
    if options.file:
        return measure(options, mapped.map_pictures(options.file, shape, None))
    with tempfile.TemporaryDirectory(dir=cache_folder()) as folder:
        path, begun = Path(folder) / "photos-0-0.pictures", time.monotonic()
        mapped.map_pictures(path, shape, lambda first: made(range(first, options.count), options.size))
        print(f"{path.stat().st_size / 1e9:.1f} GB written in {time.monotonic() - begun:.0f} s", flush=True)
        subprocess.run([sys.executable, __file__, *sys.argv[1:], "--file", path], check=True)


def measure(options, images):
    """Train from the file, and in turn from some of its pictures in memory."""
    watch, begun = Watch(), time.monotonic()
    watch.start()
    make_mark([images])
    marked = time.monotonic() - begun
    gan = make_gan(options.size, options.width)
    play(gan, images, options.rounds, options.batch)
    watch.ended = True
    watch.join()
    few = torch.from_numpy(np.stack(list(made(range(min(IN_MEMORY, options.count)), options.size))))
    ratios, speeds = [], {"memory": [], "file": []}
    for turn in range(
        options.turns
    ):  # the machine is not always as fast: each pair by itself, now one first, now other
        for where in sorted(speeds, reverse=turn % 2):
            speeds[where].append(play(gan, few if where == "memory" else images, options.rounds, options.batch))
        ratios.append(100 * (1 - speeds["file"][-1] / speeds["memory"][-1]))
        print(f"slower by {ratios[-1]:.1f} %", flush=True)
    row = {"pictures": options.count, "pixels": options.size, "GB": f"{images.numel() / 1e9:.1f}"}
    row |= {"memory, MB": f"{watch.most[0]:.0f}", "of files, MB": f"{watch.most[1]:.0f}", "mark, s": f"{marked:.1f}"}
    row |= {f"pictures a second, from {where}": f"{median(found):.1f}" for where, found in speeds.items()}
    row |= {"pairs": options.turns, "slower by, %": f"{median(ratios):.1f}"}
    row |= {"least, %": f"{min(ratios):.1f}", "most, %": f"{max(ratios):.1f}"}
    write_csv("larger_than_memory", [row], keys=2)


if __name__ == "__main__":
    main()
