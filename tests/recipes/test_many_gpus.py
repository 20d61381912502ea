"""The recipe for many GPUs, played by two processes on the CPU: one game, one end, one sentence."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest
import torch

from gans_workshop import load_gan
from tools import ROOT, scene

RECIPE = ROOT / "recipes" / "many_gpus.py"
SMALL = ["--image-size", "16", "--width", "1", "--batch-size", "8", "--device", "cpu"]


def environment(**more):
    return os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | more


def command(processes, *options):
    run = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)] if processes > 1 else []
    return [sys.executable, *run, str(RECIPE), *SMALL, *map(str, options)]


def played(processes, *options):
    done = subprocess.run(command(processes, *options), env=environment(), capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def by_hand(options, *, count=2, **more):
    """Start the processes without torchrun, each with options of its own; return what they said and their codes."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        meeting = {
            "MASTER_ADDR": "localhost",
            "MASTER_PORT": str(probe.getsockname()[1]),
            "WORLD_SIZE": str(count),
        } | more
    running = []
    for rank in range(count):
        names = environment(RANK=str(rank), LOCAL_RANK="0", **meeting)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        running.append(subprocess.Popen(command(1, *options[rank]), env=names, **pipes))
    said = [process.communicate(timeout=240)[0] for process in running]
    return said, [process.returncode for process in running]


def test_the_recipe_is_short_and_starts_with_its_commands():
    text = RECIPE.read_text(encoding="utf-8")
    assert all(words in text[:1200] for words in ("Kaggle", "Eight GPUs", "Two machines", "gloo"))


def test_one_two_and_one_again_go_on_from_each_other_and_the_workshop_loads_it(folder, tmp_path):
    models = tmp_path / "models"
    assert "Going on" not in played(2, folder, "--checkpoint", models, "--steps", 3)
    assert "Going on from round 3" in played(1, folder, "--checkpoint", models, "--steps", 5)
    said = played(2, folder, "--checkpoint", models, "--steps", 7, "--memory", 1000)
    assert "Going on from round 5" in said and said.count("Done.") == 1
    gan = load_gan(models)
    assert gan.step == 7 and gan.seen == 56 and torch.isfinite(gan.sample(2)).all()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_of_one_process_ends_all_with_the_state_saved(folder, tmp_path, number):
    options = [folder, "--checkpoint", tmp_path / "models"]
    agent = subprocess.Popen(command(2, *options), env=environment(), stdout=subprocess.PIPE, text=True)
    for line in agent.stdout:
        if "share each batch" in line:
            break
    time.sleep(2)
    workers = subprocess.run(["pgrep", "-P", str(agent.pid)], capture_output=True, text=True).stdout.split()
    os.kill(int(workers[-1]), number)
    said, _ = agent.communicate(timeout=120)
    assert "is saved in" in said and "Stopped." in said and agent.returncode == 0
    assert load_gan(tmp_path / "models").step > 0


def test_bad_starts_end_all_with_one_sentence(folder, tmp_path):
    other = tmp_path / "others"
    other.mkdir()
    for i in range(20, 32):
        scene(i).save(other / f"{i}.png")
    for options, words in (
        ([[folder], [other]], "differ in pictures"),
        ([[folder], [folder, "--width", "2"]], "differ in width"),
        ([[folder, "--batch-size", "1"]] * 2, "2 processes cannot share 1 pictures"),
        ([[tmp_path / "nowhere"]] * 2, "nowhere"),
    ):
        said, codes = by_hand(options)
        assert codes == [1, 1] and words in said[0] and len(said[0].splitlines()) == 1 and said[1] == "", said


def test_a_port_in_use_is_one_sentence(folder):
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        said, codes = by_hand([[folder]], count=1, MASTER_PORT=str(taken.getsockname()[1]))
    assert codes == [1] and "could not meet" in said[0] and len(said[0].splitlines()) == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="for machines without a GPU")
def test_a_missing_gpu_is_one_sentence(folder):
    said, codes = by_hand([[folder, "--device", "cuda"]], count=1)
    assert codes == [1] and "needs GPU 0 of 0" in said[0]
