"""The game of a GAN: its state, the turns of its two players, and one round."""

import copy
from collections import namedtuple

import torch
from torch import nn

from gans_workshop.device import dice, order
from gans_workshop.game.images import check, check_images, to_float, whole
from gans_workshop.game.labels import PER_ROW, check_labels, check_names, preview_labels, to_weights, told
from gans_workshop.game.losses import check_rules, non_saturating
from gans_workshop.game.models import check_logits, check_players, frozen
from gans_workshop.game.notes import SMALLER_RATES, History, measure

# The parts of a GAN, named once: what has a state of its own, then plain values and tensors
NETWORKS = ("generator", "discriminator", "average_generator")
OPTIMIZERS = ("d_optimizer", "g_optimizer")
PARTS = (*NETWORKS, *OPTIMIZERS, "history")
VALUES = ("step", "seen", "seconds", "seed", "fixed_z", "fixed_condition", "classes", "class_names")
WRONG_SHAPE = (RuntimeError, ValueError, IndexError)  # what PyTorch raises then


class GAN:
    """Both players, the rules of their game, and all that is needed to go on exactly where one stopped.

    generator: z (N, latent_dim) -> images (N, C, H, W) in [-1, 1]; discriminator: images -> logits (N, 1).
    Rules: D learns `d_steps` times a round and sees every picture, real or fake, through `augment`; `loss` says what
    each pays, `betas` how long Adam remembers. Players with `classes` are given labels as a second argument, networks
    of your own any condition: then `fixed_condition` has those of the previews, labels (64,) or pictures (64, C, H, W).
    `class_names`: a text for each class, or a dictionary of such lists. Raises: ValueError: 'The generator draws ...'
    """

    def __init__(
        self,
        generator,
        discriminator,
        *,
        device="cpu",
        d_lr=3e-3,
        g_lr=3e-3,
        betas=(0.5, 0.999),
        d_steps=1,
        loss=non_saturating,
        augment=None,
        seed=0,
        fixed_condition=None,
        class_names=None,
    ):
        check_players(generator, discriminator)
        check_rules(loss, augment, {"d_lr": d_lr, "g_lr": g_lr}, betas)
        self.device = torch.device(device)
        home = {"device": self.device, "memory_format": torch.channels_last}  # convolutions are faster so laid out
        self.generator, self.discriminator = generator.to(**home), discriminator.to(**home)
        self.average_generator = copy.deepcopy(generator).eval().requires_grad_(False)  # it draws the samples
        adam = {"betas": betas, "fused": True}  # 0.9 instead of 0.5 oscillates (Radford et al. 2016, sec. 4)
        self.d_optimizer = torch.optim.Adam(discriminator.parameters(), lr=d_lr, **adam)
        self.g_optimizer = torch.optim.Adam(generator.parameters(), lr=g_lr, **adam)
        self.d_steps, self.loss, self.augment = whole("d_steps", d_steps), loss, augment or nn.Identity()
        self.history = History()
        self.step, self.seconds = 0, 0.0  # rounds, and seconds of training, so far
        self.seen = 0  # real pictures shown so far, which says where in the shuffled data set the next batch begins
        self.random = dice(seed)  # the only source of z: on the CPU, for every device the same
        self.seed = int(seed)  # a NumPy number would overflow
        self.classes = getattr(generator, "classes", 0)
        self.class_names = check_names(class_names, self.classes)
        self.fixed_z = self.draw_z(PER_ROW if self.classes else 64)  # the same in every preview: one sees them change
        if self.classes:  # a row for each class, with the same z across
            fixed_condition = preview_labels(self.classes) if fixed_condition is None else fixed_condition
            self.fixed_z = self.fixed_z.repeat(-(-len(fixed_condition) // PER_ROW), 1)[: len(fixed_condition)]
        self.fixed_condition = None if fixed_condition is None else torch.as_tensor(fixed_condition).to(device)
        self.picture_shape = self._check_that_players_fit()  # (C, H, W)

    def _check_that_players_fit(self):
        condition = [conditions[:2] for conditions in told(self.fixed_condition)]
        fake = self.sample(self.fixed_z[:2], *condition)
        drawn = f"The generator draws pictures of shape {tuple(fake.shape[1:])}"
        check(fake.ndim == 4, f"{drawn}, not (C, H, W): end it with nn.Unflatten(1, (1, 28, 28)), or what yours have.")
        try:
            with frozen(self.discriminator):
                logits = self.discriminator(fake.requires_grad_(), *condition)
        except WRONG_SHAPE as error:
            to_do = "Make both with the same image_size and channels."
            raise ValueError(f"{drawn}, which this discriminator cannot look at ({error}). {to_do}") from None
        check_logits(logits, len(fake))
        return tuple(fake.shape[1:])

    def check_data(self, images, conditions=None):
        """Return images and conditions on the device, or say in one sentence why this game cannot learn from them."""
        images = check_images(images, shape=self.picture_shape).to(self.device)
        if self.classes:
            return images, check_labels(conditions, self.classes, self.class_names, len(images)).to(self.device)
        needed = 0 if self.fixed_condition is None else len(images)
        given = 0 if conditions is None else len(conditions)
        hint = "one for each picture if the GAN was made with fixed_condition=, none otherwise"
        check(given == needed, f"There are {given:,} conditions, and this game needs {needed:,}: {hint}.")
        return images, None if conditions is None else torch.as_tensor(conditions).to(self.device)

    def draw_z(self, count):
        """Draw the noise z, (count, latent_dim), from a normal distribution."""
        return torch.randn(whole("count", count), self.generator.latent_dim, generator=self.random).to(self.device)

    @torch.no_grad()
    def sample(self, z=64, condition=None):
        """Draw pictures (N, C, H, W) in [-1, 1] from z (N, latent_dim), or from that many new z."""
        needed = self.generator.latent_dim
        if isinstance(z, str) or not hasattr(z, "__len__"):
            z = torch.randn(whole("z", z), needed)  # not from self.random: looking never changes the training
        z = torch.as_tensor(z, dtype=torch.float32)
        if hasattr(self.generator, "classes"):
            condition = to_weights(condition, self.classes, len(z))
        batches = zip(*(inputs.to(self.device).split(256) for inputs in (z, *told(condition))))
        try:
            return torch.cat([self.average_generator(*batch) for batch in batches])
        except WRONG_SHAPE as error:
            found = f"The generator cannot draw from z of shape {tuple(z.shape)} ({error})"
            to_do = f"torch.randn(5, {needed}) is five z, z[None] one, nn.Unflatten(1, ({needed}, 1, 1)) makes sheets"
            raise ValueError(f"{found}: {to_do}.") from None

    def preview(self):
        """Draw what the fixed z have become, (64, C, H, W) in [-1, 1]; a broken network draws grey."""
        return self.sample(self.fixed_z, self.fixed_condition).nan_to_num(0)

    @torch.no_grad()
    def update_average(self):
        """Let the average follow G: about the last tenth of all rounds counts. Source: Karras et al. 2024, sec. 3.1."""
        weight = 10 / (self.step + 10)  # the power function average with exponent 9
        for kept, new in zip(self.average_generator.state_dict().values(), self.generator.state_dict().values()):
            if kept.is_floating_point():  # the weights and batch norm's statistics, not its counter
                kept.lerp_(new, weight)

    def count_round(self, notes):
        """Count a round and note it: `notes` are numbers by name, as `measure` gives them."""
        self.step += 1
        self.history.append(notes)

    def state_dict(self):
        """Return a copy of the whole state of the game: tensors, numbers, dicts and lists only."""
        state = {"random": self.random.get_state()}
        for name in PARTS:
            state[name] = getattr(self, name).state_dict()
        for name in VALUES:
            state[name] = getattr(self, name)
        return copy.deepcopy(state)

    def load_state_dict(self, state):
        """Bring back a state from `state_dict()`: training goes on exactly from there, at this GAN's learning rates."""
        if "average" in state:  # written until November 2026
            state = state | {"average_generator": state["average"], "fixed_condition": None}
        state = {"classes": 0} | state | {"class_names": state.get("class_names") or self.class_names}
        for name in (*NETWORKS, "history"):
            getattr(self, name).load_state_dict(state[name])
        for name in OPTIMIZERS:
            optimizer = getattr(self, name)
            optimizer.load_state_dict(state[name] | {"param_groups": optimizer.state_dict()["param_groups"]})
        for name in VALUES:
            value = state[name]
            setattr(self, name, value.to(self.device) if isinstance(value, torch.Tensor) else value)
        self.random.set_state(state["random"])

    def misfit(self, state):
        """Say why `state` belongs to another game than this one, or return an empty text."""
        theirs = state.get("class_names")
        if theirs and self.class_names and theirs != self.class_names:
            return f"has the classes {theirs!s:.60}, and this one has {self.class_names!s:.60}"
        for name in ("generator", "discriminator"):
            ours, theirs = getattr(self, name).state_dict(), state.get(name, {})
            if [(key, weight.shape) for key, weight in ours.items()] != [(key, w.shape) for key, w in theirs.items()]:
                return "is built in another way (another width, latent_dim or kind of network)"
        if state.get("classes", 0) != self.classes:
            return "is told about other classes"
        same_start = torch.equal(state["fixed_z"], self.fixed_z.cpu())
        return "" if same_start or not self.step else "began with another seed"

    def is_finite(self):
        """Say whether all weights are numbers, and all that the optimizers remember."""
        memories = [memory for name in OPTIMIZERS for memory in getattr(self, name).state.values()]
        memories += [getattr(self, name).state_dict() for name in NETWORKS]
        return all(numbers.isfinite().all() for memory in memories for numbers in memory.values())


# What D's turn leaves behind to be measured: its loss, the logits (N, 1) and the pictures (N, C, H, W)
Lesson = namedtuple("Lesson", "d_loss real_logits fake_logits real fake")


def discriminator_step(gan, real, condition=None):
    """Let D learn from real pictures (N, C, H, W) in [-1, 1] and as many fakes; G stands still. Return a `Lesson`."""
    real = to_float(real)
    with frozen(gan.generator):  # its batch norm stands still too
        fake = gan.generator(gan.draw_z(len(real)), *told(condition)).detach()
    shown_real, shown_fake = gan.augment(real), gan.augment(fake)

    # D wants D(x) -> 1 and D(G(z)) -> 0: it minimises -log D(x) - log(1 - D(G(z)))
    real_logits = gan.discriminator(shown_real, *told(condition))
    fake_logits = gan.discriminator(shown_fake, *told(condition))  # apart: mixed with real ones, batch norm would tell
    d_loss = gan.loss.discriminator(real_logits, fake_logits)
    if gan.loss.penalty:
        d_loss = d_loss + gan.loss.penalty(gan.discriminator, shown_real, shown_fake, *told(condition))

    learn(gan, gan.d_optimizer, d_loss, "detective")
    return Lesson(d_loss.detach(), real_logits.detach(), fake_logits.detach(), real, fake)


def generator_step(gan, batch_size, condition=None):
    """Let G learn from D's opinion of one batch of fakes; D stands still. Return the loss, a scalar tensor."""
    fake = gan.generator(gan.draw_z(batch_size), *told(condition))
    with frozen(gan.discriminator):
        # G wants D(G(z)) -> 1: it minimises -log D(G(z))
        g_loss = gan.loss.generator(gan.discriminator(gan.augment(fake), *told(condition)))

    learn(gan, gan.g_optimizer, g_loss, "criminal")
    gan.update_average()
    return g_loss.detach()


def learn(gan, optimizer, loss, player):
    """Forget the old gradient, find the new one, turn the knobs against it. Raises: FloatingPointError: 'In ...'"""
    number = isinstance(loss, torch.Tensor) and loss.numel() == 1 and loss.requires_grad
    check(number, f"The {player}'s loss must be one number, made of logits: end it with .mean(), not with .item().")
    if not torch.isfinite(loss):
        gan.history.append({"steps": gan.step + 1})  # for the doctor
        found = f"In round {gan.step + 1} the {player}'s loss is {loss.item()}, not a number to learn from"
        raise FloatingPointError(f"{found}, so training stopped. {SMALLER_RATES}")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def play_round(gan, images, conditions=None, *, batch_size=64):
    """Play one round with images (N, C, H, W), uint8 or in [-1, 1], and note it; conditions: None or (N, ...)."""
    # Pass 1: the detective learns
    for _ in range(gan.d_steps):
        real, condition = next_batch(gan, images, conditions, batch_size=batch_size)
        lesson = discriminator_step(gan, real, condition)

    # Pass 2: the criminal learns
    g_loss = generator_step(gan, len(real), condition)

    gan.count_round(measure(gan, lesson, g_loss))


def next_batch(gan, images, conditions=None, *, batch_size):
    """Take the next (batch_size, C, H, W) real pictures in [-1, 1], and their conditions, in the order of the epoch."""
    indices = []
    for number in range(gan.seen, gan.seen + batch_size):
        epoch, turn = divmod(number, len(images))
        indices.append(order(len(images), gan.seed, epoch)[turn])
    gan.seen += batch_size
    return to_float(images[indices]), None if conditions is None else conditions[indices]
