"""Anybody's files become pictures: each is used or named with a plain reason, and none is decoded twice."""

import csv
import io
import os
import re
import signal
import sqlite3
import sys
import tarfile
import threading
import types
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from gans_workshop import photos, pictures
from gans_workshop.photos import load_photos
from gans_workshop.pictures import read_picture

ODD = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
LEFT_BLUE = np.zeros((60, 90, 3), np.uint8)
LEFT_BLUE[:, :45, 2], LEFT_BLUE[:, 45:, 0] = 255, 255  # blue on the left, red on the right


def scene(seed, size=(90, 60)):
    """A picture unlike all others: smooth colours from few random numbers."""
    small = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


def packed(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def look(data, name="x", **options):
    """The square as an array of floats; the file must be usable."""
    picture = read_picture(data, name, **options)
    assert picture.reason == ""
    side = int((len(picture.pixels) // 3) ** 0.5)
    return np.frombuffer(picture.pixels, np.uint8).reshape(side, side, 3).astype(float), picture.notes


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


# One file


@pytest.mark.parametrize("turned", range(1, 9))
def test_photos_are_turned_upright(turned):
    exif = Image.Exif()
    exif[0x0112] = turned
    steps = {2: [0], 3: [3], 4: [1], 5: [5], 6: [2], 7: [6], 8: [4]}  # the inverse of what a viewer has to do
    image = Image.fromarray(LEFT_BLUE)
    for step in steps.get(turned, []):
        image = image.transpose(step)
    for kind in ("JPEG", "TIFF", "PNG"):
        square, _ = look(packed(image, kind, exif=exif))
        assert square[30, 5, 2] > 200 > 50 > square[30, 5, 0], kind
        assert square[30, -5, 0] > 200 > 50 > square[30, -5, 2], kind


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pictures_are_put_on_a_background_and_show_no_garbage(mode):
    colours = np.full((40, 40, 4), (255, 0, 0, 0), np.uint8)  # hidden red
    colours[10:30, 10:30] = (0, 0, 0, 255)
    image = Image.fromarray(colours)
    image = image.quantize(4) if mode == "P" else image.convert(mode)
    square, notes = look(packed(image))
    assert square[3, 3] == pytest.approx([255] * 3) and square[20, 20] == pytest.approx([0] * 3)
    assert notes == "transparent, put on white"
    assert look(packed(image), background="lime")[0][3, 3] == pytest.approx([0, 255, 0])


def test_deep_pictures_are_scaled_and_not_clipped():
    ramp = np.linspace(0, 1, 64, dtype=np.float32)[None].repeat(64, 0)
    wanted = (ramp * 255).round()[:, :, None]
    assert abs(look(packed(Image.fromarray((ramp * 65535).astype(np.uint16))))[0] - wanted).max() <= 1
    assert abs(look(packed(Image.fromarray(ramp), "TIFF"))[0] - wanted).max() <= 1
    assert abs(look(packed(Image.fromarray(ramp * 7 - 3), "TIFF"))[0] - wanted).max() <= 1
    holed = ramp.copy()
    holed[:, -1] = np.nan
    assert look(packed(Image.fromarray(holed), "TIFF"))[0][:, -1].max() == 0


def test_print_colours_and_profiles_become_screen_colours():
    cmyk = look(packed(Image.fromarray(LEFT_BLUE).convert("CMYK"), "JPEG"))[0]
    assert cmyk[30, 5, 2] > 200 and cmyk[30, -5, 0] > 200
    lab = Image.merge("LAB", [Image.linear_gradient("L")] + [Image.new("L", (256, 256), 128)] * 2)
    grey = look(packed(lab, "TIFF"))[0]
    assert grey[0].mean() < 10 and grey[-1].mean() > 240 and np.ptp(grey, axis=2).max() < 12
    image = scene(1)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert abs(look(packed(image, icc_profile=profile))[0] - look(packed(image))[0]).mean() < 1
    assert abs(look(packed(image, icc_profile=b"rubbish" * 40))[0] - look(packed(image))[0]).max() == 0


def test_of_an_animation_the_first_frame_is_taken_and_that_is_said():
    data = packed(scene(0).quantize(), "GIF", save_all=True, append_images=[scene(1).quantize()])
    square, notes = look(data)
    assert notes == "only the first frame of several"
    assert abs(square - look(packed(scene(0)))[0]).mean() < 10


def test_broken_exif_does_no_harm():
    whole = packed(scene(3), "JPEG")
    broken = whole[:2] + b"\xff\xe1\x00\x20Exif\x00\x00MM\x00*\xff\xff\xff\xff" + b"\x07" * 16 + whole[2:]
    assert abs(look(broken)[0] - look(whole)[0]).max() == 0


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"", "a.jpg", "is empty"),
        (b"%PDF-1.7 ...", "notes.jpg", "is a PDF, not a picture"),
        (b'<?xml version="1.0"?>\n<svg xmlns="x"/>', "a.png", "SVG"),
        (b"PK\3\4" + bytes(40), "a.jpg", "is a ZIP"),
        (b"\0\0\0\x18ftypmp42" + bytes(40), "a.jpg", "is a video"),
        (b"dear diary", "a.jpg", "is no picture"),
        (packed(scene(0), "TIFF"), "IMG.CR2", "raw file"),
        (packed(scene(0))[:-900], "a.png", "ends in the middle"),
        (packed(scene(0, (900, 600)), "JPEG")[:-3000], "a.jpg", "ends in the middle"),
        (packed(scene(0, (15, 400))), "a.png", "smaller than 16"),
        (packed(scene(0, (20, 170))), "a.png", "8 times"),
        (packed(Image.new("RGB", (50, 50), "teal")), "a.png", "same colour"),
    ],
)
def test_what_is_no_use_is_left_out_for_a_plain_reason(data, name, reason):
    picture = read_picture(data, name)
    assert reason in picture.reason and picture.pixels == b""


