"""A folder, a ZIP or a video becomes a list of files; what is none of them is named truly, and the advice works."""

import subprocess
import sys
import types
import zipfile
from pathlib import Path

import pytest
import torch
from PIL import Image

from gans_workshop.files import sources
from gans_workshop.files.decoding import SIDE
from gans_workshop.files.photos import load_photos
from gans_workshop.files.workspace import picture_places
from tools import packed, scene

MP4 = b"\0\0\0\x18ftypmp42" + bytes(400)  # the beginning of a video, and nothing else


def add_up(images, report):
    assert report.found == len(report.used) + len(report.skipped)
    assert len(images) == len(report.used)
    return dict(report.skipped)


def zip_of(path, count=3, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for i in range(count):
            archive.writestr(f"{i}.png", packed(scene(i)))
    return path


# Folders


def test_a_large_file_is_led_on_by_its_kind(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "FILE_BYTES", 10)
    for name in ("long.mov", "all.zip", "scan.png", "@eaDir.gdoc"):
        (tmp_path / name).write_bytes(bytes(20))
    reasons = {file.name: file.reason for file in sources.list_pictures(tmp_path)[0]}
    assert "is a video: put it into the workshop folder itself" in reasons["long.mov"]
    assert "is a ZIP: put it into the workshop folder itself" in reasons["all.zip"]
    assert "make it smaller" in reasons["scan.png"] and "Google" in reasons["@eaDir.gdoc"]


# ZIPs


@pytest.mark.parametrize("name", ["notes", "cats.jpg", "cats.cbz", "deep.bin"])
def test_what_a_reason_advises_for_a_zip_or_a_video_leads_on(tmp_path, name):
    """Put into a folder it is left out; where the reason sends it, it is offered and read."""
    inside = tmp_path / "files" / "cats"
    inside.mkdir(parents=True)
    video = name == "deep.bin"
    (inside / name).write_bytes(MP4 if video else zip_of(tmp_path / "made").read_bytes())
    reason = add_up(*load_photos(inside))[name]
    ending = ".mp4" if video else ".zip"
    advised = f"give it a name that ends in {ending}, put it into the workshop folder itself and choose it"
    assert reason == f"is a {'video' if video else 'ZIP'}: {advised}"
    (inside / name).rename(tmp_path / "files" / f"cats{ending}")
    places = dict((path.name, path) for _, path in picture_places(tmp_path / "files"))
    assert f"cats{ending}" in places
    if not video:
        assert len(load_photos(places["cats.zip"])[0]) == 3


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("cats.zip", b"<!DOCTYPE html><html>can't scan this file for viruses</html>", "is a web page .* download"),
        ("cats.zip", b"PK\3\4 nothing", "is a ZIP without its end: download it again"),
        ("cats.zip", b"Rar!\x1a\x07\1\0", "is a packed archive .*: unpack it"),
        ("cats.zip", b"", "is empty: copy or download it again"),
        ("cats.zip", bytes(5000), "zeros"),
        ("cats.mp4", b"<html>404", "is a web page"),
        ("cats.rar", b"Rar!\x1a\x07\1\0", r"packed archive \(\.rar\): unpack it"),
        ("essay.docx", b"PK\3\4" + bytes(60), r"document of another program \(\.docx\)"),
        ("a.jpg", packed(scene(0), "JPEG"), "single file, and a GAN needs many pictures: put them into a folder"),
        ("a.heic", b"\0\0\0\x18ftypheic" + bytes(60), "single file"),
        ("a.m4a", b"\0\0\0\x18ftypM4A " + bytes(60), "is a sound"),
        ("a.CR3", b"\0\0\0\x18ftypcrx " + bytes(60), "raw file: export it as JPEG"),
        ("notes.txt", b"dear diary", "is a text"),
        ("walk.mov", b"\x8a\1\2\3" * 9, "is not a video that can be read"),
    ],
)
def test_a_file_that_is_no_set_of_pictures_is_named_truly(tmp_path, name, data, words):
    pytest.importorskip("imageio_ffmpeg")
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=rf"^{name} .*{words}") as caught:
        load_photos(tmp_path / name)
    said = str(caught.value)
    assert said.endswith(".") and "zipfile" not in said and "not a zip file" not in said


def test_a_zip_is_one_whatever_it_is_called(tmp_path):
    for name in ("cats.zip", "cats", "cats.mp4", "cats.rar", "cats.jpg"):
        assert len(load_photos(zip_of(tmp_path / name))[0]) == 3


