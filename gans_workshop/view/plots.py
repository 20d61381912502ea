"""Draw pictures, film strips and curves. Each function returns a Figure and never shows it: a cell's last line does."""

import io
import math

import numpy as np
import torch

from gans_workshop.game.images import check, check_images, to_uint8, whole

# The two players look the same on every page: blue and vermillion (safe for colour-blind eyes), solid and dashed.
DETECTIVE = {"color": "#0072B2", "linestyle": "-"}  # D, the discriminator
CRIMINAL = {"color": "#D55E00", "linestyle": "--"}  # G, the generator
LN2 = math.log(2)
MAX_POINTS = 500  # a line with more points looks the same and costs more to draw
TITLE, LABEL, SMALL = 14, 12, 11  # type sizes in points


def figure_with_axes(rows, columns, *, size, title=None):
    """Make a figure that pyplot forgets at once: it is shown exactly once and nothing leaks."""
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained", facecolor="white")
    plt.close(fig)
    if title:
        fig.suptitle(title, fontsize=TITLE)
    return fig, axes


def to_png(fig, *, dpi=100):
    """Turn a figure into the bytes of a PNG picture, for `ipywidgets.Image` or a file."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


def _pixels(images):
    """Check pictures (tensor or array) and bring them to uint8, a NumPy array (N, C, H, W)."""
    return to_uint8(check_images(images).cpu()).numpy()


def contact_sheet(images, *, columns=8, gap=2):
    """Lay pictures side by side on one white sheet. Raises: as `check_images`.

    Shapes: images (N, C, H, W), float in [-1, 1] or uint8 -> uint8 array (H, W) for C = 1, (H, W, 3) for C = 3.
    """
    images = _pixels(images)
    count, channels, height, width = images.shape
    columns = min(whole("columns", columns), count)
    rows = -(-count // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), 255, np.uint8)
    for i, image in enumerate(images):
        top, left = i // columns * (height + gap), i % columns * (width + gap)
        sheet[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    return sheet[:, :, 0] if channels == 1 else sheet


def side_by_side(*sets):
    """Put the first pictures of all sets next to each other, then the second ones, and so on; grey becomes colour.

    Shapes: sets of (N, 1 or 3, H, W), float in [-1, 1] or uint8 -> (sets * N, 3, H, W) uint8.
    """
    same = len({len(pictures) for pictures in sets}) == 1
    check(same, f"side_by_side needs as many pictures in each set, not {', '.join(str(len(x)) for x in sets)}.")
    colour = [np.broadcast_to(x, (len(x), 3, *x.shape[2:])) for x in map(_pixels, sets)]
    return torch.from_numpy(np.stack(colour, 1)).flatten(0, 1)


def draw_images(ax, images, *, columns=8, gap=2):
    """Draw pictures on axes as on a `contact_sheet`, in thin grey frames: white ones can be seen on white, too."""
    from matplotlib.collections import PolyCollection

    ax.imshow(contact_sheet(images, columns=columns, gap=gap), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    (height, width), place = images.shape[2:], np.arange(len(images))
    corners = np.stack([place % columns * (width + gap), place // columns * (height + gap)], axis=1) - 0.5
    frames = corners[:, None] + [[0, 0], [width, 0], [width, height], [0, height]]  # (N, 4, 2)
    look = {"facecolors": "none", "edgecolors": "0.7", "linewidths": 0.5, "clip_on": False}
    ax.add_collection(PolyCollection(frames, **look), autolim=False)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


def _show_rows(images, *, columns, inches, gap, title, row_titles, above=0.5):
    """Show pictures in rows, each column so many inches wide, with the title of each row at its left."""
    count, _, height, width = images.shape
    rows, across = -(-count // columns), max(3.5, inches * columns)
    down = across * (rows * (height + gap) - gap) / (columns * (width + gap) - gap)
    row_titles = [""] * rows if row_titles is None else row_titles
    _check_texts("row_titles", row_titles, rows)
    words = max(0.2 * bool(text) + 0.1 * len(str(text)) for text in row_titles)
    fig, axes = figure_with_axes(1, 1, size=(across + words, down + above), title=title)
    draw_images(axes[0, 0], images, columns=columns, gap=gap)
    axes[0, 0].set_yticks(np.arange(rows) * (height + gap) + height / 2, row_titles, fontsize=SMALL)
    axes[0, 0].tick_params(length=0)
    return fig, axes[0, 0]


def _check_texts(name, texts, count):
    fits = not isinstance(texts, str) and len(texts) == count
    check(fits, f"{name}={texts!r} does not fit: give a list of {count} texts, one for each.")


def show_images(images, *, columns=8, title=None, captions=None, row_titles=None):
    """Show pictures (as for `contact_sheet`) in a grid: `captions` above each of them, `row_titles` beside each row."""
    images = _pixels(images)
    count, _, height, width = images.shape
    columns = min(whole("columns", columns), count)
    gap, inches = (2, 0.8) if captions is None else (max(2, width // 3), 1.3)
    fig, ax = _show_rows(images, columns=columns, inches=inches, gap=gap, title=title, row_titles=row_titles)
    captions = [""] * count if captions is None else captions
    _check_texts("captions", captions, count)
    for i, caption in enumerate(captions):
        x, y = i % columns * (width + gap) + width / 2, i // columns * (height + gap) - 1
        ax.text(x, y, caption, ha="center", va="bottom", fontsize=SMALL)
    return fig


def film_strip(frames, *, captions, title=None, row_titles=None):
    """Show how the same z change: a column for each moment, its round in `captions`, and a row for each z."""
    frames = [_pixels(frame) for frame in getattr(frames, "frames", frames)]  # each (N, C, H, W)
    shapes, columns = {frame.shape for frame in frames}, len(frames)
    check(len(shapes) == 1, "A film strip needs frames, and in each of them as many pictures of the same size.")
    _check_texts("captions", captions, columns)
    channels, height, width = frames[0].shape[1:]
    row_by_row = np.stack(frames, axis=1).reshape(-1, channels, height, width)
    fig, ax = _show_rows(row_by_row, columns=columns, inches=1, gap=2, title=title, row_titles=row_titles, above=1)
    ax.set_xticks([i * (width + 2) + width / 2 for i in range(columns)], captions, fontsize=SMALL)
    ax.tick_params(length=0, top=False, bottom=False, labeltop=True, labelbottom=False)
    ax.set_xlabel("round", fontsize=SMALL)
    ax.xaxis.set_label_position("top")
    return fig


def _draw_line(ax, rounds, values, *, style, label):
    """Draw at most MAX_POINTS values thin and their moving average thick; return the average."""
    count = min(len(rounds), len(values))  # an interrupted training may have noted one and not the other
    rounds, values = np.asarray(rounds[:count], float), np.asarray(values[:count], float)
    if not count:
        return values
    pieces = np.array_split(np.arange(count), min(count, MAX_POINTS))
    some, last = _thin(pieces), [piece[-1] for piece in pieces]
    smooth = _smooth(np.array([values[piece].mean() for piece in pieces]))
    ax.plot(rounds[some], values[some], color=style["color"], linewidth=0.6, alpha=0.4)
    ax.plot(rounds[last], smooth, **style, linewidth=2.2, label=label)
    return smooth


def _thin(pieces):
    """Pick an index of each piece, never at the same part of it twice: a rhythm of the batches would show."""
    return [piece[int(len(piece) * (0.618 * i % 1))] for i, piece in enumerate(pieces)]


def _smooth(values):
    """Average each value with its neighbours, a 25th of the line in all; at the ends there are fewer of them."""
    window = np.ones(1 + len(values) // 25)
    return np.convolve(values, window, "same") / np.convolve(np.ones_like(values), window, "same")


def _mark(ax, level, text, color, *, va="center"):
    ax.axhline(level, color=color, linewidth=1, linestyle=":")
    ax.text(1.01, level, text, transform=ax.get_yaxis_transform(), color=color, va=va, fontsize=SMALL)


def label_axes(ax, xlabel, ylabel):
    """Finish axes as all figures have them: labels, no frame above and at the right, the legend above the curves."""
    ax.set_xlabel(xlabel, fontsize=LABEL)
    ax.set_ylabel(ylabel, fontsize=LABEL)
    ax.tick_params(labelsize=SMALL)
    ax.spines[["top", "right"]].set_visible(False)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False, fontsize=SMALL)


def draw_losses(ax, history):
    """Draw both losses on given axes, and the two levels that mean: D can only toss a coin."""
    d = _draw_line(ax, history.steps, history.d_loss, style=DETECTIVE, label="D, the detective")
    g = _draw_line(ax, history.steps, history.g_loss, style=CRIMINAL, label="G, the criminal")
    _mark(ax, 2 * LN2, "2 ln 2 = 1.386", DETECTIVE["color"], va="bottom")
    _mark(ax, LN2, "ln 2 = 0.693", CRIMINAL["color"], va="top")
    both = np.concatenate([d, g, [0, 1.8]])
    both = both[np.isfinite(both)]
    ax.set_ylim(1.25 * both.min(), 1.25 * both.max())
    label_axes(ax, "round", "loss")
    single = np.concatenate([history.d_loss, history.g_loss])  # the thin lines may go on where the picture ends
    (bottom, top), single = ax.get_ylim(), single[np.isfinite(single)]
    for level, words, peak in ((0, "▼ down to", single.min(initial=bottom)), (1, "▲ up to", single.max(initial=top))):
        if not bottom <= peak <= top:
            ax.text(1.01, level, f"{words} {peak:.3g}", transform=ax.transAxes, va="center", fontsize=SMALL)


def draw_scores(ax, history):
    """Draw D(x) and D(G(z)) on given axes: what the detective thinks of real pictures and of fakes."""
    _draw_line(ax, history.steps, history.d_real, style=DETECTIVE, label="D(x): real pictures")
    _draw_line(ax, history.steps, history.d_fake, style=CRIMINAL, label="D(G(z)): fakes")
    _mark(ax, 0.5, "a coin toss", "0.35")
    ax.set_ylim(0, 1)
    label_axes(ax, "round", "D's opinion (1 = real)")


def _plot(draw, history, title):
    history = getattr(history, "history", history)  # of a whole GAN
    check(hasattr(history, "steps"), "Curves are drawn from the notes of a training: give gan.history.")
    when = f" over {int(history.steps[-1]):,} rounds" if len(history.steps) else ": nothing trained yet"
    fig, axes = figure_with_axes(1, 1, size=(8, 4), title=title + when)
    draw(axes[0, 0], history)
    return fig


def plot_losses(history, *, title="The losses of both players"):
    """Plot both losses over a training; `history` has the lists steps, d_loss and g_loss, of any length."""
    return _plot(draw_losses, history, title)


def plot_scores(history, *, title="What the detective thinks"):
    """Plot D(x) and D(G(z)) over a training; `history` has the lists steps, d_real and d_fake, of any length."""
    return _plot(draw_scores, history, title)
