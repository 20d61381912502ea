"""The game: `GAN` holds its state, two short steps are its moves, `train` plays until the budget is spent."""

import copy
import math
from array import array

import torch

from gans_workshop.checkpoints import Keeper
from gans_workshop.datasets import check_images, shuffled_places, to_float
from gans_workshop.device import stop_button
from gans_workshop.diagnosis import detect_rate, slope_size, variety
from gans_workshop.losses import non_saturating
from gans_workshop.models import frozen

# What a GAN's state is made of: parts with a state of their own, and plain values
_PARTS = ("generator", "discriminator", "average", "d_optimizer", "g_optimizer", "history")
_PLAIN = ("step", "seen", "seed", "fixed_z")


class History:
    """What happened at each step: `steps`, `d_loss`, `g_loss`, `d_real` (mean D(x)), `d_fake` (mean D(G(z))), and for
    the doctor: `detect_rate`, `variety`, and `d_slope` and `g_slope`, the sizes of the gradients.
    """

    def __init__(self):
        # 8 bytes a number: hours of training stay small
        self.steps, self.d_loss, self.g_loss, self.d_real, self.d_fake = (array("d") for _ in range(5))
        self.detect_rate, self.variety, self.d_slope, self.g_slope = (array("d") for _ in range(4))

    def append(self, *numbers):
        """Note a step: one number for each list, in their order."""
        for values, number in zip(vars(self).values(), numbers, strict=True):
            values.append(number)

    def state_dict(self):
        """Return all lists as tensors, by name."""
        return {name: torch.tensor(values, dtype=torch.float64) for name, values in vars(self).items()}

    def load_state_dict(self, state):
        """Replace all lists by those of `state_dict()`; what an older one does not know becomes NaN."""
        unknown = torch.full_like(state["steps"], torch.nan)
        vars(self).update({name: array("d", state.get(name, unknown).tolist()) for name in vars(self)})


