"""Notebook 00: the set-up check, the drawing, the recogniser and the buttons do what the page says."""

import errno
import os
import sys

import numpy as np
import pytest
import torch

from tools import code_cells, load_notebook, notebook, printed, read, run, shrink, source_of, tags


@pytest.fixture(scope="module")
def book():
    """What the notebook defines, a trained recogniser among it."""
    torch.set_num_threads(1)
    return load_notebook("00", "slices")


@pytest.fixture
def check_setup(capsys, tmp_path):
    (cell,) = [cell for cell in code_cells(read(notebook("00"))) if "check" in tags(cell)]
    from gans_workshop import workshop_folder

    names = {"torch": torch, "pick_device": lambda: None, "workshop_folder": workshop_folder}
    assert "/content/drive" in cell.source
    exec(cell.source.replace("/content/drive", str(tmp_path / "drive")), names)  # a real one may be here
    capsys.readouterr()

    def check(**found):
        names["check_setup"](**found)
        return capsys.readouterr().out

    check.names = names
    return check


def test_a_sound_machine_hears_that_all_is_well(check_setup):
    assert check_setup().endswith("All is well: go on.\n")


@pytest.mark.parametrize(
    "found, words",
    [
        ({"python": (3, 10, 4)}, "Python is older than 3.11"),
        ({"torch_version": "2.7.1+cu128"}, "PyTorch is older than 2.8"),
        ({"colab": True}, "Google Drive is not connected"),
    ],
    ids=str,
)
def test_the_check_says_what_is_missing_and_what_to_do(check_setup, found, words):
    out = check_setup(**found)
    assert f"1. {words}" in out and "All is well" not in out


def test_drive_that_was_connected_by_the_check_is_no_complaint(check_setup, tmp_path, monkeypatch):
    def folder():  # asks for Drive, and gets it
        (tmp_path / "drive" / "MyDrive").mkdir(parents=True)
        return tmp_path

    monkeypatch.setitem(check_setup.names, "workshop_folder", folder)
    assert check_setup(colab=True).endswith("All is well: go on.\n")


def test_a_drive_that_has_died_is_not_connected(check_setup, monkeypatch):
    """A mount that lost its session answers every question with an error; pathlib passes it on."""

    def stat(path, *args, **kwargs):
        if "MyDrive" in str(path):
            raise OSError(errno.ENOTCONN, "Transport endpoint is not connected")
        return real(path, *args, **kwargs)

    real = os.stat
    monkeypatch.setattr(os, "stat", stat)
    assert "1. Google Drive is not connected" in check_setup(colab=True)


def test_the_check_survives_a_folder_that_cannot_be_written(check_setup, tmp_path, monkeypatch):
    (tmp_path / "a-file").write_text("x")
    monkeypatch.setenv("GANS_WORKSHOP_FILES", str(tmp_path / "a-file" / "inside"))
    out = check_setup()
    assert "1. The folder" in out and "All is well" not in out


def test_newer_versions_than_today_are_well(check_setup):
    assert "All is well" in check_setup(python=(3, 20, 0), torch_version="10.0.1")
    assert sys.version_info >= (3, 11)


# What a student types


def type_and_show(cell, **changes):
    """Run a cell of section 1 with other words in it; return what `show` would have shown."""
    shown = []
    names = {"np": np, "show_images": lambda images, title: shown.append(images)}
    exec(source_of("00", "heart"), names)
    source = source_of("00", cell)
    for old, new in changes.values():
        assert old in source
        source = source.replace(old, new)
    exec(source, names)
    return shown[-1][0, 0].tolist(), names


def test_the_heart_stays_whole_whatever_is_done_to_its_copy():
    changed, names = type_and_show("dent")
    assert changed != names["heart"] and names["heart"][1][3] == 0 and names["heart"][5][3] == 255


def test_the_cell_for_an_initial_begins_with_an_empty_sheet_each_time():
    letter, names = type_and_show("initial")
    assert letter == names["letter"] and sum(map(sum, letter)) == 8 * 255
    names["letter"][0][0] = 9
    exec(source_of("00", "initial"), names)
    assert names["letter"] == letter


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("[0, 255, 255, 255, 255, 0]", r"^Row 5 has 6 numbers: give it 7, as row 0 has\.$"),
        ("[0, 255, 255, 255, 255, 0, 0, 0]", "Row 5 has 8 numbers: give it 7"),
        ("[]", "Row 5 has 0 numbers: give it 7"),
    ],
)
def test_a_row_of_the_wrong_length_is_named(row, words):
    with pytest.raises(ValueError, match=words):
        type_and_show("initial", row=("[0, 255, 255, 255, 255, 0, 0]", row))


