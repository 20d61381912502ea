"""Make the four textures of notebook 05, which come with the package: `python tools/bundle_textures.py`.

Each is a recipe for random numbers, 512 x 512 pixels, saved as a JPEG. Our own code: CC BY 4.0, as the texts are.
"""

from pathlib import Path

import numpy as np
from PIL import Image

FOLDER = Path(__file__).parents[1] / "gans_workshop" / "data" / "textures"
SIZE = 512
CHIPS = np.array([(60, 60, 65), (190, 95, 70), (120, 140, 120), (225, 180, 110)])


def fog(dice, tall, wide):
    """Draw smooth random hills from 0 to 1, about `tall` and `wide` pixels large; they tile."""
    down, across = np.fft.fftfreq(SIZE)[:, None], np.fft.fftfreq(SIZE)
    sieve = np.exp(-2 * np.pi * ((down * tall) ** 2 + (across * wide) ** 2))  # lets slow waves through
    hills = np.fft.ifft2(np.fft.fft2(dice.normal(size=(SIZE, SIZE))) * sieve).real
    return (hills - hills.min()) / np.ptp(hills)


def paint(grey, dark, light):
    """Mix two colours: 0 gives the dark one, 1 the light one."""
    grey = grey.clip(0, 1)[..., None]
    return ((1 - grey) * np.array(dark) + grey * np.array(light)).clip(0, 255).astype(np.uint8)


def brick(dice):
    """Bricks of 40 x 18 pixels in crooked rows, each of its own red. No period is a multiple of 16."""
    y, x = (np.mgrid[:SIZE, :SIZE] + [4 * fog(dice, 9, 9) for _ in range(2)]).astype(int)
    row = y // 18
    x = x + 20 * (row % 2)  # every other row starts half a brick later
    tone = dice.random((64, 64))[row, x // 40]
    stone = paint(tone / 2 + fog(dice, 2, 2) / 2, (110, 40, 25), (215, 110, 75))
    mortar = (y % 18 < 3) | (x % 40 < 3)
    return np.where(mortar[..., None], paint(fog(dice, 2, 2), (170, 165, 155), (225, 220, 210)), stone)


def wood(dice):
    """Straight rings, bent by a slow fog, and a fine grain along them."""
    x = np.arange(SIZE) + 90 * fog(dice, 120, 25)
    rings = np.sin(2 * np.pi * x / 14) / 2 + 0.5
    return paint(0.55 * rings**0.6 + 0.45 * fog(dice, 20, 1.2), (85, 48, 22), (225, 170, 110))


def cloth(dice):
    """A plain weave: blue threads over cream ones and under them, seven pixels wide."""
    y, x = np.mgrid[:SIZE, :SIZE] + [3 * fog(dice, 14, 14) for _ in range(2)]
    warp, weft = np.sin(np.pi * (x % 7) / 7), np.sin(np.pi * (y % 7) / 7)  # threads are round
    over = (y // 7 + x // 7) % 2 == 0  # which of the two lies on top
    height = np.where(over, weft * (1 + warp) / 2, warp * (1 + weft) / 2) * (0.7 + 0.3 * fog(dice, 2, 2))
    blue, cream = paint(height, (10, 20, 50), (70, 110, 175)), paint(height, (70, 55, 35), (245, 232, 205))
    return np.where(over[..., None], blue, cream)


def terrazzo(dice):
    """Fifteen hundred chips of four kinds of stone in pale cement."""
    floor = paint(fog(dice, 1, 1), (205, 200, 190), (240, 236, 228))
    v, u = np.mgrid[-16:16, -16:16]
    for _ in range(1500):
        turn, radius = dice.uniform(0, 2 * np.pi), dice.uniform(3, 9)
        along, across = np.cos(turn) * u + np.sin(turn) * v, np.cos(turn) * v - np.sin(turn) * u
        stone = abs(along) ** 3 + abs(1.6 * across) ** 3 < radius**3
        top, left = dice.integers(SIZE, size=2)
        floor[(top + v[stone]) % SIZE, (left + u[stone]) % SIZE] = dice.choice(CHIPS) + dice.integers(-15, 15)
    return floor


def main():
    """Write the four files and say how large they are."""
    FOLDER.mkdir(exist_ok=True)
    for make in (brick, cloth, terrazzo, wood):
        path = FOLDER / f"{make.__name__}.jpg"
        Image.fromarray(make(np.random.default_rng(0))).save(path, quality=90)
        print(path.name, f"{path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
