"""The doctor's figures: train recipes over seeds, keep each history, and count what the doctor says of them.

python benchmarks/diagnosis.py train RUNS --seeds 100-119     # hours; goes on where it stopped
python benchmarks/diagnosis.py table RUNS --seeds 100-119     # seconds; --which remedies, unseen or border: the others
python benchmarks/diagnosis.py cost                           # half a minute: what the notes cost
Thresholds were chosen on seeds 0 to 4, before the seeds from 100 on were looked at: the figures are for these.
"""

import argparse
import functools
import statistics
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

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
    discriminator_step,
    generator_step,
    hinge,
    least_squares,
    load_digits,
    load_portraits,
    minimax,
    seed_everything,
    to_float,
    train,
    wasserstein_gp,
)
from gans_workshop.augment import cut_out, shift
from gans_workshop.diagnosis import detect_rate, diagnose, slope_size, variety
from gans_workshop.evaluation import digit_histogram, frechet_distance, look
from gans_workshop.losses import log_loss_d, non_saturating_g
from gans_workshop.models import frozen
from gans_workshop.training import next_batch

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


@functools.cache
def digits():
    """Load the bundled digits."""
    return load_digits()[0]


@functools.cache
def portraits():
    """Load what notebook 03 learns from, unless one brings photographs."""
    return load_portraits(image_size=32)


@functools.cache
def coloured(count=400):
    """Make a small set of colour pictures of 32 pixels: digits in any ink on paper of any colour, lit from above."""
    dice = torch.Generator().manual_seed(0)
    ink = F.pad(digits()[torch.randperm(len(digits()), generator=dice)[:count]].float() / 255, (2, 2, 2, 2))
    colours, papers = torch.rand(2, count, 3, 1, 1, generator=dice)
    light = 1 - torch.linspace(0, 0.5, 32)[:, None]
    return ((ink * colours + (1 - ink) * papers * light) * 255).byte()


@functools.cache
def inked():
    """Make digits of 32 pixels in ink of any colour, on black."""
    colours = torch.rand(len(digits()), 3, 1, 1, generator=torch.Generator().manual_seed(0))
    return (F.pad(digits(), (2, 2, 2, 2)) * colours).byte()


def few():
    """Return twenty digits."""
    return digits()[:20]