DRAWING = "......##.."  # the third row


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("......##.", "Row 3 of the drawing has 9 signs: give every row 10"),
        ("......##...", "Row 3 of the drawing has 11 signs: give every row 10"),
        ("      ##  ", "Row 3 of the drawing has a ' ': type only #"),
        ("......XX..", "Row 3 of the drawing has a 'X': type only #"),
        (DRAWING + "\n" + DRAWING, "The drawing has 11 rows: give it 10"),
    ],
)
def test_a_drawing_that_is_no_grid_is_told_which_row_is_wrong(row, words):
    source = source_of("00", "text-form")
    with pytest.raises(ValueError, match=words):
        exec(source.replace(DRAWING, row, 1), {})


def test_the_advice_about_channels_is_for_arrays_and_helps():
    names = {"display": lambda _: None}
    for line in ("import numpy as np", "from gans_workshop import show_images", source_of("00", "colour")):
        exec(line, names)
    with pytest.raises(ValueError, match=r"images\.transpose\(0, 3, 1, 2\)"):
        names["show_images"](names["colours"].transpose(1, 2, 0)[None])
    assert names["show_images"](names["colours"].transpose(1, 2, 0)[None].transpose(0, 3, 1, 2))


@pytest.mark.parametrize("settings", [{"EPOCHS": 1, "DREAM_STEPS": 1}, {"SEED": 2**32 - 1, "EPOCHS": 1}])
def test_the_ends_of_the_settings_work(settings):
    book = load_notebook("00", "slices", **settings)
    exec(source_of("00", "check-settings"), vars(book))
    assert len(book.dream(book.network)[1]) == 10


@pytest.mark.parametrize(
    "setting", ["SEED = 20261126120000", "SEED = -1", "EPOCHS = 0", "EPOCHS = '3'", "DREAM_STEPS = 2.5"]
)
def test_a_setting_that_does_not_work_is_named_before_anything_long(setting):
    names = vars(load_notebook("00", "slices", EPOCHS=1, DREAM_STEPS=1))
    exec(setting, names)
    with pytest.raises(ValueError, match=setting.split()[0]):
        exec(source_of("00", "check-settings"), names)


def test_a_drawing_becomes_a_digit_in_the_middle(book):
    corner = np.zeros((10, 10), bool)
    corner[:2, :2] = True
    picture = book.to_digit(corner)
    assert picture.shape == (28, 28) and picture.dtype == np.uint8
    rows, columns = np.mgrid[:28, :28]
    for indices in (rows, columns):
        assert np.average(indices, weights=picture) == pytest.approx(13.5, abs=0.51)
    before = corner.sum() * 4 * 255
    assert before <= picture.sum(dtype=int) <= 1.6 * before, "as much ink as was drawn, and a soft edge"


def test_a_clean_sheet_stays_clean(book):
    assert book.to_digit(np.zeros((10, 10), bool)).max() == 0


def test_the_recogniser_knows_unseen_digits_and_the_drawing(book):
    assert book.share_right(book.network, book.test_digits) > 0.93
    assert book.opinion(book.ink).argmax().item() == 2
    assert book.share_right(book.network, 255 - book.test_digits) < 0.25


def test_dreams_convince_the_network_and_look_like_no_digit(book):
    dreams, sure = book.dream(book.network)
    assert min(sure) > 0.99
    assert (dreams > -0.5).float().mean() > 3 * (book.to_float(book.digits) > -0.5).float().mean()


PRESS = """
first = bytes(preview.value)
assert first.startswith(b"\\x89PNG") and ink[0, 2] and not ink[0, 0]
colours = lambda: [cell.style.button_color for cell in cells]
assert [c == "white" for c in colours()] == ink.flatten().tolist()

cells[0].click()
assert ink[0, 0] and cells[0].style.button_color == "white" and bytes(preview.value) != first
cells[0].click()
assert not ink[0, 0] and bytes(preview.value) == first
ask(None)
assert "<b>2</b>" in words.value
clear.click()
assert not ink.any() and "white" not in colours()
for i in range(10):
    cells[10 * i + 4].click()
ask_button = button
ask_button.click()
assert "<b>1</b>" in words.value, words.value
print("all pressed")
"""


def test_the_editor_and_the_button_do_what_they_say(tmp_path, monkeypatch):
    import nbformat

    book = shrink(read(notebook("00")), {})
    last = [cell.id for cell in book.cells].index("ask")
    book.cells = [*book.cells[: last + 1], nbformat.v4.new_code_cell(PRESS)]
    run(book, tmp_path, monkeypatch)
    assert printed(book.cells[-1]) == "all pressed\n"
