r"""Train the GAN of notebook 03 on a folder of pictures, on as many GPUs and machines as torchrun starts.

One GPU, or none:  python recipes/many_gpus.py FOLDER --image-size 128 --minutes 60
Kaggle's two T4:   !torchrun --nproc-per-node 2 recipes/many_gpus.py FOLDER --image-size 128 --minutes 60
Eight GPUs:        torchrun --nproc-per-node 8 --max-restarts 3 recipes/many_gpus.py FOLDER --minutes 600
Two machines:      torchrun --nnodes 2 --nproc-per-node 8 --rdzv-backend c10d --rdzv-endpoint FIRST:29500 \
                       recipes/many_gpus.py FOLDER --minutes 600   (the same on both; each has the pictures)
CPUs, with gloo:   OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 recipes/many_gpus.py FOLDER --device cpu --minutes 5

All processes play one game: the same dice, for each its part of z and pictures, one message before each update. Ctrl-C
or SIGTERM, which schedulers send, ends all after the round. The checkpoint is the notebook's and lies in its folder.
Batch norm looks at the pictures of its own process, which should have 16 a batch or more: SyncBatchNorm would send two
more messages for each layer, and does not work on CPUs. The first process's running averages are kept.
"""

import argparse
import io
import os
import signal
import threading
import time
import zlib
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

import gans_workshop as gw
from gans_workshop.files.checkpoints import CheckpointKeeper
from gans_workshop.files.mapped import Ahead
from gans_workshop.files.marks import make_mark
from gans_workshop.game.turns import play_round

PATIENCE = timedelta(seconds=25)  # who sends no gradient for so long is lost, and the run ends
RANK, WORLD, LOCAL = (int(os.environ.get(*one)) for one in (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0)))


class Team:
    """All processes as one player: the same start, one message before each update, one end."""

    def __init__(self, gan, is_over):
        self.gan, self.is_over, self.stop, draw = gan, is_over, threading.Event(), gan.draw_z
        self.links = dist.new_group(timeout=PATIENCE, backend="nccl" if gan.device.type == "cuda" else "gloo")
        gan.draw_z = lambda count: draw(count * WORLD)[RANK::WORLD]
        for optimizer in (gan.d_optimizer, gan.g_optimizer):
            optimizer.register_step_pre_hook(self.average)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.stop.set())

    @torch.no_grad()
    def average(self, optimizer, *_):
        """Average the gradients, and ask all: was stop pressed? and the first: is the time over?"""
        gradients = [weights.grad for weights in optimizer.param_groups[0]["params"]]
        wish = self.stop.is_set() or (RANK == 0 and self.is_over(self.gan.step + 1, self.gan.seconds))
        message = torch.cat([*(part.flatten() for part in gradients), gradients[0].new_tensor([wish])])
        dist.all_reduce(message, group=self.links)
        *sums, wishes = message.split([*(part.numel() for part in gradients), 1])
        for gradient, total in zip(gradients, sums):
            gradient.copy_(total.view_as(gradient) / WORLD)
        self.ending = wishes.item() > 0

    def play(self, images, batch_size, folder):
        """Go on from the checkpoint that the first process reads, until the end that all agree on."""
        gan, keeper = self.gan, CheckpointKeeper(folder, self.gan, (images,))
        torch.save(gan.state_dict(), packed := io.BytesIO())
        dist.broadcast_object_list(box := [packed.getvalue()])
        gan.load_state_dict(torch.load(io.BytesIO(box[0]), map_location="cpu", weights_only=True))
        images = Ahead(images, gan.device, part=slice(RANK, None, WORLD))  # of each batch, those of this process
        self.ending, clock = self.is_over(gan.step, gan.seconds), time.monotonic()
        while not self.ending:
            torch.manual_seed(4096 * gan.step + RANK)  # augmentation: after a break as without it
            play_round(gan, images, batch_size=batch_size)
            before, clock = clock, time.monotonic()
            gan.seconds += clock - before
            keeper.after_round(gan)
            if RANK == 0 and gan.seconds % 60 < clock - before:
                print(f"Minute {gan.seconds / 60:.0f}: {gan.seen / gan.seconds:,.0f} pictures a second.", flush=True)
        keeper.finish(gan)


