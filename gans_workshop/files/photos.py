"""Anybody's pictures: a folder, a ZIP or a video becomes one tensor, and a report says what became of every file."""

import hashlib
import math
import os
import re
import shutil
import sqlite3
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, contextmanager, suppress
from html import escape
from pathlib import Path

import numpy as np
import torch

from gans_workshop.device import stop_button
from gans_workshop.files import classes, kinds
from gans_workshop.files.decoding import HEIC, SIDE, Picture, any_size, read_picture, shrink
from gans_workshop.files.mapped import collect
from gans_workshop.files.sources import FOR_EVER, UNREAD, list_source, read_file, why_unread
from gans_workshop.files.workspace import cache_folder

MEMORY = 2**30  # bytes that all pictures together may take
CACHE_BYTES = 2**32  # a cache larger than this, and than what is free beside it, is begun afresh
PAUSES = (0, 1, 4)  # seconds before each of three tries; all files that failed are tried again together
MASKED = "may be masks, by their names: take them out if masks should not be drawn"
RULES = 2  # to be raised when a reason to leave a file out changes: those in the cache are then found afresh
SCHEMA = """CREATE TABLE IF NOT EXISTS files (key TEXT PRIMARY KEY, content TEXT);
CREATE TABLE IF NOT EXISTS pictures (content TEXT PRIMARY KEY, reason TEXT, notes TEXT, pixels BLOB);"""
AFRESH = f"""DELETE FROM pictures WHERE reason != ''; PRAGMA user_version = {RULES};
DELETE FROM files WHERE content NOT IN (SELECT content FROM pictures);"""


class Report:
    """What became of every file: `used` names, `skipped` (name, reason) pairs, `notes` and `classes` counted."""

    def __init__(self, place, used, skipped, notes):
        self.place, self.used, self.skipped, self.notes = place, used, skipped, notes
        self.found, self.listed = len(used) + len(skipped), list(range(len(used)))
        self.classes, self.remarks, self.each = {}, [], 1  # files that make up one example: 2 where they are pairs

    def advice(self):
        """Say what the number of pictures means."""
        n, kind = len(self.used) // self.each, ("pictures", "pairs")[self.each - 1]
        if n < 50:
            return f"{n} {kind} are too few: a GAN needs 50 at the very least, better 500. Add pictures of one kind."
        if n < 500:
            return f"{n} {kind} are few: augmentation stretches them, and more pictures of the same kind help most."
        return f"{n:,} {kind} are enough to begin with."

    def __str__(self):
        lines = [f"{self.place}: {self.found:,} files found", f"{len(self.used):>7,}  used"]
        if len(self.classes) > 1:
            lines.append(f"{len(self.classes):>7,}  classes: {classes.in_words(self.classes)}")
        lines += [f"{n:>7,}    of these {note}" for note, n in self.notes.most_common()]
        for why, n in Counter(reason for _, reason in self.skipped).most_common():
            names = [name for name, reason in self.skipped if reason == why]
            lines.append(f"{n:>7,}  left out, each {why}: {', '.join(names[:3])}{', ...' if n > 3 else ''}")
        return "\n".join(filter(None, [*lines, *self.remarks, self.advice()]))

    def _repr_html_(self):
        return f"<pre style='white-space: pre-wrap'>{escape(str(self))}</pre>"


