"""One round of the game: the detective's turn, the criminal's turn, and what they leave behind to be noted."""

from collections import namedtuple

import torch

from gans_workshop.device import order
from gans_workshop.game.images import check, to_float
from gans_workshop.game.labels import told
from gans_workshop.game.models import frozen
from gans_workshop.game.notes import SMALLER_RATES, measure

# What D's turn leaves behind to be measured: its loss, the logits (N, 1), the pictures (N, C, H, W), their conditions
Lesson = namedtuple("Lesson", "d_loss real_logits fake_logits real fake condition", defaults=[None])


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
    return Lesson(d_loss.detach(), real_logits.detach(), fake_logits.detach(), real, fake, condition)


def generator_step(gan, batch_size, condition=None, real=None):
    """Let G learn from D's opinion of one batch of fakes; D stands still. Return the loss, a scalar tensor.

    `real`: the pictures of the same conditions, where the game's loss has a `likeness`.
    """
    fake = gan.generator(gan.draw_z(batch_size), *told(condition))
    with frozen(gan.discriminator):
        # G wants D(G(z)) -> 1: it minimises -log D(G(z))
        g_loss = gan.loss.generator(gan.discriminator(gan.augment(fake), *told(condition)))
    if gan.loss.likeness:
        g_loss = g_loss + gan.loss.likeness(fake, real)

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
    g_loss = generator_step(gan, len(real), condition, real)

    gan.count_round(measure(gan, lesson, g_loss))


def next_batch(gan, images, conditions=None, *, batch_size):
    """Take the next (batch_size, C, H, W) real pictures in [-1, 1], and their conditions, in the order of the epoch."""
    indices = next_places(gan, len(images), batch_size)
    gan.seen += batch_size
    real = to_float(images[indices])
    if hasattr(images, "look_ahead"):  # they lie in a file: the next ones are read while these are learned from
        images.look_ahead(next_places(gan, len(images), batch_size))
    return real, None if conditions is None else conditions[indices]


def next_places(gan, count, batch_size):
    """List which of `count` pictures come next: it depends on the seed and on how many were seen, on nothing else."""
    turns = [divmod(number, count) for number in range(gan.seen, gan.seen + batch_size)]
    return [order(count, gan.seed, epoch)[turn] for epoch, turn in turns]
