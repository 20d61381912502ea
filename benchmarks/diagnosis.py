"""The doctor's figures: train recipes over seeds, keep each history, and count what the doctor says of them.

python benchmarks/diagnosis.py train RUNS --seeds 100-119     # hours; goes on where it stopped
python benchmarks/diagnosis.py table RUNS --seeds 100-119     # seconds
python benchmarks/diagnosis.py cost                           # half a minute: what the notes cost
Thresholds were chosen on seeds 0 to 5; the figures are for the seeds from 100 on.
"""

import argparse
import statistics
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    History,
    Loss,
    MLPDiscriminator,
    MLPGenerator,
    hinge,
    least_squares,
    load_digits,
    minimax,
    seed_everything,
    to_float,
    train,
    wasserstein_gp,
)
from gans_workshop.diagnosis import detect_rate, diagnose, slope_size, variety
from gans_workshop.losses import non_saturating_g

STEPS = 400
HEALTHY, DETECTIVE, CRIMINAL = "healthy", "the detective dominates", "the criminal dominates"
COLLAPSE, SWINGS, NAN = "mode collapse", "oscillating", "NaN"


def players(
    *,
    width=8,
    d_width=None,
    latent_dim=64,
    d_lr=3e-3,
    g_lr=3e-3,
    size=28,
    channels=1,
    plain=False,
    spectral=False,
    beta=0.5,
):
    """Return a function that makes the GAN of the laboratory, but for what is said, from a seed."""

    def make(seed):
        seed_everything(seed)
        shape = {"image_size": size, "channels": channels}
        if plain:
            pair = MLPGenerator(**shape), MLPDiscriminator(**shape)
        else:
            d = Discriminator(**shape, width=d_width or width)
            pair = Generator(**shape, width=width, latent_dim=latent_dim), d
        if spectral:  # no layer may stretch a picture's differences: D stays gentle (Miyato et al. 2018)
            for layer in pair[1].layers:
                if isinstance(layer, nn.Linear | nn.Conv2d):
                    nn.utils.parametrizations.spectral_norm(layer)
        gan = GAN(*pair, d_lr=d_lr, g_lr=g_lr, seed=seed)
        for optimizer in (gan.d_optimizer, gan.g_optimizer):
            optimizer.param_groups[0]["betas"] = (beta, 0.999)
        return gan

    return make


def coloured(count=400):
    """Make a small set of colour pictures of 32 pixels: digits in any ink on paper of any colour, lit from above."""
    dice = torch.Generator().manual_seed(0)
    digits, _ = load_digits()
    ink = F.pad(digits[torch.randperm(len(digits), generator=dice)[:count]].float() / 255, (2, 2, 2, 2))
    colours, papers = torch.rand(2, count, 3, 1, 1, generator=dice)
    light = 1 - torch.linspace(0, 0.5, 32)[:, None]
    return ((ink * colours + (1 - ink) * papers * light) * 255).byte()


