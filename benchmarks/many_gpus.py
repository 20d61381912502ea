"""Measure what recipes/many_gpus.py promises: the same steps, quality, kills, messages, and on a GPU speeds.

python benchmarks/many_gpus.py steps quality kills messages    # about half an hour on two cores
python benchmarks/many_gpus.py speeds                          # needs a GPU
"""

import argparse
import importlib.util
import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import torch
import torch.distributed as dist
from checkpoint_game import checkpoints_in, is_broken
from common import ROOT, row_of, seeds, write_csv
from torch import nn

from gans_workshop import GAN, Discriminator, Generator, classify_digits, frechet_distance, load_digits, train
from gans_workshop.files import checkpoints, mapped

spec = importlib.util.spec_from_file_location("recipe", ROOT / "recipes" / "many_gpus.py")
recipe = importlib.util.module_from_spec(spec)
spec.loader.exec_module(recipe)

ROUNDS = 50
SPEEDS = {64: 10_000, 128: 2_500, 256: 625}  # pictures a second of one GPU: assumed, not measured yet
LINKS = {"NVLink": (300e9, 10e-6), "PCIe 4": (20e9, 15e-6), "10 Gb Ethernet": (1.1e9, 50e-6)}  # bytes a second, seconds


# Workers: what each of the processes does


def without_norm(network):
    """Replace each batch norm by nothing."""
    for name, part in network.named_children():
        setattr(network, name, nn.Identity()) if isinstance(part, nn.BatchNorm2d) else without_norm(part)
    return network


def play(job):
    """Play a game of digits, alone or with others, and save its G and what it draws in job["out"]."""
    torch.manual_seed(job["seed"])
    players = [make(width=job["width"]) for make in (Generator, Discriminator)]
    gan = GAN(*(players if job["norm"] else map(without_norm, players)), seed=job["seed"])
    if job.get("double"):
        for network in (gan.generator, gan.discriminator, gan.average_generator):
            network.double().register_forward_pre_hook(lambda _, given: tuple(part.double() for part in given))
    images = load_digits()[0]
    if recipe.WORLD > 1:
        dist.init_process_group("gloo", timeout=recipe.PATIENCE)
        recipe.Team(gan, lambda step, _: step >= job["rounds"]).play(images, job["batch"], None)
    else:
        one_round = turned_round if job.get("turned") else recipe.play_round  # summed up the other way round
        train(gan, images, batch_size=job["batch"], steps=job["rounds"], one_round=one_round)
    if recipe.RANK == 0:
        torch.save({"g": gan.generator.state_dict(), "fakes": gan.sample(job["fakes"]), "seen": gan.seen}, job["out"])


def turned_round(gan, images, conditions=None, *, batch_size):
    """Play a round in which each batch and its z come in the opposite order."""
    alone = gan.draw_z
    gan.draw_z = lambda count: alone(count).flip(0)
    recipe.play_round(gan, Turned(images), conditions, batch_size=batch_size)
    gan.draw_z = alone


class Turned:
    """Pictures that come in the opposite order."""

    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def __getitem__(self, places):
        return self.images[places[::-1]]


def keep_always(job):
    """Run the recipe, saving whenever the disk is free."""
    checkpoints.EVERY = 0
    sys.argv = [str(ROOT / "recipes" / "many_gpus.py"), *job["arguments"]]
    recipe.run()


WORKERS = {"play": play, "keep_always": keep_always}


def torchrun(count, work, *options, **job):
    """Return the command for `count` processes that do this work."""
    run = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", count, *options] if count > 1 else []
    return [str(part) for part in [sys.executable, *run, __file__, "worker", json.dumps({"work": work} | job)]]


def played(processes, **job):
    """Play with that many processes and return what was saved."""
    with tempfile.TemporaryDirectory() as folder:
        job |= {"out": f"{folder}/out.pt"}
        subprocess.run(torchrun(processes, "play", **job), check=True, stdout=subprocess.DEVNULL)
        return torch.load(job["out"])


# What is measured


def steps(options):
    """Compare the weights of G after 50 rounds without batch norm, with those of one process with the whole batch."""
    rows = []
    for rounds, double in ((1, False), (options.rounds, False), (options.rounds, True)):
        job = {"width": 8, "batch": 64, "rounds": rounds, "norm": False, "seed": 0, "fakes": 1, "double": double}
        first, ways = played(1, **job)["g"], {"one process, again": (1, {})}
        ways |= {"one process, batches turned round": (1, {"turned": True}), "two processes": (2, {})}
        for name, (processes, more) in ways.items():
            other = played(processes, **job, **more)["g"]
            apart = max((first[key] - other[key]).abs().max().item() for key in first)
            row = {"rounds": rounds, "numbers": "float64" if double else "float32", "run": name}
            rows.append(row | {"largest difference of a weight": f"{apart:.1e}"})
    write_csv("many_gpus_steps", rows, keys=3)


