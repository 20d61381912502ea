"""Make the pictures of the README and the slides, with our own code:

python presentation-images/make_images.py            # the quick ones: half a minute
python presentation-images/make_images.py --slow     # those of a whole training too: minutes
python presentation-images/make_images.py game mnist # only these

Each function makes the picture of its name: `pass_one` makes pass-one.png. It returns a figure, a picture, or the
frames of an animated GIF. The pictures failure-*.png come from make_failures.py.
"""

import ast
import functools
import io
import itertools
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Rectangle
from PIL import Image, ImageDraw, ImageOps

from gans_workshop import (
    CRIMINAL,
    DETECTIVE,
    GAN,
    CycleGAN,
    Discriminator,
    Generator,
    PatchDiscriminator,
    UNet,
    contact_sheet,
    cut_out,
    cycle_round,
    draw_losses,
    draw_scores,
    draw_seasons,
    draw_strokes,
    figure_with_axes,
    least_squares,
    lerp,
    load_digits,
    load_drawings,
    load_faces,
    load_gan,
    load_portraits,
    load_style_network,
    minimax,
    non_saturating,
    non_saturating_r1,
    project,
    save_page,
    seed_everything,
    shift,
    show_screens,
    slerp,
    to_float,
    to_png,
    train,
)
from gans_workshop import pix2pix as pix2pix_loss
from gans_workshop.game.images import to_uint8

FOLDER = Path(__file__).resolve().parent
BLUE, ORANGE, INK, PALE = DETECTIVE["color"], CRIMINAL["color"], "#22303C", "#8A949E"
GREEN = "#007355"  # real pictures
DRAWN = 53  # the held-out drawing on the slide
ALIVE = 53, 23  # those that are painted in the README
SHOWN = 1  # the seed of the faces that are mixed
VISITED = 0  # the first of the scenes that are shown in both seasons
WORDS = {"full": "full beard", "red": "red hair", "blond": "blond hair", "black": "black hair", "spiky": "spiky hair"}
WORDS |= {"dark": "dark skin", "light": "light skin"}
PAINTED = [53, 8, 23, 38, 68, 83, 98, 113]  # held-out drawings that are shown painted
SHOWN_TO_IT = ["dog face", "grinning face", "lion", "sun with face", "robot", "house"]  # to who knows portraits only
TYPED = [  # digits, a house, a face and a letter, in the strokes of `draw_strokes`
    "oval 18 10 46 54",
    "line 18 14 44 14\nline 44 14 44 30\nline 44 30 20 52\nline 20 52 46 52",
    "line 18 12 44 12\nline 44 12 30 28\nline 30 28 44 40\nline 44 40 34 52\nline 34 52 18 50",
    "line 22 10 18 34\nline 18 34 46 34\nline 38 20 38 54",
    "line 18 12 46 12\nline 46 12 28 54",
    "line 16 30 48 30\nline 16 30 16 54\nline 48 30 48 54\nline 16 54 48 54\nline 16 30 32 10\nline 32 10 48 30",
    "oval 12 10 52 54\nline 24 24 24 30\nline 40 24 40 30\nline 24 42 40 42",
    "line 16 54 32 10\nline 32 10 48 54\nline 23 38 41 38",
]
BIG, MIDDLE = 17, 14  # type sizes in points, for figures 8 inches wide that fill a slide


# What the drawings are made of


def stage(*, size=(8, 3.6), width=16):
    """Make an empty sheet to draw on, `width` units wide; a unit is as high as it is wide."""
    fig, axes = figure_with_axes(1, 1, size=size)
    axes[0, 0].set(xlim=(0, width), ylim=(0, width * size[1] / size[0]), aspect="equal")
    axes[0, 0].axis("off")
    return fig, axes[0, 0]


def box(ax, x, y, text, *, color, size=(2.9, 1.9), fill=None):
    """Draw a box around (x, y); `fill` is the colour inside, the pale form of `color` if none is given."""
    w, h = size
    style = {"boxstyle": "round,pad=0.1,rounding_size=0.25", "linewidth": 2.5, "edgecolor": color}
    ax.add_patch(FancyBboxPatch((x - w / 2, y - h / 2), w, h, facecolor=fill or color + "22", **style))
    write(ax, x, y, text, color=INK)


def write(ax, x, y, text, *, color=INK, size=MIDDLE, **options):
    ax.text(x, y, text, color=color, fontsize=size, **{"ha": "center", "va": "center", **options})


def arrow(ax, start, end, *, color=INK, bend=0.0, dashed=False, width=2.5):
    style = {"arrowstyle": "-|>", "mutation_scale": 22, "linewidth": width, "color": color, "shrinkA": 0, "shrinkB": 0}
    ax.add_patch(
        FancyArrowPatch(start, end, connectionstyle=f"arc3,rad={bend}", linestyle="--" if dashed else "-", **style)
    )


def picture(ax, image, x, y, *, size=1.8, edge=INK, zorder=3):
    """Draw a picture (H, W) or (H, W, 3), uint8, as a square around (x, y)."""
    left, bottom = x - size / 2, y - size / 2
    extent = (left, left + size, bottom, bottom + size)
    ax.imshow(image, cmap="gray", vmin=0, vmax=255, extent=extent, interpolation="nearest", zorder=zorder)
    frame_style = {"fill": False, "edgecolor": edge, "linewidth": 2.5, "zorder": zorder + 0.5}
    ax.add_patch(Rectangle((left, bottom), size, size, **frame_style))


def in_rows(rows, *, left=3.4):
    """Draw rows of pictures below each other: `rows` are (name, pictures (N, C, H, W)), the name at the left.

    All rows have as many pictures, and the height of each is that of its pictures.
    """
    rows, gap = list(rows), 0.06
    wide = (16 - left) / len(rows[0][1])  # what one picture has, with the gap after it
    heights = [(wide - gap) * pictures.shape[2] / pictures.shape[3] + gap for _, pictures in rows]
    top = sum(heights)
    fig, ax = stage(size=(8, top / 2))
    for (name, pictures), height in zip(rows, heights, strict=True):
        for k, image in enumerate(to_uint8(pictures)):
            shown = image[0] if len(image) == 1 else image.permute(1, 2, 0)
            extent = (left + k * wide, left + (k + 1) * wide - gap, top - height + gap, top)
            ax.imshow(shown.numpy(), cmap="gray", vmin=0, vmax=255, extent=extent, interpolation="nearest")
        write(ax, left - 0.3, top - height / 2, name, ha="right")
        top -= height
    ax.set(xlim=(0, 16), ylim=(0, sum(heights)))  # imshow moves them
    return fig


def real_digit(index=0):
    return load_digits()[0][index, 0].numpy()


def our_digits(moment=-1):
    """Cut the four digits that our own training had drawn at one moment out of digits.png: (4, 28, 28) uint8."""
    sheet = np.asarray(Image.open(FOLDER / "digits.png").convert("L"))[::2, ::2]
    return np.stack([sheet[30 * row : 30 * row + 28, :][:, np.arange(28) + 30 * range(9)[moment]] for row in range(4)])


