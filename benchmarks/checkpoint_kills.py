"""Kill a training at random moments, run it again until it is done, and compare with a run that was never stopped.

Each training is a fork of this process, which has imported PyTorch already. It saves whenever its disks are free, so
that most kills meet a save. Every other training has two places, as in Colab, and loses its own disk now and then.

python benchmarks/checkpoint_kills.py --kills 1000      # about ten minutes; Linux and macOS
python benchmarks/checkpoint_kills.py --game labels      # the same for a game with labels
python benchmarks/checkpoint_kills.py --game pairs       # and for one that is given pictures
python benchmarks/checkpoint_kills.py --game piles       # and for one with two piles of them
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from checkpoint_game import as_in_colab, checkpoints_in, is_broken, play
from common import write_csv

from gans_workshop import load_digits
from gans_workshop.files import checkpoints

ROUNDS = 120


WORDS = {"plain": "", "labels": ", with labels", "pairs": ", given pictures", "piles": ", two piles"}


def fork(data, base, two_places, kind):
    """Start the training in a new process, which leaves its fingerprint in base/done; return the process's number."""
    child = os.fork()
    if child:
        return child
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        folder = as_in_colab(base) if two_places else base / "models"
        result = play(data[0], folder, ROUNDS, data[1], unpaired=kind == "piles")
    (base / "done").write_text(result)
    os._exit(0)


def main():
    """Write how many kills, broken checkpoints and wrong results there were; exit with 1 if any."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--longest", type=float, default=0.4, help="seconds until a kill; more on a busy machine")
    parser.add_argument("--game", choices=[*WORDS], default="plain")
    options = parser.parse_args()
    torch.set_num_threads(1)
    checkpoints.EVERY = 0
    (images, labels), dice = load_digits(), random.Random(0)
    data = images[:100], labels[:100] if options.game == "labels" else None
    if options.game in ("pairs", "piles"):
        pictures = F.pad(images[:200], (2, 2, 2, 2))
        data = pictures[:100], 255 - (pictures[:100] if options.game == "pairs" else pictures[100:])
    expected = play(data[0], None, ROUNDS, data[1], unpaired=options.game == "piles")
    kills, runs, broken, wrong, files, resumed, lost_disks = 0, 0, 0, 0, 0, 0, 0
    while kills < options.kills:
        with tempfile.TemporaryDirectory() as base:
            base, two_places = Path(base), runs % 2 == 1
            while True:
                child = fork(data, base, two_places, options.game)
                end = time.monotonic() + dice.uniform(0, options.longest)
                while time.monotonic() < end and not os.waitpid(child, os.WNOHANG)[0]:
                    time.sleep(0.001)
                if (base / "done").exists():
                    break
                with contextlib.suppress(ProcessLookupError, ChildProcessError):
                    os.kill(child, signal.SIGKILL)
                    os.waitpid(child, 0)
                kills += 1
                found = checkpoints_in(base)
                files, resumed = files + len(found), resumed + bool(found)
                broken += sum(map(is_broken, found))
                if two_places and dice.random() < 0.1:  # the next session gets a new machine
                    shutil.rmtree(base / "disk", ignore_errors=True)
                    lost_disks += 1
            runs += 1
            wrong += (base / "done").read_text() != expected
    row = {
        "code": "as it is now" + WORDS[options.game],
        "kills": kills,
        "trainings": runs,
        "rounds": ROUNDS,
    }
    row |= {"kills that left a checkpoint": resumed, "own disk lost": lost_disks, "checkpoints examined": files}
    write_csv("checkpoint_kills", [row | {"broken": broken, "other bits": wrong}])
    sys.exit(1 if broken or wrong or not resumed else 0)


if __name__ == "__main__":
    main()
