"""How good are a peer's faces of 64 pixels after 60, 120 and 240 seconds on one thread of this CPU? Ours: colour.py.

    python benchmarks/colour_peers.py                                          # two hours
    python benchmarks/colour_peers.py --peers "FastGAN-like" --seconds 240     # one of them; seeds may come later

Each peer keeps its own defaults: networks, losses, rates, batches, augmentation. These are meant for hours on a GPU, so
this says what a student on a laptop sees, not that they are worse GANs. To be kind, pictures come from memory, networks
lie in the memory as is fastest, and nothing but training counts. Two of them would draw with an average of the weights;
it still holds mostly their random start after so few rounds, so the newest weights draw.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from unittest import mock

import fastgan
import torch
import torch.nn.functional as F
from colour import Set
from common import ranges, seeds, write_csv
from measures import change_colours
from peers import examples_dcgan
from torch import nn

from gans_workshop import save_contact_sheet, seed_everything, shift, to_float, workshop_folder

INSTALL = "lightweight-gan is not installed: `pip install lightweight-gan`, or choose other --peers."


def adam(network):
    """Put a network into the memory as is fastest, and make its optimizer."""
    network.to(memory_format=torch.channels_last)
    return torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999))


def learn(optimizer, loss):
    """Take one step against the gradient of a loss."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


class ExamplesDCGAN:
    """The 64-pixel DCGAN of pytorch/examples, its home size, with the loop of its script."""

    batch_size, latent_dim = 64, 100

    def __init__(self):
        self.generator, self.discriminator = examples_dcgan(channels=3)
        self.g_optimizer, self.d_optimizer = adam(self.generator), adam(self.discriminator)

    def play(self, real):
        fake = self.generator(torch.randn(len(real), 100))
        real_logits, fake_logits = self.discriminator(real), self.discriminator(fake.detach())
        learn(self.d_optimizer, F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean())
        learn(self.g_optimizer, F.softplus(-self.discriminator(fake)).mean())

    def draw(self, z):
        return self.generator(z)  # with the batch's own statistics, as its script does


class FastGAN:
    """A FastGAN-like after the paper (`fastgan.py`): hinge with noise, pictures changed in colour and moved."""

    batch_size, latent_dim = 8, 256

    def __init__(self, width=64):
        self.generator, self.discriminator = fastgan.Generator(width=width), fastgan.Discriminator(width=width)
        self.g_optimizer, self.d_optimizer = adam(self.generator), adam(self.discriminator)

    def play(self, real):
        real, fake = shift(change_colours(real)), self.generator(torch.randn(len(real), 256))
        shown = shift(change_colours(fake))
        real_logits, wrong = self.discriminator.rebuild(real)
        fake_logits = self.discriminator(shown.detach())
        margins = [0.8 + 0.2 * torch.rand_like(logits) for logits in (real_logits, fake_logits)]
        hinge = F.relu(margins[0] - real_logits).mean() + F.relu(margins[1] + fake_logits).mean()
        learn(self.d_optimizer, hinge + wrong)
        learn(self.g_optimizer, -self.discriminator(shown).mean())

    def draw(self, z):
        return self.generator(z)  # with the batch's own statistics, as its script does


