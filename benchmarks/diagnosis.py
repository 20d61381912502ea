"""The doctor's figures: train recipes over seeds, keep each history, and count what the doctor says of them.

python benchmarks/diagnosis.py train RUNS --seeds 100-119     # hours; goes on where it stopped
python benchmarks/diagnosis.py table RUNS --seeds 100-119     # seconds; --which remedies, unseen or border: the others
python benchmarks/diagnosis.py cost                           # half a minute: what the notes cost
Thresholds were chosen on seeds 0 to 4, before the seeds from 100 on were looked at: the figures are for these.
"""

import argparse
import functools
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from common import last, ranges, seeds, write_csv
from torch import nn

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    Loss,
    MLPDiscriminator,
    MLPGenerator,
    classify_digits,
    cut_out,
    diagnose,
    digit_histogram,
    discriminator_step,
    frechet_distance,
    generator_step,
    hinge,
    least_squares,
    load_digits,
    load_portraits,
    minimax,
    non_saturating,
    seed_everything,
    shift,
    to_float,
    train,
    wasserstein_gp,
)
from gans_workshop.game.models import frozen
from gans_workshop.game.notes import NOTES, History, detect_rate, gradient_length, measure, variety
from gans_workshop.game.turns import Lesson, learn, next_batch, play_round

ROUNDS = 400
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
    """Return a function that makes the GAN of the laboratory, but for what is said, from a seed and its rules."""

    def make(seed, **rules):
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
        gan = GAN(*pair, d_lr=d_lr, g_lr=g_lr, seed=seed, **rules)
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
# name: (what it is, how the GAN is made, options of `run`: its rules, batch_size, `pictures`, and those of `odd_round`)
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


SMOOTH = Loss(smooth_d, non_saturating.generator)
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
    rules = {key: value for key, value in options.items() if key in ("loss", "augment", "d_steps")}
    odd = {key: value for key, value in options.items() if key in ("g_steps", "combined")}
    gan, images = make(seed, **rules), options.get("pictures", digits)()
    one_round = functools.partial(odd_round, **odd) if odd else play_round
    with suppress(FloatingPointError):
        train(gan, images, one_round=one_round, steps=ROUNDS, batch_size=options.get("batch_size", 32))
    seed_everything(seed)
    judged = (np.nan, np.nan)
    if gan.picture_shape == (1, 28, 28) and gan.step == ROUNDS:
        found, features = classify_digits(gan.sample(500))
        judged = frechet_distance(real_features(), features), digit_histogram(found)[1]
    return gan.history, gan.preview()[:32], judged


@functools.cache
def real_features():
    """Let the judge look at the test digits."""
    return classify_digits(load_digits(test=True)[0])[1]


def odd_round(gan, images, conditions=None, *, batch_size, g_steps=1, combined=False):
    """Play a round with more turns for G, or with real pictures and fakes in one batch for D."""
    real, _ = next_batch(gan, images, batch_size=batch_size)
    lesson = (combined_step if combined else discriminator_step)(gan, real)
    for _ in range(g_steps):
        g_loss = generator_step(gan, batch_size)
    gan.count_round(measure(gan, lesson, g_loss))


def combined_step(gan, real):
    """Let D learn from real pictures and fakes in one batch, which batch norm makes too easy."""
    with torch.no_grad(), frozen(gan.generator):
        fake = gan.generator(gan.draw_z(len(real)))
    real_logits, fake_logits = gan.discriminator(torch.cat([real, fake])).split(len(real))
    d_loss = gan.loss.discriminator(real_logits, fake_logits)
    learn(gan, gan.d_optimizer, d_loss, "detective")
    return Lesson(d_loss.detach(), real_logits.detach(), fake_logits.detach(), real, fake)


def train_all(options, names):
    """Train what is not there yet, seed by seed."""
    Path(options.folder).mkdir(parents=True, exist_ok=True)
    for seed in options.seeds:
        for name in names:
            path = file_of(options.folder, name, seed)
            if not path.exists():
                history, pictures, judged = run(name, seed)
                lists = last(history, len(history.steps))
                np.savez(path, pictures=pictures.half(), judged=np.array(judged), **lists)
                print(name, seed, flush=True)


def verdicts(lists, rounds):
    """List what the doctor says after each of `rounds`."""
    said = []
    for count in rounds:
        part = History()
        part.load_state_dict({name: values[:count] for name, values in lists.items()})
        said.append(diagnose(part).name)
    return said


class Study(NamedTuple):
    """What the doctor said of a run every ten rounds from 100 on, and what the run was like at its end."""

    said: list
    late: dict  # means over the last 100 rounds
    judged: np.ndarray  # distance to the test digits, and digits covered

    def named(self, truth):
        """Return the round at which the truth was first said."""
        return 100 + 10 * self.said.index(truth) if truth in self.said else ROUNDS + 1


