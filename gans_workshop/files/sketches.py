"""What a student draws, typed or on paper, as the networks have seen it: thin lines, black on white, in the middle."""

import numpy as np
import torch
import torch.nn.functional as F

from gans_workshop.files.decoding import known_formats

SHEET, PEN = 256, 7  # pixels: the sheet that is drawn on, then made smaller, and the pen, 2 of 72 parts of it
AROUND = [(-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1)]  # the eight neighbours, clockwise


def draw_strokes(text, *, image_size=64, pen=PEN):
    """Draw lines such as 'oval 8 8 56 56' and 'line 20 30 40 30': from one corner to the other, on 64 x 64 places.

    `pen`: the width of a line on a sheet of 256 x 256, an odd number; 7 is that of `load_drawings`, 21 that of digits.
    Shapes: -> (1, 1, image_size, image_size) uint8, black on white. Raises: ValueError: '... is no stroke: ...'
    """
    from PIL import Image, ImageDraw

    pen = _check_pen(pen)

    sheet = Image.new("L", (SHEET, SHEET), "white")
    pens = {"oval": (ImageDraw.Draw(sheet).ellipse, "outline"), "line": (ImageDraw.Draw(sheet).line, "fill")}
    rows = [row.split() for row in text.splitlines() if row.strip()]
    if not rows:
        raise ValueError("There is no stroke in the drawing: write at least one, such as oval 16 16 48 48.")
    for kind, *places in rows:
        if kind not in pens or len(places) != 4 or not all(place.isdecimal() and int(place) < 64 for place in places):
            hint = "write oval or line, and four whole numbers from 0 to 63: across, down, across, down"
            raise ValueError(f"'{' '.join([kind, *places])}' is no stroke: {hint}.")
        x, y, right, below = (SHEET // 64 * int(place) for place in places)
        box = [min(x, right), min(y, below), max(x, right), max(y, below)] if kind == "oval" else [x, y, right, below]
        pens[kind][0](box, width=pen, **{pens[kind][1]: "black"})
    return _made_smaller(1 - torch.from_numpy(np.array(sheet)).float() / 255, image_size)


def tidy_drawing(photo, *, image_size=64, pen=PEN):
    """Make a photo of a drawing, a path or a Pillow picture, into what the networks have seen.

    Paper is the lightest value nearby, so that a shadow does no harm; ink is clearly darker. The ink is moved to the
    middle, thinned to lines of one pixel, and drawn again with our `pen`, as for `draw_strokes`.
    Shapes: -> (1, 1, image_size, image_size) uint8, black on white. Raises: ValueError: '... cannot be opened ...',
    '... of the photo are lines ...'
    """
    pen, grey = _check_pen(pen), _open(photo)
    nearby = {"kernel_size": 31, "stride": 1, "padding": 15}
    paper = F.avg_pool2d(F.max_pool2d(grey, **nearby), **nearby, count_include_pad=False)
    ink = (grey < 0.75 * paper) | (grey < 50)
    share = ink.float().mean().item()
    if not 0.001 < share < 0.4:
        hint = "draw with a dark pen on light paper, and let the drawing fill the photo"
        raise ValueError(f"{share:.1%} of the photo are lines, where a drawing has 1 to 30 %: {hint}.")
    rows, columns = (ink[0].any(side).nonzero().flatten() for side in (1, 0))
    drawn = ink[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].float()
    height, width = (max(1, round(0.78 * SHEET * side / max(drawn.shape[1:]))) for side in drawn.shape[1:])
    small = F.interpolate(drawn[None], (height, width), mode="area")[0, 0] > 0.3
    sheet, top, left = np.zeros((SHEET, SHEET), bool), (SHEET - height) // 2, (SHEET - width) // 2
    sheet[top : top + height, left : left + width] = small.numpy()
    lines = torch.from_numpy(thin(sheet)).float()[None]
    return _made_smaller(F.max_pool2d(lines, pen, 1, pen // 2)[0], image_size)


def _check_pen(pen):
    if pen in range(1, 64, 2):
        return int(pen)
    hint = "write an odd number from 1 to 63, 7 for thin lines or 21 for lines as thick as those of digits"
    raise ValueError(f"pen={pen!r} is no width of a pen: {hint}.")


def _open(photo):
    """Return a photo as grey values (1, H, W) from 0 to 255, at most 512 pixels wide and high."""
    from PIL import Image, ImageFilter, ImageOps

    try:
        picture = photo if isinstance(photo, Image.Image) else Image.open(photo, formats=known_formats())
        picture = ImageOps.exif_transpose(picture).convert("RGBA")
    except Exception as error:  # broken files fail in many ways
        raise ValueError(f"{photo} cannot be opened ({error}): give a JPEG or PNG, and check its name.") from None
    picture.thumbnail((512, 512))
    paper = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)  # where it is transparent
    return torch.from_numpy(np.array(paper.convert("L").filter(ImageFilter.MedianFilter(3)), np.float32))[None]


def thin(ink):
    """Take off one rim after the other until each line is one pixel wide. Source: Zhang and Suen 1984.

    Shapes: ink (H, W) booleans with an empty rim -> the same.
    """
    left = ink.sum() + 1
    while ink.sum() < left:
        left = ink.sum()
        for turn in (0, 1):
            ring = np.stack([np.roll(ink, (-y, -x), (0, 1)) for y, x in AROUND])
            count, lines = ring.sum(0), (~ring & np.roll(ring, -1, 0)).sum(0)  # lines that leave from here
            north, east, south, west = ring[::2]
            held = north & west & (east | south) if turn else east & south & (north | west)
            ink = ink & ~((count >= 2) & (count <= 6) & (lines == 1) & ~held)
    return ink


def _made_smaller(ink, image_size):
    """Turn ink (SHEET, SHEET) from 0 to 1 into a picture (1, 1, image_size, image_size), uint8, black on white."""
    return (255 * (1 - F.interpolate(ink[None, None], (image_size, image_size), mode="area"))).round().byte()
