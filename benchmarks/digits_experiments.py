"""The short experiments of notebook 02 over several seeds: what its prose says of them comes from here.

python benchmarks/digits_experiments.py --seeds 10      # about 20 minutes
"""

import argparse
import statistics

import torch
from judge import Judge

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    MLPDiscriminator,
    MLPGenerator,
    hinge,
    least_squares,
    load_digits,
    non_saturating,
    seed_everything,
    to_float,
    train,
)

STEPS = 300  # SHORT_STEPS in the notebook

# name: (players, d_lr, g_lr, options of train)
EXPERIMENTS = {
    "as trained in section 6": ((Generator, Discriminator), 3e-3, 3e-3, {}),
    "as on a GPU: width 32": ((lambda: Generator(width=32), lambda: Discriminator(width=32)), 3e-3, 3e-3, {}),
    "break it: one number in z": ((lambda: Generator(latent_dim=1), Discriminator), 3e-3, 3e-3, {}),
    "break it: D's rate x10": ((Generator, Discriminator), 3e-2, 3e-3, {}),
    "break it: G's rate / 30": ((Generator, Discriminator), 3e-3, 1e-4, {}),
    "exercise 2: hinge": ((Generator, Discriminator), 3e-3, 3e-3, {"loss": hinge}),
    "exercise 2: least squares": ((Generator, Discriminator), 3e-3, 3e-3, {"loss": least_squares}),
    "exercise 3: plain layers, rate 0.0002": ((MLPGenerator, MLPDiscriminator), 2e-4, 2e-4, {}),
}


def untrained(seeds, images):
    """Print the first opinions, and what they cost, over all seeds (section 3 and 4)."""
    d_real, d_fake, price = [], [], []
    for seed in range(seeds):
        seed_everything(seed)
        generator, discriminator = Generator(), Discriminator()
        with torch.no_grad():
            real, fake = discriminator(to_float(images[:64])), discriminator(generator(torch.randn(64, 64)))
        d_real.append(real.sigmoid().mean().item())
        d_fake.append(fake.sigmoid().mean().item())
        price.append(non_saturating.discriminator(real, fake).item())
    print(f"untrained, {seeds} seeds: D(x) {span(d_real)}, D(G(z)) {span(d_fake)}, d_loss {span(price)}\n")


def span(values, digits=2):
    """Say smallest to largest (median)."""
    return f"{min(values):.{digits}f} to {max(values):.{digits}f} ({statistics.median(values):.{digits}f})"


def main():
    """Run all experiments and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", default="", help="experiments whose name contains this")
    options = parser.parse_args()
    (images, _), judge = load_digits(), Judge()
    untrained(20, images)
    print(f"After {STEPS} steps; opinions and losses are means over the last 50; smallest to largest (median).\n")
    print("| experiment | seeds | D(x) | D(G(z)) | d_loss | g_loss | distance | digits covered |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for name, (players, d_lr, g_lr, how) in EXPERIMENTS.items():
        if options.only not in name:
            continue
        rows = []
        for seed in range(options.seeds):
            seed_everything(seed)
            gan = GAN(*[player() for player in players], d_lr=d_lr, g_lr=g_lr, seed=seed)
            train(gan, images, steps=STEPS, **how)
            late = {key: statistics.mean(values[-50:]) for key, values in vars(gan.history).items()}
            rows.append(late | judge.score(gan.sample(5000)))
        cells = [span([row[key] for row in rows]) for key in ("d_real", "d_fake", "d_loss", "g_loss")]
        cells += [span([row["distance"] for row in rows], 1), span([row["digits"] for row in rows], 0)]
        print(f"| {name} | {options.seeds} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
