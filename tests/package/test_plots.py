"""Every figure says what it should, is cut off nowhere, is shown once and leaks nothing."""

import subprocess
import sys
from types import SimpleNamespace

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from gans_workshop import LiveView, side_by_side, train
from gans_workshop.view import plots
from gans_workshop.view.live import Film
from tools import ROOT, check_figure, pictures, run


def history(steps):
    dice = np.random.default_rng(0)
    noisy = {name: list(0.5 + dice.random(steps) / 4) for name in ("d_loss", "g_loss", "d_real", "d_fake")}
    return SimpleNamespace(steps=list(range(1, steps + 1)), **noisy)


DIGITS = torch.linspace(-1, 1, 10 * 28 * 28).reshape(10, 1, 28, 28)

FIGURES = {
    "one picture": lambda: plots.show_images(DIGITS[:1], title="One"),
    "grid": lambda: plots.show_images(DIGITS.expand(10, 3, 28, 28), columns=4, title="Ten fakes after 300 steps"),
    "captions": lambda: plots.show_images(DIGITS, captions=[f"digit {i}" for i in range(10)], columns=5),
    "row titles": lambda: plots.show_images(
        DIGITS, columns=4, row_titles=["brick", "rough cloth", "wood"], title="Rows"
    ),
    "film strip": lambda: plots.film_strip([DIGITS[:3]] * 6, captions=[f"{i}00" for i in range(6)], title="Same z"),
    "film strip with row titles": lambda: plots.film_strip(
        [DIGITS[:2]] * 3, captions=["1", "20", "300"], title="The same z, round by round", row_titles=["a", "b"]
    ),
    "losses": lambda: plots.plot_losses(history(2000)),
    "scores": lambda: plots.plot_scores(history(2000)),
    "no losses yet": lambda: plots.plot_losses(history(0)),
    "no scores yet": lambda: plots.plot_scores(history(0)),
    "one step": lambda: plots.plot_losses(history(1)),
}


@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_is_sound(name):
    check_figure(FIGURES[name])


@pytest.mark.parametrize("name", ["losses", "scores"])
def test_axes_are_labelled(name):
    for ax in FIGURES[name]().axes:
        assert ax.get_xlabel() and ax.get_ylabel()


def test_a_figure_is_shown_exactly_once(tmp_path, monkeypatch):
    make = "from gans_workshop.view.lessons import show_screens\nfig = show_screens([[1, 0, 0, 1]])"
    cells = [make, "fig", "display(fig)", "show_screens([[0, 1, 1, 0]])", "kept = show_screens([[0, 1, 1, 0]]); 1"]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    run(book, tmp_path, monkeypatch)
    assert [len(pictures(cell)) for cell in book.cells] == [0, 1, 1, 1, 0]


def test_importing_the_plots_does_not_import_matplotlib():
    program = "import sys, gans_workshop.view.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0


def test_the_players_differ_in_colour_brightness_and_dashes():
    red, _, blue = to_rgb(plots.DETECTIVE["color"])
    assert blue > red and to_rgb(plots.CRIMINAL["color"])[0] > to_rgb(plots.CRIMINAL["color"])[2]
    brightness = [
        np.dot(to_rgb(style["color"]), (0.2126, 0.7152, 0.0722)) for style in (plots.DETECTIVE, plots.CRIMINAL)
    ]
    assert abs(brightness[0] - brightness[1]) > 0.05  # still apart in grey
    assert plots.DETECTIVE["linestyle"] != plots.CRIMINAL["linestyle"]
    for draw in (plots.draw_losses, plots.draw_scores):
        ax = Figure().subplots()
        draw(ax, history(50))
        thick = [line for line in ax.lines if line.get_linewidth() > 2]
        assert [(line.get_color(), line.get_linestyle()) for line in thick] == [
            (plots.DETECTIVE["color"], plots.DETECTIVE["linestyle"]),
            (plots.CRIMINAL["color"], plots.CRIMINAL["linestyle"]),
        ]


# Pictures


def test_a_contact_sheet_puts_each_picture_in_its_place():
    images = torch.tensor([-1.0, 0.0, 1.0]).view(3, 1, 1, 1).expand(3, 1, 2, 2)
    sheet = plots.contact_sheet(images, columns=2, gap=1)
    white = 255
    assert sheet.dtype == np.uint8
    assert sheet.tolist() == [
        [0, 0, white, 128, 128],
        [0, 0, white, 128, 128],
        [white] * 5,
        [255, 255, white, white, white],
        [255, 255, white, white, white],
    ]


def test_a_contact_sheet_takes_colour_and_uint8_and_fewer_pictures_than_columns():
    images = torch.arange(2 * 3 * 4 * 5, dtype=torch.uint8).reshape(2, 3, 4, 5)
    sheet = plots.contact_sheet(images, columns=8, gap=2)
    assert sheet.shape == (4, 5 + 2 + 5, 3)
    assert (sheet[:, 7:] == images[1].permute(1, 2, 0).numpy()).all()
    assert (plots.contact_sheet(images.numpy(), gap=2) == sheet).all()


