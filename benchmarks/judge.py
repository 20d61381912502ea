"""How good is the judge of evaluation.py, and what do its numbers mean? Its reference points.

python benchmarks/judge.py      # half a minute; tools/train_judge.py trains it
"""

import argparse

import torch
from common import load_all_digits, write_csv
from measures import Judge, blur, coverage_and_density, spread

from gans_workshop import classify_digits, digit_histogram, frechet_distance, load_digits, nearest_images

BLURRED = "the same, blurred (sigma 0.7)"


def reference_pictures(images, labels, count):
    """Make the reference points from training digits, `count` pictures each."""
    dice = torch.Generator().manual_seed(0)
    blob = (blur(images[:count].float().mean(0, keepdim=True) / 127.5 - 1, 1) * 2.2 + 1.2).clamp(-1, 1)
    ones = images[labels == 1]
    return {
        "other real digits": images[:count],
        BLURRED: blur(images[:count]),
        "only ones": ones[torch.arange(count) % len(ones)],
        "one blob, repeated": blob.repeat(count, 1, 1, 1),
        "one digit, repeated": images[:1].repeat(count, 1, 1, 1),
        "noise": torch.rand(count, 1, 28, 28, generator=dice) * 2 - 1,
    }


def accuracy(judge):
    """Return which part of the test digits the judge names, as they are and blurred."""
    cases = {"the 10,000 test digits": judge.digits, BLURRED: classify_digits(blur(judge.test_images))[0]}
    right = {name: (digits == judge.test_labels).double().mean().item() for name, digits in cases.items()}
    return [{"pictures": name, "right, %": f"{100 * part:.1f}"} for name, part in right.items()]


def against_10000(images, labels, judge):
    """Score 10,000 pictures of each kind against the 10,000 test digits."""
    scores = {name: judge.score(pictures) for name, pictures in reference_pictures(images, labels, 10_000).items()}
    rows = []
    for name, score in scores.items():
        numbers = {"distance": score["distance"], "of the blurred": score["distance"] / scores[BLURRED]["distance"]}
        numbers |= {key: score[key] for key in ("coverage", "density")}
        row = {key: f"{number:.2f}" for key, number in numbers.items()}
        rows.append({"pictures": name} | row | {"digits covered": score["digits"]})
    return rows


def against_2000(images, labels):
    """Score 2,000 pictures of each kind against the bundled test digits."""
    real, rows = load_digits(test=True)[0], []
    train, features_of_real = load_digits()[0], classify_digits(real)[1]
    for name, pictures in reference_pictures(images[20_000:], labels[20_000:], 2000).items():  # none is bundled
        digits, features = classify_digits(pictures)
        coverage, density = coverage_and_density(features_of_real, features)
        row = {"distance": frechet_distance(features_of_real, features), "coverage": coverage, "density": density}
        row = {"pictures": name} | {key: f"{number:.2f}" for key, number in row.items()}
        row |= {"digits covered": digit_histogram(digits)[1], "spread": f"{spread(pictures, real):.2f}"}
        near = nearest_images(pictures[:500], train)[0].median()
        rows.append(row | {"pixel difference to the nearest": f"{near:.2f}"})
    return rows


def main():
    """Write the judge's accuracy and its reference points."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    (images, labels), judge = load_all_digits(), Judge()
    write_csv("judge_accuracy", accuracy(judge))
    write_csv("judge_10000", against_10000(images, labels, judge))
    write_csv("judge_2000", against_2000(images, labels))


if __name__ == "__main__":
    main()
