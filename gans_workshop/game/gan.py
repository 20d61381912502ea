"""The state of a game: both players, the rules, and all that is needed to go on exactly where one stopped."""

import copy

import torch
from torch import nn

from gans_workshop.device import dice
from gans_workshop.files.mapped import bring
from gans_workshop.game.images import check, check_images, whole
from gans_workshop.game.labels import PER_ROW, check_labels, check_names, preview_labels, to_weights, told
from gans_workshop.game.losses import check_rules, non_saturating
from gans_workshop.game.models import check_logits, check_players, frozen
from gans_workshop.game.notes import History

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
    of your own any condition: then `fixed_condition` has those of the previews, labels (N,) or pictures (N, C, H, W).
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
        self.fixed_z, self.fixed_condition = self._choose_previews(fixed_condition)
        self.picture_shape = self._check_that_players_fit()  # (C, H, W)

    def _choose_previews(self, condition):
        """Return z and conditions that stay the same in every preview: one sees the pictures change."""
        z = self.draw_z(PER_ROW if self.classes else 64)
        if self.classes:  # a row for each class, with the same z across
            condition = preview_labels(self.classes) if condition is None else condition
            z = z.repeat(-(-len(condition) // PER_ROW), 1)
        if condition is None:
            return z, None
        return z[: len(condition)], torch.as_tensor(condition).to(self.device)

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
        """Return images and conditions where they are learned from, or say in one sentence why they cannot be."""
        images = bring(check_images(images, shape=self.picture_shape), self.device)
        if self.classes:
            return images, check_labels(conditions, self.classes, self.class_names, len(images)).to(self.device)
        needed = 0 if self.fixed_condition is None else len(images)
        return images, self._check_conditions(conditions, needed)

    def _check_conditions(self, conditions, needed):
        given = 0 if conditions is None else len(conditions)
        hint = "one for each picture, in their order, if the GAN was made with fixed_condition=, none otherwise"
        check(given == needed, f"There are {given:,} conditions, and this game needs {needed:,}: {hint}.")
        if self.fixed_condition is not None and self.fixed_condition.ndim == 4:
            conditions = check_images(conditions, shape=tuple(self.fixed_condition.shape[1:]), given=True)
        return None if conditions is None else torch.as_tensor(conditions).to(self.device)

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
        elif self.fixed_condition is not None:
            condition = self._check_conditions(condition, len(z))
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
