"""Measure, on whatever machine this is, all that the pages call 'not measured yet'; meant for one with a GPU.

    python benchmarks/gpu.py                            # everything: hours
    python benchmarks/gpu.py rounds resume              # the short parts
    python benchmarks/gpu.py digits faces --minutes 1   # quality after one minute only

Nothing is fetched and nothing needs thought: each part writes its CSV as soon as it has a number, and a part that fails
does not stop the others. Ours and the peers are played in turn, in the same run; compare within a run only.
"""

import argparse
import subprocess
import sys
import tempfile
import time
import traceback
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from common import ROOT, write_csv
from measures import coverage_and_density
from peers import PEERS, draw_as_trained, examples_dcgan, resize

from gans_workshop import (
    GAN,
    CycleGAN,
    Discriminator,
    Generator,
    PatchDiscriminator,
    UNet,
    classify_digits,
    cycle_round,
    draw_seasons,
    frechet_distance,
    least_squares,
    load_digits,
    load_drawings,
    non_saturating_r1,
    pick_device,
    pix2pix,
    seed_everything,
    sliced_distance,
    to_float,
    train,
)
from gans_workshop.files.datasets import load_faces
from gans_workshop.game.images import to_uint8
from gans_workshop.game.turns import play_round
from gans_workshop.view import evaluation

# What else is not measured yet; most of it needs no GPU.
OTHERS = (
    "benchmarks/diagnosis.py cost",
    "benchmarks/own_pictures.py --sizes 64 --steps 3300",
    "benchmarks/own_pictures.py --order 3",
    "benchmarks/many_gpus.py speeds",
)


class Size(NamedTuple):
    """How much of everything: `--small` is for the test."""

    minutes: tuple = (1, 5, 20)  # after which the pictures are judged
    seeds: tuple = (100,)
    fakes: int = 2000
    seconds: float = 10.0  # of each measurement of speed, after `warm` rounds
    warm: int = 20
    widths: tuple = (16, 64)
    pixels: tuple = (64, 128)
    pairs: tuple = ((64, 16, 8), (128, 32, 16), (256, 64, 16))  # of notebook 08: pixels, width, batch size
    piles: tuple = ((32, 16, 8), (64, 32, 8), (128, 32, 8))  # of notebook 09
    notebooks: Path = ROOT / "notebooks"


SMALL = Size(minutes=(0.002, 0.004), fakes=70, seconds=0.2, warm=1, widths=(2, 3), pixels=(16, 32))
SMALL = SMALL._replace(pairs=((32, 2, 2),), piles=((32, 2, 2),))


class Recipe(NamedTuple):
    """One way to play: `make()` returns generator and discriminator."""

    name: str
    make: object
    pixels: int
    rate: float = 3e-3
    batch_size: int = 64
    one_round: object = play_round
    ours: bool = True
    more: object = ()  # further rules of the game, a dictionary


# The games


def in_mixed_precision(gan, images, conditions=None, *, batch_size):
    """Play a round whose convolutions count in bfloat16; the weights stay float32."""
    with torch.autocast(gan.device.type, dtype=torch.bfloat16):
        play_round(gan, images, conditions, batch_size=batch_size)


def ours(pixels, channels, width, **rules):
    """Return a recipe of our own DCGAN."""
    mixed = ", mixed precision" if rules.get("one_round") is in_mixed_precision else ""
    name = f"ours, width {width}, batch {rules.get('batch_size', 64)}{mixed}"
    return Recipe(name, partial(players, pixels, channels, width), pixels, **rules)


def many(pixels, width, batch_size):
    """Return notebook 03's recipe for thousands of pictures."""
    rules = {"loss": non_saturating_r1, "betas": (0.5, 0.99)}
    name = f"ours for thousands of pictures, width {width}, batch {batch_size}"
    return Recipe(name, partial(players, pixels, 3, width, plain=True), pixels, batch_size=batch_size, more=rules)


def players(pixels, channels, width, plain=False):
    """Make our generator and discriminator, or the plainer ones of notebook 03's recipe for thousands of pictures."""
    shape = {"image_size": pixels, "channels": channels, "width": width}
    return Generator(**shape, smooth=not plain), Discriminator(**shape, norm=not plain)


def digit_recipes(size):
    """List what plays for digits: the notebook's recipe, wider ones, and the peers at their own sizes."""
    found = [ours(28, 1, width) for width in size.widths]
    return found + [Recipe(name, make, pixels, rate, ours=False) for name, (make, pixels, rate) in PEERS.items()]


def face_recipes(size):
    """List what plays for faces: notebook 03's recipe, a wider one, also mixed, and the peer."""
    found, (small, wide) = [], size.widths
    for pixels in size.pixels:
        found += [many(pixels, small, 8), many(pixels, wide, 32)]
        found += [ours(pixels, 3, small), ours(pixels, 3, wide, rate=1e-3)]
        found.append(ours(pixels, 3, wide, rate=1e-3, one_round=in_mixed_precision))
    peer = "pytorch/examples DCGAN, 64 px"
    return [*found, Recipe(peer, partial(examples_dcgan, 3), 64, PEERS[peer][2], ours=False)]


