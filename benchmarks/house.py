"""Is the rebuilt house as good as the old one? Two checkouts are measured in turn, in one run, on one thread.

git worktree add ../old 431069a
python benchmarks/house.py ../old .      # about half an hour

A process of its own for each measurement, with the checkout to be measured first on its path. Seconds are the
processor's own. The games of both checkouts have the same seeds: as long as they are the same game, all losses agree.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

SEEDS = 3

# What both checkouts understand: until November 2026 the rules were given to `train`, and its budget was 'more'
GAME = """
import inspect, json, sys, time
import torch
import gans_workshop as package
from gans_workshop import *

torch.set_num_threads(1)
NEW = "loss" in inspect.signature(package.GAN).parameters
try:
    from gans_workshop.view.evaluation import classify_digits, frechet_distance
except ImportError:
    from gans_workshop.evaluation import frechet_distance, look as classify_digits

def make(players, seed, rules):
    seed_everything(seed)
    generator, discriminator = players()
    rates = {name: rules.pop(name) for name in ("d_lr", "g_lr") if name in rules}
    gan = GAN(generator, discriminator, seed=seed, **rates, **(rules if NEW else {}))
    return gan, {} if NEW else rules

def go_on(gan, images, steps, rules, **options):
    train(gan, images, steps=gan.step + steps if NEW else steps, **rules, **options)
"""

PLAY = """
digits, real = load_digits()[0], classify_digits(load_digits(test=True)[0])[1]
gan, rules = make(lambda: (Generator(), Discriminator()), SEED, {})
spent = 0
for line in sys.stdin:
    if line == "judge\\n":
        print(frechet_distance(real, classify_digits(gan.sample(2000))[1]), flush=True)
        continue
    start = time.process_time()
    go_on(gan, digits, 10, rules)
    spent += time.process_time() - start
    print(json.dumps([spent, gan.step]), flush=True)
"""

DOCTOR = """
patients = {
    "healthy": (Generator, Discriminator, 64, {}),
    "g_lr / 100": (Generator, Discriminator, 64, {"g_lr": 3e-5}),
    "d_lr / 100": (Generator, Discriminator, 64, {"d_lr": 3e-5}),
    "z of one number": (Generator, Discriminator, 1, {}),
    "plain layers": (MLPGenerator, MLPDiscriminator, 64, {}),
    "plain layers, d_lr / 15": (MLPGenerator, MLPDiscriminator, 64, {"d_lr": 2e-4}),
    "plain layers, d_steps = 5": (MLPGenerator, MLPDiscriminator, 64, {"d_steps": 5}),
    "hinge": (Generator, Discriminator, 64, {"loss": hinge}),
}
digits, rows = load_digits()[0], {}
for name, (criminal, detective, latent_dim, rules) in patients.items():
    small = {} if criminal is MLPGenerator else {"width": 8}
    players = lambda: (criminal(latent_dim=latent_dim, **small), detective(**small))
    gan, rules = make(players, SEED, dict(rules))
    go_on(gan, digits, 400, rules, batch_size=32)
    rows[name] = [diagnose(gan.history).name, torch.tensor(gan.history.variety).sum().item(), sum(gan.history.d_loss)]
print(json.dumps(rows))
"""

LIVE = """
try:
    from gans_workshop.view.live import Film, draw_view
    from gans_workshop.view.plots import to_png
except ImportError:
    from gans_workshop.live import Film, draw_view
    from gans_workshop.plots import to_png
gan, rules = make(lambda: (Generator(), Discriminator()), 0, {})
go_on(gan, load_digits()[0], 150, rules)
to_png(draw_view(gan), dpi=80)
for line in sys.stdin:
    start = time.process_time()
    for _ in range(3):
        to_png(draw_view(gan), dpi=80)
    print(json.dumps((time.process_time() - start) / 3), flush=True)
"""

RESUME = """
import pathlib, tempfile
digits = load_digits()[0][:500]
bits = lambda gan: [w for name in ("generator", "discriminator") for w in getattr(gan, name).state_dict().values()]
whole, rules = make(lambda: (Generator(width=4), Discriminator(width=4)), 0, {})
go_on(whole, digits, 60, rules)
with tempfile.TemporaryDirectory() as folder:
    for steps in (30, 60):
        gan, rules = make(lambda: (Generator(width=4), Discriminator(width=4)), 0, {})
        train(gan, digits, steps=steps, checkpoint=pathlib.Path(folder) / "models", **rules)
