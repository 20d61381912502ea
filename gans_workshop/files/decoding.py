"""Decode the files that people bring: each becomes an upright square of pixels, or a plain reason why not."""

import functools
import io
import threading
import warnings
from contextlib import contextmanager, nullcontext, suppress
from typing import NamedTuple

import numpy as np

from gans_workshop.files import kinds

SIDE = 128  # pixels: all sizes up to this are made from this one, larger ones from twice as much
MEMORY = 480  # megabytes that decoding one picture may take, by the bytes per pixel as measured
BYTES_PER_PIXEL = {"F": 20, "I": 20, "WEBP": 16, "AVIF": 9, "HEIF": 8}  # by mode and format; else 12
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "HEIF")  # rarer decoders hang on broken files
TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # EXIF orientation -> PIL.Image.Transpose
UNKNOWN = "is no picture that can be read (JPEG, PNG, GIF, WebP, BMP, TIFF, AVIF, HEIC): export it as one of these"
HEIC = "is a HEIC photo: run %pip install pillow-heif in a cell, restart, and run all cells"
CUT_OFF, DAMAGED = "ends in the middle: copy or download it again", "is damaged: copy or download it again"
FLAT, FAINT = 2, 32  # of 255: a picture with less contrast shows nothing, or next to nothing
_one_large = threading.Lock()  # large pictures are decoded one at a time


@contextmanager
def any_size():
    """Let Pillow open pictures of any size without a word: there is a limit here that knows JPEG's shrinking."""
    from PIL import Image

    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


class Picture(NamedTuple):
    """What the bytes of a file turned out to be: a reason to leave it out, or notes and the pixels of a square."""

    reason: str
    notes: str = ""
    pixels: bytes = b""  # RGB, row by row


def read_picture(data, name, background="white", side=SIDE):
    """Decode the bytes of one file, a square of `side` pixels at most; whatever is wrong with them, it never raises."""
    from PIL import Image, UnidentifiedImageError

    try:
        if reason := kinds.reason_of(kinds.kind_of(data[: kinds.HEAD], name), name):
            return Picture(reason)
        with Image.open(io.BytesIO(data), formats=known_formats()) as image:
            reason, needed = _check_size(image, side)
            with _one_large if needed > MEMORY / 8 else nullcontext():
                return Picture(reason) if reason else _decode(image, background, side)
    except UnidentifiedImageError:
        kind = kinds.kind_of(data[: kinds.HEAD], name)
        if kind == "heic" and "HEIF" not in known_formats():
            return Picture(HEIC)
        return Picture(DAMAGED if kind == "picture" and data[4:8] != b"ftyp" else UNKNOWN)
    except Exception as error:  # broken files make decoders raise nearly anything
        return Picture(CUT_OFF if "truncated" in str(error) else DAMAGED)


@functools.cache
def known_formats():
    """List those of FORMATS that this Pillow can read; HEIC needs pillow-heif."""
    from PIL import Image

    with suppress(ImportError):
        from pillow_heif import register_heif_opener

        register_heif_opener()
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _check_size(image, side):
    """Let JPEG shrink while it decodes; return a reason to leave the picture out, and the megabytes that it needs."""
    (width, height), progressive = image.size, image.info.get("progressive")
    if min(width, height) < 16:
        return "is smaller than 16 pixels", 0
    if max(width, height) > 8 * min(width, height):
        return "is more than 8 times as long as wide", 0
    if image.format in ("JPEG", "MPO"):
        image.draft(None, (2 * side, 2 * side))  # by 2, 4 or 8, still twice as large as needed
        image.decodermaxblock = 2**27  # all at once: 4 % faster than in blocks
    kept = width * height / 2 if progressive else 0  # the coefficients of all pixels are kept until the end
    cost = BYTES_PER_PIXEL.get(image.mode[0], BYTES_PER_PIXEL.get(image.format, 12))
    needed = max(kept, image.width * image.height) * cost / 1e6
    return "has too many pixels to be opened safely: make it smaller" if needed > MEMORY else "", needed


def _decode(image, background, side):
    from PIL import Image

    notes = []
    if image.format not in ("JPEG", "MPO") and _try(lambda: image.is_animated):
        notes.append("only the first frame of several")
    turn = None if image.format == "TIFF" else TURNS.get(_try(lambda: image.getexif().get(0x0112)))
    image.load()  # which turns a TIFF
    square = _square(image, side)
    alpha = square.getchannel("A") if square.mode == "RGBA" else None
    drawing = square = _to_srgb(square)
    if alpha and alpha.getextrema()[0] < 255:
        square = Image.composite(drawing, Image.new("RGB", drawing.size, background), alpha)
        notes.append(f"transparent, put on {background}")
    if turn is not None:
        square = square.transpose(turn)
        notes.append("turned upright")
    seen = _contrast(square)
    if alpha and seen < FAINT:
        other = "white" if Image.new("L", (1, 1), background).getpixel((0, 0)) < 128 else "black"
        there = _contrast(Image.composite(drawing, Image.new("RGB", drawing.size, other), alpha))
        advice = f'on {background}: write load_photos(..., background="{other}")'
        if there >= FAINT and seen <= FLAT:
            return Picture(f"has the same colour all over where it is transparent and put {advice}")
        notes += [f"hardly to be seen {advice}"] if there >= FAINT else []
    if seen <= FLAT:
        return Picture("has the same colour all over" + (" or nearly so, as masks have" if seen else ""))
    return Picture("", "|".join(notes), square.tobytes())


def shrink(pixels, size, channels):
    """Make the pixels of a square smaller: (side, side, 3) -> (channels, size, size)."""
    from PIL import Image

    image = Image.fromarray(pixels).convert("RGB" if channels == 3 else "L")
    small = image.resize((size, size), 3) if image.width % size else image.reduce(image.width // size)
    return np.array(small).reshape(size, size, channels).transpose(2, 0, 1)


def _contrast(image):
    return max(high - low for low, high in image.getextrema())


def _try(question):
    """Ask something that broken files cannot answer; None is the answer then."""
    with suppress(Exception):
        return question()


def _square(image, side):
    """Crop to the square in the middle, `side` at most; the mode is RGB, L, RGBA, CMYK or LAB after that."""
    whole = min(image.size)
    left, top = ((length - whole) // 2 for length in image.size)
    box = (left, top, left + whole, top + whole)
    if image.mode[0] in "IF":
        image, box = _numbers_to_grey(image.crop(box)), None
    if image.has_transparency_data:
        image = image.convert("RGBA")
    elif image.mode not in ("RGB", "L", "CMYK", "LAB"):
        image = image.convert("RGB")
    return image.resize((min(whole, side),) * 2, 3, box=box, reducing_gap=1.4)  # 3: bicubic, with antialiasing


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
