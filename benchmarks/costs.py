"""What the helpers cost: the import beside torch's own, and the live view in a real Jupyter kernel.

python benchmarks/costs.py      # about five minutes
"""

import json
import statistics
import subprocess
import sys
import time

import nbformat
from nbclient import NotebookClient

PAIRS = 5
BLOCK_SECONDS = 30

LIVE_VIEW = f"""
import json
from gans_workshop import GAN, Discriminator, Generator, LiveView, load_digits, seed_everything, train

seed_everything(0)
digits, _ = load_digits()
gan = GAN(Generator(), Discriminator())
train(gan, digits, steps=100)
blocks = dict(watched=[], alone=[])
for pair in range({PAIRS}):
    for name, watch in (("watched", LiveView()), ("alone", None)):
        step = gan.step
        train(gan, digits, minutes={BLOCK_SECONDS} / 60, watch=watch)
        blocks[name].append(gan.step - step)
print(json.dumps(blocks))
"""


def import_seconds(statement):
    """Time one import in a fresh Python."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def main():
    """Print both costs."""
    alone, both = [], []
    for _ in range(7):  # in turn, so that a busy moment hits both
        alone.append(import_seconds("import torch"))
        both.append(import_seconds("import torch, gans_workshop"))
    extra = statistics.median(b - a for a, b in zip(alone, both))
    print(f"import torch: {statistics.median(alone):.2f} s; gans_workshop adds {extra:.2f} s (median of 7 pairs)")

    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(LIVE_VIEW)])
    NotebookClient(book, timeout=None, kernel_name="python3").execute()
    (text,) = [output.text for output in book.cells[0].outputs if output.output_type == "stream"]
    blocks = json.loads(text)
    lost = [1 - watched / without for watched, without in zip(blocks["watched"], blocks["alone"])]
    print(f"steps in {BLOCK_SECONDS} s with the live view: {blocks['watched']}")
    print(f"steps in {BLOCK_SECONDS} s without it:         {blocks['alone']}")
    print(f"the live view costs {100 * statistics.median(lost):.1f} % of the steps (median of {PAIRS} pairs)")


if __name__ == "__main__":
    main()
