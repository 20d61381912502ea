"""Anybody's files become pictures: each is used or named with a plain reason, and none is decoded twice."""

import csv
import os
import re
import signal
import sqlite3
import sys
import tarfile
import threading
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gans_workshop.files import decoding, photos
from gans_workshop.files.decoding import read_picture
from gans_workshop.files.photos import load_photos
from gans_workshop.files.workspace import cache_folder
from tools import ROOT, packed, scene

ODD = ROOT.parent / "shared" / "data"


def add_up(images, report):
    assert report.found == len(report.used) + len(report.skipped)
    assert len(images) == len(report.used)
    assert all(name and reason for name, reason in report.skipped)
    return dict(report.skipped)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "cats"
    folder.mkdir()
    for i in range(6):
        scene(i).save(folder / f"{i}.png")
    return folder


# A folder


@pytest.mark.parametrize(("size", "channels"), [(32, 3), (64, 1), (128, 3), (28, 1)])
def test_a_folder_becomes_one_tensor(folder, size, channels):
    images, report = load_photos(folder, image_size=size, channels=channels)
    assert images.shape == (6, channels, size, size) and images.dtype == torch.uint8
    assert add_up(images, report) == {}
    square = scene(2).crop((15, 0, 75, 60)).resize((size, size), Image.Resampling.BICUBIC)
    wanted = np.asarray(square.convert("RGB" if channels == 3 else "L"), float).reshape(size, size, channels)
    assert abs(images[2].permute(1, 2, 0).numpy() - wanted).mean() < 2


def test_every_file_is_used_or_named(folder):
    inside = folder / "holiday" / "a b #é☃"
    inside.mkdir(parents=True)
    scene(10).save(inside / "UPPER.JPG", "JPEG")
    (inside / "wrong ending.txt").write_bytes(packed(scene(11), "WEBP"))
    (folder / "copy of 0.bmp").write_bytes(packed(scene(0), "BMP"))
    (folder / "notes.pdf").write_bytes(b"%PDF-1.4")
    for name in ("._0.png", ".DS_Store", "Thumbs.db", "desktop.ini", "link.gdoc"):
        (folder / name).write_bytes(b"x")
    (folder / "__MACOSX").mkdir()
    scene(12).save(folder / "__MACOSX" / "12.png")
    images, report = load_photos(folder)
    reasons = add_up(images, report)
    assert report.found == 16 and len(images) == 8
    assert reasons["copy of 0.bmp"] == "shows the same as another picture"
    assert sum("system" in reason for reason in reasons.values()) == 6
    text = str(report)
    assert "16 files found" in text and "notes.pdf" in text and "is a PDF, not a picture" in text
    assert "8 pictures are too few" in text
    assert "notes.pdf" in report._repr_html_()


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of Unix")
def test_links_in_circles_pipes_and_strange_names_do_no_harm(folder):
    (folder / "circle").symlink_to(folder)
    (folder / "up").symlink_to(folder.parent)
    (folder / "nowhere.jpg").symlink_to("gone.jpg")
    os.mkfifo(folder / "pipe.jpg")
    Path(os.fsdecode(os.fsencode(folder) + b"/bad\xff\nname.png")).write_bytes(packed(scene(20)))
    images, report = load_photos(folder)
    assert set(add_up(images, report)) == {"nowhere.jpg", "pipe.jpg"}
    assert len(images) == 7
    str(report).encode()
    assert "bad??name.png" in report.used


def test_the_second_start_decodes_and_reads_nothing(folder, monkeypatch):
    first, _ = load_photos(folder, image_size=64)

    def never(*_, **__):
        raise AssertionError("a file was opened")

    monkeypatch.setattr(decoding, "retry", never)
    monkeypatch.setattr(photos, "read_picture", never)
    second, report = load_photos(folder, image_size=64)
    assert torch.equal(first, second)
    assert load_photos(folder, image_size=32)[0].shape == (6, 3, 32, 32)  # other sizes come from the cache too
    assert len(report.used) == 6


def test_a_moved_folder_is_read_but_not_decoded_again(folder, monkeypatch):
    first, _ = load_photos(folder)
    monkeypatch.setattr(photos, "read_picture", None)
    assert torch.equal(first, load_photos(folder.rename(folder.parent / "lions"))[0])


def test_a_changed_file_is_decoded_afresh(folder):
    load_photos(folder)
    scene(99).save(folder / "3.png")
    os.utime(folder / "3.png", (1, 1))
    images, _ = load_photos(folder)
    fresh, _ = read_all(folder)
    assert torch.equal(images, fresh)


def read_all(folder):
    """The same without anything in the cache."""
    os.environ["GANS_WORKSHOP_CACHE"] += "-fresh"
    return load_photos(folder)


