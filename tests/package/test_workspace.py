"""The workshop's folder and cache, in Colab and elsewhere, and what is found in the folder."""

import os
import sys
import types
from pathlib import Path

import pytest

from gans_workshop import workshop_folder
from gans_workshop.files import disk, workspace
from gans_workshop.files.workspace import picture_places


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


def test_a_folder_that_cannot_be_written_is_named_in_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "a file").write_text("not a folder")
    monkeypatch.setenv("GANS_WORKSHOP_FILES", str(tmp_path / "a file" / "inside"))
    with pytest.raises(OSError, match=r"inside cannot be written \(a file is in the way\).*") as error:
        workshop_folder()
    _, found, code = str(error.value).partition("Choose another one in a cell above: ")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    exec(code)  # what the sentence advises
    assert found and workshop_folder() == tmp_path / "gans-workshop-files"


def test_a_read_only_course_folder_is_named_with_the_way_out(tmp_path, monkeypatch):
    def refuse(folder):
        raise OSError(30, "Read-only file system")

    monkeypatch.delenv("GANS_WORKSHOP_FILES")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(disk, "probe", refuse)
    with pytest.raises(
        OSError, match=r"gans-workshop-files cannot be written \(Read-only.*\['GANS_WORKSHOP_FILES'\] = '"
    ):
        workshop_folder()


@pytest.mark.parametrize("chosen", ['"{0}/my place"', "'{0}/my place'", " {0}/my place "])
def test_quotes_around_the_chosen_folder_are_no_part_of_it(tmp_path, monkeypatch, chosen):
    monkeypatch.setenv("GANS_WORKSHOP_FILES", chosen.format(tmp_path))
    assert workshop_folder() == tmp_path / "my place"


def test_an_address_is_no_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANS_WORKSHOP_FILES", "https://drive.google.com/drive/my-drive")
    with pytest.raises(ValueError, match="names no folder or file of this machine: give a path"):
        workshop_folder()
    assert os.listdir(tmp_path) == []


def test_the_cache_falls_back_to_a_temporary_folder(tmp_path, monkeypatch):
    (tmp_path / "a file").write_text("not a folder")
    monkeypatch.setenv("GANS_WORKSHOP_CACHE", str(tmp_path / "a file"))
    assert workspace.cache_folder().is_dir()


def test_kaggle_is_not_colab_though_it_is_built_from_it(tmp_path, monkeypatch):
    monkeypatch.delenv("GANS_WORKSHOP_FILES")
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    assert workspace.in_colab()
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    monkeypatch.chdir(tmp_path)
    assert not workspace.in_colab() and workshop_folder() == tmp_path / "gans-workshop-files"


@pytest.fixture
def colab_without_mount(tmp_path, monkeypatch):
    monkeypatch.delenv("GANS_WORKSHOP_FILES")
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    monkeypatch.setattr(workspace, "COLAB_DISK", tmp_path / "content")
    monkeypatch.setattr(workspace, "DRIVE", tmp_path / "content" / "drive" / "MyDrive")


def test_in_colab_without_drive_it_warns(colab_without_mount, tmp_path, capsys):
    assert workshop_folder() == tmp_path / "content" / "gans-workshop-files"
    assert "vanish with the session" in capsys.readouterr().out


def test_in_colab_with_drive_it_is_in_drive(colab_without_mount, tmp_path, capsys):
    (tmp_path / "content" / "drive" / "MyDrive").mkdir(parents=True)
    assert workshop_folder() == tmp_path / "content" / "drive" / "MyDrive" / "gans-workshop-files"
    assert capsys.readouterr().out == ""


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
    probe = workspace.probe

    def fail(folder):
        if "MyDrive" in str(folder):
            raise OSError(107, "Transport endpoint is not connected")
        return probe(folder)

    monkeypatch.setattr(workspace, "probe", fail)
    assert workshop_folder() == tmp_path / "content" / "gans-workshop-files"
    said = capsys.readouterr().out
    assert said.startswith(
        "CAREFUL, no Google Drive (Transport endpoint is not connected): files go to Colab's own disk"
    )


def test_where_drive_dies_the_cell_with_the_folder_leads_to_colabs_disk(colab, tmp_path, monkeypatch):
    """What a file that cannot be saved in Drive advises, tried."""
    (tmp_path / "content" / "drive" / "MyDrive").mkdir(parents=True)
    kept = workshop_folder()
    real_open = open

    def dead(path, *mode):
        if "MyDrive" in str(path):
            raise OSError(107, "Transport endpoint is not connected")
        return real_open(path, *mode)

    monkeypatch.setattr(disk, "open", dead, raising=False)
    with pytest.raises(OSError, match=r"or run the cell with workshop_folder\(\) and those after it again"):
        disk.write_file(kept / "walk.gif", b"x")
    assert disk.write_file(workshop_folder() / "walk.gif", b"x").read_bytes() == b"x"


