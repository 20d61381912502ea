"""The page of a GAN in two browsers, opened from a file: its size, its speed, and how near it is to PyTorch.

python benchmarks/page.py      # about three minutes on a quiet machine; needs Node, Chromium and Firefox
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

import torch
from common import ROOT, ranges, write_csv

from gans_workshop import GAN, Discriminator, Generator, save_page

NETWORKS = {"28 px, grey": (28, 1, 16), "32 px, colour": (32, 3, 16), "64 px, colour, width 32": (64, 3, 32)}
BROWSERS = {"chrome": ("chromium", "google-chrome"), "firefox": ("firefox-esr", "firefox")}


def lived_gan(size, channels, width):
    """Make a GAN whose weights and statistics are as varied as after a training."""
    torch.manual_seed(0)
    generator = Generator(image_size=size, channels=channels, width=width)
    for layer in generator.layers:
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.3)
            layer.running_var.uniform_(0.3, 2)
    generator.layers[-2].weight.data.mul_(10)  # pictures with as much contrast as trained ones have
    return GAN(generator, Discriminator(image_size=size, channels=channels))


def measure(kind, folder):
    """Return (version of the browser, what it measured for each network, with the kernel and without)."""
    program = next(filter(None, map(shutil.which, BROWSERS[kind])), None)
    if program is None:
        raise SystemExit(f"This needs {BROWSERS[kind][0]}: nothing was measured with it.")
    gans = {name: lived_gan(*sizes) for name, sizes in NETWORKS.items()}
    pages = {name: save_page(folder / f"{i}.html", gan, title=name) for i, (name, gan) in enumerate(gans.items())}
    z = {name: gan.fixed_z[:4].tolist() for name, gan in gans.items()}
    jobs = [{"path": str(pages[name]), "inputs": z[name], "plain": plain} for name in gans for plain in (False, True)]
    (folder / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
    command = ["node", ROOT / "benchmarks" / "page.mjs", kind, program, folder / "jobs.json"]
    found = json.loads(subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout)
    rows = []
    for (name, gan), fast, plain in zip(gans.items(), found["told"][::2], found["told"][1::2]):
        row = {"browser": found["version"], "network": name, "MB": f"{pages[name].stat().st_size / 1e6:.2f}"}
        drawn = torch.tensor(fast["out"]).reshape(4, *gan.picture_shape)
        row["grey levels from PyTorch"] = f"{127.5 * (drawn - gan.sample(gan.fixed_z[:4])).abs().max():.2f}"
        row |= ranges("ms to the first picture", fast["wall"], ".0f")
        row |= ranges("processor ms to it", fast["first"], ".0f")
        row |= ranges("processor ms a picture", fast["picture"])
        row |= ranges("the same without WebAssembly", plain["picture"])
        row["times as fast"] = f"{statistics.median(plain['picture']) / statistics.median(fast['picture']):.1f}"
        row["walk, pictures a second"] = f"{fast['frames']:.0f}"
        row["processor ms a step of the walk"] = f"{fast['walk']:.1f}"
        row["errors"] = len(fast["errors"] + plain["errors"])
        rows.append(row | {"load of the machine": f"{os.getloadavg()[0]:.1f}"})
    return rows


def main():
    """Measure in both browsers, or in one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--browser", choices=BROWSERS, help="only in this one")
    chosen = parser.parse_args().browser
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for kind in BROWSERS if chosen in (None, kind) for row in measure(kind, Path(folder))]
    write_csv("page", rows, keys=2)


if __name__ == "__main__":
    main()
