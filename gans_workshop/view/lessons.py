"""Draw the figures of single lessons, list layers, and read and check what a student draws and sets."""

import copy

import numpy as np
import torch
from torch import nn

from gans_workshop.game.images import check
from gans_workshop.view.plots import CRIMINAL, DETECTIVE, LABEL, SMALL, contact_sheet, figure_with_axes, label_axes

SHEET = 1.3  # a sheet of points runs from -1.3 to 1.3 in both directions


def check_number(name, value, least, most, *, whole=True):
    """Raise a ValueError with a sentence unless the setting `name` is a number from `least` to `most`."""
    kind, what = (int, "a whole number") if whole else (int | float, "a number")
    if isinstance(value, bool) or not isinstance(value, kind) or not least <= value <= most:
        raise ValueError(f"{name} = {value!r}: write {what} from {least:,} to {most:,}, without quotes.")


def read_drawing(text, *, size=None):
    """Read a drawing of `#` and `.` as booleans (rows, columns). Raises: ValueError: what is wrong with which row."""
    rows = [line.rstrip() for line in text.strip("\n").splitlines()] or [""]
    width = size or max(map(len, rows))
    for number, row in enumerate(rows, start=1):
        if strange := row.replace("#", "").replace(".", "")[:1]:
            raise ValueError(f"Row {number} of the drawing has a {strange!r}: type only # and . (for nothing).")
        if len(row) != width:
            raise ValueError(f"Row {number} of the drawing has {len(row)} signs: give every row {width}.")
    if size and len(rows) != size:
        raise ValueError(f"The drawing has {len(rows)} rows: give it {size}.")
    if not size and "#" not in text:
        raise ValueError("There is no # in the drawing: type # where there is land and . for water.")
    return np.array([[sign == "#" for sign in row] for row in rows])


def plot_curves(x, curves, *, marks, xlabel, ylabel, title=None):
    """Plot each of `curves` (name: values over `x`) in its own axes, with a dot and its value at each of `marks`."""
    fig, axes = figure_with_axes(1, len(curves), size=(4.6 * len(curves) + 0.4, 3.8), title=title)
    for ax, (name, y) in zip(axes[0], curves.items(), strict=True):
        ax.plot(x, y, color="0.2", linewidth=2.2)
        for mark, height in zip(marks, np.interp(marks, x, y), strict=True):
            ax.plot(mark, height, "o", color="0.2")
            left = mark > x[0] + (0.35 if y[-1] > y[0] else 0.65) * (x[-1] - x[0])  # where the curve leaves room
            place = {"xytext": (-9 if left else 9, 32), "ha": "right" if left else "left", "fontsize": SMALL}
            line = {"arrowstyle": "-", "color": "0.6"}
            ax.annotate(
                f"{mark:g} gives {height:.3f}", (mark, height), **place, textcoords="offset points", arrowprops=line
            )
        ax.set_title(name, fontsize=LABEL)
        ax.set_xticks(np.linspace(np.round(x[0]), np.round(x[-1]), 5))
        label_axes(ax, xlabel, ylabel)
    return fig


def _draw_cells(ax, values, *, signed=False):
    """Draw four numbers as a 2 x 2 screen (1 = dark) or, signed, as weights (purple below 0, green above)."""
    cells = np.asarray(values, float).reshape(2, 2)
    ax.imshow(cells, cmap="PRGn" if signed else "gray_r", vmin=-1.5 if signed else 0, vmax=1.5 if signed else 1)
    ax.set(xticks=[], yticks=[])
    for (row, column), value in np.ndenumerate(cells):
        color = "white" if abs(value) > (1 if signed else 0.5) else "black"
        text = f"{value:+.2f}" if signed else f"{value:.2f}"
        ax.text(column, row, text, color=color, ha="center", va="center", fontsize=LABEL)


