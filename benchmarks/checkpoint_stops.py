"""Press the stop button at random moments in a live Jupyter kernel; the next cell must always work.

python benchmarks/checkpoint_stops.py      # about eight minutes
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from queue import Empty

from common import ranges, write_csv
from jupyter_client.manager import start_new_kernel

SETUP = """
import torch
from pathlib import Path
from gans_workshop import GAN, LiveView, MLPDiscriminator, MLPGenerator, load_digits, seed_everything, train
from gans_workshop.files import checkpoints
torch.set_num_threads(1)
checkpoints.EVERY = 0.2
digits = load_digits()[0][:500]
seed_everything(0)
gan = GAN(MLPGenerator(width=32), MLPDiscriminator(width=32))
"""
TRAIN = "train(gan, digits, minutes=6000, batch_size=32, checkpoint={folder!r}, watch={watch})"
NEXT = """
before = gan.step
train(gan, digits, steps=before + 1, batch_size=32)
pictures = gan.sample(4)
again = GAN(MLPGenerator(width=32), MLPDiscriminator(width=32))
state = checkpoints._Home(Path({folder!r}), "").newest()
assert gan.step == before + 1 == len(gan.history.steps) and pictures.isfinite().all()
assert state is None or (again.load_state_dict(state["gan"]) is None and state["gan"]["step"] <= before)
"""


def run(client, code):
    """Run a cell and return 'ok' or the name of what it raised."""
    reply = client.execute_interactive(code, timeout=120, output_hook=lambda message: None)["content"]
    return "ok" if reply["status"] == "ok" else f"{reply['ename']}: {reply['evalue'][:200]}"


def wait_for_start(client, cell):
    """Wait until the kernel says that it runs the cell: before that there is nothing to stop."""
    while True:
        message = client.get_iopub_msg(timeout=60)
        if message["parent_header"].get("msg_id") == cell and message["msg_type"] == "execute_input":
            return


def main():
    """Write how the interrupted cells and the next cells ended; exit with 1 if a next cell failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presses", type=int, default=200)
    presses, dice, stopped, after, waits = parser.parse_args().presses, random.Random(0), Counter(), Counter(), []
    again = 0
    manager, client = start_new_kernel()
    try:
        with tempfile.TemporaryDirectory() as folder:
            assert run(client, SETUP) == "ok"
            for press in range(presses):
                watch = "LiveView()" if press % 2 else "None"
                cell = client.execute(TRAIN.format(folder=folder, watch=watch))
                wait_for_start(client, cell)
                time.sleep(dice.uniform(0, 2))
                reply, pressed, times = None, time.monotonic(), 0
                while not reply:  # a person presses again where nothing happens
                    manager.interrupt_kernel()
                    times += 1
                    with suppress(Empty):
                        reply = client.get_shell_msg(timeout=20)["content"]
                waits.append(time.monotonic() - pressed)
                again += times > 1
                stopped["quietly" if reply["status"] == "ok" else reply["ename"]] += 1
                after[run(client, NEXT.format(folder=folder))] += 1
    finally:
        manager.shutdown_kernel(now=True)
    print(f"the interrupted cells: {dict(stopped)}; the next cells: {dict(after)}; pressed twice: {again} times")
    row = {"cells": "all", "presses": presses, "ended quietly": stopped["quietly"]}
    row |= {"KeyboardInterrupt": stopped["KeyboardInterrupt"], "next cell worked": after["ok"]}
    write_csv("checkpoint_stops", [row | ranges("seconds until the end", waits)])
    sys.exit(0 if after["ok"] == presses else 1)


if __name__ == "__main__":
    main()
