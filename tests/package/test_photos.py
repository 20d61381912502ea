"""Anybody's files become pictures: each is used or named with a plain reason, and none is decoded twice."""

import csv
import os
import re
import signal
import sqlite3
import sys
import tarfile
import threading
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gans_workshop.files import classes, photos, sources
from gans_workshop.files.decoding import read_picture
from gans_workshop.files.marks import make_mark, other_data
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


@pytest.mark.parametrize(("size", "channels"), [(32, 3), (64, 1), (128, 3), (256, 1), (28, 1)])
def test_a_folder_becomes_one_tensor(folder, size, channels):
    images, report = load_photos(folder, image_size=size, channels=channels)
    assert images.shape == (6, channels, size, size) and images.dtype == torch.uint8
    assert add_up(images, report) == {}
    images = images[report.listed]
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
    for name in ("__MACOSX", "@eaDir"):
        (folder / name).mkdir()
        scene(12).save(folder / name / "12.png")
    images, report = load_photos(folder)
    reasons = add_up(images, report)
    assert report.found == 17 and len(images) == 8
    assert reasons["copy of 0.bmp"] == "shows the same as another picture"
    assert sum("system" in reason for reason in reasons.values()) == 6
    assert "Google" in reasons["link.gdoc"]
    text = str(report)
    assert text.count("system") == 1, "one line for all of them"
    assert "17 files found" in text and "notes.pdf" in text and "is a PDF, not a picture" in text
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
    assert "badÿ?name.png" in report.used


def test_the_second_start_decodes_and_reads_nothing(folder, monkeypatch):
    first, _ = load_photos(folder, image_size=64)

    def never(*_, **__):
        raise AssertionError("a file was opened")

    monkeypatch.setattr(photos, "read_file", never)
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


def test_256_pixels_are_decoded_for_themselves_and_the_smaller_ones_stay(folder):
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    Image.fromarray(noise.repeat(2, 0).repeat(2, 1)).save(folder / "noise.png")
    small, _ = load_photos(folder, image_size=128)
    large, report = load_photos(folder, image_size=256)
    assert large.shape == (7, 3, 256, 256)
    assert (large[report.listed][-1] - torch.from_numpy(noise).permute(2, 0, 1).float()).abs().mean() < 20
    assert torch.equal(load_photos(folder, image_size=128)[0], small)


def test_stopping_loses_nothing_that_was_decoded(folder, monkeypatch):
    decoded = []

    def slow(data, name, *more):
        decoded.append(name)
        if len(decoded) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return read_picture(data, name, *more)

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


@pytest.fixture
def no_pauses(monkeypatch):
    pauses = []
    monkeypatch.setattr(photos.time, "sleep", pauses.append)
    return pauses


def refuse(monkeypatch, names, error):
    """Let reading these files fail, and return the list of the names that were asked for."""
    whole, asked = Path.read_bytes, []

    def read(path):
        asked.append(path.name)
        if path.name in names:
            raise error
        return whole(path)

    monkeypatch.setattr(Path, "read_bytes", read)
    return asked


def test_files_that_cannot_be_read_are_tried_three_times_together_and_again_next_time(folder, monkeypatch, no_pauses):
    asked = refuse(monkeypatch, ("2.png", "4.png"), OSError(5, "Input/output error"))
    images, report = load_photos(folder)
    reasons = add_up(images, report)
    assert set(reasons) == {"2.png", "4.png"} and len(set(reasons.values())) == 1
    assert "Input/output error" in reasons["4.png"] and "leave it out" in reasons["4.png"]
    assert asked.count("4.png") == asked.count("2.png") == 3 and asked.count("1.png") == 1
    assert sum(no_pauses) == sum(photos.PAUSES), "not for each file"
    monkeypatch.undo()
    assert len(load_photos(folder)[0]) == 6


