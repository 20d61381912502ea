"""How good is the judge of faces, and what do its numbers mean? Its reference points.

python benchmarks/face_judge.py      # half a minute; tools/train_face_judge.py trains it
"""

import argparse

import torch
import torch.nn.functional as F
from common import write_csv
from measures import coverage_and_density

from gans_workshop import classify_faces, frechet_distance, invention, load_faces, to_float


def reference_pictures(images, test):
    """Make the reference points: real faces, and pictures whose fault is known, 1,000 each but for the training set."""
    dice = torch.Generator().manual_seed(0)
    real = to_float(images[:1000])
    return {
        "training faces": images,
        "test faces": test,
        "training faces, blurred (3 x 3)": F.avg_pool2d(F.pad(real, (1,) * 4, mode="replicate"), 3, 1),
        "one face, repeated": real[:1].repeat(1000, 1, 1, 1),
        "the mean face, repeated": real.mean(0, keepdim=True).repeat(1000, 1, 1, 1),
        "noise": torch.rand(real.shape, generator=dice) * 2 - 1,
    }


def accuracy(images, labels, values):
    """Return which part of the attributes the judge names, each by itself, as they are and by way of 32 pixels."""
    smaller = F.interpolate(F.interpolate(to_float(images), 32, mode="area"), 64, mode="bilinear")
    kinds = {"64 pixels": images, "32 pixels, enlarged": smaller}
    right = {name: (classify_faces(kind)[0] == labels).double().mean(0) for name, kind in kinds.items()}
    return [
        {"attribute": attribute} | {f"right at {name}, %": f"{100 * part[i]:.1f}" for name, part in right.items()}
        for i, attribute in enumerate(values)
    ]


def main():
    """Write the judge's accuracy on the test faces and its reference points."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    (images, _, _), (test, labels, values) = load_faces(), load_faces(test=True)
    write_csv("face_judge_accuracy", accuracy(test, labels, values))
    real, rows = classify_faces(images[2000:])[1], []
    for name, pictures in reference_pictures(images[:2000], test).items():
        seen, features = classify_faces(pictures)
        covered, density = coverage_and_density(real[:2000], features)
        row = {"distance": frechet_distance(real, features), "coverage": covered, "density": density}
        row["invention"] = invention(seen)
        rows.append({"pictures": name} | {key: f"{number:.2f}" for key, number in row.items()})
    write_csv("face_judge", rows)


if __name__ == "__main__":
    main()
