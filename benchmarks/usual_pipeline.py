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
from peers import examples_dcgan
from PIL import Image
from small_sets import coverage, distance, make
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from gans_workshop import load_portraits, save_contact_sheet, seed_everything, to_float, train, workshop_folder
from gans_workshop.augment import cut_out, shift


def used():
    """Return the seconds of processor time so far, of this process and of its workers that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def usual(folder, *, seconds, count, seed):
    """Train as pytorch/examples/dcgan does: return `count` pictures, the number of real ones seen, and the steps."""
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
    gan, start = make(images.shape[-1], seed=seed), used()
    while used() < start + seconds:
        train(gan, images, steps=5, augment=lambda pictures: cut_out(shift(pictures)))
    spent = used() - start
    return gan.sample(len(images)), gan.seen, gan.step, spent


def main():
    """Let the two take turns, once for each seed, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=workshop_folder() / "small-sets", help="for the pictures")
    options = parser.parse_args()
    torch.set_num_threads(1)
    images, speeds = load_portraits(), {}
    print("| pipeline | seed | seconds | pictures a second | steps | distance | coverage |\n" + "|---" * 7 + "|")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "portraits").mkdir()
        for i, picture in enumerate(images.permute(0, 2, 3, 1).numpy()):
            Image.fromarray(picture).save(Path(folder) / "portraits" / f"{i:04}.png")
        for seed in range(options.seeds):
            runs = {
                "usual": lambda seed=seed: usual(folder, seconds=options.seconds, count=len(images), seed=seed),
                "ours": lambda seed=seed: ours(images, seconds=options.seconds, seed=seed),
            }
            for name, run in runs.items():
                fake, seen, steps, spent = run()
                real = to_float(images)
                speeds.setdefault(name, []).append(seen / spent)
                scores = f"{distance(real, fake):.1f} | {coverage(real, fake):.2f}"
                print(f"| {name} | {seed} | {spent:.0f} | {seen / spent:.0f} | {steps} | {scores} |", flush=True)
                save_contact_sheet(options.folder / f"{name}-{seed}.png", fake[:64], columns=16)
    ratio = statistics.median(a / b for a, b in zip(speeds["ours"], speeds["usual"]))
    print(f"ours sees {ratio:.1f} times as many pictures a second (median of {options.seeds} pairs)")


if __name__ == "__main__":
    main()
