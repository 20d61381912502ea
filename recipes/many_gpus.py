r"""Train the GAN of notebook 03 on a folder of pictures, on as many GPUs and machines as torchrun starts.

One GPU, or none:  python recipes/many_gpus.py FOLDER --image-size 128 --minutes 60
Kaggle's two T4:   !torchrun --nproc-per-node 2 recipes/many_gpus.py FOLDER --image-size 128 --minutes 60
Eight GPUs:        torchrun --nproc-per-node 8 --max-restarts 3 recipes/many_gpus.py FOLDER --minutes 600
Two machines:      torchrun --nnodes 2 --nproc-per-node 8 --rdzv-backend c10d --rdzv-endpoint FIRST:29500 \
                       recipes/many_gpus.py FOLDER --minutes 600   (the same on both; each has the pictures)
CPUs, with gloo:   OMP_NUM_THREADS=1 torchrun --nproc-per-node 2 recipes/many_gpus.py FOLDER --device cpu --minutes 5

All processes play one game: they throw the same dice, each takes its part of z and of the pictures, and one message
before each update averages the gradients. Ctrl-C, or SIGTERM as schedulers send it, ends all after the round. The
checkpoint is the notebook's, in its folder: any number of processes goes on from it, and so does the notebook.
Batch norm looks at the pictures of its own process, and its running averages ride in the message: SyncBatchNorm would
send one more for each layer and pass, and does not work on CPUs. Give each process 16 pictures a batch or more.
"""

import argparse
import io
import os
import signal
import zlib
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

import gans_workshop as gw
from gans_workshop.files.marks import make_mark
from gans_workshop.game.turns import play_round

PATIENCE = timedelta(seconds=45)  # who does not answer for so long is lost, and the run ends
PREPARING = timedelta(days=1)  # while one process of each machine reads the pictures, the others wait
AUGMENT_BELOW, SEED = 5000, 42  # as in notebook 03
STOPS = signal.SIGINT, signal.SIGTERM
RANK, WORLD, LOCAL = (int(os.environ.get(*one)) for one in (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0)))


class Share:
    """The pictures, of each batch only those of this process: every WORLD-th, from the RANK-th on."""

    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def __getitem__(self, places):
        return self.images[places[RANK::WORLD]]

    def look_ahead(self, places):
        if hasattr(self.images, "look_ahead"):
            self.images.look_ahead(places[RANK::WORLD])


class Team:
    """All processes as one player: one start, one message before each update, one clock, one end."""

    def __init__(self, gan, fast, is_over):
        self.gan, self.fast, self.is_over, draw = gan, fast, is_over, gan.draw_z
        self.pressed = self.ending = self.begun = False
        self.said = 0.0, 0  # seconds and pictures when it last spoke
        gan.draw_z = lambda count: draw(count * WORLD)[RANK::WORLD]
        for network, optimizer in ((gan.discriminator, gan.d_optimizer), (gan.generator, gan.g_optimizer)):
            optimizer.register_step_pre_hook(lambda *_, network=network: self.average(network))
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)  # until all have begun

    def begin(self):
        """Give all the state of the first process, which has read the checkpoint; from here on stops are agreed on."""
        torch.save(self.gan.state_dict() if RANK == 0 else {}, packed := io.BytesIO())
        box = [packed.getvalue()]
        dist.broadcast_object_list(box)
        if RANK:
            self.gan.load_state_dict(torch.load(io.BytesIO(box[0]), map_location="cpu", weights_only=True))
        self.begun, self.clock, self.said = True, self.gan.seconds, (self.gan.seconds, self.gan.seen)
        self.end_training = signal.getsignal(signal.SIGINT)  # the stop button of `train`
        for number in STOPS:
            signal.signal(number, lambda *_: setattr(self, "pressed", True))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)

    @torch.no_grad()
    def average(self, network, broken=False):
        """Average gradients, batch norm's running averages, and: is a loss broken? stop? the first process's clock."""
        parts = [torch.zeros_like(p) if broken or p.grad is None else p.grad for p in network.parameters()]
        parts += [buffer for buffer in network.buffers() if buffer.is_floating_point()]
        notes = torch.tensor([[broken, self.pressed, (RANK == 0) * WORLD * self.gan.seconds]]).to(self.gan.device)
        message = torch.cat([part.flatten() for part in (*parts, notes)])
        dist.all_reduce(message, group=self.fast)
        *averages, notes = (message / WORLD).split([part.numel() for part in (*parts, notes)])
        for part, average in zip(parts, averages):
            part.copy_(average.view_as(part))
        self.sent += 1
        self.broken, self.ending, self.clock = notes.tolist()
        if self.broken and not broken:
            raise FloatingPointError(f"In round {self.gan.step + 1} the loss of another process is no number.")

    def play(self, gan, images, conditions=None, *, batch_size):
        """Play one round together, in the place of `play_round`; when all is over, stop `train`, which saves."""
        if not self.begun:
            self.begin()
        if self.ending or self.is_over(gan.step, self.clock):
            self.end_training()
            return
        torch.manual_seed((gan.seed * 1_000_003 + gan.step) * 4096 + RANK)  # augmentation: after a break as without it
        self.sent, self.broken = 0, False
        try:
            play_round(gan, Share(images), conditions, batch_size=batch_size)
        except FloatingPointError:
            if not self.broken:  # the others wait for a message: it says that the loss is broken here
                self.average(gan.discriminator if self.sent < gan.d_steps else gan.generator, broken=True)
            raise

    def watch(self, gan, _, last):
        """Say about once a minute how fast it goes."""
        if self.begun and (last or gan.seconds > self.said[0] + 60):
            speed = (gan.seen - self.said[1]) / max(gan.seconds - self.said[0], 1e-9)
            print(f"Round {gan.step:,}, minute {gan.seconds / 60:.1f}: {speed:,.0f} pictures a second.", flush=True)
            self.said = gan.seconds, gan.seen