def start(recipe, images, seed, device):
    """Make the GAN of a recipe, and its pictures at its size."""
    seed_everything(seed)
    gan = GAN(*recipe.make(), device=device, d_lr=recipe.rate, g_lr=recipe.rate, seed=seed, **dict(recipe.more))
    return gan, resize(images, recipe.pixels)


# What is measured


def rehearse(size, device):
    """Measure the minutes and the memory of each notebook."""
    sys.path.append(str(ROOT / "tools"))
    import rehearse as program

    folder = ROOT / "rehearsal" if size.notebooks == ROOT / "notebooks" else Path(tempfile.mkdtemp())
    failed = program.rehearse([], size.notebooks, folder)
    write_down = ["benchmarks/rehearsal.py", f"on {device.type}", "--folder", folder]
    subprocess.run([sys.executable, *write_down], cwd=ROOT, check=True)
    if failed:
        raise RuntimeError("a notebook failed, see above")


def rounds(size, device):
    """Measure rounds a second and the peak of memory, with and without mixed precision."""
    digits, faces = load_digits()[0], load_faces()[0]
    recipes = [("digits", digits, ours(28, 1, width, one_round=how)) for width in size.widths for how in WAYS]
    for pixels in size.pixels:
        for width in size.widths:
            recipes += [("faces", faces, ours(pixels, 3, width, one_round=how)) for how in WAYS]
    for name, images, recipe in recipes:
        gan, pictures = start(recipe, images[:2000], 0, device)
        train(gan, pictures, steps=size.warm, one_round=recipe.one_round)
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        begun, before = time.perf_counter(), gan.step
        train(gan, pictures, minutes=(gan.seconds + size.seconds) / 60, one_round=recipe.one_round)
        speed = (gan.step - before) / (time.perf_counter() - begun)
        memory = f"{torch.cuda.max_memory_allocated() / 2**20:.0f}" if device.type == "cuda" else ""
        row = {"set": name, "pixels": recipe.pixels, "recipe": recipe.name, "rounds a second": f"{speed:.1f}"}
        write_csv("gpu_rounds", [row | {"peak GPU memory, MB": memory}], keys=3)


WAYS = (play_round, in_mixed_precision)


def judge_digits(fakes):
    """Score digits against the bundled test digits."""
    real, features = classify_digits(load_digits(test=True)[0])[1], classify_digits(resize(fakes, 28))[1]
    return {"distance": frechet_distance(real, features), "coverage": coverage_and_density(real, features)[0]}


def judge_faces(fakes):
    """Score faces, at 64 pixels, against 2,000 of those that they learn from."""
    real = evaluation.classify_faces(load_faces()[0][:2000])[1]
    labels, features = evaluation.classify_faces(resize(fakes, 64))
    scores = {"distance": frechet_distance(real, features), "coverage": coverage_and_density(real, features)[0]}
    return scores | {"invention": evaluation.invention(labels)}


def by_time(name, images, recipes, judge, size, device):
    """Play each recipe, judge it after each of the minutes, and put distances beside the best peer's of this run."""
    rows = []
    for seed in size.seeds:
        for recipe in recipes:
            gan, pictures = start(recipe, images, seed, device)
            for minutes in size.minutes:
                rules = {"batch_size": recipe.batch_size, "one_round": recipe.one_round}
                train(gan, pictures, minutes=minutes, **rules)
                fakes = gan.sample(size.fakes) if recipe.ours else draw_as_trained(gan, size.fakes)
                row = {"set": name, "recipe": recipe.name, "pixels": recipe.pixels, "minutes": minutes, "seed": seed}
                row |= {"rounds": gan.step} | {
                    key: f"{value:.2f}" for key, value in judge(to_uint8(fakes).cpu()).items()
                }
                rows.append(row)
                write_csv("gpu_quality", rows[-1:], keys=5)
    theirs = [recipe.name for recipe in recipes if not recipe.ours]
    for row in rows:
        best = [float(r["distance"]) for r in rows if r["recipe"] in theirs and r["minutes"] == row["minutes"]]
        row["distance of the best peer's"] = f"{float(row['distance']) / min(best):.2f}"
    write_csv("gpu_quality", rows, keys=5)


def digits(size, device):
    """Measure the digits by time."""
    by_time("digits", load_digits()[0], digit_recipes(size), judge_digits, size, device)


def faces(size, device):
    """Measure the faces by time."""
    by_time("faces", load_faces()[0], face_recipes(size), judge_faces, size, device)