def test_a_second_try_may_help(folder, monkeypatch, no_pauses):
    whole, answers = Path.read_bytes, [OSError(5, "Input/output error"), OSError(107, "not connected")]

    def read(path):
        if path.name == "4.png" and answers:
            raise answers.pop()
        return whole(path)

    monkeypatch.setattr(Path, "read_bytes", read)
    assert add_up(*load_photos(folder)) == {}


@pytest.mark.parametrize("number", [95, 13, 1, 38])
def test_what_will_never_be_read_is_asked_once(folder, monkeypatch, no_pauses, number):
    asked = refuse(monkeypatch, ("4.png",), OSError(number, os.strerror(number)))
    reasons = add_up(*load_photos(folder))
    assert asked.count("4.png") == 1 and sum(no_pauses) == 0
    assert os.strerror(number) in reasons["4.png"] and "run the cell again" not in reasons["4.png"]


def test_pointers_of_google_and_stand_ins_of_clouds_are_never_opened(folder, monkeypatch):
    names = ["a.gslides", "b.GFORM", "c.gmap", "d.gjam", ".IMG_7.HEIC.icloud", "e.gdoc"]
    for name in names:
        (folder / name).write_bytes(b"x")
    asked = refuse(monkeypatch, names, OSError(95, "Operation not supported"))
    reasons = add_up(*load_photos(folder))
    assert sorted(reasons) == sorted(names) and set(asked).isdisjoint(names)


def test_a_file_that_does_not_answer_is_named_and_the_others_are_used(folder, monkeypatch):
    back, whole = threading.Event(), Path.read_bytes
    monkeypatch.setattr(sources, "FILE_PATIENCE", 0.3)
    hanging = ("2.png", "4.png")
    monkeypatch.setattr(Path, "read_bytes", lambda path: back.wait() if path.name in hanging else whole(path))
    images, report = load_photos(folder)
    assert add_up(images, report) == dict.fromkeys(["2.png", "4.png"], sources.UNREAD)
    back.set()
    monkeypatch.undo()
    assert len(load_photos(folder)[0]) == 6


def test_a_drive_that_answers_no_more_is_not_asked_for_each_file(folder, monkeypatch):
    back, asked = threading.Event(), []
    monkeypatch.setattr(sources, "FILE_PATIENCE", 0.05)
    monkeypatch.setattr(sources, "HANGS", 2)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.setattr(Path, "read_bytes", lambda path: asked.append(path) or back.wait())
    images, report = load_photos(folder)
    assert len(asked) == 2 and set(add_up(images, report).values()) == {sources.UNREAD} and report.found == 6
    back.set()


# The order


def test_the_order_depends_on_what_is_shown_and_not_on_names_and_places(folder, tmp_path):
    images, report = load_photos(folder)
    assert torch.equal(
        images[report.listed], torch.cat([images[report.used.index(f"{i}.png")][None] for i in range(6)])
    )
    (folder / "2.png").rename(folder / "photo (1).png")
    (folder / "holiday").mkdir()
    (folder / "0.png").rename(folder / "holiday" / "zoo.png")
    renamed, after = load_photos(folder)
    assert torch.equal(images, renamed)
    names = {"2.png": "photo (1).png", "0.png": "holiday/zoo.png"}
    assert after.used == [names.get(name, name) for name in report.used], "the names follow the pictures"
    with zipfile.ZipFile(tmp_path / "cats.zip", "w") as archive:
        for i in (3, 0, 5, 1, 4, 2):
            archive.writestr(f"{9 - i}.png", packed(scene(i)))
    zipped, packed_ones = load_photos(tmp_path / "cats.zip")
    assert torch.equal(images, zipped)
    assert [packed_ones.used[i] for i in packed_ones.listed] == [f"{9 - i}.png" for i in (3, 0, 5, 1, 4, 2)]


