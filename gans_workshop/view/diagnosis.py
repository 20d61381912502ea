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
DEAF = 0.4  # so little does a fake change with its label, beside what z changes ...
UNUSED = 0.6  # ... while D finds hardly more often than a coin that fakes fit their labels: ...
MUTE = 0.05  # ... or so little that D's opinion does not matter
POOR = 0.3  # so much nearer to each other, or to another class, than usual are the fakes of one class
SILENT = 0.07  # so small is D's part in the push on the pixels, where G also pays for being unlike the answer ...
AWAKE = 0.75  # ... though D tells the real one this often, or more rarely
EMPTY = 0.7  # so little do the pixels of a picture differ, beside those of the right answer
AHEAD = 0.9  # no illness yet, but no fair fight either: so high is D(x)

REMEDY = {
    "healthy": "Train on.",
    "oscillating": "Let D learn more often (d_steps=5), or take networks with convolutions.",
    "the criminal dominates": "Let D learn faster: a larger d_lr, a wider Discriminator, or more d_steps.",
    "the detective dominates": "Let G learn faster or D more slowly: a larger g_lr, a smaller d_lr, d_steps=1.",
    "it ignores the label": "Tell D early enough (Discriminator(classes=...)), and see that labels fit their pictures.",
    "one class is missing or collapsed": "See how many different pictures it has: bring more, or leave it out.",
    "L1 decides everything": "Give the likeness a smaller weight: 100 is the one of pix2pix.",
    "D is ignored": "Let D learn: a larger d_lr, and see that it is shown the pairs.",
    "white output": "See that no sheet that is given is empty, and that each stands beside its own answer.",
    "mode collapse": "Give z more numbers if it has few (latent_dim=64), or let D learn more often (d_steps=5).",
}
NOTED_AS = {"D(x)": "d_real", "D(G(z))": "d_fake", "hit rate": "detect_rate"}  # words of the pages
WATCH_IT = "Train on, and look at the pictures: if they stop getting better, let G learn faster (a larger g_lr)."


class Verdict(NamedTuple):
    """What the doctor says: the name of the state, a sentence with its evidence, and what to try."""

    name: str
    sentence: str
    advice: str


def diagnose(history):
    """Say how the game goes, from the last 100 rounds of a history: it needs neither the pictures nor the loss.

    The evidence counts rounds beyond the doctor's line: a mean would follow a few wild rounds. Raises: TypeError
    """
    if isinstance(history, type) or not all(hasattr(history, name) for name in NOTES):
        found = "a class" if isinstance(history, type) else f"a {type(history).__name__}"
        raise TypeError(f"The doctor reads the notes of a game, and this is {found}: write diagnose(gan.history).")
    count = min(len(getattr(history, name)) for name in NOTES)  # one stopped within a note has more of some
    last = {name: np.array(getattr(history, name)[:count][-WINDOW:], float) for name in NOTES}
    if count and not np.isfinite([last["d_loss"][-1], last["g_loss"][-1]]).all():
        sentence = f"NaN: in round {last['steps'][-1]:.0f} a loss stopped being a number to learn from."
        return Verdict("NaN", sentence, f"See that images.isfinite().all() is True. {SMALLER_RATES}")
    known = np.isfinite([last[name] for name in ("d_loss", "d_real", "d_fake", "detect_rate", "variety")]).all(axis=0)
    if known.sum() < WINDOW:
        gaps = "" if known.all() else f", and {sum(~known)} of them have gaps (NaN, or an older version)"
        sentence = f"Too early to say: the doctor needs the notes of {WINDOW} rounds and has {len(known)}{gaps}."
        return Verdict("too early to say", sentence, "Train on, then ask again.")
    return _judge(last, _once_paid(np.array(history.d_loss)))


def _once_paid(d_loss):
    """Return what D once paid; a Wasserstein loss, which falls below 0, is never cheap."""
    past = d_loss[np.isfinite(d_loss)]  # with many d_steps the first loss is small already
    return max(past[0], np.quantile(past, 0.99), 1e-9) if past.min() >= 0 else -np.inf


