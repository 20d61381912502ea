"""Read and write on disks that may be slow, full, gone or far away, as Google Drive is."""

import os
import threading
import time
from concurrent.futures import Future, wait
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

PATIENCE = 180  # seconds after which a disk counts as not answering
PAUSES = (1, 4, 15)  # seconds to wait before asking once more: Drive's first listing of a large folder times out
HOPELESS = (FileNotFoundError, NotADirectoryError, PermissionError)  # asking again changes nothing


def with_timeout(seconds, work):
    """Return `work()`, or raise TimeoutError after that many seconds; a thread that hangs is left to itself."""
    answer = Future()

    def run():
        try:
            answer.set_result(work())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    if not wait([answer], seconds).done:
        raise TimeoutError("no answer")
    return answer.result()


def retry(work, *, pauses=PAUSES):
    """Return `work()`; after an OSError that may pass, wait for each of `pauses` in turn and try again."""
    for pause in pauses:
        try:
            return work()
        except OSError as error:
            if isinstance(error, HOPELESS) or error.errno is None:  # None: no answer at all
                raise
            time.sleep(pause)
    return work()


def list_folder(folder):
    """List a folder's entries by name, as `os.DirEntry`. Raises: OSError: 'The folder ... cannot be listed ...'"""
    try:
        entries = retry(lambda: with_timeout(PATIENCE, lambda: list(os.scandir(folder))))
        return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        advice = "check its name, or wait a minute and run the cell again: Drive is slow with thousands of files"
        raise OSError(f"The folder {folder} cannot be listed ({error.strerror or error}): {advice}.") from None


def walk_files(folder):
    """List all in a folder and below as (name, `os.DirEntry`): 'cats/', 'cats/1.jpg', or 'cats' if it has no list."""
    known = {os.path.realpath(folder), *map(str, Path(os.path.realpath(folder)).parents)}  # links may run in circles
    found, waiting = [], list_folder(folder)
    while waiting:
        entry = waiting.pop()
        name = os.path.relpath(entry.path, folder).replace(os.sep, "/")
        try:
            if not entry.is_dir():
                found.append((name, entry))
            elif (real := os.path.realpath(entry.path)) not in known:
                known.add(real)
                waiting += list_folder(entry.path)
                found.append((f"{name}/", entry))
        except OSError:
            found.append((name, entry))
    return found


def whole_path(place):
    """Return the whole Path of a place that a person gave; '~' is home. Raises: ValueError: '... names no ...'"""
    text = str(place) if isinstance(place, str | os.PathLike) else ""
    if not text.strip() or "://" in text or "\0" in text:
        raise ValueError(f"{place!r:.80} names no folder or file of this machine: give a path, for example 'my-gan'.")
    return Path(os.path.expanduser(place)).absolute()


def probe(folder):
    """Create `folder`, write a byte there, and return it; the system's OSError says why not."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".unfinished-{uuid4().hex}"
    with open(unfinished, "xb") as file:
        file.write(b".")
    os.remove(unfinished)  # closed before: not every disk keeps a file that is deleted while it is open
    return folder


def writable_folder(folder, *, advice=""):
    """Create `folder`, write a byte there, and return its Path. Raises: OSError: 'The folder ... cannot be written'"""
    folder = whole_path(folder)
    try:
        return probe(folder)
    except OSError as error:
        in_the_way = isinstance(error, FileExistsError | NotADirectoryError)
        reason = f"({'a file is in the way' if in_the_way else error.strerror or error}): nothing was saved"
        raise OSError(f"The folder {folder} cannot be written {reason}. {advice or _elsewhere(folder)}") from None


def _elsewhere(place):
    if "MyDrive" not in place.parts:
        return "Choose another folder, or free some space there."
    again = "run the cell with workshop_folder() and those after it again"
    return f"Free some space in Drive, or {again}: where Drive fails, files go to Colab's own disk."


def write_file(path, data):
    """Write the bytes `data` to `path` whole or not at all, and return the path: an older file stays until then.

    Raises: OSError: 'The folder ... cannot be written ...', 'The file ... could not be written ...'
    """
    path = whole_path(path)
    unfinished = writable_folder(path.parent) / f".unfinished-{uuid4().hex}"
    try:
        unfinished.write_bytes(data)
        unfinished.replace(path)
    except OSError as error:
        with suppress(OSError):  # where the whole disk has gone, this fails too
            unfinished.unlink(missing_ok=True)
        reason = f"({error.strerror or error}): the older one, if any, is untouched"
        raise OSError(f"The file {path} could not be written {reason}. {_elsewhere(path)}") from None
    return path
