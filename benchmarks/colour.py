"""Which recipe makes the best colour pictures per second on a CPU? Notebook 03's, and the one that it had before.

    python benchmarks/colour.py                                     # faces, 3 seeds, up to 240 s: half an hour
    python benchmarks/colour.py --sets portraits hundred            # 609 portraits of 32 pixels, and 100 of them
    python benchmarks/colour.py --recipes now "batch 16" --seeds 1  # others that were tried, by name
    python benchmarks/colour.py --doctor --seeds 5                  # is the doctor right on these rules? five minutes

Seconds are those of this process on one thread, so that neighbours on the machine do little harm. Faces are scored by
their judge (distance, coverage, invention), digits by theirs, portraits as in small_sets.py. `copied` is the pixel
difference between a fake and its nearest training picture, over that of a training picture and its nearest other one:
0 is a copy.
"""

import argparse
import time
from pathlib import Path

import torch
from common import ranges, seeds, write_csv
from measures import coverage_and_density
from small_sets import coverage, moved, sliced_distance, upsampled

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    Loss,
    classify_digits,
    classify_faces,
    diagnose,
    frechet_distance,
    invention,
    load_digits,
    load_faces,
    load_portraits,
    nearest_images,
    non_saturating_r1,
    save_contact_sheet,
    seed_everything,
    to_float,
    train,
    workshop_folder,
)

STRAIGHT, BARE, SHORT = {"smooth": False}, {"norm": False}, {"betas": (0.5, 0.99)}
WEAK = Loss(*non_saturating_r1[:2], lambda *all: non_saturating_r1.penalty(*all) / 10)  # gamma 0.2
R1 = {"loss": non_saturating_r1} | SHORT
# name: (batch size, G's form, D's form, rules of the game)
RECIPES = {
    "before": (64, {}, {}, {}),
    "now": (8, STRAIGHT, BARE, R1),
    "small batches": (16, {}, {}, SHORT),
    "now, long memory": (8, STRAIGHT, BARE, {"loss": non_saturating_r1}),
    "now, rates 2e-3": (8, STRAIGHT, BARE, R1 | {"d_lr": 2e-3, "g_lr": 2e-3}),
    "now, batch 16": (16, STRAIGHT, BARE, R1),
    "now, smooth end": (8, {}, BARE, R1),
    "now, without R1": (8, STRAIGHT, BARE, SHORT),
    "now, a tenth of R1": (8, STRAIGHT, BARE, {"loss": WEAK} | SHORT),
    "now, upsampled": (8, {}, BARE, R1),
    "before, short memory": (64, {}, {}, SHORT),
    "batch 16, rates 1e-3": (16, {}, {}, {"d_lr": 1e-3, "g_lr": 1e-3}),
}


class Set:
    """A set of pictures: what is learned from, and how fakes are scored."""

    def __init__(self, name, size):
        self.name, self.faces = name, name == "faces"
        if self.faces:
            self.images = load_faces(image_size=size)[0]
            self.known = classify_faces(self.images[3000:])[1]
        elif name == "digits":
            self.images, self.known = load_digits()[0], classify_digits(load_digits(test=True)[0])[1]
        else:
            self.all = load_portraits(image_size=size)
            order = torch.randperm(len(self.all), generator=torch.Generator().manual_seed(0))
            self.images = self.all[order[:100]] if name == "hundred" else self.all
        self.augment = moved if hasattr(self, "all") else None

    def scores(self, fakes):
        """Return the numbers of a crowd of fakes by name."""
        if self.faces:
            seen, features = classify_faces(fakes)
            numbers = {"distance": frechet_distance(self.known, features), "invention": invention(seen)}
            numbers["coverage"] = coverage_and_density(self.known, features)[0]
        elif self.name == "digits":
            features = classify_digits(fakes)[1]
            numbers = {"distance": frechet_distance(self.known, features)}
            numbers["coverage"] = coverage_and_density(self.known[:2000], features)[0]
        else:
            some = fakes[: len(self.all)]
            numbers = {"distance": sliced_distance(to_float(self.all), some)}
            numbers["coverage"] = coverage(to_float(self.all), some)
        half = len(self.images) // 2
        apart = nearest_images(fakes[:200], self.images)[0].median()
        return numbers | {"copied": float(apart / nearest_images(self.images[:half], self.images[half:])[0].median())}