print(json.dumps({"same": all(map(torch.equal, bits(whole), bits(gan)))}))
"""

IMPORT = "import time\nstart = time.process_time()\nimport torch\n{}\nprint(time.process_time() - start)"


def run(checkout, program):
    """Run a program in a fresh Python that finds the package in `checkout`; return what it printed last."""
    environment = os.environ | {"PYTHONPATH": os.path.abspath(checkout), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", program]
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd="/").stdout
    return json.loads(output.splitlines()[-1])


def start(checkout, program):
    """Start a program that answers each line that it is sent."""
    environment = os.environ | {"PYTHONPATH": os.path.abspath(checkout), "OMP_NUM_THREADS": "1"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    return subprocess.Popen([sys.executable, "-c", program], env=environment, cwd="/", **pipes)


def ask(process, word):
    """Send a word to a program; return its answer, past what else it prints."""
    print(word, file=process.stdin, flush=True)
    for line in process.stdout:
        if line[0] in "[0123456789":
            return json.loads(line)
    raise RuntimeError("the program has ended")


def imports(checkouts):
    """Return the processor seconds that importing the package, with the names of notebook 02, adds to torch's."""
    names = "from gans_workshop import GAN, Discriminator, Generator, LiveView, load_digits, show_images, train"
    extra = {name: [] for name in checkouts}
    for _ in range(7):
        alone = run(".", IMPORT.format(""))
        for name, checkout in checkouts.items():
            extra[name].append(run(checkout, IMPORT.format(names)) - alone)
    return {name: statistics.median(values) for name, values in extra.items()}


class House:
    """Both checkouts, and the rows that were measured."""

    def __init__(self, old, new, seeds):
        self.checkouts, self.seeds, self.rows = {"before": old, "after": new}, seeds, []

    def both(self, program, seed=0):
        """Run a program in both checkouts, and in the other order the next time: a busy moment hits both."""
        self.checkouts = dict(reversed(self.checkouts.items()))
        return {name: run(checkout, f"{GAME}\nSEED = {seed}\n{program}") for name, checkout in self.checkouts.items()}

    def add(self, what, before, after, better):
        """Keep a row."""
        self.rows.append({"what": what, "before": before, "after": after, "better is": better})
        print(self.rows[-1], flush=True)

    def imports(self):
        """The import."""
        extra = imports(self.checkouts)
        self.add("import, seconds beyond torch", *(f"{extra[name]:.2f}" for name in ("before", "after")), "less")

    def live(self):
        """What a picture of the live view costs: it waits 25 times as long before the next one."""
        views = {name: start(checkout, f"{GAME}\nSEED = 0\n{LIVE}") for name, checkout in self.checkouts.items()}
        costs = {name: [] for name in views}
        for _ in range(12):
            for name, view in views.items():
                costs[name].append(1000 * ask(view, "draw"))
        for view in views.values():
            view.communicate()
        middle = [f"{statistics.median(costs[name]):.0f}" for name in ("before", "after")]
        self.add("a picture of the live view, ms (median of 36)", *middle, "less")

    def quality(self):
        """Rounds and digits after so many seconds: ten rounds here, ten there, so that both meet the same machine."""
        found = {name: {} for name in self.checkouts}
        for seed in range(self.seeds):
            players = {
                name: start(checkout, f"{GAME}\nSEED = {seed}\n{PLAY}") for name, checkout in self.checkouts.items()
            }
            for mark in (15, 30, 60):
                seconds = dict.fromkeys(players, 0)
                while min(seconds.values()) < mark:
                    for name in [name for name in players if seconds[name] < mark]:
                        seconds[name], rounds = ask(players[name], "play")
                        if seconds[name] >= mark:
                            found[name].setdefault(mark, []).append((rounds, ask(players[name], "judge")))
            for player in players.values():
                player.communicate()
        for mark in (15, 30, 60):
            for column, what, form in ((0, "rounds", ".0f"), (1, "Frechet distance of 2,000 fakes", ".2f")):
                middle = [statistics.median(row[column] for row in found[name][mark]) for name in ("before", "after")]
                what = f"digits after {mark} processor seconds: {what} (median of {self.seeds} seeds)"
                self.add(what, *(format(value, form) for value in middle), "less" if column else "more")

    def doctor(self):
        """What the doctor says, and whether the games are the same."""
        doctors = [self.both(DOCTOR, seed) for seed in range(self.seeds)]
        for patient in doctors[0]["before"]:
            verdicts = ["; ".join(d[name][patient][0] for d in doctors) for name in ("before", "after")]
            self.add(f"doctor: {patient}", *verdicts, "equal")
        same = sum(d["before"][p] == d["after"][p] for d in doctors for p in d["before"])
        games = len(doctors) * len(doctors[0]["before"])
        self.add("doctor: games, and those with the same losses and notes, bit for bit", games, same, "equal")

    def resume(self):
        """Whether a training in two parts is one."""
        resumed = self.both(RESUME)
        same = (str(resumed[name]["same"]) for name in ("before", "after"))
        self.add("a training in two parts equals one in one, bit for bit", *same, "True")


def main():
    """Measure both checkouts in turn and write the CSV `house`."""
    from common import write_csv

    parts = ("imports", "live", "quality", "doctor", "resume")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--only", nargs="*", choices=parts, default=parts)
    options = parser.parse_args()
    start, house = time.monotonic(), House(options.old, options.new, options.seeds)
    for part in options.only:
        getattr(house, part)()
    write_csv("house", house.rows)
    print(f"{(time.monotonic() - start) / 60:.0f} minutes")


if __name__ == "__main__":
    main()
