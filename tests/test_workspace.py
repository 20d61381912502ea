"""The workshop's folder in Colab and elsewhere, and what is found in it."""

import json
import os
import sys
import threading
import types
from pathlib import Path

import pytest

from gans_workshop import workshop_folder, workspace
from gans_workshop.workspace import list_folder, picture_places, walk_files

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def colab(tmp_path, monkeypatch):
    """Colab with a Drive whose `mount` the test sets: `colab.mount = function(path)`."""
    monkeypatch.delenv("GANS_WORKSHOP_FILES")
    drive = types.SimpleNamespace(asked=0, options={})
    disk = tmp_path / "content"

    def mount(path, **options):
        drive.asked += 1
        drive.options = options
        drive.mount(path)

    module = types.ModuleType("google.colab")
    module.drive = types.SimpleNamespace(mount=mount)
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", module)
    monkeypatch.setattr(workspace, "COLAB_DISK", disk)
    monkeypatch.setattr(workspace, "DRIVE", disk / "drive" / "MyDrive")
    monkeypatch.setattr(workspace, "_asked", [])
    return drive


def test_colab_mounts_drive_once_and_says_so_before(colab, tmp_path, capsys):
    said = []

    def mount(path):
        said.append(capsys.readouterr().out)
        (Path(path) / "MyDrive").mkdir(parents=True)

    colab.mount = mount
    folder = tmp_path / "content" / "drive" / "MyDrive" / "gans-workshop-files"
    assert workshop_folder() == folder == workshop_folder()
    assert colab.asked == 1 and folder.is_dir()
    assert said[0].count("\n") == 1 and "Google now asks" in said[0]
    assert capsys.readouterr().out == ""
    assert colab.options["timeout_ms"] == 1000 * workspace.PATIENCE  # a mount that hangs ends as a failed one


@pytest.mark.parametrize("error", [ValueError("mount failed"), ImportError("no"), TimeoutError(), RuntimeError("a\nb")])
def test_without_drive_the_lesson_goes_on_with_a_warning(colab, tmp_path, capsys, error):
    def mount(path):
        raise error

    colab.mount = mount
    assert workshop_folder() == tmp_path / "content" / "gans-workshop-files"
    assert "vanish with the session" in capsys.readouterr().out
    assert workshop_folder() == tmp_path / "content" / "gans-workshop-files"
    assert colab.asked == 1 and "vanish with the session" in capsys.readouterr().out


def test_a_drive_that_cannot_be_written_counts_as_none(colab, tmp_path, capsys, monkeypatch):
    (tmp_path / "content" / "drive" / "MyDrive").mkdir(parents=True)
    writable = workspace.writable_folder

    def fail(folder):
        if "MyDrive" in str(folder):
            raise OSError(107, "Transport endpoint is not connected")
        return writable(folder)

    monkeypatch.setattr(workspace, "writable_folder", fail)
    assert workshop_folder() == tmp_path / "content" / "gans-workshop-files"
    assert "not connected" in capsys.readouterr().out


def test_places_with_pictures_are_listed_with_their_size(tmp_path, capsys):
    for name in ("cats", "cats/more", "cats-models", "cats-gans-images", ".hidden"):
        (tmp_path / name).mkdir()
    for name in ("cats/1.jpg", "cats/more/2.jpg", "cats-models/x.pt", "flowers.zip", "walk.MP4"):
        (tmp_path / name).write_bytes(b"x")
    assert picture_places(tmp_path) == [
        ("cats (2 files)", tmp_path / "cats"),
        ("flowers.zip (ZIP)", tmp_path / "flowers.zip"),
        ("walk.MP4 (video)", tmp_path / "walk.MP4"),
    ]
    assert capsys.readouterr().out == ""


def test_an_empty_folder_and_loose_pictures_are_explained(tmp_path, capsys):
    assert picture_places(tmp_path) == []
    said = capsys.readouterr().out
    assert "nothing to learn from yet" in said and str(tmp_path) in said and "run this cell again" in said
    (tmp_path / "1.jpg").write_bytes(b"x")
    assert picture_places(tmp_path) == []
    assert "1 files lie loose" in capsys.readouterr().out


def test_one_bad_entry_does_not_hide_the_others(tmp_path, monkeypatch):
    for name in ("cats", "locked"):
        (tmp_path / name).mkdir()
    os.symlink("loop", tmp_path / "loop")
    scandir = os.scandir

    def refuse(folder):
        if "locked" in str(folder):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    labels = [label for label, _ in picture_places(tmp_path)]
    assert labels == ["cats (0 files)", "locked (cannot be listed now)"]


def test_the_places_are_options_of_a_dropdown(tmp_path):
    widgets = pytest.importorskip("ipywidgets")
    (tmp_path / "cats").mkdir()
    dropdown = widgets.Dropdown(options=picture_places(tmp_path))
    assert dropdown.value == tmp_path / "cats" and dropdown.label == "cats (0 files)"


def test_what_is_chosen_in_notebook_03_is_remembered_at_once(tmp_path, monkeypatch):
    pytest.importorskip("ipywidgets")
    monkeypatch.setenv("GANS_WORKSHOP_FILES", str(tmp_path))
    book = json.loads((ROOT / "notebooks" / "03_your_own_images.ipynb").read_text(encoding="utf-8"))
    (cell,) = ["".join(cell["source"]) for cell in book["cells"] if cell["id"] == "choose"]
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


def test_listing_is_tried_again_when_drive_times_out(tmp_path, monkeypatch):
    (tmp_path / "1.jpg").write_bytes(b"x")
    scandir, errors, pauses = os.scandir, [OSError(5, "Input/output error"), TimeoutError(110, "timed out")], []

    def slow(folder):
        if errors:
            raise errors.pop()
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", slow)
    monkeypatch.setattr(workspace.time, "sleep", pauses.append)
    assert [entry.name for entry in list_folder(tmp_path)] == ["1.jpg"]
    assert pauses == [1, 4]
    errors += [OSError(5, "Input/output error")] * 4
    with pytest.raises(OSError, match="Drive is slow"):
        list_folder(tmp_path)


def test_a_listing_that_hangs_is_given_up(tmp_path, monkeypatch):
    back = threading.Event()
    monkeypatch.setattr(os, "scandir", lambda folder: back.wait())
    monkeypatch.setattr(workspace, "PATIENCE", 0.05)
    with pytest.raises(OSError, match=r"cannot be listed \(no answer\)"):
        list_folder(tmp_path)
    back.set()


def test_what_the_work_says_is_passed_on():
    assert workspace.within(5, lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        workspace.within(5, lambda: 1 / 0)


def test_a_missing_folder_is_no_reason_to_wait(tmp_path, monkeypatch):
    monkeypatch.setattr(workspace.time, "sleep", None)
    with pytest.raises(OSError, match="cannot be listed"):
        list_folder(tmp_path / "gone")


def test_a_folder_inside_that_cannot_be_listed_stands_for_itself(tmp_path, monkeypatch):
    (tmp_path / "inside").mkdir()
    (tmp_path / "1.jpg").write_bytes(b"x")
    listing = workspace.list_folder

    def fail(folder):
        if str(folder).endswith("inside"):
            raise OSError("no")
        return listing(folder)

    monkeypatch.setattr(workspace, "list_folder", fail)
    assert sorted(entry.name for entry in walk_files(tmp_path)) == ["1.jpg", "inside"]
