"""Pictures to take home: an animated GIF of a training or of a walk, and contact sheets."""

import io

from gans_workshop.files.disk import write_file
from gans_workshop.view.plots import contact_sheet


def save_gif(path, frames, *, columns=8, frames_per_second=10, zoom=2):
    """Save an endless animated GIF and return its path; a folder that is missing is made.

    frames: picture sets (N, C, H, W), each a sheet of `columns` columns; for a walk, `images[:, None]`: one picture in
    each. `zoom` enlarges every pixel. Raises: ValueError: 'A GIF needs ...'; OSError: as `writable_folder`.
    """
    if len(frames) == 0:
        raise ValueError("A GIF needs at least one frame, and there is none yet: train first, then save.")
    first, *others = [_enlarge(contact_sheet(frame, columns=columns), zoom) for frame in frames]
    buffer = io.BytesIO()
    milliseconds = round(1000 / frames_per_second)
    first.save(buffer, "GIF", save_all=True, append_images=others, duration=milliseconds, loop=0)
    return write_file(path, buffer.getvalue())


def save_contact_sheet(path, images, *, columns=8, zoom=2):
    """Save pictures (N, C, H, W) as one PNG and return its path. Raises: OSError, as `save_gif` does."""
    buffer = io.BytesIO()
    _enlarge(contact_sheet(images, columns=columns), zoom).save(buffer, "PNG")
    return write_file(path, buffer.getvalue())


def _enlarge(sheet, zoom):
    from PIL import Image

    return Image.fromarray(sheet.repeat(zoom, axis=0).repeat(zoom, axis=1))