def test_half_a_zip_is_called_so(tmp_path):
    whole = zip_of(tmp_path / "cats.zip").read_bytes()
    (tmp_path / "cats.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"cats\.zip is a ZIP without its end"):
        load_photos(tmp_path / "cats.zip")


def test_a_file_that_cannot_be_opened_is_told_in_a_sentence(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(107, "Transport endpoint is not connected")

    zip_of(tmp_path / "cats.zip")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(
        OSError, match=r"^The file .*cats\.zip cannot be read \(Transport .* not connected\): try again"
    ):
        load_photos(tmp_path / "cats.zip")


def test_a_zip_that_cannot_be_unpacked_says_why_and_not_to_run_again(tmp_path):
    data = bytearray(zip_of(tmp_path / "a.zip").read_bytes())
    for sign, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.index(sign) + place
        data[at] |= 1  # the first file is locked with a password
        at = data.index(sign, at) + place + 2
        data[at] = 99  # the second is packed in a way of its own
    (tmp_path / "a.zip").write_bytes(data)
    images, report = load_photos(tmp_path / "a.zip")
    reasons = add_up(images, report)
    assert report.used == ["2.png"]
    assert "locked with a password: make the ZIP again without one" in reasons["0.png"]
    assert "packed in a way that Python cannot read" in reasons["1.png"]


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


def test_names_in_a_zip_from_a_mac_are_read_as_the_mac_wrote_them(tmp_path, monkeypatch):
    """Its Finder writes UTF-8, decomposed, and does not set the flag that says so."""
    encode = zipfile.ZipInfo._encodeFilenameFlags
    monkeypatch.setattr(
        zipfile.ZipInfo, "_encodeFilenameFlags", lambda info: (encode(info)[0], encode(info)[1] & ~0x800)
    )
    cats = "Ka\u0308tzchen 🐈"
    with zipfile.ZipFile(tmp_path / "mac.zip", "w") as archive:
        for i, name in enumerate([f"{cats}/1.png", f"__MACOSX/{cats}/._1.png", f"{cats}/2.png", "dogs/1.png"]):
            archive.writestr(name, packed(scene(i)))
    monkeypatch.undo()
    with zipfile.ZipFile(tmp_path / "mac.zip") as archive:
        assert cats not in archive.namelist()[0], "as it is to be read"
    images, labels, names, report = load_photos(tmp_path / "mac.zip", labels=True)
    add_up(images, report)
    assert report.used[labels.tolist().index(0)].startswith(f"{cats}/")
    assert names == ["K\u00e4tzchen 🐈", "dogs"] and report.classes == {names[0]: 2, "dogs": 1}
    with zipfile.ZipFile(tmp_path / "old.zip", "w") as archive:  # from Windows: a byte that is no UTF-8
        archive.writestr("Kxtzchen/1.png", packed(scene(0)))
    (tmp_path / "old.zip").write_bytes((tmp_path / "old.zip").read_bytes().replace(b"Kxtz", b"K\x84tz"))
    assert load_photos(tmp_path / "old.zip")[1].used == ["K\u00e4tzchen/1.png"]


def test_a_zip_of_too_many_files_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "ZIP_FILES", 2)
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
    assert "damaged inside the ZIP" in add_up(images, report)["1.png"] and report.used == ["2.png"]


# Videos


@pytest.mark.parametrize("ending", ["mp4", "3gp", "avi", "mkv", "mpg", "wmv", "mts", "flv", "ogv", "webm", "m2ts"])
def test_videos_of_every_wrapping_are_offered_and_read(tmp_path, ending):
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    path = tmp_path / "files" / f"clip.{ending}"
    path.parent.mkdir()
    codec = {"3gp": "h263", "ogv": "libtheora", "webm": "libvpx"}.get(ending)
    command = [ffmpeg.get_ffmpeg_exe(), "-f", "lavfi", "-i", "testsrc2=s=176x144:r=25:d=1"]
    made = subprocess.run([*command, *(["-c:v", codec] if codec else []), str(path)], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("this ffmpeg writes no such video")
    assert picture_places(path.parent) == [(f"clip.{ending} (video)", path)]
    images, report = load_photos(path)
    add_up(images, report)
    assert len(images) >= 5


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
    (tmp_path / "bad.mp4").write_bytes(MP4)
    with pytest.raises(ValueError, match=r"bad\.mp4 is not a video"):
        load_photos(tmp_path / "bad.mp4")


def test_a_full_disk_is_not_blamed_on_the_video(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    reader = types.SimpleNamespace(
        count_frames_and_secs=lambda path: (1, 0.1),
        read_frames=lambda path, **_: iter([{}, bytes(3 * SIDE**2)]),
    )
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", reader)
    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    (tmp_path / "walk.mp4").write_bytes(MP4)
    with pytest.raises(OSError, match=r"frames of walk\.mp4 cannot be kept .*No space left.*: free space there"):
        load_photos(tmp_path / "walk.mp4")
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_a_video_without_its_reader_says_how_to_get_one(tmp_path, monkeypatch):
    (tmp_path / "walk.mp4").write_bytes(MP4)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ImportError, match="pip install imageio-ffmpeg"):
        load_photos(tmp_path / "walk.mp4")