def test_stopping_loses_nothing_that_was_decoded(folder, monkeypatch):
    decoded = []

    def slow(data, name, *, background):
        decoded.append(name)
        if len(decoded) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return read_picture(data, name, background=background)

    monkeypatch.setattr(photos, "read_picture", slow)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    for i in range(30, 90):
        scene(i).save(folder / f"{i}.png")
    with pytest.raises(KeyboardInterrupt, match="goes on from there"):
        load_photos(folder)
    before = len(decoded)
    assert 3 <= before < 66
    images, _ = load_photos(folder)
    assert len(images) == 66 and len(decoded) == len(set(decoded)) == 66


def test_a_damaged_or_unwritable_cache_costs_only_time(folder, monkeypatch):
    wanted, _ = load_photos(folder)
    cache = cache_folder() / "photos.sqlite"
    cache.write_bytes(b"no data base" * 1000)
    assert torch.equal(load_photos(folder)[0], wanted)
    assert torch.equal(load_photos(folder)[0], wanted) and sqlite3.connect(cache).execute("SELECT 1").fetchone()
    cache.write_bytes(cache.read_bytes()[:6000])
    assert torch.equal(load_photos(folder)[0], wanted)


def test_a_damaged_cache_is_closed_before_it_is_deleted(folder, monkeypatch):
    """As on Windows, where an open file cannot be deleted."""
    wanted, opened = load_photos(folder)[0], []
    cache = cache_folder() / "photos.sqlite"
    cache.write_bytes(b"no data base" * 1000)
    connect, unlink = sqlite3.connect, Path.unlink

    def remember(*place, **options):
        opened.append(connect(*place, **options))
        return opened[-1]

    def delete(path, **options):
        for cache in opened:
            with pytest.raises(sqlite3.ProgrammingError, match="closed"):
                cache.execute("SELECT 1")
        unlink(path, **options)

    monkeypatch.setattr(sqlite3, "connect", remember)
    monkeypatch.setattr(Path, "unlink", delete)
    assert torch.equal(load_photos(folder)[0], wanted)
    assert len(opened) == 2 and not cache.exists()


def test_a_folder_too_large_for_the_memory_gets_the_largest_size_that_fits(folder):
    images, report = load_photos(folder, image_size=128, memory=6 * 3 * 64 * 64)
    assert images.shape == (6, 3, 64, 64) and "they have 64 pixels" in str(report)
    images, report = load_photos(folder, image_size=128, memory=4 * 3 * 32 * 32)
    assert images.shape == (4, 3, 32, 32) and len(add_up(images, report)) == 2


def test_files_that_cannot_be_read_are_tried_again_next_time(folder, monkeypatch):
    whole = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: 1 / 0 if path.name == "4.png" else whole(path))
    images, report = load_photos(folder)
    assert add_up(images, report) == {"4.png": photos.UNREAD}
    monkeypatch.undo()
    assert len(load_photos(folder)[0]) == 6


def test_a_file_that_does_not_answer_is_named_and_the_others_are_used(folder, monkeypatch):
    back, whole = threading.Event(), Path.read_bytes
    monkeypatch.setattr(photos, "FILE_PATIENCE", 0.3)
    hanging = ("2.png", "4.png")
    monkeypatch.setattr(Path, "read_bytes", lambda path: back.wait() if path.name in hanging else whole(path))
    images, report = load_photos(folder)
    assert add_up(images, report) == dict.fromkeys(["2.png", "4.png"], photos.UNREAD)
    back.set()
    monkeypatch.undo()
    assert len(load_photos(folder)[0]) == 6


def test_a_drive_that_answers_no_more_is_not_asked_for_each_file(folder, monkeypatch):
    back, asked = threading.Event(), []
    monkeypatch.setattr(photos, "FILE_PATIENCE", 0.05)
    monkeypatch.setattr(photos, "HANGS", 2)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.setattr(Path, "read_bytes", lambda path: asked.append(path) or back.wait())
    images, report = load_photos(folder)
    assert len(asked) == 2 and set(add_up(images, report).values()) == {photos.UNREAD} and report.found == 6
    back.set()


def test_wishes_that_cannot_be_met_are_refused_in_a_sentence(folder, tmp_path):
    with pytest.raises(ValueError, match="use 32, 64 or 128"):
        load_photos(folder, image_size=1024)
    with pytest.raises(OSError, match="cannot be listed"):
        load_photos(tmp_path / "gone")
    (tmp_path / "bad.zip").write_bytes(b"PK\3\4 nothing")
    with pytest.raises(ValueError, match=r"bad\.zip is not a ZIP"):
        load_photos(tmp_path / "bad.zip")


@pytest.mark.parametrize(("count", "words"), [(0, "too few"), (60, "augmentation"), (500, "enough")])
def test_the_advice_depends_on_the_number(count, words):
    assert words in photos.Report("x", ["a"] * count, [], photos.Counter()).advice()