COLOUR = {"width": 16, "size": 32, "channels": 3}
# name: (what it is, how the GAN is made, options of train)
RECIPES = {
    "control: width 8": (HEALTHY, players(), {}),
    "notebook 02: width 16": (HEALTHY, players(width=16), {}),
    "width 32": (HEALTHY, players(width=32), {}),
    "hinge": (HEALTHY, players(), {"loss": hinge}),
    "least squares": (HEALTHY, players(), {"loss": least_squares}),
    "batch 32": (HEALTHY, players(), {"batch_size": 32}),
    "batch 128": (HEALTHY, players(), {"batch_size": 128}),
    "rates / 3": (HEALTHY, players(d_lr=1e-3, g_lr=1e-3), {}),
    "rates x 3": (HEALTHY, players(d_lr=1e-2, g_lr=1e-2), {}),
    "colour, 32 pixels": (HEALTHY, players(**COLOUR), {}),
    "plain layers, slow": (HEALTHY, players(plain=True, d_lr=2e-4, g_lr=2e-4), {}),
    "G's rate / 100": (DETECTIVE, players(g_lr=3e-5), {}),
    "G's rate / 100, hinge": (DETECTIVE, players(g_lr=3e-5), {"loss": hinge}),
    "G's rate / 100, least squares": (DETECTIVE, players(g_lr=3e-5), {"loss": least_squares}),
    "G's rate / 100, colour": (DETECTIVE, players(g_lr=3e-5, **COLOUR), {}),
    "D's rate / 100": (CRIMINAL, players(d_lr=3e-5), {}),
    "D's rate / 100, hinge": (CRIMINAL, players(d_lr=3e-5), {"loss": hinge}),
    "D's rate / 100, colour": (CRIMINAL, players(d_lr=3e-5, **COLOUR), {}),
    "D of width 2, rate / 100": (CRIMINAL, players(d_width=2, d_lr=3e-5), {}),
    "z of 1": (COLLAPSE, players(latent_dim=1), {}),
    "z of 1, hinge": (COLLAPSE, players(latent_dim=1), {"loss": hinge}),
    "z of 1, width 16": (COLLAPSE, players(latent_dim=1, width=16), {}),
    "z of 1, colour": (COLLAPSE, players(latent_dim=1, **COLOUR), {}),
    "plain layers, G's rate x 15": (SWINGS, players(plain=True, d_lr=2e-4), {}),
    "plain layers, G's rate x 15, hinge": (SWINGS, players(plain=True, d_lr=2e-4), {"loss": hinge}),
    "rates of 1e30": (NAN, players(d_lr=1e30, g_lr=1e30), {}),
}
# Tried and looked at, but between two states: they count nowhere
BORDER = {
    "k = 5": ("", players(), {"d_steps": 5}),
    "minimax": ("", players(), {"loss": minimax}),
    "minimax, G's rate / 100": ("", players(g_lr=3e-5), {"loss": minimax}),
    "minimax, k = 5": ("", players(), {"loss": minimax, "d_steps": 5}),
    "D's rate / 10": ("", players(d_lr=3e-4), {}),
    "G's rate / 10": ("", players(g_lr=3e-4), {}),
    "D's rate x 10, G's / 10": ("", players(d_lr=3e-2, g_lr=3e-4), {}),
    "beta 0.9": ("", players(beta=0.9), {}),
    "both rates x 10": ("", players(d_lr=3e-2, g_lr=3e-2), {}),
    "z of 2": ("", players(latent_dim=2), {}),
    "z of 4": ("", players(latent_dim=4), {}),
}


def smooth_d(real_logits, fake_logits):
    """Make D pay for being sure of a real picture: -0.9 log D(x) - 0.1 log(1 - D(x)) - log(1 - D(G(z)))."""
    return F.softplus(-real_logits).mean() + 0.1 * real_logits.mean() + F.softplus(fake_logits).mean()


SMOOTH = Loss(smooth_d, non_saturating_g)
# Remedies: the first of each group is the patient
MENDED = {
    "plain layers, G's rate x 15": RECIPES["plain layers, G's rate x 15"],
    "mended by k = 5": ("", players(plain=True, d_lr=2e-4), {"d_steps": 5}),
    "mended by G's rate / 15": RECIPES["plain layers, slow"],
    "mended by D's rate x 15": ("", players(plain=True), {}),
    "mended by label smoothing": ("", players(plain=True, d_lr=2e-4), {"loss": SMOOTH}),
    "mended by spectral norm": ("", players(plain=True, d_lr=2e-4, spectral=True), {}),
    "mended by Wasserstein + penalty": ("", players(plain=True, d_lr=2e-4), {"loss": wasserstein_gp}),
    "mended by convolutions": ("", players(d_lr=2e-4), {}),
    "D's rate / 100": RECIPES["D's rate / 100"],
    "D's rate / 100, mended by k = 5": ("", players(d_lr=3e-5), {"d_steps": 5}),
    "D's rate / 100, mended by D's rate x 10": ("", players(d_lr=3e-4), {}),
    "G's rate / 100": RECIPES["G's rate / 100"],
    "G's rate / 100, mended by G's rate x 10": ("", players(g_lr=3e-4), {}),
    "G's rate / 100, mended by label smoothing": ("", players(g_lr=3e-5), {"loss": SMOOTH}),
    "G's rate / 100, mended by spectral norm": ("", players(g_lr=3e-5, spectral=True), {}),
    "z of 1": RECIPES["z of 1"],
    "z of 1, mended by a z of 8": ("", players(latent_dim=8), {}),
}


def file_of(folder, name, seed):
    """Name the file of a run."""
    return Path(folder) / f"{''.join(c if c.isalnum() else '_' for c in name)}-{seed}.npz"


def run(name, seed, images):
    """Train one recipe; return its history and the pictures it draws at the end."""
    _, make, options = (RECIPES | BORDER | MENDED)[name]
    gan = make(seed)
    with suppress(FloatingPointError):
        train(gan, coloured() if gan.picture_shape[0] == 3 else images, steps=STEPS, **options)
    return gan.history, gan.sample(gan.fixed_z[:32])


def train_all(options, seeds, names):
    """Train what is not there yet, seed by seed."""
    images, _ = load_digits()
    Path(options.folder).mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        for name in names:
            path = file_of(options.folder, name, seed)
            if not path.exists():
                history, pictures = run(name, seed, images)
                lists = {key: np.array(values) for key, values in vars(history).items()}
                np.savez(path, pictures=pictures.half(), **lists)
                print(name, seed, flush=True)


