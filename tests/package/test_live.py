"""The live view: renewed in place, thrifty, harmless; and the film that it keeps."""

import time
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pytest
import torch

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    LiveView,
    PatchDiscriminator,
    UNet,
    non_saturating,
    pix2pix,
    train,
)
from gans_workshop.game.images import to_uint8
from gans_workshop.view import live
from gans_workshop.view.live import FILM_LENGTH, Film
from gans_workshop.view.plots import contact_sheet


@pytest.fixture
def screen(monkeypatch):
    """A notebook's display, without a notebook: what was shown, and what took its place."""
    shown = []

    class Handle:
        def update(self, what):
            shown.append(("in its place", type(what).__name__))

    def display(data, raw, display_id):
        shown.append(("new", *data))
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel="a notebook's"))
    return shown


def test_one_picture_is_renewed_in_place_and_stays(screen, make_gan, digits, monkeypatch):
    pngs = []
    monkeypatch.setattr(live, "to_png", lambda figure, dpi: pngs.append(figure) or b"\x89PNG")
    view = LiveView(seconds=0)
    train(make_gan(), digits, steps=5, batch_size=8, watch=view)
    assert screen == [
        ("new", "application/vnd.jupyter.widget-view+json", "text/plain"),
        ("in its place", "Image"),
    ]
    assert pngs, "it was drawn"
    assert plt.get_fignums() == [], "no figure leaks"


