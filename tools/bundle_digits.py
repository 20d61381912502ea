"""Make gans_workshop/data/digits.npz: the first 1,000 training and 200 test digits of each kind, in MNIST's order.

python tools/bundle_digits.py      # fetches MNIST into the cache, once
"""

import sys
from pathlib import Path

import numpy as np
import torch

import gans_workshop

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from common import load_all_digits


def first_of_each(images, labels, count):
    """Keep the first `count` pictures of each kind, in the order in which they stand."""
    keep = torch.cat([(labels == digit).nonzero()[:count, 0] for digit in range(10)]).sort().values
    return images[keep].numpy(), labels[keep].numpy().astype(np.uint8)


def main():
    """Write the file and say what it holds."""
    arrays = {}
    for part, count in (("train", 1000), ("test", 200)):
        images, labels = load_all_digits(test=part == "test")
        arrays[f"{part}_images"], arrays[f"{part}_labels"] = first_of_each(images, labels, count)
    path = Path(gans_workshop.__file__).parent / "data" / "digits.npz"
    np.savez_compressed(path, **arrays)
    print(path, f"{path.stat().st_size / 1e6:.2f} MB", {name: array.shape for name, array in arrays.items()})


if __name__ == "__main__":
    main()
