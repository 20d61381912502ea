"""Training: how long, watched, stopped, and that stopping and going on changes no bit."""

import math
import os
import signal
import threading
from types import SimpleNamespace

import pytest
import torch

from gans_workshop import GAN, LiveView, non_saturating, train
from gans_workshop.game import training
from gans_workshop.game.turns import next_batch, play_round

# The data


def test_every_epoch_shows_each_picture_once_in_another_order(make_gan):
    gan = make_gan()
    images = torch.arange(10, dtype=torch.uint8).reshape(10, 1, 1, 1).expand(10, 1, 28, 28)
    shown = torch.cat([next_batch(gan, images, batch_size=4)[0][:, 0, 0, 0] for _ in range(10)])
    epochs = ((shown + 1) * 127.5).round().int().reshape(4, 10)
    assert all(sorted(epoch.tolist()) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch.tolist()) for epoch in epochs}) == 4


def test_a_data_set_smaller_than_a_batch_trains_with_a_smaller_batch(make_gan, digits, capsys):
    gan = make_gan()
    train(gan, digits[:10], steps=2, batch_size=64)
    assert "10 pictures are fewer than a batch of 64" in capsys.readouterr().out
    assert gan.seen == 20


# The budget


@pytest.mark.parametrize(
    "budget",
    [
        {"minutes": 0},
        {"minutes": -1},
        {"minutes": "1"},
        {"minutes": [1]},
        {"steps": "ten"},
        {"steps": 0},
        {"steps": float("nan")},
        {"minutes": float("inf")},
    ],
)
def test_a_budget_of_nothing_is_refused(make_gan, digits, budget):
    with pytest.raises(ValueError, match="is no time to train: give a number above 0"):
        train(make_gan(), digits, **budget)


@pytest.mark.parametrize("budget", [{}, {"minutes": 1, "steps": 1}])
def test_exactly_one_budget_must_be_given(make_gan, digits, budget):
    with pytest.raises(ValueError, match="one of minutes= or steps="):
        train(make_gan(), digits, **budget)


def test_each_kind_of_budget_ends(make_gan, digits):
    gan = make_gan()
    train(gan, digits, steps=3, batch_size=20)
    assert gan.step == 3
    train(gan, digits, minutes=gan.seconds / 60 + 0.001, batch_size=20)
    assert gan.step > 3


def test_the_budget_counts_from_the_first_round(make_gan, digits, capsys):
    gan, calls = make_gan(), []
    train(gan, digits, steps=4)
    train(gan, digits, steps=6)
    assert gan.step == 6
    train(gan, digits, steps=6, watch=lambda gan, done, last: calls.append((gan.step, done, last)))
    assert gan.step == 6 and calls == [(6, 1, True)]  # the live view shows what there is
    assert "steps=6 are already done: to go on, give more, for example steps=12." in capsys.readouterr().out
    train(gan, digits, steps=3)
    assert gan.step == 6 and "for example steps=9." in capsys.readouterr().out


def test_minutes_are_those_of_training_in_all(make_gan, digits, monkeypatch):
    """A fake clock: each round takes a minute, with or without the time that a view needs for its picture."""
    now = [100.0]
    monkeypatch.setattr(training.time, "monotonic", lambda: now[0])

    def a_round(gan, images, conditions, *, batch_size):
        now[0] += 40
        play_round(gan, images, conditions, batch_size=batch_size)

    def look(gan, done, last):
        now[0] += 20

    gan = make_gan()
    train(gan, digits, minutes=3, one_round=a_round, watch=look)
    assert gan.step == 4 and gan.seconds == 220  # the last picture is not of the training
    train(gan, digits, minutes=5, one_round=a_round, watch=look)
    assert gan.step == 6 and gan.seconds == 320


@pytest.mark.parametrize("batch_size", [0, -4])
def test_an_empty_batch_is_refused(make_gan, digits, batch_size):
    with pytest.raises(ValueError, match="at least 1"):
        train(make_gan(), digits, steps=1, batch_size=batch_size)