def show_screens(screens, *, captions=None, title=None, columns=8, signed=False):
    """Show 2 x 2 screens (four numbers each, 1 = dark); `signed` draws weights: purple below 0, green above."""
    columns = min(columns, len(screens))
    rows = -(-len(screens) // columns)
    fig, axes = figure_with_axes(rows, columns, size=(1.4 * columns, 1.75 * rows + 0.4), title=title)
    for ax in axes.flat[len(screens) :]:
        ax.axis("off")
    for i, screen in enumerate(screens):
        _draw_cells(axes.flat[i], screen, signed=signed)
        axes.flat[i].set_title(captions[i] if captions else "", fontsize=SMALL)
    return fig


def show_game(moments, *, title=None):
    """Show the game as a strip, a column for each moment (caption, D's weights, G(0.5), D's loss, G's loss)."""
    fig, axes = figure_with_axes(3, len(moments), size=(1.6 * len(moments) + 0.6, 5), title=title)
    for column, (caption, weights, fake, d_loss, g_loss) in zip(axes.T, moments, strict=True):
        _draw_cells(column[0], weights, signed=True)
        _draw_cells(column[1], fake)
        column[0].set_title(caption, fontsize=SMALL)
        bars = column[2].bar(["D", "G"], [d_loss, g_loss], color=[DETECTIVE["color"], CRIMINAL["color"]])
        column[2].bar_label(bars, fmt="%.2f", fontsize=SMALL)
        column[2].set(ylim=(0, 1.2 * max(2, *(max(m[3:]) for m in moments))), yticks=[])
        column[2].spines[["top", "right", "left"]].set_visible(False)
    for ax, label in zip(axes[:, 0], ("D's weights", "a fake, G(0.5)", "losses"), strict=True):
        ax.set_ylabel(label, fontsize=LABEL)
    return fig


def _draw_field(ax, opinions, real, fakes, *, pushes=None):
    """Draw points on a sheet that is blue where D says 'real' and orange where it says 'fake'."""
    from matplotlib.colors import LinearSegmentedColormap

    if opinions is not None:
        colors = LinearSegmentedColormap.from_list("opinion", ["#F2B48F", "#FFFFFF", "#8FC3E6"])  # pale: dots stand out
        ax.imshow(
            opinions, colors, vmin=0, vmax=1, extent=2 * (-SHEET, SHEET), origin="lower", interpolation="bilinear"
        )
    ax.plot(*np.asarray(real).T, ".", color="0.2", markersize=3)
    ax.plot(*np.asarray(fakes).reshape(-1, 2).T, ".", color=CRIMINAL["color"], markersize=5, markeredgewidth=0)
    if pushes is not None:
        starts = np.asarray(fakes)[: len(pushes)]
        ax.quiver(*starts.T, *np.asarray(pushes).T, angles="xy", scale_units="xy", scale=1, width=0.008, zorder=3)
    ax.set(xlim=(-SHEET, SHEET), ylim=(-SHEET, SHEET), xticks=[], yticks=[], aspect="equal")


def show_fields(moments, *, real, columns=4, title=None):
    """Show points on sheets, one for each moment (caption, opinions or None, fakes[, pushes]).

    Shapes: real (N, 2), fakes (M, 2), opinions D(x) (n, n) from the lower left, pushes (P, 2) of the first P fakes.
    """
    columns = min(columns, len(moments))
    rows, side = -(-len(moments) // columns), 2.9 if len(moments) > 1 else 4.4
    fig, axes = figure_with_axes(rows, columns, size=(side * columns, (side + 0.3) * rows + 0.4), title=title)
    for ax, (caption, opinions, fakes, *pushes) in zip(axes.flat, moments):
        _draw_field(ax, opinions, real, fakes, pushes=pushes[0] if pushes else None)
        ax.set_title(caption, fontsize=LABEL)
    for ax in axes.flat[len(moments) :]:
        ax.axis("off")
    return fig


def show_visits(visits, *, rounds, title=None):
    """Show which share of the fakes was on each island over time: a strip for each of `visits`, (moments, islands)."""
    fig, axes = figure_with_axes(len(visits), 1, size=(9, 2.4 * len(visits) + 0.3), title=title)
    for ax, (name, shares) in zip(axes[:, 0], visits.items()):
        shares = np.asarray(shares).T
        extent = (0, rounds, 0.5, len(shares) + 0.5)
        ax.imshow(shares, cmap="Oranges", vmin=0, vmax=0.4, aspect="auto", origin="lower", extent=extent)
        ax.set_title(name, fontsize=LABEL, loc="left")
        label_axes(ax, "round", "island")
    return fig


def show_panels(panels, *, title=None):
    """Show sheets of pictures side by side, each under its name: {name: pictures as for `contact_sheet`}."""
    fig, axes = figure_with_axes(1, len(panels), size=(12, 12 / len(panels) + 0.8), title=title)
    for ax, (name, pictures) in zip(axes[0], panels.items()):
        ax.imshow(contact_sheet(pictures, columns=int(len(pictures) ** 0.5)), cmap="gray", vmin=0, vmax=255)
        ax.set_title(name, fontsize=LABEL)
        ax.set(xticks=[], yticks=[])
    return fig


def shape_table(network, example):
    """List what each layer makes of `example`, with its number of weights, as text to print."""
    fits = isinstance(network, nn.Module) and isinstance(example, torch.Tensor)
    check(fits, "shape_table takes a network and a tensor, for example Generator(), torch.randn(5, 64).")
    network = copy.deepcopy(network)  # looking changes nothing: neither batch norm's statistics nor the hooks
    rows = [("input", tuple(example.shape), 0)]

    def note(layer, _, out):
        rows.append((type(layer).__name__, tuple(out.shape), sum(p.numel() for p in layer.parameters())))

    for layer in network.modules():
        if not list(layer.children()):
            layer.register_forward_hook(note)
    with torch.no_grad():
        network(example)
    total = sum(count for *_, count in rows)
    lines = [f"{name:<16}{shape!s:<22}{count:>9,}" for name, shape, count in rows]
    return "\n".join([f"{'layer':<16}{'shape after it':<22}{'weights':>9}", *lines, f"{'all':<38}{total:>9,}"])