def make(recipe, pictures, seed):
    """Make the GAN of a recipe for a set, and say how large its batches are."""
    batch_size, g, d, rules = RECIPES[recipe]
    shape = {"image_size": pictures.images.shape[-1], "channels": pictures.images.shape[1]}
    seed_everything(seed)
    generator = Generator(**shape, **g)
    generator = upsampled(generator) if recipe == "now, upsampled" else generator
    discriminator = Discriminator(**shape, **d)
    return GAN(generator, discriminator, augment=pictures.augment, seed=seed, **rules), batch_size


def run(recipe, pictures, *, marks, seed, folder):
    """Train one GAN, and yield its numbers at each mark in seconds."""
    (gan, batch_size), spent = make(recipe, pictures, seed), 0
    for mark in marks:
        while spent < mark:
            start = time.process_time()
            train(gan, pictures.images, steps=gan.step + 10, batch_size=batch_size)
            spent += time.process_time() - start
        seed_everything(seed)
        fakes = gan.sample(2000)
        numbers = {"rounds": gan.step} | pictures.scores(fakes)
        print(f"{pictures.name}, {recipe}, seed {seed}, {mark} s: {numbers}", flush=True)
        save_contact_sheet(
            folder / f"{pictures.name}-{recipe}-{seed}-{mark}.png".replace(" ", "-"), fakes[:64], columns=16
        )
        yield mark, numbers


PATIENTS = {"healthy": {}, "the detective dominates": {"g_lr": 3e-6}, "the criminal dominates": {"d_lr": 3e-6}}


def doctor(numbers):
    """Ask the doctor about games on faces with today's recipe, healthy and with one player all but asleep."""
    pictures, rows = Set("faces", 64), []
    batch_size, g, d, rules = RECIPES["now"]
    for wanted, more in PATIENTS.items():
        said = []
        for seed in numbers:
            seed_everything(seed)
            players = Generator(image_size=64, channels=3, **g), Discriminator(image_size=64, channels=3, **d)
            gan = GAN(*players, seed=seed, **rules | more)
            train(gan, pictures.images, steps=300, batch_size=batch_size)
            said.append(diagnose(gan.history).name)
            print(f"{wanted}, seed {seed}: {diagnose(gan.history).sentence}", flush=True)
        others = ", ".join(f"{said.count(other)} x {other}" for other in sorted({*said} - {wanted}))
        row = {"should be": wanted, "rules": str(more or "as they are"), "seeds": len(said)}
        rows.append(row | {"right": said.count(wanted), "otherwise": others or "none"})
    write_csv("colour_doctor", rows)


def main():
    """Run the recipes seed by seed on each set, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", default=["faces"], choices=["faces", "portraits", "hundred", "digits"])
    parser.add_argument("--size", type=int, help="pixels of faces, 64 if it is left out, or of portraits, 32")
    parser.add_argument("--recipes", nargs="+", default=["before", "now"], choices=list(RECIPES))
    parser.add_argument("--seeds", type=seeds, default=range(3))
    parser.add_argument("--seconds", type=int, nargs="+", default=[60, 120, 240])
    parser.add_argument("--folder", type=Path, default=workshop_folder() / "colour", help="for the pictures")
    parser.add_argument("--doctor", action="store_true", help="ask the doctor instead")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.doctor:
        return doctor(options.seeds)
    for name in options.sets:
        size = options.size or {"faces": 64, "digits": 28}.get(name, 32)
        pictures, found = Set(name, size), {}
        for seed in options.seeds:
            for recipe in options.recipes:
                for mark, numbers in run(recipe, pictures, marks=options.seconds, seed=seed, folder=options.folder):
                    found.setdefault((recipe, mark), []).append(numbers)
        rows = []
        for (recipe, mark), runs in found.items():
            row = {"set": name, "pixels": size, "recipe": recipe, "seconds": mark, "seeds": len(runs)}
            for key in runs[0]:
                row |= ranges(key, [run[key] for run in runs], ".0f" if key == "rounds" else ".2f")
            rows.append(row)
        write_csv("colour", rows, keys=4)


if __name__ == "__main__":
    main()