def test_half_a_round_is_refused_and_a_round_number_taken(make_gan, digits):
    gan = make_gan()
    with pytest.raises(ValueError, match=r"steps=1\.5 must be a whole number"):
        train(gan, digits, steps=1.5)
    train(gan, digits, steps=2.0, batch_size=16.0)
    assert gan.step == 2 and gan.seen == 32 and type(gan.seen) is int


@pytest.mark.parametrize("batch_size", ["64", 1.5, [8]])
def test_a_batch_is_a_whole_number_of_pictures(make_gan, digits, batch_size):
    with pytest.raises(
        ValueError, match=r"batch_size=.* must be a whole number of at least 1, for example batch_size=2"
    ):
        train(make_gan(), digits, steps=1, batch_size=batch_size)


@pytest.mark.parametrize("watch", [LiveView, "live", True, SimpleNamespace()])
def test_who_cannot_watch_is_told_how(make_gan, digits, watch):
    with pytest.raises(ValueError, match=r"watch=.* cannot watch: write watch=LiveView\(\), with brackets"):
        train(make_gan(), digits, steps=1, watch=watch)


def test_the_game_comes_first(make_gan, digits):
    for game in (digits, GAN, None, "gan"):
        with pytest.raises(ValueError, match=r"takes a game first, made by GAN\(...\), and found a "):
            train(game, make_gan(), steps=1)


# Another round


class Counting:
    """A game that is no GAN: it counts the pictures that it is shown."""

    device = torch.device("cpu")

    def __init__(self):
        self.step, self.seconds, self.sum = 0, 0.0, 0

    def check_data(self, images, conditions):
        return images, conditions

    def state_dict(self):
        return {"step": self.step, "seconds": self.seconds, "sum": self.sum}

    def load_state_dict(self, state):
        self.step, self.seconds, self.sum = state["step"], state["seconds"], state["sum"]

    def misfit(self, state):
        return "" if "sum" in state else "plays another game"

    def is_finite(self):
        return self.sum < 100


def count(game, images, conditions, *, batch_size):
    game.sum += int(images[:batch_size].sum())
    game.step += 1


def test_any_game_is_trained_watched_and_saved(make_gan, digits, tmp_path, capsys):
    """Neither `train` nor the checkpoints know what a GAN is."""
    images, calls = torch.ones(5, 1), []
    train(Counting(), images, one_round=count, steps=3, batch_size=2, checkpoint=tmp_path)
    game = Counting()
    train(
        game, images, one_round=count, steps=5, batch_size=2, checkpoint=tmp_path, watch=lambda *a: calls.append(a[1:])
    )
    assert game.sum == 10 and calls == [(0.5, False), (1, False), (1, True)]
    assert "Going on from round 3" in capsys.readouterr().out
    with pytest.raises(ValueError, match="learns from 5 other pictures"):
        train(Counting(), torch.zeros(5, 1), one_round=count, steps=9, checkpoint=tmp_path)
    other = make_gan()
    train(other, digits, steps=1, checkpoint=tmp_path / "gan")
    with pytest.raises(ValueError, match="holds the training of a GAN that plays another game"):
        train(Counting(), digits, one_round=count, steps=9, checkpoint=tmp_path / "gan")


# Going on


def test_a_run_repeats_and_a_run_in_two_parts_is_the_same_run(make_gan, digits, bits, same):
    whole, again, parts, other = make_gan(), make_gan(), make_gan(), make_gan(seed=1)
    train(whole, digits, steps=9)
    train(again, digits, steps=9)
    train(parts, digits, steps=4)
    parts.sample(5)  # looking changes nothing
    train(parts, digits, steps=9)
    train(other, digits, steps=9)
    assert same(bits(whole), bits(again))
    assert same(bits(whole), bits(parts))
    assert not same(bits(whole), bits(other))


