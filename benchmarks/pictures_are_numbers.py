"""Train notebook 00's digit recogniser with several seeds and write every range that its prose states.

    python benchmarks/pictures_are_numbers.py      # about two minutes

The functions are the notebook's own. The ten drawings were made by hand on its grid of 10 x 10 cells.
"""

import argparse
import time

import numpy as np
from common import load_notebook, ranges, seeds, write_csv

from gans_workshop import load_digits, to_float

DRAWINGS = """
...####... ..##..##.. .##....##. .##....##. .##....##. .##....##. .##....##. .##....##. ..##..##.. ...####...
....##.... ...###.... ....##.... ....##.... ....##.... ....##.... ....##.... ....##.... ....##.... ....##....
..#####... .##...##.. ......##.. ......##.. .....##... ....##.... ...##..... ..##...... .##....... .########.
..#####... .##...##.. ......##.. ......##.. ...####... ......##.. .......##. .......##. .##...##.. ..#####...
.....##... ....##.... ...##..... ..##..##.. .##...##.. .########. ......##.. ......##.. ......##.. ......##..
.#######.. .##....... .##....... .##....... .######... ......##.. .......##. .......##. .##...##.. ..#####...
....##.... ...##..... ..##...... .##....... .######... .##...##.. .##....##. .##....##. ..##..##.. ...####...
.########. .......##. ......##.. ......##.. .....##... .....##... ....##.... ....##.... ...##..... ...##.....
..#####... .##...##.. .##...##.. .##...##.. ..#####... .##...##.. .##...##.. .##...##.. .##...##.. ..#####...
..#####... .##...##.. .##...##.. .##...##.. ..######.. ......##.. ......##.. .....##... ....##.... ...##.....
"""


def load():
    """Return what the notebook defines, with the digits that its functions need."""
    book = load_notebook("00")
    book["digits"], book["labels"] = load_digits()
    book["test_digits"], book["test_labels"] = load_digits(test=True)
    return book


def drawn_digits():
    """Return the ten drawings, 0 to 9, each 10 x 10 booleans."""
    rows = DRAWINGS.split()
    grid = np.array([[sign == "#" for sign in row] for row in rows])
    return grid.reshape(10, 10, 10)


def measure(book, seed):
    """Train one recogniser and return what the prose speaks of, as a dict."""
    start = time.perf_counter()
    network = book["network"] = book["train_network"](seed)
    seconds = time.perf_counter() - start
    book["SEED"] = seed
    opinions = [book["opinion"](ink) for ink in drawn_digits()]
    heart = np.zeros((10, 10), bool)
    heart[2:7] = [
        [c == "#" for c in row] for row in (".###..###.", "##########", ".########.", "..######..", "....##....")
    ]
    dreams, sure = book["dream"](network)
    return {
        "seconds": seconds,
        "right": book["share_right"](network, book["test_digits"]),
        "right, black on white": book["share_right"](network, 255 - book["test_digits"]),
        "drawings recognised": sum(o.argmax().item() == number for number, o in enumerate(opinions)),
        "the two: recognised": float(opinions[2].argmax().item() == 2),
        "the two: probability": opinions[2][2].item(),
        "a clean sheet: highest": book["opinion"](np.zeros((10, 10), bool)).max().item(),
        "a heart: highest": book["opinion"](heart).max().item(),
        "dreams: least sure": min(sure),
        "dreams: share of pixels off the background": (dreams > -0.5).float().mean().item(),
        "real digits: share of pixels off the background": (to_float(book["digits"]) > -0.5).float().mean().item(),
    }


def main():
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=seeds, default=range(20))
    options = parser.parse_args()
    book, rows = load(), []
    runs = [measure(book, seed) for seed in options.seeds]
    for name, first in runs[0].items():
        form = ".3f" if isinstance(first, float) else ".0f"
        rows.append({"what": name, "seeds": len(runs)} | ranges("value", [run[name] for run in runs], form))
    write_csv("pictures_are_numbers", rows)


if __name__ == "__main__":
    main()
