"""Which recipe learns most from a few hundred pictures on a CPU? Networks, losses and rates at equal computing time.

    python benchmarks/small_sets.py --seconds 90                               # all recipes on the bundled portraits
    python benchmarks/small_sets.py --recipes augmented upsample --seeds 3     # some, more seeds
    python benchmarks/small_sets.py --pictures crops --recipes augmented       # 600 crops of photographs (scikit-image)

Seconds are those of this process on one thread, so that neighbours on the machine do no harm. `sliced_distance` and
`coverage` need no trained judge.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from common import ranges, seeds, write_csv
from measures import diff_augment
from torch import nn

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    Loss,
    cut_out,
    hinge,
    load_portraits,
    non_saturating,
    save_contact_sheet,
    seed_everything,
    shift,
    to_float,
    train,
    workshop_folder,
)


def crops(image_size, count=600):
    """Cut 600 squares of 96 to 224 pixels from four photographs that come with scikit-image."""
    import skimage
    from PIL import Image

    rng, squares = np.random.default_rng(0), []
    folder = Path(skimage.__file__).parent / "data"
    for name in ("chelsea.png", "coffee.png", "astronaut.png", "rocket.jpg"):
        photo = Image.open(folder / name).convert("RGB")
        for _ in range(count // 4):
            side = rng.integers(96, 225)
            left, top = rng.integers(0, photo.width - side), rng.integers(0, photo.height - side)
            square = photo.crop((left, top, left + side, top + side)).resize((image_size, image_size))
            squares.append(np.asarray(square))
    return torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).contiguous()


def load(pictures, image_size):
    """Load a set by name: `portraits`, `crops`, or the path of an .npy file (N, S, S, 3) or (N, 3, S, S)."""
    if pictures in ("portraits", "crops"):
        return {"portraits": lambda: load_portraits(image_size=image_size), "crops": lambda: crops(image_size)}[
            pictures
        ]()
    images = torch.from_numpy(np.load(pictures))
    images = images.permute(0, 3, 1, 2) if images.shape[-1] == 3 else images
    return F.interpolate(images, image_size, mode="bilinear", antialias=True).contiguous()


# The measure


def views(images):
    """Look at pictures (N, 3, S, S) three ways: whole at 16 x 16, and patches of 7 x 7 at full and at half size."""
    small, half = (F.interpolate(images, size, mode="area") for size in (16, images.shape[-1] // 2))
    return [small.flatten(1), *(patches(picture) for picture in (images, half))]


def patches(images):
    """Cut all patches of 7 x 7 with a stride of 5: (M, 147)."""
    return F.unfold(images, 7, stride=5).permute(0, 2, 1).reshape(-1, 49 * images.shape[1])


def sliced_distance(real, fake, *, directions=256):
    """Sliced Wasserstein distance (Rabin et al. 2011), the mean over the three views, times 100: 0 is perfect.

    In each of 256 fixed random directions both sets become heaps of numbers, and sorted they are compared.
    Shapes: real, fake (N, 3, S, S) in [-1, 1], equally many.
    """
    results = []
    for a, b in zip(views(real), views(fake)):
        w = torch.randn(a.shape[1], directions, generator=torch.Generator().manual_seed(0))
        w = w / w.norm(dim=0)
        a, b = (torch.cat([part @ w for part in x.split(20_000)]).sort(0).values for x in (a, b))
        results.append((a - b).abs().mean())
    return 100 * float(torch.stack(results).mean())


def coverage(real, fake, *, k=5):
    """Part of the real pictures with a fake inside their ball of k neighbours, at 16 x 16 (Naeem et al. 2020)."""
    a, b = views(real)[0], views(fake)[0]
    radius = torch.cdist(a, a).kthvalue(k + 1, dim=1).values
    return float((torch.cdist(a, b).amin(1) < radius).double().mean())


def references(images):
    """Score pictures whose quality is known, a check of the measure; return rows."""
    real, generator = to_float(images), torch.Generator().manual_seed(0)
    order = torch.randperm(len(real), generator=generator)
    half = len(real) // 2
    blurred = F.avg_pool2d(F.pad(real, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    rows = {
        "half of the set, beside the other half": (real[order[:half]], real[order[half : 2 * half]]),
        "the set, blurred by 3 x 3": (real, blurred),
        "a tenth of the set, ten times": (real, real[order[: len(real) // 10 + 1]].repeat(10, 1, 1, 1)[: len(real)]),
        "the mean picture, repeated": (real, real.mean(0, keepdim=True).expand_as(real)),
        "noise": (real, torch.rand(real.shape, generator=generator) * 2 - 1),
    }
    return [{"pictures": name} | scores(a, b) for name, (a, b) in rows.items()]


def scores(real, fake):
    """Return both numbers as they stand in a CSV."""
    return {"sliced distance": f"{sliced_distance(real, fake):.1f}", "coverage": f"{coverage(real, fake):.2f}"}


# What is compared


def upsampled(generator):
    """Replace each transposed convolution by doubling the pixels and a plain 3 x 3 convolution."""
    layers = []
    for layer in generator.layers:
        if isinstance(layer, nn.ConvTranspose2d):
            conv = nn.Conv2d(layer.in_channels, layer.out_channels, 3, padding=1, bias=False)
            nn.init.normal_(conv.weight, 0, 0.02)
            layers += [nn.Upsample(scale_factor=2), conv]
        else:
            layers.append(layer)
    generator.layers = nn.Sequential(*layers)
    return generator


def without_norm(discriminator, *, spectral=False):
    """Take batch norm out of D, and with `spectral` hold each layer's slope at 1 (Miyato et al. 2018)."""
    layers = []
    for layer in discriminator.layers:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, 0.2)
            layer = nn.utils.parametrizations.spectral_norm(layer) if spectral else layer
        layers += [] if isinstance(layer, nn.BatchNorm2d) else [layer]
    discriminator.layers = nn.Sequential(*layers)
    return discriminator


