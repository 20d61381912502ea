"""Films and contact sheets to take home."""

import numpy as np
import pytest
import torch
from PIL import Image

from gans_workshop import load_portraits, save_contact_sheet, save_gif, to_float
from gans_workshop.view.live import Film


@pytest.mark.parametrize("channels", [1, 3])
def test_a_gif_has_all_its_frames_and_never_ends(tmp_path, channels):
    frames = [torch.full((4, channels, 28, 28), value) for value in (-1.0, 0.0, 1.0)]
    path = save_gif(tmp_path / "film.gif", frames, columns=2, frames_per_second=4, zoom=3)
    with Image.open(path) as film:
        assert film.n_frames == 3
        assert film.size == (3 * 58, 3 * 58)
        assert film.info["loop"] == 0 and film.info["duration"] == 250
        film.seek(1)
        assert film.convert("L").getpixel((5, 5)) == pytest.approx(128, abs=2)


def test_a_walk_becomes_one_picture_a_frame(tmp_path):
    walked = torch.linspace(-1, 1, 5)[:, None, None, None].expand(5, 1, 16, 16)
    with Image.open(save_gif(tmp_path / "walk.gif", walked[:, None], zoom=1)) as film:
        assert film.n_frames == 5 and film.size == (16, 16)


def still(pixels=16, count=2, channels=1):
    return torch.zeros(count, channels, pixels, pixels)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f: save_gif(f / "a.gif", []), "A GIF needs at least one frame"),
        (lambda f: save_gif(f / "a.gif", still()), r"pictures, not frames of pictures: write images\[:, None\]"),
        (lambda f: save_gif(f / "a.gif", list(still())), r"write images\[:, None\]"),
        (lambda f: save_gif(f / "a.gif", [still(), still(count=1)]), "as many pictures of one size"),
        (lambda f: save_gif(f / "a.gif", [still(), still(8)]), "as many pictures of one size"),
        (lambda f: save_gif(f / "a.mp4", [still()]), "a.mp4 will be a GIF: call it a.gif"),
        (lambda f: save_gif(f / "film", [still()]), "film will be a GIF: call it film.gif"),
        (lambda f: save_gif([still()], f / "a.gif"), "first argument says where to save, such as 'film.gif'"),
        (lambda f: save_gif(f / "a.gif", [still()], zoom=0), "zoom=0 must be a whole number of at least 1"),
        (lambda f: save_gif(f / "a.gif", [still()], zoom=192 // 256), "zoom=0 must be"),
        (lambda f: save_gif(f / "a.gif", [still()], zoom=1.5), "zoom=1.5 must be a whole number"),
        (lambda f: save_gif(f / "a.gif", [still()], frames_per_second=0), "frames_per_second=0 is no speed for a GIF"),
        (lambda f: save_gif(f / "a.gif", [still()], frames_per_second=250), "write a number from 0.1 to 50"),
        (lambda f: save_gif(f / "a.gif", [still()], frames_per_second="8"), "frames_per_second='8' is no speed"),
        (lambda f: save_gif(f / "a.gif", [still()], columns=0), "columns=0 must be a whole number"),
        (lambda f: save_contact_sheet(f / "sheet.jpg", still()), "sheet.jpg will be a PNG: call it sheet.png"),
        (lambda f: save_contact_sheet(still(), f / "sheet.png"), "first argument says where to save"),
        (lambda f: save_contact_sheet(f / "sheet.png", still(), zoom="2"), "zoom='2' must be a whole number"),
    ],
)
def test_what_cannot_be_saved_is_told_in_one_sentence_and_nothing_is_written(tmp_path, call, words):
    with pytest.raises(ValueError, match=words) as refusal:
        call(tmp_path)
    assert "\n" not in str(refusal.value) and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("speed", [0.1, 8, 12.5, 50])
def test_every_speed_that_is_taken_is_in_the_file(tmp_path, speed):
    with Image.open(save_gif(tmp_path / "A.GIF", [still(), still() + 1], frames_per_second=speed)) as film:
        assert film.info["duration"] == pytest.approx(1000 / speed, abs=5)


def test_frames_may_come_as_an_array_from_a_generator_or_in_a_film(tmp_path, make_gan):
    film = Film()
    film.keep(make_gan())
    for frames, count in ((still().numpy()[:, None], 1), ((still() + i for i in (-1, 0, 1)), 3), (film, 1)):
        with Image.open(save_gif(str(tmp_path / "a.gif"), frames)) as saved:
            assert saved.n_frames == count  # two frames that are alike become one


@pytest.mark.parametrize(("pixels", "side"), [(28, 476), (32, 540), (64, 526), (128, 519), (256, 516)])
def test_a_film_of_64_large_pictures_stays_small_and_one_of_small_ones_as_it_was(tmp_path, pixels, side):
    with Image.open(save_gif(tmp_path / "film.gif", [still(pixels, count=64, channels=3)])) as film:
        assert film.size == (side, side)


def test_a_film_of_noisy_portraits_at_128_pixels_stays_below_15_megabytes(tmp_path):
    portraits, dice = to_float(load_portraits(image_size=128))[:64], torch.Generator().manual_seed(0)
    frames = [portraits + 0.1 * torch.randn(portraits.shape, generator=dice) for _ in range(2)]
    path = save_gif(tmp_path / "film.gif", [frame.clamp(-1, 1) for frame in frames])
    assert 48 / 2 * path.stat().st_size < 15e6
    with Image.open(path) as film:
        assert film.n_frames == 2
        shown = np.asarray(film.convert("RGB"), float)[:64, :64]  # the first picture, half as large
    small = torch.nn.functional.avg_pool2d(portraits[:1], 2)[0].permute(1, 2, 0).numpy()
    assert np.abs(shown / 127.5 - 1 - small).mean() < 0.1


def test_a_walk_of_256_pixels_is_saved_as_it_is(tmp_path):
    walked = torch.linspace(-1, 1, 3)[:, None, None, None].expand(3, 3, 256, 256)
    with Image.open(save_gif(tmp_path / "walk.gif", walked[:, None], zoom=1)) as film:
        assert film.size == (256, 256) and film.n_frames == 3


def test_a_contact_sheet_shows_every_picture(tmp_path):
    images = torch.rand(10, 3, 16, 16) * 2 - 1
    with Image.open(save_contact_sheet(tmp_path / "sheet.png", images, columns=4, zoom=2)) as sheet:
        assert sheet.size == (2 * (4 * 18 - 2), 2 * (3 * 18 - 2))
        pixel = (images[5, :, 3, 4] + 1) * 127.5  # row 1, column 1 of the sheet
        assert sheet.getpixel((2 * (18 + 4), 2 * (18 + 3))) == pytest.approx(pixel.round().tolist(), abs=1)
