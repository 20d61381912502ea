"""Make gans_workshop/data/face_judge.npz: train the judge of faces on faces that are drawn for it alone.

    npm ci --prefix tools/faces
    python tools/train_face_judge.py      # draws 20,000 faces, then learns: half an hour

They have all combinations, also those that the bundled training faces lack, and none of the bundled test faces. They
are shifted, blurred, dirtied and made smaller and larger again while it learns, at random: a judge that has met a
slight blur does not take it for the end of the world. `python benchmarks/face_judge.py` then says how good it is.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from bundle_faces import COUNTS, draw, draw_labels

from gans_workshop import to_float
from gans_workshop.files.datasets import DATA
from gans_workshop.files.workspace import cache_folder
from gans_workshop.view.evaluation import make_face_judge

WEIGHTS = DATA / "face_judge.npz"


def faces_for_the_judge(count=20_000):
    """Draw faces that are not in the bundle, once: images (N, 3, 64, 64) uint8 and their attributes (N, 10)."""
    with np.load(DATA / "faces.npz") as bundle:
        bundled = {row.tobytes() for row in bundle["labels"]}
    labels = draw_labels(np.random.default_rng(65), count)
    labels = labels[[row.astype(np.uint8).tobytes() not in bundled for row in labels]]
    path = cache_folder() / f"faces-for-the-judge-{count}.npy"
    if not path.exists():
        np.save(path, draw(labels))
    return torch.from_numpy(np.load(path)).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(labels)


def disturb(images):
    """Shift a batch by up to two pixels, blur or halve every other batch, add noise of up to 0.1."""
    right, down = torch.randint(0, 5, (2,)).tolist()
    images = F.pad(images, (2,) * 4, mode="replicate")[:, :, down : down + 64, right : right + 64]
    choice = torch.rand(1)
    if choice < 0.25:
        images = F.interpolate(F.interpolate(images, 32, mode="area"), 64, mode="bilinear")
    elif choice < 0.5:
        images = torch.lerp(images, F.avg_pool2d(F.pad(images, (1,) * 4, mode="replicate"), 3, 1), torch.rand(1))
    return images + 0.1 * torch.rand(1) * torch.randn_like(images)


def train_judge(images, labels, *, epochs=12, batch_size=64):
    """Teach a judge all attributes at once, images (N, 3, 64, 64) uint8 and labels (N, 10)."""
    torch.manual_seed(0)
    judge = make_face_judge()
    optimizer = torch.optim.AdamW(judge.parameters(), lr=1e-3, weight_decay=1e-2)
    steps = epochs * -(-len(images) // batch_size)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    for epoch in range(epochs):
        losses = []
        for batch in torch.randperm(len(images)).split(batch_size):
            answers = judge(disturb(to_float(images[batch]))).split(COUNTS.tolist(), dim=1)
            loss = sum(F.cross_entropy(answer, labels[batch, i]) for i, answer in enumerate(answers))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            pace.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1} of {epochs}: loss {np.mean(losses):.3f}", flush=True)
    return judge.eval()


def main():
    """Write the weights and say how large they are."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    weights = train_judge(*faces_for_the_judge()).state_dict()
    np.savez_compressed(WEIGHTS, **{name: values.numpy().astype(np.float16) for name, values in weights.items()})
    print(f"{Path(WEIGHTS).name}: {WEIGHTS.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
