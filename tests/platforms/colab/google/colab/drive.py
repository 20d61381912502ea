"""Google Drive as a folder: mounted, refused, or gone half-way."""

import errno
import os
import sys
from pathlib import Path

AUDITED = {"open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.utime"}


class MessageError(Exception):
    """What Colab raises where the person closes the window that asks for consent."""


def mount(mountpoint, force_remount=False, timeout_ms=120000, readonly=False):
    mood = os.environ["COLAB_DRIVE"]
    if mood == "refused":
        raise MessageError("Error: credential propagation was unsuccessful")
    print(f"Mounted at {mountpoint}")
    Path(mountpoint, "MyDrive").mkdir(parents=True, exist_ok=True)
    if mood != "works":
        go_away(f"{mountpoint}/", at=mood)


def go_away(place, at):
    """Let everything below `place` fail as a lost mount does, from the moment a file named so is written there."""
    gone = False

    def check(path):
        if gone and isinstance(path, str | bytes | os.PathLike) and os.fsdecode(path).startswith(place):
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN), os.fsdecode(path))

    def audit(event, args):  # Python tells of every file that it opens, also in the libraries
        nonlocal gone
        if event == "open" and args[2] & (os.O_WRONLY | os.O_RDWR):
            gone = gone or (str(args[0]).startswith(place) and at in str(args[0]))
        if event in AUDITED:
            for path in args[:2]:
                check(path)

    def checked(look):
        def look_if_there(path, *args, **options):
            check(path)
            return look(path, *args, **options)

        return look_if_there

    sys.addaudithook(audit)
    os.stat, os.lstat = checked(os.stat), checked(os.lstat)  # the only ones that Python does not tell of