def _judge(last, once):
    """Name the state from the notes of the last rounds, and from what D once paid.

    In this order, since a later state shows in the numbers of an earlier one too: D is certain and has nothing left to
    learn; the hit rate swings; D takes fakes for real; the fakes repeat themselves. The limits stand above.
    """
    rate, varied, d_loss, d_fake = (last[name] for name in ("detect_rate", "variety", "d_loss", "d_fake"))
    swings = np.convolve(rate, np.full(3, 1 / 3), "valid")  # a single batch is a small sample
    usual = np.median(rate)  # a few rounds of hiccup do not count
    late = varied[-WINDOW // 2 :]
    alike = np.quantile(late, 0.1) < ALIKE  # one that repeats itself does so in some batches, not in all
    limit = SWINGING if alike else WILD
    sure, cheap = np.median(d_fake) < SURE and np.median(d_loss) < once, np.median(d_loss) < CHEAP * once
    low, advice = f"D(G(z)) was below {SURE}", None
    if trouble := _judge_pairs(last, usual):
        name, evidence = trouble
    elif usual > CERTAIN and (sure or cheap):
        paid = f"its loss was below {CHEAP:.0%} of what it once paid"
        too = f"in {sum(d_fake < SURE)} {low}" if sure else f"in {sum(d_loss < CHEAP * once)} {paid}"
        found = f"D picked out the real one over {CERTAIN:.0%} of the time, and {too}"
        name, evidence = "the detective dominates", f"{_times(rate > CERTAIN)} {found}"
    elif swings.std() > limit and np.quantile(swings, 0.1) < LOW:
        found = f"{swings.min():.0%} and {swings.max():.0%} (spread {swings.std():.2f}, limit {limit})"
        name, evidence = "oscillating", f"how often D picks out the real one swings between {found}"
    elif usual < FOOLED:
        found = f"D picked out the real one under {FOOLED:.0%} of the time"
        name, evidence = "the criminal dominates", f"{_times(rate < FOOLED)} {found}"
    elif alike:
        found = f"fakes differed from each other less than {ALIKE:.0%} as much as real pictures do"
        name, evidence = "mode collapse", f"{_times(late < ALIKE)} {found}"
    elif trouble := _judge_labels(last):
        name, evidence = trouble
    else:
        found = f"of a real picture and a fake, D picks out the real one {rate.mean():.0%} of the time"
        name, evidence = "healthy", f"{found}, and the fakes are {varied.mean():.2f} times as varied as real pictures"
        if once > 0 and (usual > CERTAIN or last["d_real"].mean() > AHEAD):
            evidence += f"; but D is far ahead: D(x) is {last['d_real'].mean():.2f}"
            evidence += f", and {_times(d_fake < SURE)} {low}" if (d_fake < SURE).any() else ""
            advice = WATCH_IT
    return Verdict(name, f"{name[0].upper()}{name[1:]}: {evidence}.", advice or REMEDY[name])


def _judge_pairs(last, usual):
    """Name what is wrong where G is given pictures, with the evidence, or return None; `usual` is D's hit rate."""
    contrast, push = (last[name][np.isfinite(last[name])] for name in ("contrast", "opinion_push"))
    if len(contrast) and np.median(contrast[-WINDOW // 2 :]) < EMPTY:
        found = f"the pixels of a picture differ {np.median(contrast):.2f} times as much as those of the right answer"
        return "white output", f"{found}: it plays safe, as if all sheets were alike"
    if len(push) and np.median(push) < SILENT:
        found = f"{np.median(push):.0%} of the push on the pixels is D's"
        evidence = f"{found}, and it picks out the real one {usual:.0%} of the time"
        return "L1 decides everything" if usual > AWAKE else "D is ignored", evidence
    return None


def _judge_labels(last):
    """Name what is wrong with the labels, with the evidence, or return None; every tenth round has notes on them."""
    notes = [last[name][-WINDOW // 2 :] for name in ("label_effect", "label_use", "class_variety", "poorest_class")]
    effect, used, varied, poorest = (values[np.isfinite(values)] for values in notes)
    if not (len(effect) and len(used) and len(varied)):
        return None
    change, used = np.median(effect), np.mean(used)
    if change < MUTE or (change < DEAF and used < UNUSED):
        found = f"another label changes a fake {change:.2f} times as much as another z does"
        return "it ignores the label", f"{found}, and of two fakes D finds {used:.0%} of the time that their labels fit"
    if np.median(varied) < POOR:
        which = int(np.median(poorest))
        found = f"fakes of class {which} (the first is 0) differ from each other, or from another class"
        return "one class is missing or collapsed", f"{found}, {np.median(varied):.2f} times as much as is usual here"
    return None


def _times(beyond):
    return f"in {sum(beyond)} of the last {len(beyond)} rounds"


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