class LightweightGAN:
    """lightweight-gan 1.2 (Wang, MIT licence) with its own networks, losses and rates: the defaults of its `Trainer`.

    The Trainer itself cannot be used, since it asks for an Nvidia GPU: `play` is its `train` without the bookkeeping.
    Its command has other defaults (batches of 10, four of them a round), which would give a tenth of the rounds.
    """

    batch_size, latent_dim = 4, 256

    def __init__(self):
        with mock.patch("torch.cuda.is_available", return_value=True):  # it asks when it is imported
            try:
                from lightweight_gan import lightweight_gan
            except ImportError as error:
                raise SystemExit(f"{INSTALL} ({error})") from None
        self.hinge, self.rounds = lightweight_gan.hinge_loss, 0
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(nn.Module, "cuda", lambda module, _: module):
            trainer = lightweight_gan.Trainer(base_dir=folder, image_size=64, use_aim=False)
            trainer.init_GAN()
        self.gan = trainer.GAN.to(memory_format=torch.channels_last)
        self.changes = {"prob": 0.285, "types": trainer.aug_types}  # the share that it chooses for 5,000 pictures

    def play(self, real):
        gan, real, fined = self.gan.train(), (real + 1) / 2, self.rounds % 4 == 0  # its pictures are from 0 to 1
        with torch.no_grad():
            fake = gan.G(torch.randn(len(real), 256))
        real.requires_grad_(fined)
        asked = {"detach": True, "input_requires_grad": fined, "return_discr_input": True} | self.changes
        fake, (*fake_logits, _) = gan.D_aug(fake, **asked)
        *real_logits, wrong = gan.D_aug(real, calc_aux_loss=True, **self.changes)
        loss = wrong + sum(map(self.hinge, real_logits, fake_logits))  # of the whole picture, and of 32 x 32 pixels
        if fined:
            slopes = torch.cat([slope(real_logits, real), slope(fake_logits, fake)])
            loss = loss + 10 * slopes.square().sum((1, 2, 3)).mean()
        learn(gan.D_opt, loss)
        *logits, _ = gan.D_aug(gan.G(torch.randn(len(real), 256)), **self.changes)
        learn(gan.G_opt, sum(part.mean() for part in logits))
        self.rounds += 1

    def draw(self, z):
        return self.gan.eval().G(z).clamp(0, 1) * 2 - 1


def slope(logits, images):
    """Return the gradient of some logits at pictures, (N, C, H, W)."""
    ones = [torch.ones_like(part) for part in logits]
    return torch.autograd.grad(logits, images, ones, create_graph=True)[0]


PEERS = {
    "pytorch/examples DCGAN": ExamplesDCGAN,
    "FastGAN-like": FastGAN,
    "FastGAN-like, a quarter as wide": lambda: FastGAN(width=16),  # no default of anybody's: to be kind
    "lightweight-gan": LightweightGAN,
}


def batches(images, size):
    """Yield batches of real pictures for ever, in another order in each epoch."""
    while True:
        for part in torch.randperm(len(images)).split(size):
            if len(part) == size:
                yield to_float(images[part]).to(memory_format=torch.channels_last)


def run(name, faces, *, marks, seed, count):
    """Train one peer; yield (mark, numbers, fakes) at each mark in seconds."""
    seed_everything(seed)
    peer, rounds, spent = PEERS[name](), 0, 0
    reals = batches(faces.images, peer.batch_size)
    for mark in marks:
        while spent < mark:
            start = time.process_time()
            peer.play(next(reals))
            rounds, spent = rounds + 1, spent + time.process_time() - start
        with torch.no_grad():
            fakes = torch.cat([peer.draw(z) for z in torch.randn(count, peer.latent_dim).split(100)])
        yield mark, {"rounds": rounds, "fakes": count} | faces.scores(fakes), fakes


def summary(name, mark, folder):
    """Return the row of a peer and mark, over all seeds whose numbers are in the folder."""
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob(f"{kept(name)}.*.{mark:g}.json")]
    row = {"peer": name, "seconds": f"{mark:g}", "seeds": len(runs)}
    for key in runs[0]:
        row |= ranges(key, [numbers[key] for numbers in runs], ".0f" if key in ("rounds", "fakes") else ".2f")
    return row


def kept(name):
    """Return the name that a peer has as a file."""
    return name.replace("/", "-").replace(", ", "-").replace(" ", "-")


def main():
    """Run the peers seed by seed, and write the table after each run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--seeds", type=seeds, default=range(3))
    parser.add_argument("--seconds", type=float, nargs="+", default=[60, 120, 240])
    parser.add_argument("--count", type=int, default=2000, help="how many fakes are judged")
    parser.add_argument("--folder", type=Path, default=workshop_folder() / "colour-peers", help="pictures and numbers")
    options = parser.parse_args()
    torch.set_num_threads(1)
    faces = Set("faces", 64)
    for seed in options.seeds:
        for name in options.peers:
            for mark, numbers, fakes in run(name, faces, marks=options.seconds, seed=seed, count=options.count):
                print(f"{name}, seed {seed}, {mark:g} s: {numbers}", flush=True)
                place = options.folder / f"{kept(name)}.{seed}.{mark:g}"
                save_contact_sheet(f"{place}.png", fakes[:64], columns=16)
                Path(f"{place}.json").write_text(json.dumps(numbers), encoding="utf-8")
                write_csv("colour_peers", [summary(name, mark, options.folder)], keys=2)


if __name__ == "__main__":
    main()
