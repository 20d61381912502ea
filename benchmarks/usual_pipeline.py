"""How fast does a colour GAN of 64 pixels learn on this CPU, beside the usual pipeline? Both see the same pictures.

    python benchmarks/usual_pipeline.py --seconds 60 --seeds 3      # the two take turns

Seconds are processor time on one thread, with that of DataLoader's workers, so that neighbours do no harm.

The usual pipeline is that of pytorch/examples/dcgan: ImageFolder and DataLoader with two workers, its networks, losses,
rates and batches of 64. Its pictures lie on disk as small PNG files, already at 64 pixels, which is kind to it.
"""

import argparse
import os
import statistics
import tempfile
from pathlib import Path

import torch
from common import seeds, write_csv
from peers import examples_dcgan
from PIL import Image
from small_sets import make, moved, scores
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from gans_workshop import load_portraits, save_contact_sheet, seed_everything, to_float, train, workshop_folder


def used():
    """Return the seconds of processor time so far, of this process and of its workers that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def usual(folder, *, seconds, count, seed):
    """Train as pytorch/examples/dcgan does: return `count` pictures, the number of real ones seen, rounds, seconds."""
    seed_everything(seed)
    steps = [transforms.Resize(64), transforms.CenterCrop(64), transforms.ToTensor()]
    dataset = ImageFolder(folder, transforms.Compose([*steps, transforms.Normalize((0.5,) * 3, (0.5,) * 3)]))
    loader = DataLoader(dataset, batch_size=64, shuffle=True, num_workers=2)
    generator, discriminator = examples_dcgan(channels=3)
    optimizers = [torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999)) for net in (generator, discriminator)]
    loss, seen, rounds, start = nn.BCEWithLogitsLoss(), 0, 0, used()
    while used() < start + seconds:  # asked once an epoch: then its workers have ended, and count
        for real, _ in loader:
            ones, zeros = torch.ones(len(real), 1), torch.zeros(len(real), 1)
            fake = generator(torch.randn(len(real), 100))
            discriminator.zero_grad()
            loss(discriminator(real), ones).backward()
            loss(discriminator(fake.detach()), zeros).backward()
            optimizers[1].step()
            generator.zero_grad()
            loss(discriminator(fake), ones).backward()
            optimizers[0].step()
            seen, rounds = seen + len(real), rounds + 1
    spent = used() - start
    with torch.no_grad():
        z = torch.randn(count, 100).split(100)
        return torch.cat([generator(part) for part in z]), seen, rounds, spent


def ours(images, *, seconds, seed):
    """Train as notebook 03 does at 64 pixels: return the same."""
    gan, start = make(images.shape[-1], seed=seed, augment=moved), used()
    while used() < start + seconds:
        train(gan, images, steps=gan.step + 5)
    spent = used() - start
    return gan.sample(len(images)), gan.seen, gan.step, spent


def main():
    """Let the two take turns, once for each seed, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seeds", type=seeds, default=range(1))
    parser.add_argument("--folder", type=Path, default=workshop_folder() / "small-sets", help="for the pictures")
    options = parser.parse_args()
    torch.set_num_threads(1)
    images, speeds = load_portraits(), {}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "portraits").mkdir()
        for i, picture in enumerate(images.permute(0, 2, 3, 1).numpy()):
            Image.fromarray(picture).save(Path(folder) / "portraits" / f"{i:04}.png")
        for seed in options.seeds:
            runs = {
                "usual": lambda seed=seed: usual(folder, seconds=options.seconds, count=len(images), seed=seed),
                "ours": lambda seed=seed: ours(images, seconds=options.seconds, seed=seed),
            }
            for name, run in runs.items():
                fake, seen, rounds, spent = run()
                speeds.setdefault(name, []).append(seen / spent)
                row = {"pipeline": name, "seed": seed, "seconds": f"{spent:.0f}"}
                row |= {"pictures a second": f"{seen / spent:.0f}", "rounds": rounds}
                write_csv("usual_pipeline", [row | scores(to_float(images), fake)], keys=2)
                save_contact_sheet(options.folder / f"{name}-{seed}.png", fake[:64], columns=16)
    ratio = statistics.median(a / b for a, b in zip(speeds["ours"], speeds["usual"]))
    row = {"what": "pictures a second, ours over usual", "seeds": len(options.seeds), "value.median": f"{ratio:.1f}"}
    write_csv("usual_pipeline_speed", [row])


if __name__ == "__main__":
    main()
