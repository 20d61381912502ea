"""Anybody's pictures: a folder, a ZIP or a video becomes one tensor, and a report says what became of every file."""

import hashlib
import io
import math
import os
import sqlite3
import time
import warnings
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager, suppress
from html import escape
from pathlib import Path

import numpy as np
import torch

from gans_workshop.device import stop_button
from gans_workshop.files.decoding import HEIC, SIDE, Picture, list_pictures, list_zip, make_file, read_picture
from gans_workshop.files.disk import with_timeout
from gans_workshop.files.workspace import VIDEOS, cache_folder

MEMORY = 2**30  # bytes that all pictures together may take
FRAMES = 2000  # of a video, at most
CACHE_BYTES = 2**32  # a larger cache is begun afresh
FILE_PATIENCE, HANGS = 30, 6  # seconds for one file to answer; after so many in a row that did not, no more are asked
UNREAD = "could not be read, or did not answer: run the cell again"
SCHEMA = """CREATE TABLE IF NOT EXISTS files (key TEXT PRIMARY KEY, content TEXT);
CREATE TABLE IF NOT EXISTS pictures (content TEXT PRIMARY KEY, reason TEXT, notes TEXT, pixels BLOB);"""


class Report:
    """What became of every file: `used` names, `skipped` (name, reason) pairs, `notes` counted, a `remark` on all."""

    def __init__(self, place, used, skipped, notes):
        self.place, self.used, self.skipped, self.notes = place, used, skipped, notes
        self.found, self.remark = len(used) + len(skipped), ""

    def advice(self):
        """Say what the number of pictures means."""
        n = len(self.used)
        if n < 50:
            return f"{n} pictures are too few: a GAN needs 50 at the very least, better 500. Add pictures of one kind."
        if n < 500:
            return f"{n} pictures are few: augmentation stretches them, and more pictures of the same kind help most."
        return f"{n:,} pictures are enough to begin with."

    def __str__(self):
        lines = [f"{self.place}: {self.found:,} files found", f"{len(self.used):>7,}  used"]
        lines += [f"{n:>7,}    of these {note}" for note, n in self.notes.most_common()]
        for why, n in Counter(reason for _, reason in self.skipped).most_common():
            names = [name for name, reason in self.skipped if reason == why]
            lines.append(f"{n:>7,}  left out, each {why}: {', '.join(names[:3])}{', ...' if n > 3 else ''}")
        return "\n".join(filter(None, [*lines, self.remark, self.advice()]))

    def _repr_html_(self):
        return f"<pre style='white-space: pre-wrap'>{escape(str(self))}</pre>"


def load_photos(place, *, image_size=32, channels=3, background="white", memory=MEMORY):
    """Turn a folder, a ZIP or a video into pictures to learn from, and report on every file.

    Each picture is turned upright, put on `background` where it is transparent, cropped to the square in its middle
    and made smaller. What was decoded stays in the cache, also when you stop it. `memory`: bytes for all pictures.

    Shapes: images (N, channels, image_size, image_size) uint8; smaller where that does not fit into the memory.
    Raises: ValueError: 'image_size=...', '... is not a ...'; ImportError: 'A video needs ...'; OSError: 'The ...'
    """
    if image_size not in range(16, SIDE + 1) or channels not in (1, 3):
        raise ValueError(f"image_size={image_size}, channels={channels}: use 32, 64 or 128 and 3 (colour) or 1 (grey).")
    place = Path(place)
    film = place.suffix.lower() in VIDEOS and place.is_file()
    source = _film_to_zip(place) if film else place
    files = list_zip(source) if source.is_file() else list_pictures(source)
    files = [file._replace(key=f"{file.key} {background}") for file in files]

    def load(cache_place):
        with open_cache(cache_place) as cache:
            problems = _decode_new(cache, files, background)
            used, skipped, notes = _choose(cache, files, problems, film)
            size, room = _what_fits(len(used), image_size, channels, memory)
            skipped += [(file.name, "does not fit into the memory any more") for file, _ in used[room:]]
            images = torch.empty(len(used[:room]), channels, size, size, dtype=torch.uint8)
            for image, (_, content) in zip(images, used):
                image.copy_(_shrink(_pixels(cache, content), size, channels))
        return images, Report(place.name, [file.name for file, _ in used[:room]], skipped, notes)

    try:
        images, report = load(cache_folder() / "photos.sqlite")
    except sqlite3.Error:  # the cache is damaged, or the disk is full: go without
        images, report = load(":memory:")
    size = images.shape[-1]
    if size < image_size:
        report.remark = f"So many pictures of {image_size} pixels do not fit into the memory: they have {size} pixels."
    return images, report


@contextmanager
def open_cache(place):
    """Open the cache of decoded pictures, a file or ':memory:'. A damaged or too large file is deleted."""
    if place != ":memory:" and place.exists() and place.stat().st_size > CACHE_BYTES:
        place.unlink()
    try:
        with closing(sqlite3.connect(place, timeout=30)) as cache:
            cache.executescript(SCHEMA)
            yield cache
    except sqlite3.Error as error:
        if place != ":memory:" and not isinstance(error, sqlite3.OperationalError):  # that is a full or locked disk
            place.unlink(missing_ok=True)
        raise


def _what_fits(count, image_size, channels, memory):
    """Give the largest size, of the one wished for, 64 and 32, in which all pictures fit, and how many would fit."""
    sizes = [size for size in (image_size, 64, 32) if size <= image_size]
    size = next((s for s in sizes if count * channels * s * s <= memory), sizes[-1])
    return size, memory // (channels * size * size)