def resume(size, device):
    """Begin on this device, go on from the checkpoint on the CPU, and compare what both draw."""
    images, recipe = load_digits()[0][:2000], ours(28, 1, size.widths[0])
    with tempfile.TemporaryDirectory() as folder:
        gan, pictures = start(recipe, images, 0, device)
        train(gan, pictures, steps=10 * size.warm, checkpoint=folder)
        other, pictures = start(recipe, images, 1, "cpu")
        train(other, pictures, steps=gan.step, checkpoint=folder)  # only reads it: these rounds are already done
        apart = float((gan.preview().cpu() - other.preview()).abs().max() * 127.5)
        train(other, pictures, steps=gan.step + 5, checkpoint=folder)
    row = {
        "began on": device.type,
        "rounds there": gan.step,
        "went on with": "cpu",
        "rounds then": other.step - gan.step,
    }
    row |= {"largest difference of the 64 previews, grey levels": f"{apart:.3f}", "finite": other.is_finite()}
    write_csv("gpu_resume", [row])


def pairs(size, device):
    """Measure pix2pix by time on the drawings of notebook 08, at 64 pixels and enlarged, on those held out."""
    for pixels, width, batch_size in size.pairs:
        (given, wanted, _), (test_given, truth, _) = (load_drawings(image_size=pixels, test=test) for test in (0, 1))
        seed_everything(0)
        shape = {"image_size": pixels, "width": width}
        rules = {"device": device, "d_lr": 1e-3, "g_lr": 1e-3, "loss": pix2pix, "fixed_condition": test_given[:12]}
        gan = GAN(UNet(**shape), PatchDiscriminator(**shape), **rules)
        for minutes in size.minutes:
            train(gan, wanted, conditions=given, minutes=minutes, batch_size=batch_size)
            made = gan.sample(len(test_given), test_given).cpu()
            row = {"pixels": pixels, "width": width, "batch size": batch_size, "minutes": minutes, "rounds": gan.step}
            row["l1"] = f"{(made - to_float(truth)).abs().mean():.3f}"
            write_csv("gpu_pairs", [row | {"texture": f"{sliced_distance(made, truth):.3f}"}], keys=4)


def piles(size, device):
    """Measure CycleGAN by time on the seasons of notebook 09, against both seasons of 100 scenes that it never saw."""
    for pixels, width, batch_size in size.piles:
        first, second = (draw_seasons(500, image_size=pixels, seed=1 + side)[side] for side in (0, 1))
        summer, winter = draw_seasons(100, image_size=pixels, seed=3)
        seed_everything(0)
        shape = {"image_size": pixels, "width": width, "norm": torch.nn.InstanceNorm2d}
        rules, games = {"device": device, "d_lr": 1e-3, "g_lr": 1e-3, "loss": least_squares}, []
        for side, pile in enumerate((first, second)):
            players = UNet(given_channels=3, **shape), PatchDiscriminator(given_channels=0, **shape)
            games.append(GAN(*players, fixed_condition=pile[:10], seed=side, **rules))
        game = CycleGAN(*games)
        for minutes in size.minutes:
            train(game, first, conditions=second, minutes=minutes, batch_size=batch_size, one_round=cycle_round)
            (there, again), back = game.there_and_again(summer), game.translate_back(winter)
            row = {"pixels": pixels, "width": width, "batch size": batch_size, "minutes": minutes, "rounds": game.step}
            shown = {"there": (there, winter), "back": (back, summer), "again": (again, summer)}
            row |= {name: f"{(made.cpu() - to_float(truth)).abs().mean():.3f}" for name, (made, truth) in shown.items()}
            write_csv("gpu_piles", [row], keys=4)


def others(size, device):
    """Run what is not measured yet and needs no GPU; each writes its own CSV."""
    for command in OTHERS:
        print(f"python {command}", flush=True)
        subprocess.run([sys.executable, *command.split()], cwd=ROOT, check=True)


PARTS = {
    part.__name__: part for part in (rounds, resume, digits, faces, pairs, piles, rehearse, others)
}  # the short ones first


def measure(names, size, device):
    """Measure these parts; return the names of those that failed."""
    failed = []
    for name in names:
        print(f"{name}: {PARTS[name].__doc__}", flush=True)
        try:
            PARTS[name](size, device)
        except Exception:  # an hour of the others is worth more than this one
            traceback.print_exc()
            failed.append(name)
    return failed


def main():
    """Measure all, or the parts that are named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all where none is named")
    parser.add_argument("--minutes", type=float, nargs="+", default=Size().minutes, help="when pictures are judged")
    parser.add_argument("--seeds", type=int, nargs="+", default=Size().seeds)
    parser.add_argument("--small", action="store_true", help="a trial in small: set GANS_WORKSHOP_RESULTS before")
    options = parser.parse_args()
    if unknown := [name for name in options.parts if name not in PARTS]:
        raise SystemExit(f"There is no part '{unknown[0]}': choose from {', '.join(PARTS)}.")
    wanted = Size(minutes=tuple(options.minutes), seeds=tuple(options.seeds))
    if failed := measure(options.parts or list(PARTS), SMALL if options.small else wanted, pick_device()):
        raise SystemExit(f"Failed, see above: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