def load_notebook(number, *names, **given):
    """Run what a notebook imports and defines, and the lines that give `names` their values; return all of it.

    Definitions are functions, classes and CONSTANTS. What else they need is `given`.
    """
    (path,) = FOLDER.parent.glob(f"notebooks/{number}_*.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]).replace("%pip", "pass  # pip") for cell in cells if cell["cell_type"] == "code"]
    found = dict(given)
    for statement in (statement for source in code for statement in ast.parse(source).body):
        if defines(statement, names):
            exec(compile(ast.Module([statement], []), path.name, "exec"), found)
    return SimpleNamespace(**found)


def defines(statement, names):
    if isinstance(statement, ast.Assign):
        return all(isinstance(x, ast.Name) and (x.id.isupper() or x.id in names) for x in statement.targets)
    return isinstance(statement, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef)


@functools.cache
def slanted_land():
    """Return what notebook 01 defines: the slides show what it computes."""
    return load_notebook("01")


def rehearsed(place):
    """Return the GAN that the last `python workshop.py rehearse` has left in this place, or None: it saves minutes."""
    folder = FOLDER.parent / "rehearsal" / "files" / place
    return load_gan(folder) if any(folder.glob("*.checkpoint")) else None


def frame(fig, *, dpi=100):
    return Image.open(io.BytesIO(to_png(fig, dpi=dpi))).convert("RGB")


# One training, for all slow pictures


@functools.cache
def training():
    """Train as notebook 02 does, for 2,000 rounds; return the GAN and a frame of 24 digits for each moment."""
    moments = sorted({round(1.18**i) for i in range(0, 46, 2)} | {15, 40, 80, 150, 300, 600, 1200, 2000})
    images, _ = load_digits()
    seed_everything(42)
    gan = GAN(Generator(), Discriminator(), seed=42)
    film = {}
    for stop in moments:
        train(gan, images, steps=stop)
        film[stop] = gan.sample(gan.fixed_z[:24])
    return gan, film


def digits():
    """Four z of notebook 02 while the training goes on, from the first round to 2,000: README and notebook 02."""
    _, film = training()
    frames = [film[stop][:4] for stop in (1, 15, 40, 80, 150, 300, 600, 1200, 2000)]
    row_by_row = torch.stack(frames, dim=1).flatten(0, 1)
    sheet = Image.fromarray(contact_sheet(row_by_row, columns=len(frames))).quantize(16)
    return sheet.resize((sheet.width * 2, sheet.height * 2), Image.Resampling.NEAREST)


def digits_training():
    """The same 24 z, from the first round to the last; the last one comes first, because paper shows only that."""
    _, film = training()
    last = max(film)
    order = [last] * 8 + sorted(film) + [last] * 8
    return [Image.fromarray(enlarge(contact_sheet(film[stop], columns=8), 3)).quantize(8) for stop in order]


def latent_walk():
    """From one digit to another: mixed pixels above, mixed z below."""
    gan, _ = training()
    a, b = gan.fixed_z[7], gan.fixed_z[1]
    times = [i / 8 for i in range(9)]
    first, last = gan.sample(torch.stack([a, b]))
    pixels = torch.stack([lerp(first, last, t) for t in times])
    walked = gan.sample(torch.stack([slerp(a, b, t) for t in times]))
    fig, axes = figure_with_axes(2, 1, size=(8, 2.7))
    for ax, row, name in zip(axes[:, 0], (pixels, walked), ("mixed pixels", "mixed z"), strict=True):
        ax.imshow(contact_sheet(row, columns=9), cmap="gray", vmin=0, vmax=255)
        ax.set(xticks=[], yticks=[])
        ax.set_title(name, fontsize=BIG, color=INK, loc="left")
        ax.spines[:].set_visible(False)
    return fig


def healthy_training():
    """The losses and D's opinions of a game that goes well."""
    gan, _ = training()
    fig, axes = figure_with_axes(1, 2, size=(8, 3.9))
    for ax, draw in zip(axes[0], (draw_losses, draw_scores), strict=True):
        draw(ax, gan.history)
        ax.tick_params(labelsize=MIDDLE)
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False, fontsize=MIDDLE)
        for text in (ax.xaxis.label, ax.yaxis.label, *ax.texts):
            text.set_fontsize(MIDDLE)
            text.set_text(text.get_text().partition(" = ")[0].removesuffix(" toss").removesuffix(" (1"))
    return fig


def digits_film():
    """The film at the top of notebook 02: the same 24 z, small; the last picture comes first, as above."""
    _, film = training()
    last = max(film)
    order = [last] * 6 + sorted(film)[::2] + [last] * 6
    return [_named(contact_sheet(film[stop], columns=8), f"round {stop:,}") for stop in order]


def _named(sheet, name):
    """Write a name under a sheet, (H, W) uint8, twice as large, in six greys."""
    large = enlarge(sheet, 2)
    page = Image.new("L", (large.shape[1], large.shape[0] + 22), 255)
    page.paste(Image.fromarray(large))
    ImageDraw.Draw(page).text((2, large.shape[0] + 3), name, fill=0, font_size=15)
    return page.quantize(6, dither=Image.Dither.NONE)


def staircase():
    """A criminal at work, from 64 numbers to 28 x 28 pixels: notebook 02, section 2."""
    gan, _ = training()
    fig, ax = stage(size=(8.5, 2.7), width=18)
    sheet, stairs = gan.fixed_z[7:8], []
    picture(ax, _grey(sheet.reshape(8, 8)), 1.3, 3.4, size=1.4)
    for layer in gan.average_generator.layers:
        sheet = layer(sheet)
        if isinstance(layer, torch.nn.ReLU | torch.nn.Tanh):
            stairs.append(sheet[0])
    for sheets, x, size in zip(stairs, (4.7, 8.3, 12.2, 16.4), (1.2, 1.8, 2.5, 2.5), strict=True):
        order = sheets.flatten(1).std(1).argsort(descending=True)[:3].flip(0)  # the three liveliest, the first in front
        for i, chosen in enumerate(order):
            behind = 0.3 * (len(order) - 1 - i)
            picture(ax, _grey(sheets[chosen]), x + behind, 3.4 + behind, size=size, edge=ORANGE, zorder=3 + i)
    names = ["z\n64 numbers", "64 sheets\n7 x 7", "32 sheets\n14 x 14", "16 sheets\n28 x 28", "the picture\n28 x 28"]
    for name, x in zip(names, (1.3, 4.9, 8.6, 12.5, 16.4), strict=True):
        write(ax, x, 1.1, name)
    for start, end in ((2.3, 3.7), (6.2, 7), (10, 10.6), (14.3, 14.9)):
        arrow(ax, (start, 3.4), (end, 3.4), width=2)
    return frame(fig).quantize(32, dither=Image.Dither.NONE)


def _grey(values):
    """Stretch numbers, a tensor (H, W), from black to white."""
    low, high = values.min(), values.max()
    return ((values - low) / (high - low).clamp(min=1e-6) * 255).byte().numpy()


def portraits():
    """Four z of notebook 03, which learns from drawn portraits, from the first round to 4,000."""
    seed_everything(42)
    size = {"image_size": 32, "channels": 3, "width": 16}
    players = Generator(**size), Discriminator(**size)
    gan = GAN(*players, augment=lambda pictures: cut_out(shift(pictures)), seed=42)
    images, frames = load_portraits(image_size=32), []
    for stop in (1, 30, 80, 200, 500, 1000, 2000, 4000):
        train(gan, images, steps=stop)
        frames.append(gan.sample(gan.fixed_z[:4]))
    sheet = Image.fromarray(contact_sheet(torch.stack(frames, dim=1).flatten(0, 1), columns=len(frames)))
    return sheet.resize((sheet.width * 3, sheet.height * 3), Image.Resampling.NEAREST).quantize(128)


def real_portraits():
    """What notebook 03 learns from where nobody has brought pictures: drawn portraits of OpenMoji."""
    sheet = contact_sheet(load_portraits(image_size=64)[12::25][:24], columns=8)
    return Image.fromarray(enlarge(sheet, 2)).quantize(128, dither=Image.Dither.NONE)


def enlarge(sheet, zoom):
    return sheet.repeat(zoom, axis=0).repeat(zoom, axis=1)


SLOW = [digits, digits_training, digits_film, staircase, latent_walk, healthy_training, portraits]


# What a GAN is


def generative():
    """A discriminative program answers, a generative one makes."""
    fig, ax = stage()
    for y, color, title, text in (
        (5.3, BLUE, "discriminative", "a program\nthat answers"),
        (1.6, ORANGE, "generative", "a program\nthat makes"),
    ):
        write(ax, 0.1, y, title, color=color, size=BIG, ha="left", weight="bold")
        box(ax, 9.3, y, text, color=color, size=(3.2, 1.9))
        arrow(ax, (6.9, y), (7.5, y))
        arrow(ax, (11.1, y), (11.9, y))
    picture(ax, real_digit(), 5.8, 5.3, size=2)
    write(ax, 12.2, 5.3, '"a five"', size=BIG, ha="left")
    z = np.random.default_rng(42).normal(128, 45, size=(8, 8)).clip(0, 255).astype(np.uint8)
    picture(ax, z, 5.8, 1.6, size=2)
    picture(ax, our_digits()[0], 13.2, 1.6, size=2)
    write(ax, 5.8, 0.2, "noise, z")
    write(ax, 13.2, 0.2, "a new digit")
    return fig


def adversarial():
    """Two players pull the same number in opposite directions."""
    fig, ax = stage(size=(8, 2.9))
    ax.plot([2, 14], [2.6, 2.6], color=INK, linewidth=3)
    for x, text in ((2, "0\nsurely fake"), (8, "0.5\nno idea"), (14, "1\nsurely real")):
        ax.plot([x, x], [2.4, 2.8], color=INK, linewidth=3)
        write(ax, x, 1.45, text)
    ax.add_patch(Circle((9, 2.6), 0.38, facecolor="white", edgecolor=INK, linewidth=3, zorder=3))
    write(ax, 9, 3.55, "D's opinion of a fake")
    arrow(ax, (8.5, 2.6), (4.2, 2.6), color=BLUE, width=5)
    arrow(ax, (9.5, 2.6), (12.6, 2.6), color=ORANGE, width=5)
    write(ax, 4.4, 4.6, "the detective pulls down", color=BLUE, size=BIG, weight="bold")
    write(ax, 12, 4.6, "the criminal pulls up", color=ORANGE, size=BIG, weight="bold")
    return fig


def network():
    """Four pixels go in, pass through two layers of neurons, and one opinion comes out."""
    fig, ax = stage(size=(8, 3.7))
    layers = [(3.4, 4), (6.8, 5), (10.2, 3), (12.8, 1)]
    rows = [[(x, 3.4 + 1.25 * (i - (count - 1) / 2)) for i in range(count)] for x, count in layers]
    for before, after in itertools.pairwise(rows):
        for a in before:
            for b in after:
                ax.plot(*zip(a, b), color=PALE, linewidth=1.2, zorder=1)
    for row, color in zip(rows, (INK, BLUE, BLUE, BLUE)):
        for x, y in row:
            ax.add_patch(Circle((x, y), 0.42, facecolor="white", edgecolor=color, linewidth=3, zorder=2))
    write(ax, 2.7, 3.4, "numbers\nin", ha="right", size=BIG)
    write(ax, 13.5, 3.4, "a number\nout", ha="left", size=BIG)
    write(ax, 8.5, 7.05, "every line is a weight: a knob that training turns", size=BIG, color=BLUE)
    return fig