def test_size_is_checked_before_decoding(monkeypatch):
    png = bytearray(packed(scene(0)))
    png[16:24] = (30_000).to_bytes(4, "big") * 2  # claims 900 megapixels
    monkeypatch.setattr(pictures, "_decode", None)  # would fail as 'damaged'
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    png[29:33] = zlib.crc32(png[12:29]).to_bytes(4, "big")
    assert "too many pixels" in read_picture(bytes(png), "a").reason
    assert "too many pixels" in read_picture(packed(Image.new("1", (7000, 7000))), "a").reason
    monkeypatch.undo()
    assert look(packed(scene(0, (8000, 8000)), "JPEG"))[0].shape == (128, 128, 3)  # JPEG shrinks while it decodes


def test_without_a_reader_heic_says_how_to_get_one(monkeypatch):
    data = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(400)
    monkeypatch.setattr(pictures, "known_formats", lambda: ["JPEG", "PNG"])
    assert "pip install pillow-heif" in read_picture(data, "IMG_1.HEIC").reason


def test_formats_that_this_pillow_lacks_are_not_asked_for(monkeypatch):
    pictures.known_formats.cache_clear()
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    Image.init()
    for name in ("AVIF", "HEIF"):
        monkeypatch.delitem(Image.OPEN, name, raising=False)
    assert set(pictures.known_formats()).isdisjoint({"AVIF", "HEIF"})
    assert look(packed(scene(0)))[0].shape == (60, 60, 3)
    pictures.known_formats.cache_clear()


def test_jpeg_shrinking_shows_the_same_picture():
    data = packed(scene(5, (2000, 1500)), "JPEG", quality=90)
    whole = Image.open(io.BytesIO(data)).crop((250, 0, 1750, 1500)).resize((128, 128), Image.Resampling.BICUBIC)
    assert abs(look(data)[0] - np.asarray(whole, float)).mean() < 1


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

    monkeypatch.setattr(pictures, "_read", never)
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
    cache = Path(os.environ["GANS_WORKSHOP_CACHE"]) / "photos.sqlite"
    cache.write_bytes(b"no data base" * 1000)
    assert torch.equal(load_photos(folder)[0], wanted)
    assert torch.equal(load_photos(folder)[0], wanted) and sqlite3.connect(cache).execute("SELECT 1").fetchone()
    cache.write_bytes(cache.read_bytes()[:6000])
    assert torch.equal(load_photos(folder)[0], wanted)


def test_a_damaged_cache_is_closed_before_it_is_deleted(folder, monkeypatch):
    """As on Windows, where an open file cannot be deleted."""
    wanted, opened = load_photos(folder)[0], []
    cache = Path(os.environ["GANS_WORKSHOP_CACHE"]) / "photos.sqlite"
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
    whole = pictures._read
    monkeypatch.setattr(pictures, "_read", lambda path: None if path.endswith("4.png") else whole(path))
    images, report = load_photos(folder)
    assert add_up(images, report) == {"4.png": photos.UNREAD}
    monkeypatch.undo()
    assert len(load_photos(folder)[0]) == 6


def test_a_file_that_does_not_answer_is_named_and_the_others_are_used(folder, monkeypatch):
    back, whole = threading.Event(), pictures._read
    monkeypatch.setattr(photos, "PATIENCE", 0.3)
    monkeypatch.setattr(
        pictures, "_read", lambda path: back.wait() if path.endswith(("2.png", "4.png")) else whole(path)
    )
    images, report = load_photos(folder)
    assert add_up(images, report) == dict.fromkeys(["2.png", "4.png"], photos.UNREAD)
    back.set()
    monkeypatch.undo()
    assert len(load_photos(folder)[0]) == 6


def test_a_drive_that_answers_no_more_is_not_asked_for_each_file(folder, monkeypatch):
    back, asked = threading.Event(), []
    monkeypatch.setattr(photos, "PATIENCE", 0.05)
    monkeypatch.setattr(photos, "HANGS", 2)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.setattr(pictures, "_read", lambda path: asked.append(path) or back.wait())
    images, report = load_photos(folder)
    assert len(asked) == 2 and set(add_up(images, report).values()) == {photos.UNREAD} and report.found == 6
    back.set()


def test_reading_is_tried_three_times(folder, monkeypatch):
    answers = [OSError(5, "Input/output error"), OSError(5, "again"), b"here"]

    def read(_):
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr(Path, "read_bytes", read)
    monkeypatch.setattr(pictures.time, "sleep", lambda _: None)
    assert pictures._read("x") == b"here" and answers == []


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
    monkeypatch.setattr(pictures, "ZIP_FILES", 2)
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
        read_frames=lambda path, **_: iter([{}, bytes(3 * pictures.SIDE**2)]),
    )
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", reader)
    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    (tmp_path / "walk.mp4").write_bytes(b"x")
    with pytest.raises(OSError, match=r"frames of walk\.mp4 cannot be kept .*No space left.*: free space there"):
        load_photos(tmp_path / "walk.mp4")
    assert list((tmp_path / "cache").iterdir()) == []


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
