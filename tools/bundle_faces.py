"""Make gans_workshop/data/faces.npz: drawn faces whose attributes are known, 64 x 64 pixels, and the table of these.

npm ci --prefix tools/faces
python tools/bundle_faces.py
"""

import io
import json
import subprocess
from pathlib import Path

import numpy as np
from PIL import Image

from gans_workshop.files.datasets import DATA, is_left_out

FOLDER = Path(__file__).parent / "faces"
PATH = DATA / "faces.npz"
DRAWN, SIZE = 256, 64  # pixels: drawn four times as large, then averaged
ACROSS = 64  # faces in a row of the sheet

# Name: toon-head's option, then its values and what we call them. None: the part is not there.
ATTRIBUTES = {
    "skin": (
        "skinColor",
        {"f1c3a5": "light", "c68e7a": "rosy", "b98e6a": "olive", "a36b4f": "brown", "5c3829": "dark"},
    ),
    "hair_colour": (
        "hairColor",
        {"2c1b18": "black", "724133": "brown", "a55728": "red", "b58143": "dark blond", "d6b370": "blond"},
    ),
    "hair": ("hair", {"sideComed": "combed", "undercut": "undercut", "spiky": "spiky", "bun": "bun"}),
    "beard": (
        "beard",
        {
            None: "none",
            "moustacheTwirl": "moustache",
            "fullBeard": "full",
            "chin": "chin",
            "chinMoustache": "chin and moustache",
            "longBeard": "long",
        },
    ),
    "rear_hair": (
        "rearHair",
        {
            None: "none",
            "neckHigh": "to the neck",
            "shoulderHigh": "to the shoulders",
            "longStraight": "long",
            "longWavy": "wavy",
        },
    ),
    "eyes": ("eyes", {"wide": "wide", "happy": "happy", "humble": "humble", "wink": "wink", "bow": "closed"}),
    "eyebrows": (
        "eyebrows",
        {"neutral": "neutral", "raised": "raised", "happy": "happy", "sad": "sad", "angry": "angry"},
    ),
    "mouth": ("mouth", {"smile": "smile", "laugh": "laugh", "agape": "agape", "sad": "sad", "angry": "angry"}),
    "clothes": (
        "clothes",
        {
            "tShirt": "T-shirt",
            "shirt": "shirt",
            "turtleNeck": "turtleneck",
            "openJacket": "jacket",
            "dress": "dress",
        },
    ),
    "clothes_colour": (
        "clothesColor",
        {
            "151613": "black",
            "545454": "grey",
            "e8e9e6": "white",
            "b11f1f": "red",
            "f97316": "orange",
            "eab308": "yellow",
            "147f3c": "green",
            "0b3286": "blue",
            "731ac3": "violet",
            "ec4899": "pink",
        },
    ),
}
COUNTS = np.array([len(values) for _, values in ATTRIBUTES.values()])


def draw_labels(dice, count, wanted=None):
    """Draw `count` different rows of attributes, (count, 10) uint8, those left out or not left out if `wanted` says."""
    labels = dice.integers(0, COUNTS, size=(count * 8, len(COUNTS)), dtype=np.int64)
    if wanted is not None:
        labels = labels[is_left_out(labels) == wanted]
    _, first = np.unique(labels, axis=0, return_index=True)
    return labels[np.sort(first)[:count]]


def options(row):
    """Say to toon-head what a row of attributes means."""
    said = {"seed": "face"}
    for value, (option, values) in zip(row, ATTRIBUTES.values()):
        word = list(values)[value]
        if None in values:
            said[f"{option}Probability"] = 0 if word is None else 100
        if word is not None:
            said[option] = [word]
    return json.dumps(said)


def draw(labels):
    """Draw the faces of a table of attributes: (N, 64, 64, 3) uint8, on white."""
    command = ["node", "draw.mjs", str(DRAWN)]
    pictures = np.empty((len(labels), SIZE, SIZE, 3), np.uint8)
    with subprocess.Popen(command, cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as drawer:
        for i, row in enumerate(labels):
            drawer.stdin.write(options(row).encode() + b"\n")
            drawer.stdin.flush()
            pixels = np.frombuffer(drawer.stdout.read(DRAWN * DRAWN * 4), np.uint8).reshape(DRAWN, DRAWN, 4)
            blocks = pixels[..., :3].reshape(SIZE, DRAWN // SIZE, SIZE, DRAWN // SIZE, 3)
            pictures[i] = blocks.mean(axis=(1, 3)).round()
        drawer.stdin.close()
    return pictures


def twins(labels, attribute, first, second):
    """Return two tables of the same people, (N, 10) each, who have one of the values `first`, then one of `second`."""
    column, pair = list(ATTRIBUTES).index(attribute), [labels.copy(), labels.copy()]
    for table, values in zip(pair, (first, second)):
        table[:, column] = np.resize(values, len(labels))
    return pair


def main():
    """Write the file and say what it holds."""
    dice = np.random.default_rng(64)
    known, left_out = draw_labels(dice, 5500, wanted=False), draw_labels(dice, 500, wanted=True)
    tables = {"train": known[:5000], "test": np.concatenate([known[5000:], left_out])}
    people = draw_labels(dice, 600)
    values = {name: list(words.values()) for name, (_, words) in ATTRIBUTES.items()}
    beards = [values["beard"].index(word) for word in values["beard"] if word != "none"]
    dark, fair = ([values["hair_colour"].index(word)] for word in ("black", "blond"))
    tables["twins_beard"] = np.concatenate(twins(people[:300], "beard", [values["beard"].index("none")], beards))
    tables["twins_hair_colour"] = np.concatenate(twins(people[300:], "hair_colour", dark, fair))

    labels = np.concatenate(list(tables.values()))
    pictures = draw(labels)
    filled = np.full((-len(pictures) % ACROSS, SIZE, SIZE, 3), 255, np.uint8)
    rows = np.concatenate([pictures, filled]).reshape(-1, ACROSS, SIZE, SIZE, 3)
    sheet = io.BytesIO()
    pixels = rows.swapaxes(1, 2).reshape(-1, ACROSS * SIZE, 3)
    Image.fromarray(pixels).save(sheet, "WEBP", lossless=True, quality=100, method=6)
    names = json.dumps({"values": values, "parts": {name: len(table) for name, table in tables.items()}})
    np.savez(PATH, sheet=np.frombuffer(sheet.getvalue(), np.uint8), labels=labels.astype(np.uint8), names=names)
    print(f"{PATH}: {PATH.stat().st_size / 1e6:.2f} MB, {names}")


if __name__ == "__main__":
    main()