def r1(weight):
    """Fine D for its slope at real pictures (Mescheder et al. 2018, eq. 9)."""

    def penalty(discriminator, real, fake):
        real = real.detach().requires_grad_()
        (slope,) = torch.autograd.grad(discriminator(real).sum(), real, create_graph=True)
        return weight / 2 * slope.square().sum((1, 2, 3)).mean()

    return Loss(non_saturating.discriminator, non_saturating.generator, penalty)


def make(image_size, *, width=16, d_width=16, lr=3e-3, g_lr=None, upsample=False, norm="batch", seed=0, **rules):
    """Make a GAN for colour pictures; rules: its loss and its augmentation."""
    seed_everything(seed)
    generator = Generator(image_size=image_size, channels=3, width=width)
    discriminator = Discriminator(image_size=image_size, channels=3, width=d_width)
    if upsample:
        generator = upsampled(generator)
    if norm != "batch":
        discriminator = without_norm(discriminator, spectral=norm == "spectral")
    return GAN(generator, discriminator, d_lr=lr, g_lr=g_lr or lr, seed=seed, **rules)


# name: (how the GAN is made, its rules and batch size)
def moved(images):
    """Change pictures as notebook 03 does."""
    return cut_out(shift(images))


AUGMENTED, MOVED = {"augment": diff_augment}, {"augment": moved}
RECIPES = {
    "plain": ({}, {}),
    "augmented": ({}, AUGMENTED),
    "shift": ({}, {"augment": shift}),
    "shift, cut": ({}, MOVED),
    "shift, cut, hinge": ({}, MOVED | {"loss": hinge}),
    "shift, cut, R1 0.1": ({"norm": "none", "lr": 1e-3}, MOVED | {"loss": r1(0.1)}),
    "shift, cut, spectral": ({"norm": "spectral", "lr": 1e-3}, MOVED),
    "plain, upsample": ({"upsample": True}, {}),
    "plain, hinge": ({}, {"loss": hinge}),
    "plain, rate 1e-3": ({"lr": 1e-3}, {}),
    "plain, rate 2e-4": ({"lr": 2e-4}, {}),
    "plain, spectral": ({"norm": "spectral", "lr": 1e-3}, {}),
    "plain, width 32": ({"width": 32, "d_width": 32}, {}),
    "plain, batch 32": ({}, {"batch_size": 32}),
    "upsample": ({"upsample": True}, AUGMENTED),
    "rate 1e-3": ({"lr": 1e-3}, AUGMENTED),
    "rate 2e-4": ({"lr": 2e-4}, AUGMENTED),
    "rates 2e-4, 5e-5": ({"lr": 2e-4, "g_lr": 5e-5}, AUGMENTED),
    "rates 3e-3, 1e-3": ({"lr": 3e-3, "g_lr": 1e-3}, AUGMENTED),
    "rates 1e-3, 3e-3": ({"lr": 1e-3, "g_lr": 3e-3}, AUGMENTED),
    "hinge": ({}, AUGMENTED | {"loss": hinge}),
    "R1 1": ({"norm": "none", "lr": 1e-3}, AUGMENTED | {"loss": r1(1)}),
    "R1 0.1": ({"norm": "none", "lr": 1e-3}, AUGMENTED | {"loss": r1(0.1)}),
    "R1 0.1, plain": ({"norm": "none", "lr": 1e-3}, {"loss": r1(0.1)}),
    "spectral": ({"norm": "spectral", "lr": 1e-3}, AUGMENTED),
    "spectral, hinge": ({"norm": "spectral", "lr": 1e-3}, AUGMENTED | {"loss": hinge}),
    "width 8": ({"width": 8, "d_width": 8}, AUGMENTED),
    "width 32": ({"width": 32, "d_width": 32}, AUGMENTED),
    "batch 32": ({}, AUGMENTED | {"batch_size": 32}),
    "batch 16": ({}, AUGMENTED | {"batch_size": 16}),
    "G 32, D 16": ({"width": 32}, AUGMENTED),
    "G 16, D 32": ({"d_width": 32}, AUGMENTED),
}


