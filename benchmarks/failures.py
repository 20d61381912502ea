"""Notebook 04 over fresh seeds: does each change bring on its failure, and does each remedy mend it?

python benchmarks/failures.py train RUNS --seeds 100-109    # about an hour of one core; goes on where it stopped
python benchmarks/failures.py table RUNS --seeds 100-109    # seconds

Every game is played by the notebook's own function. A failure is provoked if the doctor names it at the end. A patient
is mended if at the end the doctor says healthy and the judge finds at least 8 of the ten digits among 500 fakes.
"""

import argparse
import statistics
from pathlib import Path

import nbformat
import numpy as np
import torch

from gans_workshop import History, Loss, diagnose, minimax, non_saturating, wasserstein_gp
from gans_workshop.evaluation import digit_histogram, frechet_distance, look

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "04_when_gans_fail.ipynb"
HEALTHY, MENDED = "healthy", "mended"
DETECTIVE, CRIMINAL = "the detective dominates", "the criminal dominates"
COLLAPSE, SWINGS = "mode collapse", "oscillating"
LATE = 100  # rounds at the end over which numbers are averaged


def cells():
    """Return the source of each code cell of the notebook, by its name."""
    return {cell.id: cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"}


def load_notebook():
    """Run the notebook's constants, its function `play` and the sealed settings; return all that they define."""
    names = {"device": torch.device("cpu")}
    exec("from gans_workshop import load_digits", names)
    sealed = cells()["sealed"].partition("ward = ")[0]
    smooth = cells()["ex2-solution"].partition("patient = ")[0]
    for source in (cells()["parameters"], cells()["play"], sealed, smooth):
        exec(source, names)
    return names


BOOK = load_notebook()
SMOOTH = Loss(BOOK["smooth_d"], non_saturating.generator)
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
    f"mystery patient {name}": (truth, BOOK["SEALED"][name])
    for name, truth in zip("ABD", (MENDED, DETECTIVE, CRIMINAL))  # C is 'break it'
}


def file_of(folder, name, seed):
    """Name the file of a run."""
    return Path(folder) / f"{''.join(c if c.isalnum() else '_' for c in name)}-{seed}.npz"


def train_all(folder, seeds, names):
    """Play what has not been played yet, seed by seed; keep the history, the last fakes and what the judge says."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    _, real = look(BOOK["load_digits"](test=True)[0])
    for seed in seeds:
        for name in names:
            path = file_of(folder, name, seed)
            if not path.exists():
                gan = BOOK["play"](**GAMES[name][1], seed=seed, live=False)
                torch.manual_seed(seed)
                seen, features = look(gan.sample(500))
                judged = digit_histogram(seen)[1], frechet_distance(real, features)
                lists = {key: np.array(values) for key, values in vars(gan.history).items()}
                np.savez(path, judged=judged, pictures=gan.sample(gan.fixed_z[:32]).half(), **lists)
                print(name, seed, flush=True)


def study(path):
    """Return a run's (verdict, round from which it stood, digits, distance, means over the last rounds)."""
    kept = np.load(path)
    history, lists = History(), {key: kept[key] for key in kept.files if key not in ("judged", "pictures")}
    history.load_state_dict({key: torch.from_numpy(values) for key, values in lists.items()})
    said = []
    for count in range(100, len(history.steps) + 1, 10):
        part = History()
        vars(part).update({key: values[:count] for key, values in vars(history).items()})
        said.append(diagnose(part).name)
    stood = next(i for i in range(len(said)) if set(said[i:]) == {said[-1]})
    late = {key: float(values[-LATE:].mean()) for key, values in lists.items()}
    return said[-1], 100 + 10 * stood, *kept["judged"], late


def holds(truth, verdict, digits):
    """Say whether a game ended as the notebook claims."""
    return verdict == HEALTHY and digits >= 8 if truth in (MENDED, "") else verdict == truth


def span(values, places=2):
    """Say smallest to largest (median)."""
    return f"{min(values):.{places}f} to {max(values):.{places}f} ({statistics.median(values):.{places}f})"


def table(folder, seeds, names):
    """Print a row for each game."""
    keys = ("d_loss", "g_loss", "d_real", "d_fake", "detect_rate", "variety", "g_slope")
    print("| game | must be | holds | at the end | stood from | digits | distance |", " | ".join(keys), "|")
    print("|---" * (7 + len(keys)) + "|")
    for name in names:
        truth = GAMES[name][0]
        runs = [study(path) for seed in seeds if (path := file_of(folder, name, seed)).exists()]
        if not runs:
            continue
        verdicts = [run[0] for run in runs]
        ends = ", ".join(f"{word} {verdicts.count(word)}" for word in sorted(set(verdicts), key=verdicts.count)[::-1])
        held = f"{sum(holds(truth, run[0], run[2]) for run in runs)} of {len(runs)}"
        row = [name, truth or "mended?", held, ends, span([run[1] for run in runs], 0)]
        row += [span([run[2] for run in runs], 0), span([run[3] for run in runs], 0)]
        row += [span([run[4][key] for run in runs], 4 if key == "g_slope" else 2) for key in keys]
        print("|", " | ".join(map(str, row)), "|")


def main():
    """Train, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["train", "table"])
    parser.add_argument("folder")
    parser.add_argument("--seeds", default="100-109", help="first-last")
    parser.add_argument("--only", nargs="*", default=list(GAMES), help="names of games")
    options = parser.parse_args()
    first, last = map(int, options.seeds.split("-"))
    {"train": train_all, "table": table}[options.what](options.folder, range(first, last + 1), options.only)


if __name__ == "__main__":
    main()
