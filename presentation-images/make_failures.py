"""Make the three pictures of failures for the slides: python presentation-images/make_failures.py [folder]

The runs are notebook 04's: its own lines are played, half a minute in all on two CPU cores. Each picture shows D's
opinions over the rounds, and 16 fakes.
"""

import io
import sys
from pathlib import Path

import numpy as np
import torch
from make_images import load_notebook
from matplotlib.figure import Figure
from PIL import Image

from gans_workshop import CRIMINAL, DETECTIVE, contact_sheet, diagnose, draw_scores, load_digits

# file: what the game is called in notebook 04
FAILURES = {"failure-detective": "strict", "failure-criminal": "easy", "failure-collapse": "thread"}


def draw(gan):
    """Draw the scores over the rounds beside samples, large enough for the last row of a room."""
    figure = Figure(figsize=(8, 3.9), layout="constrained", facecolor="white")
    left, right = figure.subplots(1, 2, width_ratios=[5, 4])
    draw_scores(left, gan.history)
    left.get_legend().remove()
    for text in list(left.texts):  # the coin's name would stand between the two pictures
        text.remove()
    for line in left.get_lines():
        line.set_linewidth(1.4 * line.get_linewidth())
    middle = slice(90, 170)
    for name, values, style in (("D(x)", gan.history.d_real, DETECTIVE), ("D(G(z))", gan.history.d_fake, CRIMINAL)):
        height, others = (
            float(np.mean(v[middle])) for v in (values, np.add(gan.history.d_real, gan.history.d_fake) / 2)
        )
        shift = 0.1 if height < 0.1 or (height > others and height < 0.9) else -0.1
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
        left.text(130, height + shift, name, color=style["color"], fontsize=20, ha="center", va="center", bbox=box)
    left.set_xlabel("round", fontsize=18)
    left.set_ylabel("D's opinion (1 = real)", fontsize=18)
    left.tick_params(labelsize=16)
    right.imshow(contact_sheet(gan.sample(gan.fixed_z[:16]), columns=4), cmap="gray", vmin=0, vmax=255)
    right.set_axis_off()
    right.set_title("fakes", fontsize=18)
    return figure


def main():
    """Make all three and say how large they are."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
    book = load_notebook("04", *FAILURES.values(), device=torch.device("cpu"), digits=load_digits()[0])
    for name, game in FAILURES.items():
        buffer = io.BytesIO()
        gan = getattr(book, game)
        draw(gan).savefig(buffer, dpi=150)
        path = folder / f"{name}.png"
        Image.open(buffer).convert("RGB").quantize(64).save(path, optimize=True)
        print(f"{path.name} {path.stat().st_size / 1000:.1f} kB. {diagnose(gan.history).sentence}")


if __name__ == "__main__":
    main()