def test_a_contact_sheet_takes_what_a_network_gives():
    raw = torch.zeros(2, 1, 4, 4, requires_grad=True)
    assert (plots.contact_sheet(raw) == plots.contact_sheet(raw.detach().to(torch.bfloat16))).all()


BAD = {
    "one picture without a batch": (torch.zeros(1, 28, 28), "images[None]"),
    "grey without channels": (torch.zeros(10, 28, 28), "images[:, None]"),
    "a single matrix": (torch.zeros(28, 28), "four axes"),
    "channels last": (torch.zeros(4, 28, 28, 3), "images.permute(0, 3, 1, 2)"),
    "channels last, uint8": (torch.zeros(4, 28, 28, 1, dtype=torch.uint8), "images.permute(0, 3, 1, 2)"),
    "four channels": (torch.zeros(4, 4, 28, 28), "1 or 3"),
    "no picture": (torch.zeros(0, 1, 28, 28), "there is no picture in it"),
    "0 to 255 in floats": (torch.linspace(0, 255, 784).reshape(1, 1, 28, 28), "images / 127.5 - 1"),
    "0 to 255 in integers": (torch.arange(256).reshape(1, 1, 16, 16), "images.to(torch.uint8)"),
    "logits": (torch.linspace(-9, 9, 784).reshape(1, 1, 28, 28), "from -9 to 9"),
    "NaN": (torch.full((1, 1, 28, 28), torch.nan), "NaN"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize(
    "show", [plots.contact_sheet, plots.show_images, lambda x: plots.film_strip([x], captions=["0"])]
)
def test_wrong_pictures_are_refused_in_one_helpful_sentence(name, show):
    images, hint = BAD[name]
    with pytest.raises(ValueError) as caught:
        show(images)
    assert hint in str(caught.value)
    assert str(caught.value).count(".\n") == 0 and str(caught.value).endswith(".") and len(str(caught.value)) < 160
    assert plt.get_fignums() == []


def test_a_film_strip_has_a_column_for_each_moment_and_a_row_for_each_z():
    frames = [torch.full((2, 1, 1, 1), time) + torch.tensor([0.0, 0.1]).view(2, 1, 1, 1) for time in (-1.0, 0.0, 0.5)]
    ax = plots.film_strip(frames, captions=["0", "100", "200"]).axes[0]
    shown = ax.images[0].get_array()[::3, ::3]  # a gap of two pixels
    expected = np.array([[-1, 0, 0.5], [-0.9, 0.1, 0.6]])
    assert np.abs(shown / 127.5 - 1 - expected).max() < 0.01
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "100", "200"]


@pytest.mark.parametrize("show", [plots.show_images, lambda x: plots.film_strip([x], captions=["1"])])
def test_every_picture_has_a_thin_frame_so_that_white_shows_on_white(show):
    ax = show(torch.ones(3, 1, 28, 28)).axes[0]
    (frames,) = ax.collections
    assert len(frames.get_paths()) == 3
    box = frames.get_paths()[0].get_extents()
    assert (box.x0, box.y0, box.width, box.height) == (-0.5, -0.5, 28, 28)
    ax.xaxis.set_visible(False)  # words are black
    canvas = FigureCanvasAgg(ax.figure)
    canvas.draw()
    shown = np.asarray(canvas.buffer_rgba())[..., :3]
    assert 150 < shown.min() < 235, "grey, neither black nor white"


def test_a_row_has_its_title_beside_it():
    ax = plots.show_images(DIGITS, columns=4, row_titles=["a", "b", "c"]).axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]
    assert ax.get_yticks().tolist() == [14, 44, 74], "at the middle of each row"


@pytest.mark.parametrize(
    ("show", "words"),
    [
        (lambda: plots.show_images(DIGITS, captions=["a"] * 9), "give a list of 10 texts"),
        (
            lambda: plots.show_images(DIGITS, captions="ten digits"),
            "captions='ten digits' does not fit: give a list of 10",
        ),
        (lambda: plots.show_images(DIGITS, row_titles=["a"]), "list of 2 texts"),
        (lambda: plots.film_strip([DIGITS] * 2, captions=["1"]), "list of 2 texts"),
    ],
)
def test_texts_that_are_too_few_or_too_many_are_told(show, words):
    with pytest.raises(ValueError, match=words):
        show()


# Curves


def test_long_histories_are_thinned_out():
    ax = Figure().subplots()
    plots.draw_losses(ax, history(20_000))
    assert max(len(line.get_xdata()) for line in ax.lines) == 500
    assert ax.lines[1].get_xdata()[-1] == 20_000


def test_the_thick_line_is_the_average_and_the_thin_one_shows_real_values():
    game = history(6000)
    game.d_loss = [1.0, 3.0, 5.0] * 2000  # batches that repeat in a rhythm
    ax = Figure().subplots()
    plots.draw_losses(ax, game)
    thin, thick = ax.lines[0].get_ydata(), ax.lines[1].get_ydata()
    assert np.allclose(thick, 3)
    assert set(thin) == {1.0, 3.0, 5.0}


