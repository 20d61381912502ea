"""Make the three pictures of failures for the slides: python presentation-images/make_failures.py [folder]

The runs are those of notebook 04, a minute in all on two CPU cores. Each shows D's opinions
over the steps, and 18 fakes.
"""

import io
import sys
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from gans_workshop import GAN, Discriminator, Generator, diagnose, load_digits, seed_everything, train
from gans_workshop.plots import draw_scores, tile

# file: (title, latent_dim, d_lr, g_lr), against the healthy 64, 0.003, 0.003
FAILURES = {
    "failure-detective": ("The detective dominates", 64, 3e-3, 3e-5),
    "failure-criminal": ("The criminal dominates", 64, 3e-5, 3e-3),
    "failure-collapse": ("Mode collapse", 1, 3e-3, 3e-3),
}


def fail(latent_dim, d_lr, g_lr):
    """Train one patient of notebook 04."""
    seed_everything(42)
    players = Generator(latent_dim=latent_dim, width=8), Discriminator(width=8)
    gan = GAN(*players, d_lr=d_lr, g_lr=g_lr, seed=42)
    train(gan, load_digits()[0], steps=400)
    return gan


def draw(gan, title):
    """Draw the scores over the steps beside samples, large enough for the last row of a room."""
    figure = Figure(figsize=(8, 4.5), layout="constrained", facecolor="white")
    figure.suptitle(title, fontsize=22)
    left, right = figure.subplots(1, 2, width_ratios=[5, 3])
    draw_scores(left, gan.history)
    left.get_legend().remove()
    for text in list(left.texts):  # the coin's name would stand between the two pictures
        text.remove()
    for line in left.get_lines():
        line.set_linewidth(1.4 * line.get_linewidth())
    last = {"D(x)": gan.history.d_real[-50:], "D(G(z))": gan.history.d_fake[-50:]}
    colors = {"D(x)": "#0072B2", "D(G(z))": "#D55E00"}
    heights = {name: sum(values) / len(values) for name, values in last.items()}
    low, high = sorted(heights, key=heights.get)
    for name, shift in ((low, -0.1), (high, 0.06)):
        place = min(0.9, max(0.04, heights[name] + shift))
        if not 0.1 < heights[name] < 0.9:  # at the edge: on the inner side of the curve
            place = heights[name] + (0.06 if heights[name] < 0.5 else -0.12)
        left.text(0.72, place, name, transform=left.transAxes, color=colors[name], fontsize=20)
    left.set_xlabel("step", fontsize=18)
    left.set_ylabel("D's opinion (1 = real)", fontsize=18)
    left.tick_params(labelsize=16)
    right.imshow(tile(gan.sample(gan.fixed_z[:18]), columns=3), cmap="gray", vmin=0, vmax=255)
    right.set_axis_off()
    right.set_title("fakes", fontsize=18)
    return figure


def main():
    """Make all three and say how large they are."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
    for name, (title, *settings) in FAILURES.items():
        gan = fail(*settings)
        buffer = io.BytesIO()
        draw(gan, title).savefig(buffer, dpi=150)
        path = folder / f"{name}.png"
        Image.open(buffer).convert("RGB").quantize(64).save(path, optimize=True)
        print(f"{path.name} {path.stat().st_size / 1000:.1f} kB. {diagnose(gan.history).sentence}")


if __name__ == "__main__":
    main()
