"""Watch a training while it runs: one picture, renewed in place, and a film of it to keep."""

import textwrap
import time
import warnings

from gans_workshop.game.images import check, to_uint8
from gans_workshop.game.labels import PER_ROW, row_titles
from gans_workshop.view.diagnosis import diagnose
from gans_workshop.view.plots import SMALL, draw_images, draw_losses, draw_scores, side_by_side, to_png

FILM_LENGTH = 48  # frames kept at most: then every other one goes, and the pauses double


class Film:
    """What the fixed z became as training went on: `frames`, each (N, C, H, W) uint8, after `steps` rounds."""

    def __init__(self):
        self.frames, self.steps, self.pause = [], [], 1

    def keep(self, gan, *, last=False):
        """Keep a frame if one is due: often at first, when much changes, ever more rarely later; and the last one."""
        if self.steps and gan.step < self.steps[-1]:  # another game
            self.frames, self.steps, self.pause = [], [], 1
        if self.steps and gan.step < self.steps[-1] + (1 if last else self.pause):
            return
        self.frames.append(to_uint8(gan.preview()).cpu())
        self.steps.append(gan.step)
        self.pause = max(self.pause, gan.step // 16)
        if len(self.frames) > FILM_LENGTH:
            del self.frames[1::2], self.steps[1::2]

    def pick(self, count):
        """Choose `count` moments, from the first to the last, as (frames, captions) for `film_strip`."""
        chosen = sorted({round(i * (len(self.frames) - 1) / max(1, count - 1)) for i in range(count)})
        return [self.frames[i] for i in chosen], [f"{self.steps[i]:,}" for i in chosen]


class LiveView:
    """Give it to `train(..., watch=LiveView())`: pictures for the same z, losses, opinions, and the time left.

    The picture is renewed every `seconds` at most, and more rarely where drawing it would cost more than 4 % of the
    time. `film` keeps what the fixed z became, also outside a notebook, where nothing is drawn.
    With `advice=False` the doctor says what is wrong and not what to do. Where G is given pictures, they stand beside
    what it makes of them, and `truth` (N, C, H, W), the right answers; of a `CycleGAN` also what comes back.
    """

    def __init__(self, *, seconds=2, advice=True, truth=None):
        from IPython import get_ipython

        check(hasattr(seconds, "__float__"), f"seconds={seconds!r} must be a number, for example seconds=2.")
        self.seconds, self.film = seconds, Film()
        self.words = {"advice": advice, "truth": truth}
        self.screen, self.start, self.next_picture = None, 0, 0
        self.broken = not hasattr(get_ipython(), "kernel")  # no notebook

    def __call__(self, gan, done, last):
        """Look at the game after a round; `done` is the part of the budget that is spent."""
        if not gan.history.steps or (done >= 1 and not last):  # nothing to see yet; the last picture comes at once
            return
        self.film.keep(gan, last=last)
        now = time.monotonic()
        if not self.start:
            self.start = self.next_picture = now
        if not self.broken and (last or now >= self.next_picture):
            try:
                self.screen = self.screen or _Screen()
                self.screen.show(gan, done, _time_left(now - self.start, done), **self.words)
                if last:
                    self.screen.finish(gan)
            except Exception as error:  # whatever it is, hours of training are worth more than a picture
                print(f"The live view broke down; training goes on without it ({type(error).__name__}: {error}).")
                self.broken = True
            self.next_picture = now + max(self.seconds, 25 * (time.monotonic() - now))
        if last:
            self.screen, self.start = None, 0


def _time_left(elapsed, done):
    seconds = elapsed * (1 - done) / max(done, 1e-6)
    return f"{seconds / 60:.0f} min left" if seconds > 90 else f"{seconds:.0f} s left"


def draw_view(gan, *, advice=True, truth=None):
    """Draw the picture of the live view: what the fixed z became, beside the losses and D's opinions."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5.2), layout="constrained", facecolor="white")
    figure.get_layout_engine().set(h_pad=0.1)  # with less, four lines of a verdict push the title out at the top
    left, right = figure.subfigures(1, 2, width_ratios=[5, 6])
    grid = left.subplots()
    pictures, columns = gan.preview(), 8
    words = f"G(z) for the same {len(pictures)} z"
    if gan.classes:
        words = f"G(z) for the same {PER_ROW} z in each row"
    if getattr(gan.fixed_condition, "ndim", 0) == 4:
        sets = {"given": gan.fixed_condition, "made": pictures} | ({} if truth is None else {"truth": truth})
        if hasattr(gan, "back"):
            sets["back again"] = gan.translate_back(pictures).nan_to_num(0)
        pictures, words = side_by_side(*sets.values()), ", ".join(sets)
        columns = 2 * len(sets)
    draw_images(grid, pictures, columns=columns)
    grid.set_title(f"{words}, after {gan.step:,} rounds", fontsize=12)
    if titles := row_titles(gan.fixed_condition, gan.classes, gan.class_names):
        places = [(i + 0.5) * (gan.picture_shape[1] + 2) for i in range(len(titles))]
        size = 8 if "," in titles[0] else SMALL  # several attributes
        grid.set_yticks(places, [textwrap.fill(title, 120 // size) for title in titles], fontsize=size)
        grid.tick_params(length=0)
    losses, scores = right.subplots(2, 1)
    draw_losses(losses, gan.history)
    draw_scores(scores, gan.history)
    texts = []
    for way, game in {"There: ": gan.there, "Back: ": gan.back}.items() if hasattr(gan, "back") else [("", gan)]:
        verdict = diagnose(game.history)
        texts.append(textwrap.fill(f"{way}{verdict.sentence} {verdict.advice if advice else ''}", 125))
    figure.supxlabel("\n".join(texts), fontsize=12)  # in the picture: it stays when the widget is gone
    return figure


class _Screen:
    """The view in a notebook: a picture of fixed size, a line of text and a bar, renewed in place."""

    def __init__(self):
        import ipywidgets as widgets
        from IPython.display import display

        self.image = widgets.Image(format="png", width=880, height=416)
        self.label = widgets.Label()
        self.bar = widgets.IntProgress(max=1000, layout=widgets.Layout(width="880px"))
        self.box = widgets.VBox([self.image, self.label, self.bar])
        # Not display(self.box): Colab's ipywidgets 7 forgets the display_id, by which `finish` finds this place again.
        view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
        data = {"application/vnd.jupyter.widget-view+json": view, "text/plain": "The live view"}
        self.output = display(data, raw=True, display_id=True)

    def show(self, gan, done, time_left, *, advice, truth):
        self.label.value = f"round {gan.step:,}, {time_left} (the stop button is safe)"
        self.bar.value = round(1000 * done)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.png = to_png(draw_view(gan, advice=advice, truth=truth), dpi=80)
        self.image.value = self.png

    def finish(self, gan):
        """Put a plain picture in the place of the widget: it stays when the notebook is closed."""
        from IPython.display import Image

        alt = {"alt": f"The pictures, losses and opinions after {gan.step} rounds"}
        self.output.update(Image(self.png, metadata=alt))  # Colab's IPython 7 knows no Image(alt=...)
        self.box.close()
