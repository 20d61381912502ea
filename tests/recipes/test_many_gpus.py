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


def started(options, *, script=RECIPE, count=2, **more):
    """Start the processes without torchrun, each with options of its own."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        meeting = {
            "MASTER_ADDR": "localhost",
            "MASTER_PORT": str(probe.getsockname()[1]),
            "WORLD_SIZE": str(count),
        } | more
    for rank in range(count):
        names = environment(RANK=str(rank), LOCAL_RANK="0", **meeting)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        yield subprocess.Popen([sys.executable, script, *SMALL, *options[rank]], env=names, **pipes)


def by_hand(options, **more):
    """Run the processes until all have ended; return the lines that they said, and their codes."""
    running = list(started(options, **more))
    said = [process.communicate(timeout=240)[0] for process in running]
    return "".join(said).splitlines(), [process.returncode for process in running]


def changed_recipe(place, change):
    """Write a script that plays the recipe after a change, lines of code."""
    place.write_text(
        f"""import importlib.util, os, signal
from datetime import timedelta
spec = importlib.util.spec_from_file_location("recipe", {str(RECIPE)!r})
recipe = importlib.util.module_from_spec(spec)
spec.loader.exec_module(recipe)
{change}
recipe.run()
"""
    )
    return place


def test_the_recipe_is_short_and_starts_with_its_commands():
    text = RECIPE.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert all(words in text[:1200] for words in ("Kaggle", "Eight GPUs", "Two machines", "gloo"))


def test_one_two_and_one_again_go_on_from_each_other_and_the_workshop_loads_it(folder, tmp_path):
    models = tmp_path / "models"
    assert "Going on" not in played(2, folder, "--checkpoint", models, "--steps", 3)
    assert "Going on from round 3" in played(1, folder, "--checkpoint", models, "--steps", 5)
    said = played(2, folder, "--checkpoint", models, "--steps", 7)
    assert "Going on from round 5" in said and said.count("Round 7 is saved in") == 1
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
    assert "is saved in" in said and agent.returncode == 0
    assert load_gan(tmp_path / "models").step > 0


def test_bad_starts_end_all_with_one_sentence(folder, tmp_path):
    other = tmp_path / "others"
    other.mkdir()
    for i in range(20, 32):
        scene(i).save(other / f"{i}.png")
    for options, words in (
        ([[folder], [other]], "differ in pictures"),
        ([[folder], [folder, "--width", "2"]], "differ in width"),
        ([[folder, "--batch-size", "1"]] * 2, "2 processes cannot share so few pictures"),
        ([[tmp_path / "nowhere"]] * 2, "nowhere"),
    ):
        said, codes = by_hand(options)
        assert codes == [1, 1] and len(said) == 1 and words in said[0], said


NO_NUMBER = """
make = recipe.make_gan
def broken_in_round_3(*options):
    gan, *more = make(*options)
    loss = gan.loss.discriminator
    if recipe.RANK == 1:
        wrong = lambda *logits: loss(*logits) * (float("nan") if gan.step == 2 else 1)
        gan.loss = gan.loss._replace(discriminator=wrong)
    return gan, *more
recipe.make_gan = broken_in_round_3
"""


def test_a_loss_that_is_no_number_in_one_process_ends_all_with_one_sentence(folder, tmp_path):
    script = changed_recipe(tmp_path / "broken.py", NO_NUMBER)
    said, codes = by_hand([[folder, "--checkpoint", tmp_path / "models"]] * 2, script=script)
    ends = [line for line in said if "is nan, not a number to learn from" in line]
    assert codes == [1, 1] and len(ends) == 1 and ends[0].startswith("In round 3") and said[-1] == ends[0], said
    assert list((tmp_path / "models").iterdir()) == []


FROZEN = """
recipe.PATIENCE = timedelta(seconds=4)
def play_and_freeze(gan, *rest, **options):
    if recipe.RANK == 1 and gan.step == 2:
        os.kill(os.getpid(), signal.SIGSTOP)
    play_round(gan, *rest, **options)
play_round, recipe.play_round = recipe.play_round, play_and_freeze
"""


def test_where_one_process_hangs_the_others_end_after_their_patience(folder, tmp_path):
    script = changed_recipe(tmp_path / "frozen.py", FROZEN)
    first, second = started([[folder, "--checkpoint", tmp_path / "models"]] * 2, script=script)
    said, _ = first.communicate(timeout=120)
    second.kill()
    second.communicate()
    assert first.returncode == 1 and said.splitlines()[-1].startswith("A process was lost"), said


def test_a_port_in_use_is_one_sentence(folder):
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        said, codes = by_hand([[folder]], count=1, MASTER_PORT=str(taken.getsockname()[1]))
    assert codes == [1] and len(said) == 1 and "could not meet" in said[0]


@pytest.mark.skipif(torch.cuda.is_available(), reason="for machines without a GPU")
def test_a_missing_gpu_is_one_sentence(folder):
    said, codes = by_hand([[folder, "--device", "cuda"]], count=1)
    assert codes == [1] and said == ["Process 0 has no GPU 0: start fewer, or add --device cpu."]
