"""How good are the digits after 30, 60, 120 and 300 seconds on this machine's CPU? Notebook 02's GAN beside its peers.

    python benchmarks/digits_quality.py --seeds 100-100                            # on a quiet machine
    python benchmarks/digits_quality.py --only ours --rounds 620 1250 2500 6250    # more seeds, as many rounds as then

Every picture set is 10,000 fakes, judged against the 10,000 test digits. Scoring is not counted in the seconds. Given
--rounds, a busy machine does no harm: the pictures depend on the rounds, not on the time that they took. All fakes are
kept in the cache, so that another judge need not train again.
"""

import argparse
import json
import statistics

import numpy as np
import torch
from common import last, load_all_digits, ranges, seeds, write_csv
from measures import Judge, blur
from peers import PEERS, draw_as_trained, resize

from gans_workshop import GAN, Discriminator, Generator, load_digits, seed_everything, train
from gans_workshop.files.workspace import cache_folder
from gans_workshop.game.images import to_uint8

BUNDLED = "ours, 10,000 bundled digits"


def make_gan(recipe, seed):
    """Make the GAN of a recipe and the pictures it learns from, (N, 1, H, W) uint8."""
    seed_everything(seed)
    images, _ = load_digits() if recipe == BUNDLED else load_all_digits()
    if recipe in PEERS:
        networks, size, lr = PEERS[recipe]
        return GAN(*networks(), d_lr=lr, g_lr=lr, seed=seed), resize(images, size)
    return GAN(Generator(), Discriminator(), seed=seed), images


def draw(gan, recipe, count=10_000):
    """Draw pictures at 28 pixels, uint8: ours with the average generator, the peers' as their scripts do."""
    return to_uint8(resize(draw_as_trained(gan, count), 28) if recipe in PEERS else gan.sample(count))


def kept_at(recipe, seed, rounds):
    """Name the file that keeps the fakes of a recipe and seed after some rounds."""
    folder = cache_folder() / "fakes"
    folder.mkdir(exist_ok=True)
    return folder / f"{recipe.replace('/', '-')}, seed {seed}, step {rounds}.npy"


def play(recipe, seed, *, seconds, rounds):
    """Train one GAN and yield (mark, rounds, fakes, history or None) at each of the given seconds or rounds."""
    files = [kept_at(recipe, seed, mark) for mark in rounds or []]
    if files and all(file.exists() for file in files):
        for mark, file in zip(rounds, files):
            yield mark, mark, torch.from_numpy(np.load(file)), None
        return
    gan, images = make_gan(recipe, seed)
    for mark in rounds or seconds:
        train(gan, images, **({"steps": mark} if rounds else {"minutes": mark / 60}))
        fakes = draw(gan, recipe)
        np.save(kept_at(recipe, seed, gan.step), fakes.numpy())
        yield mark, gan.step, fakes, gan.history


def run(recipe, seed, judge, *, seconds, rounds):
    """Play and score; return a row for each of the seconds or rounds, with the means over the last 100 rounds."""
    rows = []
    for mark, played, fakes, history in play(recipe, seed, seconds=seconds, rounds=rounds):
        late = {name: values.mean() for name, values in last(history, 100).items()} if history else {}
        rows.append(late | {"recipe": recipe, "seed": seed, "mark": mark, "rounds": played} | judge.score(fakes))
        print(json.dumps(rows[-1]), flush=True)
    return rows


def by_time(row, blurred):
    """Return a row for the table of one seed by the clock."""
    found = {"recipe": row["recipe"], "seconds": row["mark"], "seed": row["seed"], "rounds": row["rounds"]}
    found |= {"distance": f"{row['distance']:.2f}", "of the blurred": f"{row['distance'] / blurred:.2f}"}
    return found | {"coverage": f"{row['coverage']:.2f}", "digits covered": row["digits"]}


def by_rounds(rows, seconds, blurred):
    """Return a row for the table over seeds: ranges and medians."""
    middle = {key: statistics.median(row[key] for row in rows) for key in ("distance", "coverage")}
    found = {"recipe": rows[0]["recipe"], "seconds": seconds, "seeds": len(rows), "rounds": rows[0]["rounds"]}
    found |= ranges("distance", [row["distance"] for row in rows])
    found |= {"of the blurred": f"{middle['distance'] / blurred:.2f}", "coverage": f"{middle['coverage']:.2f}"}
    return found | {"fewest digits covered": min(row["digits"] for row in rows)}


def opinions(rows):
    """Return a row of what D said and both paid at the end."""
    found = {"recipe": rows[0]["recipe"], "rounds": rows[0]["rounds"], "seeds": len(rows)}
    for key, name in (("d_real", "D(x)"), ("d_fake", "D(G(z))"), ("d_loss", "d_loss"), ("g_loss", "g_loss")):
        found |= ranges(name, [row[key] for row in rows])
    return found


def main():
    """Run what the command line asks for, peers and ours in turn, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=seeds, default=range(100, 105))
    parser.add_argument("--seconds", type=int, nargs="+", default=[30, 60, 120, 300])
    parser.add_argument("--rounds", type=int, nargs="+", help="instead of by the clock, as many as --seconds")
    parser.add_argument("--only", default="", help="recipes whose name contains this")
    options = parser.parse_args()
    judge, rows = Judge(), []
    blurred = judge.score(blur(load_all_digits()[0][:10_000]))["distance"]
    for seed in options.seeds:
        for recipe in ["ours, 60,000 digits", BUNDLED, *PEERS]:
            if options.only in recipe and (recipe not in PEERS or seed == options.seeds[0]):
                rows += run(recipe, seed, judge, seconds=options.seconds, rounds=options.rounds)
    if not options.rounds:
        write_csv("digits_by_time", [by_time(row, blurred) for row in rows], keys=3)
        return
    for recipe in dict.fromkeys(row["recipe"] for row in rows):
        for seconds, mark in zip(options.seconds, options.rounds):
            these = [row for row in rows if (row["recipe"], row["mark"]) == (recipe, mark)]
            write_csv("digits_by_rounds", [by_rounds(these, seconds, blurred)], keys=2)
            if recipe == BUNDLED and all("d_real" in row for row in these):  # and not only kept fakes
                write_csv("digits_opinions", [opinions(these)], keys=2)


if __name__ == "__main__":
    main()
