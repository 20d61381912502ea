"""Notebook 03: the menu remembers, the estimate is a sum that adds up, and each set of pictures has its own folder."""

import copy
import time
import zlib

import nbformat
import pytest
import torch
from PIL import Image

from tools import SMALL, load_notebook, notebook, printed, read, run, shrink, source_of

# The menu


def test_what_is_chosen_is_remembered_at_once(tmp_path, monkeypatch):
    pytest.importorskip("ipywidgets")
    monkeypatch.setenv("GANS_WORKSHOP_FILES", str(tmp_path))
    cell = source_of("03", "choose")
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
    exec(cell, first := {})
    assert first["choice"].value == tmp_path / "cats"
    first["choice"].index = 1
    exec(cell, second := {})
    assert second["choice"].value == tmp_path / "dogs"
    (tmp_path / "dogs").rmdir()
    exec(cell, third := {})
    assert third["choice"].value == tmp_path / "cats"


def test_it_learns_from_what_was_chosen_after_a_whole_run(tmp_path, monkeypatch):
    """Run all, choose another folder in the menu, run all again: as the page says."""
    for number, name in enumerate(("cats", "dogs")):
        (tmp_path / "files" / name).mkdir(parents=True)
        for i in range(4):
            noise = Image.effect_noise((40, 40), 60 + 40 * number + i)
            noise.save(tmp_path / "files" / name / f"{i}.png")
    path = notebook("03")
    book = shrink(read(path), SMALL[path.name] | {"MINUTES": 0.005})
    book.cells.append(nbformat.v4.new_code_cell("choice.index = 1  # as a person does in the menu"))
    learned = []
    for _ in range(2):
        ran = run(copy.deepcopy(book), tmp_path, monkeypatch)
        (cell,) = [cell for cell in ran.cells if cell.id == "load"]
        learned.append(printed(cell).partition(":")[0])
    assert learned == ["cats", "dogs"]


# The training


@pytest.fixture
def book(tmp_path):
    """The page after its first sections: 10 pictures were chosen, and it was decided not to augment them."""
    book = load_notebook("03", "players", BATCH_SIZE=4, WIDTH=2, IMAGE_SIZE=32)
    book.images = torch.arange(10 * 3 * 32 * 32).reshape(10, 3, 32, 32).remainder(251).to(torch.uint8)
    book.folder, book.name, book.augment = tmp_path, "cats", None
    return book


def test_the_players_fit_the_pictures(book):
    for size, channels in ((32, 3), (64, 1)):
        book.images = torch.zeros(5, channels, size, size, dtype=torch.uint8)
        assert book.make_gan(None).sample(2).shape == (2, channels, size, size)


def test_the_estimate_is_minutes_by_measured_pace(book, monkeypatch, capsys):
    now, played = [100.0], []

    def train(gan, images, *, steps, **_):
        now[0] += 0.5 * (steps - played[-1]) if played else 60  # the first rounds are slow, and are not counted
        played.append(steps)

    book.train = train
    with monkeypatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: now[0])
        exec(source_of("03", "estimate"), vars(book))
    assert book.rounds == pytest.approx(book.MINUTES * 60 / 0.5)
    assert book.times == pytest.approx(book.rounds * 4 / 10)
    assert f"about {book.rounds:,.0f} rounds" in capsys.readouterr().out


def kept_in(book):
    """The folder for checkpoints that the page chooses for its pictures."""
    folders = []
    book.train = lambda *_, checkpoint, **__: folders.append(checkpoint)
    exec(source_of("03", "train"), vars(book))
    return folders[0]


def test_other_pictures_have_another_folder_and_the_same_have_the_same(book):
    first = kept_in(book)
    assert first.parent == book.folder / "cats-models"
    assert first.name.endswith(f"{zlib.crc32(book.images.numpy().tobytes()):08x}")
    assert kept_in(book) == first
    pictures = book.images
    others = [pictures[:9], pictures.flip(0), pictures + 1, torch.cat([pictures, pictures[:1]])]
    folders = {first}
    for book.images in others:
        folders.add(kept_in(book))
    assert len(folders) == 1 + len(others)
    book.images, book.name = pictures.permute(0, 1, 3, 2).contiguous().permute(0, 1, 3, 2), "cats"
    assert kept_in(book) == first, "the same pictures, otherwise laid out in memory"
