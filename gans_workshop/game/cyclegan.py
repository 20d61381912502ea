"""Without pairs: two generators, there and back, and two detectives; what comes back must be what went in."""

import torch

from gans_workshop.files.mapped import bring
from gans_workshop.game.images import check, check_images, to_float
from gans_workshop.game.models import frozen
from gans_workshop.game.notes import measure
from gans_workshop.game.turns import discriminator_step, learn, next_batch

SIDES = ("there", "back")


class CycleGAN:
    """Two games played together: `there` turns pictures of the first pile into the second's, `back` the other way.

    Each detective sees pictures alone, real or made, and no pair is ever known. there, back: GANs whose generators are
    given pictures: GAN(UNet(given_channels=3), PatchDiscriminator(given_channels=0), fixed_condition=summer[:12]).
    `cycle` is the weight of coming back, `identity` that of leaving alone what is of the other pile already; 0 is
    without. Play it with `train(game, first, conditions=second, one_round=cycle_round)`.
    Raises: ValueError: 'Both games must draw ...'. Source: Zhu et al. 2017.
    """

    classes, class_names = 0, None

    def __init__(self, there, back, *, cycle=10, identity=5):
        shapes = {game.picture_shape for game in (there, back)}
        check(len(shapes) == 1, f"Both games must draw pictures of one shape, and these draw {sorted(shapes)}.")
        given = all(getattr(game.fixed_condition, "shape", ())[1:] == game.picture_shape for game in (there, back))
        hint = "make them with fixed_condition=, some pictures of their pile, all of one shape"
        check(given, f"Both games must be given pictures like those that they draw: {hint}.")
        apart = there.seed != back.seed  # else piles that are torn pairs are walked through in step: pairs in disguise
        check(apart, f"Both games have seed={there.seed}: give one of them another seed, so that no pair meets.")
        usual = all(game.d_steps == 1 and not game.loss.likeness for game in (there, back))
        check(usual, "A CycleGAN plays with d_steps=1 and a loss without likeness, such as loss=least_squares.")
        self.there, self.back, self.cycle, self.identity = there, back, cycle, identity
        self.device, self.picture_shape, self.seconds = there.device, there.picture_shape, 0.0

    step = property(lambda self: self.there.step)
    history = property(lambda self: self.there.history)  # of the way there; that of the other is back.history
    fixed_condition = property(lambda self: self.there.fixed_condition)

    def __getattr__(self, name):
        found = f"A CycleGAN has no {name!r}: its two GANs are .there and .back"
        raise AttributeError(f"{found}, and train(game, ..., one_round=cycle_round) plays it.")

    def check_data(self, images, conditions=None):
        """Return both piles, first and second, on the device; they may have different numbers of pictures."""
        two = conditions is not None
        check(two, "Two piles are needed: train(game, summer, conditions=winter, one_round=cycle_round).")
        piles = [check_images(pile, shape=self.picture_shape) for pile in (images, conditions)]
        same = piles[0].shape == piles[1].shape and torch.equal(*piles)
        check(not same, "Both piles are the same pictures: there would be nothing to translate.")
        fewer, more = sorted(map(len, piles))
        if fewer < more:
            print(f"The piles have {fewer:,} and {more:,} pictures: the larger one is walked through more slowly.")
        return [bring(pile, self.device) for pile in piles]

    def preview(self):
        """Draw where the fixed pictures of the first pile go, (N, C, H, W) in [-1, 1]."""
        return self.there.preview()

    def there_and_again(self, pictures):
        """Translate pictures there, and back again: (N, C, H, W) -> two of the same shape, in [-1, 1]."""
        there = self.there.sample(len(pictures), pictures)
        return there, self.translate_back(there)

    @torch.no_grad()
    def translate_back(self, pictures):
        """Make pictures of the first pile from those of the second, real or made: (N, C, H, W) -> the same shape."""
        parts = to_float(pictures).to(self.device).split(256)  # not by `sample`: made ones may be all bright
        return torch.cat([self.back.average_generator(None, part) for part in parts])

    def state_dict(self):
        """Return a copy of the state of both games."""
        sides = {side: getattr(self, side).state_dict() for side in SIDES}
        return sides | {name: getattr(self, name) for name in ("step", "seconds", "cycle", "identity")}

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
    b, _ = next_batch(back, conditions, batch_size=batch_size)

    # Pass 1: each detective learns, from real pictures of its pile and from translated ones
    lesson_there = discriminator_step(there, b, a)
    lesson_back = discriminator_step(back, a, b)

    # Pass 2: both criminals learn, together
    bills = criminals_step(game, a, b)

    # Without the condition: what was given and what is real are no pair, which the notes would compare
    there.count_round(measure(there, lesson_there._replace(condition=None), bills[0]))
    back.count_round(measure(back, lesson_back._replace(condition=None), bills[1]))


def criminals_step(game, a, b):
    """Let both generators learn, whose gradients go through each other; return what each paid, two scalars."""
    bills = criminals_bills(game, a, b)
    game.back.g_optimizer.zero_grad()
    learn(game.there, game.there.g_optimizer, sum(bills), "criminal")
    game.back.g_optimizer.step()
    for side in (game.there, game.back):
        side.update_average()
    return [bill.detach() for bill in bills]


def criminals_bills(game, a, b):
    """Return what the criminals pay for a batch of each pile, a and b (N, C, H, W): there and back, two scalars."""
    there, back = game.there, game.back
    G, F = (lambda pictures, side=side: side.generator(None, pictures) for side in (there, back))
    fake_b, fake_a = G(a), F(b)
    with frozen(there.discriminator), frozen(back.discriminator):
        bills = [
            there.loss.generator(there.discriminator(there.augment(fake_b), a)),
            back.loss.generator(back.discriminator(back.augment(fake_a), b)),
        ]
    if game.cycle:  # there and back again it must be what it was, or any summer could become any winter
        bills[0] = bills[0] + game.cycle * (F(fake_b) - a).abs().mean()
        bills[1] = bills[1] + game.cycle * (G(fake_a) - b).abs().mean()
    if game.identity:  # what is winter already stays as it is
        bills[0] = bills[0] + game.identity * (G(b) - b).abs().mean()
        bills[1] = bills[1] + game.identity * (F(a) - a).abs().mean()
    return bills