class GAN:
    """Both players and all that is needed to go on exactly where one stopped.

    generator: z (N, latent_dim) -> images (N, C, H, W) in [-1, 1]; discriminator: images -> logits (N, 1).
    """

    def __init__(self, generator, discriminator, *, device="cpu", d_lr=3e-3, g_lr=3e-3, seed=0):
        self.device = torch.device(device)
        place = {"device": self.device, "memory_format": torch.channels_last}  # convolutions are faster so laid out
        self.generator, self.discriminator = generator.to(**place), discriminator.to(**place)
        self.average = copy.deepcopy(generator).eval().requires_grad_(False)  # moving average of G: it draws samples
        adam = {"betas": (0.5, 0.999), "fused": True}  # 0.9 instead of 0.5 oscillates (Radford et al. 2016, sec. 4)
        self.d_optimizer = torch.optim.Adam(discriminator.parameters(), lr=d_lr, **adam)
        self.g_optimizer = torch.optim.Adam(generator.parameters(), lr=g_lr, **adam)
        self.history = History()
        self.step = 0  # rounds of the game so far
        self.seen = 0  # real pictures shown so far, which gives the place in the shuffled data set
        self.seed = seed
        self.random = torch.Generator().manual_seed(seed)  # the only source of z: on the CPU, for every device the same
        self.fixed_z = self.draw_z(64)  # the same 64 z for every preview, so that one sees them change
        self.picture_shape = self._play_silently()  # (C, H, W)

    def _play_silently(self):
        fake = self.sample(self.fixed_z[:2])
        try:
            with torch.no_grad(), frozen(self.discriminator):
                self.discriminator(fake)
        except RuntimeError as error:
            raise ValueError(
                f"The generator draws pictures of shape {tuple(fake.shape[1:])}, which this discriminator cannot look "
                f"at ({error}). Make both with the same image_size and channels."
            ) from None
        return tuple(fake.shape[1:])

    def draw_z(self, count):
        """Draw the noise z, (count, latent_dim), from a normal distribution."""
        return torch.randn(count, self.generator.latent_dim, generator=self.random).to(self.device)

    @torch.no_grad()
    def sample(self, z=64):
        """Draw pictures from z (N, latent_dim), or from that many new z: (N, C, H, W) in [-1, 1].

        New z come from PyTorch's own random numbers: looking at samples never changes the training.
        """
        if isinstance(z, int):
            z = torch.randn(z, self.generator.latent_dim)
        return torch.cat([self.average(part) for part in z.to(self.device).split(256)])

    @torch.no_grad()
    def update_average(self):
        """Let the average follow the generator: about the last tenth of all steps so far counts.

        Source: the power function average of Karras et al. 2024, sec. 3.1, with exponent 9.
        """
        weight = 10 / (self.step + 10)
        for kept, new in zip(self.average.state_dict().values(), self.generator.state_dict().values()):
            if kept.is_floating_point():  # the weights and batch norm's statistics, not its counter
                kept.lerp_(new, weight)

    def note(self, *numbers):
        """Count a step and note it: what `discriminator_step` and `generator_step` returned, and both slopes."""
        self.step += 1
        slopes = torch.stack([slope_size(self.discriminator), slope_size(self.generator)])
        self.history.append(self.step, *numbers, *slopes.tolist())

    def state_dict(self):
        """Return a copy of the whole state of the game: tensors, numbers, dicts and lists only."""
        state = {name: getattr(self, name).state_dict() for name in _PARTS}
        state |= {name: getattr(self, name) for name in _PLAIN} | {"random": self.random.get_state()}
        return copy.deepcopy(state)

    def load_state_dict(self, state):
        """Bring back a state from `state_dict()`: training goes on exactly from there."""
        for name in _PARTS:
            getattr(self, name).load_state_dict(state[name])
        for name in _PLAIN:
            setattr(self, name, state[name])
        self.fixed_z = self.fixed_z.to(self.device)
        self.random.set_state(state["random"])


def discriminator_step(gan, real, *, loss=non_saturating, augment=None):
    """Let D learn from one batch of real pictures and as many fakes; G stands still.

    Shapes: real (N, C, H, W) in [-1, 1] -> (d_loss, mean D(x), mean D(G(z)), detect_rate, variety), numbers.
    """
    with frozen(gan.generator):
        fake = gan.generator(gan.draw_z(len(real)))
    varied = variety(fake, real)
    if augment:
        real, fake = augment(real), augment(fake)

    # D wants D(x) -> 1 and D(G(z)) -> 0: it minimises -log D(x) - log(1 - D(G(z)))
    real_logits = gan.discriminator(real)
    fake_logits = gan.discriminator(fake)  # a batch of its own: mixed with the real one, batch norm would tell
    d_loss = loss.discriminator(real_logits, fake_logits)
    if loss.penalty:
        d_loss = d_loss + loss.penalty(gan.discriminator, real, fake)

    _update(gan, gan.d_optimizer, d_loss, "detective")
    opinions = [d_loss, real_logits.sigmoid().mean(), fake_logits.sigmoid().mean()]
    return torch.stack([*opinions, detect_rate(real_logits, fake_logits), varied]).tolist()


def generator_step(gan, batch_size, *, loss=non_saturating, augment=None):
    """Let G learn from D's opinion of one batch of fakes; D stands still. Return the loss, a number."""
    fake = gan.generator(gan.draw_z(batch_size))
    with frozen(gan.discriminator):
        # G wants D(G(z)) -> 1: it minimises -log D(G(z))
        g_loss = loss.generator(gan.discriminator(augment(fake) if augment else fake))

    _update(gan, gan.g_optimizer, g_loss, "criminal")
    gan.update_average()
    return g_loss.item()