def load(path):
    """Read a history back."""
    history = History()
    history.load_state_dict({key: torch.from_numpy(values) for key, values in np.load(path).items()})
    return history


def verdicts(history, steps):
    """List what the doctor says after each of `steps`."""
    said = []
    for count in steps:
        part = History()
        vars(part).update({name: values[:count] for name, values in vars(history).items()})
        said.append(diagnose(part).name)
    return said


def study(folder, name, seed):
    """Return (last verdict, alarm from step 300 on, the step from which the last verdict stood, last 100 steps)."""
    history = load(file_of(folder, name, seed))
    steps = range(100, STEPS + 1, 10)
    said = verdicts(history, steps)
    stood = next(i for i in range(len(said)) if set(said[i:]) == {said[-1]})
    late = {key: np.mean(values[-100:]) for key, values in vars(history).items()}
    return said[-1], any(word != HEALTHY for word in said[20:]), steps[stood], late


def table(options, seeds, names):
    """Print a row for each recipe, then precision and recall of each verdict."""
    print("| recipe | truth | seeds | verdicts at the end | alarm from 300 | named at step | hit rate | variety |")
    print("|---|---|---|---|---|---|---|---|")
    known = Counter()  # (truth, verdict): runs
    for name in names:
        truth = (RECIPES | BORDER | MENDED)[name][0]
        runs = [study(options.folder, name, s) for s in seeds if file_of(options.folder, name, s).exists()]
        if not runs:
            continue
        ends = Counter(run[0] for run in runs)
        known.update({(truth, verdict): count for verdict, count in ends.items()})
        numbers = [span([run[3][key] for run in runs]) for key in ("detect_rate", "variety")]
        says = ", ".join(f"{verdict} {count}" for verdict, count in ends.most_common())
        when = f"{max(run[2] for run in runs)}" if truth not in (HEALTHY, "") else ""
        row = [name, truth or "-", len(runs), says, sum(run[1] for run in runs), when, *numbers]
        print("|", " | ".join(map(str, row)), "|")
    print("\n| verdict | runs | precision | recall |\n|---|---|---|---|")
    for truth in (HEALTHY, DETECTIVE, CRIMINAL, COLLAPSE, SWINGS, NAN):
        right, runs = known[truth, truth], sum(count for (t, _), count in known.items() if t == truth)
        said = sum(count for (t, verdict), count in known.items() if t and verdict == truth)
        if runs:
            print(f"| {truth} | {runs} | {right / said if said else 0:.1%} | {right / runs:.1%} |")


def seconds(work, times):
    """Return the shortest time that `work` takes: other programs can only lengthen it."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def cost(*_):
    """Print what the doctor's notes cost beside a step of the game."""
    for size, channels, width in ((28, 1, 8), (28, 1, 16), (32, 3, 16), (64, 3, 16)):
        gan = players(size=size, channels=channels, width=width)(0)
        images = (torch.rand(64, *gan.picture_shape) * 255).byte()
        real, fake, logits = to_float(images), to_float(images.flip(0)), torch.randn(64, 1)
        step = seconds(lambda gan=gan, images=images: train(gan, images, steps=1), 15)
        notes = seconds(lambda real=real, fake=fake: variety(fake, real), 30)
        notes += seconds(lambda logits=logits: detect_rate(logits, logits), 30)
        notes += seconds(lambda gan=gan: slope_size(gan.generator), 30)
        notes += seconds(lambda gan=gan: slope_size(gan.discriminator), 30)
        print(
            f"{size} pixels, {channels} channel(s), width {width}: step {1000 * step:.1f} ms, notes {notes / step:.1%}"
        )
    history = History()
    for step in range(10_000):
        history.append(step, *range(8))
    print(f"diagnose, 10,000 steps: {1000 * seconds(lambda: diagnose(history), 20):.2f} ms")


def span(values):
    """Say smallest to largest (median)."""
    return f"{min(values):.2f} to {max(values):.2f} ({statistics.median(values):.2f})"


def main():
    """Train, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["train", "table", "cost"])
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--seeds", default="100-119", help="first-last")
    parser.add_argument("--only", nargs="*", default=list(RECIPES), help="names of recipes")
    parser.add_argument("--mended", action="store_true", help="the remedies instead of the recipes")
    options = parser.parse_args()
    first, last = map(int, options.seeds.split("-"))
    names = list(MENDED) if options.mended else options.only
    {"train": train_all, "table": table, "cost": cost}[options.what](options, range(first, last + 1), names)


if __name__ == "__main__":
    main()