def test_of_copies_it_does_not_matter_which_is_kept(folder):
    images, _ = load_photos(folder)
    for name in ("00.bmp", "9.bmp"):
        scene(0).save(folder / name)
    (folder / "0.png").rename(folder / "5 b.png")
    more, report = load_photos(folder)
    assert torch.equal(images, more) and len(add_up(more, report)) == 2


def test_reasons_of_an_older_version_are_found_afresh_and_pictures_are_kept(folder, monkeypatch):
    (folder / "talk.docx").write_bytes(packed_document := b"PK\3\4" + bytes(26) + b"[Content_Types].xml" + bytes(99))
    wanted, report = load_photos(folder)
    with closing(sqlite3.connect(cache_folder() / "photos.sqlite")) as cache:
        cache.execute("UPDATE pictures SET reason = 'is a ZIP' WHERE reason != ''")
        cache.execute("PRAGMA user_version = 0")
        cache.commit()
    decoded = []
    monkeypatch.setattr(photos, "read_picture", lambda *_: decoded.append(_))
    images, again = load_photos(folder)
    assert torch.equal(images, wanted) and again.skipped == report.skipped and decoded == []
    (folder / "talk.zip").write_bytes(packed_document)
    assert "is a ZIP" in dict(load_photos(folder)[1].skipped)["talk.zip"], "the same bytes under another name"


# Wishes


