"""Films and contact sheets to take home."""

import pytest
import torch
from PIL import Image

from gans_workshop import save_contact_sheet, save_gif


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


def test_a_film_without_frames_is_refused(tmp_path):
    with pytest.raises(ValueError, match="A GIF needs at least one frame"):
        save_gif(tmp_path / "film.gif", [])


def test_a_contact_sheet_shows_every_picture(tmp_path):
    images = torch.rand(10, 3, 16, 16) * 2 - 1
    with Image.open(save_contact_sheet(tmp_path / "sheet.png", images, columns=4, zoom=2)) as sheet:
        assert sheet.size == (2 * (4 * 18 - 2), 2 * (3 * 18 - 2))
        pixel = (images[5, :, 3, 4] + 1) * 127.5  # row 1, column 1 of the sheet
        assert sheet.getpixel((2 * (18 + 4), 2 * (18 + 3))) == pytest.approx(pixel.round().tolist(), abs=1)
