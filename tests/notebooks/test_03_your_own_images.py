"""Notebook 03: the menu remembers, nobody's pictures are swapped, the estimate adds up, each set has its own folder."""

import copy
import re
import shutil
import zlib
from types import SimpleNamespace

import nbformat
import pytest
import torch
from PIL import Image

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    load_photos,
    load_portraits,
    save_contact_sheet,
    show_images,
    train,
    workshop_folder,
)
from tools import (
    SMALL,
    load_notebook,
    notebook,
    packed,
    printed,
    read,
    run,
    scene,
    shrink,
    source_of,
    text_of,
)

# The settings


def check(**settings):
    """Run the cell with the settings, changed, and the one that checks them."""
    names = {"device": torch.device("cpu")}
    exec(source_of("03", "parameters"), names)
    exec(source_of("03", "check"), names | settings)


def test_the_settings_as_they_are_and_at_the_ends_of_their_ranges_are_good():
    check()
    check(IMAGE_SIZE=128, MINUTES=0.5, BATCH_SIZE=2, LATENT_DIM=1, WIDTH=1, FEW=2, SEED=0, AUGMENT_BELOW=0)
    check(IMAGE_SIZE=256, MINUTES=600, BATCH_SIZE=1024, LATENT_DIM=1024, WIDTH=128, FEW=1000, SEED=10**9)


@pytest.mark.parametrize("given", ["64", 128 / 3, -64, 10**12, [64], None, True, float("nan")], ids=repr)
@pytest.mark.parametrize("name", ["IMAGE_SIZE", "MINUTES", "BATCH_SIZE", "LATENT_DIM", "WIDTH", "SHORT_STEPS", "FEW"])
def test_a_setting_out_of_its_range_is_refused_in_a_sentence(name, given):
    if (name, given) == ("MINUTES", 128 / 3):
        return check(MINUTES=given)
    with pytest.raises(ValueError, match=rf"^{name} = .*: write .*\.$"):
        check(**{name: given})


@pytest.mark.parametrize("given", [512, 128 / 2, 100, 0])
def test_another_size_stops_before_any_picture_is_loaded(given):
    with pytest.raises(ValueError, match=rf"^IMAGE_SIZE = {given}: write 32, 64, 128 or 256\.$"):
        check(IMAGE_SIZE=given)


# The example


def test_of_eight_files_four_are_used_as_the_answer_says(capsys):
    source = source_of("03", "example").replace("load_photos(example)[1]", "report = load_photos(example)[1]")
    exec(source, names := {})
    report = names["report"]
    assert (report.found, len(report.used)) == (8, 4)
    assert sorted(name.partition(".")[0] for name, _ in report.skipped)[:3] == ["empty", "half", "invitation"]
    shutil.rmtree(names["example"].parent)


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


def test_a_choice_that_a_dying_disk_does_not_keep_holds_for_the_session_and_says_so(tmp_path, monkeypatch, capsys):
    pytest.importorskip("ipywidgets")
    monkeypatch.setenv("GANS_WORKSHOP_FILES", str(tmp_path / "files"))
    for name in ("cats", "dogs"):
        (tmp_path / "files" / name).mkdir(parents=True)
    cell = source_of("03", "choose")
    exec(cell, session := {})
    (tmp_path / "files").rename(tmp_path / "gone")
    session["choice"].index = 1
    assert session["choice"].value.name == "dogs"
    assert re.match(r"Chosen, but only until this notebook is closed \(.+\)", session["kept"].value)
    (tmp_path / "gone").rename(tmp_path / "files")
    exec(cell, session)
    assert session["choice"].value.name == "dogs", "run again, it still knows"
    session["choice"].index = 0
    assert session["kept"].value.startswith("Remembered")
    (tmp_path / "files" / "cats").rmdir()
    capsys.readouterr()
    exec(cell, session)
    assert "cats, which you chose last, is not there now: choose again." in capsys.readouterr().out


def load(place):
    """Run the cell that loads what was chosen."""
    names = {"IMAGE_SIZE": 32, "samples": ["portraits", "cats"], "display": lambda _: None, "torch": torch}
    names |= {"load_photos": load_photos, "load_portraits": load_portraits, "show_images": show_images}
    exec(source_of("03", "load"), names | {"choice": SimpleNamespace(value=place)})


@pytest.mark.parametrize("files", [{}, {"notes.jpg": b"no picture"}, {"one.png": packed(scene(0))}], ids=len)
def test_pictures_that_cannot_be_used_stop_the_page_instead_of_the_portraits_being_trained(tmp_path, files):
    folder = tmp_path / "cats"
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    with pytest.raises(ValueError, match=r"^cats: \d usable pictures, .* choose something else in the menu above"):
        load(folder)
    (folder / "two.png").write_bytes(packed(scene(1)))
    (folder / "three.png").write_bytes(packed(scene(2)))
    load(folder)


def test_a_folder_that_has_gone_or_is_no_zip_stops_the_page(tmp_path):
    (tmp_path / "cats.zip").write_bytes(b"half a ZIP")
    for place in (tmp_path / "cats", tmp_path / "cats.zip"):
        with pytest.raises((OSError, ValueError), match="cats"):
            load(place)


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
    book.folder, book.name, book.augment, book.batch_size = tmp_path, "cats", None, 4
    return book


def test_the_players_fit_the_pictures(book):
    for size, channels in ((32, 3), (64, 1)):
        book.images = torch.zeros(5, channels, size, size, dtype=torch.uint8)
        assert book.make_gan(None).sample(2).shape == (2, channels, size, size)