def test_the_coin_levels_are_drawn_and_named():
    ax = Figure().subplots()
    plots.draw_losses(ax, history(10))
    levels = [line.get_ydata()[0] for line in ax.lines if line.get_linestyle() == ":"]
    assert levels == pytest.approx([2 * np.log(2), np.log(2)])
    assert {text.get_text() for text in ax.texts} == {"2 ln 2 = 1.386", "ln 2 = 0.693"}
    plots.draw_scores(ax := Figure().subplots(), history(10))
    assert ax.get_ylim() == (0, 1)
    assert [line.get_ydata()[0] for line in ax.lines if line.get_linestyle() == ":"] == [0.5]


def test_what_the_picture_cuts_off_is_said_beside_it():
    game = history(1000)
    game.d_loss[500], game.g_loss[700] = 12.34, -3.21
    ax = plots.plot_losses(game).axes[0]
    assert {text.get_text() for text in ax.texts} >= {"▲ up to 12.3", "▼ down to -3.21"}
    game.d_loss[500], game.g_loss[700] = float("nan"), float("inf")
    assert not any("to" in text.get_text() for text in plots.plot_losses(game).axes[0].texts)


def test_a_gan_may_be_given_for_its_notes(make_gan, digits):
    gan = make_gan()
    train(gan, digits, steps=3, batch_size=8)
    for plot in (plots.plot_losses, plots.plot_scores):
        of_gan, of_notes = plot(gan).axes[0].lines, plot(gan.history).axes[0].lines
        assert all((a.get_xydata() == b.get_xydata()).all() for a, b in zip(of_gan, of_notes, strict=True))


def test_curves_of_what_has_no_notes_are_refused(make_gan):
    for wrong in ([1, 2], LiveView(), make_gan().generator):
        with pytest.raises(ValueError, match=r"notes of a training: give gan.history"):
            plots.plot_scores(wrong)


def test_a_film_may_be_given_for_its_frames_and_texts_may_be_numbers(make_gan):
    film = Film()
    film.keep(make_gan())
    strip = plots.film_strip(film, captions=[1], row_titles=range(64))
    assert [label.get_text() for label in strip.axes[0].get_yticklabels()][:3] == ["0", "1", "2"]


@pytest.mark.parametrize("columns", [0, -1, "8", 2.5])
def test_columns_are_a_whole_number(columns):
    for show in (plots.show_images, plots.contact_sheet):
        with pytest.raises(ValueError, match=r"columns=.* must be a whole number of at least 1"):
            show(DIGITS, columns=columns)


@pytest.mark.parametrize("frames", [[], [DIGITS, DIGITS[:3]], [DIGITS, DIGITS[..., :14]]])
def test_a_strip_needs_frames_that_are_alike(frames):
    with pytest.raises(ValueError, match="A film strip needs frames, and in each of them as many pictures"):
        plots.film_strip(frames, captions=["1"] * len(frames))


def test_a_strip_says_that_its_numbers_are_rounds_and_the_title_keeps_clear_of_them():
    fig = plots.film_strip([DIGITS[:3]] * 6, captions=[f"{i},000" for i in range(6)], title="The same z")
    (ax,), canvas = fig.axes, FigureCanvasAgg(fig)
    assert ax.get_xlabel() == "round"
    canvas.draw()
    numbers = max(label.get_window_extent().y1 for label in ax.get_xticklabels())
    assert numbers < ax.xaxis.label.get_window_extent().y1 < fig.texts[0].get_window_extent().y0


def test_curves_survive_an_interrupt_between_two_lists_and_a_broken_training():
    game = history(100)
    game.d_loss.pop()
    game.g_loss[50:] = [float("nan")] * 50
    game.d_loss[3] = float("inf")
    assert isinstance(plots.plot_losses(game), Figure)
    game.d_loss = [20.0] * 100
    assert plots.plot_losses(game).axes[0].get_ylim()[1] > 20


def test_to_png_gives_a_picture_of_the_stated_size():
    png = plots.to_png(plots.plot_losses(history(5)), dpi=50)
    assert png.startswith(b"\x89PNG") and int.from_bytes(png[16:20]) == 400 and int.from_bytes(png[20:24]) == 200


def test_sets_lie_side_by_side_and_grey_becomes_colour():
    grey = torch.arange(3, dtype=torch.uint8)[:, None, None, None].expand(3, 1, 4, 4) * 100
    colour = torch.zeros(3, 3, 4, 4) - 1
    both = side_by_side(grey, colour)
    assert both.shape == (6, 3, 4, 4) and both.dtype == torch.uint8
    assert both[::2, :, 0, 0].tolist() == [[0] * 3, [100] * 3, [200] * 3] and both[1::2].max() == 0
    with pytest.raises(ValueError, match="side_by_side needs as many pictures in each set, not 3, 2"):
        side_by_side(grey, colour[:2])