def test_a_refusal_that_may_be_the_browsers_says_what_to_look_at(colab, capsys):
    def mount(path):
        raise ValueError("Error: credential propagation was unsuccessful")

    colab.mount = mount
    workshop_folder()
    said = capsys.readouterr().out
    assert "'Google Drive for desktop'" in said.partition("CAREFUL")[0]
    for word in ("pop-ups", "third-party cookies", "same account"):
        assert word in said.partition("CAREFUL")[2]


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


def test_a_folder_of_classes_says_so(tmp_path):
    for i in range(12):
        for name in (
            "pets/cats",
            "pets/dogs",
            "wild/ants",
            "wild/bees",
            "wild/crows",
            "wild/ducks",
            "pets/.git",
            "one/all",
        ):
            (tmp_path / name).mkdir(parents=True, exist_ok=True)
            (tmp_path / name / f"{i}.jpg").write_bytes(b"x")
    assert [label for label, _ in picture_places(tmp_path)] == [
        "one (12 files)",
        "pets (24 files, 2 classes: cats 12, dogs 12)",
        "wild (48 files, 4 classes: ants 12, bees 12, crows 12, ...)",
    ]


def test_an_empty_folder_and_loose_pictures_are_explained(tmp_path, capsys):
    assert picture_places(tmp_path) == []
    said = capsys.readouterr().out
    assert "nothing to learn from yet" in said and str(tmp_path) in said and "run this cell again" in said
    (tmp_path / "1.jpg").write_bytes(b"x")
    assert picture_places(tmp_path) == []
    assert "1 file is loose" in capsys.readouterr().out
    (tmp_path / "2.jpg").write_bytes(b"x")
    picture_places(tmp_path)
    assert "2 files are loose" in capsys.readouterr().out


def test_what_belongs_to_the_system_is_never_a_choice_and_not_counted(tmp_path, capsys):
    system = ("__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found", ".Trashes")
    for name in (*system, "cats", "cats/@eaDir", "cats/.thumbnails"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").write_bytes(b"x")
    for name in ("desktop.ini", "Thumbs.db", "._cats.zip", ".DS_Store", "cats/desktop.ini"):
        (tmp_path / name).write_bytes(b"x")
    assert picture_places(tmp_path) == [("cats (1 files)", tmp_path / "cats")]
    assert capsys.readouterr().out == ""


def test_only_our_own_folders_of_models_are_ours(tmp_path):
    for name in ("car-models", "3d-models", "cats-models", "old-models", "fresh-models", "more-models"):
        (tmp_path / name / "inside").mkdir(parents=True)
    for name in ("car-models/1.jpg", "3d-models/inside/no ending", "cats-models/inside/step-000000005.checkpoint"):
        (tmp_path / name).write_bytes(b"x")
    for name in ("cats-models/inside/step-0005.png", "old-models/x.pt", "fresh-models/inside/unfinished-1"):
        (tmp_path / name).write_bytes(b"x")
    assert [path.name for _, path in picture_places(tmp_path)] == ["3d-models", "car-models"]


def test_an_empty_folder_is_not_the_first_choice(tmp_path):
    for name in ("a new one", "cats"):
        (tmp_path / name).mkdir()
    (tmp_path / "cats" / "1.jpg").write_bytes(b"x")
    assert [path.name for _, path in picture_places(tmp_path)] == ["cats", "a new one"]


def test_what_cannot_be_chosen_as_it_is_says_what_to_do(tmp_path, capsys):
    for name in ("cats.rar", "dogs.tar.gz", ".birds.zip.icloud", "plan.gslides", "clip.3GP"):
        (tmp_path / name).write_bytes(b"x")
    assert picture_places(tmp_path) == [("clip.3GP (video)", tmp_path / "clip.3GP")]
    said = capsys.readouterr().out
    assert "cats.rar is a packed archive (.rar): unpack it, and put the folder of pictures there" in said
    assert "dogs.tar.gz is a packed archive" in said and ".birds.zip.icloud is still in the cloud" in said
    assert "plan.gslides is a link to a document of Google" in said and "loose" not in said


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
    assert labels == ["locked (cannot be listed now)", "cats (0 files)"]


def test_the_places_are_options_of_a_dropdown(tmp_path):
    widgets = pytest.importorskip("ipywidgets")
    (tmp_path / "cats").mkdir()
    dropdown = widgets.Dropdown(options=picture_places(tmp_path))
    assert dropdown.value == tmp_path / "cats" and dropdown.label == "cats (0 files)"
