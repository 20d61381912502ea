"""Know where files live: the workshop's folder for what you make, and a cache for what was downloaded."""

import os
import re
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from gans_workshop.files import classes, kinds
from gans_workshop.files.disk import PATIENCE, list_folder, probe, walk_files, writable_folder

FOLDER = "gans-workshop-files"
COLAB_DISK = Path("/content")
DRIVE = COLAB_DISK / "drive" / "MyDrive"
CHOOSE = f"Choose another one in a cell above: import os; os.environ['GANS_WORKSHOP_FILES'] = '~/{FOLDER}'"
_asked = []  # one consent window a session is enough
OURS = "a folder of models"


def in_colab():
    """Tell whether this Python runs inside Google Colab, and not in Kaggle, which is built from it."""
    return "google.colab" in sys.modules and "KAGGLE_KERNEL_RUN_TYPE" not in os.environ


def workshop_folder():
    """Return the folder for everything that you make, and create it if needed.

    In Colab: `MyDrive/gans-workshop-files/`, after Google has asked you; the Colab disk where that fails. Elsewhere:
    `gans-workshop-files/` beside the notebooks, or what `GANS_WORKSHOP_FILES` names. Raises: as `writable_folder`.
    """
    if chosen := os.environ.get("GANS_WORKSHOP_FILES", "").strip("\"' "):  # Windows' `set` keeps the quotes
        return writable_folder(chosen, advice=CHOOSE)
    if in_colab():
        return _drive_folder() or writable_folder(COLAB_DISK / FOLDER, advice=CHOOSE)
    notebooks = Path.cwd() / "notebooks"
    return writable_folder((notebooks if notebooks.is_dir() else Path.cwd()) / FOLDER, advice=CHOOSE)


def _drive_folder():
    """Return the workshop's folder in Drive; where Drive is refused, fails or hangs, warn and return None."""
    reason = "it is not connected"
    try:
        if not DRIVE.is_dir() and not _asked:
            _asked.append(True)
            print("Google now asks for your Drive, as 'Google Drive for desktop': say yes to keep what you make there.")
            from google.colab import drive

            drive.mount(str(DRIVE.parent), timeout_ms=1000 * PATIENCE)
        if DRIVE.is_dir():
            return probe(DRIVE / FOLDER)
    except Exception as error:  # whatever Colab raises, the lesson goes on without Drive
        text = getattr(error, "strerror", None) or str(error)
        reason = text.strip().partition("\n")[0] or type(error).__name__
    print(f"CAREFUL, no Google Drive ({reason}): files go to Colab's own disk and vanish with the session.")
    if "credential" in reason:
        print("Did you say yes? Then allow pop-ups and third-party cookies, and choose the same account as in Colab.")
    print("Download what you want to keep. To be asked again: Runtime > Restart session.")


def picture_places(folder):
    """List (label, path) of the picture folders, ZIPs and videos in the workshop folder, or say what to do."""
    places, empty, loose = [], [], 0
    for entry in list_folder(folder):
        inside, kind = _look_inside(entry), kinds.kind_by_name(entry.name)
        why = kinds.reason_by_name(f"{entry.name}/" if inside else entry.name)
        if why == kinds.OF_SYSTEM or inside == OURS or entry.name.endswith(("-gans-images", "-gans-images.zip")):
            continue
        if what := inside or {"zip": "ZIP", "film": "video"}.get(kind if not why else ""):
            label = f"{kinds.readable(entry.name)} ({what})"
            (empty if what == "0 files" else places).append((label, Path(entry.path)))
        elif why or kind:
            print(f"{entry.name} {why or kinds.reason_of(kind, entry.name)}.")
        else:
            loose += 1
    places += empty  # where nobody chooses, the first one is learned from
    if loose or not places:
        where = f"Google Drive (drive.google.com) under {FOLDER}" if DRIVE in folder.parents else folder
        many = f"{loose:,} file{'s are' if loose > 1 else ' is'} loose"
        print(f"{many if loose else 'There is nothing to learn from yet'} in {where}.")
        print("To use your pictures, put a folder, a ZIP or a video of them there ('cats'), and run this cell again.")
    return places


def _look_inside(entry):
    """Say what is in a folder, OURS where it is a folder of models, or return an empty text for a file."""
    if not os.path.isdir(entry.path):  # entry.is_dir() raises where links run in a circle
        return ""
    with suppress(OSError):
        names = [kinds.readable(name) for name, _ in walk_files(entry.path) if not name.endswith("/")]
        kept = [name for name in names if re.search(r"\.(checkpoint|pt)$|(^|[/\\])unfinished-", name)]
        if entry.name.endswith("-models") and (kept or not names):
            return OURS
        names = [name for name in names if kinds.reason_by_name(name) != kinds.OF_SYSTEM]
        counts = classes.count(classes.sort_into_classes(names)[1])
        several = f", {len(counts):,} classes: {classes.in_words(counts, most=3)}" if len(counts) > 1 else ""
        return f"{len(names):,} files{several}"
    return "cannot be listed now"


def cache_folder():
    """Return the folder for downloads: `~/.cache/gans-workshop`, or one of ours in what `GANS_WORKSHOP_CACHE` names."""
    chosen = os.environ.get("GANS_WORKSHOP_CACHE")
    try:
        return writable_folder(Path(chosen, "gans_workshop_cache") if chosen else "~/.cache/gans-workshop")
    except OSError:
        return writable_folder(Path(tempfile.gettempdir()) / "gans-workshop-cache")