def test_thousands_of_pictures_play_another_game(book):
    assert book.make_gan(None).loss.penalty is None
    book.images = book.images.repeat(500, 1, 1, 1)
    gan = book.make_gan(None)
    assert gan.loss.penalty and gan.d_optimizer.param_groups[0]["betas"] == (0.5, 0.99)
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in gan.discriminator.modules())
    book.train = lambda gan, images, *, batch_size, **_: batches.append(batch_size)
    batches, book.MINUTES, book.LiveView = [], 1, lambda: None
    exec(source_of("03", "estimate"), vars(book))
    assert batches == [book.MANY_BATCH] * 2
    train(gan, book.images, steps=2, batch_size=2)


def test_the_estimate_is_minutes_by_measured_pace(book, capsys):
    book.show_images = None
    played = []

    def train(gan, images, *, steps=None, minutes=None, watch=None, **_):
        played.append(watch)
        if steps:  # the first rounds are slow, and are not counted
            gan.step, gan.seconds = steps, 60.0
        else:
            assert minutes == pytest.approx(1 + book.TRIAL_MINUTES)
            gan.step, gan.seconds = gan.step + 24, gan.seconds + 60 * book.TRIAL_MINUTES

    book.train, book.LiveView = train, lambda: "a live view"
    exec(source_of("03", "estimate"), vars(book))
    assert played == [None, "a live view"], "measured as the training will be watched"
    assert book.rounds == pytest.approx(book.MINUTES * 24 / book.TRIAL_MINUTES)
    assert book.times == pytest.approx(book.rounds * 4 / 10)
    assert f"about {book.rounds:,.0f} rounds" in capsys.readouterr().out


def kept_in(book):
    """The folder for checkpoints that the page chooses for its pictures."""
    folders, book.rounds = [], 1
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


def lines_of_code(words):
    """The block of code on the page that contains these words."""
    blocks = re.findall(r"^```python\n(.*?)^```", text_of(read(notebook("03")).cells), flags=re.DOTALL | re.MULTILINE)
    (found,) = [block for block in blocks if words in block]
    return found


def test_the_line_that_begins_anew_keeps_the_old_training(tmp_path):
    def gan():
        return GAN(Generator(image_size=16, channels=3, width=2), Discriminator(image_size=16, channels=3, width=2))

    images, models = torch.randint(0, 256, (8, 3, 16, 16), dtype=torch.uint8), tmp_path / "cats-models" / "16-pixels"
    train(gan(), images, steps=2, checkpoint=models)
    train(again := gan(), images, steps=3, checkpoint=models)
    assert len(again.history.steps) == 3, "it went on"
    exec(lines_of_code("rename"), {"models": models})
    assert not models.exists() and any((tmp_path / "cats-models" / "16-pixels-old").iterdir())
    new = gan()
    train(new, images, steps=1, checkpoint=models)
    assert new.step == 1


def test_of_more_pictures_than_memory_5000_are_copied():
    names = {"torch": torch, "SEED": 0, "name": "cats", "show_images": show_images}
    names["images"] = torch.arange(100_000, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 16, 16)
    for cell in ("contact-sheet", "ex3-start"):
        exec(source_of("03", cell), names)
    assert names["mixed"].shape == (5000, 3, 16, 16) and len(names["grey"]) == 5000
    assert len(names["mixed"][:, 0, 0, 0].unique()) == 256, "from all of them"


# What is taken home


def test_where_the_zip_cannot_be_written_a_sentence_says_what_to_do(tmp_path):
    results = tmp_path / "drive" / "cats-gans-images"
    names = {"results": results, "film": None}
    with pytest.raises(
        OSError, match=r"^The file .*cats-gans-images\.zip could not be written \(.+\): run the cell above"
    ):
        exec(source_of("03", "download"), names)


def test_the_export_goes_to_the_next_folder_where_drive_has_gone(book, tmp_path, monkeypatch):
    """Run again, as the page says; `workshop_folder` then gives Colab's own disk."""
    gan = book.make_gan(None)
    names = vars(book) | {"gan": gan, "fakes": gan.sample(40), "save_contact_sheet": save_contact_sheet}
    names["place"] = tmp_path / "cats"
    names["view"] = SimpleNamespace(film=SimpleNamespace(frames=[gan.preview()] * 2, steps=[1, 2]))
    (tmp_path / "gone").write_text("no folder")
    names["workshop_folder"] = workshop_folder
    monkeypatch.setenv("GANS_WORKSHOP_FILES", str(tmp_path / "gone"))
    with pytest.raises(OSError, match=r"The folder .* cannot be written"):
        exec(source_of("03", "export"), names)
    monkeypatch.setenv("GANS_WORKSHOP_FILES", str(tmp_path / "colab"))
    exec(source_of("03", "export"), names)
    exec(source_of("03", "download"), names)
    made = sorted(path.name for path in (tmp_path / "colab" / "cats-gans-images").iterdir())
    assert {"training-1-to-2.gif", "walk.gif", "contact-sheet.png", "cats.html", "picture-31.png"} <= set(made)
    assert (tmp_path / "colab" / "cats-gans-images.zip").stat().st_size > 1000


def test_the_poster_is_as_large_as_the_page_says(tmp_path):
    names = {"save_contact_sheet": save_contact_sheet, "results": tmp_path, "fakes": torch.zeros(64, 3, 32, 32)}
    exec(lines_of_code("poster"), names)
    with Image.open(tmp_path / "poster.png") as poster:
        assert poster.width / 300 * 2.54 == pytest.approx(70, abs=2)
    assert pytest.approx(8, abs=0.2) == 32 * 30 / 300 * 2.54