def test_wishes_that_cannot_be_met_are_refused_in_a_sentence(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(photos, "list_source", None)  # nothing is read before
    for size in (1024, 260, 0, -32, 64.5, "64", None, (64, 64), float("nan"), True):
        with pytest.raises(ValueError, match="use 32, 64, 128 or 256"):
            load_photos(folder, image_size=size)
    for channels in (2, 4, "RGB", None):
        with pytest.raises(ValueError, match=r"3 \(colour\) or 1 \(grey\)"):
            load_photos(folder, channels=channels)
    for memory in (0, -1, "2 GB", None):
        with pytest.raises(ValueError, match="bytes"):
            load_photos(folder, memory=memory)
    for background in ("whit", (0, 0, 0), "#12", "transparent", "#11223300", 0, None, ""):
        with pytest.raises(ValueError, match='is no colour: write a name such as "black", or "#202020"'):
            load_photos(folder, background=background)
    for place in ([folder, tmp_path], "", " ", None, torch.zeros(3), 7, "https://example.com/cats.zip"):
        with pytest.raises(ValueError, match="takes the name of one folder, ZIP or video on this machine"):
            load_photos(place)
    monkeypatch.undo()
    with pytest.raises(OSError, match="cannot be listed"):
        load_photos(tmp_path / "gone")


def test_whole_numbers_of_other_kinds_and_the_home_folder_work(folder, monkeypatch):
    wanted, _ = load_photos(folder, image_size=64)
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.setenv("USERPROFILE", str(folder.parent))
    for size in (128 / 2, np.int64(64), np.float32(64)):
        assert torch.equal(load_photos("~/cats", image_size=size, channels=3.0, memory=1e9)[0], wanted)
    for background in ("black", "#202020", "White", "rgb(1, 2, 3)"):
        assert torch.equal(load_photos(str(folder), image_size=64, background=background)[0], wanted)


def test_masks_are_noted(tmp_path):
    for i in range(3):
        for part in ("images", "masks"):
            (tmp_path / "set" / part).mkdir(parents=True, exist_ok=True)
            scene(i + 10 * (part == "masks")).save(tmp_path / "set" / part / f"{i}.png")
    Image.fromarray(np.eye(40, dtype=np.uint8)).save(tmp_path / "set" / "masks" / "9.png")
    images, report = load_photos(tmp_path / "set")
    assert len(images) == 6 and "      3    of these may be masks, by their names" in str(report)
    assert "as masks have" in add_up(images, report)["masks/9.png"]


@pytest.mark.parametrize(("count", "words"), [(0, "too few"), (60, "augmentation"), (500, "enough")])
def test_the_advice_depends_on_the_number(count, words):
    assert words in photos.Report("x", ["a"] * count, [], photos.Counter()).advice()


def test_an_empty_folder_is_a_table_and_no_error(tmp_path):
    images, report = load_photos(tmp_path)
    assert images.shape == (0, 3, 32, 32) and report.found == 0 and "too few" in str(report)


# Classes


@pytest.fixture
def pets(tmp_path):
    """Three cats, two dogs, one of them deeper, and a picture that lies beside them."""
    for i, name in enumerate(["cats/1", "cats/2", "cats/3", "dogs/1", "dogs/in Rome/2", "cover"]):
        (tmp_path / "pets" / name).parent.mkdir(parents=True, exist_ok=True)
        scene(i).save(tmp_path / "pets" / f"{name}.png")
    return tmp_path / "pets"


def shown(images, labels, names):
    """What is called what: a set of (name of the class, bytes of the picture)."""
    return {(names[label], image.numpy().tobytes()) for image, label in zip(images, labels, strict=True)}


def test_sub_folders_are_classes_on_request(pets):
    images, labels, names, report = load_photos(pets, labels=True)
    assert add_up(images, report) == {"cover.png": classes.BESIDE}
    assert names == ["cats", "dogs"] and labels.dtype == torch.int64 and labels.shape == (5,)
    assert [names[label] for label in labels] == [name.partition("/")[0] for name in report.used]
    for name in names:
        alone, _ = load_photos(pets / name)
        assert shown(alone, [0] * len(alone), [name]) == {
            pair for pair in shown(images, labels, names) if pair[0] == name
        }
    assert report.classes == {"cats": 3, "dogs": 2}
    text = str(report)
    assert "      2  classes: cats 3, dogs 2\n" in text
    assert "Classes with fewer than 50 pictures (cats 3, dogs 2): add some" in text
    assert "their class, and count to it: 1." in text


def test_without_the_request_all_is_as_ever_but_for_one_line(pets):
    images, report = load_photos(pets)
    assert add_up(images, report) == {} and len(images) == 6
    assert (
        "2 classes, by sub-folders: cats 3, dogs 2; load_photos(..., labels=True) gives each picture its own."
        in str(report)
    )
    (pets / "dogs").rename(pets / "cats" / "dogs")
    assert "classes" not in str(load_photos(pets)[1])


def test_images_and_labels_stay_together_however_they_come(pets, tmp_path):
    images, labels, names, _ = load_photos(pets, labels=True)
    wanted, mark = shown(images, labels, names), make_mark([images.numpy(), labels.numpy()])
    for _ in range(2):  # the second time from the cache
        with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
            for path in sorted(pets.rglob("*.png"), reverse=True):
                archive.write(path, f"my pets/{path.relative_to(pets)}")
        images, labels, names, _ = load_photos(tmp_path / "pets.zip", labels=True)
        assert shown(images, labels, names) == wanted
        assert make_mark([images.numpy(), labels.numpy()]) == mark, "the same training"
    (pets / "cats" / "1.png").rename(pets / "dogs" / "3.png")
    images, labels, names, _ = load_photos(pets, labels=True)
    assert shown(images, labels, names) != wanted
    assert "other conditions" in other_data(mark, make_mark(arrays := [images.numpy(), labels.numpy()]), arrays)


def test_a_picture_in_two_classes_is_left_out_of_both(pets):
    for copy in ("dogs/copy of a cat", "cats/again", "birds/too"):
        (pets / copy).parent.mkdir(exist_ok=True)
        scene(0).save(pets / f"{copy}.bmp")
    scene(4).save(pets / "dogs" / "copy of a dog.bmp")
    images, _, names, report = load_photos(pets, labels=True)
    reasons = add_up(images, report)
    assert names == ["cats", "dogs"] and report.classes == {"cats": 2, "dogs": 2}
    copies = ["birds/too.bmp", "cats/1.png", "cats/again.bmp", "dogs/copy of a cat.bmp"]
    assert sorted(name for name, why in reasons.items() if why == classes.TWICE) == copies
    assert "another picture" in reasons["dogs/in Rome/2.png"]
    assert "Without a picture that can be used, so no class: birds." in str(report)


@pytest.mark.parametrize("kind", ["loose", "one sub-folder", "a ZIP", "nothing", "no picture"])
def test_a_lone_level_is_one_class_and_no_error(tmp_path, kind):
    place = tmp_path / "cats"
    inside = place / "all" if kind == "one sub-folder" else place
    inside.mkdir(parents=True)
    for i in range(0 if kind.startswith("no") else 3):
        scene(i).save(inside / f"{i}.png")
    if kind == "no picture":
        (place / "cats").mkdir()
        (place / "cats" / "notes.jpg").write_bytes(b"dear diary")
    if kind == "a ZIP":
        with zipfile.ZipFile(place := tmp_path / "cats.zip", "w") as archive:
            for i in range(3):
                archive.writestr(f"{i}.png", packed(scene(i)))
    images, labels, names, report = load_photos(place, labels=True)
    add_up(images, report)
    if kind.startswith("no"):
        assert len(images) == len(labels) == 0 and labels.dtype == torch.int64 and names == []
        assert ("so no class: cats" in str(report)) == (kind == "no picture")
    else:
        assert labels.tolist() == [0, 0, 0] and names == ["pictures"]
        assert str(report).count("Only one class has pictures, and labels need two: make a sub-folder") == 1


def test_what_belongs_to_the_system_is_no_class_and_what_is_empty_is_named(pets, tmp_path):
    for name in ("__MACOSX/cats", ".hidden", "cats/.ipynb_checkpoints", "@eaDir", "birds", "fish/deep", "odd"):
        (pets / name).mkdir(parents=True)
    for name in ("__MACOSX/cats/._1.png", ".hidden/1.png", "cats/.ipynb_checkpoints/1.png", "@eaDir/1.png"):
        (pets / name).write_bytes(packed(scene(50)))
    (pets / "odd" / "talk.pdf").write_bytes(b"%PDF-1.7")
    with zipfile.ZipFile(tmp_path / "pets.zip", "w") as archive:
        for path in sorted(pets.rglob("*")):
            archive.write(path, path.relative_to(pets))
    for place in (pets, tmp_path / "pets.zip"):
        _, _, names, report = load_photos(place, labels=True)
        assert names == ["cats", "dogs"]
        assert "Without a picture that can be used, so no class: birds, fish, odd.\n" in str(report)


NAMES = [
    "Ka\u0308tzchen",
    "👩🏽\u200d🦰",
    "a, b & <b>c",
    "\u202egnp",
    "con",
    "x" * 200,
    "日本",
    "-rf",
    "'\"$(id)`",
    "%s{0}",
]


@pytest.mark.skipif(sys.platform == "win32", reason="names that Windows refuses")
def test_classes_of_any_name_keep_it(tmp_path):
    for i, name in enumerate(NAMES):
        (tmp_path / "set" / name).mkdir(parents=True)
        scene(i).save(tmp_path / "set" / name / "1.png")
    images, _, names, report = load_photos(tmp_path / "set", labels=True)
    assert len(names) == len(images) == len(NAMES) and add_up(images, report) == {}
    assert {"K\u00e4tzchen", "👩🏽\u200d🦰", "?gnp", "a, b & <b>c", "日本"} <= set(names) and names == sorted(names)
    assert "<b>" not in report._repr_html_() and str(report).encode()


@pytest.mark.parametrize("wish", [1, "yes", None, [0, 1], torch.zeros(3)])
def test_labels_of_your_own_are_not_taken_for_the_request(pets, wish):
    with pytest.raises(ValueError, match="write labels=True, and each sub-folder is a class"):
        load_photos(pets, labels=wish)


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
