"""Measure what notebook 05 states, with the notebook's own functions.

    python benchmarks/textures.py quality --seeds 3      # three networks, three minutes a seed on one thread
    python benchmarks/textures.py by_hand --seeds 3      # only the one that plays by hand, half a minute
    python benchmarks/textures.py materials              # the other three materials, one and a half minutes each
    python benchmarks/textures.py batch --seeds 5        # batch norm and combined batches, four minutes

`--pictures FOLDER` also saves what was drawn; `hero` makes the notebook's first picture from that. *CPU seconds*: of
one thread, by the process's own clock. *Repeats at p*: the picture is cut into squares of p pixels, and the variance
of their mean square divided by the variance of the picture: what looks the same in each. 16 is the raster of z, 64 the
patch; the periods beside them, p - 1 and p + 1, show what chance gives. *Edge at 64*: the mean jump between neighbours
across the lines at every 64 pixels, divided by that between all other neighbours: 1 is no edge. Both are also taken
from the photo (512 pixels) and from quilts of 16 x 16 patches of the rivals.
"""

import argparse
import base64
import functools
import re
import time
from pathlib import Path

import torch
from common import ROOT, load_notebook, ranges, seeds, write_csv
from PIL import Image

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    contact_sheet,
    save_contact_sheet,
    seed_everything,
    sliced_distance,
    to_float,
)

NOTEBOOK = ROOT / "notebooks" / "05_textures.ipynb"
TEXTURES = ROOT / "gans_workshop" / "data" / "textures"