def _game(*, learns=None):
    """Draw the loop; `learns` is "D" or "G", and the other one is frozen, or None for the whole game."""
    fig, ax = stage(size=(8, 3.75))
    g_color, d_color = (PALE if learns == "D" else ORANGE), (PALE if learns == "G" else BLUE)
    box(ax, 1.25, 2.4, "z\nnoise", color=INK, size=(1.7, 1.8))
    box(ax, 4.75, 2.4, "G\nthe criminal" + ("\n(frozen)" if learns == "D" else ""), color=g_color, size=(3.1, 2.1))
    picture(ax, our_digits()[2], 8.15, 2.4, edge=ORANGE)
    box(ax, 11.6, 3.6, "D\nthe detective" + ("\n(frozen)" if learns == "G" else ""), color=d_color, size=(3.2, 2.1))
    arrow(ax, (2.3, 2.4), (3, 2.4))
    arrow(ax, (6.5, 2.4), (7.1, 2.4))
    arrow(ax, (9.2, 2.5), (9.85, 3.0), color=ORANGE)
    write(ax, 8.15, 1.15, "a fake, G(z)", color="#A84900")
    write(ax, 15.9, 3.0, "D(G(z))", color="#A84900", ha="right")
    arrow(ax, (13.4, 3.0), (14.1, 3.0), color=ORANGE)
    if learns != "G":
        picture(ax, real_digit(5), 8.15, 5.3, edge=GREEN)
        write(ax, 8.15, 6.65, "a real one, x", color=GREEN)
        arrow(ax, (9.2, 4.9), (9.85, 4.3), color=GREEN)
        write(ax, 15.9, 4.3, "D(x)", color=GREEN, ha="right")
        arrow(ax, (13.4, 4.3), (14.3, 4.3), color=GREEN)
        arrow(ax, (14.9, 4.9), (12.2, 4.9), color=BLUE, bend=0.75, dashed=True)
        write(ax, 13.2, 6.75, "D learns from both", color=BLUE)
    if learns != "D":
        arrow(ax, (14.9, 2.6), (5, 1.15), color=ORANGE, bend=-0.28, dashed=True)
        write(ax, 4.6, 0.35, "G learns, through D", color="#A84900")
    return fig


def game():
    """Both players, what they see and how they learn."""
    return _game()


def game_diagram():
    """The game for pages, small enough to be put into a notebook: forward go pictures, back come the slopes."""
    return _diagram(real_digit(5), our_digits()[2], real_color=GREEN)


def slanted_diagram():
    """The same game with four pixels: notebook 01, where all that is real is as blue as D(x) in its curves."""
    land = slanted_land()
    pictures = [255 - 255 * screen.reshape(2, 2) for screen in (land.PORTRAITS[1], _forged(land)[1000])]
    return _diagram(*pictures, real_color=BLUE)


def _diagram(real, fake, *, real_color):
    fig, ax = stage(size=(8, 3.6))
    box(ax, 1.1, 2.6, "z", color=INK, size=(1.3, 1.5))
    box(ax, 4.3, 2.6, "G\nthe criminal", color=ORANGE, size=(2.9, 1.9))
    picture(ax, fake, 7.9, 2.6, edge=ORANGE)
    picture(ax, real, 7.9, 5.6, edge=real_color)
    box(ax, 11.5, 2.6, "D\nthe detective", color=BLUE, size=(3.0, 1.9))
    box(ax, 14.9, 2.6, "real\nor\nfake?", color=INK, size=(1.4, 1.9), fill="white")
    arrow(ax, (1.95, 2.6), (2.65, 2.6))
    for left, right in ((5.9, 6.85), (8.95, 9.8), (13.15, 14.0)):
        arrow(ax, (left, 3.0), (right, 3.0))
    arrow(ax, (8.95, 5.4), (10.9, 3.8), color=real_color)
    arrow(ax, (14.0, 2.2), (13.15, 2.2), color=BLUE, dashed=True)
    for left, right in ((5.9, 6.85), (8.95, 9.8)):
        arrow(ax, (right, 2.2), (left, 2.2), color=ORANGE, dashed=True)
    write(ax, 1.1, 4.0, "random\nnumbers")
    write(ax, 6.75, 5.6, "a real one, x", color=real_color, ha="right")
    write(ax, 7.9, 4.0, "a fake, G(z)", color="#A84900")
    write(ax, 13.6, 1.0, "D's lesson", color=BLUE)
    write(ax, 7.9, 1.0, "G's lesson comes through D", color="#A84900")
    write(ax, 8, 0.15, "solid: the pictures' way        dashed: the way back, on which both learn")
    return frame(fig, dpi=100).quantize(40, dither=Image.Dither.NONE)


def pass_one():
    """The detective learns, the criminal stands still."""
    return _game(learns="D")


def pass_two():
    """The criminal learns through a detective who stands still."""
    return _game(learns="G")


# Kinds of GAN, as drawings


@functools.cache
def traveller():
    """Train as notebook 09 does, for 1,000 rounds; return the game of two piles, and summers that it never saw."""
    piles, (unseen, _) = (draw_seasons(500, seed=1)[0], draw_seasons(500, seed=2)[1]), draw_seasons(100, seed=3)
    seed_everything(42)
    rules = {"loss": least_squares, "d_lr": 1e-3, "g_lr": 1e-3}
    shape, games = {"image_size": 32, "norm": torch.nn.InstanceNorm2d}, []
    for side, pile in enumerate(piles):
        players = UNet(given_channels=3, **shape), PatchDiscriminator(given_channels=0, **shape)
        games.append(GAN(*players, fixed_condition=pile[:10], seed=42 + side, **rules))
    game = CycleGAN(*games)
    train(game, piles[0], conditions=piles[1], steps=1000, batch_size=8, one_round=cycle_round)
    return game, unseen


def cyclegan():
    """Two criminals translate there and back, and what comes back must be what went in: our own."""
    game, unseen = traveller()
    summer = unseen[VISITED : VISITED + 1]
    shown = [summer, *(to_uint8(made) for made in game.there_and_again(summer))]
    summer, winter, again = (some[0].permute(1, 2, 0).numpy() for some in shown)
    fig, ax = stage(size=(8, 3.6))
    picture(ax, summer, 2, 5.5, size=3.2, edge=GREEN)
    picture(ax, winter, 13.4, 3.7, size=4, edge=ORANGE)
    picture(ax, again, 2, 1.8, size=3.2, edge=ORANGE)
    for y, text in ((5.5, "G, there"), (1.8, "F, back")):
        box(ax, 7.3, y, text, color=ORANGE, size=(2.8, 1.3))
    arrow(ax, (3.9, 5.5), (5.7, 5.5))
    arrow(ax, (8.9, 5.5), (11.2, 4.7), bend=-0.12)
    arrow(ax, (11.2, 2.7), (8.9, 1.8), bend=-0.12)
    arrow(ax, (5.7, 1.8), (3.9, 1.8))
    write(ax, 7.5, 3.65, "there and back again:\nit should be unchanged", size=BIG)
    write(ax, 13.4, 0.9, "what G makes of it", size=BIG)
    return fig


def seasons():
    """Six summers, the winters that the network made of them, and what came back: the first picture of notebook 09."""
    game, unseen = traveller()
    some = unseen[VISITED : VISITED + 6]
    rows = [to_float(some), *game.there_and_again(some)]
    sheet = contact_sheet(to_uint8(torch.cat(rows)), columns=6)
    large = Image.fromarray(sheet).resize((3 * sheet.shape[1], 3 * sheet.shape[0]), Image.Resampling.NEAREST)
    return large.quantize(64, dither=Image.Dither.NONE)  # small: notebook 09 has it inside


def two_piles():
    """All that a CycleGAN learns from: summers, and winters of other scenes."""
    summers, winters = draw_seasons(16, seed=1)[0], draw_seasons(16, seed=2)[1]
    rows = [("pile 1", summers[:8]), ("", summers[8:]), ("pile 2", winters[:8]), ("", winters[8:])]
    return in_rows(rows)


def secret():
    """Summers, the winters made of them, and what is hidden in these skies: notebook 09."""
    game, unseen = traveller()
    some = unseen[VISITED : VISITED + 5]
    winters, _ = game.there_and_again(some)
    skies = winters[:, :, :10]
    marks = 20 * (skies - skies.mean((2, 3), keepdim=True))
    return in_rows([("summer", some), ("made\nwinter", winters), ("its sky, 20\ntimes as strong", marks.clamp(-1, 1))])


