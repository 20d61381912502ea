"""Train the judge of evaluation.py on the 60,000 training digits, and print its reference points.

    python benchmarks/judge.py --train     # three minutes; writes gans_workshop/data/judge.npz
    python benchmarks/judge.py             # only the reference points

The digits are shifted, blurred a little and dirtied while it learns, at random: a judge that has met slightly blurred
digits does not take a blur for the end of the world.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import gans_workshop
from gans_workshop import load_digits, to_float
from gans_workshop.evaluation import (
    coverage_and_density,
    digit_histogram,
    frechet_distance,
    look,
    make_judge,
    nearest_images,
    spread,
)

WEIGHTS = Path(gans_workshop.__file__).parent / "data" / "judge.npz"


def blur(images, sigma=0.7):
    """Blur pictures (N, 1, H, W) with a Gaussian; beyond the edge the paper is black."""
    x = torch.arange(-3, 4)
    kernel = torch.exp(-(x**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    return F.conv2d(F.pad(to_float(images), (3, 3, 3, 3), value=-1), torch.outer(kernel, kernel)[None, None])


def disturb(images, *, shift=2):
    """Shift a batch by up to two pixels, blur every other batch (sigma 0.2 to 1.0), add noise of up to 0.1."""
    right, down = torch.randint(-shift, shift + 1, (2,)).tolist()
    images = F.pad(images, (shift,) * 4, value=-1)
    images = images[:, :, shift + down : shift + down + 28, shift + right : shift + right + 28]
    if torch.rand(1) < 0.5:
        images = blur(images, float(torch.rand(1)) * 0.8 + 0.2)
    return images + 0.1 * torch.rand(1) * torch.randn_like(images)


def train_judge(images, labels, *, epochs=6, batch_size=128):
    """Teach a judge the training digits, images (N, 1, 28, 28) uint8."""
    torch.manual_seed(0)
    judge = make_judge()
    optimizer = torch.optim.Adam(judge.parameters(), lr=1e-3)
    steps = epochs * -(-len(images) // batch_size)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            loss = F.cross_entropy(judge(disturb(to_float(images[batch]))), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            pace.step()
    return judge


class Judge:
    """What the benchmarks ask: 10,000 pictures against the 10,000 test digits; coverage and density on 2,000."""

    def __init__(self):
        self.test_images, self.test_labels = load_digits(full=True, test=True)
        self.digits, self.real = look(self.test_images)

    def score(self, images):
        """Return distance, coverage, density and the number of digits covered."""
        digits, features = look(images)
        coverage, density = coverage_and_density(self.real[:2000], features[:2000])
        distance = frechet_distance(self.real, features)
        return {"distance": distance, "coverage": coverage, "density": density, "digits": digit_histogram(digits)[1]}


def reference_pictures(images, labels, count):
    """Make the reference points from training digits, `count` pictures each."""
    dice = torch.Generator().manual_seed(0)
    blob = (blur(images[:count].float().mean(0, keepdim=True) / 127.5 - 1, 1) * 2.2 + 1.2).clamp(-1, 1)
    ones = images[labels == 1]
    return {
        "other real digits": images[:count],
        "the same, blurred (sigma 0.7)": blur(images[:count]),
        "only ones": ones[torch.arange(count) % len(ones)],
        "one blob, repeated": blob.repeat(count, 1, 1, 1),
        "one digit, repeated": images[:1].repeat(count, 1, 1, 1),
        "noise": torch.rand(count, 1, 28, 28, generator=dice) * 2 - 1,
    }


def print_references(images, labels, judge):
    """Print the table with all numbers, for 10,000 pictures and for 2,000 against the bundled test digits."""
    small_real, _ = load_digits(test=True)
    _, small = look(small_real)
    train, _ = load_digits()
    print("| pictures | distance | of the blurred | coverage | density | digits covered |")
    print("|---|---|---|---|---|---|")
    scores = {name: judge.score(pictures) for name, pictures in reference_pictures(images, labels, 10_000).items()}
    blurred = scores["the same, blurred (sigma 0.7)"]["distance"]
    for name, s in scores.items():
        cells = [s["distance"], s["distance"] / blurred, s["coverage"], s["density"]]
        print(f"| {name} | {' | '.join(f'{cell:.2f}' for cell in cells)} | {s['digits']} |")
    print(
        "\n| 2,000 pictures | distance | coverage | density | digits covered | spread | to the nearest of the bundled |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, pictures in reference_pictures(images[20_000:], labels[20_000:], 2000).items():  # none is bundled
        digits, features = look(pictures)
        coverage, density = coverage_and_density(small, features)
        near = nearest_images(pictures[:500], train)[0].median()
        print(
            f"| {name} | {frechet_distance(small, features):.2f} | {coverage:.2f} | {density:.2f} "
            f"| {digit_histogram(digits)[1]} | {spread(pictures, small_real):.2f} | {near:.2f} |"
        )


def main():
    """Train if asked to, then print the judge's accuracy and its reference points."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", action="store_true", help=f"train afresh and write {WEIGHTS.name}")
    images, labels = load_digits(full=True)
    if parser.parse_args().train:
        weights = train_judge(images, labels).state_dict()
        np.savez_compressed(WEIGHTS, **{name: values.half().numpy() for name, values in weights.items()})
    judge = Judge()
    right = [(digits == truth).double().mean() for digits, truth in (
        (judge.digits, judge.test_labels), (look(blur(judge.test_images))[0], judge.test_labels)
    )]  # fmt: skip
    print(f"right on the 10,000 test digits: {right[0]:.4f}; on the same, blurred: {right[1]:.4f}\n")
    print_references(images, labels, judge)


if __name__ == "__main__":
    main()