def load_photos(place, *, image_size=32, channels=3, background="white", memory=MEMORY, labels=False):
    """Turn a folder, a ZIP or a video into pictures to learn from, and report on every file.

    Each picture is turned upright, put on `background` where it is transparent, cropped to the square in its middle
    and made smaller. What was decoded stays in the cache, also when you stop it. `memory`: bytes; more lie in a file.
    Their order depends on what they show, not on their names; `images[report.listed]` is in the order of the files.
    It returns images, report; with `labels=True` images, labels, names, report: each sub-folder is a class.

    Shapes: images (N, channels, image_size, image_size) uint8, 16 to 256 pixels; labels (N,) int64, the places of
    their classes in the list of names.
    Raises: ValueError: 'image_size=...', '... is a ...'; ImportError: 'A video needs ...'; OSError: 'The ...'
    """
    image_size, channels, memory = _check_wishes(place, background, labels, sizes=(image_size, channels, memory))
    place = Path(place).expanduser()
    side, form = (SIDE, background) if image_size <= SIDE else (2 * SIDE, f"{background} {2 * SIDE}")
    files, folders, film = list_source(place, side)
    files = [file._replace(key=f"{file.key} {form}") for file in files]

    def load(cache_place):
        with open_cache(cache_place) as cache:
            problems = _decode_new(cache, files, form, lambda *file: read_picture(*file, background, side))
            depth, classed = _sort(cache, files)
            used, skipped, notes = _choose(cache, classed, problems, film=film, labels=labels)
            shape, contents = (len(used), channels, image_size, image_size), [content for *_, content in used]
            images = collect(
                lambda first: (shrink(_pixels(cache, one), image_size, channels) for one in contents[first:]),
                *(shape, memory),
                names=(str(place.absolute()), "".join(contents)),
            )
        report = Report(place.name, [file.name for _, _, file, _ in used], skipped, notes)
        report.listed = sorted(report.listed, key=lambda i: used[i][1])
        return images, report, depth, [file.label for _, _, file, _ in used]

    try:
        images, report, depth, found = load(cache_folder() / "photos.sqlite")
    except sqlite3.Error:  # the cache is damaged, or the disk is full: go without
        images, report, depth, found = load(":memory:")
    counts = classes.count(found)
    if not labels:
        report.remarks.append(classes.invitation(counts))
        return images, report
    report.classes, names = counts, list(counts)
    everything = [*folders, *(file.name for file in files)]
    report.remarks += classes.remarks_on(counts, depth, used=report.used, names=everything)
    return images, torch.tensor([names.index(label) for label in found]).long(), names, report


def _check_wishes(place, background, labels, sizes):
    """Return `sizes` as whole numbers, or refuse what cannot be met before any file is read."""
    from PIL import ImageColor

    if not isinstance(place, str | os.PathLike) or not str(place).strip() or "://" in str(place):
        what = "the name of one folder, ZIP or video on this machine"
        raise ValueError(f"load_photos takes {what}, not {place!r:.60}: put all pictures into one.")
    whole = [int(n) if isinstance(n, int | float | np.number) and n % 1 == 0 else -1 for n in sizes]
    if whole[0] not in range(16, 2 * SIDE + 1) or whole[1] not in (1, 3):
        found = "image_size={!r}, channels={!r}".format(*sizes)
        raise ValueError(f"{found}: use 32, 64, 128 or 256 and 3 (colour) or 1 (grey), as numbers without quotes.")
    if whole[2] < 1:
        raise ValueError(f"memory={sizes[2]!r} is no number of bytes: leave it out, or write 2**30.")
    if not isinstance(labels, bool):
        raise ValueError(f"labels={labels!r:.60}: write labels=True, and each sub-folder is a class.")
    with suppress(ValueError, AttributeError, TypeError):
        if len(ImageColor.getrgb(background)) == 3:
            return whole
    raise ValueError(f'background={background!r} is no colour: write a name such as "black", or "#202020".')


@contextmanager
def open_cache(place):
    """Open the cache of decoded pictures, a file or ':memory:'. A damaged or too large file is deleted."""
    on_disk = place != ":memory:" and place.exists()
    if on_disk and place.stat().st_size > max(CACHE_BYTES, shutil.disk_usage(place.parent).free):
        place.unlink()
    try:
        with closing(sqlite3.connect(place, timeout=30)) as cache:
            cache.executescript(SCHEMA)
            if cache.execute("PRAGMA user_version").fetchone() != (RULES,):
                cache.executescript(AFRESH)
            yield cache
    except sqlite3.Error as error:
        if place != ":memory:" and not isinstance(error, sqlite3.OperationalError):  # that is a full or locked disk
            place.unlink(missing_ok=True)
        raise


