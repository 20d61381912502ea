"""Let every operation of a save fail in turn, on the machine's own disk and in Drive, and damage checkpoints at random.

python benchmarks/checkpoint_faults.py      # about five minutes
"""

import argparse
import contextlib
import errno
import io
import itertools
import os
import pathlib
import pickle
import random
import sys
import tempfile
import threading
from collections import Counter

import torch
from checkpoint_game import as_in_colab, checkpoints_in, is_broken, play
from common import write_csv

from gans_workshop import load_digits
from gans_workshop.files import checkpoints

ROUNDS = 4
DAMAGES = ["one bit flipped", "cut short", "zeroed block", "foreign file in its place"]
FAULTS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC, "ENOTCONN": errno.ENOTCONN, "hang": None}


class Disk:
    """Count the operations of a save below `folder`, and let number `fault_at` fail: once, or from then on."""

    def __init__(self, folder, fault_at=0, fault="EIO", *, lasting=False):
        self.folder, self.fault_at, self.fault, self.lasting = str(folder), fault_at, fault, lasting
        self.operations, self.paths, self.back = [], {}, threading.Event()

    def check(self, name, path):
        """Count one operation, and fail or hang if it is its turn."""
        path = self.paths.get(path, path)
        if not str(path).startswith(self.folder):
            return
        self.operations.append(name)
        count = len(self.operations)
        if self.fault_at and (count == self.fault_at or (self.lasting and count > self.fault_at)):
            if self.fault == "hang":
                self.back.wait(60)
            else:
                raise OSError(FAULTS[self.fault], os.strerror(FAULTS[self.fault]))

    def open(self, path, mode):
        """Open a file whose writing, flushing and closing are operations too."""
        self.check("open", path)
        disk, file = self, open(path, mode)  # noqa: SIM115
        self.paths[file.fileno()] = path

        class Watched:
            def __enter__(self):
                return self

            def __exit__(self, *_):
                file.close()
                disk.check("close", path)

            def writelines(self, parts):
                whole = b"".join(parts)
                file.write(whole[: len(whole) // 2])
                disk.check("write", path)
                file.write(whole[len(whole) // 2 :])

            def flush(self):
                file.flush()
                disk.check("flush", path)

            def fileno(self):
                return file.fileno()

        return Watched()

    @contextlib.contextmanager
    def watch(self):
        """Put this disk under the module `checkpoints`."""
        real = {"os": os, "mkdir": pathlib.Path.mkdir, "unlink": pathlib.Path.unlink, "replace": pathlib.Path.replace}

        def watched(name, function):
            def call(path, *rest, **options):
                self.check(name, path)
                return function(path, *rest, **options)

            return call

        class System:
            def __getattr__(_, name):
                function = getattr(os, name)
                return (
                    watched(name, function) if name in ("listdir", "fsync", "replace", "truncate", "open") else function
                )

        checkpoints.os, checkpoints.open = System(), self.open
        for name in ("mkdir", "unlink", "replace"):
            setattr(pathlib.Path, name, watched(name, real[name]))
        try:
            yield self
        finally:
            self.back.set()
            settle(5)
            checkpoints.os = os
            del checkpoints.open
            for name in ("mkdir", "unlink", "replace"):
                setattr(pathlib.Path, name, real[name])


def settle(seconds):
    """Wait for the threads that write."""
    for thread in threading.enumerate():
        if thread.daemon and "_write" in thread.name:
            thread.join(seconds)


def quiet_play(images, folder, rounds=ROUNDS):
    """Play and return the fingerprint and what was said."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        return play(images, folder, rounds), said.getvalue()


def side(folder, name):
    """Return the folder of one of the two homes of a checkpoint."""
    return folder if name == "Drive" else pathlib.Path(os.environ["GANS_WORKSHOP_CACHE"])


def one_fault(images, expected, *options, lasting=False):
    """Train with a fault at an operation of a side; return what went wrong, and what was said."""
    name, fault_at, fault = options
    with tempfile.TemporaryDirectory() as base:
        base = pathlib.Path(base)
        folder = as_in_colab(base)
        side(folder, "own disk").mkdir()
        with Disk(side(folder, name), fault_at, fault, lasting=lasting).watch() as disk:
            result, said = quiet_play(images, folder)
        problems = ["other bits"] if result != expected[0] else []
        problems += ["broken"] * sum(map(is_broken, checkpoints_in(base)))
        if not lasting and fault != "hang" and said.count(f"Round {ROUNDS} is not"):
            problems.append("did not catch up")
        if len([line for line in said.splitlines() if "training goes on" in line]) > 1:
            problems.append("said more than once")
        if quiet_play(images, folder, ROUNDS + 3)[0] != expected[1]:
            problems.append("resumed to other bits")
        if len(list(base.rglob("*-*"))) > 5:  # two checkpoints in each home, and the folder models-...
            problems.append("files left over")
        return problems, disk.operations


def damaged(data, dice):
    """Return a kind of damage and a damaged copy of a checkpoint."""
    kind, copy, spot = dice.choice(DAMAGES), bytearray(data), dice.randrange(len(data))
    if kind == "one bit flipped":
        copy[spot] ^= 1 << dice.randrange(8)
    elif kind == "cut short":
        del copy[spot:]
    elif kind == "zeroed block":
        size = dice.choice([1, 16, 512, 4096])
        copy[spot : spot + size] = bytes(len(copy[spot : spot + size]))
    else:
        file = io.BytesIO()
        torch.save({"gan": {}}, file)
        copy = dice.choice([file.getvalue(), pickle.dumps({"gan": 1}), b"", b"\x89PNG\r\n", dice.randbytes(5000)])
    return kind, bytes(copy)


def damage_many(images, count):
    """Damage the newest of two checkpoints `count` times; return a count of 'noticed' and 'missed' by kind."""
    verdicts, dice = Counter(), random.Random(0)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        checkpoints.EVERY, checkpoints.LAST_WAIT = 60, 60
        play(images, folder, 2)
        play(images, folder, 4)
        _, newest = checkpoints_in(pathlib.Path(folder))
        data = newest.read_bytes()
        while verdicts.total() < count:
            kind, copy = damaged(data, dice)
            if copy == data:
                continue
            newest.write_bytes(copy)
            state = checkpoints._Home(pathlib.Path(folder), "saved in").newest()
            verdicts[kind, "noticed" if state and state["gan"]["step"] == 2 else "missed"] += 1
    return verdicts


def fault_row(images, expected, fault, *, every, starts):
    """Let each operation fail in this way, once and from then on; return what went wrong."""
    row, wrong = {"fault": fault}, Counter()
    for name in ("own disk", "Drive"):
        count = len(one_fault(images, expected, name, 0, "EIO")[1])
        row[f"operations {'in' if name == 'Drive' else 'on the'} {name}"] = count
        for lasting in (False, True):
            for fault_at in range(1 + next(starts) % every, count + 1, every):
                found, operations = one_fault(images, expected, name, fault_at, fault, lasting=lasting)
                wrong[lasting] += bool(found)
                if found:
                    print(name, fault, lasting, fault_at, operations[fault_at - 1], found, flush=True)
    return row | {"wrong, once": wrong[False], "wrong, from then on": wrong[True]}


def main():
    """Write both tables; exit with 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--damages", type=int, default=2000)
    parser.add_argument("--every", type=int, default=1, help="try only each so many-th operation")
    options = parser.parse_args()
    torch.set_num_threads(1)
    checkpoints.EVERY, checkpoints.LAST_WAIT = 0, 0.3
    images = load_digits()[0][:100]
    expected = play(images, None, ROUNDS), play(images, None, ROUNDS + 3)
    start_thread = threading.Thread.start
    threading.Thread.start = lambda thread: (start_thread(thread), thread.join(0.1))[0]  # so that the count repeats
    starts = itertools.count(step=7)
    faults = [fault_row(images, expected, fault, every=options.every, starts=starts) for fault in FAULTS]
    threading.Thread.start = start_thread
    write_csv("checkpoint_faults", faults)
    verdicts, damages = damage_many(images, options.damages), []
    for kind in DAMAGES:
        row = {"damage": kind, "noticed": verdicts[kind, "noticed"], "missed": verdicts[kind, "missed"]}
        damages.append(row)
    write_csv("checkpoint_damages", damages)
    bad = [row["wrong, once"] + row["wrong, from then on"] for row in faults] + [row["missed"] for row in damages]
    sys.exit(1 if sum(bad) else 0)


if __name__ == "__main__":
    main()
