"""Let every operation of a save fail in turn, on the machine's own disk and in Drive, and damage checkpoints at random.

python benchmarks/checkpoint_faults.py      # about five minutes
"""

import argparse
import contextlib
import errno
import io
import os
import pathlib
import pickle
import random
import sys
import tempfile
import threading
from collections import Counter

import torch
from checkpoint_kills import as_in_colab, checkpoints_in, play

from gans_workshop import checkpoints, load_digits

STEPS = 4
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


def quiet_play(images, folder, steps=STEPS):
    """Play and return the fingerprint and what was said."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        return play(images, folder, steps), said.getvalue()


def side(folder, name):
    """Return the folder of one of the two places."""
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
        problems += ["broken"] * sum(checkpoints._unpack(path.read_bytes()) is None for path in checkpoints_in(base))
        if not lasting and fault != "hang" and said.count(f"Step {STEPS} is not"):
            problems.append("did not catch up")
        if len([line for line in said.splitlines() if "training goes on" in line]) > 1:
            problems.append("said more than once")
        if quiet_play(images, folder, STEPS + 3)[0] != expected[1]:
            problems.append("resumed to other bits")
        if len(list(base.rglob("*-*"))) > 5:  # two checkpoints in each place, and the folder models-...
            problems.append("files left over")
        return problems, disk.operations


def damaged(data, dice):
    """Return a kind of damage and a damaged copy of a checkpoint."""
    kind, copy, place = dice.choice(["bit flip", "cut", "zeros", "foreign"]), bytearray(data), dice.randrange(len(data))
    if kind == "bit flip":
        copy[place] ^= 1 << dice.randrange(8)
    elif kind == "cut":
        del copy[place:]
    elif kind == "zeros":
        size = dice.choice([1, 16, 512, 4096])
        copy[place : place + size] = bytes(len(copy[place : place + size]))
    else:
        file = io.BytesIO()
        torch.save({"gan": {}}, file)
        copy = dice.choice([file.getvalue(), pickle.dumps({"gan": 1}), b"", b"\x89PNG\r\n", dice.randbytes(5000)])
    return kind, bytes(copy)


def damage_many(images, count):
    """Damage the newest of two checkpoints `count` times; return a count of 'noticed' and 'missed' by kind."""
    verdicts, dice = Counter(), random.Random(0)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        checkpoints.EVERY, checkpoints.PATIENCE = 60, 60
        play(images, folder, 2)
        play(images, folder, 4)
        _, newest = checkpoints_in(pathlib.Path(folder))
        data = newest.read_bytes()
        while verdicts.total() < count:
            kind, copy = damaged(data, dice)
            if copy == data:
                continue
            newest.write_bytes(copy)
            state = checkpoints._Place(pathlib.Path(folder), "saved in").newest()
            verdicts[kind, "noticed" if state and state["gan"]["step"] == 2 else "missed"] += 1
    return verdicts


def main():
    """Print both tables; exit with 1 if anything went wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--damages", type=int, default=2000)
    parser.add_argument("--every", type=int, default=1, help="try only each so many-th case")
    options = parser.parse_args()
    torch.set_num_threads(1)
    checkpoints.EVERY, checkpoints.PATIENCE = 0, 0.3
    images, bad, case = load_digits()[0][:100], 0, 0
    expected = play(images, None, STEPS), play(images, None, STEPS + 3)
    start_thread = threading.Thread.start
    threading.Thread.start = lambda thread: (start_thread(thread), thread.join(0.1))[0]  # so that the count repeats
    print("| side | fault | lasts | operations tried | trainings that went wrong |\n|---|---|---|---|---|", flush=True)
    for name in ("own disk", "Drive"):
        count = len(one_fault(images, expected, name, 0, "EIO")[1])
        for fault in FAULTS:
            for lasting in (False, True):
                tried, problems = range(1 + case % options.every, count + 1, options.every), Counter()
                case += 7
                for fault_at in tried:
                    found, operations = one_fault(images, expected, name, fault_at, fault, lasting=lasting)
                    problems.update(found)
                    if found:
                        print(name, fault, lasting, fault_at, operations[fault_at - 1], found)
                bad += problems.total()
                words = dict(problems) or 0
                print(f"| {name} | {fault} | {'on' if lasting else 'once'} | {len(tried)} | {words} |", flush=True)
    threading.Thread.start = start_thread
    verdicts = damage_many(images, options.damages)
    print("\n| damage | noticed, and the one before used | missed |\n|---|---|---|")
    for kind in sorted({kind for kind, _ in verdicts}):
        print(f"| {kind} | {verdicts[kind, 'noticed']} | {verdicts[kind, 'missed']} |")
        bad += verdicts[kind, "missed"]
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
