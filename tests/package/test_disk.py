"""The disk and Drive: slow, hanging or full, and what is written there whole or not at all."""

import os
import threading
from pathlib import Path

import pytest

from gans_workshop.files import disk
from gans_workshop.files.disk import list_folder, walk_files


def test_listing_is_tried_again_when_drive_times_out(tmp_path, monkeypatch):
    (tmp_path / "1.jpg").write_bytes(b"x")
    scandir, errors, pauses = os.scandir, [OSError(5, "Input/output error"), TimeoutError(110, "timed out")], []

    def slow(folder):
        if errors:
            raise errors.pop()
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", slow)
    monkeypatch.setattr(disk.time, "sleep", pauses.append)
    assert [entry.name for entry in list_folder(tmp_path)] == ["1.jpg"]
    assert pauses == [1, 4]
    errors += [OSError(5, "Input/output error")] * 4
    with pytest.raises(OSError, match="Drive is slow"):
        list_folder(tmp_path)


def test_a_listing_that_hangs_is_given_up(tmp_path, monkeypatch):
    back = threading.Event()
    monkeypatch.setattr(os, "scandir", lambda folder: back.wait())
    monkeypatch.setattr(disk, "PATIENCE", 0.05)
    with pytest.raises(OSError, match=r"cannot be listed \(no answer\)"):
        list_folder(tmp_path)
    back.set()


def test_what_the_work_says_is_passed_on():
    assert disk.with_timeout(5, lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        disk.with_timeout(5, lambda: 1 / 0)


def test_work_that_fails_for_a_moment_is_tried_again(monkeypatch):
    pauses, answers = [], [OSError(5, "Input/output error"), OSError(107, "not connected")]
    monkeypatch.setattr(disk.time, "sleep", pauses.append)

    def work():
        if answers:
            raise answers.pop()
        return "here"

    assert disk.retry(work, pauses=(1, 4)) == "here" and pauses == [1, 4]
    answers += [PermissionError(13, "no")]
    with pytest.raises(PermissionError):
        disk.retry(work, pauses=(1, 4))
    assert pauses == [1, 4], "asking again would change nothing"


def test_a_missing_folder_is_no_reason_to_wait(tmp_path, monkeypatch):
    monkeypatch.setattr(disk.time, "sleep", None)
    with pytest.raises(OSError, match="cannot be listed"):
        list_folder(tmp_path / "gone")


def test_a_folder_inside_that_cannot_be_listed_stands_for_itself(tmp_path, monkeypatch):
    (tmp_path / "inside").mkdir()
    (tmp_path / "1.jpg").write_bytes(b"x")
    listing = disk.list_folder

    def fail(folder):
        if str(folder).endswith("inside"):
            raise OSError("no")
        return listing(folder)

    monkeypatch.setattr(disk, "list_folder", fail)
    files = walk_files(tmp_path)
    assert sorted(name for name, _ in files) == ["1.jpg", "inside"]


@pytest.mark.parametrize("place", ["", "  ", None, True, 5, ["a"], b"a", "https://drive.google.com/x", "C:\0temp"])
def test_what_names_no_place_is_refused_in_one_sentence(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for use in (disk.whole_path, disk.writable_folder, lambda place: disk.write_file(place, b"x")):
        with pytest.raises(ValueError, match="names no folder or file of this machine: give a path, for example"):
            use(place)
    assert os.listdir(tmp_path) == []


def test_places_are_understood_in_every_form(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for place in ("~/a", "a", Path("a"), tmp_path / "a", str(tmp_path / "a")):
        assert disk.writable_folder(place) == tmp_path / "a"
    assert os.listdir(tmp_path / "a") == []


def test_a_folder_is_tried_with_a_file_that_is_closed_before_it_is_deleted(tmp_path, monkeypatch):
    opened, remove = [], os.remove
    real_open = open

    def remember(*place):
        opened.append(real_open(*place))
        return opened[-1]

    def delete(path):
        assert opened[-1].closed
        remove(path)

    monkeypatch.setattr(disk, "open", remember, raising=False)
    monkeypatch.setattr(os, "remove", delete)
    disk.writable_folder(tmp_path)
    assert len(opened) == 1 and os.listdir(tmp_path) == []


def test_writing_a_file_touches_no_other(tmp_path):
    own = [".film.gif.unfinished", ".unfinished", "film.gif.unfinished", "unfinished-film.gif"]
    for name in own:
        (tmp_path / name).write_bytes(b"mine")
    disk.write_file(tmp_path / "film.gif", b"film")
    assert sorted(os.listdir(tmp_path)) == sorted([*own, "film.gif"])
    assert {(tmp_path / name).read_bytes() for name in own} == {b"mine"}


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = disk.write_file(tmp_path / "new folder" / "film.gif", b"first")
    assert path.read_bytes() == b"first"

    def full(self, data):
        with open(self, "wb") as file:
            file.write(data[:2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match=r"No space left on device.*older one, if any, is untouched"):
        disk.write_file(path, b"second")
    assert path.read_bytes() == b"first"
    assert os.listdir(path.parent) == ["film.gif"]
