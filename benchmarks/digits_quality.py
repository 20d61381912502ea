"""How good are the digits after 30, 60, 120 and 300 seconds on this machine's CPU? Notebook 02's GAN beside its peers.

    python benchmarks/digits_quality.py --seeds 1                          # on a quiet machine: who gets how far
    python benchmarks/digits_quality.py --only ours --steps 620 1250 2500 6250    # more seeds, as many steps as then

Every picture set is 10,000 fakes, judged by the package's evaluation.py against the 10,000 test digits. Scoring is not
counted in the seconds. Given --steps, a busy machine does no harm: the pictures depend on the steps, not on the time
that they took. All fakes are kept in the cache, so that another judge need not train again.
"""

import argparse
import json
import statistics

import numpy as np
import torch
from judge import Judge, blur
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


def kept_at(recipe, seed, step):
    """Name the file that keeps the fakes of a recipe and seed at a step."""
    folder = cache_folder() / "fakes"
    folder.mkdir(exist_ok=True)
    return folder / f"{recipe.replace('/', '-')}, seed {seed}, step {step}.npy"


def play(recipe, seed, *, seconds, steps):
    """Train one GAN and yield (mark, step, fakes, history or None) at each of the given seconds or steps."""
    files = [kept_at(recipe, seed, step) for step in steps or []]
    if files and all(file.exists() for file in files):
        for step, file in zip(steps, files):
            yield step, step, torch.from_numpy(np.load(file)), None
        return
    gan, images = make_gan(recipe, seed)
    spent = 0
    for mark in steps or seconds:
        train(gan, images, **({"steps": mark - spent} if steps else {"minutes": (mark - spent) / 60}))
        spent, fakes = mark, draw(gan, recipe)
        np.save(kept_at(recipe, seed, gan.step), fakes.numpy())
        yield mark, gan.step, fakes, gan.history


def run(recipe, seed, judge, *, seconds, steps):
    """Play and score; return a row for each of the seconds or steps, with the means over the last 100 steps."""
    rows = []
    for mark, step, fakes, history in play(recipe, seed, seconds=seconds, steps=steps):
        late = {name: statistics.mean(values[-100:]) for name, values in vars(history).items()} if history else {}
        rows.append(late | {"recipe": recipe, "seed": seed, "mark": mark, "steps": step} | judge.score(fakes))
        print(json.dumps(rows[-1]), flush=True)
    return rows


def print_table(rows, blurred):
    """Print the median over the seeds, and the range of the distance, for each recipe and mark."""
    print("| recipe | seconds or steps | seeds | steps | distance (range) | over blurred | coverage | fewest digits |")
    print("|---|---|---|---|---|---|---|---|")
    for recipe in dict.fromkeys(row["recipe"] for row in rows):
        for mark in dict.fromkeys(row["mark"] for row in rows if row["recipe"] == recipe):
            these = [row for row in rows if row["recipe"] == recipe and row["mark"] == mark]
            d, coverage = ([row[key] for row in these] for key in ("distance", "coverage"))
            cells = [recipe, mark, len(these), f"{statistics.median(row['steps'] for row in these):,.0f}"]
            cells += [
                f"{statistics.median(d):.2f} ({min(d):.2f} to {max(d):.2f})",
                f"{statistics.median(d) / blurred:.2f}",
            ]
            cells += [f"{statistics.median(coverage):.2f}", min(row["digits"] for row in these)]
            print(f"| {' | '.join(map(str, cells))} |")


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
    judge, rows = Judge(), []
    blurred = judge.score(blur(load_digits(full=True)[0][:10_000]))["distance"]
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for recipe in recipes:
            if recipe not in PEERS or seed == options.first_seed:
                rows += run(recipe, seed, judge, seconds=options.seconds, steps=options.steps)
    print_table(rows, blurred)


if __name__ == "__main__":
    main()
