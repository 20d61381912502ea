"""The doctor on games with labels: short games over fresh seeds, and how often he says what is true.

python benchmarks/labels_doctor.py --seeds 100-119      # half an hour of one core

The lines were chosen on seeds 0 and 1. A game is right if its last verdict is true; an early alarm counts as an alarm.
"""

import argparse
from collections import Counter

import torch
from common import load_notebook, ranges, seeds, write_csv
from torch import nn

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    cut_out,
    diagnose,
    hinge,
    least_squares,
    load_digits,
    load_faces,
    seed_everything,
    train,
)

PAGE = load_notebook("07")
HEALTHY, DEAF, POOR = "healthy", "it ignores the label", "one class is missing or collapsed"


class Forgetful(nn.Module):
    """Draw as the generator inside does, but for the label 7: that draws a 1, or one and the same picture."""

    def __init__(self, collapsed):
        super().__init__()
        self.inner, self.collapsed, self.latent_dim, self.classes = Generator(width=8, classes=10), collapsed, 64, 10

    def forward(self, z, labels):
        labels = labels.argmax(1) if labels.ndim == 2 else labels
        if self.collapsed:
            z = torch.where((labels == 7)[:, None], torch.ones_like(z), z)
        else:
            labels = torch.where(labels == 7, 1, labels)
        return self.inner(z, labels)


class Deaf(nn.Module):
    """Draw whatever z says, and do not listen to the label."""

    def __init__(self):
        super().__init__()
        self.inner, self.latent_dim, self.classes = Generator(width=8), 64, 10

    def forward(self, z, labels):
        return self.inner(z)


def digits(share=1.0, shuffled=False):
    """Return digits and labels; as many sevens as `share` says, or labels that fit nothing."""
    images, labels = load_digits()
    if shuffled:
        return images, labels[torch.randperm(len(labels))]
    kept = (labels != 7) | (torch.rand(len(labels)) < share)
    return images[kept], labels[kept]


def skins():
    """Return faces of 32 pixels of which only the skin is said."""
    return load_faces(image_size=32, attributes="skin")[:2]


def play(seed, generator=None, detective=None, data=digits, size=28, classes=10, **rules):
    """Play a short game and return its history."""
    seed_everything(seed)
    images, labels = data()
    shape = {"image_size": size, "channels": images.shape[1], "width": 8}
    g = generator() if generator else Generator(**shape, classes=classes)
    d = detective() if detective else Discriminator(**shape, classes=classes)
    gan = GAN(g, d, seed=seed, **rules)
    train(gan, images, conditions=labels, steps=300, batch_size=16)
    return gan.history


# name: (what is true, how it is played)
RECIPES = {
    "digits": (HEALTHY, {}),
    "digits, hinge": (HEALTHY, {"loss": hinge}),
    "digits, least squares, cut": (HEALTHY, {"loss": least_squares, "augment": cut_out}),
    "a tenth of the sevens": (HEALTHY, {"data": lambda: digits(share=0.1)}),
    "faces, only the skin": (HEALTHY, {"data": skins, "size": 32, "classes": (5,), "d_lr": 1e-3, "g_lr": 1e-3}),
    "label too late": (DEAF, {"detective": PAGE["Beside"]}),
    "shuffled labels": (DEAF, {"data": lambda: digits(shuffled=True)}),
    "G does not listen": (DEAF, {"generator": Deaf}),
    "a 1 for each 7": (POOR, {"generator": lambda: Forgetful(collapsed=False)}),
    "one and the same 7": (POOR, {"generator": lambda: Forgetful(collapsed=True)}),
}


def main():
    """Write a row for each recipe, then precision and recall of each verdict."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=seeds, default=range(100, 120))
    options = parser.parse_args()
    torch.set_num_threads(1)
    known, rows = Counter(), []
    for name, (truth, how) in RECIPES.items():
        histories = [play(seed, **how) for seed in options.seeds]
        said = Counter(diagnose(history).name for history in histories)
        known.update({(truth, verdict): count for verdict, count in said.items()})
        row = {"recipe": name, "truth": truth, "seeds": len(histories)}
        row["verdicts"] = ", ".join(f"{verdict} {count}" for verdict, count in said.most_common())
        for column in ("label_effect", "label_use", "class_variety"):
            row |= ranges(column, [[x for x in getattr(h, column) if x == x][-1] for h in histories])
        rows.append(row)
        print(row, flush=True)
    write_csv("labels_doctor", rows)
    right = []
    for verdict in (HEALTHY, DEAF, POOR):
        named = sum(count for (_, said), count in known.items() if said == verdict)
        true = sum(count for (truth, _), count in known.items() if truth == verdict)
        hits = known[verdict, verdict]
        right.append({"verdict": verdict, "precision, %": f"{100 * hits / max(named, 1):.0f}"})
        right[-1]["recall, %"] = f"{100 * hits / max(true, 1):.0f}"
    write_csv("labels_doctor_verdicts", right)


if __name__ == "__main__":
    main()
