"""The doctor: what the notes of the last rounds say about the game, and how they compare with those of a page."""

from typing import NamedTuple

import numpy as np

from gans_workshop.game.notes import NOTES, SMALLER_RATES

WINDOW = 100  # rounds that a judgement needs
# Chosen on seeds 0 to 4 of benchmarks/diagnosis.py; how often they are right on other seeds stands in RESULTS.md
CERTAIN = 0.98  # D picks out the real one nearly always ...
CHEAP = 0.02  # ... and its loss fell below this part of what it once paid: it has nothing left to learn ...
SURE = 0.015  # ... or D(G(z)) fell below this: with smoothed labels even a certain D pays
FOOLED = 0.25  # D takes the fake for the real one three times out of four
SWINGING = 0.2  # how far D's hit rate, averaged over three rounds, spreads within the window ...
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
NOTED_AS = {"D(x)": "d_real", "D(G(z))": "d_fake", "hit rate": "detect_rate"}  # words of the pages


class Verdict(NamedTuple):
    """What the doctor says: the name of the state, a sentence with its evidence, and what to try."""

    name: str
    sentence: str
    advice: str


def diagnose(history):
    """Say how the game goes, from the last 100 rounds of a history: it needs neither the pictures nor the loss."""
    last = {name: np.array(getattr(history, name)[-WINDOW:]) for name in NOTES}
    count = len(history.steps)
    if count and not np.isfinite([last["d_loss"][-1], last["g_loss"][-1]]).all():
        sentence = f"NaN: in round {last['steps'][-1]:.0f} a loss stopped being a number to learn from."
        return Verdict("NaN", sentence, SMALLER_RATES)
    known = np.isfinite(last["detect_rate"]) & np.isfinite(last["variety"])
    if known.sum() < WINDOW:
        older = f", and {len(known) - known.sum()} of them come from an older version" if not known.all() else ""
        sentence = f"Too early to say: the doctor needs the notes of {WINDOW} rounds and has {len(known)}{older}."
        return Verdict("too early to say", sentence, "Train on, then ask again.")
    return _judge(last["detect_rate"], last["variety"], _price(np.asarray(history.d_loss)), np.median(last["d_fake"]))


def _price(d_loss):
    """Return D's loss as a part of what it once paid; a Wasserstein loss, which falls below 0, is never cheap."""
    past = d_loss[np.isfinite(d_loss)]
    once = max(past[0], np.quantile(past, 0.99), 1e-9)  # with many d_steps the first loss is small already
    return np.median(past[-WINDOW:]) / once if past.min() >= 0 else np.inf


def _judge(rate, varied, price, d_fake):
    """Name the state from D's hit rates, the variety of the fakes, D's loss as a part of what it was, and D(G(z)).

    In this order, since a later state shows in the numbers of an earlier one too: D is certain and has nothing left to
    learn; the hit rate swings; D takes fakes for real; the fakes repeat themselves. The limits stand above.
    """
    swings = np.convolve(rate, np.full(3, 1 / 3), "valid")  # a single batch is a small sample
    usual = np.median(rate)  # a few rounds of hiccup do not count
    alike = np.quantile(varied[-WINDOW // 2 :], 0.1)  # one that repeats itself does so in some batches, not in all
    detective_has_won = usual > CERTAIN and (price < CHEAP or (d_fake < SURE and price < 1))
    swinging = swings.std() > (SWINGING if alike < ALIKE else WILD) and np.quantile(swings, 0.1) < LOW
    picked = f"of a real picture and a fake, D picks out the real one {rate.mean():.0%} of the time"
    if detective_has_won:
        evidence = f"{picked}, its loss fell to {price:.1%} of what it was, and D(G(z)) is {d_fake:.3f}"
        name = "the detective dominates"
    elif swinging:
        name, evidence = "oscillating", f"D's hit rate swings between {swings.min():.0%} and {swings.max():.0%}"
    elif usual < FOOLED:
        name, evidence = "the criminal dominates", picked
    elif alike < ALIKE:
        name, evidence = "mode collapse", f"two fakes are at times {alike:.2f} times as far apart as two real pictures"
    else:
        name, evidence = "healthy", f"{picked}, and the fakes are {varied.mean():.2f} times as varied as real pictures"
    return Verdict(name, f"{name[0].upper()}{name[1:]}: {evidence}.", REMEDY[name])


def compare_with_page(history, ranges, *, rounds):
    """Print the means of your last 100 rounds beside those of a page: {"D(x)": (smallest, largest), ...}.

    `rounds` is how many the page had played. Names: those of the pages (`NOTED_AS`) or of the notes (`NOTES`).
    """
    played = len(history.steps)
    if not played:
        print("There is nothing to compare yet: train first.")
        return
    print(f"You: the mean of the last {min(played, WINDOW)} of {played:,} rounds. The page: {rounds:,} rounds.")
    print(f"{'':10}{'you':8}the page")
    for name, (low, high) in ranges.items():
        values = np.array(getattr(history, NOTED_AS.get(name, name))[-WINDOW:])
        mean = np.round(values[np.isfinite(values)].mean() if np.isfinite(values).any() else np.nan, 2)
        word = "usual" if low <= mean <= high else f"unusual: {_why_unusual(played, rounds)}"
        print(f"{name:10}{mean:<8.2f}{low:.2f} to {high:.2f}   {word}")


def _why_unusual(played, rounds):
    if not rounds / 2 <= played <= 2 * rounds:
        return f"you played {'fewer' if played < rounds else 'more'} rounds than the page"
    return "another setting, a GPU (its networks are larger) or chance"
