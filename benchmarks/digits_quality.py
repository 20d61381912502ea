"""How good are the digits after 30, 60, 120 and 300 seconds on this machine's CPU? Notebook 02's GAN beside its peers.

    python benchmarks/digits_quality.py --seeds 1                          # on a quiet machine: who gets how far
    python benchmarks/digits_quality.py --only ours --steps 620 1250 2500 6250    # more seeds, as many steps as then

Every picture set is 10,000 fakes, judged by the package's evaluation.py against the 10,000 test digits. Training is not
scoring: scoring is not counted in the seconds. Given --steps, a busy machine does no harm: the pictures depend on the
steps, not on the time that they took; and the fakes are kept in the cache, so that another judge need not train again.
"""

import argparse
import json
import statistics

import numpy as np
import torch
from peers import PEERS, resize

from gans_workshop import GAN, Discriminator, Generator, load_digits, seed_everything, train
from gans_workshop.workspace import cache_folder


def make_gan(recipe, seed):
    """Make the GAN of a recipe and the pictures it learns from, (N, 1, H, W) uint8."""
    seed_everything(seed)
    images, _ = load_digits(full=recipe != "ours, 10,000 bundled digits")
    if recipe in PEERS:
        networks, size, lr = PEERS[recipe]
        return GAN(*networks(), d_lr=lr, g_lr=lr, seed=seed), resize(images, size)
    return GAN(Generator(), Discriminator(), seed=seed), images


@torch.no_grad()
def draw(gan, recipe, count=10_000):
    """Draw pictures at 28 pixels, uint8: ours with the average generator, the peers' as their scripts do."""
    if recipe in PEERS:
        gan.generator.train()
        z = torch.randn(count, gan.generator.latent_dim)
        fakes = torch.cat([resize(gan.generator(part), 28) for part in z.split(100)])
    else:
        fakes = gan.sample(count)
    return ((fakes + 1) * 127.5).round().clamp(0, 255).byte()


def kept_at(recipe, seed, steps):
    """Name the file that keeps the fakes of a recipe and seed after so many steps."""
    folder = cache_folder() / "fakes"
    folder.mkdir(exist_ok=True)
    return folder / f"{''.join(c if c.isalnum() else '-' for c in recipe)}-{seed}-{steps}.npz"


def play(recipe, seed, *, seconds, steps):
    """Train one GAN and yield a row and its fakes at each of the given seconds or steps; keep the fakes of steps."""
    files = [kept_at(recipe, seed, mark) for mark in steps or []]
    gan, spent = None, 0
    for place, mark in enumerate(steps or seconds):
        if steps and all(file.exists() for file in files):
            kept = np.load(files[place])
            yield json.loads(str(kept["row"])), torch.from_numpy(kept["fakes"])
            continue
        if gan is None:
            gan, images = make_gan(recipe, seed)
        train(gan, images, **({"steps": mark - spent} if steps else {"minutes": (mark - spent) / 60}))
        spent = mark
        late = {name: statistics.mean(values[-100:]) for name, values in vars(gan.history).items()}
        row, fakes = late | {"recipe": recipe, "seed": seed, "mark": mark, "steps": gan.step}, draw(gan, recipe)
        np.savez_compressed(kept_at(recipe, seed, gan.step), fakes=fakes.numpy(), row=json.dumps(row))
        yield row, fakes


def score(fakes, judge):
    """Compare fakes with the test digits."""
    f = judge.features(fakes)
    return {"distance": judge.distance(f), "coverage": judge.coverage(f), "digits": judge.covered(f)}


def print_table(rows, blurred):
    """Print the median over the seeds, and the range of the distance, for each recipe and mark."""
    print("| recipe | seconds or steps | seeds | steps | distance (range) | of the blurred | coverage | fewest digits |")
    print("|---|---|---|---|---|---|---|---|")
    for recipe in dict.fromkeys(row["recipe"] for row in rows):
        for mark in dict.fromkeys(row["mark"] for row in rows if row["recipe"] == recipe):
            these = [row for row in rows if row["recipe"] == recipe and row["mark"] == mark]
            d = [row["distance"] for row in these]
            steps, coverage = (statistics.median(row[key] for row in these) for key in ("steps", "coverage"))
            print(
                f"| {recipe} | {mark} | {len(these)} | {steps:,.0f} | {statistics.median(d):.1f} "
                f"({min(d):.1f} to {max(d):.1f}) | {statistics.median(d) / blurred:.1f} | {coverage:.2f} "
                f"| {min(row['digits'] for row in these)} |"
            )


def main():
    """Run what the command line asks for, peers and ours in turn, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=100)
    parser.add_argument("--seconds", type=int, nargs="+", default=[30, 60, 120, 300])
    parser.add_argument("--steps", type=int, nargs="+", help="instead of --seconds")
    parser.add_argument("--only", default="", help="recipes whose name contains this")
    options = parser.parse_args()
    recipes = [r for r in ["ours, 60,000 digits", "ours, 10,000 bundled digits", *PEERS] if options.only in r]
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for recipe in recipes:
            if recipe not in PEERS or seed == options.first_seed:
                for row, _ in play(recipe, seed, seconds=options.seconds, steps=options.steps):
                    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