def _update(gan, optimizer, loss, player):
    if not torch.isfinite(loss):
        gan.history.append(gan.step + 1, *[math.nan] * 8)  # for the doctor
        raise FloatingPointError(
            f"At step {gan.step + 1} the {player}'s loss is {loss.item()}, not a number to learn from, so training "
            "stopped. Make a new GAN and train it with a smaller learning rate (a tenth of d_lr and g_lr)."
        )
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def train(
    gan,
    images,
    *,
    minutes=None,
    steps=None,
    epochs=None,
    batch_size=64,
    d_steps=1,
    loss=non_saturating,
    augment=None,
    watch=None,
    checkpoint=None,
):
    """Play the game until the budget (one of minutes, steps, epochs) is spent or the stop button is pressed.

    Run it again to go on. In each step D learns `d_steps` times, then G once; `watch(gan, done, last)` is called
    after each step, with the part of the budget that is spent, 0 to 1, and with last=True at the end, however it came.

    With a folder as `checkpoint` the training is saved there every minute and goes on from there after a restart. The
    budget then counts from step 0: the same cell run again does what is left of it, and a larger budget goes on.

    Shapes: images (N, C, H, W), uint8 0..255 or float -1..1.
    Raises: ValueError: a sentence on pictures or budget; FloatingPointError: 'At step ... the ...'s loss is nan ...'
    """
    if batch_size < 1 or d_steps < 1:
        raise ValueError(f"batch_size={batch_size} and d_steps={d_steps} must both be at least 1.")
    images = check_images(images, gan.picture_shape).to(gan.device)
    if batch_size > len(images):
        print(f"{len(images)} pictures are fewer than a batch of {batch_size}: each batch now has {len(images)}.")
        batch_size = len(images)
    keeper = Keeper(checkpoint, gan, images)
    part_done = _budget(gan, len(images), {"minutes": minutes, "steps": steps, "epochs": epochs}, keeper)
    done = part_done()
    with stop_button() as stop:
        try:
            while done < 1 and not stop.pressed:
                for _ in range(d_steps):
                    real = next_batch(gan, images, batch_size)
                    d_loss, *seen = discriminator_step(gan, real, loss=loss, augment=augment)
                g_loss = generator_step(gan, batch_size, loss=loss, augment=augment)

                gan.note(d_loss, g_loss, *seen)
                done = part_done()
                if watch and done < 1 and not stop.pressed:
                    watch(gan, done, False)
                keeper.after_step(gan)
        finally:  # also after an error: above all a loss that is no number wants to be seen
            if watch and gan.history.steps:
                watch(gan, done, True)
        keeper.finish(gan)


def next_batch(gan, images, batch_size):
    """Take the next real pictures as floats in [-1, 1], in an order given by seed and epoch.

    Shapes: images (N, C, H, W) -> (batch_size, C, H, W); a batch may end one epoch and begin the next.
    """
    places = shuffled_places(len(images), gan.seen, batch_size, seed=gan.seed)
    gan.seen += batch_size
    return to_float(images[places])


def _budget(gan, count, budgets, keeper):
    """Return a function that tells which part of the one given budget is spent, 0 to 1."""
    given = {name: amount for name, amount in budgets.items() if amount is not None}
    if len(given) != 1:
        raise ValueError(f"Say how long to train with one of minutes=, steps= or epochs=; found {given or 'none'}.")
    ((name, amount),) = given.items()
    if not (amount > 0 and math.isfinite(amount)):
        raise ValueError(f"{name}={amount} leaves nothing to do: give a number above 0, for example {name}=2.")
    spent = {"minutes": keeper.minutes, "steps": lambda: gan.step, "epochs": lambda: gan.seen}[name]
    start, rest = spent(), amount * (count if name == "epochs" else 1) - (spent() if keeper.places else 0)
    if rest <= 0:
        print(f"{name}={amount} are already done: to go on, give more, for example {name}={2 * amount}.")
    return lambda: min(1, (spent() - start) / rest) if rest > 0 else 1
