"""Notebook 04 over fresh seeds: does each change bring on its failure, and does each remedy mend it?

python benchmarks/failures.py train RUNS --seeds 100-109,42-43    # half an hour of one core; goes on where it stopped
python benchmarks/failures.py table RUNS --seeds 100-109,42-43    # seconds; 42 is the seed of the page, 43 of its ward

Every game is played by the notebook's own function. A failure is provoked if the doctor names it at the end. A patient
is mended if at the end the doctor says healthy and the judge finds at least 8 of the ten digits among 500 fakes.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from common import last, load_notebook, ranges, seeds, write_csv
from diagnosis import SMOOTH

from gans_workshop import (
    classify_digits,
    diagnose,
    digit_histogram,
    frechet_distance,
    load_digits,
    minimax,
    wasserstein_gp,
)
from gans_workshop.game.notes import NOTES, History

HEALTHY, MENDED = "healthy", "mended"
DETECTIVE, CRIMINAL = "the detective dominates", "the criminal dominates"
COLLAPSE, SWINGS = "mode collapse", "oscillating"
LATE = 100  # rounds at the end over which numbers are averaged

DIGITS, LABELS = load_digits()
BOOK = load_notebook("04", digits=DIGITS, labels=LABELS)
# name: (what must come true, what is changed against the control); '' where it was only tried
GAMES = {
    "control": (MENDED, {}),
    "2: g_lr = 0.00003": (DETECTIVE, {"g_lr": 0.00003}),
    "2: g_lr = 0.001": (MENDED, {"g_lr": 0.001}),
    "2: g_lr = 0.0003": ("", {"g_lr": 0.0003}),
    "2: g_lr = 0.0001": ("", {"g_lr": 0.0001}),
    "2: g_lr = 0.00003, label smoothing": ("", {"g_lr": 0.00003, "loss": SMOOTH}),
    "3: minimax": (DETECTIVE, {"d_lr": 0.03, "g_lr": 0.001, "loss": minimax}),
    "3: non-saturating": (MENDED, {"d_lr": 0.03, "g_lr": 0.001}),
    "3: minimax, g_lr = 0.003": ("", {"d_lr": 0.03, "loss": minimax}),
    "4: d_lr = 0.00003": (CRIMINAL, {"d_lr": 0.00003}),
    "4: d_lr = 0.0003": (MENDED, {"d_lr": 0.0003}),
    "4: d_lr = 0.00003, d_steps = 5": ("", {"d_lr": 0.00003, "d_steps": 5}),
    "5: plain": (COLLAPSE, {"plain": True}),
    "5: plain, d_steps = 5": (MENDED, {"plain": True, "d_steps": 5}),
    "6: plain, d_lr = 0.0002": (SWINGS, {"plain": True, "d_lr": 0.0002}),
    "6: d_lr = 0.0002": (MENDED, {"d_lr": 0.0002}),
    "6: plain, d_lr = 0.0002, d_steps = 5": ("", {"plain": True, "d_lr": 0.0002, "d_steps": 5}),
    "6: plain, d_lr = 0.0002, WGAN-GP": ("", {"plain": True, "d_lr": 0.0002, "loss": wasserstein_gp}),
    "break it: latent_dim = 1": (COLLAPSE, {"latent_dim": 1}),
    "break it: latent_dim = 8": (MENDED, {"latent_dim": 8}),
} | {
    f"mystery patient {name}": (truth, BOOK["unseal"]()[name])
    for name, truth in zip("ABCD", (MENDED, HEALTHY, COLLAPSE, SWINGS))  # B learns from ones only: no fault of the game
}


def file_of(folder, name, seed):
    """Name the file of a run."""
    return Path(folder) / f"{''.join(c if c.isalnum() else '_' for c in name)}-{seed}.npz"


def train_all(folder, seeds, names):
    """Play what has not been played yet, seed by seed; keep the history, the last fakes and what the judge says."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    _, real = classify_digits(load_digits(test=True)[0])
    for seed in seeds:
        for name in names:
            path = file_of(folder, name, seed)
            if not path.exists():
                gan = BOOK["new_patient"](**GAMES[name][1], seed=seed, live=False)
                torch.manual_seed(seed)
                digits, features = classify_digits(gan.sample(500))
                judged = digit_histogram(digits)[1], frechet_distance(real, features)
                np.savez(path, judged=judged, pictures=gan.preview()[:32].half(), **last(gan.history, gan.step))
                print(name, seed, flush=True)


def study(path):
    """Return a run's (verdict, round from which it stood, digits, distance, means over the last rounds)."""
    with np.load(path) as file:
        judged, lists = file["judged"], {name: torch.from_numpy(file[name]) for name in NOTES}
    said = []
    for count in range(100, len(lists["steps"]) + 1, 10):
        part = History()
        part.load_state_dict({name: values[:count] for name, values in lists.items()})
        said.append(diagnose(part).name)
    stood = next(i for i in range(len(said)) if set(said[i:]) == {said[-1]})
    late = {name: float(values[-LATE:].mean()) for name, values in lists.items()}
    return said[-1], 100 + 10 * stood, *judged, late


def holds(truth, verdict, digits):
    """Say whether a game ended as the notebook claims."""
    return verdict == HEALTHY and digits >= 8 if truth in (MENDED, "") else verdict == truth


def row_of(name, runs):
    """Sum up the runs of a game."""
    truth = GAMES[name][0]
    row = {"game": name, "must be": truth or "only tried", "seeds": len(runs)}
    row["holds"] = sum(holds(truth, run[0], run[2]) for run in runs)
    for column, place in (("stood from round", 1), ("digits", 2), ("distance", 3)):
        row |= ranges(column, [run[place] for run in runs], ".0f")
    columns = {"d_loss": "d_loss", "g_loss": "g_loss", "D(x)": "d_real", "D(G(z))": "d_fake"}
    for column, note in (columns | {"hit rate": "detect_rate", "variety": "variety"}).items():
        row |= ranges(column, [run[4][note] for run in runs])
    return row


def verdicts_of(name, runs):
    """Count what the doctor said at the end of the runs of a game; with the median length of G's gradient."""
    said = [run[0] for run in runs]
    row = {"game": name, "seeds": len(runs), "mended": sum(holds(MENDED, run[0], run[2]) for run in runs)}
    row |= {word: said.count(word) for word in (HEALTHY, DETECTIVE, CRIMINAL, COLLAPSE, SWINGS)}
    row |= ranges("digits", [run[2] for run in runs], ".0f") | ranges("distance", [run[3] for run in runs], ".0f")
    return row | ranges("length of G's gradient", [run[4]["g_slope"] for run in runs], ".3f")


def table(folder, seeds, names):
    """Write two rows for each game: what its numbers were, and what the doctor said."""
    rows, verdicts = [], []
    for name in names:
        runs = [study(path) for seed in seeds if (path := file_of(folder, name, seed)).exists()]
        rows += [row_of(name, runs)] if runs else []
        verdicts += [verdicts_of(name, runs)] if runs else []
    write_csv("failures", rows)
    write_csv("failures_verdicts", verdicts)


def main():
    """Train, or write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["train", "table"])
    parser.add_argument("folder")
    parser.add_argument("--seeds", type=seeds, default=range(100, 110))
    parser.add_argument("--only", nargs="*", default=list(GAMES), help="names of games")
    options = parser.parse_args()
    {"train": train_all, "table": table}[options.what](options.folder, options.seeds, options.only)


if __name__ == "__main__":
    main()
