"""Keep a training safe: save it by time, check what is read back, go on from the newest good copy.

It keeps any game that has `state_dict()`, `load_state_dict(state)`, a count `step`, `seconds` of training, a `device`,
`is_finite()`, and `misfit(state)`, which says why a state belongs to another game.
"""

import errno
import hashlib
import io
import os
import re
import threading
import time
from contextlib import suppress
from uuid import uuid4

import torch

from gans_workshop.files import disk, workspace
from gans_workshop.files.marks import make_mark, other_data, renew_mark

EVERY = 45  # seconds between two saves: with a slow round and a slow disk, a minute at most is lost
LAST_WAIT = 20  # seconds that the end of a training waits for a slow disk
HEADER = b"gans-workshop checkpoint 1\n"  # then 32 bytes of checksum, then what torch.save wrote
NAME = re.compile(r"step-[0-9]{9}\.checkpoint")
LEFTOVER = re.compile(rf"unfinished-([0-9a-f]{{32}}|{NAME.pattern})")  # the second kind until November 2026


class CheckpointKeeper:
    """Save a game in `folder`, in Colab also on the machine's own disk, each time with a mark of what it learns from.

    Where `folder` is None it saves nothing. `data`: the tensors to learn from, known again by a mark, in any order.
    Raises: ValueError: 'The folder ... holds the training of a GAN that ...'; OSError: 'The checkpoints in ...'
    """

    def __init__(self, folder, game, data):
        self.homes, self.reported = [] if folder is None else homes(folder), set()
        self.next_save = time.monotonic() + EVERY
        if self.homes:
            if len(self.homes) == 1:  # with two, the training goes on with one
                disk.writable_folder(folder)
            arrays = [tensor.cpu().contiguous() for tensor in data if tensor is not None]
            self.mark = make_mark(arrays)
            self._resume(game, arrays)

    def after_round(self, game):
        """Save the game if it is time. Trouble is said once, not every minute."""
        if not self.homes or time.monotonic() < self.next_save:
            return
        self._save(game)
        self.next_save = time.monotonic() + EVERY
        for home in [home for home in self.homes if home.error and home not in self.reported]:
            print(f"The last minute is not {home.words} yet ({home.error}): training goes on, and tries again.")
            self.reported.add(home)

    def finish(self, game):
        """Save the game, wait a little for slow disks, and say where it is."""
        end = time.monotonic() + LAST_WAIT
        self._wait(end)
        if any(home.step != game.step for home in self.homes):
            self._save(game)
            self._wait(end)
        for home in self.homes:
            done = home.step == game.step
            trouble = "" if done else f" yet ({home.error or 'no answer from there'}): run this cell again later"
            print(f"Round {game.step:,} is {'' if done else 'not '}{home.words}{trouble}.")

    def _wait(self, end):
        for thread in [home.thread for home in self.homes if home.thread]:
            thread.join(max(0, end - time.monotonic()))

    def _save(self, game):
        try:
            content = _pack(game, self.mark)
            for home in self.homes:
                home.write(game.step, content)
        except Exception as error:  # whatever it is: the safety net never stops the training
            for home in self.homes:
                home.error = str(error)

    def _resume(self, game, arrays):
        """Go on from the newest good state, unless the game itself is further; refuse the state of another game."""
        state, home = newest(self.homes)
        if not state:
            return
        if why := other_data(state["pictures"], self.mark, arrays) or game.misfit(state["gan"]):
            advice = "Nothing there was changed: choose another folder for this one."
            raise ValueError(f"The folder {self.homes[-1].folder} holds the training of a GAN that {why}. {advice}")
        home.step = state["gan"]["step"]
        if game.step < home.step:
            game.load_state_dict(state["gan"])
        if game.step == home.step:
            torch.set_rng_state(state["torch_random"])
        careful = ""
        if game.device.type != "cpu" or state["machine"] != _machine(game):
            careful = " On this machine the last digits may differ."
        elif state["pictures"].get("order", self.mark["order"]) != self.mark["order"]:
            careful = " The pictures are the same in another order: it goes on, not exactly as without the break."
        print(f"Going on from round {game.step:,} ({game.seconds / 60:.1f} minutes of training) in {home.folder}.")
        print(f"To begin anew, choose another folder.{careful}")


