"""Keep a training safe: save it by time, check what is read back, go on from the newest good copy."""

import errno
import hashlib
import io
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import torch

from gans_workshop import workspace

EVERY = 45  # seconds between two saves: with a slow step and a slow disk, a minute at most is lost
PATIENCE = 20  # seconds that the end of a training waits for a slow disk
HEADER = b"gans-workshop checkpoint 1\n"  # then 32 bytes of checksum, then what torch.save wrote


class Keeper:
    """Save the game of one training in `folder`, in Colab also on the machine's own disk. None saves nothing.

    Raises: ValueError: 'The folder ... holds the training of a GAN that ...'; OSError: 'The checkpoints in ...'
    """

    def __init__(self, folder, gan, images):
        self.places, self.told = _places(folder) if folder else [], set()
        self.start, self.earlier = time.monotonic(), 0
        self.next_save = self.start + EVERY
        if folder:
            pixels = hashlib.sha256(images.cpu().contiguous().numpy()).hexdigest()
            self.pictures = [list(images.shape), str(images.dtype), pixels]
            self._resume(gan)

    def minutes(self):
        """Return the minutes of training so far, with those before a restart."""
        return self.earlier + (time.monotonic() - self.start) / 60

    def after_step(self, gan):
        """Save the game if it is time. Trouble is said once, not every minute."""
        if not self.places or time.monotonic() < self.next_save:
            return
        self._save(gan)
        self.next_save = time.monotonic() + EVERY
        for place in [place for place in self.places if place.error and place not in self.told]:
            print(f"The last minute is not {place.words} yet ({place.error}): training goes on, and tries again.")
            self.told.add(place)

    def finish(self, gan):
        """Save the game, wait a little for slow disks, and say where it is."""
        end = time.monotonic() + PATIENCE
        self._wait(end)
        if any(place.step != gan.step for place in self.places):
            self._save(gan)
            self._wait(end)
        for place in self.places:
            done = place.step == gan.step
            trouble = "" if done else f" yet ({place.error or 'no answer from there'}): run this cell again later"
            print(f"Step {gan.step:,} is {'' if done else 'not '}{place.words}{trouble}.")

    def _wait(self, end):
        for thread in [place.thread for place in self.places if place.thread]:
            thread.join(max(0, end - time.monotonic()))

    def _save(self, gan):
        try:
            data = _pack(gan, self.pictures, self.minutes())
            for place in self.places:
                place.write(gan.step, data)
        except Exception as error:  # whatever it is: the safety net never stops the training
            for place in self.places:
                place.error = str(error)

    def _resume(self, gan):
        found, trouble = [], None
        for place in self.places:
            try:
                if state := workspace.within(workspace.PATIENCE, place.newest):
                    found.append((state["gan"]["step"], -len(found), state, place))
            except OSError as error:
                trouble = f"{place.folder} cannot be read ({error.strerror or error})"
        if trouble and not found:
            raise OSError(f"The checkpoints in {trouble}: nothing was changed. Run this cell again in a minute.")
        for step, _, state, place in sorted(found, reverse=True)[:1]:  # of two equals the first, on the nearer disk
            if why := _misfit(gan, state, self.pictures):
                raise ValueError(
                    f"The folder {self.places[-1].folder} holds the training of a GAN that {why}. Nothing there was "
                    "changed: choose another folder for this one."
                )
            self.earlier, place.step = state["minutes"], step
            if gan.step < step:
                for part in ("d_optimizer", "g_optimizer"):  # the learning rates stay those of this GAN
                    state["gan"][part]["param_groups"] = getattr(gan, part).state_dict()["param_groups"]
                gan.load_state_dict(state["gan"])
                torch.set_rng_state(state["dice"])
            exact = gan.device.type == "cpu" and state["machine"] == _machine(gan)
            print(
                f"Going on from step {gan.step:,} ({self.earlier:.1f} minutes of training) in {place.folder}. To begin "
                f"anew, choose another folder.{'' if exact else ' On this machine the last digits may differ.'}"
            )


