"""Pictures to take home: an animated GIF of a training or of a walk, and contact sheets."""

import io
import math
from pathlib import Path

from gans_workshop.files.disk import write_file
from gans_workshop.game.images import check, whole
from gans_workshop.view.plots import contact_sheet

FRAME_PIXELS = 300_000  # of a film, at most: 48 noisy frames are then 15 MB


def save_gif(path, frames, *, columns=8, frames_per_second=10, zoom=2):
    """Save an endless animated GIF and return its path; a folder that is missing is made.

    frames: picture sets (N, C, H, W), each a sheet of `columns` columns; for a walk, `images[:, None]`: one picture in
    each. `zoom` enlarges every pixel; a large sheet is enlarged less, or made smaller, so that the file stays small.
    Raises: ValueError: what was found and what to write instead; OSError: as `writable_folder`.
    """
    check_ending(path, ".gif")
    frames, zoom = list(getattr(frames, "frames", frames)), whole("zoom", zoom)
    check(frames, "A GIF needs at least one frame, and there is none yet: train first, then save.")
    single = getattr(frames[0], "ndim", 4) == 3
    check(not single, "These are pictures, not frames of pictures: write images[:, None] for one after the other.")
    speed = hasattr(frames_per_second, "__float__") and 0.1 <= frames_per_second <= 50
    check(speed, f"frames_per_second={frames_per_second!r} is no speed for a GIF: write a number from 0.1 to 50.")
    first, *others = [_fit(contact_sheet(frame, columns=columns), zoom) for frame in frames]
    check({other.size for other in others} <= {first.size}, "All frames of a GIF need as many pictures of one size.")
    buffer = io.BytesIO()
    milliseconds = round(1000 / frames_per_second)
    first.save(buffer, "GIF", save_all=True, append_images=others, duration=milliseconds, loop=0)
    return write_file(path, buffer.getvalue())


def save_contact_sheet(path, images, *, columns=8, zoom=2):
    """Save pictures (N, C, H, W) as one PNG and return its path. Raises: as `save_gif` does."""
    check_ending(path, ".png")
    buffer = io.BytesIO()
    _enlarge(contact_sheet(images, columns=columns), whole("zoom", zoom)).save(buffer, "PNG")
    return write_file(path, buffer.getvalue())


def check_ending(path, ending):
    """Say in one sentence why a path is no place for a file of this kind."""
    found = isinstance(path, str | Path) and Path(path)
    check(found, f"The first argument says where to save, such as 'film{ending}', and found a {type(path).__name__}.")
    check(found.suffix.lower() == ending, f"{found.name} will be a {ending[1:].upper()}: call it {found.stem}{ending}.")


def _fit(sheet, zoom):
    room = math.sqrt(FRAME_PIXELS / (sheet.shape[0] * sheet.shape[1]))
    return _enlarge(sheet, max(1, min(zoom, int(room)))).reduce(math.ceil(1 / min(1, room)))


def _enlarge(sheet, zoom):
    from PIL import Image

    return Image.fromarray(sheet.repeat(zoom, axis=0).repeat(zoom, axis=1))
