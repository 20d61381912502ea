"""Make gans_workshop/data/judge.npz: train the judge of evaluation.py on the 60,000 training digits.

    python tools/train_judge.py     # three minutes

The digits are shifted, blurred a little and dirtied while it learns, at random: a judge that has met slightly blurred
digits does not take a blur for the end of the world. `python benchmarks/judge.py` then says how good it is.
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import gans_workshop
from gans_workshop import to_float
from gans_workshop.view.evaluation import make_judge

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from common import load_all_digits, write_csv
from measures import blur

WEIGHTS = Path(gans_workshop.__file__).parent / "data" / "judge.npz"


def disturb(images, *, shift=2):
    """Shift a batch by up to two pixels, blur every other batch (sigma 0.2 to 1.0), add noise of up to 0.1."""
    right, down = torch.randint(-shift, shift + 1, (2,)).tolist()
    images = F.pad(images, (shift,) * 4, value=-1)
    images = images[:, :, shift + down : shift + down + 28, shift + right : shift + right + 28]
    if torch.rand(1) < 0.5:
        images = blur(images, float(torch.rand(1)) * 0.8 + 0.2)
    return images + 0.1 * torch.rand(1) * torch.randn_like(images)


def train_judge(images, labels, *, epochs=6, batch_size=128):
    """Teach a judge the training digits, images (N, 1, 28, 28) uint8."""
    torch.manual_seed(0)
    judge = make_judge()
    optimizer = torch.optim.Adam(judge.parameters(), lr=1e-3)
    steps = epochs * -(-len(images) // batch_size)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            loss = F.cross_entropy(judge(disturb(to_float(images[batch]))), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            pace.step()
    return judge.eval()


def main():
    """Write the weights; say how long it took and how large they are."""
    images, labels = load_all_digits()
    start = time.monotonic()
    weights = train_judge(images, labels).state_dict()
    np.savez_compressed(WEIGHTS, **{name: values.half().numpy() for name, values in weights.items()})
    minutes, size = (time.monotonic() - start) / 60, WEIGHTS.stat().st_size / 1000
    rows = ("the training, minutes", f"{minutes:.0f}"), (f"{WEIGHTS.name}, kB", f"{size:.0f}")
    write_csv("train_judge", [{"what": what, "value": value} for what, value in rows])


if __name__ == "__main__":
    main()
