"""Train a game: how long, watched, saved, stopped. Nothing here knows what a GAN is: `turns.py` does."""

import math
import time

from gans_workshop.device import stop_button
from gans_workshop.files.checkpoints import CheckpointKeeper
from gans_workshop.game.images import check, whole
from gans_workshop.game.turns import play_round


def train(
    gan,
    images,
    *,
    conditions=None,
    one_round=play_round,
    minutes=None,
    steps=None,
    batch_size=64,
    watch=None,
    checkpoint=None,
):
    """Play rounds until the budget is spent or the stop button is pressed; run it again to do what is left.

    The budget is `minutes` or `steps` (rounds), counted in all from the first round, however often you stopped: to
    train on, give more. `one_round(gan, images, conditions, batch_size=...)` plays a round. `watch(gan, done, last)`
    is called after each, with the part of the budget that is spent, 0 to 1, and with last=True at the end, however it
    came. With a folder as `checkpoint` the training is saved there every minute, and goes on there after a restart.

    Shapes: images (N, C, H, W), uint8 0..255 or float -1..1; conditions None, or one for each picture.
    Raises: ValueError: a sentence on pictures or budget; FloatingPointError: 'In round ... the ...'s loss is nan ...'
    """
    _check_game(gan, watch)
    images, conditions = gan.check_data(images, conditions)
    batch_size = _check_batch_size(batch_size, len(images))
    name, amount = _check_budget({"minutes": minutes, "steps": steps})
    keeper = CheckpointKeeper(checkpoint, gan, (images, conditions))

    def spent():
        return gan.seconds / 60 if name == "minutes" else gan.step

    start, clock = spent(), time.monotonic()
    if done := int(start >= amount):
        more = math.ceil(start + amount)
        print(f"{name}={amount} are already done: to go on, give more, for example {name}={more}.")
    with stop_button() as stop:
        try:
            while done < 1 and not stop.pressed:
                one_round(gan, images, conditions, batch_size=batch_size)

                before, clock = clock, time.monotonic()
                gan.seconds += clock - before
                done = min(1, (spent() - start) / (amount - start))
                if watch:
                    watch(gan, done, False)
                keeper.after_round(gan)
        finally:  # also after an error: above all a loss that is no number wants to be seen
            if watch:
                watch(gan, done, True)
        keeper.finish(gan)


def _check_game(game, watch):
    is_game = hasattr(game, "check_data") and not isinstance(game, type)
    check(is_game, f"train(gan, images) takes a game first, made by GAN(...), and found a {type(game).__name__}.")
    can_watch = not watch or (callable(watch) and not isinstance(watch, type))
    check(can_watch, f"watch={watch!r} cannot watch: write watch=LiveView(), with brackets, and without quotes.")


def _check_batch_size(batch_size, count):
    batch_size = whole("batch_size", batch_size)
    if batch_size > count:
        print(f"{count} pictures are fewer than a batch of {batch_size}: each batch now has {count}.")
    return min(batch_size, count)


def _check_budget(budgets):
    """Return name and amount of the one budget that was given."""
    given = {name: amount for name, amount in budgets.items() if amount is not None}
    if len(given) != 1:
        raise ValueError(f"Say how long to train with one of {'= or '.join(budgets)}=; found {given or 'none'}.")
    ((name, amount),) = given.items()
    number = hasattr(amount, "__float__") and 0 < amount < math.inf
    check(number, f"{name}={amount!r} is no time to train: give a number above 0, for example {name}=2.")
    return name, whole(name, amount) if name == "steps" else amount
