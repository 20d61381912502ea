"""Measure what notebook 05 states, with the notebook's own functions: its cells tagged `parameters` and `algorithm`.

    python benchmarks/textures.py quality --seeds 3      # three networks, seven minutes a seed on one thread
    python benchmarks/textures.py materials              # the other three materials, two and a half minutes each
    python benchmarks/textures.py batch --seeds 5        # batch norm and combined batches, four minutes

`--pictures FOLDER` also saves what was drawn. *Grid*: the picture is folded into squares of 16 pixels, the raster of z;
the contrast of their mean is divided by the mean contrast for squares of 15 and 17 pixels: 1 is no grid.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy
import torch
import torch.nn.functional as F
from torch import nn

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    MLPDiscriminator,
    MLPGenerator,
    save_contact_sheet,
    seed_everything,
    to_float,
    train,
)

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "05_textures.ipynb"
TEXTURES = Path(__file__).parents[1] / "gans_workshop" / "data" / "textures"
STEPS = 1500  # what two and a half minutes on two CPU cores reach, at the least


def load_notebook():
    """Run the notebook's cells that are tagged `parameters` or `algorithm` and return what they define."""
    names = {"np": numpy, "torch": torch, "F": F, "nn": nn, "to_float": to_float}
    names |= {
        "Discriminator": Discriminator,
        "Generator": Generator,
        "device": torch.device("cpu"),
        "seed_everything": seed_everything,
    }
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if {"parameters", "algorithm"} & set(cell["metadata"].get("tags", [])):
            exec("".join(cell["source"]), names)
    return names


