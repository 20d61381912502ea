"""Where files live, and films and sheets to take home."""

import os
import sys
import types
from pathlib import Path

import pytest
import torch
from PIL import Image

from gans_workshop import save_contact_sheet, save_gif, workshop_folder, workspace


def test_the_folder_stands_beside_the_notebooks(tmp_path, monkeypatch):
    monkeypatch.delenv("GANS_WORKSHOP_FILES")
    notebooks = tmp_path / "repository" / "notebooks"
    notebooks.mkdir(parents=True)
    for here in (notebooks, notebooks.parent):
        monkeypatch.chdir(here)
        assert workshop_folder() == notebooks / "gans-workshop-files"
        assert workshop_folder().is_dir()


def test_a_place_of_your_own(tmp_path, monkeypatch):
    monkeypatch.setenv("GANS_WORKSHOP_FILES", str(tmp_path / "my place" / "ganz schön"))
    assert workshop_folder() == tmp_path / "my place" / "ganz schön"


@pytest.fixture
def colab(tmp_path, monkeypatch):
    monkeypatch.delenv("GANS_WORKSHOP_FILES")
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    monkeypatch.setattr(workspace, "COLAB_DISK", tmp_path / "content")
    monkeypatch.setattr(workspace, "DRIVE", tmp_path / "content" / "drive" / "MyDrive")


def test_in_colab_without_drive_it_warns(colab, tmp_path, capsys):
    assert workshop_folder() == tmp_path / "content" / "gans-workshop-files"
    assert "vanish with the session" in capsys.readouterr().out


def test_in_colab_with_drive_it_is_in_drive(colab, tmp_path, capsys):
    (tmp_path / "content" / "drive" / "MyDrive").mkdir(parents=True)
    assert workshop_folder() == tmp_path / "content" / "drive" / "MyDrive" / "gans-workshop-files"
    assert capsys.readouterr().out == ""


def test_a_folder_that_cannot_be_written_is_named_in_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "a file").write_text("not a folder")
    monkeypatch.setenv("GANS_WORKSHOP_FILES", str(tmp_path / "a file" / "inside"))
    with pytest.raises(OSError, match=r"inside cannot be written .*Choose another folder"):
        workshop_folder()


def test_the_cache_falls_back_to_a_temporary_folder(tmp_path, monkeypatch):
    (tmp_path / "a file").write_text("not a folder")
    monkeypatch.setenv("GANS_WORKSHOP_CACHE", str(tmp_path / "a file"))
    assert workspace.cache_folder().is_dir()


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = workspace.write_file(tmp_path / "new folder" / "film.gif", b"first")
    assert path.read_bytes() == b"first"

    def full(self, data):
        with open(self, "wb") as file:
            file.write(data[:2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match=r"No space left on device.*older one, if any, is untouched"):
        workspace.write_file(path, b"second")
    assert path.read_bytes() == b"first"
    assert os.listdir(path.parent) == ["film.gif"]


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