class _Home:
    """A folder of checkpoints. A thread writes there: it may fail or hang, and the training goes on."""

    def __init__(self, folder, words):
        self.folder, self.words = folder, f"{words} {folder}"
        self.step, self.error, self.thread, self.damaged = None, None, None, set()

    def names(self):
        """List the checkpoints here, the newest first."""
        drive = workspace.DRIVE
        if drive in self.folder.parents and not drive.is_dir():  # a folder made here would block Drive's return
            raise OSError(errno.ENOTCONN, "Drive is not connected")
        found = os.listdir(self.folder) if self.folder.is_dir() else []
        return sorted((name for name in found if NAME.fullmatch(name) and (self.folder / name).is_file()), reverse=True)

    def newest(self):
        """Read the newest good checkpoint here, None if there is none; pass over damaged ones."""
        for name in self.names():
            if state := read(self.folder / name):
                return state
            print(f"{self.folder / name} is damaged: the one before is used, if there is one.")
            self.damaged.add(name)
        return None

    def write(self, step, content):
        """Begin to write a checkpoint, the pieces of `content`, if the one before is done."""
        if self.thread and self.thread.is_alive():
            self.error = "no answer from there"
            return
        self.thread = threading.Thread(target=self._write, args=(step, content), daemon=True)
        self.thread.start()

    def _write(self, step, content):
        """Write beside, sync, then rename, so that a kill at any moment leaves whole files; keep the one before too."""
        name, unfinished = f"step-{step:09d}.checkpoint", self.folder / f"unfinished-{uuid4().hex}"
        try:
            there = self.names()
            good = [older for older in there if older not in self.damaged | {name} and self._is_ours(older)]
            if name in there and not self._is_ours(name):  # somebody else's, or damaged beyond knowing
                os.rename(self.folder / name, self.folder / f"set-aside-{uuid4().hex[:8]}-{name}")
            for part in [*reversed(self.folder.parents), self.folder]:
                if part not in [workspace.DRIVE, *workspace.DRIVE.parents]:  # Drive may go away at this very moment
                    part.mkdir(exist_ok=True)
            with open(unfinished, "xb") as file:
                file.writelines(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, self.folder / name)
            self.step, self.error = step, None
        except Exception as error:  # whatever it is: the next save tries again
            self.error = getattr(error, "strerror", None) or str(error) or type(error).__name__
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            return
        with suppress(OSError):  # the checkpoints are whole either way
            self._tidy({name, *good[:1]})
            handle = os.open(self.folder, os.O_RDONLY)  # which Windows refuses
            os.fsync(handle)
            os.close(handle)

    def _tidy(self, kept):
        """Delete all checkpoints and leftovers but those kept; a name never stands for a half-deleted checkpoint."""
        for name in set(os.listdir(self.folder)) - kept:
            if self._is_ours(name):
                old = (self.folder / name).replace(self.folder / f"unfinished-{uuid4().hex}")
                if old.stat().st_nlink == 1:  # else a person keeps it under a second name (a hard link)
                    os.truncate(old, 0)  # Drive moves what is deleted into its bin, where it would take up room
                old.unlink()

    def _is_ours(self, name):
        """Tell whether a file was written here: by its name, and it begins as we begin, or was cut off before."""
        path = self.folder / name
        if (NAME.fullmatch(name) or LEFTOVER.fullmatch(name)) and path.is_file() and not path.is_symlink():
            with suppress(OSError), path.open("rb") as file:
                return HEADER.startswith(file.read(len(HEADER)).rstrip(b"\0"))
        return False


def homes(folder):
    """List the places where a training in this folder is kept. Raises: ValueError: '... is a file ...'"""
    folder = disk.whole_path(folder)
    if os.path.isfile(folder):
        raise ValueError(f"{folder} is a file, and checkpoint= wants a folder: give {folder.parent}, for example.")
    if not (workspace.in_colab() and workspace.DRIVE in folder.parents):
        return [_Home(folder, "saved in")]
    key = hashlib.sha256(str(folder).encode()).hexdigest()[:8]
    local = workspace.cache_folder() / "checkpoints" / f"{folder.name}-{key}"
    return [_Home(local, "saved on Colab's own disk in"), _Home(folder, "copied to Drive's folder")]


def newest(homes):
    """Read the newest good state of all homes, and its home; of two equals the one on the nearer disk."""
    state, home, trouble = None, None, None
    for candidate in homes:
        try:
            found = disk.with_timeout(disk.PATIENCE, candidate.newest)
        except OSError as error:
            trouble = f"{candidate.folder} cannot be read ({error.strerror or error})"
            continue
        if found and (not state or found["gan"]["step"] > state["gan"]["step"]):
            state, home = found, candidate
    if trouble and not state:
        raise OSError(f"The checkpoints in {trouble}: nothing was changed. Run this cell again in a minute.")
    return state, home


def _machine(game):
    return [str(torch.__version__), torch.get_num_threads(), torch.backends.cpu.get_cpu_capability(), game.device.type]


def _pack(game, mark):
    if not game.is_finite():
        raise FloatingPointError("some weights are not numbers any more")
    file = io.BytesIO()
    state = {"gan": game.state_dict(), "torch_random": torch.get_rng_state()}
    torch.save(state | {"machine": _machine(game), "pictures": mark}, file)
    return [HEADER + hashlib.sha256(file.getbuffer()).digest(), file.getbuffer()]


def read(path):
    """Read the state in a file, None if it is damaged or foreign."""
    with path.open("rb") as file:
        start = file.read(len(HEADER))
        return _unpack(start + file.read()) if start == HEADER else None


def _unpack(content):
    """Return the state in a checkpoint file, None if it is damaged or foreign. No code of a stranger runs."""
    size = len(HEADER) + 32
    body = memoryview(content)[size:]
    if content[:size] != HEADER + hashlib.sha256(body).digest():
        return None
    with suppress(Exception):  # a stranger's file may raise anything
        state = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
        if "dice" in state:  # written until November 2026
            state["torch_random"], state["gan"]["seconds"] = state.pop("dice"), 60 * state.pop("minutes")
        if isinstance(state["pictures"], list):  # likewise
            state["pictures"] = renew_mark(state["pictures"])
        whole = {"torch_random", "machine"} <= state.keys() and state["gan"]["step"] >= 0
        return state if whole and state["pictures"]["kinds"][0][0] else None
