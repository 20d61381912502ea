"""Train notebook 00's digit recogniser with several seeds and print every range that its prose states.

    python benchmarks/pictures_are_numbers.py      # about two minutes

The functions are the notebook's own: its cells tagged `parameters` and `algorithm` are run here. The ten drawings were
made by hand on its grid of 10 x 10 cells.
"""

import json
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from gans_workshop import load_digits, to_float

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "00_pictures_are_numbers.ipynb"
SEEDS = range(20)
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


def load_notebook():
    """Run the notebook's cells that are tagged `parameters` or `algorithm` and return what they define."""
    names = {"np": np, "torch": torch, "nn": nn, "load_digits": load_digits, "to_float": to_float}
    names["digits"], names["labels"] = load_digits()
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if {"parameters", "algorithm"} & set(cell["metadata"].get("tags", [])):
            exec("".join(cell["source"]), names)
    return names


def drawn_digits():
    """Return the ten drawings, 0 to 9, each 10 x 10 booleans."""
    rows = DRAWINGS.split()
    grid = np.array([[sign == "#" for sign in row] for row in rows])
    return grid.reshape(10, 10, 10)


def spread(values, form):
    return f"{min(values):{form}} to {max(values):{form}} ({statistics.median(values):{form}})"


def measure(book, seed):
    """Train one recogniser and return what the prose speaks of, as a dict."""
    start = time.perf_counter()
    judge = book["judge"] = book["train_judge"](seed)
    seconds = time.perf_counter() - start
    book["SEED"] = seed
    opinions = [book["opinion"](ink) for ink in drawn_digits()]
    heart = np.zeros((10, 10), bool)
    heart[2:7] = [
        [c == "#" for c in row] for row in (".###..###.", "##########", ".########.", "..######..", "....##....")
    ]
    dreams, sure = book["dream"](judge)
    return {
        "seconds": seconds,
        "right": book["share_right"](judge, book["test_digits"]),
        "right, black on white": book["share_right"](judge, 255 - book["test_digits"]),
        "drawings recognised": sum(o.argmax().item() == number for number, o in enumerate(opinions)),
        "the two: recognised": float(opinions[2].argmax().item() == 2),
        "the two: probability": opinions[2][2].item(),
        "a clean sheet: highest": book["opinion"](np.zeros((10, 10), bool)).max().item(),
        "a heart: highest": book["opinion"](heart).max().item(),
        "dreams: least sure": min(sure),
        "dreams: share of pixels off the paper": (dreams > -0.5).float().mean().item(),
        "real digits: share of pixels off the paper": (to_float(book["digits"]) > -0.5).float().mean().item(),
    }


def main():
    """Print the table."""
    book = load_notebook()
    runs = [measure(book, seed) for seed in SEEDS]
    print(f"{len(SEEDS)} seeds; smallest to largest (median).\n\n| what | range |\n|---|---|")
    for name in runs[0]:
        values = [run[name] for run in runs]
        print(f"| {name} | {spread(values, '.3f') if isinstance(values[0], float) else spread(values, '.0f')} |")


if __name__ == "__main__":
    main()