class _Place:
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
        return sorted((name for name in found if name.startswith("step-")), reverse=True)

    def newest(self):
        """Read the newest good checkpoint here, None if there is none; pass over damaged ones."""
        for name in self.names():
            if state := _unpack((self.folder / name).read_bytes()):
                return state
            print(f"{self.folder / name} is damaged: the one before is used, if there is one.")
            self.damaged.add(name)
        return None

    def write(self, step, data):
        """Begin to write the checkpoint of a step, if the one before is done."""
        if self.thread and self.thread.is_alive():
            self.error = "no answer from there"
            return
        self.thread = threading.Thread(target=self._write, args=(step, data), daemon=True)
        self.thread.start()

    def _write(self, step, data):
        name, unfinished = f"step-{step:09d}.checkpoint", self.folder / f"unfinished-{uuid4().hex}"
        try:
            good = [older for older in self.names() if older not in self.damaged | {name}]
            for part in [*reversed(self.folder.parents), self.folder]:
                if part not in [workspace.DRIVE, *workspace.DRIVE.parents]:  # Drive may go away at this very moment
                    part.mkdir(exist_ok=True)
            with open(unfinished, "xb") as file:
                file.writelines(data)
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
        for name in set(os.listdir(self.folder)) - kept:
            old = self.folder / name
            if name.startswith("step-"):
                old = old.replace(self.folder / f"unfinished-{name}")
                os.truncate(old, 0)  # Drive moves what is deleted into its bin, where it would take up room
            if old.name.startswith("unfinished-"):
                old.unlink()


def _places(folder):
    folder = Path(folder).expanduser().absolute()
    if not (workspace.in_colab() and workspace.DRIVE in folder.parents):
        return [_Place(folder, "saved in")]
    key = hashlib.sha256(str(folder).encode()).hexdigest()[:8]
    local = workspace.cache_folder() / "checkpoints" / f"{folder.name}-{key}"
    return [_Place(local, "saved on Colab's own disk in"), _Place(folder, "copied to Drive's folder")]


def _machine(gan):
    return [str(torch.__version__), torch.get_num_threads(), torch.backends.cpu.get_cpu_capability(), gan.device.type]


def _pack(gan, pictures, minutes):
    game, file = gan.state_dict(), io.BytesIO()
    learnt = [weight for player in ("generator", "discriminator", "average") for weight in game[player].values()]
    for part in ("d_optimizer", "g_optimizer"):
        learnt += [number for state in game[part]["state"].values() for number in state.values()]
    if not all(numbers.isfinite().all() for numbers in learnt):
        raise FloatingPointError("some weights are not numbers any more")
    state = {"gan": game, "dice": torch.get_rng_state(), "machine": _machine(gan)}
    torch.save(state | {"pictures": pictures, "minutes": minutes}, file)
    return [HEADER + hashlib.sha256(file.getbuffer()).digest(), file.getbuffer()]


def _unpack(data):
    """Return the state in a checkpoint file, None if it is damaged or foreign. No code of a stranger runs."""
    size = len(HEADER) + 32
    content = memoryview(data)[size:]
    if data[:size] != HEADER + hashlib.sha256(content).digest():
        return None
    with suppress(Exception):  # a stranger's file may raise anything
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        whole = {"dice", "machine", "pictures", "minutes"} <= state.keys() and _shapes(state["gan"])
        return state if whole and state["gan"]["step"] >= 0 else None


def _shapes(game):
    return [(name, weight.shape) for player in ("generator", "discriminator") for name, weight in game[player].items()]


def _misfit(gan, state, pictures):
    """Say why this is the training of another GAN, or return an empty text."""
    (count, *theirs), (_, *ours) = state["pictures"][0], pictures[0]
    if theirs != ours:
        return f"draws pictures of shape {tuple(theirs)}, and this one draws {tuple(ours)}"
    if _shapes(state["gan"]) != _shapes(gan.state_dict()):
        return "is built in another way (another width, latent_dim or kind of network)"
    if state["pictures"] != pictures:
        return f"learns from {count:,} other pictures"
    same_start = torch.equal(state["gan"]["fixed_z"], gan.fixed_z.cpu())
    return "" if same_start or not gan.step else "began with another seed"
