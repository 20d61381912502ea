"""The figures of single lessons: screens of four pixels, a game in slow motion, curves, sheets of dots."""

import re

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb

from gans_workshop.view import lessons, plots
from tools import check_figure

MOMENT = ("start", [0.5, -0.14, 0.65, 1.52], [0.6, 0.58, 0.48, 0.5], 1.54, 0.3)
FIGURES = {
    "screens": lambda: lessons.show_screens([[1, 0, 0, 1]] * 7, captions=["a face"] * 7, columns=3, title="Faces"),
    "one screen": lambda: lessons.show_screens([[1, 0, 0, 1]]),
    "weights": lambda: lessons.show_screens([[1, -1, -1, 1]], signed=True, captions=["D's weights\n(by hand)"]),
    "game": lambda: lessons.show_game([MOMENT, MOMENT, MOMENT], title="Slow motion"),
    "curves": lambda: lessons.plot_curves(
        np.linspace(0.1, 1), {"a": np.linspace(0, 1), "b": np.linspace(1, 0)}, marks=[0.5], xlabel="p", ylabel="error"
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_is_sound(name):
    check_figure(FIGURES[name])


def test_axes_are_labelled():
    for ax in FIGURES["curves"]().axes:
        assert ax.get_xlabel() and ax.get_ylabel()


# Curves


@pytest.mark.parametrize("marks", [[0.1, 0.9], [0.02, 0.5, 0.98]])
def test_the_curve_fills_its_axes_and_every_value_is_inside(marks):
    x = np.linspace(0.01, 0.99, 197)
    curves = {"falls": -np.log(x), "rises": -np.log(1 - x)}
    fig = lessons.plot_curves(x, curves, marks=marks, xlabel="p", ylabel="loss")
    FigureCanvasAgg(fig).draw()
    for ax in fig.axes:
        low, high = ax.get_xlim()
        assert high - low < 1.2 * (x[-1] - x[0])
        boxes = [text.get_window_extent() for text in ax.texts]
        assert [text.get_text().split()[0] for text in ax.texts] == [f"{mark:g}" for mark in marks]
        assert all(ax.bbox.x0 - 20 < box.x0 and box.x1 < ax.bbox.x1 + 20 for box in boxes)


# What a student types


@pytest.mark.parametrize("value", [1, 5000, 100_000])
def test_a_number_in_its_range_is_taken(value):
    lessons.check_number("ROUNDS", value, 1, 100_000)
    lessons.check_number("RATE", value / 1e5, 0, 1, whole=False)


@pytest.mark.parametrize("value", ["5000", 0.5, 5000.0, 0, -3, 100_001, [1, 2], None, True, float("nan"), 10**30])
def test_a_setting_that_does_not_work_is_named_with_its_range(value):
    with pytest.raises(ValueError, match=r"^ROUNDS = .*: write a whole number from 1 to 100,000, without quotes\.$"):
        lessons.check_number("ROUNDS", value, 1, 100_000)
    if value not in (0.5, True):
        with pytest.raises(ValueError, match=r"write a number from 0\.0001 to 1, "):
            lessons.check_number("RATE", value, 0.0001, 1, whole=False)


def test_a_drawing_becomes_booleans():
    assert lessons.read_drawing("\n#.\n.#  \n\n").tolist() == [[True, False], [False, True]]
    assert not lessons.read_drawing("..\n..", size=2).any(), "a clean sheet of a given size is a drawing"


SQUARE = ["..#", ".#.", "#.."]


@pytest.mark.parametrize(
    ("rows", "size", "words"),
    [
        (["..#", ".#", "#.."], 3, "Row 2 of the drawing has 2 signs: give every row 3."),
        (["..#", ".#"], None, "Row 2 of the drawing has 2 signs: give every row 3."),
        (["..#", ".#.#", "#.."], 3, "Row 2 of the drawing has 4 signs: give every row 3."),
        (["..#", "", "#.."], 3, "Row 2 of the drawing has 0 signs: give every row 3."),
        ([*SQUARE, "..."], 3, "The drawing has 4 rows: give it 3."),
        (SQUARE[:2], 3, "The drawing has 2 rows: give it 3."),
        ([], 3, "Row 1 of the drawing has 0 signs: give every row 3."),
        (["..#", ". #", "#.."], 3, "Row 2 of the drawing has a ' ': type only # "),
        ([" ##", " # "], None, "Row 1 of the drawing has a ' ': type only # "),
        (["XX.", "X.X"], None, "Row 1 of the drawing has a 'X': type only # "),
        (["..o"], None, "Row 1 of the drawing has a 'o': type only # "),
        (["...", "..."], None, "There is no # in the drawing"),
        ([], None, "There is no # in the drawing"),
    ],
)
def test_a_drawing_that_is_none_is_told_which_row_is_wrong(rows, size, words):
    with pytest.raises(ValueError, match=f"^{re.escape(words)}"):
        lessons.read_drawing("\n".join(rows), size=size)


# Slanted land


def test_dark_is_one_and_every_number_can_be_read():
    ax = lessons.show_screens([[1, 0.25, 0.6, 0]]).axes[0]
    picture = ax.images[0]
    assert picture.to_rgba(1)[:3] == (0, 0, 0) and picture.to_rgba(0)[:3] == (1, 1, 1)
    assert picture.get_array().tolist() == [[1, 0.25], [0.6, 0]]
    assert [text.get_text() for text in ax.texts] == ["1.00", "0.25", "0.60", "0.00"]
    for text, value in zip(ax.texts, (1, 0.25, 0.6, 0), strict=True):
        assert abs(np.mean(to_rgb(text.get_color())) - np.mean(picture.to_rgba(value)[:3])) > 0.4


def test_weights_show_their_signs_in_colour_and_number():
    ax = lessons.show_screens([[2.5, -0.3, -2.5, 0]], signed=True).axes[0]
    assert [text.get_text() for text in ax.texts] == ["+2.50", "-0.30", "-2.50", "+0.00"]
    above, below = ax.images[0].to_rgba(1), ax.images[0].to_rgba(-1)
    assert above[1] > above[0] and below[0] > below[1]  # green, purple
    for text, value in zip(ax.texts, (2.5, -0.3, -2.5, 0), strict=True):
        assert abs(np.mean(to_rgb(text.get_color())) - np.mean(ax.images[0].to_rgba(value)[:3])) > 0.4


def test_the_game_shows_weights_fake_and_errors_in_the_players_colours():
    fig = lessons.show_game([MOMENT])
    weights, fake, errors = fig.axes
    assert weights.get_title() == "start"
    assert fake.images[0].get_array().ravel().tolist() == MOMENT[2]
    assert [bar.get_height() for bar in errors.patches] == [1.54, 0.3]
    colours = [to_rgb(plots.DETECTIVE["color"]), to_rgb(plots.CRIMINAL["color"])]
    assert [bar.get_facecolor()[:3] for bar in errors.patches] == colours


# Dots on a sheet


def test_fields_show_real_dots_and_fakes_in_their_colours_and_pushes_as_arrows():
    real, fakes = np.zeros((5, 2)), np.ones((7, 2))
    fig = lessons.show_fields(
        [("one", None, fakes), ("two", np.eye(4), fakes, np.ones((3, 2)))], real=real, title="both"
    )
    one, two = fig.axes
    assert [len(line.get_xdata()) for line in one.lines] == [5, 7]
    assert to_hex(one.lines[1].get_color()) == "#d55e00"
    assert not one.images and len(two.images) == 1
    assert [type(c).__name__ for c in two.collections] == ["Quiver"] and two.collections[0].N == 3
    assert [ax.get_title() for ax in fig.axes] == ["one", "two"]


def test_visits_are_strips_of_hills_over_rounds():
    fig = lessons.show_visits({"a": np.zeros((6, 8)), "b": torch.ones(6, 8) / 8}, rounds=60)
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["a", "b"]
    (image,) = fig.axes[1].images
    assert image.get_array().shape == (8, 6) and tuple(image.get_extent()) == (0, 60, 0.5, 8.5)


# Panels


def test_panels_show_pictures_of_any_size_each_under_its_name():
    crowd, one = torch.zeros(9, 3, 8, 8), torch.ones(1, 1, 40, 60)
    fig = lessons.show_panels({"crowd": crowd, "one": one}, title="both")
    assert [ax.get_title() for ax in fig.axes] == ["crowd", "one"]
    assert [ax.images[0].get_array().shape for ax in fig.axes] == [(28, 28, 3), (40, 60)]
    check_figure(lambda: lessons.show_panels({"crowd": crowd}))
