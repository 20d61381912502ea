"""Decode the files that people bring: each becomes an upright square of pixels, or a plain reason why not."""

import functools
import hashlib
import io
import os
import re
import stat
import threading
import zipfile
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gans_workshop.files.disk import retry, walk_files

SIDE = 128  # pixels: all sizes that the workshop uses are made from this one
MEMORY = 480  # megabytes that decoding one picture may take, by the bytes per pixel as measured
BYTES_PER_PIXEL = {"F": 20, "I": 20, "WEBP": 16, "AVIF": 9, "HEIF": 8}  # by mode and format; else 12
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "HEIF")  # rarer decoders hang on broken files
TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # EXIF orientation -> PIL.Image.Transpose
HEIC = "is a HEIC photo: run %pip install pillow-heif in a cell, restart, and run all cells"
HEIC_SIGN = rb".{4}ftyp(hei|hev|mif1|msf1)"
KINDS = {  # how a file begins that is no picture, and what to say
    rb"$": "is empty",
    rb"%PDF": "is a PDF, not a picture",
    rb".{0,1000}<svg": "is an SVG drawing: export it as PNG",
    rb"PK\x03\x04": "is a ZIP: put it into the workshop folder itself and choose it",
    rb".{4}ftyp(?!avi|hei|hev|mif1|msf1)|.{8}AVI |\x1aE\xdf\xa3": "is a video: put it into the workshop folder itself "
    "and choose it",
}
FILE_BYTES = 2**27  # a larger file is not read
ZIP_FILES, ZIP_BYTES, ZIP_RATIO = 20_000, 2**33, 200  # a ZIP that holds more is a trap
CLUTTER = r"(?is)(.*/)?(\._[^/]*|\.ds_store|thumbs\.db|desktop\.ini|(\.ipynb_checkpoints|__macosx)/.*|.*\.g(doc|sheet))"
IGNORED = "belongs to the system, not to you"
RAW = (".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".pef", ".raf", ".rw2")
_one_large = threading.Lock()  # large pictures are decoded one at a time


class File(NamedTuple):
    """A file in a folder or a ZIP: its name, what the cache knows it by, how to read it, or why not to."""

    name: str
    key: str
    read: object
    reason: str = ""


def make_file(name, place, found, read, *, reason=""):
    """Describe a file by its name for people, the place and state that the cache knows it by, and how to read it."""
    name = "".join(c if c.isprintable() else "?" for c in name)
    key = hashlib.sha1(os.fsencode(place) + f"|{found.st_size}|{found.st_mtime_ns}".encode()).hexdigest()
    if not stat.S_ISREG(found.st_mode):
        reason = "is no file that can be read"
    return File(name, key, read, reason)


def list_pictures(folder):
    """List all files in a folder and below, with what the cache knows each by and how to read it."""
    files = []
    for entry in walk_files(folder):
        name = os.path.relpath(entry.path, folder).replace(os.sep, "/")
        reason = IGNORED if re.fullmatch(CLUTTER, name) else ""
        try:
            found = entry.stat()
            if found.st_size > FILE_BYTES:
                reason = f"is larger than {FILE_BYTES >> 20} MB"
            read = functools.partial(_try, functools.partial(retry, Path(entry.path).read_bytes, pauses=(1, 4)))
            files.append(make_file(name, os.path.abspath(entry.path), found, read, reason=reason))
        except OSError:
            files.append(File(ascii(name)[1:-1], "", None, "leads nowhere, or cannot be reached"))
    return sorted(files, key=lambda file: file.name)


def list_zip(path):
    """List the files in a ZIP. Nothing is unpacked to the disk, so no name in it can lead anywhere."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise ValueError(f"{path.name} is not a ZIP that can be opened ({error}): make it again.") from None
    found, files, total = path.stat(), [], 0
    for i, info in enumerate(info for info in archive.infolist() if not info.is_dir()):
        total += info.file_size
        reason = IGNORED if re.fullmatch(CLUTTER, info.filename) else ""
        packed_too_well = info.file_size > max(2**20, ZIP_RATIO * info.compress_size)
        if i >= ZIP_FILES or total > ZIP_BYTES or info.file_size > FILE_BYTES or packed_too_well:
            reason = "is too much for a ZIP of pictures"
        place = f"{os.path.abspath(path)}|{info.header_offset}"
        read = functools.partial(_try, functools.partial(archive.read, info))
        files.append(make_file(info.filename, place, found, read, reason=reason))
    return files


class Picture(NamedTuple):
    """What the bytes of a file turned out to be: a reason to leave it out, or notes and the pixels of a square."""

    reason: str
    notes: str = ""
    pixels: bytes = b""  # RGB, row by row


def read_picture(data, name, *, background="white"):
    """Decode the bytes of one file; whatever is wrong with them, it never raises."""
    from PIL import Image, UnidentifiedImageError

    try:
        for sign, reason in KINDS.items():
            if re.match(sign, data[:2000], re.DOTALL):
                return Picture(reason)
        if name.lower().endswith(RAW):
            return Picture("is a camera's raw file: export it as JPEG")
        with Image.open(io.BytesIO(data), formats=known_formats()) as image:
            reason, needed = _check_size(image)
            with _one_large if needed > MEMORY / 8 else nullcontext():
                return Picture(reason) if reason else _decode(image, background)
    except UnidentifiedImageError:
        heic = re.match(HEIC_SIGN, data, re.DOTALL) and "HEIF" not in known_formats()
        return Picture(HEIC if heic else "is no picture that can be read (JPEG, PNG, GIF, WebP, BMP, TIFF, AVIF, HEIC)")
    except Exception as error:  # broken files make decoders raise nearly anything
        return Picture("ends in the middle" if "truncated" in str(error) else "is damaged")


@functools.cache
def known_formats():
    """List those of FORMATS that this Pillow can read; HEIC needs pillow-heif."""
    from PIL import Image

    with suppress(ImportError):
        from pillow_heif import register_heif_opener

        register_heif_opener()
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _check_size(image):
    """Let JPEG shrink while it decodes; return a reason to leave the picture out, and the megabytes that it needs."""
    (width, height), progressive = image.size, image.info.get("progressive")
    if min(width, height) < 16:
        return "is smaller than 16 pixels", 0
    if max(width, height) > 8 * min(width, height):
        return "is more than 8 times as long as wide", 0
    if image.format in ("JPEG", "MPO"):
        image.draft(None, (2 * SIDE, 2 * SIDE))  # by 2, 4 or 8, still twice as large as needed
        image.decodermaxblock = FILE_BYTES  # all at once: 4 % faster than in blocks
    kept = width * height / 2 if progressive else 0  # the coefficients of all pixels are kept until the end
    cost = BYTES_PER_PIXEL.get(image.mode[0], BYTES_PER_PIXEL.get(image.format, 12))
    needed = max(kept, image.width * image.height) * cost / 1e6
    return "has too many pixels to be opened safely: make it smaller" if needed > MEMORY else "", needed


def _decode(image, background):
    from PIL import Image

    notes = []
    if image.format not in ("JPEG", "MPO") and _try(lambda: image.is_animated):
        notes.append("only the first frame of several")
    turn = None if image.format == "TIFF" else TURNS.get(_try(lambda: image.getexif().get(0x0112)))
    image.load()  # which turns a TIFF
    square = _square(image)
    alpha = square.getchannel("A") if square.mode == "RGBA" else None
    square = _to_srgb(square)
    if alpha and alpha.getextrema()[0] < 255:
        square = Image.composite(square, Image.new("RGB", square.size, background), alpha)
        notes.append(f"transparent, put on {background}")
    if turn is not None:
        square = square.transpose(turn)
        notes.append("turned upright")
    if all(high - low <= 2 for low, high in square.getextrema()):
        return Picture("has the same colour all over")
    return Picture("", "|".join(notes), square.tobytes())


def _try(question):
    """Ask something that broken files cannot answer; None is the answer then."""
    with suppress(Exception):
        return question()


def _square(image):
    """Crop to the square in the middle, SIDE at most; the mode is RGB, L, RGBA, CMYK or LAB after that."""
    side = min(image.size)
    left, top = ((length - side) // 2 for length in image.size)
    box = (left, top, left + side, top + side)
    if image.mode[0] in "IF":
        image, box = _numbers_to_grey(image.crop(box)), None
    if image.has_transparency_data:
        image = image.convert("RGBA")
    elif image.mode not in ("RGB", "L", "CMYK", "LAB"):
        image = image.convert("RGB")
    return image.resize((min(side, SIDE),) * 2, 3, box=box, reducing_gap=1.4)  # 3: bicubic, with antialiasing


def _numbers_to_grey(image):
    """Bring 16-bit numbers and fractions to 0..255; a number that stands for 'transparent' becomes so."""
    from PIL import Image

    values = np.nan_to_num(np.asarray(image, np.float32), nan=0, posinf=0, neginf=0)
    low, high, top = values.min(), values.max(), 1 if image.mode == "F" else 65535
    if low < 0 or high > top:  # no known scale: from the darkest to the brightest
        values, top = values - low, high - low
    grey = Image.fromarray((values * (255 / top)).round().astype(np.uint8))
    key = image.info.get("transparency")
    if key is not None:
        grey.putalpha(Image.fromarray(np.where(np.asarray(image) == key, 0, 255).astype(np.uint8)))
    return grey


def _to_srgb(image):
    """Convert to RGB as screens show it, by the picture's colour profile where it has a readable one."""
    from PIL import ImageCms

    profile = image.info.get("icc_profile")
    image = image.convert("RGB") if image.mode == "RGBA" else image
    transform = _try(lambda: _transform(profile, image.mode)) if profile or image.mode == "LAB" else None
    return ImageCms.applyTransform(image, transform) if transform else image.convert("RGB")


@functools.lru_cache(maxsize=16)
def _transform(profile, mode):
    from PIL import ImageCms

    source = ImageCms.createProfile("LAB") if mode == "LAB" else ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