def test_an_empty_folder_is_a_table_and_no_error(tmp_path):
    images, report = load_photos(tmp_path)
    assert images.shape == (0, 3, 32, 32) and report.found == 0 and "too few" in str(report)


# ZIPs and videos


def test_a_zip_is_read_where_it_lies_and_writes_nothing(tmp_path):
    path = tmp_path / "cats.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cats/1.png", packed(scene(1)))
        archive.writestr("../../escaped.png", packed(scene(2)))
        archive.writestr("/etc/3.png", packed(scene(3)))
        archive.writestr("program.py", "raise SystemExit")
        archive.writestr("__MACOSX/._1.png", b"x")
        archive.writestr("bomb.png", bytes(50_000_000))
    before = sorted(p for p in tmp_path.rglob("*") if "cache" not in str(p))
    images, report = load_photos(path)
    reasons = add_up(images, report)
    assert len(images) == 3 and set(reasons) == {"program.py", "__MACOSX/._1.png", "bomb.png"}
    assert "too much" in reasons["bomb.png"]
    assert sorted(p for p in tmp_path.rglob("*") if "cache" not in str(p)) == before


def test_a_zip_of_too_many_files_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "ZIP_FILES", 2)
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for i in range(4):
            archive.writestr(f"{i}.png", packed(scene(i)))
    images, report = load_photos(tmp_path / "many.zip")
    assert len(images) == 2 and len(add_up(images, report)) == 2


def test_a_damaged_member_of_a_zip_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        archive.writestr("1.png", packed(scene(1)))
        archive.writestr("2.png", packed(scene(2)))
    data = bytearray((tmp_path / "one.zip").read_bytes())
    data[200] ^= 255
    (tmp_path / "one.zip").write_bytes(data)
    images, report = load_photos(tmp_path / "one.zip")
    assert add_up(images, report) == {"1.png": photos.UNREAD}


def test_a_video_becomes_frames_without_repetitions_and_black_ones(tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    path = tmp_path / "walk.mp4"
    writer = ffmpeg.write_frames(str(path), (96, 64), fps=10)
    writer.send(None)
    for second in range(6):  # black, four scenes of a second each, black
        frame = scene(second, (96, 64)) if 0 < second < 5 else Image.new("RGB", (96, 64))
        for _ in range(10):
            writer.send(frame.tobytes())
    writer.close()
    images, report = load_photos(path, image_size=64)
    reasons = add_up(images, report)
    assert len(images) == 4 and report.found >= 55
    assert any("frame before" in reason for reason in reasons.values())
    assert any("same colour" in reason for reason in reasons.values())
    assert torch.equal(load_photos(path, image_size=64)[0], images)
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    with pytest.raises(ValueError, match=r"bad\.mp4 is not a video"):
        load_photos(tmp_path / "bad.mp4")


def test_a_full_disk_is_not_blamed_on_the_video(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    reader = types.SimpleNamespace(
        count_frames_and_secs=lambda path: (1, 0.1),
        read_frames=lambda path, **_: iter([{}, bytes(3 * decoding.SIDE**2)]),
    )
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", reader)
    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    (tmp_path / "walk.mp4").write_bytes(b"x")
    with pytest.raises(OSError, match=r"frames of walk\.mp4 cannot be kept .*No space left.*: free space there"):
        load_photos(tmp_path / "walk.mp4")
    assert list(cache_folder().iterdir()) == []


def test_a_video_without_its_reader_says_how_to_get_one(tmp_path, monkeypatch):
    (tmp_path / "walk.mp4").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ImportError, match="pip install imageio-ffmpeg"):
        load_photos(tmp_path / "walk.mp4")


# Many real odd files, where they lie beside the clone


@pytest.mark.skipif(not (ODD / "odd-images.tar.gz").exists(), reason="the odd files are not here")
def test_real_odd_files_do_as_their_labels_say(tmp_path):
    pytest.importorskip("pillow_heif")
    with tarfile.open(ODD / "odd-images.tar.gz") as archive:
        archive.extractall(tmp_path)
    images, report = load_photos(tmp_path / "odd-images")
    reasons = add_up(images, report)
    with open(ODD / "odd-images.tsv", encoding="utf-8") as file:
        labels = {row["file"]: row["expect"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}
    assert report.found == len(labels)
    by_rule = re.compile("same colour|same as another")
    to_load = [name for name, label in labels.items() if label == "load"]
    failed = [name for name in to_load if name in reasons and not by_rule.search(reasons[name])]
    assert len(failed) <= 0.005 * len(to_load), failed
    assert [name for name, label in labels.items() if label == "skip" and name not in reasons] == []
