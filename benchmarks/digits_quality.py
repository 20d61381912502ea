"""How good are the digits after 30, 60, 120 and 300 seconds on this machine's CPU? Notebook 02's GAN beside its peers.

    python benchmarks/digits_quality.py --seeds 1                          # on a quiet machine: who gets how far
    python benchmarks/digits_quality.py --only ours --steps 700 1400 2800 7000    # more seeds, as many steps as then

Every picture set is 10,000 fakes, scored by judge.py. Scoring is not counted in the seconds. Given --steps, a busy
machine does no harm: the pictures depend on the steps, not on the time that they took.
"""

import argparse
import json
import statistics

import torch
from judge import Judge
from peers import PEERS, resize

from gans_workshop import GAN, Discriminator, Generator, load_digits, seed_everything, train


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
    """Draw pictures at 28 pixels: ours with the average generator, the peers' as their scripts do."""
    if recipe not in PEERS:
        return gan.sample(count)
    gan.generator.train()
    z = torch.randn(count, gan.generator.latent_dim)
    return torch.cat([resize(gan.generator(part), 28) for part in z.split(100)])


def run(recipe, seed, judge, *, seconds, steps):
    """Train one GAN and score it at each of the given seconds or steps; return a row for each."""
    gan, images = make_gan(recipe, seed)
    rows, spent = [], 0
    for mark in steps or seconds:
        budget = {"steps": mark - spent} if steps else {"minutes": (mark - spent) / 60}
        train(gan, images, **budget)
        spent = mark
        f = judge.features(draw(gan, recipe))
        row = {"recipe": recipe, "seed": seed, "mark": mark, "steps": gan.step, "distance": judge.distance(f)}
        row |= {"coverage": judge.coverage(f), "digits": judge.covered(f)}
        rows.append({name: statistics.mean(values[-100:]) for name, values in vars(gan.history).items()} | row)
        print(json.dumps(rows[-1]), flush=True)
    return rows


def print_table(rows):
    """Print the median over the seeds, and the range of the distance, for each recipe and mark."""
    print("| recipe | seconds or steps | seeds | steps | distance (range) | coverage | fewest digits covered |")
    print("|---|---|---|---|---|---|---|")
    for recipe in dict.fromkeys(row["recipe"] for row in rows):
        for mark in dict.fromkeys(row["mark"] for row in rows if row["recipe"] == recipe):
            these = [row for row in rows if row["recipe"] == recipe and row["mark"] == mark]
            d = [row["distance"] for row in these]
            steps, coverage = (statistics.median(row[key] for row in these) for key in ("steps", "coverage"))
            print(
                f"| {recipe} | {mark} | {len(these)} | {steps:,.0f} | {statistics.median(d):.1f} "
                f"({min(d):.1f} to {max(d):.1f}) | {coverage:.2f} | {min(row['digits'] for row in these)} |"
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
    judge, rows = Judge(), []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for recipe in recipes:
            if recipe not in PEERS or seed == options.first_seed:
                rows += run(recipe, seed, judge, seconds=options.seconds, steps=options.steps)
    print_table(rows)


if __name__ == "__main__":
    main()
