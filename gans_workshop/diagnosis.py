"""The doctor: what to note at each step, and what these notes say about the game."""

from typing import NamedTuple

import numpy as np
import torch

WINDOW = 100  # steps that a judgement needs
# Chosen on seeds 0 to 4 of benchmarks/diagnosis.py; how often they are right on other seeds stands in RESULTS.md
CERTAIN = 0.98  # D picks out the real one nearly always ...
CHEAP = 0.02  # ... and its loss fell below this part of what it once paid: it has nothing left to learn ...
SURE = 0.015  # ... or D(G(z)) fell below this: with smoothed labels even a certain D pays
FOOLED = 0.25  # D takes the fake for the real one three times out of four
SWINGING = 0.2  # how far D's hit rate, averaged over three steps, spreads within the window ...
WILD = 0.3  # ... where the fakes are varied nevertheless (a Wasserstein loss swings by itself) ...
LOW = 0.3  # ... and how low it goes in a tenth of it: then D is not only unsure at times, but beaten
ALIKE = 0.23  # so much nearer to each other than real pictures are the fakes: they repeat themselves

REMEDY = {
    "healthy": "Train on.",
    "oscillating": "Let D learn more often (d_steps=5), or take networks with convolutions.",
    "the criminal dominates": "Let D learn faster: a larger d_lr, a wider Discriminator, or more d_steps.",
    "the detective dominates": "Let G learn faster or D more slowly: a larger g_lr, a smaller d_lr, d_steps=1.",
    "mode collapse": "Give z more numbers (latent_dim=64), or start again with another seed.",
}


@torch.no_grad()
def detect_rate(real_logits, fake_logits):
    """Say how often D gives the real one of a pair (real, fake) the higher logit: 0.5 is a coin toss, 1 is always.

    It means the same for every loss, which D(x) does not: sigmoid(logit) is a probability only for the log-loss.
    Shapes: real_logits (N, 1), fake_logits (M, 1) -> scalar.
    """
    pairs = real_logits - fake_logits.T
    return ((pairs > 0).float() + (pairs == 0).float() / 2).mean()


@torch.no_grad()
def variety(fake, real):
    """Compare how far each fake is from the fake nearest to it with the same among real pictures: 1 is as varied.

    It sees repetition, not that a kind of picture is missing. Shapes: fake, real (N, C, H, W) -> scalar.
    """
    return _distance_to_nearest(fake) / _distance_to_nearest(real, copies=False).clamp(min=1e-6)


def _distance_to_nearest(images, *, copies=True):
    images = images[:64].flatten(1)  # more would cost more and say the same
    distances = torch.cdist(images, images).fill_diagonal_(torch.inf)
    if not copies:  # a batch from a very small set shows a picture twice
        distances.masked_fill_(distances < distances.median() / 100, torch.inf)
    return distances.min(dim=1).values.median()


def slope_size(network):
    """Return how steep the last loss was for a network: the length of its gradient, a scalar."""
    return torch.nn.utils.get_total_norm([p.grad for p in network.parameters() if p.grad is not None])


class Verdict(NamedTuple):
    """What the doctor says: the name of the state, a sentence with its evidence, and what to try."""

    name: str
    sentence: str
    advice: str


def diagnose(history):
    """Say how the game goes, from the last 100 steps of a history: it needs neither the pictures nor the loss."""
    notes = (history.d_loss, history.g_loss, history.d_fake, history.detect_rate, history.variety)
    columns = [np.asarray(values, float) for values in notes]
    count = min(map(len, columns))
    d_loss, g_loss, d_fake, rate, varied = (values[max(0, count - WINDOW) : count] for values in columns)
    if count and not np.isfinite([d_loss[-1], g_loss[-1]]).all():
        sentence = f"NaN: at step {history.steps[count - 1]:.0f} a loss stopped being a number to learn from."
        return Verdict("NaN", sentence, "Make a new GAN and train it with a tenth of d_lr and g_lr.")
    known = np.isfinite(rate) & np.isfinite(varied)
    if known.sum() < WINDOW:
        older = f", and {len(known) - known.sum()} of them come from an older version" if not known.all() else ""
        sentence = f"Too early to say: the doctor needs the notes of {WINDOW} steps and has {len(known)}{older}."
        return Verdict("too early to say", sentence, "Train on, then ask again.")
    return _judge(rate, varied, _price(columns[0][:count]), np.median(d_fake))


def _price(d_loss):
    """Return D's loss as a part of what it once paid; a Wasserstein loss, which falls below 0, is never cheap."""
    past = d_loss[np.isfinite(d_loss)]
    once = max(past[0], np.quantile(past, 0.99), 1e-9)  # with many d_steps the first loss is small already
    return np.median(past[-WINDOW:]) / once if past.min() >= 0 else np.inf


def _judge(rate, varied, price, d_fake):
    """Name the state from D's hit rates, the variety of the fakes, D's loss as a part of what it was, and D(G(z))."""
    swings = np.convolve(rate, np.full(3, 1 / 3), "valid")  # a single batch is a small sample
    picked = f"of a real picture and a fake, D picks out the real one {rate.mean():.0%} of the time"
    usual = np.median(rate)  # a few steps of hiccup do not count
    alike = np.quantile(varied[-WINDOW // 2 :], 0.1)  # one that repeats itself does so in some batches, not in all
    if usual > CERTAIN and (price < CHEAP or (d_fake < SURE and price < 1)):
        evidence = f"{picked}, its loss fell to {price:.1%} of what it was, and D(G(z)) is {d_fake:.3f}"
        name = "the detective dominates"
    elif swings.std() > (SWINGING if alike < ALIKE else WILD) and np.quantile(swings, 0.1) < LOW:
        name, evidence = "oscillating", f"D's hit rate swings between {swings.min():.0%} and {swings.max():.0%}"
    elif usual < FOOLED:
        name, evidence = "the criminal dominates", picked
    elif alike < ALIKE:
        name, evidence = "mode collapse", f"two fakes are at times {alike:.2f} times as far apart as two real pictures"
    else:
        name, evidence = "healthy", f"{picked}, and the fakes are {varied.mean():.2f} times as varied as real pictures"
    return Verdict(name, f"{name[0].upper()}{name[1:]}: {evidence}.", REMEDY[name])