COLOUR, RGB, B16 = {"size": 32, "channels": 3}, {"pictures": coloured}, {"batch_size": 16}
# name: (what it is, how the GAN is made, options of `run`: those of train, and `pictures`, `g_steps`, `combined`)
RECIPES = {
    "control": (HEALTHY, players(), {}),
    "notebook 02: width 16, batch 64": (HEALTHY, players(width=16), {"batch_size": 64}),
    "notebook 03: portraits, width 16, batch 64, moved and cut": (
        HEALTHY,
        players(**COLOUR, width=16),
        {"batch_size": 64, "augment": lambda images: cut_out(shift(images)), "pictures": portraits},
    ),
    "hinge, batch 16": (HEALTHY, players(), B16 | {"loss": hinge}),
    "least squares, batch 16": (HEALTHY, players(), B16 | {"loss": least_squares}),
    "width 24, batch 16": (HEALTHY, players(width=24), B16),
    "width 4, batch 64": (HEALTHY, players(width=4), {"batch_size": 64}),
    "colour": (HEALTHY, players(**COLOUR), RGB),
    "G's rate / 100": (DETECTIVE, players(g_lr=3e-5), {}),
    "G's rate / 100, hinge, batch 16": (DETECTIVE, players(g_lr=3e-5), B16 | {"loss": hinge}),
    "G's rate / 100, least squares, batch 16": (DETECTIVE, players(g_lr=3e-5), B16 | {"loss": least_squares}),
    "G's rate / 100, colour, batch 16": (DETECTIVE, players(g_lr=3e-5, **COLOUR), B16 | RGB),
    "D's rate / 100": (CRIMINAL, players(d_lr=3e-5), {}),
    "D's rate / 100, hinge, batch 16": (CRIMINAL, players(d_lr=3e-5), B16 | {"loss": hinge}),
    "D's rate / 100, least squares, batch 16": (CRIMINAL, players(d_lr=3e-5), B16 | {"loss": least_squares}),
    "D's rate / 100, colour, batch 16": (CRIMINAL, players(d_lr=3e-5, **COLOUR), B16 | RGB),
    "z of 1": (COLLAPSE, players(latent_dim=1), {}),
    "z of 1, hinge, batch 16": (COLLAPSE, players(latent_dim=1), B16 | {"loss": hinge}),
    "z of 1, colour": (COLLAPSE, players(latent_dim=1, **COLOUR), RGB),
    "plain layers, G's rate x 15": (SWINGS, players(plain=True, d_lr=2e-4), {}),
    "plain layers, G's rate x 15, hinge": (SWINGS, players(plain=True, d_lr=2e-4), {"loss": hinge}),
    "plain layers, G's rate x 15, ink": (SWINGS, players(plain=True, d_lr=2e-4, **COLOUR), {"pictures": inked}),
    "rates of 1e30": (NAN, players(d_lr=1e30, g_lr=1e30), {}),
    "rates of 1e30, colour": (NAN, players(d_lr=1e30, g_lr=1e30, **COLOUR), RGB),
}
# Looked at while the thresholds were chosen, but between two states: they count nowhere
BORDER = {
    "plain layers, slow": ("", players(plain=True, d_lr=2e-4, g_lr=2e-4), {"batch_size": 64}),
    "plain layers, G's rate x 15, colour": ("", players(plain=True, d_lr=2e-4, **COLOUR), RGB),
    "rates of 2e-4": ("", players(d_lr=2e-4, g_lr=2e-4), {}),
    "rates of 2e-4, hinge": ("", players(d_lr=2e-4, g_lr=2e-4), {"loss": hinge}),
    "rates of 2e-4, least squares": ("", players(d_lr=2e-4, g_lr=2e-4), {"loss": least_squares}),
    "rates of 2e-4, width 16, batch 64": ("", players(d_lr=2e-4, g_lr=2e-4, width=16), {"batch_size": 64}),
    "D's rate 2e-3, G's 2e-5, k = 5": ("", players(d_lr=2e-3, g_lr=2e-5), B16 | {"d_steps": 5}),
    "plain layers, G's rate x 15, portraits": ("", players(plain=True, d_lr=2e-4, **COLOUR), {"pictures": portraits}),
    "z of 1, colour, batch 16": ("", players(latent_dim=1, **COLOUR), B16 | RGB),
    "k = 5": ("", players(), B16 | {"d_steps": 5}),
    "minimax": ("", players(), B16 | {"loss": minimax}),
    "minimax, G's rate / 100": ("", players(g_lr=3e-5), B16 | {"loss": minimax}),
    "D's rate / 10": ("", players(d_lr=3e-4), B16),
    "G's rate / 10": ("", players(g_lr=3e-4), B16),
    "D's rate x 10, G's / 10, k = 5": ("", players(d_lr=3e-2, g_lr=3e-4), B16 | {"d_steps": 5}),
    "both rates x 10": ("", players(d_lr=3e-2, g_lr=3e-2), B16),
    "z of 2": ("", players(latent_dim=2), B16),
    "z of 2, batch 64": ("", players(latent_dim=2), {"batch_size": 64}),
    "z of 4": ("", players(latent_dim=4), B16),
    "Wasserstein + penalty": ("", players(), B16 | {"loss": wasserstein_gp}),
    "five G steps": ("", players(), B16 | {"g_steps": 5}),
    "combined batch": ("", players(), {"combined": True}),
}


def smooth_d(real_logits, fake_logits):
    """Make D pay for being sure of a real picture: -0.9 log D(x) - 0.1 log(1 - D(x)) - log(1 - D(G(z)))."""
    return F.softplus(-real_logits).mean() + 0.1 * real_logits.mean() + F.softplus(fake_logits).mean()