HALF = (ROUNDS // 2 - 100) // 10  # the place of the judgement at half of the run
FROM_300 = (300 - 100) // 10


def study(path):
    """Read a run and ask the doctor."""
    with np.load(path) as file:
        judged, lists = file["judged"], {name: torch.from_numpy(file[name]) for name in NOTES}
    late = {name: float(values[-100:].mean()) for name, values in lists.items()}
    return Study(verdicts(lists, range(100, ROUNDS + 1, 10)), late, judged)


def table(options, names):
    """Write a row for each recipe, then precision and recall of each verdict."""
    known, rows = Counter(), []  # known: (truth, verdict at the end): runs
    for name in names:
        truth = EVERY[name][0]
        paths = [file_of(options.folder, name, seed) for seed in options.seeds]
        runs = [study(path) for path in paths if path.exists()]
        if runs:
            known.update((truth, run.said[-1]) for run in runs)
            rows.append(row(name, truth, runs, with_truth=options.which in ("recipes", "unseen")))
    write_csv({"recipes": "doctor"}.get(options.which, f"doctor_{options.which}"), rows)
    if options.which == "recipes":
        write_csv("doctor_verdicts", list(verdict_rows(known)))


def verdict_rows(known):
    """Yield precision and recall of each verdict."""
    for truth in (HEALTHY, DETECTIVE, CRIMINAL, COLLAPSE, SWINGS, NAN):
        right, runs = known[truth, truth], sum(count for (t, _), count in known.items() if t == truth)
        said = sum(count for (t, verdict), count in known.items() if t and verdict == truth)
        if runs:
            precision, recall = (f"{100 * right / count if count else 0:.1f}" for count in (said, runs))
            yield {"verdict": truth, "runs": runs, "precision, %": precision, "recall, %": recall}


def row(name, truth, runs, *, with_truth):
    """Sum up the runs of a recipe."""
    found = {"recipe": name} | ({"truth": truth or "-"} if with_truth else {}) | {"seeds": len(runs)}
    ends = Counter(run.said[-1] for run in runs)
    found["verdict at the end"] = ", ".join(f"{verdict} {count}" for verdict, count in ends.most_common())
    if with_truth:
        alarms = sum(set(run.said[FROM_300:]) != {HEALTHY} for run in runs)
        found["alarm from 300"] = alarms if truth == HEALTHY else ""
        ill = truth not in (HEALTHY, "")
        found |= ranges("named at round", [run.named(truth) if ill else np.nan for run in runs], ".0f")
        found["other after 200"] = sum(set(run.said[HALF + 1 :]) != {truth} for run in runs) if truth else ""
    for column, note in (("hit rate", "detect_rate"), ("variety", "variety")):
        found |= ranges(column, [run.late[note] for run in runs])
    for i, column in enumerate(("distance", "digits")):
        found |= ranges(column, [run.judged[i] for run in runs], ".0f")
    return found


def seconds(work, times):
    """Return the shortest time that `work` takes: other programs can only lengthen it."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def cost(*_):
    """Write what the doctor's notes cost beside a round of the game."""
    rows = []
    for size, channels, width in ((28, 1, 8), (28, 1, 16), (32, 3, 16), (64, 3, 16)):
        gan = players(size=size, channels=channels, width=width)(0)
        images = (torch.rand(64, *gan.picture_shape) * 255).byte()
        real, fake, logits = to_float(images), to_float(images.flip(0)), torch.randn(64, 1)
        whole = seconds(lambda gan=gan, images=images: play_round(gan, images), 15)
        notes = seconds(lambda real=real, fake=fake: variety(fake, real), 30)
        notes += seconds(lambda logits=logits: detect_rate(logits, logits), 30)
        notes += seconds(lambda gan=gan: gradient_length(gan.generator), 30)
        notes += seconds(lambda gan=gan: gradient_length(gan.discriminator), 30)
        what = f"{size} pixels, {channels} channel(s), width {width}"
        rows.append({"what": what, "ms": f"{1000 * whole:.1f}", "of it notes, %": f"{100 * notes / whole:.1f}"})
    history = History()
    for number in range(10_000):
        history.append(dict.fromkeys(NOTES, 0.5) | {"steps": number})
    rows.append({"what": "the doctor, 10,000 rounds", "ms": f"{1000 * seconds(lambda: diagnose(history), 20):.2f}"})
    write_csv("doctor_cost", rows)


def main():
    """Train, or write the table."""
    groups = {"recipes": RECIPES, "remedies": MENDED, "unseen": UNSEEN, "border": BORDER}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["train", "table", "cost"])
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--seeds", type=seeds, default=range(100, 120))
    parser.add_argument("--which", choices=groups, default="recipes")
    parser.add_argument("--only", nargs="*", help="names of recipes")
    options = parser.parse_args()
    names = options.only or list(groups[options.which])
    {"train": train_all, "table": table, "cost": cost}[options.what](options, names)


if __name__ == "__main__":
    main()