def quality(options):
    """Judge digits of one process with 64 and of two with 32 each, both with batch norm, after equal pictures."""
    real, rows = classify_digits(load_digits(test=True)[0])[1], []
    for processes in (1, 2):
        runs = []
        for seed in options.seeds:
            job = {
                "width": 16,
                "batch": 64,
                "rounds": options.quality_rounds,
                "norm": True,
                "seed": seed,
                "fakes": 1000,
            }
            fakes = played(processes, **job)["fakes"]
            runs.append({"distance": frechet_distance(real, classify_digits(fakes)[1])})
            print(processes, seed, runs[-1], flush=True)
        keys = {"processes": processes, "pictures each": 64 // processes, "rounds": options.quality_rounds}
        rows.append(row_of(keys, runs, lambda _: ".2f"))
    write_csv("many_gpus_quality", rows, keys=3)


def made_folder(folder, count=24):
    """Make a folder of small pictures."""
    from PIL import Image

    folder.mkdir()
    for number, image in enumerate(load_digits()[0][:count]):
        Image.fromarray(image[0].numpy()).save(folder / f"{number}.png")
    return folder


def children_of(parent):
    """List the workers that torchrun has started."""
    found = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True).stdout.split()
    return [int(number) for number in found]


def kills(options):
    """Kill a worker or stop all at random moments, and go on with four or two; at last let one freeze.

    SIGKILL hits one of the workers, and torchrun starts all again; SIGTERM goes to torchrun, as schedulers send it,
    and the run is begun again with the other number of processes.
    """
    dice, rows, totals = random.Random(0), [], Counter()
    with tempfile.TemporaryDirectory() as base:
        sweep = Sweep(Path(base), options.kills)
        sweep.start(4)
        for number in range(options.kills + 1):
            kind = dice.choice(("SIGKILL", "SIGKILL", "SIGTERM")) if number < options.kills else "SIGSTOP"
            time.sleep(dice.uniform(0, 1))
            before = newest_step(sweep.kept)
            row = {"signal": kind, "processes": sweep.count, "ended": sweep.hit(kind, dice)}
            found = checkpoints_in(Path(base))
            totals.update(files=len(found), broken=sum(map(is_broken, found)), lost=newest_step(sweep.kept) < before)
            again = sweep.start(6 - sweep.count) if kind == "SIGTERM" else sweep.wait_for_more()
            rows.append(row | {"new": again})
            print(number + 1, rows[-1], totals, flush=True)
        sweep.hit("SIGTERM", dice)
    table = []
    for kind, count in sorted({(row["signal"], row["processes"]) for row in rows}):
        these = [row for row in rows if (row["signal"], row["processes"]) == (kind, count)]
        row = {"signal": kind, "processes": count, "times": len(these)}
        row["longest until the others had ended, s"] = f"{max(one['ended'] for one in these):.1f}"
        row["longest until a new checkpoint, s"] = f"{max(one['new'] for one in these):.1f}"
        table.append(row | {"checkpoints read in all": totals["files"], "broken": totals["broken"]})
        table[-1]["times that the newest was lost"] = totals["lost"]
    write_csv("many_gpus_kills", table, keys=2)


class Sweep:
    """A training by the recipe under torchrun, which is hit by signals and begun again."""

    def __init__(self, base, kills):
        self.kept, self.limit = base / "models", ["--max-restarts", kills + 1, "--monitor-interval", 0.1]
        self.arguments = [str(made_folder(base / "pictures")), "--image-size", "16", "--width", "1"]
        self.arguments += ["--batch-size", "8", "--device", "cpu", "--minutes", "600", "--checkpoint", str(self.kept)]

    def start(self, count):
        """Begin with that many processes; return the seconds until they have saved."""
        command = torchrun(count, "keep_always", *self.limit, arguments=self.arguments)
        self.agent = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.count, self.gone, self.step = count, set(), newest_step(self.kept)
        return self.wait_for_more()

    def hit(self, kind, dice):
        """Send the signal; return the seconds until the others (or torchrun, where all shall stop) have ended."""
        self.gone, begun = set(children_of(self.agent.pid)), time.monotonic()
        if kind == "SIGTERM":
            self.agent.send_signal(signal.SIGTERM)
            self.agent.wait(90)
        else:
            victim = dice.choice(sorted(self.gone))
            os.kill(victim, getattr(signal, kind))
            while (self.gone - {victim}) & set(children_of(self.agent.pid)):
                time.sleep(0.02)
        seconds, self.step = time.monotonic() - begun, newest_step(self.kept)
        return seconds

    def wait_for_more(self):
        """Wait until all play again and a new checkpoint is there; return the seconds."""
        begun = time.monotonic()
        while newest_step(self.kept) <= self.step or self.gone & set(children_of(self.agent.pid)):
            if self.agent.poll() is not None or time.monotonic() > begun + 120:
                self.agent.terminate()
                raise SystemExit("The run did not go on.")
            time.sleep(0.05)
        return time.monotonic() - begun


