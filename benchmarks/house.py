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

SPEED = """
gan, rules = make(lambda: (Generator(), Discriminator()), 0, {})
digits, _ = load_digits()
go_on(gan, digits, 20, rules)
start = time.process_time()
go_on(gan, digits, 200, rules)
print(json.dumps({"rounds": 200 / (time.process_time() - start)}))
"""

QUALITY = """
digits, real = load_digits()[0], classify_digits(load_digits(test=True)[0])[1]
gan, rules = make(lambda: (Generator(), Discriminator()), SEED, {})
row, start = {}, time.process_time()
for seconds in (15, 30, 60):
    while time.process_time() - start < seconds:
        go_on(gan, digits, 10, rules)
    paused = time.process_time()
    row[str(seconds)] = [gan.step, frechet_distance(real, classify_digits(gan.sample(2000))[1])]
    start += time.process_time() - paused
print(json.dumps(row))
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


def imports(checkouts):
    """Return the processor seconds that importing the package, with the names of notebook 02, adds to torch's."""
    names = "from gans_workshop import GAN, Discriminator, Generator, LiveView, load_digits, show_images, train"
    extra = {name: [] for name in checkouts}
    for _ in range(7):
        alone = run(".", IMPORT.format(""))
        for name, checkout in checkouts.items():
            extra[name].append(run(checkout, IMPORT.format(names)) - alone)
    return {name: statistics.median(values) for name, values in extra.items()}


def main():
    """Measure both checkouts in turn and write the CSV `house`."""
    from common import write_csv

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    options = parser.parse_args()
    checkouts, rows = {"before": options.old, "after": options.new}, []

    def both(program, seed=0):
        return {name: run(checkout, f"{GAME}\nSEED = {seed}\n{program}") for name, checkout in checkouts.items()}

    def add(what, before, after, better):
        rows.append({"what": what, "before": before, "after": after, "better is": better})
        print(rows[-1], flush=True)

    start = time.monotonic()
    add("import, seconds beyond torch", *(f"{value:.2f}" for value in imports(checkouts).values()), "less")
    pairs = [both(SPEED) for _ in range(5)]
    rates = [statistics.median(pair[name]["rounds"] for pair in pairs) for name in checkouts]
    add("digits, rounds a processor second (median of 5)", *(f"{rate:.1f}" for rate in rates), "more")
    qualities = [both(QUALITY, seed) for seed in range(options.seeds)]
    for seconds in ("15", "30", "60"):
        for column, what, better in ((0, "rounds", "more"), (1, "Frechet distance, 2,000 fakes", "less")):
            middle = [statistics.median(q[name][seconds][column] for q in qualities) for name in checkouts]
            shown = (f"{value:.0f}" if column == 0 else f"{value:.2f}" for value in middle)
            add(f"digits after {seconds} processor seconds: {what} (median of {options.seeds} seeds)", *shown, better)
    doctors = [both(DOCTOR, seed) for seed in range(options.seeds)]
    for patient in doctors[0]["before"]:
        verdicts = ["; ".join(d[name][patient][0] for d in doctors) for name in checkouts]
        add(f"doctor: {patient}", *verdicts, "equal")
    same = [sum(d["before"][p] == d["after"][p] for d in doctors for p in d["before"])]
    add(
        "doctor: games whose losses and notes agree in every bit",
        *same,
        sum(len(d["before"]) for d in doctors),
        "equal",
    )
    resumed = both(RESUME)
    add("a training in two parts equals one in one, bit for bit", *(str(r["same"]) for r in resumed.values()), "True")
    write_csv("house", rows)
    print(f"{(time.monotonic() - start) / 60:.0f} minutes")


if __name__ == "__main__":
    main()