def rhythm(picture, period):
    """Return the contrast of the mean square of `period` pixels in a picture (1, 3, H, W)."""
    height, width = (side // period * period for side in picture.shape[2:])
    squares = picture[0, :, :height, :width].unflatten(2, (-1, period)).unflatten(1, (-1, period))
    return squares.mean((1, 3)).std(dim=(1, 2)).mean().item()


def grid(picture, period=16):
    """Compare the rhythm of `period` pixels with its neighbours': 1 is no grid, 2 is twice as strong as chance."""
    return 2 * rhythm(picture, period) / (rhythm(picture, period - 1) + rhythm(picture, period + 1))


def players(book, name, seed):
    """Make a GAN of one of the three kinds, as the notebook does."""
    seed_everything(seed)
    size = {"image_size": book["PATCH"], "channels": 3}
    if name == "MLP":
        return GAN(MLPGenerator(**size), MLPDiscriminator(**size), d_lr=5e-4, g_lr=5e-4, seed=seed)
    if name == "DCGAN":
        return GAN(Generator(**size), Discriminator(**size), d_lr=1e-3, g_lr=1e-3, seed=seed)
    return GAN(book["TextureGenerator"](), book["make_texture_detective"](), d_lr=1e-3, g_lr=1e-3, seed=seed)


def learn(book, name, seed, *, material="terrazzo", steps=None):
    """Train one network on one material and return the GAN, its seconds and 256 real patches to compare with."""
    gan = players(book, name, seed)
    picture = book["open_texture"](TEXTURES / f"{material}.jpg")
    patches = book["cut_patches"](picture, book["PATCHES"])
    budget = {"MLP": (book["MLP_STEPS"], 64), "DCGAN": (book["DCGAN_STEPS"], 16), "no edges": (STEPS, 16)}
    count, batch_size = budget[name]
    start = time.perf_counter()
    train(gan, patches, steps=steps or count, batch_size=batch_size)
    return gan, time.perf_counter() - start, picture


def verdict(book, gan, picture):
    """Return the distance and the variety of 256 fakes."""
    reals, fakes = book["cut_patches"](picture, 256), gan.sample(256)
    return {"distance": book["distance"](fakes, reals), "variety": book["variety"](fakes, reals)}


def large(book, gan):
    """Return the grid, the seams and the picture of a tile of 1,024 pixels."""
    sheet = book["draw_tile"](gan, 64)
    seam, inside = book["steps_across"](sheet)
    open_seam, _ = book["steps_across"](gan.sample(torch.randn(1, 16, 68, 68)))
    found = {"grid": grid(sheet), "seam / inside": seam / inside, "open z: seam / inside": open_seam / inside}
    return found, sheet


def spread(values):
    low, high, middle = (
        f"{v:,.0f}" if v >= 100 else f"{v:.3g}" for v in (min(values), max(values), statistics.median(values))
    )
    return low if low == high else f"{low} to {high} ({middle})"


def show_table(rows):
    """Print one line for each name: rows is {name: [dict for each seed]}."""
    columns = list(dict.fromkeys(key for runs in rows.values() for key in runs[0]))
    print("| | seeds | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 2))
    for name, runs in rows.items():
        cells = [spread([run[key] for run in runs]) if key in runs[0] else "" for key in columns]
        print(f"| {name} | {len(runs)} | " + " | ".join(cells) + " |", flush=True)


def quality(book, seeds, folder):
    """Compare the three networks on terrazzo."""
    rows = {"other real patches": [], "MLP": [], "DCGAN": [], "no edges": []}
    for seed in seeds:
        for name in list(rows)[1:]:
            gan, seconds, picture = learn(book, name, seed)
            if folder:
                torch.save(gan.average.state_dict(), folder / f"{name}-{seed}.pt".replace(" ", "-"))
            run = verdict(book, gan, picture) | {"seconds": seconds, "steps": gan.step}
            if name == "no edges":
                found, sheet = large(book, gan)
                run |= found
                if folder:
                    save_contact_sheet(folder / f"terrazzo-{seed}.png", sheet, zoom=1)
            elif folder:
                save_contact_sheet(folder / f"{name}-{seed}.png", gan.sample(16), columns=4, zoom=1)
            rows[name].append(run)
            print(f"seed {seed}, {name}: {run}", flush=True)
        a, b = book["cut_patches"](picture, 256), book["cut_patches"](picture, 256)
        real = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None]
        run = {"distance": book["distance"](a, b), "variety": book["variety"](a, b), "grid": grid(to_float(real))}
        rows["other real patches"].append(run)
    show_table(rows)


def materials(book, seeds, folder):
    """Train the last network on the other three materials."""
    rows = {}
    for material in ("brick", "wood", "cloth"):
        for seed in seeds:
            gan, seconds, picture = learn(book, "no edges", seed, material=material)
            found, sheet = large(book, gan)
            rows.setdefault(material, []).append(verdict(book, gan, picture) | {"seconds": seconds} | found)
            if folder:
                save_contact_sheet(folder / f"{material}-{seed}.png", sheet[..., :512, :512], zoom=1)
    show_table(rows)


def batch(book, seeds, folder):
    """Play section 4's four games."""
    rows = {}
    games = {"no batch norm, combined": (False, True), "batch norm, combined": (True, True)}
    games["batch norm, separate"] = (True, False)
    picture = book["open_texture"](TEXTURES / "terrazzo.jpg")
    for seed in seeds:
        seed_everything(seed)
        book["patches"] = book["cut_patches"](picture, book["PATCHES"])
        reals = book["cut_patches"](picture, 64)
        for name, (norm, combined) in games.items():
            d_loss, g_loss, fakes = book["play"](norm, combined, seed)
            run = {"D's loss": d_loss, "G's loss": g_loss}
            run |= {"distance": book["distance"](fakes, reals), "variety": book["variety"](fakes, reals)}
            rows.setdefault(name, []).append(run)
            print(f"seed {seed}, {name}: {run}", flush=True)
            if folder:
                save_contact_sheet(folder / f"{name}-{seed}.png".replace(" ", "-"), fakes[:8], zoom=1)
    show_table(rows)


def main():
    """Print the table of the part that was asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=["quality", "materials", "batch"])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--pictures", type=Path)
    given = parser.parse_args()
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    if given.pictures:
        given.pictures.mkdir(parents=True, exist_ok=True)
    {"quality": quality, "materials": materials, "batch": batch}[given.part](load_notebook(), seeds, given.pictures)


if __name__ == "__main__":
    main()
