"""The short experiments of notebook 02 over several seeds: what its prose says of them comes from here.

python benchmarks/digits_experiments.py --seeds 5      # about 10 minutes
"""

import argparse

import torch
from common import last, load_notebook, ranges, seeds, write_csv
from measures import Judge

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

ROUNDS = load_notebook("02")["SHORT_STEPS"]

# name: (players, options of GAN beside a learning rate of 3e-3)
EXPERIMENTS = {
    "as trained in section 6": ((Generator, Discriminator), {}),
    "break it: one number in z": ((lambda: Generator(latent_dim=1), Discriminator), {}),
    "break it: D's rate x10": ((Generator, Discriminator), {"d_lr": 3e-2}),
    "break it: G's rate / 30": ((Generator, Discriminator), {"g_lr": 1e-4}),
    "exercise 2: hinge": ((Generator, Discriminator), {"loss": hinge}),
    "exercise 2: least squares": ((Generator, Discriminator), {"loss": least_squares}),
    "exercise 3: plain layers, rate 0.0002": ((MLPGenerator, MLPDiscriminator), {"d_lr": 2e-4, "g_lr": 2e-4}),
}


def untrained(images, seeds):
    """Return the first opinions, and what they cost, over all seeds (section 3 and 4)."""
    found = {"D(x)": [], "D(G(z))": [], "d_loss": []}
    for seed in seeds:
        seed_everything(seed)
        generator, discriminator = Generator(), Discriminator()
        with torch.no_grad():
            real, fake = discriminator(to_float(images[:64])), discriminator(generator(torch.randn(64, 64)))
        found["D(x)"].append(real.sigmoid().mean().item())
        found["D(G(z))"].append(fake.sigmoid().mean().item())
        found["d_loss"].append(non_saturating.discriminator(real, fake).item())
    row = {"players": "untrained", "seeds": len(seeds)}
    for name, values in found.items():
        row |= ranges(name, values)
    return row


def experiment(name, images, judge, seeds):
    """Play one experiment with all seeds; return its row."""
    (make_generator, make_discriminator), how = EXPERIMENTS[name]
    runs = []
    for seed in seeds:
        seed_everything(seed)
        gan = GAN(make_generator(), make_discriminator(), seed=seed, **how)
        train(gan, images, steps=ROUNDS)
        late = {key: values.mean() for key, values in last(gan.history, 50).items()}
        runs.append(late | judge.score(gan.sample(5000)))
    row = {"experiment": name, "seeds": len(seeds)}
    columns = {"d_real": "D(x)", "d_fake": "D(G(z))", "d_loss": "d_loss", "g_loss": "g_loss"}
    for key, column in columns.items():
        row |= ranges(column, [run[key] for run in runs])
    row |= ranges("distance", [run["distance"] for run in runs], ".1f")
    return row | ranges("digits covered", [run["digits"] for run in runs], ".0f")


def main():
    """Run all experiments and write a row for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=seeds, default=range(10))
    parser.add_argument("--only", default="", help="experiments whose name contains this")
    options = parser.parse_args()
    (images, _), judge = load_digits(), Judge()
    write_csv("digits_untrained", [untrained(images, range(20))])
    for name in EXPERIMENTS:
        if options.only in name:
            write_csv("digits_experiments", [experiment(name, images, judge, options.seeds)])


if __name__ == "__main__":
    main()