@functools.cache
def reader():
    """Return the GAN of notebook 10, after 1,250 rounds."""
    if gan := rehearsed("10_find_yourself/find-yourself-models/digits-42"):
        return gan
    seed_everything(42)
    gan = GAN(Generator(), Discriminator(), d_lr=0.003, g_lr=0.003, seed=42)
    train(gan, load_digits()[0], steps=1250, batch_size=64)
    return gan


def _squares(fake, real):
    return (fake - real).square().flatten(1).mean(1)


def class_photo():
    """Eight typed drawings, and what a GAN draws when it looks for them: the first picture of notebook 10."""
    gan = reader()
    generator = gan.average_generator
    targets = -to_float(torch.cat([draw_strokes(text, image_size=28, pen=21) for text in TYPED]))
    seed_everything(42)
    tries = torch.randn(500, generator.latent_dim)
    start = tries[torch.cdist(targets.flatten(1), gan.sample(tries).flatten(1)).argmin(1)]
    z = project(generator, start, targets, loss=_squares)
    sheet = Image.fromarray(contact_sheet(torch.cat([targets, gan.sample(z)]), columns=len(targets)))
    return sheet.resize((3 * sheet.width, 3 * sheet.height), Image.Resampling.NEAREST).quantize(16)


def downhill():
    """Ten test digits, the best of 500 tries, and what is drawn while z walks downhill: notebook 10."""
    gan = reader()
    book = load_notebook("10", gan=gan, generator=gan.average_generator, device=torch.device("cpu"))
    targets = to_float(load_digits(test=True)[0][:10])
    seed_everything(42)
    start = book.best_try(targets, book.pixels)
    rows = {"target": targets, "best of\n500 tries": gan.sample(start)}
    for steps in (5, 20, 150):
        found = project(gan.average_generator, start, targets, loss=_squares, steps=steps, rate=0.1, pull=0.01)
        rows[f"{steps} steps"] = gan.sample(found)
    return in_rows(rows.items())


def pixels_or_eye():
    """Digits that were moved aside, and what is found by pixels, by a trained eye and by its untrained twin."""
    gan = reader()
    book = load_notebook("10", gan=gan, generator=gan.average_generator, device=torch.device("cpu"))
    digits, labels = load_digits()
    aside = book.moved(to_float(load_digits(test=True)[0][:8]), -4)
    seed_everything(42)
    eye, twin = book.make_eye(), book.make_eye()
    book.teach(eye, digits, labels)
    looks = {"by pixels": book.pixels, "by an eye": book.features_of(eye, digits)}
    looks["by its\nuntrained\ntwin"] = book.features_of(twin, digits)
    rows = {"moved": aside}
    for name, look in looks.items():
        seed_everything(42)
        rows[name] = gan.sample(book.find(aside, look))
    return in_rows(rows.items())


@functools.cache
def mixtures(rows, columns):
    """Return faces (1 + rows, 1 + columns): the first column gives the coarse styles, the first row the fine ones."""
    network = load_style_network()
    seed_everything(SHOWN)
    coarse, fine = network.to_w(torch.randn(rows + columns, network.latent_dim)).split([rows, columns])
    table = [torch.cat([torch.ones(1, 3, 64, 64), network.draw(fine)])]
    for one in coarse[:, None]:
        mixed = torch.cat([one.expand(columns, -1, -1)[:, :3], fine[:, 3:]], 1)
        table.append(network.draw(torch.cat([one, mixed])))
    return to_uint8(torch.stack(table))


def styles():
    """Two faces give the shape and two the colours: the first picture of notebook 11."""
    sheet = contact_sheet(mixtures(2, 2).flatten(0, 1), columns=3)
    large = Image.fromarray(sheet).resize((2 * sheet.shape[1], 2 * sheet.shape[0]), Image.Resampling.NEAREST)
    return large.quantize(16, dither=Image.Dither.NONE)  # small: notebook 11 has it inside


def stylegan():
    """The same on the slide, larger, with words."""
    fig, ax = stage(size=(8, 4.2))
    for i, row in enumerate(mixtures(3, 6).permute(0, 1, 3, 4, 2).numpy()):
        for k, face in enumerate(row):
            if i or k:
                edge = ORANGE if not k else BLUE if not i else PALE
                picture(ax, face, 4 + 1.75 * k, 6.4 - 1.8 * i, size=1.6, edge=edge)
    write(ax, 10.1, 7.85, "fine styles: the colours", color=BLUE)
    write(ax, 1.4, 2.8, "coarse\nstyles:\nthe shape", color="#A84900")
    return fig


@functools.cache
def crowd(count=12):
    """Return the style network, its mean w, and the w of some faces."""
    network = load_style_network()
    seed_everything(SHOWN)
    mean = network.to_w(torch.randn(5000, network.latent_dim)).mean(0)
    return network, mean, network.to_w(torch.randn(count, network.latent_dim))


def sizes():
    """From one face to another, size by size: notebook 11."""
    network, _, faces = crowd()
    fig, ax = stage(size=(8, 3.9))
    names = ["none", "4", "4 to 8", "4 to 16", "4 to 32", "all"]
    for k, name in enumerate(names):
        write(ax, 2.6 + 2.15 * k, 7.4, name, size=BIG)
        for i, (one, other) in enumerate(((0, 1), (2, 3), (4, 9))):
            mixed = torch.cat([faces[other : other + 1, :k], faces[one : one + 1, k:]], 1)
            face = to_uint8(network.draw(mixed))[0].permute(1, 2, 0).numpy()
            picture(ax, face, 2.6 + 2.15 * k, 5.9 - 2.3 * i, size=2.1, edge=PALE)
    write(ax, 0.1, 7.4, "sizes", ha="left", size=BIG)
    return fig


def mean_face():
    """Faces drawn towards the mean face, to it, beyond it, and away from it: notebook 11."""
    network, mean, faces = crowd()
    factors = {"-1": -1, "0: the\nmean face": 0, "0.5": 0.5, "1: as\nthey are": 1, "1.5": 1.5}
    drawn = {name: network.draw(mean + factor * (faces[:9] - mean)) for name, factor in factors.items()}
    return in_rows(drawn.items())


def edits():
    """One thing is changed in faces of the style network: notebook 11, section 5."""
    network, mean, faces = crowd()
    given = {"network": network, "mean": mean, "device": torch.device("cpu"), "values": load_faces()[2]}
    seed_everything(42)
    book = load_notebook("11", "many", "seen", "one_style", **given)
    colours, shapes = slice(3, 5), slice(0, 3)
    wishes = [("hair_colour", "blond", colours), ("skin", "dark", colours), ("hair", "bun", shapes)]
    rows = {"as they\nare": network.draw(faces[:8])}
    for name, wish in zip(("blond", "dark skin", "a bun"), wishes, strict=True):
        rows[name] = network.draw(book.edit(faces[:8], *wish))
    return in_rows(rows.items())


@functools.cache
def told():
    """Return the GAN of notebook 07's digits, after 2,000 rounds."""
    if gan := rehearsed("07_ask_for_it/ask-for-it-models/digits-42-64"):
        return gan
    seed_everything(42)
    gan = GAN(Generator(classes=10), Discriminator(classes=10), d_lr=0.003, g_lr=0.003, seed=42)
    images, labels = load_digits()
    train(gan, images, conditions=labels, steps=2000)
    return gan


def biggan():
    """A name goes in beside z, and between two names one can walk: our own walks from digit to digit."""
    gan, (fig, ax) = told(), stage(size=(8, 3.6))
    box(ax, 1.5, 5.1, "z", color=INK, size=(2.2, 1.3))
    box(ax, 1.5, 2.5, "4", color=BLUE, size=(2.2, 1.3))
    box(ax, 4.7, 3.8, "G", color=ORANGE, size=(1.8, 1.8))
    arrow(ax, (2.8, 4.9), (3.6, 4.3))
    arrow(ax, (2.8, 2.7), (3.6, 3.3))
    arrow(ax, (5.8, 3.8), (6.5, 3.8))
    seed_everything(3)
    pairs = ((4, 9), (3, 8), (1, 7))
    for (first, last), y in zip(pairs, (5.75, 3.85, 1.95)):
        weights = torch.zeros(6, 10)
        weights[:, last] = torch.linspace(0, 1, 6)
        weights[:, first] = 1 - weights[:, last]
        row = gan.sample(torch.randn(1, 64).expand(6, -1), weights)
        for k, image in enumerate(row):
            picture(ax, to_uint8(image[None])[0, 0].numpy(), 7.5 + 1.52 * k, y, size=1.4, edge=INK)
    write(ax, 7.5, 0.6, "all 4, 3, 1", color=BLUE)
    write(ax, 11.3, 0.6, "half and half", color=BLUE)
    write(ax, 15.0, 0.6, "all 9, 8, 7", color=BLUE)
    return fig


