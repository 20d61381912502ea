"""Without pairs: two generators, there and back, and two detectives; what comes back must be what went in."""

import torch

from gans_workshop.game.images import check, check_images
from gans_workshop.game.models import frozen
from gans_workshop.game.notes import measure
from gans_workshop.game.turns import discriminator_step, learn, next_batch

SIDES = ("there", "back")


class CycleGAN:
    """Two games that are played together: `there` makes pictures of the second pile from those of the first, `back`
    makes the first from the second. Each detective sees pictures alone, real or made, and no pair is ever known.

    there, back: GANs whose generators are given pictures, such as GAN(UNet(given_channels=3), PatchDiscriminator(
    given_channels=0), fixed_condition=summer[:12]). `cycle`: the weight of coming back, `identity`: of leaving alone
    what is of the other pile already; 0 is without. Raises: ValueError: '... pictures of one shape ...'
    """

    def __init__(self, there, back, *, cycle=10, identity=5):
        shapes = {tuple(game.picture_shape) for game in (there, back)}
        check(len(shapes) == 1, f"Both games must draw pictures of one shape, and these draw {sorted(shapes)}.")
        self.there, self.back, self.cycle, self.identity = there, back, cycle, identity
        self.device, self.classes, self.picture_shape = there.device, 0, there.picture_shape
        self.seconds = 0.0

    @property
    def step(self):
        return self.there.step

    @property
    def history(self):
        """The notes of the way there, in which the doctor reads."""
        return self.there.history

    @property
    def fixed_condition(self):
        return self.there.fixed_condition

    def check_data(self, images, conditions=None):
        """Return both piles, first and second, on the device; they may have different numbers of pictures."""
        check(
            conditions is not None,
            "Two piles are needed: train(game, summer, conditions=winter, one_round=cycle_round).",
        )
        piles = [check_images(pile, shape=self.picture_shape).to(self.device) for pile in (images, conditions)]
        same = piles[0].shape == piles[1].shape and torch.equal(*piles)
        check(not same, "Both piles are the same pictures: there would be nothing to translate.")
        return piles

    def preview(self):
        """Draw where the fixed pictures of the first pile go, (N, C, H, W) in [-1, 1]."""
        return self.there.preview()

    def there_and_again(self, pictures):
        """Translate pictures there, and back again: (N, C, H, W) -> two of the same shape."""
        there = self.there.sample(len(pictures), pictures)
        return there, self.back.sample(len(there), there)

    def state_dict(self):
        """Return a copy of the state of both games."""
        return {side: getattr(self, side).state_dict() for side in SIDES} | {"step": self.step, "seconds": self.seconds}

    def load_state_dict(self, state):
        """Bring back a state from `state_dict()`."""
        for side in SIDES:
            getattr(self, side).load_state_dict(state[side])
        self.seconds = state["seconds"]

    def misfit(self, state):
        """Say why `state` belongs to another game than this one, or return an empty text."""
        if any(side not in state for side in SIDES):
            return "is no game of two piles"
        return next(filter(None, (getattr(self, side).misfit(state[side]) for side in SIDES)), "")

    def is_finite(self):
        """Say whether all numbers of both games are numbers."""
        return self.there.is_finite() and self.back.is_finite()


def cycle_round(game, images, conditions, *, batch_size=8):
    """Play one round with two piles, images (N, C, H, W) and conditions (M, C, H, W), and note it."""
    there, back = game.there, game.back
    a, _ = next_batch(there, images, batch_size=batch_size)
    b, _ = next_batch(back, conditions, batch_size=batch_size)  # a larger pile is walked through more slowly

    # Pass 1: each detective learns, from real pictures and from translated ones
    lesson_there = discriminator_step(there, b, a)
    lesson_back = discriminator_step(back, a, b)

    # Pass 2: both criminals learn together
    there_loss, back_loss = criminals_step(game, a, b)

    there.count_round(measure(there, lesson_there, there_loss))
    back.count_round(measure(back, lesson_back, back_loss))


def criminals_step(game, a, b):
    """Let both generators learn; return what each paid: two scalars."""
    there, back = game.there, game.back
    G, F = (lambda pictures, side=side: side.generator(None, pictures) for side in (there, back))
    fake_b, fake_a = G(a), F(b)
    with frozen(there.discriminator), frozen(back.discriminator):
        paid_there = there.loss.generator(there.discriminator(fake_b, a))
        paid_back = back.loss.generator(back.discriminator(fake_a, b))
    # There and back again: it must be what it was, or any summer could become any winter
    if game.cycle:
        paid_there = paid_there + game.cycle * (F(fake_b) - a).abs().mean()
        paid_back = paid_back + game.cycle * (G(fake_a) - b).abs().mean()
    # What is winter already should stay as it is
    if game.identity:
        paid_there = paid_there + game.identity * (G(b) - b).abs().mean()
        paid_back = paid_back + game.identity * (F(a) - a).abs().mean()
    back.g_optimizer.zero_grad()
    learn(there, there.g_optimizer, paid_there + paid_back, "criminals")  # the gradient reaches both
    back.g_optimizer.step()
    for side in (there, back):
        side.update_average()
    return paid_there.detach(), paid_back.detach()
