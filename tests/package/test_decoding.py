"""The bytes of one file become a square, or a plain reason why not."""

import io
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageColor, ImageDraw

from gans_workshop.files import decoding
from gans_workshop.files.decoding import read_picture
from tools import packed, scene

LEFT_BLUE = np.zeros((60, 90, 3), np.uint8)
LEFT_BLUE[:, :45, 2], LEFT_BLUE[:, 45:, 0] = 255, 255  # blue on the left, red on the right


def look(data, name="x", **options):
    """The square as an array of floats; the file must be usable."""
    picture = read_picture(data, name, **options)
    assert picture.reason == ""
    side = int((len(picture.pixels) // 3) ** 0.5)
    return np.frombuffer(picture.pixels, np.uint8).reshape(side, side, 3).astype(float), picture.notes


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


def drawing(ink, ground=0, alpha=255):
    """A disc of ink with soft edges on transparent ground."""
    image = Image.new("RGBA", (64, 64), (*ImageColor.getrgb(ink), ground))
    ImageDraw.Draw(image).ellipse((8, 8, 50, 56), fill=(*ImageColor.getrgb(ink), alpha))
    return image


@pytest.mark.parametrize(("ink", "background", "advice"), [
    ("white", "white", "black"), ("#fefefe", "white", "black"), ("black", "black", "white"),
    ("#101010", "#101010", "white"), ("yellow", "yellow", "black"), ("navy", "navy", "white"),
])  # fmt: skip
def test_ink_that_vanishes_on_its_background_is_told_how_to_be_seen(ink, background, advice):
    data = packed(drawing(ink))
    reason = read_picture(data, "a.png", background).reason
    assert (
        reason.startswith("has the same colour all over where it is transparent and put on")
        and f'background="{advice}"' in reason
    )
    square, notes = look(data, background=advice)
    assert np.ptp(square) > 100 and notes == f"transparent, put on {advice}"


def test_ink_that_is_hardly_seen_is_noted_and_used():
    _, notes = look(packed(drawing("#f0f0f0")))
    assert notes.count('hardly to be seen on white: write load_photos(..., background="black")') == 1
    assert "hardly" not in look(packed(drawing("#c0c0c0")))[1]


def test_what_shows_nothing_on_any_background_is_not_sent_from_one_to_the_other():
    for image in (drawing("white", 0, 0), drawing("white", 128, 128), drawing("white", 255), Image.new("LA", (50, 50))):
        assert read_picture(packed(image), "a.png").reason == "has the same colour all over"


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
        (b"dear diary", "a.jpg", "is a text"),
        (b"\x8a\1\2\3" * 9, "a.jpg", "is no picture that can be read"),
        (b"\0\0\0\x18ftypcrx " + bytes(40), "IMG_1.CR3", "raw file: export it as JPEG"),
        (packed(scene(0), "WEBP").replace(b"VP8 ", b"<svg", 1), "a.webp", "is damaged"),
        (packed(Image.fromarray(np.eye(50, dtype=np.uint8))), "a.png", "as masks have"),
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
    monkeypatch.setattr(decoding, "_decode", None)  # would fail as 'damaged'
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    png[29:33] = zlib.crc32(png[12:29]).to_bytes(4, "big")
    assert "too many pixels" in read_picture(bytes(png), "a").reason
    assert "too many pixels" in read_picture(packed(Image.new("1", (7000, 7000))), "a").reason
    monkeypatch.undo()
    assert look(packed(scene(0, (8000, 8000)), "JPEG"))[0].shape == (128, 128, 3)  # JPEG shrinks while it decodes


def test_any_number_of_pixels_is_let_in_and_pillow_is_as_before(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    data = packed(scene(0, (900, 600)), "JPEG")
    with decoding.any_size():
        assert look(data)[0].shape == (128, 128, 3)
    assert Image.MAX_IMAGE_PIXELS == 1000
    with pytest.raises(KeyError), decoding.any_size():
        raise KeyError
    assert Image.MAX_IMAGE_PIXELS == 1000


def test_without_a_reader_heic_says_how_to_get_one(monkeypatch):
    data = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(400)
    monkeypatch.setattr(decoding, "known_formats", lambda: ["JPEG", "PNG"])
    assert "pip install pillow-heif" in read_picture(data, "IMG_1.HEIC").reason


def test_formats_that_this_pillow_lacks_are_not_asked_for(monkeypatch):
    decoding.known_formats.cache_clear()
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    Image.init()
    for name in ("AVIF", "HEIF"):
        monkeypatch.delitem(Image.OPEN, name, raising=False)
    assert set(decoding.known_formats()).isdisjoint({"AVIF", "HEIF"})
    assert look(packed(scene(0)))[0].shape == (60, 60, 3)
    decoding.known_formats.cache_clear()


def test_jpeg_shrinking_shows_the_same_picture():
    data = packed(scene(5, (2000, 1500)), "JPEG", quality=90)
    whole = Image.open(io.BytesIO(data)).crop((250, 0, 1750, 1500)).resize((128, 128), Image.Resampling.BICUBIC)
    assert abs(look(data)[0] - np.asarray(whole, float)).mean() < 1