def repeats(picture, period):
    """Return which percentage of the variance of a picture (1, 3, H, W) repeats every `period` pixels, both ways."""
    height, width = (side // period * period for side in picture.shape[2:])
    squares = picture[0, :, :height, :width].unflatten(2, (-1, period)).unflatten(1, (-1, period))
    return (100 * squares.mean((1, 3)).var(dim=(1, 2)).sum() / picture[0].var(dim=(1, 2)).sum()).item()


def edge(picture, period=64):
    """Compare the jump across the lines at every `period` pixels with all other jumps: 1 is no edge."""
    ratios = []
    for axis in (2, 3):
        jumps = picture.diff(dim=axis).abs().transpose(2, axis).mean((0, 1, 3))
        on_line = torch.arange(1, len(jumps) + 1) % period == 0
        ratios.append((jumps[on_line].mean() / jumps[~on_line].mean()).item())
    return sum(ratios) / 2


def rasters(picture):
    """Return what would give a grid away."""
    picture = to_float(picture)
    found = {}
    for period in (16, 64):
        found[f"repeats at {period}, %"] = repeats(picture, period)
        near = repeats(picture, period - 1), repeats(picture, period + 1)
        found[f"at {period - 1} and {period + 1}, %"] = sum(near) / 2
    return found | {"edge at 64": edge(picture)}


def players(book, name, seed):
    """Make a GAN of one of two kinds, as the notebook does; the third plays by hand."""
    seed_everything(seed)
    size = {"image_size": book["PATCH"], "channels": 3}
    if name == "DCGAN":
        return GAN(Generator(**size), Discriminator(**size), seed=seed)
    return GAN(book["TextureGenerator"](), book["make_texture_detective"](), seed=seed)


def learn(book, name, seed, *, material="terrazzo"):
    """Train one network on one material; return the GAN, the photo and what the training took."""
    gan = players(book, name, seed)
    photo = book["open_texture"](TEXTURES / f"{material}.jpg")
    patches = book["cut_patches"]([photo], book["PATCHES"])
    steps = book["DCGAN_STEPS"] if name == "DCGAN" else book["TEXTURE_STEPS"]
    took = {}

    def watch(gan, done, last):
        if last and gan.step < steps:
            took["sliced distance before the small rate"] = verdict(book, gan.sample(256), photo)["sliced distance"]

    start = time.process_time()
    book["learn_texture"](gan, patches, steps, watch)
    return gan, photo, took | {"CPU seconds": time.process_time() - start, "patches seen": gan.seen}


def by_hand(book, seed):
    """Play the recipe of section 4 on terrazzo; return 256 fakes, the photo and what it took."""
    seed_everything(seed)
    photo = book["open_texture"](TEXTURES / "terrazzo.jpg")
    patches = book["cut_patches"]([photo], book["PATCHES"])
    seed_everything(seed)
    D, G = book["make_detective"](), book["make_criminal"]()
    start = time.process_time()
    book["play"](D, G, patches, book["HAND_STEPS"])
    took = {"CPU seconds": time.process_time() - start, "patches seen": 64 * book["HAND_STEPS"]}
    return G(torch.randn(256, 64)).detach(), photo, took


def spread(fakes, reals):
    """Return how much a pixel changes from one fake to the next: 1 is as in real patches, 0 the same picture."""
    return (to_float(fakes.cpu()).std(0).mean() / to_float(reals).std(0).mean()).item()


def jumps_across(picture):
    """Return the mean jump from the last row or column to the first, and the one at each 16th line inside."""
    jumps = [(picture - picture.roll(1, axis)).abs().mean((0, 1, 5 - axis)) for axis in (2, 3)]
    return [sum(jump[lines].mean().item() for jump in jumps) / 2 for lines in (slice(1), slice(16, None, 16))]


def verdict(book, fakes, photo):
    """Return the sliced distance and the spread of 256 pictures."""
    reals = book["cut_patches"]([photo], 256)
    return {"sliced distance": sliced_distance(fakes, reals), "spread": spread(fakes, reals)}


def large(book, gan):
    """Return rasters and seams of a tile of 1,024 pixels, and the tile."""
    sheet = book["draw_tile"](gan, 64)
    seam, inside = jumps_across(sheet)
    open_seam, _ = jumps_across(gan.sample(torch.randn(1, 16, 68, 68)))
    return rasters(sheet) | {"seam over inside": seam / inside, "open seam over inside": open_seam / inside}, sheet


def real_rows(book, photo):
    """Return the verdict on other real patches, and the rasters of the photo."""
    return verdict(book, book["cut_patches"]([photo], 256), photo) | rasters(as_picture(photo))


def as_picture(photo):
    return torch.from_numpy(photo.copy()).permute(2, 0, 1)[None]


def quilt(patches, columns=16):
    """Sew patches together without a gap: (columns * columns, 3, H, W) -> (1, 3, columns * H, columns * W)."""
    return as_picture(contact_sheet(patches, columns=columns, gap=0))


def row_of(key, name, runs):
    """Sum up the runs of a network, a material or a game."""
    row = {key: name, "seeds": len(runs)}
    for column in runs[0]:
        row |= ranges(column, [run[column] for run in runs], ".3g" if abs(runs[0][column]) < 100 else ".0f")
    return row


def quality(book, seeds, folder, names=("MLP by hand", "DCGAN", "no edges")):
    """Compare the three networks on terrazzo."""
    rows = {name: [] for name in ("other real patches, the photo", *names)}
    for seed in seeds:
        for name in names:
            if name == "MLP by hand":
                fakes, photo, took = by_hand(book, seed)
            else:
                gan, photo, took = learn(book, name, seed)
                fakes = gan.sample(256)
            found, sheet = large(book, gan) if name == "no edges" else (rasters(quilt(fakes)), quilt(fakes))
            rows[name].append(verdict(book, fakes, photo) | found | took)
            print(f"seed {seed}, {name}: {rows[name][-1]}", flush=True)
            if folder:
                save_contact_sheet(folder / f"terrazzo-{name}-{seed}.png".replace(" ", "-"), sheet, zoom=1)
        rows["other real patches, the photo"].append(real_rows(book, photo))
    write_csv("textures_quality", [row_of("network", name, runs) for name, runs in rows.items()])


def materials(book, seeds, folder):
    """Train the last network on the other three materials."""
    rows = {}
    for seed in seeds:
        for material in ("brick", "wood", "cloth"):
            gan, photo, took = learn(book, "no edges", seed, material=material)
            found, sheet = large(book, gan)
            rows.setdefault(material, []).append(verdict(book, gan.sample(256), photo) | found | took)
            rows.setdefault(f"{material}, the photo", []).append(real_rows(book, photo))
            print(f"seed {seed}, {material}: {rows[material][-1]}", flush=True)
            if folder:
                save_contact_sheet(folder / f"{material}-{seed}.png", sheet, zoom=1)
    write_csv("textures_materials", [row_of("material", name, runs) for name, runs in rows.items()])


def batch(book, seeds, folder):
    """Play the three games of exercise 4."""
    rows = {}
    games = {"no batch norm, combined": (False, True), "batch norm, combined": (True, True)}
    games["batch norm, separate"] = (True, False)
    photo = book["open_texture"](TEXTURES / "terrazzo.jpg")
    for seed in seeds:
        seed_everything(seed)
        book["patches"] = book["cut_patches"]([photo], book["PATCHES"])
        reals = book["cut_patches"]([photo], 64)
        for name, (norm, combined) in games.items():
            d_loss, g_loss, fakes = book["batch_game"](norm, combined, seed)
            run = {"D's loss": d_loss, "G's loss": g_loss}
            run |= {"sliced distance": sliced_distance(fakes, reals), "spread": spread(fakes, reals)}
            rows.setdefault(name, []).append(run)
            print(f"seed {seed}, {name}: {run}", flush=True)
            if folder:
                save_contact_sheet(folder / f"{name}-{seed}.png".replace(" ", "-"), fakes[:8], zoom=1)
    write_csv("textures_batch", [row_of("game", name, runs) for name, runs in rows.items()])


def hero(book, seeds, folder):
    """Put the first picture into the notebook: the photo, the three rivals; few colours, so that it stays small."""
    names = [f"terrazzo-{name}-{seeds[0]}.png" for name in ("MLP-by-hand", "DCGAN", "no-edges")]
    paths = [TEXTURES / "terrazzo.jpg", *(folder / name for name in names)]
    sheet, left = Image.new("RGB", (536, 96), "white"), 0
    for path, wide in zip(paths, (96, 96, 96, 224)):
        sheet.paste(Image.open(path).convert("RGB").crop((0, 0, wide, 96)), (left, 0))
        left += wide + 8
    few = sheet.quantize(9, method=Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE)
    few.save(folder / "hero.png", optimize=True)
    data = base64.b64encode((folder / "hero.png").read_bytes()).decode()
    text = NOTEBOOK.read_text(encoding="utf-8")
    NOTEBOOK.write_text(re.sub('(?<=data:image/png;base64,)[^"]+', data, text, count=1), encoding="utf-8")
    print(f"{len(data) * 3 // 4:,} bytes")


def main():
    """Write the table of the part that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=["quality", "by_hand", "materials", "batch", "hero"])
    parser.add_argument("--seeds", type=seeds, default=range(1))
    parser.add_argument("--pictures", type=Path)
    options = parser.parse_args()
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
    parts = {
        "quality": quality,
        "by_hand": functools.partial(quality, names=("MLP by hand",)),
        "materials": materials,
        "batch": batch,
        "hero": hero,
    }
    parts[options.part](load_notebook("05"), options.seeds, options.pictures)


if __name__ == "__main__":
    main()
