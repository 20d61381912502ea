"""A folder, a ZIP or a video becomes a list of files, and each file is read, or says why not."""

import errno
import functools
import hashlib
import io
import os
import stat
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from gans_workshop.files import kinds
from gans_workshop.files.decoding import SIDE
from gans_workshop.files.disk import walk_files, with_timeout
from gans_workshop.files.workspace import cache_folder

FRAMES = 2000  # of a video, at most
FILE_PATIENCE, HANGS = 30, 6  # seconds for one file to answer; after so many in a row that did not, no more are asked
FOR_EVER = (errno.EOPNOTSUPP, errno.ENOSYS, errno.ENXIO, errno.EACCES, errno.EPERM, errno.ENOENT)  # no second try
UNREAD = "did not answer: run the cell again"
FILE_BYTES = 2**27  # a larger file is not read
ZIP_FILES, ZIP_BYTES, ZIP_RATIO = 20_000, 2**33, 200  # a ZIP that holds more is a trap


class File(NamedTuple):
    """A file in a folder or a ZIP: its name, what the cache knows it by, how to read it, or why not to, its class."""

    name: str
    key: str
    read: object
    reason: str = ""
    label: str = ""


def make_file(name, place, found, read, *, reason=""):
    """Describe a file by its name for people, the place and state that the cache knows it by, and how to read it."""
    key = hashlib.sha1(os.fsencode(place) + f"|{found.st_size}|{found.st_mtime_ns}".encode()).hexdigest()
    if not stat.S_ISREG(found.st_mode):
        reason = reason or "is no file that can be read"
    return File(kinds.readable(name), key, read, reason)


def list_pictures(folder):
    """List all files in a folder and below, with what the cache knows each by and how to read it, and all folders."""
    files, folders = [], []
    for name, entry in walk_files(folder):
        if name.endswith("/"):
            folders.append(kinds.readable(name))
            continue
        path, reason = Path(entry.path), kinds.reason_by_name(name)
        try:
            found = entry.stat()
            if found.st_size > FILE_BYTES:
                large = f"is larger than {FILE_BYTES >> 20} MB: make it smaller"
                reason = reason or kinds.reason_of(kinds.kind_by_name(name), name) or large
            files.append(make_file(name, os.path.abspath(path), found, path.read_bytes, reason=reason))
        except OSError:
            files.append(File(ascii(name)[1:-1], "", None, reason or "leads nowhere, or cannot be reached"))
    return sorted(files, key=lambda file: file.name), folders


def list_zip(path):
    """List the files in a ZIP, and its folders. Nothing is unpacked, so no name in it can lead anywhere."""
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile:
        raise ValueError(f"{path.name} is a ZIP without its end: download it again, or make it again.") from None
    found, files, folders, total = path.stat(), [], [], 0
    for info in archive.infolist():
        name = _name_in_zip(info)
        if info.is_dir():
            folders.append(kinds.readable(name))
            continue
        total += info.file_size
        reason = kinds.reason_by_name(name)
        packed_too_well = info.file_size > max(2**20, ZIP_RATIO * info.compress_size)
        if len(files) >= ZIP_FILES or total > ZIP_BYTES or info.file_size > FILE_BYTES or packed_too_well:
            reason = "is too much for a ZIP of pictures"
        place = f"{os.path.abspath(path)}|{info.header_offset}"
        files.append(make_file(name, place, found, functools.partial(archive.read, info), reason=reason))
    return files, folders


def _name_in_zip(info):
    """Return the name of a file in a ZIP; a Mac writes UTF-8 and does not say so."""
    with suppress(UnicodeError):
        return info.filename if info.flag_bits & 0x800 else info.filename.encode("cp437").decode()
    return info.filename


def list_source(place, side=SIDE):
    """List the files of a folder, a ZIP or a video, and all folders; tell whether they are frames, of `side` pixels."""
    if not place.is_file():
        return *list_pictures(place), False
    try:
        with place.open("rb") as file:
            kind = kinds.kind_of(with_timeout(FILE_PATIENCE, lambda: file.read(kinds.HEAD)), place.name)
    except OSError as error:
        raise OSError(f"The file {place} {why_unread(error)}.") from None
    if kind == "film" or (kind == "unknown" and kinds.kind_by_name(place.name) == "film"):
        return *list_zip(_film_to_zip(place, side)), True
    if kind != "zip":
        single = "is a single file, and a GAN needs many pictures: put them into a folder, and give that folder"
        raise ValueError(f"{place.name} {kinds.reason_of(kind, place.name) or single}.")
    return *list_zip(place), False


def read_file(file, troubles, stop):
    """Return the bytes of a file unless the button was pressed; `troubles` are those since the last that answered."""
    if stop.pressed or sum(isinstance(trouble, TimeoutError) for trouble in troubles) >= HANGS:
        raise TimeoutError
    try:
        data = with_timeout(FILE_PATIENCE, file.read)
    except Exception as error:  # a ZIP may raise anything
        troubles.append(error)
        raise
    troubles.clear()
    return data


def why_unread(error):
    """Say why a file could not be read, and what will help."""
    if isinstance(error, OSError) and error.errno:
        return f"cannot be read ({error.strerror}): try again later, copy it there anew, or leave it out"
    if isinstance(error, TimeoutError):
        return UNREAD
    if "password" in str(error):
        return "is locked with a password: make the ZIP again without one"
    if isinstance(error, NotImplementedError):
        return "is packed in a way that Python cannot read: make the ZIP again with the program of your system"
    return "is damaged inside the ZIP: download the ZIP again, or make it again"


def _film_to_zip(path, side):
    """Take frames of a video, at even intervals, into a ZIP in the cache."""
    try:
        import imageio_ffmpeg
    except ImportError:
        raise ImportError("A video needs a reader: run %pip install imageio-ffmpeg, then this cell again.") from None
    from PIL import Image

    key = make_file("", os.path.abspath(path), path.stat(), None).key[:16]
    target = cache_folder() / f"frames-{key}{'' if side == SIDE else f'-{side}'}.zip"
    if target.exists():
        return target
    unfinished = target.with_suffix(".unfinished")
    try:
        seconds = imageio_ffmpeg.count_frames_and_secs(str(path))[1]
        rate = min(10, FRAMES / max(seconds, 0.1))
        square = f"fps={rate},crop='min(iw,ih)':'min(iw,ih)',scale={side}:{side}:flags=area"
        frames = imageio_ffmpeg.read_frames(str(path), output_params=["-vf", square])
        next(frames)  # what ffmpeg says about the video
        with zipfile.ZipFile(unfinished, "w") as archive:
            for i, frame in enumerate(frames):
                buffer = io.BytesIO()
                Image.frombytes("RGB", (side, side), frame).save(buffer, "PNG", compress_level=1)
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
