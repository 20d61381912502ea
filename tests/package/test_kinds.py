"""What a file is: known by how it begins, by its name only where it must not be opened; each reason leads on."""

import io
import re
import zipfile

import pytest

from gans_workshop.files import kinds
from tools import packed, scene

MOVIE = b"\0\0\0\x18ftyp%s\0\0\0\0" + bytes(400)
TIFF = packed(scene(0), "TIFF")


def zipped(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x" * 50)
    return buffer.getvalue()


# Names


@pytest.mark.parametrize(
    "name",
    [
        "__MACOSX/cats/._1.jpg", "cats/@eaDir/1.jpg/SYNOPHOTO_THUMB_M.jpg", "#recycle/1.jpg", ".Trashes/501/1.jpg",
        "$RECYCLE.BIN/S-1-5/1.jpg", "System Volume Information/x", "DCIM/.thumbnails/1.jpg", "lost+found/1.jpg",
        "@Recycle/1.jpg", ".@__thumb/1.jpg", ".Spotlight-V100/x", ".picasaoriginals/1.jpg", ".dropbox.cache/1.jpg",
        ".Trash-1000/files/1.jpg", ".ipynb_checkpoints/1.jpg", "a/Thumbs.db", "Desktop.INI", "._1.jpg", ".DS_Store",
        ".trashed-1700000000-IMG_1.jpg", "~$essay.docx", "Icon\r", "@eaDir/", "__MACOSX\\1.jpg", ".git/1.png",
        "My.photoslibrary/resources/derivatives/1.jpg", ".849C9593-D756-4E56-8D6E-42412F2A707B", "@eaDir",
    ],
)  # fmt: skip
def test_what_belongs_to_the_system_is_known_by_its_name(name):
    assert kinds.reason_by_name(name) == kinds.OF_SYSTEM


@pytest.mark.parametrize(
    "name",
    [
        "1.jpg", "macosx/1.jpg", "@my_name/1.jpg", "../../1.png", "./1.png", "recycled/1.jpg", "thumbs/1.jpg", "x.gif",
        "#art/1.jpg", "$100.png", "My.photoslibrary/originals/0/1.heic", "1.gz", "lost/found.jpg", ".hidden.jpg", "a.g",
        "cloud.jpg", "gdoc.png", "@eaDir.jpg",
    ],
)  # fmt: skip
def test_what_belongs_to_a_person_is_not_taken_for_the_system_s(name):
    assert kinds.reason_by_name(name) == ""


def test_pointers_and_stand_ins_are_known_by_their_endings():
    for ending in re.findall(r"\w+", "doc sheet slides form map draw site script table jam link note maillayout vid"):
        assert "Google" in kinds.reason_by_name(f"a b/Talk 1.g{ending}"), ending
        assert "Google" in kinds.reason_by_name(f"TALK.G{ending.upper()}")
    for name in (".IMG_7.HEIC.icloud", "cats/.cats.zip.icloud", "IMG_7.jpg.cloud", "a.jpg.nextcloud"):
        assert "still in the cloud" in kinds.reason_by_name(name)


def test_names_of_masks():
    for name in (
        "masks/1.png",
        "a/Mask/1.png",
        "1_mask.png",
        "SegmentationClass/1.png",
        "annotations/x.png",
        "gt/1.png",
    ):
        assert re.fullmatch(kinds.MASK, name), name
    for name in ("unmasked/1.png", "masked singers/1.png", "damask.png", "segway/1.png", "1.png"):
        assert not re.fullmatch(kinds.MASK, name), name


# Contents


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF"])
def test_a_picture_is_one_whatever_it_is_called_and_whatever_it_contains(kind):
    data = packed(scene(0), kind)
    for name in ("a.jpg", "a.docx", "a.mp3", "a.svg", "a.pdf", "a", "a.html"):
        for inside in (b"", b"<svg", b"<html>", b"%PDF-1.4", b"ftypmp42", b"PK\3\4"):
            assert kinds.kind_of(data + inside, name) in ("picture", "tiff"), name
            assert kinds.reason_of(kinds.kind_of(data[:40] + inside + data[40:], name), name) == ""


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (b"", "a.jpg", "empty"),
        (bytes(300), "a.jpg", "zeros"),
        (MOVIE % b"crx ", "IMG_1.CR3", "raw"),
        (MOVIE % b"crx ", "IMG_1.mp4", "raw"),
        (b"II*\0\x10\0\0\0CR\2\0" + bytes(99), "a.jpg", "raw"),
        (b"FUJIFILMCCD-RAW 0201", "a.jpg", "raw"),
        *[(TIFF, f"a.{ending}", "raw") for ending in ("CR2", "nef", "arw", "DNG", "pef", "srw", "raw")],
        (TIFF, "a.tif", "picture"),
        (MOVIE % b"heic", "a.jpg", "heic"),
        (MOVIE % b"avif", "a.jpg", "picture"),
        *[(MOVIE % brand, "a", "film") for brand in (b"3gp4", b"3g2a", b"qt  ", b"isom", b"mp42", b"M4V ", b"XAVC")],
        (b"\0\0\0\x14moov" + bytes(90), "a", "film"),
        (b"RIFF\0\0\0\0AVI LIST", "a", "film"),
        (b"\x1aE\xdf\xa3" + bytes(90), "a.webm", "film"),
        (b"\0\0\1\xba" + bytes(90), "a.mpg", "film"),
        (b"0&\xb2u\x8ef\xcf\x11" + bytes(90), "a.wmv", "film"),
        ((b"G" + bytes(187)) * 4, "a.ts", "film"),
        ((bytes(4) + b"G" + bytes(187)) * 4, "a.mts", "film"),
        (b"FLV\1\5" + bytes(90), "a.flv", "film"),
        (b"OggS" + bytes(24) + b"\x80theora" + bytes(90), "a.ogv", "film"),
        (b"OggS" + bytes(24) + b"\1vorbis" + bytes(90), "a.ogg", "sound"),
        (MOVIE % b"M4A ", "a.mp4", "sound"),
        (MOVIE % b"mp42", "voice.M4A", "sound"),
        (b"0&\xb2u\x8ef\xcf\x11" + bytes(90), "a.wma", "sound"),
        (b"ID3\4" + bytes(90), "a.jpg", "sound"),
        (b"\xff\xfb\x90" + bytes(90), "a.mp3", "sound"),
        (b"RIFF\0\0\0\0WAVEfmt ", "a.wav", "sound"),
        (b"fLaC\0" + bytes(90), "a.flac", "sound"),
        (b"%PDF-1.7\n%\xe2\xe3", "a.jpg", "PDF"),
        (b"%PDF-1.7\n%\xe2\xe3", "logo.ai", "document"),
        *[(zipped("content"), f"a.{ending}", "document") for ending in (
            "docx", "pptx", "xlsx", "odt", "pages", "epub", "procreate", "kra", "sketch", "usdz", "key", "jar", "xd")],
        (zipped("[Content_Types].xml"), "a.jpg", "document"),
        (zipped("mimetype"), "a", "document"),
        (zipped("1.jpg"), "a.zip", "zip"),
        (zipped("[Content_Types].xml"), "a.ZIP", "zip"),
        *[(zipped("1.jpg"), name, "zip") for name in ("a.jpg", "a", "a.cbz", "a.zip.1", "Foto 01.02.24")],
        *[(zipped("1.jpg"), name, "zip") for name in ("a.mp4", "a.rar")],
        (zipped(), "empty.zip", "zip"),
        (b"8BPS\0\1" + bytes(90), "a.psd", "document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(90), "a.doc", "document"),
        (b"%!PS-Adobe-3.0 EPSF", "a.eps", "document"),
        (b"Rar!\x1a\x07\1\0", "cats.zip", "archive"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(90), "a.7z", "archive"),
        (b"\x1f\x8b\x08" + bytes(90), "a.tar.gz", "archive"),
        (b"\xfd7zXZ\0" + bytes(90), "a.xz", "archive"),
        (b"BZh91AY&SY\0", "a.bz2", "archive"),
        (b"cats/".ljust(257, b"\0") + b"ustar\0" + bytes(90), "a.tar", "archive"),
        (b"\0\1\0\0\0\x0f\0\x80" + bytes(90), "a.ttf", "font"),
        (b"OTTO\0\x0c" + bytes(90), "a.otf", "font"),
        (b"wOF2\0\1" + bytes(90), "a.woff2", "font"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "a.jpg", "pointer"),
        (b"[InternetShortcut]\nURL=https://x", "a.url", "shortcut"),
        (b"L\0\0\0\1\x14\2\0" + bytes(90), "a.lnk", "shortcut"),
        (b"dear diary", "a.jpg", "text"),
        (b"The free encyclopedia, BM, MAC and Rar", "a.txt", "text"),
        ("grüße\n".encode(), "a.txt", "text"),
        ("grüße".encode("utf-16"), "a.txt", "text"),
        (b"\x8a\1\2\3" * 9, "a.xyz", "unknown"),
    ],
)  # fmt: skip
def test_each_kind_is_known_by_how_it_begins(data, name, kind):
    assert kinds.kind_of(data, name) == kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<!DOCTYPE html><html><title>403</title><body><svg></svg></body></html>", "page"),
        ("\n  <html lang='de'>", "page"),
        ("<!-- saved from url --><!-- <svg> --><HTML>", "page"),
        ('<?xml version="1.0"?><!DOCTYPE html PUBLIC "x"><html>', "page"),
        ("<h1>Forbidden</h1>", "page"),
        ("<svg xmlns='x'/>", "drawing"),
        ('\ufeff<?xml version="1.0"?>\n<!-- made by <html> --><svg>', "drawing"),
        ('<!DOCTYPE svg PUBLIC "x" "y" [\n<!ENTITY a "b">\n]>\n<svg>', "drawing"),
        ("<!--" + "x" * 3000 + "--><svg>", "drawing"),
        ("<svg:svg xmlns:svg='x'>", "drawing"),
        ("<?xml version='1.0'?><plist><dict/></plist>", "text"),
        ("a < b and <svg is a word", "text"),
        ('{"error": "<html>"}', "text"),
        ("<!-- x -->" * 5000, "text"),
        ("<!DOCTYPE a [" * 3000, "text"),
    ],
)
def test_pages_drawings_and_texts_are_told_apart_by_their_root(text, kind):
    for encoding in ("utf-8", "utf-16"):
        assert kinds.kind_of(text.encode(encoding)[: kinds.HEAD], "a.jpg") == kind


