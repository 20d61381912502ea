"""Know where files live: the workshop's folder for what you make, and a cache for what was downloaded."""

import os
import sys
import tempfile
from pathlib import Path

FOLDER = "gans-workshop-files"
COLAB_DISK = Path("/content")
DRIVE = COLAB_DISK / "drive" / "MyDrive"


def in_colab():
    """Tell whether this Python runs inside Google Colab."""
    return "google.colab" in sys.modules


def workshop_folder():
    """Return the folder for everything that you make, and create it if needed.

    In Colab: `MyDrive/gans-workshop-files/` once Drive is mounted, the Colab disk before that.
    Elsewhere: `gans-workshop-files/` beside the notebooks. `GANS_WORKSHOP_FILES` names another place.

    Raises:
        OSError: 'The folder ... cannot be written ...'
    """
    if chosen := os.environ.get("GANS_WORKSHOP_FILES"):
        return writable_folder(chosen)
    if not in_colab():
        here = Path.cwd()
        return writable_folder((here / "notebooks" if (here / "notebooks").is_dir() else here) / FOLDER)
    if DRIVE.is_dir():
        return writable_folder(DRIVE / FOLDER)
    print("Files go to Colab's own disk and vanish with the session: download what you want to keep.")
    return writable_folder(COLAB_DISK / FOLDER)


def cache_folder():
    """Return the folder for downloads: `~/.cache/gans-workshop`, or what `GANS_WORKSHOP_CACHE` names."""
    folder = os.environ.get("GANS_WORKSHOP_CACHE") or Path.home() / ".cache" / "gans-workshop"
    try:
        return writable_folder(folder)
    except OSError:
        return writable_folder(Path(tempfile.gettempdir()) / "gans-workshop-cache")


def writable_folder(folder):
    """Return `folder` as a Path after creating it and writing a byte there.

    Raises:
        OSError: 'The folder ... cannot be written ...'
    """
    folder = Path(folder).expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b".")
    except OSError as error:
        raise OSError(
            f"The folder {folder} cannot be written ({error.strerror or error}): nothing was saved. "
            "Choose another folder, or free some space there."
        ) from None
    return folder


def write_file(path, data):
    """Write the bytes `data` to `path` whole or not at all, and return the path: an older file stays until then.

    Raises:
        OSError: 'The folder ... cannot be written ...'
    """
    path = Path(path)
    folder = writable_folder(path.parent)
    unfinished = folder / f".{path.name}.unfinished"
    try:
        unfinished.write_bytes(data)
        unfinished.replace(folder / path.name)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise OSError(
            f"The file {path} could not be written ({error.strerror or error}): the older one, if any, is untouched. "
            "Choose another folder, or free some space there."
        ) from None
    return folder / path.name
