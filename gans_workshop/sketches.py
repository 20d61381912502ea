"""Draw the figures that one lesson needs. Each function returns a Figure, as in `plots`."""

import numpy as np

from gans_workshop.plots import CRIMINAL, DETECTIVE, LABEL, SMALL, figure_with_axes, finish


def plot_curves(x, curves, *, marks, xlabel, ylabel, title=None):
    """Plot each of `curves` (name: values over `x`) in its own axes, with a dot and its value at each of `marks`."""
    fig, axes = figure_with_axes(1, len(curves), size=(4.6 * len(curves) + 0.4, 3.8), title=title)
    for ax, (name, y) in zip(axes[0], curves.items(), strict=True):
        ax.plot(x, y, color="0.2", linewidth=2.2)
        for mark, height in zip(marks, np.interp(marks, x, y), strict=True):
            ax.plot(mark, height, "o", color="0.2")
            text = f"  {mark:g} gives {height:.2f}  "
            ax.text(mark, height, text, ha="right" if y[-1] > y[0] else "left", va="bottom", fontsize=SMALL)
        ax.set_title(name, fontsize=LABEL)
        ax.margins(x=0.45)
        ax.set_xticks(np.linspace(np.round(x[0]), np.round(x[-1]), 5))
        finish(ax, xlabel, ylabel)
    return fig


def _draw_cells(ax, values, *, signed=False, numbers=True):
    """Draw four numbers as a 2 x 2 screen (1 = dark) or, signed, as weights (purple below 0, green above)."""
    cells = np.asarray(values, float).reshape(2, 2)
    ax.imshow(cells, cmap="PRGn" if signed else "gray_r", vmin=-1.5 if signed else 0, vmax=1.5 if signed else 1)
    ax.set(xticks=[], yticks=[])
    for (row, column), value in np.ndenumerate(cells if numbers else []):
        color = "white" if abs(value) > (1 if signed else 0.5) else "black"
        text = f"{value:+.2f}" if signed else f"{value:.2f}"
        ax.text(column, row, text, color=color, ha="center", va="center", fontsize=LABEL)


def show_screens(screens, *, captions=None, numbers=True, title=None, columns=8, signed=False):
    """Show 2 x 2 screens (four numbers each, 1 = dark); `signed` draws weights: purple below 0, green above."""
    columns = min(columns, len(screens))
    rows = -(-len(screens) // columns)
    fig, axes = figure_with_axes(rows, columns, size=(1.4 * columns, 1.75 * rows + 0.4), title=title)
    for ax in axes.flat[len(screens) :]:
        ax.axis("off")
    for i, screen in enumerate(screens):
        _draw_cells(axes.flat[i], screen, signed=signed, numbers=numbers)
        axes.flat[i].set_title(captions[i] if captions else "", fontsize=SMALL)
    return fig


def show_game(moments, *, title=None):
    """Show the game as a strip, a column for each moment (caption, D's weights, fake, D's error, G's error)."""
    fig, axes = figure_with_axes(3, len(moments), size=(1.6 * len(moments) + 0.6, 5), title=title)
    for column, (caption, weights, fake, d_error, g_error) in zip(axes.T, moments, strict=True):
        _draw_cells(column[0], weights, signed=True)
        _draw_cells(column[1], fake)
        column[0].set_title(caption, fontsize=SMALL)
        bars = column[2].bar(["D", "G"], [d_error, g_error], color=[DETECTIVE["color"], CRIMINAL["color"]])
        column[2].bar_label(bars, fmt="%.2f", fontsize=SMALL)
        column[2].set(ylim=(0, 1.2 * max(2, *(max(m[3:]) for m in moments))), yticks=[])
        column[2].spines[["top", "right", "left"]].set_visible(False)
    for ax, label in zip(axes[:, 0], ("D's weights", "a fake, G(z)", "errors"), strict=True):
        ax.set_ylabel(label, fontsize=LABEL)
    return fig