def run(recipe, images, *, count, marks, seed, folder):
    """Train one GAN on `count` of the pictures; return a row with its scores against all, at each mark in seconds."""
    making, rules = RECIPES[recipe]
    batch_size = rules.get("batch_size", 64)
    rules = {key: value for key, value in rules.items() if key != "batch_size"}
    gan, real, rows, spent = make(images.shape[-1], seed=seed, **making, **rules), to_float(images), [], 0
    few = images[torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))[:count]]
    for mark in marks:
        while spent < mark:
            start = time.process_time()
            train(gan, few, steps=gan.step + 10, batch_size=batch_size)
            spent += time.process_time() - start
        seed_everything(seed)
        fake = gan.sample(len(images))
        row = {"recipe": recipe, "size": images.shape[-1], "pictures": len(few), "seed": seed, "seconds": mark}
        row |= {"rounds": gan.step}
        row |= {"distance": round(sliced_distance(real, fake), 2), "coverage": round(coverage(real, fake), 3)}
        rows.append(row)
        print(json.dumps(row), flush=True)
        name = f"{recipe} {images.shape[-1]} {len(few)} {seed} {mark}".replace(",", "").replace(" ", "-")
        save_contact_sheet(folder / f"{name}.png", fake[:64], columns=16)
    return rows


def row_of(case, rows):
    """Sum up the runs of a case, (recipe, size, pictures, seconds)."""
    row = dict(zip(("recipe", "size", "pictures", "seconds"), case))
    row |= {"first seed": rows[0]["seed"], "seeds": len(rows)}
    row |= {"rounds": f"{statistics.median(row['rounds'] for row in rows):.0f}"}
    row |= ranges("sliced distance", [row["distance"] for row in rows], ".1f")
    return row | {"coverage": f"{statistics.median(row['coverage'] for row in rows):.2f}"}


def main():
    """Score the references, run the recipes seed by seed, write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", default="portraits", help="portraits, crops or an .npy file")
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--count", type=int, help="how many of the pictures to learn from; all are scored against")
    parser.add_argument("--seconds", type=int, nargs="+", default=[90])
    parser.add_argument("--seeds", type=seeds, default=range(1))
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--folder", type=Path, default=workshop_folder() / "small-sets", help="for the pictures")
    options = parser.parse_args()
    torch.set_num_threads(1)
    images, rows = load(options.pictures, options.size), []
    of_portraits = options.pictures == "portraits"  # pages speak of these only
    if of_portraits and options.size == 32:
        write_csv("small_sets_known", references(images))
    for seed in options.seeds:
        for recipe in options.recipes:
            rows += run(recipe, images, count=options.count, marks=options.seconds, seed=seed, folder=options.folder)
    cases = {}
    for row in rows:
        cases.setdefault((row["recipe"], row["size"], row["pictures"], row["seconds"]), []).append(row)
    name = "small_sets" if of_portraits else f"small_sets_{Path(options.pictures).stem}"
    write_csv(name, [row_of(case, rows) for case, rows in cases.items()], keys=5)


if __name__ == "__main__":
    main()
