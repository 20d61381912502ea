"""Make gans_workshop/data/drawings.npz: OpenMoji's drawings, each as an outline and in colour, 64 x 64 pixels.

npm ci --prefix tools/drawings
python tools/bundle_drawings.py

Whole drawings are held out for the test: never a version of one that is trained on, nor one with nearly its outline.
"""

import io
import json
import re
import subprocess
from pathlib import Path

import numpy as np
from PIL import Image

from gans_workshop.files.datasets import DATA

FOLDER = Path(__file__).parent / "drawings"
PACKAGE = FOLDER / "node_modules" / "openmoji"
PATH = DATA / "drawings.npz"
DRAWN, SIZE = 256, 64  # pixels: drawn four times as large, then averaged
ACROSS = 64  # drawings in a row of a sheet

# What is no drawing of a thing: flags, letters, signs, brands, parts of a screen. What has a skin tone is left out too.
GROUPS_LEFT_OUT = "flags", "component", "symbols"
SUBGROUPS_LEFT_OUT = (
    *("brand", "flags", "queer-symbols", "regional-indicator", "subdivision-flag"),  # queer-symbols are flags
    *("symbol-other", "symbols", "ui-element"),
)
# Signs and brands in other groups, and living people
LEFT_OUT = (
    r"stencil|warning|arrow turn|^(ZZZ|hundred points|north|move|page move|exit|scroll.*)$|"
    r"^(middle finger|raspberry pi|arduino|ibeacon|trump|Greta Thunberg)$"
)

# Words by which versions of one thing differ: "woman farmer" is a version of "farmer", "black cat" one of "cat face".
VERSION = (
    r"\b(man|men|woman|women|person|people|boy|girl|male|female|older|old|mrs?|mx|face|hair|with|and|in|the|of|"
    r"red|orange|yellow|green|blue|purple|brown|black|white|pink|gr[ea]y|light|"
    r"left|right|up|down|leftwards|rightwards|upwards|downwards|facing|pointing|front|tilted|oncoming|"
    r"open|closed|low|medium|high|small|large|half|increasing|decreasing|1st|2nd|3rd)\b"
)
# Drawings of one kind, by subgroup/name: all smileys, clocks, phases of the moon, families ...
FAMILIES = (
    *("^face-(?!costume)", "^cat-face", "^monkey-face", "^heart|/heart suit", "^family|/family", r"^time|watch\b"),
    *(
        r"moon\b",
        r"/globe|\bmap\b",
        "banknote",
        r"\bbooks?$|notebook",
        "calendar",
        "mailbox",
        "speaker",
        "medal",
        "hockey",
    ),
)
COLOURED = 1 / 2  # of the lines at most: where they are not dark in the picture, the outline is not its outline
ALIKE = 0.65  # from here on, two outlines lie on the same side; 1 is the same outline
HELD_OUT, LARGEST = 150, 9  # drawings held out, and how many versions a thing may have to be held out


def is_drawn(emoji):
    """Tell whether an entry of openmoji.json is a drawing of something, without a skin tone."""
    extra = emoji["group"].startswith("extras-")
    sign = emoji["group"] in GROUPS_LEFT_OUT or (extra and emoji["subgroups"] in SUBGROUPS_LEFT_OUT)
    return not (sign or emoji["skintone"] or re.search(LEFT_OUT, emoji["annotation"]))