def make_gan(images, options, device):
    """Make the GAN of notebook 03; return it, its usual batch size, and the folder where the notebook keeps it."""
    few, (count, channels, _, size) = len(images) < 5000, images.shape
    gw.seed_everything(42)
    form = {"image_size": size, "channels": channels, "width": options.width}
    players = gw.Generator(**form, smooth=few), gw.Discriminator(**form, norm=few)
    for_few = {"augment": lambda images: gw.cut_out(gw.shift(images))}
    rules = for_few if few else {"loss": gw.non_saturating_r1, "betas": (0.5, 0.99)}
    name = options.folder.name if options.folder.is_dir() else options.folder.stem
    mark = zlib.crc32(images.contiguous().numpy())
    kept = gw.workshop_folder() / f"{name}-models" / f"{size}-pixels-{count}-pictures-{mark:08x}"
    return gw.GAN(*players, device=device, seed=42, **rules), 64 if few else 32, kept


def main(options):
    """Play together until the budget is spent or somebody presses stop."""
    device = torch.device("cpu" if options.device == "cpu" else f"cuda:{LOCAL}")
    if device.type == "cuda" and torch.cuda.device_count() <= LOCAL:
        raise ValueError(f"Process {RANK} has no GPU {LOCAL}: start fewer, or add --device cpu.")
    for turn in (True, False):  # the first process of a machine reads the files, the others find them in the cache
        if turn == (LOCAL == 0):
            images, report = gw.load_photos(options.folder, image_size=options.image_size)
        dist.barrier()
    same = {"PyTorch": torch.__version__, "pictures": make_mark([images])["order"][:12]}
    same |= vars(options) | {"folder": "", "checkpoint": ""}  # these may differ
    dist.all_gather_object(told := [None] * WORLD, same)
    if other := [name for name in same if any(theirs[name] != same[name] for theirs in told)]:
        raise ValueError(f"The processes differ in {' and '.join(other)}: all must have the same.")
    gan, usual, kept = make_gan(images, options, device)
    batch_size = min(options.batch_size or WORLD * usual, len(images)) // WORLD * WORLD
    if not batch_size:
        raise ValueError(f"{WORLD} processes cannot share so few pictures: start fewer, or give more in each batch.")
    if RANK == 0:
        print(f"{report}\n{WORLD} processes ({device.type}) share each batch of {batch_size} pictures.", flush=True)
    team = Team(gan, lambda step, now: step >= options.steps if options.steps else now >= 60 * options.minutes)
    team.play(images, batch_size, None if RANK else options.checkpoint or kept)


def run():
    """Meet the others, play, and end with one sentence from the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of pictures; a ZIP or a video does too")
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=0, help="of all together; default: the notebook's for each")
    parser.add_argument("--minutes", type=float, default=60, help="of training in all, by the first process's clock")
    parser.add_argument("--steps", type=int, default=0, help="rounds in all, instead of minutes")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--checkpoint", type=Path, help="a folder; default: the notebook's for these pictures")
    options, store = parser.parse_args(), None if RANK else dist.HashStore()
    try:
        if "RANK" in os.environ:
            store, _, _ = next(dist.rendezvous("env://", timeout=2 * PATIENCE))
            store = dist.PrefixStore(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"), store)  # pytorch#135712
        dist.init_process_group("gloo", store=store, rank=RANK, world_size=WORLD, timeout=timedelta(days=1))
        main(options)
        dist.destroy_process_group()
    except (Exception, KeyboardInterrupt) as error:
        if isinstance(error, RuntimeError):
            error = f"A process was lost, or all could not meet ({error!r:.150}): run the command again."
        with suppress(Exception):  # where the store is lost too, another one speaks
            if store.add("ended", 1) == 1:
                print(error, flush=True)
        os._exit(1)  # what waits for a lost process would never end


if __name__ == "__main__":
    run()