def labels():
    """A label goes to both players: G draws it, D asks of fakes and of real pictures whether the label fits."""
    gan, (fig, ax) = told(), stage(size=(8, 3.6))
    seed_everything(3)
    four = to_uint8(gan.sample(torch.randn(1, 64), [4]))[0, 0].numpy()
    digits, labels = load_digits()
    box(ax, 1.5, 5.9, "z\nnoise", color=INK, size=(2.4, 1.6))
    box(ax, 1.5, 2.6, "label\n4", color=GREEN, size=(2.4, 1.6))
    box(ax, 5.3, 4.9, "G", color=ORANGE, size=(1.9, 1.9))
    picture(ax, four, 8.9, 4.9, size=3, edge=ORANGE)
    box(ax, 13.6, 5.2, "D: is it\na real 4?", color=BLUE, size=(3.3, 2.1))
    picture(ax, digits[labels == 4][0, 0].numpy(), 13.6, 1.5, size=2.6, edge=GREEN)
    arrow(ax, (2.9, 5.8), (4.1, 5.3))
    arrow(ax, (2.9, 3.1), (4.1, 4.3), color=GREEN)
    arrow(ax, (6.5, 4.9), (7.2, 4.9))
    arrow(ax, (10.6, 5.0), (11.7, 5.1))
    arrow(ax, (13.6, 2.95), (13.6, 3.9))
    arrow(ax, (2.9, 2.4), (11.9, 3.9), color=GREEN, bend=0.2)
    write(ax, 10.3, 0.7, "a real 4", size=BIG)
    return fig


def hands():
    """Each row is one z, asked for 0 to 9: one handwriting writes them all."""
    gan = told()
    seed_everything(5)
    z = torch.randn(4, 64).repeat_interleave(10, 0)
    sheet = contact_sheet(gan.sample(z, torch.arange(10).repeat(4)), columns=10)
    return Image.fromarray(enlarge(sheet, 4)).quantize(16)


def phone_number():
    """A number that nobody has, in three handwritings, and in a mixture of hands: notebook 07."""
    gan, number = told(), [0, 4, 5, 1, 7, 3, 9, 2]
    seed_everything(7)
    rows = [("one z", gan.sample(torch.randn(1, 64).expand(8, -1), number)) for _ in range(3)]
    return in_rows([*rows, ("many z", gan.sample(8, number))])


def truncation():
    """The same eight z, shorter and longer, asked for eights: tidy and wild."""
    gan = told()
    seed_everything(11)
    z = torch.randn(8, 64)
    return in_rows((f"z x {factor}", gan.sample(factor * z, [8] * 8)) for factor in (0.3, 0.7, 1, 1.3))


PRESS = """
const [, page, browser, ...names] = process.argv;
const { chromium } = require("playwright-core");
(async () => {
  const app = await chromium.launch({ executablePath: browser, chromiumSandbox: process.getuid?.() !== 0 });
  const phone = await app.newPage({ viewport: { width: 390, height: 600 }, deviceScaleFactor: 2 });
  await phone.goto("file://" + page);
  for (const name of names) {
    await phone.click(`#from label:has-text("${name}")`);
    await phone.waitForTimeout(1000);
    await phone.screenshot({ path: `${page}-${name}.png` });
  }
  await app.close();
})();
"""  # chooses the kinds of these names on a page, and looks at it after each