def draw(emojis, kind):
    """Draw emojis, 'color' or 'black': (N, 64, 64, 3) uint8, on white."""
    command = ["node", "draw.mjs", str(DRAWN)]
    pictures = np.empty((len(emojis), SIZE, SIZE, 3), np.uint8)
    with subprocess.Popen(command, cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as drawer:
        for i, emoji in enumerate(emojis):
            path = PACKAGE.relative_to(FOLDER) / kind / "svg" / f"{emoji['hexcode']}.svg"
            drawer.stdin.write(path.as_posix().encode() + b"\n")
            drawer.stdin.flush()
            pixels = np.frombuffer(drawer.stdout.read(DRAWN * DRAWN * 4), np.uint8).reshape(DRAWN, DRAWN, 4)
            blocks = pixels[..., :3].reshape(SIZE, DRAWN // SIZE, SIZE, DRAWN // SIZE, 3)
            pictures[i] = blocks.mean(axis=(1, 3)).round()
        drawer.stdin.close()
    return pictures


def likeness(outlines):
    """Measure how alike the ink of each two outlines is, mirrored or moved by 2 pixels too: (N, N), 1 is the same.

    All sums are of whole numbers, so that every machine finds the same.
    """
    ink = (255.0 - outlines).reshape(len(outlines), SIZE // 2, 2, SIZE // 2, 2).sum(axis=(2, 4))
    flat, best = ink.reshape(len(ink), -1), np.zeros((len(ink), len(ink)))
    for seen in (ink, ink[:, :, ::-1]):
        for step in np.ndindex(3, 3):
            moved = np.roll(seen, np.subtract(step, 1), axis=(1, 2)).reshape(len(ink), -1)
            best = np.maximum(best, flat @ moved.T)
    length = np.sqrt((flat**2).sum(1))
    return np.maximum(best, best.T) / (length[:, None] * length)


def is_pair(outline, colour):
    """Tell whether the lines of an outline are dark in the picture too."""
    return (colour.max(-1)[outline < 40] > 100).mean() < COLOURED


def words_of_thing(name):
    """Name what an emoji shows, without its version: the words, sorted, without their plural."""
    plain = re.sub(r"\bmer(man|maid|person)\b", "mer", name.lower())
    return sorted(re.sub("(es|s|e)$", "", word) for word in re.findall(r"[^\W_]+", re.sub(VERSION, " ", plain)))


def things(emojis, alike):
    """Put together what must lie on the same side: a list of lists of numbers of emojis."""
    words = [words_of_thing(emoji["annotation"]) for emoji in emojis]
    plain = {" ".join(name): set(name) for name in words if name}
    same, known = np.arange(len(emojis)), {}  # same: the smallest number in each thing
    pairs = list(zip(*np.nonzero(alike >= ALIKE)))
    for i, emoji in enumerate(emojis):
        place = f"{emoji['subgroups']}/{emoji['annotation']}"
        keys = [name for name, parts in plain.items() if parts <= set(words[i])]  # an "incoming envelope" is one
        keys += [family for family in FAMILIES if re.search(family, place)]
        pairs += [(i, known.setdefault(key, i)) for key in keys]
    for i, j in pairs:
        first, second = sorted((same[i], same[j]))
        same[same == second] = first
    return [np.flatnonzero(same == number) for number in np.unique(same)]


def main():
    """Write the file and say what it holds."""
    entries = json.loads((PACKAGE / "data" / "openmoji.json").read_text(encoding="utf-8"))
    emojis = [emoji for emoji in entries if is_drawn(emoji)]
    colours, outlines = draw(emojis, "color"), draw(emojis, "black")[..., 0]
    fitting = [i for i in range(len(emojis)) if is_pair(outlines[i], colours[i])]
    pairs = {colours[i].tobytes() + outlines[i].tobytes(): i for i in reversed(fitting)}
    different = sorted(pairs.values())  # "farmer" and "man farmer" are one picture: the first name stays
    print(f"{len(emojis)} emojis, {len(fitting)} drawn with dark lines, {len(different)} different")

    colours, outlines, emojis = colours[different], outlines[different], [emojis[i] for i in different]
    together = things(emojis, likeness(outlines))
    test = []
    for i in np.random.default_rng(64).permutation(len(together)):
        if len(together[i]) <= min(LARGEST, HELD_OUT - len(test)):
            test += together[i].tolist()
    sides = {"train": sorted(set(range(len(emojis))) - set(test)), "test": sorted(test)}
    names = {side: [emojis[i]["annotation"] for i in numbers] for side, numbers in sides.items()}
    order = sides["train"] + sides["test"]

    sheets = {}
    for kind, pictures in {"outlines": np.rint(outlines / 17) * 17, "colours": colours}.items():  # 16 greys are enough
        filled = np.full((-len(order) % ACROSS, *pictures.shape[1:]), 255)
        rows = np.concatenate([pictures[order], filled]).astype(np.uint8)
        pixels = rows.reshape(-1, ACROSS, *rows.shape[1:]).swapaxes(1, 2).reshape(-1, ACROSS * SIZE, *rows.shape[3:])
        sheet = io.BytesIO()
        Image.fromarray(pixels).save(sheet, "WEBP", lossless=True, quality=100, method=6)
        sheets[kind] = np.frombuffer(sheet.getvalue(), np.uint8)
    np.savez(PATH, **sheets, names=json.dumps(names))
    print(f"{len(together)} things, the largest with {max(map(len, together))}; {len(test)} drawings held out")
    print(f"{PATH}: {PATH.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