def agree(trouble, group, **facts):
    """End all with one sentence if any process has trouble, or has other facts than the first."""
    told = [None] * WORLD
    dist.all_gather_object(told, (trouble, facts), group=group)
    if troubles := [sentence for sentence, _ in told if sentence]:
        raise ValueError(troubles[0])
    for name in facts:
        values = sorted({str(theirs[name]) for _, theirs in told})
        if len(values) > 1:
            raise ValueError(f"The processes differ in {name} ({', '.join(values)}): all must have the same.")


def read_options():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of pictures; a ZIP or a video does too")
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=0, help="of all together; default: the notebook's for each")
    parser.add_argument("--minutes", type=float, default=60, help="of training in all, by the first process's clock")
    parser.add_argument("--steps", type=int, default=0, help="rounds in all, instead of minutes")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--memory", type=int, default=2**30, help="bytes; more pictures than that stay on the disk")
    parser.add_argument("--checkpoint", type=Path, help="a folder; default: the notebook's for these pictures")
    return parser.parse_args()


def prepare(options):
    """Return the pictures, what became of the files, and a sentence of trouble or ''."""
    try:
        images, report = gw.load_photos(options.folder, image_size=options.image_size, memory=options.memory)
        most = min(len(images), options.batch_size or len(images))
        few = f"{WORLD} processes cannot share {most} pictures: start fewer, or give more pictures or a larger batch."
        return images, report, few if most < WORLD else ""
    except Exception as error:
        return None, None, str(error)


def make_gan(images, options, device):
    """Make the GAN of notebook 03; return it and the batch size of one process there."""
    many = len(images) >= AUGMENT_BELOW
    gw.seed_everything(SEED)
    form = {"image_size": images.shape[-1], "channels": images.shape[1], "width": options.width}
    players = gw.Generator(**form, smooth=not many), gw.Discriminator(**form, norm=not many)
    rules = {"loss": gw.non_saturating_r1, "betas": (0.5, 0.99)} if many else {"augment": change}
    return gw.GAN(*players, device=device, seed=SEED, **rules), 32 if many else 64


def change(images):
    """Augment pictures as notebook 03 does."""
    return gw.cut_out(gw.shift(images))


def notebook_folder(place, images):
    """Name the folder in which notebook 03 keeps the checkpoints for these pictures."""
    name, mark = place.name if place.is_dir() else place.stem, zlib.crc32(images.contiguous().numpy())
    return gw.workshop_folder() / f"{name}-models" / f"{images.shape[-1]}-pixels-{len(images)}-pictures-{mark:08x}"


def main(options):
    """Play together until the budget is spent or somebody presses stop."""
    patient, missing, device = dist.new_group(timeout=PREPARING), "", torch.device(options.device)
    if options.device == "cuda":
        device, found = torch.device("cuda", LOCAL), torch.cuda.device_count()
        missing = f"Process {RANK} needs GPU {LOCAL} of {found}: start fewer, or add --device cpu." * (found <= LOCAL)
    same = {name: value for name, value in vars(options).items() if name not in ("folder", "memory", "checkpoint")}
    agree(missing, patient, PyTorch=torch.__version__, recipe=zlib.crc32(Path(__file__).read_bytes()), **same)
    images, report, trouble = prepare(options) if LOCAL == 0 else (None, None, "")
    agree(trouble, patient)
    images, report, trouble = (images, report, trouble) if LOCAL == 0 else prepare(options)
    agree(trouble, patient, pictures="" if trouble else make_mark([images])["order"][:12])
    if device.type == "cuda":
        torch.cuda.set_device(device)
    gan, usual = make_gan(images, options, device)
    batch_size = min(options.batch_size or WORLD * usual, len(images)) // WORLD * WORLD
    folder = None if RANK else options.checkpoint or notebook_folder(options.folder, images)
    print(f"{report}\n{WORLD} processes ({device.type}) share each batch of {batch_size} pictures.", flush=True)
    fast = dist.new_group(timeout=PATIENCE, backend="nccl" if device.type == "cuda" else "gloo")
    over = (lambda step, _: step >= options.steps) if options.steps else (lambda _, now: now >= 60 * options.minutes)
    team = Team(gan, fast, over)
    rules = {"steps": 10**9, "one_round": team.play, "watch": team.watch, "checkpoint": folder}
    gw.train(gan, images, batch_size=batch_size, **rules)
    dist.barrier()
    print(
        f"{'Stopped' if team.ending else 'Done'}. With more minutes it goes on, on any number of processes.", flush=True
    )


def run():
    """Meet the others, play, and end with one sentence from one process, whatever happens."""
    options = read_options()
    if RANK:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    try:
        store = dist.HashStore()
        if "RANK" in os.environ:
            store, _, _ = next(dist.rendezvous("env://", timeout=PATIENCE))
            # after a restart the store still has what the lost ones wrote: https://github.com/pytorch/pytorch/issues/135712
            store = dist.PrefixStore(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"), store)
        dist.init_process_group("gloo", store=store, rank=RANK, world_size=WORLD, timeout=PATIENCE)
        main(options)
    except (Exception, KeyboardInterrupt) as error:
        ours = isinstance(error, ValueError | OSError | FloatingPointError | KeyboardInterrupt)
        lost = f"A process was lost, or all could not meet ({str(error).splitlines()[0]:.150}): run the command again."
        print(error if ours else lost, flush=True)
        os._exit(1)  # what waits for a lost process would never end
    dist.destroy_process_group()


if __name__ == "__main__":
    run()