def test_the_stop_button_at_any_moment_leaves_a_game_that_goes_on_exactly(make_gan, digits, bits, same):
    whole = make_gan()
    train(whole, digits, steps=60)
    for delay in (0.05, 0.1, 0.15, 0.2, 0.25):
        gan = make_gan()
        timer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))

        def begin(gan, done, last, timer=timer):
            if gan.step == 1 and not last:
                timer.start()

        train(gan, digits, steps=10_000, watch=begin)
        timer.join()
        assert 0 < gan.step < 10_000 and gan.step == len(gan.history.steps)
        if gan.step < 60:
            train(gan, digits, steps=60)
            assert same(bits(whole), bits(gan))
    with pytest.raises(KeyboardInterrupt):  # afterwards the button works as ever
        signal.raise_signal(signal.SIGINT)


def test_a_stop_in_the_middle_of_a_step_waits_for_its_end(make_gan, digits, bits, same):
    """Press the button inside each of the two losses in turn: the signal comes when half of the step is done."""
    whole = make_gan()
    train(whole, digits, steps=4)

    for half in ("discriminator", "generator"):
        gan = make_gan()

        def press(*logits, gan=gan, half=half):
            if gan.step == 1:
                signal.raise_signal(signal.SIGINT)
            return getattr(non_saturating, half)(*logits)

        gan.loss = non_saturating._replace(**{half: press})
        train(gan, digits, steps=4)
        assert gan.step == 2
        train(gan, digits, steps=4)
        assert same(bits(whole), bits(gan))


def test_training_in_a_thread_needs_no_stop_button(make_gan, digits):
    gan = make_gan()
    thread = threading.Thread(target=train, args=(gan, digits), kwargs={"steps": 2})
    thread.start()
    thread.join()
    assert gan.step == 2


def test_watch_is_called_after_each_round_and_told_the_last(make_gan, digits):
    calls = []
    train(make_gan(), digits, steps=4, watch=lambda gan, done, last: calls.append((gan.step, done, last)))
    assert calls == [(1, 0.25, False), (2, 0.5, False), (3, 0.75, False), (4, 1, False), (4, 1, True)]


def test_watch_is_told_the_end_also_after_a_stop_and_an_error(make_gan, digits):
    gan, calls = make_gan(), []

    def press(gan, done, last):
        calls.append((gan.step, last))
        if gan.step == 2 and not last:
            signal.raise_signal(signal.SIGINT)

    def fail(fake):
        raise RuntimeError("out of memory")

    train(gan, digits, steps=4, watch=press)
    assert calls == [(1, False), (2, False), (2, True)]
    gan.loss = non_saturating._replace(generator=fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        train(gan, digits, steps=4, watch=press)
    assert calls[3:] == [(2, True)]


# NaN


def test_nan_stops_with_a_sentence_that_names_the_round_and_spares_the_players(make_gan, digits, bits, same):
    gan = make_gan()
    train(gan, digits, steps=3)
    before = [bits(gan.generator), bits(gan.d_optimizer), bits(gan.g_optimizer), bits(gan.average_generator)]

    gan.loss = non_saturating._replace(discriminator=lambda real, fake: real.mean() * torch.nan)
    with pytest.raises(FloatingPointError, match=r"In round 4 the detective's loss is nan.*smaller learning rate"):
        train(gan, digits, steps=6)
    after = [bits(gan.generator), bits(gan.d_optimizer), bits(gan.g_optimizer), bits(gan.average_generator)]
    assert all(same(a, b) for a, b in zip(before, after))
    assert gan.step == 3 and len(gan.history.steps) == 4 and math.isnan(gan.history.d_loss[3])  # for the doctor

    gan.loss = non_saturating._replace(generator=lambda fake: fake.mean() * torch.inf)
    with pytest.raises(FloatingPointError, match="In round 4 the criminal's loss"):
        train(gan, digits, steps=6)