def test_every_kind_but_a_picture_has_a_reason_in_words():
    for kind in {*kinds.STARTS, "unknown"}:
        reason = kinds.reason_of(kind, "a b.xyz")
        assert bool(reason) == (kind not in ("picture", "heic", "tiff", "unknown"))
        assert "{" not in reason and not reason.endswith(".")


def test_what_is_to_be_renamed_is_told_so_and_is_right_after_it():
    for kind, ending in (("zip", ".zip"), ("film", ".mp4")):
        assert f"ends in {ending}, put it into the workshop folder" in kinds.reason_of(kind, "a.bin")
        assert kinds.kind_by_name(f"a{ending}") == kind and "ends in" not in kinds.reason_of(kind, f"A{ending.upper()}")


def test_names_of_films_zips_and_archives():
    films = re.findall(r"\w+", "mp4 MOV m4v 3gp 3g2 avi mkv webm mpg mpeg wmv mts m2ts flv ogv ts vob")
    assert {kinds.kind_by_name(f"a.{ending}") for ending in films} == {"film"}
    archives = ("a.rar", "a.7z", "a.tar", "a.tar.gz", "a.tgz", "a.GZ", "a.xz", "a.zst")
    assert {kinds.kind_by_name(name) for name in archives} == {"archive"}
    assert [kinds.kind_by_name(name) for name in ("a.zip", "a.jpg", "zip", "m4a", "a.m4a")] == ["zip", "", "", "", ""]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("cats/1.jpg", "cats/1.jpg"),
        ("a b #é☃ 日本\u3000本\xa0.png", "a b #é☃ 日本\u3000本\xa0.png"),
        ("👩🏽\u200d🦰 🏴\U000e0067\U000e007f", "👩🏽\u200d🦰 🏴\U000e0067\U000e007f"),
        ("K\udce4tzchen", "Kätzchen"),
        ("a\nb\tc\x9b\u202egnp.exe\u200b\ufeff\ud800", "a?b?c??gnp.exe???"),
    ],
)
def test_names_are_shown_as_they_are_but_for_what_cannot_be_seen(name, shown):
    assert kinds.readable(name) == shown
    assert shown.encode()