def _pixels(cache, content):
    (pixels,) = cache.execute("SELECT pixels FROM pictures WHERE content = ?", (content,)).fetchone()
    return np.frombuffer(pixels, np.uint8).reshape(math.isqrt(len(pixels) // 3), -1, 3)


def _decode_new(cache, files, form, read):
    """Decode what the cache does not know; return the problems that another try may mend: {key: reason}."""
    from tqdm.auto import tqdm

    known = {key for (key,) in cache.execute("SELECT key FROM files")}
    contents = {content for (content,) in cache.execute("SELECT content FROM pictures")}
    waiting = [file for file in files if not file.reason and file.key not in known]
    problems, troubles, saved = {}, [], time.monotonic()

    def decode(file):
        try:
            data = read_file(file, troubles, stop)
        except Exception as error:
            passing = isinstance(error, OSError) and error.errno and error.errno not in FOR_EVER
            return file, "", Picture(why_unread(error)), passing
        reason = kinds.reason_of(kinds.kind_of(data[: kinds.HEAD], file.name), file.name)
        content = hashlib.sha1(reason.encode() or form.encode() + data).hexdigest()  # a reason names the ending
        picture = Picture(reason) if reason or content in contents else read(data, file.name)
        return file, "" if picture.reason == HEIC else content, picture, False

    try:
        with any_size(), stop_button() as stop, ThreadPoolExecutor(os.cpu_count()) as pool:
            for pause in PAUSES:
                time.sleep(pause if waiting and not stop.pressed else 0)
                results, waiting = {pool.submit(decode, file) for file in waiting}, []
                for result in tqdm(as_completed(results), "pictures", len(results), disable=pause or not results):
                    results.discard(result)  # and its pixels
                    file, content, picture, passing = result.result()
                    problems[file.key] = picture.reason
                    waiting += [file] if passing else []
                    if content:
                        cache.execute("INSERT OR IGNORE INTO pictures VALUES (?, ?, ?, ?)", (content, *picture))
                        cache.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", (file.key, content))
                    if time.monotonic() > saved + 1:
                        cache.commit()
                        saved = time.monotonic()
    finally:
        cache.commit()
    if stop.pressed:
        raise KeyboardInterrupt("Stopped: what was decoded is kept. Run the cell again, and it goes on from there.")
    return problems


def _sort(cache, files):
    """Find how deep the classes lie, by those files that are pictures, and give each file its class."""
    good = {key for (key,) in cache.execute("SELECT key FROM files JOIN pictures USING (content) WHERE reason = ''")}
    names = [file.name if file.key in good and not file.reason else "" for file in files]
    depth, labels = classes.sort_into_classes(names)
    return depth, [file._replace(label=label) for file, label in zip(files, labels)]


def _choose(cache, files, problems, *, film, labels):
    """Part the files into used ones (digest, place in the list, file, content) by their digests, and skipped ones.

    The digest of what a picture shows gives the same order wherever it lies and however it is called.
    """
    used, skipped, notes, shown, twice, last = [], [], Counter(), {}, set(), None
    query = "SELECT content, reason, notes FROM files JOIN pictures USING (content) WHERE key = ?"
    for file in files:
        row = cache.execute(query, (file.key,)).fetchone()
        content, reason, note = row or ("", problems.get(file.key, UNREAD), "")
        reason = file.reason or reason or ("" if file.label or not labels else classes.BESIDE)
        if not reason:
            pixels = _pixels(cache, content)
            digest = hashlib.sha1(pixels).digest()
            if labels and shown.get(digest, file.label) != file.label:
                reason = classes.TWICE
                twice.add(digest)
            elif digest in shown:
                reason = "shows the same as another picture"
            elif film and last is not None and abs(pixels - last).mean() < 3:
                reason = "shows nearly the same as the frame before"
            else:
                shown[digest] = file.label
                last = pixels.astype(np.int16) if film else None
        if reason:
            skipped.append((file.name, reason))
        else:
            used.append((digest, len(used), file, content))
            notes.update(filter(None, [*note.split("|"), MASKED if re.fullmatch(kinds.MASK, file.name) else ""]))
    skipped += [(file.name, classes.TWICE) for digest, _, file, _ in used if digest in twice]
    return sorted(item for item in used if item[0] not in twice), skipped, notes
