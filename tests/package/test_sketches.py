"""What a student draws arrives as the networks have seen drawings, however the photo was taken."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFilter

from gans_workshop import draw_strokes, load_drawings, tidy_drawing
from gans_workshop.files.sketches import thin

HOUSE = "line 16 30 48 30\nline 16 30 16 56\nline 48 30 48 56\nline 16 56 48 56\nline 16 30 32 10\nline 32 10 48 30"


def on_paper(*, size=(600, 450), place=(60, 40), dark=255, light=(235, 235), wide=9, turn=0):
    """A photo of the house: pencil `dark` (255 is black) and `wide` on paper between two brightnesses."""
    lines = Image.fromarray(draw_strokes(HOUSE)[0, 0].numpy()).resize((300, 300)).filter(ImageFilter.MinFilter(wide))
    sheet = Image.new("L", size, "white")
    sheet.paste(lines.rotate(turn, fillcolor=255), place)
    ink = 1 - np.array(sheet) / 255
    paper = np.linspace(*light, size[0])[None] + np.random.default_rng(0).normal(0, 3, (size[1], size[0]))
    return Image.fromarray((paper * (1 - ink * dark / 255)).clip(0, 255).astype(np.uint8))


def ink_of(picture):
    return (picture[0, 0] < 128).numpy()


def middle(ink):
    rows, columns = np.nonzero(ink)
    return (rows.min() + rows.max()) / 2, (columns.min() + columns.max()) / 2


# Typed


def test_strokes_are_drawn_where_they_are_said_to_be():
    ink = ink_of(draw_strokes("line 10 20 50 20"))
    rows, columns = np.nonzero(ink)
    assert set(rows) <= {19, 20} and columns.min() in (9, 10) and columns.max() in (49, 50)
    circle = ink_of(draw_strokes("oval 10 10 54 54"))
    assert circle[32, 10:12].any() and not circle[32, 20:44].any(), "a ring, not a disc"
    assert np.array_equal(ink_of(draw_strokes("oval 54 54 10 10")), circle), "from whichever corner"


def test_the_pen_is_that_of_the_drawings():
    """As dark per length as real outlines: their lines are 2 of 72 wide, on a sheet of 64."""
    across = (255 - draw_strokes("line 32 4 32 60")[0, 0, 20:44].float()).sum(1).mean() / 255
    assert 1.5 < across < 2.1
    outlines, _, _ = load_drawings(test=True)
    vertical = [(255 - row.float()).sum() / 255 for row in outlines[:, 0, 32]]
    assert min(vertical) > 0, "each has lines in its middle"


def test_a_thick_pen_draws_lines_as_thick_as_those_of_digits():
    for picture in (draw_strokes(HOUSE, image_size=28, pen=21), tidy_drawing(on_paper(), image_size=28, pen=21)):
        thin_lines = draw_strokes(HOUSE, image_size=28)
        assert (255 - picture.float()).sum() > 1.8 * (255 - thin_lines.float()).sum()
    across = (255 - draw_strokes("line 32 4 32 60", image_size=28, pen=21)[0, 0, 8:20].float()).sum(1).mean() / 255
    assert across.item() == pytest.approx(21 * 28 / 256, abs=0.15)


@pytest.mark.parametrize("pen", [0, 8, 65, -1, 2.5, "thick", None])
def test_a_pen_has_an_odd_width(pen):
    with pytest.raises(ValueError, match=r"pen=.* is no width of a pen: write an odd number from 1 to 63"):
        draw_strokes(HOUSE, pen=pen)
    with pytest.raises(ValueError, match=r"pen=.* is no width of a pen"):
        tidy_drawing(on_paper(), pen=pen)


@pytest.mark.parametrize("size", [32, 64, 128])
def test_a_drawing_has_the_size_that_is_asked_for(size):
    for picture in (draw_strokes(HOUSE, image_size=size), tidy_drawing(on_paper(), image_size=size)):
        assert picture.shape == (1, 1, size, size) and picture.dtype == torch.uint8 and picture.max() == 255


@pytest.mark.parametrize(
    "row", ["square 1 2 3 4", "line 1 2 3", "line 1 2 3 4 5", "oval 1 2 3 64", "line a b c d", "oval -1 2 3 4"]
)
def test_a_stroke_that_is_none_is_named(row):
    with pytest.raises(ValueError, match=f"'{row}' is no stroke: write oval or line, and four whole numbers"):
        draw_strokes(f"line 1 2 3 4\n{row}")


@pytest.mark.parametrize("text", ["", "\n  \n"])
def test_an_empty_drawing_is_named(text):
    with pytest.raises(ValueError, match="There is no stroke in the drawing: write at least one"):
        draw_strokes(text)


# On paper

PHOTOS = {
    "as it should be": {},
    "in a shadow": {"light": (90, 240)},
    "a soft pencil": {"dark": 120},
    "a thick brush": {"wide": 19},
    "in a corner": {"place": (290, 140)},
    "a large photo": {"size": (2400, 1800), "place": (900, 700)},
    "upright": {"size": (450, 800)},
}


@pytest.mark.parametrize("name", PHOTOS)
def test_whatever_the_photo_the_drawing_is_the_same(name):
    ink, wanted = (ink_of(tidy_drawing(on_paper(**options))) for options in (PHOTOS[name], {}))
    assert max(abs(x - 31.5) for x in middle(ink)) <= 1, "in the middle"
    near = torch.nn.functional.max_pool2d(torch.from_numpy(wanted).float()[None], 5, 1, 2)[0].bool().numpy()
    assert (ink & near).sum() / ink.sum() > 0.9, "lines where they belong"
    assert 0.6 < ink.sum() / wanted.sum() < 1.5, "as thin as the others"


def test_a_drawing_of_the_data_stays_what_it_is():
    outlines, _, _ = load_drawings(test=True)
    kept = []
    for outline in outlines[::10]:
        photo = Image.fromarray(outline[0].numpy()).resize((512, 512), Image.Resampling.BICUBIC)
        again = tidy_drawing(photo)
        kept.append((255 - again.float()).sum() / (255 - outline.float()).sum())
    assert 0.6 < np.median(kept) < 1.4, "about as much ink"


def test_thinning_leaves_lines_of_one_pixel_that_hold_together():
    sheet = Image.new("L", (80, 80))
    ImageDraw.Draw(sheet).ellipse((10, 10, 70, 70), outline=255, width=9)
    ring = np.array(sheet) > 0
    line = thin(ring)
    assert line.sum() < 0.25 * ring.sum() and not (line & ~ring).any()
    blocks = line[:-1, :-1] & line[1:, :-1] & line[:-1, 1:] & line[1:, 1:]
    assert not blocks.any(), "nowhere two wide"
    around = sum(np.roll(line, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1) if (x, y) != (0, 0))
    assert (around[line] >= 2).all(), "closed: no end anywhere"


def test_a_transparent_drawing_lies_on_white_and_a_turned_photo_is_turned_back(tmp_path):
    photo = on_paper()
    ink = Image.fromarray(255 - np.array(photo))
    clear = Image.merge("RGBA", [Image.new("L", photo.size)] * 3 + [ink.point(lambda value: 255 * (value > 128))])
    near = (ink_of(tidy_drawing(clear)) == ink_of(tidy_drawing(photo))).mean()
    assert near > 0.95
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    photo.rotate(90, expand=True).save(tmp_path / "turned.jpg", exif=exif)
    assert (ink_of(tidy_drawing(tmp_path / "turned.jpg")) == ink_of(tidy_drawing(photo))).mean() > 0.95


def test_a_photo_without_a_drawing_says_so(tmp_path):
    for empty in (Image.new("L", (300, 300), "white"), Image.new("L", (300, 300), "black")):
        with pytest.raises(ValueError, match="% of the photo are lines, where a drawing has 1 to 30 %: draw"):
            tidy_drawing(empty)
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    for path in (tmp_path / "broken.jpg", tmp_path / "none.png", tmp_path):
        with pytest.raises(ValueError, match=r"cannot be opened .*: give a JPEG or PNG, and check its name"):
            tidy_drawing(path)