SMOOTH = Loss(smooth_d, non_saturating_g)
# Remedies: the first of each group is the patient, and the control is what mends the last three fully
MENDED = {
    "plain layers, G's rate x 15": RECIPES["plain layers, G's rate x 15"],
    "mended by k = 5": ("", players(plain=True, d_lr=2e-4), {"d_steps": 5}),
    "mended by G's rate / 15": ("", players(plain=True, d_lr=2e-4, g_lr=2e-4), {}),
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


# Never looked at while the thresholds were chosen
UNSEEN = {
    "rates / 3": (HEALTHY, players(d_lr=1e-3, g_lr=1e-3), {}),
    "rates x 3": (HEALTHY, players(d_lr=1e-2, g_lr=1e-2), {}),
    "portraits, hinge, batch 16": (HEALTHY, players(**COLOUR), B16 | {"pictures": portraits, "loss": hinge}),
    "minimax, D's rate x 10, G's / 10": (DETECTIVE, players(d_lr=3e-2, g_lr=3e-4), B16 | {"loss": minimax}),
    "D of four filters, rate / 100, batch 16": (CRIMINAL, players(d_width=4, d_lr=3e-5), B16),
    "D's rate / 100, portraits, batch 16": (CRIMINAL, players(d_lr=3e-5, **COLOUR), B16 | {"pictures": portraits}),
    "z of 1, portraits, batch 16": (COLLAPSE, players(latent_dim=1, **COLOUR), B16 | {"pictures": portraits}),
    "z of 1, least squares": (COLLAPSE, players(latent_dim=1), {"loss": least_squares}),
    "plain layers, G's rate x 15, least squares": (SWINGS, players(plain=True, d_lr=2e-4), {"loss": least_squares}),
    "Adam's beta of 0.9": ("", players(beta=0.9), {}),
    "twenty digits": ("", players(), B16 | {"pictures": few}),
    "ten G steps": ("", players(), B16 | {"g_steps": 10}),
}

EVERY = RECIPES | BORDER | MENDED | UNSEEN


def file_of(folder, name, seed):
    """Name the file of a run."""
    return Path(folder) / f"{''.join(c if c.isalnum() else '_' for c in name)}-{seed}.npz"


def run(name, seed):
    """Train one recipe; return its history, the pictures it draws at the end, and what the judge says of digits."""
    _, make, options = EVERY[name]
    options = {"batch_size": 32, "pictures": digits} | options
    gan, images = make(seed), options.pop("pictures")()
    with suppress(FloatingPointError):
        own = "g_steps" in options or "combined" in options
        (play if own else train)(gan, images, steps=STEPS, **options)
    seed_everything(seed)
    judged = (np.nan, np.nan)
    if gan.picture_shape == (1, 28, 28) and len(gan.history.steps) == STEPS:
        seen, features = look(gan.sample(500))
        judged = frechet_distance(real_features(), features), digit_histogram(seen)[1]
    return gan.history, gan.sample(gan.fixed_z[:32]), judged


@functools.cache
def real_features():
    """Let the judge look at the test digits."""
    return look(load_digits(test=True)[0])[1]


def play(gan, images, *, steps, batch_size, g_steps=1, combined=False):
    """Play as `train` does, but with more steps for G, or with real pictures and fakes in one batch for D."""
    for _ in range(steps):
        d_step = combined_step if combined else discriminator_step
        d_loss, *seen = d_step(gan, next_batch(gan, images, batch_size))
        for _ in range(g_steps):
            g_loss = generator_step(gan, batch_size)
        gan.note(d_loss, g_loss, *seen)


def combined_step(gan, real):
    """Let D learn from real pictures and fakes in one batch, which batch norm makes too easy."""
    with torch.no_grad(), frozen(gan.generator):
        fake = gan.generator(gan.draw_z(len(real)))
    real_logits, fake_logits = gan.discriminator(torch.cat([real, fake])).split(len(real))
    d_loss = log_loss_d(real_logits, fake_logits)
    gan.d_optimizer.zero_grad()
    d_loss.backward()
    gan.d_optimizer.step()
    opinions = [d_loss, real_logits.sigmoid().mean(), fake_logits.sigmoid().mean()]
    return torch.stack([*opinions, detect_rate(real_logits, fake_logits), variety(fake, real)]).tolist()


def train_all(options, seeds, names):
    """Train what is not there yet, seed by seed."""
    Path(options.folder).mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        for name in names:
            path = file_of(options.folder, name, seed)
            if not path.exists():
                history, pictures, judged = run(name, seed)
                lists = {key: np.array(values) for key, values in vars(history).items()}
                np.savez(path, pictures=pictures.half(), judged=np.array(judged), **lists)
                print(name, seed, flush=True)


def load(path):
    """Read a history back."""
    history = History()
    with np.load(path) as kept:
        history.load_state_dict({key: torch.from_numpy(kept[key]) for key in vars(history)})
    return history


def verdicts(history, steps):
    """List what the doctor says after each of `steps`."""
    said = []
    for count in steps:
        part = History()
        vars(part).update({name: values[:count] for name, values in vars(history).items()})
        said.append(diagnose(part).name)
    return said


class Study(NamedTuple):
    """What the doctor said of a run every ten steps from 100 on, and what the run was like at its end."""

    said: list
    late: dict  # means over the last 100 steps
    judged: np.ndarray  # distance to the test digits, and digits covered

    def named(self, truth):
        """Return the step at which the truth was first said."""
        return 100 + 10 * self.said.index(truth) if truth in self.said else STEPS + 1


HALF = (STEPS // 2 - 100) // 10  # the place of the judgement at half of the run
FROM_300 = (300 - 100) // 10


def study(path):
    """Read a run and ask the doctor."""
    history = load(path)
    late = {key: np.mean(values[-100:]) for key, values in vars(history).items()}
    with np.load(path) as kept:
        return Study(verdicts(history, range(100, STEPS + 1, 10)), late, kept["judged"])


def table(options, seeds, names):
    """Print a row for each recipe, then precision and recall of each verdict."""
    heads = "recipe", "truth", "seeds", "verdict at the end", "alarm from 300", "named at step", "other after 200"
    heads += "hit rate", "variety", "distance", "digits"
    print("|", " | ".join(heads), "|\n" + "|---" * len(heads) + "|")
    known = Counter()  # (truth, verdict at the end): runs
    for name in names:
        truth = EVERY[name][0]
        runs = [study(path) for path in (file_of(options.folder, name, seed) for seed in seeds) if path.exists()]
        if runs:
            known.update((truth, run.said[-1]) for run in runs)
            print("|", " | ".join(map(str, row(name, truth, runs))), "|", flush=True)
    print("\n| verdict | runs | precision | recall |\n|---|---|---|---|")
    for truth in (HEALTHY, DETECTIVE, CRIMINAL, COLLAPSE, SWINGS, NAN):
        right, runs = known[truth, truth], sum(count for (t, _), count in known.items() if t == truth)
        said = sum(count for (t, verdict), count in known.items() if t and verdict == truth)
        if runs:
            print(f"| {truth} | {runs} | {right / said if said else 0:.1%} | {right / runs:.1%} |")


def row(name, truth, runs):
    """Sum up the runs of a recipe."""
    ends = Counter(run.said[-1] for run in runs)
    alarms = sum(set(run.said[FROM_300:]) != {HEALTHY} for run in runs) if truth == HEALTHY else ""
    steps = [run.named(truth) for run in runs]
    named = f"{min(steps)} to {max(steps)}" if truth not in (HEALTHY, "") else ""
    other = sum(set(run.said[HALF + 1 :]) != {truth} for run in runs) if truth else ""
    numbers = [span([run.late[key] for run in runs]) for key in ("detect_rate", "variety")]
    numbers += [span([run.judged[i] for run in runs], form) for i, form in ((0, ".0f"), (1, ".0f"))]
    says = ", ".join(f"{verdict} {count}" for verdict, count in ends.most_common())
    return [name, truth or "-", len(runs), says, alarms, named, other, *numbers]


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


def span(values, form=".2f"):
    """Say smallest to largest (median)."""
    if not np.isfinite(values).all():
        return ""
    return f"{min(values):{form}} to {max(values):{form}} ({statistics.median(values):{form}})"


def main():
    """Train, or print the table."""
    groups = {"recipes": RECIPES, "remedies": MENDED, "unseen": UNSEEN, "border": BORDER}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["train", "table", "cost"])
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--seeds", default="100-119", help="first-last")
    parser.add_argument("--which", choices=groups, default="recipes")
    parser.add_argument("--only", nargs="*", help="names of recipes")
    options = parser.parse_args()
    first, last = map(int, options.seeds.split("-"))
    names = options.only or list(groups[options.which])
    {"train": train_all, "table": table, "cost": cost}[options.what](options, range(first, last + 1), names)


if __name__ == "__main__":
    main()
