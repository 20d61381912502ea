"""Make every picture of the README and the slides, with our own code: python presentation-images/make_images.py

Each function makes the picture of its name. The first training takes two minutes on two CPU cores.
"""

from pathlib import Path

import torch
from PIL import Image

from gans_workshop import GAN, Discriminator, Generator, load_digits, seed_everything, train
from gans_workshop.plots import tile

FOLDER = Path(__file__).parent


def digits():
    """Four z of notebook 02 while the training goes on, from the first step to 2,000: README and notebook 02."""
    images, _ = load_digits()
    seed_everything(42)
    gan = GAN(Generator(), Discriminator(), seed=42)
    frames = []
    for stop in (1, 15, 40, 80, 150, 300, 600, 1200, 2000):
        train(gan, images, steps=stop - gan.step)
        frames.append(gan.sample(gan.fixed_z[:4]))
    row_by_row = torch.stack(frames, dim=1).flatten(0, 1)
    sheet = Image.fromarray(tile(row_by_row, columns=len(frames))).quantize(16)
    return sheet.resize((sheet.width * 2, sheet.height * 2), Image.Resampling.NEAREST)


def main():
    """Make all pictures and say how large they are."""
    for make in (digits,):
        path = FOLDER / f"{make.__name__}.png"
        make().save(path, optimize=True)
        print(path.name, f"{path.stat().st_size / 1000:.1f} kB")


if __name__ == "__main__":
    main()