def test_the_picture_is_a_png_of_fixed_size(screen, make_gan, digits):
    gan, view = make_gan(), LiveView()
    for steps in (1, 4):
        train(gan, digits, steps=steps, batch_size=8, watch=view)
        png = live.to_png(live.draw_view(gan), dpi=80)
        assert png.startswith(b"\x89PNG")
        assert (int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")) == (880, 416)
    assert (
        screen
        == [
            ("new", "application/vnd.jupyter.widget-view+json", "text/plain"),
            ("in its place", "Image"),
        ]
        * 2
    ), "going on opens a new view"


def test_a_slow_picture_is_drawn_more_rarely(screen, make_gan, digits, monkeypatch):
    draws = []

    def slow(figure, dpi):
        draws.append(time.monotonic())
        time.sleep(0.1)
        return b"\x89PNG"

    monkeypatch.setattr(live, "to_png", slow)
    train(make_gan(), digits, minutes=0.05, batch_size=8, watch=LiveView(seconds=0))
    assert len(draws) <= 4, "3 s hold one picture, another after 25 times its cost, and the last"


def test_looking_changes_no_bit_of_the_training(screen, make_gan, digits, bits, same):
    watched, alone = make_gan(), make_gan()
    train(watched, digits, steps=6, watch=LiveView(seconds=0))
    train(alone, digits, steps=6)
    assert same(bits(watched), bits(alone))


def test_a_view_that_fails_does_not_stop_the_training(screen, make_gan, digits, monkeypatch, capsys):
    def broken(figure, dpi):
        raise RuntimeError("no font")

    monkeypatch.setattr(live, "to_png", broken)
    gan = make_gan()
    train(gan, digits, steps=4, watch=LiveView(seconds=0))
    assert gan.step == 4
    assert capsys.readouterr().out.count("training goes on without it (RuntimeError: no font)") == 1


@pytest.mark.parametrize("broken", ["_Screen", "_Screen.finish"])
def test_nothing_that_fails_in_the_view_reaches_the_training(screen, make_gan, digits, monkeypatch, capsys, broken):
    def fail(*_):
        raise RuntimeError("comm closed")

    monkeypatch.setattr(f"gans_workshop.view.live.{broken}", fail)
    gan = make_gan()
    train(gan, digits, steps=3, watch=LiveView())
    assert gan.step == 3 and capsys.readouterr().out.count("(RuntimeError: comm closed)") == 1


def test_a_loss_that_is_no_number_is_the_last_picture_and_the_view_can_be_used_again(screen, make_gan, digits):
    gan, view = make_gan(), LiveView(seconds=1000)
    train(gan, digits, steps=2, watch=view)
    gan.loss = non_saturating._replace(discriminator=lambda real, fake: real.mean() * torch.nan)
    with pytest.raises(FloatingPointError):
        train(gan, digits, steps=4, watch=view)
    assert live.draw_view(gan).get_supxlabel().startswith("NaN: in round 3")
    gan.average_generator.load_state_dict(
        {name: w * torch.nan for name, w in gan.average_generator.state_dict().items()}
    )
    live.draw_view(gan)  # also when G draws NaN
    train(make_gan(), digits, steps=2, watch=view)
    assert [where for where, *_ in screen] == ["new", "in its place"] * 3


def test_outside_a_notebook_it_only_keeps_the_film(make_gan, digits, capsys):
    view = LiveView()
    train(make_gan(), digits, steps=3, watch=view)
    assert view.film.steps == [1, 2, 3] and capsys.readouterr() == ("", "")


def test_where_nothing_happened_there_is_nothing_to_see(screen, make_gan, digits):
    gan = make_gan(loss=non_saturating._replace(generator=lambda fake: 1 / 0))
    with pytest.raises(ZeroDivisionError):
        train(gan, digits, steps=3, watch=LiveView())
    assert screen == []


def test_the_last_picture_is_drawn_once(screen, make_gan, digits, monkeypatch):
    drawn = []
    monkeypatch.setattr(live, "to_png", lambda figure, dpi: drawn.append(figure) or b"\x89PNG")
    train(make_gan(), digits, steps=1, watch=LiveView(seconds=0))
    assert len(drawn) == 1


def test_the_film_begins_with_the_first_round_and_stays_short(make_gan):
    gan, film = make_gan(), Film()
    for step in range(1, 5001):
        gan.step = step
        film.keep(gan)
    assert 20 <= len(film.frames) <= FILM_LENGTH and len(film.steps) == len(film.frames)
    assert film.steps[0] == 1 and film.steps == sorted(film.steps) and film.steps[-1] > 4000
    frames, captions = film.pick(6)
    assert len(frames) == len(captions) == 6
    assert captions[0] == "1" and captions[-1] == f"{film.steps[-1]:,}"
    assert frames[0].shape == (64, 1, 28, 28)
    assert {frame.dtype for frame in film.frames} == {torch.uint8}, "a film in colour must not fill the memory"


def test_the_film_shows_the_same_greys(make_gan):
    gan, film = make_gan(), Film()
    film.keep(gan)
    assert (contact_sheet(film.frames[0]) == contact_sheet(gan.sample(gan.fixed_z))).all()


def test_the_last_round_is_the_last_frame_however_it_ended(make_gan, digits):
    gan, view = make_gan(), LiveView()
    for steps in (67, 68, 71):  # between two frames that were due
        train(gan, digits, steps=steps, batch_size=8, watch=view)
        assert view.film.steps[-1] == steps
    assert view.film.steps == sorted(set(view.film.steps))
    assert (view.film.frames[-1] == to_uint8(gan.preview())).all()
    assert view.film.pick(5)[1][-1] == "71"


def test_the_film_of_another_game_begins_anew(make_gan, digits):
    view = LiveView()
    train(make_gan(), digits, steps=9, batch_size=8, watch=view)
    train(make_gan(seed=1), digits, steps=3, batch_size=8, watch=view)
    assert view.film.steps == [1, 2, 3] and len(view.film.frames) == 3


def test_seconds_that_are_none_are_refused_before_hours_of_training():
    with pytest.raises(ValueError, match="seconds='2' must be a number, for example seconds=2"):
        LiveView(seconds="2")


def test_a_short_film_gives_what_it_has(make_gan):
    film = Film()
    film.keep(make_gan())
    assert len(film.pick(10)[0]) == 1


@pytest.mark.parametrize(("classes", "names"), [(3, None), (2, ["cats", "dogs"]), ((2, 3), {"a": "xy", "b": "pqr"})])
def test_each_class_has_a_row_with_its_name(digits, classes, names):
    labels = torch.arange(len(digits)) % 2 if classes == 2 else torch.arange(len(digits)) % 3
    if classes == (2, 3):
        labels = torch.stack([torch.arange(len(digits)) % 2, labels], 1)
    gan = GAN(Generator(width=2, classes=classes), Discriminator(width=2, classes=classes), class_names=names)
    train(gan, digits, conditions=labels, steps=1, batch_size=8)
    figure = live.draw_view(gan)
    grid = figure.subfigs[0].axes[0]
    words = [label.get_text() for label in grid.get_yticklabels()]
    assert words == {3: ["0", "1", "2"], 2: ["cats", "dogs"], (2, 3): ["x, p", "y, q", "x, r"]}[classes]
    assert "the same 8 z in each row" in grid.get_title()


@pytest.mark.parametrize("truth", [None, torch.zeros(6, 3, 32, 32)])
def test_what_was_given_stands_beside_what_was_made_and_the_truth(truth):
    given = torch.zeros(6, 1, 32, 32, dtype=torch.uint8)
    players = UNet(image_size=32, width=2), PatchDiscriminator(image_size=32, width=2)
    gan = GAN(*players, loss=pix2pix, fixed_condition=given)
    train(gan, given[:1].expand(8, 3, -1, -1), conditions=given[:1].expand(8, -1, -1, -1), steps=1, batch_size=4)
    figure = live.draw_view(gan, truth=truth)
    grid = figure.subfigs[0].axes[0]
    kinds = 2 if truth is None else 3
    assert grid.get_title() == f"{', '.join(['given', 'made', 'truth'][:kinds])}, after 1 rounds"
    sheet = grid.images[0].get_array()
    assert sheet.shape == (3 * 34 - 2, 2 * kinds * 34 - 2, 3), "two of them in a row"
    assert sheet[0, 0].tolist() == [0, 0, 0] and sheet[0, 34].tolist() != [0, 0, 0]
    if kinds == 3:
        assert 120 < sheet[0, 68, 0] < 135


@pytest.mark.parametrize("lines", range(1, 6))
def test_the_title_stays_in_the_picture_however_long_the_verdict(lines):
    given = torch.zeros(10, 3, 32, 32, dtype=torch.uint8)
    players = (
        UNet(given_channels=3, image_size=32, width=2),
        PatchDiscriminator(given_channels=3, image_size=32, width=2),
    )
    gan = GAN(*players, loss=pix2pix, fixed_condition=given)
    train(gan, given, conditions=given, steps=1, batch_size=4)
    figure = live.draw_view(gan, truth=given)
    figure.supxlabel("\n".join(["verdict"] * lines), fontsize=12)
    live.to_png(figure, dpi=80)
    title = figure.subfigs[0].axes[0].title.get_window_extent()
    assert title.x0 > 0 and title.x1 < figure.bbox.x1 and title.y1 < figure.bbox.y1