def phone():
    """The page of notebook 07 on a phone: one z, asked for three digits. Needs what the slides need."""
    sys.path.append(str(FOLDER.parent / "tools"))
    import make_slides

    names, sheet = ["2", "4", "9"], Image.new("RGB", (3 * 780 + 4 * 90, 1200 + 2 * 60), "white")
    with tempfile.TemporaryDirectory() as place:
        page = save_page(Path(place) / "digits.html", told(), title="Ask for digits", credit="MNIST, CC BY-SA 3.0")
        command = [make_slides.marp_command()[0], "-e", PRESS, page, make_slides.find_browser(), *names]
        subprocess.run(command, cwd=make_slides.SLIDES, check=True)
        for k, name in enumerate(names):
            corner = 90 + k * (780 + 90)
            around = (corner - 24, 36, corner + 804, 1284)
            ImageDraw.Draw(sheet).rounded_rectangle(around, radius=60, fill=INK)
            sheet.paste(Image.open(f"{page}-{name}.png").convert("RGB"), (corner, 60))
    return sheet.resize((sheet.width * 2 // 3, sheet.height * 2 // 3), Image.Resampling.LANCZOS).quantize(64)


@functools.cache
def portraitist():
    """Return the GAN of notebook 07's faces, after 2,000 rounds, their attributes and the names of these."""
    faces, attributes, values = load_faces(attributes=("skin", "hair_colour", "hair", "beard"), image_size=32)
    if gan := rehearsed("07_ask_for_it/ask-for-it-models/faces-42-16-skin-hair_colour-hair-beard"):
        return gan, attributes, values
    seed_everything(42)
    shape = {"image_size": 32, "channels": 3, "classes": [len(names) for names in values.values()]}
    rates = {"d_lr": 0.001, "g_lr": 0.001, "betas": (0.5, 0.99), "seed": 42}
    gan = GAN(Generator(latent_dim=16, **shape), Discriminator(**shape), class_names=values, **rates)
    train(gan, faces, conditions=attributes, steps=2000, batch_size=16)
    return gan, attributes, values


def wishes():
    """Faces with two wishes each; what is not said is that of a face in the training set."""
    gan, attributes, values = portraitist()
    asked = [{"hair_colour": "red", "beard": "full"}, {"hair_colour": "blond", "hair": "bun"}]
    asked += [{"skin": "dark", "hair": "spiky"}, {"hair_colour": "black", "skin": "light"}]
    rows = {}
    for wish in asked:
        wanted = attributes[:9].clone()
        for attribute, name in wish.items():
            wanted[:, [*values].index(attribute)] = values[attribute].index(name)
        seed_everything(1)
        rows[",\n".join(WORDS.get(name, name) for name in wish.values())] = gan.sample(9, wanted)
    return in_rows(rows.items())


def faces():
    """Faces that nobody has: our own GAN's, from noise, after 4,000 rounds on drawn faces."""
    seed_everything(42)
    shape = {"image_size": 64, "channels": 3}
    players = Generator(**shape, smooth=False), Discriminator(**shape, norm=False)
    gan = GAN(*players, loss=non_saturating_r1, betas=(0.5, 0.99), seed=42)
    train(gan, load_faces()[0], steps=4000, batch_size=8)
    seed_everything(0)
    sheet = Image.fromarray(contact_sheet(gan.sample(24), columns=8))
    return sheet.resize((sheet.width * 2, sheet.height * 2), Image.Resampling.LANCZOS).quantize(256)


@functools.cache
def painter():
    """Return the GAN of notebook 08 that pays both bills, and the held-out outlines and colours."""
    given, wanted, _ = load_drawings(test=True)
    if gan := rehearsed("08_draw_and_it_paints/draw-models/drawings-42-64-16/both-longer"):
        return gan, given, wanted
    outlines, colours, _ = load_drawings()
    seed_everything(42)
    rules = {"d_lr": 1e-3, "g_lr": 1e-3, "loss": pix2pix_loss, "seed": 42}
    gan = GAN(UNet(), PatchDiscriminator(), fixed_condition=given[:12], **rules)
    twice = [torch.cat([half, half.flip(3)]) for half in (outlines, colours)]
    train(gan, twice[1], conditions=twice[0], steps=1300, batch_size=8)
    return gan, given, wanted


def alive():
    """At the top of the README: faces turn into each other, a drawing grows, and what it becomes is painted."""
    network, stops = load_style_network(), 8
    seed_everything(SHOWN)
    faces = network.to_w(torch.randn(12, network.latent_dim)).unflatten(0, (4, 3))
    walks = [lerp(faces[i], faces[(i + 1) % 4], k / stops) for i in range(4) for k in range(stops)]
    walked = [to_uint8(network.draw(w)) for w in walks]
    gan, given, _ = painter()
    drawn = [outline for i in ALIVE for outline in growing(given[i], 2 * stops)]
    painted = to_uint8(gan.sample(len(drawn), torch.stack(drawn)))
    frames = []
    for faces, outline, colours in zip(walked, drawn, painted, strict=True):
        sheet = contact_sheet(torch.cat([faces, outline.expand(1, 3, -1, -1), colours[None]]), columns=5)
        frames.append(Image.fromarray(enlarge(sheet, 2)).quantize(64, dither=Image.Dither.NONE))
    return frames


def growing(outline, frames):
    """Draw an outline (1, H, W) clockwise, whole after two thirds of the frames."""
    side = outline.shape[-1]
    across = torch.arange(side) - side / 2
    turn = torch.atan2(across[None], -across[:, None]) / (2 * torch.pi) % 1  # 0 is above, 0.25 to the right
    return [outline.where(turn <= 1.5 * (k + 1) / frames, torch.full_like(outline, 255)) for k in range(frames)]


def pix2pix():
    """The criminal is given an outline, the detective sees outline and picture together: our own."""
    gan, given, wanted = painter()
    fig, ax = stage(size=(8, 3.5))
    outline = given[DRAWN : DRAWN + 1]
    painted = to_uint8(gan.sample(1, outline))[0].permute(1, 2, 0).numpy()
    truth = wanted[DRAWN].permute(1, 2, 0).numpy()
    picture(ax, outline[0, 0].numpy(), 2, 3.6, size=3.9)
    box(ax, 5.9, 3.6, "G", color=ORANGE, size=(1.5, 1.6))
    picture(ax, painted, 9.7, 3.6, size=3.9, edge=ORANGE)
    box(ax, 14.2, 5.1, "D sees\na pair", color=BLUE, size=(2.9, 1.7))
    for start, end in (((4.1, 3.6), (4.9, 3.6)), ((6.9, 3.6), (7.6, 3.6)), ((11.8, 4.6), (12.6, 4.8))):
        arrow(ax, start, end)
    arrow(ax, (14.2, 3.4), (14.2, 4.05))
    arrow(ax, (2.6, 5.7), (13.4, 6.0), color=BLUE, bend=-0.1, dashed=True)
    picture(ax, truth, 14.2, 2.1, size=2.5, edge=GREEN)
    write(ax, 2, 1.1, "an outline", size=BIG)
    write(ax, 9.7, 1.1, "what G paints", size=BIG)
    write(ax, 14.2, 0.4, "the truth", size=BIG)
    return fig


def painted():
    """Held-out drawings: above the outlines, below what the network makes of them."""
    gan, given, _ = painter()
    some = given[PAINTED]
    rows = torch.cat([some.expand(-1, 3, -1, -1), to_uint8(gan.sample(len(some), some))])
    sheet = contact_sheet(rows, columns=len(some))
    return Image.fromarray(enlarge(sheet, 2)).quantize(128, dither=Image.Dither.NONE)


def three_bills():
    """One U-Net, three games: G pays L1 alone, D's opinion alone, or both: notebook 08, section 4."""
    outlines, colours, _ = load_drawings()
    given, wanted, _ = load_drawings(test=True)
    twice = [torch.cat([half, half.flip(3)]) for half in (outlines, colours)]
    prices = {"L1 alone": pix2pix_loss._replace(generator=lambda logits: 0 * logits.mean())}
    prices |= {"D alone": pix2pix_loss._replace(likeness=None), "both": pix2pix_loss}
    some = torch.arange(10) * (len(given) // 10)
    rows = {"given": given[some].expand(-1, 3, -1, -1)}
    for name, loss in prices.items():
        place = f"08_draw_and_it_paints/draw-models/drawings-42-64-16/{name.replace(' ', '-')}"
        if gan := rehearsed(place):
            rows[name] = gan.sample(len(some), given[some])
            continue
        seed_everything(42)
        rules = {"d_lr": 1e-3, "g_lr": 1e-3, "loss": loss, "seed": 42}
        gan = GAN(UNet(), PatchDiscriminator(), fixed_condition=given[:12], **rules)
        train(gan, twice[1], conditions=twice[0], steps=400, batch_size=8)
        rows[name] = gan.sample(len(some), given[some])
    return in_rows([*rows.items(), ("truth", wanted[some])])


def learning_to_see():
    """Who has seen portraits only sees heads everywhere: notebook 08, section 6."""
    book = load_notebook("08", "glass", "shape", device=torch.device("cpu"))
    seed_everything(42)
    known = load_portraits(image_size=64)
    seer = UNet(**book.shape)
    seer.layers = torch.nn.Sequential(book.glass, seer.layers)
    many = torch.cat([known, known.flip(3)] * 2)
    rules = {"d_lr": 1e-3, "g_lr": 1e-3, "loss": pix2pix_loss, "seed": 42, "fixed_condition": book.grey(known[:12])}
    gan = GAN(seer, book.GlassDetective(**book.shape), **rules)
    train(gan, many, conditions=book.light(book.grey(many)), steps=800, batch_size=8)
    _, drawings, names = load_drawings()
    shown = book.grey(drawings[[names.index(name) for name in SHOWN_TO_IT]])
    with torch.no_grad():
        dim = book.glass(to_float(shown))
    return in_rows(
        [("shown", shown), ("through\nfrosted\nglass", dim), ("what it\nsees", gan.sample(len(shown), shown))]
    )


def unet():
    """Down the staircase, up again, and at each step the sheet of the way down is laid beside: a U."""
    fig, ax = stage(size=(8, 4))
    heights = [(64, 3.2), (32, 2.2), (16, 1.5), (8, 1.0), (4, 0.7)]
    left, right = [2.2 + 1.45 * k for k in range(5)], [14.6 - 1.45 * k for k in range(4)]
    levels = [5.9, 4.4, 3.2, 2.3, 1.7]
    for (side, size), x, y in zip(heights, left, levels):
        _sheet(ax, x, y, size, side, color=BLUE)
    for (side, size), x, y in zip(heights, right, levels):
        _sheet(ax, x, y, size, side, color=ORANGE)
        arrow(ax, (left[levels.index(y)] + 0.45, y), (x - 0.45, y), color=PALE, dashed=True, width=2)
    write(ax, 1.0, 1.7, "down: see it all", color=BLUE, ha="left", size=BIG)
    write(ax, 15.8, 1.7, "up: draw it", color="#A84900", ha="right", size=BIG)
    write(ax, 8.4, 6.4, "skip connection: laid beside", color="#5B656F")
    return frame(fig).quantize(40, dither=Image.Dither.NONE)  # small: notebook 08 has it inside


def _sheet(ax, x, y, height, side, *, color):
    style = {"facecolor": color + "33", "edgecolor": color, "linewidth": 2.5}
    ax.add_patch(Rectangle((x - 0.35, y - height / 2), 0.7, height, **style))
    write(ax, x, y - height / 2 - 0.35, str(side), size=12)


# Pictures are numbers


def close_up():
    """Real digits, so near that one sees nothing but pixels."""
    sheet = np.concatenate([real_digit(index)[4:24, 3:25] for index in (0, 5, 2, 9)], axis=1)
    return Image.fromarray(enlarge(sheet, 16)).quantize(16)


def list_of_five():
    """A list: five boxes with the indices 0 to 4."""
    fig, ax = stage(size=(8, 1.7))
    for i in range(5):
        ax.add_patch(Rectangle((2 + 2.4 * i, 1.2), 2.4, 1.5, facecolor=BLUE + "22", edgecolor=BLUE, linewidth=2.5))
        write(ax, 3.2 + 2.4 * i, 1.95, str(10 * (i + 1)), size=20)
        write(ax, 3.2 + 2.4 * i, 0.7, f"[{i}]", size=MIDDLE)
    return fig


def pixels():
    """A real digit, and a corner of it with its numbers over the pixels."""
    fig, axes = figure_with_axes(1, 2, size=(8, 3.75))
    digit, rows, columns = real_digit(), slice(5, 13), slice(11, 19)
    for ax, image in zip(axes[0], (digit, digit[rows, columns]), strict=True):
        ax.imshow(image, cmap="gray", vmin=0, vmax=255)
        ax.set(xticks=[], yticks=[])
    axes[0, 0].add_patch(Rectangle((10.5, 4.5), 8, 8, fill=False, edgecolor="#E69F00", linewidth=4))
    axes[0, 1].spines[:].set(color="#E69F00", linewidth=4)
    for (row, column), value in np.ndenumerate(digit[rows, columns]):
        color = "black" if value > 127 else "white"
        axes[0, 1].text(column, row, value, color=color, fontsize=12, ha="center", va="center")
    axes[0, 0].set_xlabel("28 x 28 pixels", fontsize=BIG)
    axes[0, 1].set_xlabel("0 is black, 255 is white", fontsize=BIG)
    return fig


def colour():
    """A colour picture of 4 x 4 pixels, a house, is three grids: red, green, blue."""
    house = np.array([[0, 1, 1, 0], [1, 1, 1, 1], [2, 2, 2, 2], [2, 2, 2, 2]])
    image = np.array([[120, 190, 240], [230, 90, 60], [250, 220, 130]], np.uint8)[house]  # sky, roof, wall
    fig, axes = figure_with_axes(1, 4, size=(8, 2.75))
    axes[0, 0].imshow(image)
    axes[0, 0].set_title("the picture", fontsize=BIG)
    for i, name in enumerate(("red", "green", "blue")):
        ax, only = axes[0, i + 1], np.zeros_like(image)
        only[:, :, i] = image[:, :, i]
        ax.imshow(only)
        ax.set_title(name, fontsize=BIG)
        for (row, column), value in np.ndenumerate(image[:, :, i]):
            dark = value <= 150 or name == "blue"
            ax.text(column, row, value, color="white" if dark else "black", fontsize=12, ha="center", va="center")
    for ax in axes[0]:
        ax.set(xticks=[], yticks=[])
    return fig


def mnist():
    """Ten real digits of each kind."""
    images, labels = load_digits()
    rows = [images[labels == digit][:20] for digit in range(10)]
    sheet = contact_sheet(torch.cat(rows), columns=20)
    return Image.fromarray(enlarge(sheet, 2)).quantize(16)


def classification():
    """A one-layer network, trained here, says which digit an unseen picture shows."""
    images, labels = load_digits()
    x = to_float(images).flatten(1)
    seed_everything(0)
    layer = torch.nn.Linear(784, 10)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.003)
    for _ in range(100):
        loss = torch.nn.functional.cross_entropy(layer(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    unseen = load_digits(test=True)[0][4 * 200 + 3 : 4 * 200 + 4]
    opinion = layer(to_float(unseen).flatten(1)).softmax(1)[0].detach().numpy()
    fig, axes = figure_with_axes(1, 2, size=(8, 3.2))
    axes[0, 0].imshow(unseen[0, 0].numpy(), cmap="gray")
    axes[0, 0].set(xticks=[], yticks=[])
    axes[0, 0].set_xlabel("which digit is it?", fontsize=BIG)
    axes[0, 1].bar(range(10), opinion, color=BLUE)
    axes[0, 1].set_xticks(range(10), range(10), fontsize=BIG)
    axes[0, 1].set_yticks([0, 0.5, 1], ["0", "0.5", "1"], fontsize=MIDDLE)
    axes[0, 1].set_ylabel("how sure", fontsize=BIG)
    axes[0, 1].spines[["top", "right"]].set_visible(False)
    return fig


# Slanted land


def _forged(land):
    """Train as notebook 01 does and return fakes, G(0.5), by the round in which they were made."""
    (D, G), film, done = land.new_players(), {}, 0
    for stop in (0, 250, 500, 1000, 2000, 3000, 5000):  # all are multiples of 5, so the faces keep their order
        land.play(D, G, land.FACES, stop - done)
        film[stop], done = G(0.5), stop
    return film


def slanted_strip():
    """How the criminal's fake becomes a face: the top of notebook 01."""
    film = _forged(slanted_land())
    fig, axes = figure_with_axes(1, len(film), size=(8.4, 1.6))
    for ax, (stop, fake) in zip(axes[0], film.items(), strict=True):
        ax.imshow(fake.reshape(2, 2), cmap="gray_r", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
        ax.set_title(f"round {stop:,}", fontsize=12)
    return frame(fig).quantize(32, dither=Image.Dither.NONE)


def slanted_people():
    """Four faces and four pictures of noise: notebook 01, section 1."""
    land = slanted_land()
    captions = ["a face"] * 4 + ["noise"] * 4
    return show_screens([*land.PORTRAITS, *land.NOISE], captions=captions, columns=4)


def _sum(ax, y, screen, weights, name):
    """Draw: a screen, times the weights, is a score."""
    for x, values, signed in ((2.6, screen, False), (7.2, weights, True)):
        cells = np.asarray(values, float).reshape(2, 2)
        options = {"cmap": "PRGn", "vmin": -1.5, "vmax": 1.5} if signed else {"cmap": "gray_r", "vmin": 0, "vmax": 1}
        ax.imshow(cells, extent=(x - 1.4, x + 1.4, y - 1.4, y + 1.4), **options)
        ax.add_patch(Rectangle((x - 1.4, y - 1.4), 2.8, 2.8, fill=False, edgecolor=INK, linewidth=2))
        for (row, column), value in np.ndenumerate(cells):
            light = abs(value) > (1.1 if signed else 0.5)
            text = f"{value:+g}" if signed else f"{value:g}"
            write(ax, x - 0.7 + 1.4 * column, y + 0.7 - 1.4 * row, text, color="white" if light else "black", size=14)
    score = float(np.dot(screen, weights))
    write(ax, 4.9, y, "x", size=20)
    write(ax, 9.5, y, "=", size=20)
    write(ax, 10.3, y + 0.4, f"{score:g}", size=24, ha="left", weight="bold")
    verdict = "above 1: a face" if score > 1 else "below 1: noise"
    write(ax, 10.3, y - 0.8, verdict, color=BLUE, size=BIG, ha="left")


def slanted_detective():
    """The detective that is built by hand: weights, two sums, one threshold."""
    land = slanted_land()
    fig, ax = stage(size=(8, 3.4))
    _sum(ax, 5.1, land.PORTRAITS[2], land.HAND_WEIGHTS, "a face")
    _sum(ax, 1.6, land.NOISE[1], land.HAND_WEIGHTS, "noise")
    ax.set(xlim=(0, 16), ylim=(0, 6.8))
    return fig


def slanted_criminal():
    """What a newborn criminal makes of five z."""
    land = slanted_land()
    _, criminal = land.new_players()
    return show_screens([criminal(z) for z in land.FIVE_Z], captions=[f"z = {z:g}" for z in land.FIVE_Z], columns=5)


def log_loss():
    """The loss of an opinion: notebook 01, section 2."""
    p = np.linspace(0.01, 0.99, 197)
    fig, axes = figure_with_axes(1, 2, size=(8, 3.4))
    for ax, title, loss in (
        (axes[0, 0], "we want 1", lambda p: -np.log(p)),
        (axes[0, 1], "we want 0", lambda p: -np.log(1 - p)),
    ):
        ax.plot(p, loss(p), color=INK, linewidth=3)
        for mark in (0.1, 0.9):
            ax.plot(mark, loss(mark), "o", color=ORANGE, markersize=10)
            left, large = mark < 0.5, loss(mark) > 1
            ax.annotate(
                f"{mark} costs {loss(mark):.1f}",
                (mark, loss(mark)),
                (mark + (0.06 if left else -0.06), loss(mark) + (0 if large else 1.6)),
                fontsize=MIDDLE,
                ha="left" if left else "right",
                va="center",
                arrowprops=None if large else {"arrowstyle": "-", "color": ORANGE, "linewidth": 2},
            )
        ax.set(xlim=(0, 1), ylim=(-0.1, 4.7), xticks=[0, 0.5, 1], yticks=range(5))
        ax.set_title(title, fontsize=BIG)
        ax.set_xlabel("p, the opinion", fontsize=MIDDLE)
        ax.tick_params(labelsize=MIDDLE)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_ylabel("loss", fontsize=MIDDLE)
    return fig


def slanted_game():
    """The game in slow motion: notebook 01, section 5."""
    land = slanted_land()
    D, G = land.new_players()
    fig, axes = figure_with_axes(2, 4, size=(8, 3.6))
    turns = [("start", 0, 0), ("only D learns", 1, 0), ("only G learns", 0, 1), ("both learn", 1, 1)]
    for (top, bottom), (caption, d_turns, g_turns) in zip(axes.T, turns, strict=True):
        if caption != "start":
            land.play(D, G, land.FACES, land.ROUNDS_PER_COLUMN, d_turns=d_turns, g_turns=g_turns)
        fake = G(0.5)
        d_loss = np.mean([land.loss(D(face), 1) for face in land.FACES]) + land.loss(D(fake), 0)
        top.imshow(fake.reshape(2, 2), cmap="gray_r", vmin=0, vmax=1)
        top.set(xticks=[], yticks=[])
        top.set_title(caption, fontsize=MIDDLE)
        bars = bottom.bar(["D", "G"], [d_loss, land.loss(D(fake), 1)], color=[BLUE, ORANGE])
        bottom.bar_label(bars, fmt="%.2f", fontsize=MIDDLE)
        bottom.set(ylim=(0, 2), yticks=[])
        bottom.tick_params(labelsize=MIDDLE)
        bottom.spines[["top", "right", "left"]].set_visible(False)
    axes[0, 0].set_ylabel("a fake", fontsize=MIDDLE)
    axes[1, 0].set_ylabel("losses", fontsize=MIDDLE)
    return fig


def slanted_losses():
    """Both losses over five thousand rounds, and the two levels of a coin: notebook 01, section 7."""
    land = slanted_land()
    D, G = land.new_players()
    history = land.play(D, G, land.FACES, land.ROUNDS)
    fig, axes = figure_with_axes(1, 1, size=(6.2, 2.9))
    draw_losses(axes[0, 0], history)
    return fig


# Optimisation


def _detective_loss(diagonal, beside):
    """Return the hand-made detective's mean loss on notebook 01's screens, for weights (d, b, b, d) and bias -1."""
    land = slanted_land()
    total = 0
    for screens, want in ((land.PORTRAITS, 1), (land.NOISE, 0)):
        for a, b, c, d in screens:
            score = diagonal * (a + d) + beside * (b + c) - 1
            total = total + np.logaddexp(0, -score if want else score)
    return total / 8


def _descent(start, *, rate, steps):
    """Walk downhill on `_detective_loss` and return all points on the way, (steps + 1, 2)."""
    path, hair = [np.array(start, float)], 1e-4
    for _ in range(steps):
        here = path[-1]
        slopes = [
            (_detective_loss(*(here + nudge)) - _detective_loss(*(here - nudge))) / (2 * hair)
            for nudge in np.eye(2) * hair
        ]
        path.append(here - rate * np.array(slopes))
    return np.array(path)


def landscape():
    """The loss of slanted land's detective as a landscape over two of its knobs, and a way down."""
    from matplotlib.figure import Figure

    fig = Figure(figsize=(8, 4.7), facecolor="white")
    ax = fig.add_axes((0.02, 0.06, 0.96, 0.98), projection="3d", computed_zorder=False)
    d, b = np.meshgrid(np.linspace(-3, 4, 60), np.linspace(-4, 3, 60))
    ax.plot_surface(d, b, _detective_loss(d, b), cmap="Blues", linewidth=0, alpha=0.95, rcount=60, ccount=60)
    path = _descent((-2.5, 2.5), rate=1, steps=60)
    ax.plot(*path.T, _detective_loss(*path.T) + 0.05, "o-", color=ORANGE, markersize=5, linewidth=2)
    ax.set_xlabel("weight of the\ndiagonal", fontsize=MIDDLE, labelpad=12)
    ax.set_ylabel("weight of the\nother corners", fontsize=MIDDLE, labelpad=12)
    ax.zaxis.set_rotate_label(False)
    ax.set_zlabel("loss", fontsize=MIDDLE, rotation=90)
    ax.set(xticks=[-2, 0, 2, 4], yticks=[-4, -2, 0, 2], zticks=[1, 2, 3])
    ax.tick_params(labelsize=MIDDLE)
    ax.set_box_aspect((5, 5, 3), zoom=1.15)
    ax.view_init(30, -50)
    return fig


def gradient_descent():
    """A ball rolls down the detective's loss, one slope at a time."""
    knob = np.linspace(-3, 4, 200)
    loss = _detective_loss(knob, -1.0)
    path, rate, hair = [-2.6], 1.2, 1e-4
    for _ in range(17):
        slope = (_detective_loss(path[-1] + hair, -1.0) - _detective_loss(path[-1] - hair, -1.0)) / (2 * hair)
        path.append(path[-1] - rate * slope)
    frames = [_descent_frame(knob, loss, path[: i + 1]) for i in range(len(path))]
    return [frames[-1]] * 4 + frames + [frames[-1]] * 4


def _descent_frame(knob, loss, path):
    fig, axes = figure_with_axes(1, 1, size=(8, 3.6))
    ax, here, hair = axes[0, 0], path[-1], 1e-4
    height, higher = _detective_loss(here, -1.0), _detective_loss(here + hair, -1.0)
    slope = (higher - height) / hair
    ax.plot(knob, loss, color=INK, linewidth=3)
    ax.plot(path, [_detective_loss(point, -1.0) for point in path], "o", color=PALE, markersize=9)
    ax.plot([here - 0.9, here + 0.9], [height - 0.9 * slope, height + 0.9 * slope], color=ORANGE, linewidth=3)
    ax.plot(here, height, "o", color=ORANGE, markersize=17)
    ax.set(ylim=(0, 2.4), xlim=(-3.2, 4.2), xticks=range(-3, 5), yticks=[0, 1, 2])
    ax.set_xlabel("one knob of the detective", fontsize=BIG)
    ax.set_ylabel("loss", fontsize=BIG)
    ax.tick_params(labelsize=MIDDLE)
    ax.spines[["top", "right"]].set_visible(False)
    ax.text(0.97, 0.9, f"step {len(path) - 1}", transform=ax.transAxes, fontsize=20, ha="right", va="center")
    ax.text(
        0.97, 0.76, f"slope {slope:+.2f}", transform=ax.transAxes, fontsize=20, ha="right", va="center", color="#A84900"
    )
    return frame(fig, dpi=110).quantize(32)


def two_wishes():
    """How hard both forms of the criminal's loss push, as the package computes them: notebook 02, exercise 4."""
    logits = torch.linspace(-6, 4, 101, requires_grad=True)
    fig, axes = figure_with_axes(1, 1, size=(8, 3.5))
    ax = axes[0, 0]
    for loss, style, name in (
        (non_saturating, {"linestyle": "-"}, "minimise -log D(G(z)): non-saturating"),
        (minimax, {"linestyle": "--"}, "minimise log(1 - D(G(z))): minimax"),
    ):
        # the losses are means over the batch, so each of the 101 has a share of the slope
        (slope,) = torch.autograd.grad(loss.generator(logits), logits)
        ax.plot(
            logits.sigmoid().detach(),
            -slope * len(logits),
            color=ORANGE if "non" in name else INK,
            linewidth=3,
            label=name,
            **style,
        )
    ax.set_xlabel("D(G(z)): the detective's opinion of the fake", fontsize=BIG)
    ax.set_ylabel("push on G", fontsize=BIG)
    ax.set(xlim=(0, 1), ylim=(0, 1.05))
    ax.tick_params(labelsize=MIDDLE)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=1, frameon=False, fontsize=MIDDLE)
    return fig


# Digits


def four_to_784():
    """The face of slanted land beside a digit: 4 pixels, 784 pixels."""
    fig, ax = stage(size=(8, 3.2))
    face = slanted_land().PORTRAITS[1].reshape(2, 2)
    picture(ax, 255 - 255 * face, 3.6, 3.2, size=5.2)
    picture(ax, real_digit(5), 12.4, 3.2, size=5.2)
    arrow(ax, (6.9, 3.2), (9.1, 3.2), width=8)
    return fig


def window():
    """A window of 3 x 3 weights slides over a digit, and each place gives a number: notebook 02, section 2."""
    fig, ax = stage(size=(8.5, 2.7), width=18)
    digit = (to_float(load_digits()[0][:1]) * 10).round() / 10  # so that the sum is right to the last digit shown
    weights = torch.tensor([[-1.0, 0, 1], [-1, 0, 1], [-1, 0, 1]])
    row, column = 9, 11  # the middle of the window
    under = digit[0, 0, row - 1 : row + 2, column - 1 : column + 2]
    on_black = torch.nn.functional.pad(digit, (1, 1, 1, 1), value=-1)
    answers = torch.nn.functional.conv2d(on_black, weights[None, None])[0, 0]
    picture(ax, _grey(digit[0, 0]), 2.2, 3.6, size=4)
    picture(ax, _grey(answers), 15.7, 3.6, size=4)
    for x, side in ((2.2, 3), (15.7, 1)):
        left, bottom = x - 2 + (column - (side - 1) / 2) / 7, 5.6 - (row + (side + 1) / 2) / 7
        frame_style = {"fill": False, "edgecolor": "#E69F00", "linewidth": 3, "zorder": 5}
        ax.add_patch(Rectangle((left, bottom), side / 7, side / 7, **frame_style))
    _numbers(ax, under, 6.2, form=".1f")
    write(ax, 7.95, 3.6, "x", size=BIG)
    _numbers(ax, weights, 9.7, form="+.0f")
    write(ax, 12.35, 3.6, f"= {answers[row, column]:.1f}", size=BIG)
    for x, name in ((2.2, "a digit"), (6.2, "in the window"), (9.7, "weights"), (15.7, "at all places")):
        write(ax, x, 0.9, name)
    return frame(fig).quantize(32, dither=Image.Dither.NONE)


def _numbers(ax, values, x, *, form):
    """Write 3 x 3 numbers into a frame around (x, 3.6)."""
    ax.add_patch(Rectangle((x - 1.3, 2.3), 2.6, 2.6, fill=False, edgecolor="#E69F00", linewidth=3))
    for (row, column), value in np.ndenumerate(values.numpy()):
        write(
            ax, x + 0.85 * (column - 1), 3.6 - 0.85 * (row - 1), format(float(value), form).replace("+0", "0"), size=12
        )


SLOW += [biggan, labels, hands, phone_number, truncation, phone, wishes, faces, edits, alive]
SLOW += [pix2pix, painted, three_bills, learning_to_see, cyclegan, seasons, secret]
SLOW += [class_photo, downhill, pixels_or_eye]
QUICK = [close_up, four_to_784, real_portraits, two_piles, sizes, mean_face]
QUICK += [generative, adversarial, network, game, game_diagram, pass_one, pass_two, stylegan, unet]
QUICK += [styles, list_of_five, pixels, colour, mnist, classification]
QUICK += [
    slanted_strip,
    slanted_diagram,
    slanted_people,
    slanted_detective,
    slanted_criminal,
    log_loss,
    slanted_game,
    slanted_losses,
]
QUICK += [landscape, gradient_descent, two_wishes, window]


# Writing them down


def encode(made):
    """Return (ending, bytes) for what a function made."""
    buffer = io.BytesIO()
    if isinstance(made, list):
        made[0].save(buffer, "GIF", save_all=True, append_images=made[1:], duration=200, loop=0, optimize=True)
        return "gif", buffer.getvalue()
    if not isinstance(made, Image.Image):
        made = without_margins(frame(made, dpi=200)).quantize(128, dither=Image.Dither.NONE)
    made.save(buffer, "PNG", optimize=True)
    return "png", buffer.getvalue()


def without_margins(picture):
    """Cut off what is white all around but for a narrow rim, so that a slide is filled by what there is to see."""
    seen = ImageOps.invert(picture.convert("L")).point(lambda dark: dark > 4 and 255).getbbox()
    return ImageOps.expand(picture.crop(seen), 20, "white")


def main(words):
    """Make the pictures that are named, or all quick ones, or with --slow all; say how large they are."""
    by_name = {make.__name__.replace("_", "-"): make for make in SLOW + QUICK}
    names = [word.replace("_", "-") for word in words if word != "--slow"]
    names = names or [name for name, make in by_name.items() if "--slow" in words or make in QUICK]
    for name in names:
        ending, data = encode(by_name[name]())
        (FOLDER / f"{name}.{ending}").write_bytes(data)
        print(f"{name}.{ending}", f"{len(data) / 1000:.1f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