def newest_step(folder):
    """Return the number of the newest checkpoint in a folder, 0 if there is none."""
    return max((int(path.name[5:14]) for path in folder.glob("step-*.checkpoint")), default=0)


def messages(options):
    """Count messages and bytes of a round, and work out on paper what they cost, and from which batch it is worth it.

    That is where a GPU learns from its part of the batch for five times as long, and has 16 pictures at least.
    """
    rows = []
    for pixels, speed in SPEEDS.items():
        form = {"image_size": pixels, "channels": 3, "width": 32}
        networks = Generator(**form, smooth=False), Discriminator(**form, norm=False)
        sizes = [4 * (1 + sum(weights.numel() for weights in network.parameters())) for network in networks]
        for link, (rate, delay) in LINKS.items():
            row = {"pixels": pixels, "link": link, "messages": len(sizes), "MB": f"{sum(sizes) / 1e6:.1f}"}
            for count in (2, 8, 64):
                ring = sum(2 * (count - 1) * (size / count / rate + delay) for size in sizes)
                row[f"{count} GPUs, ms"] = f"{1000 * ring:.2g}"
                row[f"batch of all {count}"] = count * max(16, math.ceil(5 * ring * speed))
            rows.append(row)
    write_csv("many_gpus_messages", rows, keys=2)


def speeds(options):
    """Measure pictures a second on this GPU by size and batch, in memory and, at 128 pixels, from a file."""
    device = torch.device(options.device)
    sizes = {64: (32, 128, 512), 128: (32, 128, 512), 256: (16, 64, 128)} if device.type == "cuda" else {16: (8,)}
    for pixels, batches in sizes.items():
        images = torch.randint(0, 256, (4096 if device.type == "cuda" else 64, 3, pixels, pixels), dtype=torch.uint8)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "photos-0-0.pictures"
            stored = mapped.map_pictures(path, tuple(images.shape), lambda first, images=images: images[first:].numpy())
            for batch in batches:
                for where, pictures in {"memory": images, "file": stored}.items():
                    speed, peak = pictures_a_second(pictures, batch, device, options.seconds)
                    row = {"pixels": pixels, "batch": batch, "pictures in": where, "pictures a second": f"{speed:,.0f}"}
                    write_csv(
                        "many_gpus_speeds",
                        [row | {"ms a round": f"{1000 * batch / speed:.1f}", "peak GPU memory, MB": peak}],
                        keys=3,
                    )


def pictures_a_second(images, batch, device, seconds):
    """Train the game for thousands of pictures and return its speed, and the peak of the GPU's memory."""
    torch.manual_seed(0)
    form = {"image_size": images.shape[-1], "channels": 3, "width": 32 if device.type == "cuda" else 2}
    rules = {"device": device, "loss": recipe.gw.non_saturating_r1, "betas": (0.5, 0.99)}
    gan = GAN(Generator(**form, smooth=False), Discriminator(**form, norm=False), **rules)
    train(gan, images, steps=5, batch_size=batch)
    before, begun = gan.seen, time.perf_counter()
    train(gan, images, minutes=(gan.seconds + seconds) / 60, batch_size=batch)
    speed = (gan.seen - before) / (time.perf_counter() - begun)
    return speed, f"{torch.cuda.max_memory_allocated() / 2**20:.0f}" if device.type == "cuda" else ""


PARTS = {part.__name__: part for part in (steps, quality, kills, messages, speeds)}


def main():
    """Measure the parts that are named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="+", choices=PARTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--quality-rounds", type=int, default=500)
    parser.add_argument("--seeds", type=seeds, default=range(3))
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for part in options.parts:
        PARTS[part](options)


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        torch.set_num_threads(1)
        job = json.loads(sys.argv[2])
        WORKERS[job["work"]](job)
    else:
        main()