def _pixels(cache, content):
    (pixels,) = cache.execute("SELECT pixels FROM pictures WHERE content = ?", (content,)).fetchone()
    return np.frombuffer(pixels, np.uint8).reshape(math.isqrt(len(pixels) // 3), -1, 3)


def _shrink(pixels, size, channels):
    from PIL import Image

    image = Image.fromarray(pixels).convert("RGB" if channels == 3 else "L")
    small = image.resize((size, size), 3) if image.width % size else image.reduce(image.width // size)
    return torch.from_numpy(np.array(small)).reshape(size, size, channels).permute(2, 0, 1)


def _film_to_zip(path):
    """Take frames of a video, at even intervals, into a ZIP in the cache."""
    try:
        import imageio_ffmpeg
    except ImportError:
        raise ImportError("A video needs a reader: run %pip install imageio-ffmpeg, then this cell again.") from None
    from PIL import Image

    target = cache_folder() / f"frames-{make_file('', os.path.abspath(path), path.stat(), None).key[:16]}.zip"
    if target.exists():
        return target
    unfinished = target.with_suffix(".unfinished")
    try:
        seconds = imageio_ffmpeg.count_frames_and_secs(str(path))[1]
        rate = min(10, FRAMES / max(seconds, 0.1))
        square = f"fps={rate},crop='min(iw,ih)':'min(iw,ih)',scale={SIDE}:{SIDE}:flags=area"
        frames = imageio_ffmpeg.read_frames(str(path), output_params=["-vf", square])
        next(frames)  # what ffmpeg says about the video
        with zipfile.ZipFile(unfinished, "w") as archive:
            for i, frame in enumerate(frames):
                buffer = io.BytesIO()
                Image.frombytes("RGB", (SIDE, SIDE), frame).save(buffer, "PNG", compress_level=1)
                archive.writestr(f"second {i / rate:07.1f}", buffer.getvalue())
    except (OSError, RuntimeError, StopIteration) as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno:  # from the disk; ffmpeg's complaints have no number
            reason = f"cannot be kept in {target.parent} ({error.strerror})"
            raise OSError(f"The frames of {path.name} {reason}: free space there.") from None
        reason = (str(error).strip().splitlines() or ["no frames"])[-1]
        raise ValueError(f"{path.name} is not a video that can be read ({reason}): export it as MP4.") from None
    return unfinished.replace(target)


def _read(file, silent):
    """Return the bytes of a file, or None; `silent` lists the files that did not answer since the last that did."""
    if len(silent) >= HANGS:
        return None
    try:
        data = with_timeout(FILE_PATIENCE, file.read)
    except TimeoutError:
        silent.append(file)
        return None
    silent.clear()
    return data


def _decode_new(cache, files, background):
    """Decode what the cache does not know; return the problems that another try may mend: {key: reason}."""
    from PIL import Image
    from tqdm.auto import tqdm

    known = {key for (key,) in cache.execute("SELECT key FROM files")}
    contents = {content for (content,) in cache.execute("SELECT content FROM pictures")}
    fresh = [file for file in files if not file.reason and file.key not in known]
    problems, silent, saved = {}, [], time.monotonic()

    def decode(file):
        if stop.pressed or (data := _read(file, silent)) is None:
            return file, None, Picture(UNREAD)
        content = hashlib.sha1(background.encode() + data).hexdigest()
        return file, content, None if content in contents else read_picture(data, file.name, background=background)

    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # `decoding` has a limit that knows JPEG's shrinking
    try:
        with warnings.catch_warnings(), stop_button() as stop, ThreadPoolExecutor(os.cpu_count()) as pool:
            warnings.simplefilter("ignore")
            results = as_completed([pool.submit(decode, file) for file in fresh])
            for result in tqdm(results, "pictures", len(fresh), disable=not fresh):
                file, content, picture = result.result()
                if picture and picture.reason in (HEIC, UNREAD):
                    problems[file.key] = picture.reason
                    continue
                if picture:
                    cache.execute("INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?)", (content, *picture))
                cache.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", (file.key, content))
                if time.monotonic() > saved + 1:
                    cache.commit()
                    saved = time.monotonic()
    finally:
        Image.MAX_IMAGE_PIXELS = limit
        cache.commit()
    if stop.pressed:
        raise KeyboardInterrupt("Stopped: what was decoded is kept. Run the cell again, and it goes on from there.")
    return problems


def _choose(cache, files, problems, film):
    """Part the files into used ones (file, content) and skipped ones (name, reason), and count the notes."""
    used, skipped, notes, shown, last = [], [], Counter(), set(), None
    query = "SELECT content, reason, notes FROM files JOIN pictures USING (content) WHERE key = ?"
    for file in files:
        row = cache.execute(query, (file.key,)).fetchone()
        content, reason, note = row or ("", problems.get(file.key, UNREAD), "")
        reason = file.reason or reason
        if not reason:
            pixels = _pixels(cache, content).astype(np.int16)
            digest = hashlib.sha1(pixels).digest()
            if digest in shown:
                reason = "shows the same as another picture"
            elif film and last is not None and abs(pixels - last).mean() < 3:
                reason = "shows nearly the same as the frame before"
            else:
                shown.add(digest)
                last = pixels
        if reason:
            skipped.append((file.name, reason))
        else:
            used.append((file, content))
            notes.update(filter(None, note.split("|")))
    return used, skipped, notes
