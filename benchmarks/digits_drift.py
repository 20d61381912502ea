"""How far do D's opinions and both losses drift apart in notebook 02's game, at half, one and two times its rounds?

    python benchmarks/digits_drift.py --seeds 42-42    # about 4 minutes a seed; what other runs have measured stays

Everything counts in rounds, so a busy machine does no harm. The numbers are means over the last 100 rounds.
The games are kept in the cache: a run may play a part of them, and their pictures can be looked at.
"""

import argparse

import torch
from common import last, ranges, read_csv, seeds, write_csv

from gans_workshop import GAN, Discriminator, Generator, diagnose, load_digits, seed_everything, train
from gans_workshop.files.workspace import cache_folder

ROUNDS = 2500  # as on the page: tests/notebooks/test_02_mnist_dcgan.py compares
COLUMNS = {"d_real": "D(x)", "d_fake": "D(G(z))", "d_loss": "d_loss", "g_loss": "g_loss"}


def play(seed, images, upto):
    """Play the page's game and return a row for half, one and two times its rounds; a game that is kept goes on."""
    seed_everything(seed)
    gan, rows = GAN(Generator(), Discriminator(), seed=seed), []
    for rounds in (ROUNDS // 2, ROUNDS, 2 * ROUNDS):
        kept = cache_folder() / f"drift, seed {seed}, round {rounds}.pt"
        if kept.exists():
            gan.load_state_dict(torch.load(kept))
        elif rounds <= upto:
            train(gan, images, steps=rounds)
            torch.save(gan.state_dict(), kept)
        if gan.step == rounds:
            late = last(gan.history, 100)
            row = {"seed": seed, "rounds": rounds} | {name: f"{late[key].mean():.3f}" for key, name in COLUMNS.items()}
            rows.append(row | {"the doctor": diagnose(gan.history).name})
    return rows


def summary(rows):
    """Return a row for each number of rounds, with the ranges over all games of it, whatever machine played them."""
    for rounds in sorted({int(row["rounds"]) for row in rows}):
        these = [row for row in rows if int(row["rounds"]) == rounds]
        found = {"rounds": rounds, "games": len(these)}
        for name in COLUMNS.values():
            found |= ranges(name, [float(row[name]) for row in these])
        yield found | {"healthy": sum(row["the doctor"] == "healthy" for row in these)}


def main():
    """Play the seeds of the command line and sum up what has been played so far."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=seeds, default=[42, 100, 101])
    parser.add_argument("--upto", type=int, default=2 * ROUNDS, help="play no more rounds than this for now")
    options, (images, _) = parser.parse_args(), load_digits()
    for seed in options.seeds:
        write_csv("digits_drift_seeds", play(seed, images, options.upto), keys=2)
    write_csv("digits_drift", list(summary(read_csv("digits_drift_seeds"))))


if __name__ == "__main__":
    main()
