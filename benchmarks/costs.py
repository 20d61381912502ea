"""What the helpers cost: the import beside torch's own, and the live view in a real Jupyter kernel.

python benchmarks/costs.py      # about five minutes
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

import nbformat
from common import write_csv
from nbclient import NotebookClient

PAIRS = 5

LIVE_VIEW = """
import json
from gans_workshop import GAN, Discriminator, Generator, LiveView, load_digits, seed_everything, train

seed_everything(0)
digits, _ = load_digits()
gan = GAN(Generator(), Discriminator())
train(gan, digits, steps=100)
blocks = dict(watched=[], alone=[])
for pair in range(PAIRS):
    for name, watch in (("watched", LiveView()), ("alone", None)):
        before = gan.step
        train(gan, digits, minutes=(gan.seconds + SECONDS) / 60, watch=watch)
        blocks[name].append(gan.step - before)
print(json.dumps(blocks))
"""


def import_seconds(statement):
    """Time one import in a fresh Python."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def main():
    """Write both costs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=30, help="of training in each block")
    seconds = parser.parse_args().seconds
    alone, both = [], []
    for _ in range(7):  # in turn, so that a busy moment hits both
        alone.append(import_seconds("import torch"))
        both.append(import_seconds("import torch, gans_workshop; gans_workshop.train"))
    extra = statistics.median(b - a for a, b in zip(alone, both))

    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(f"PAIRS, SECONDS = {PAIRS}, {seconds}" + LIVE_VIEW)]
    )
    NotebookClient(book, timeout=None, kernel_name="python3").execute()
    (text,) = [output.text for output in book.cells[0].outputs if output.output_type == "stream"]
    blocks = json.loads(text)
    pairs = list(zip(blocks["watched"], blocks["alone"]))
    lost = statistics.median(1 - watched / without for watched, without in pairs)
    values = {
        "import torch, seconds": (f"{statistics.median(alone):.2f}", len(alone)),
        "import gans_workshop adds, seconds": (f"{extra:.2f}", len(alone)),
        "rounds that the live view costs, %": (f"{100 * lost:.1f}", PAIRS),
    }
    write_csv("costs", [{"what": what, "value": value, "pairs": count} for what, (value, count) in values.items()])
    rows = []
    for pair, (watched, without) in enumerate(pairs, start=1):
        row = {"pair": pair, "seconds": seconds, "rounds with the live view": watched}
        rows.append(row | {"rounds without it": without})
    write_csv("costs_live_view", rows)


if __name__ == "__main__":
    main()
