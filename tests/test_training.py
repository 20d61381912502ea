"""The game: who learns when, how long, and that stopping and going on changes no bit."""

import copy
import io
import math
import os
import re
import signal
import threading

import pytest
import torch

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    History,
    discriminator_step,
    generator_step,
    non_saturating,
    to_float,
    train,
    wasserstein_gp,
)
from gans_workshop.training import next_batch

# One step


def test_a_discriminator_step_changes_no_bit_of_the_generator(make_gan, digits, bits, same):
    gan = make_gan()
    train(gan, digits, steps=2)
    before = {name: bits(getattr(gan, name)) for name in ("generator", "average", "g_optimizer", "discriminator")}
    discriminator_step(gan, to_float(digits[:32]))
    assert same(before["generator"], bits(gan.generator))
    assert same(before["average"], bits(gan.average))
    assert same(before["g_optimizer"], bits(gan.g_optimizer))
    assert not same(before["discriminator"], bits(gan.discriminator))


def test_a_generator_step_changes_no_bit_of_the_discriminator(make_gan, digits, bits, same):
    gan = make_gan()
    train(gan, digits, steps=2)
    before = {name: bits(getattr(gan, name)) for name in ("discriminator", "d_optimizer", "generator")}
    generator_step(gan, 32)
    assert same(before["discriminator"], bits(gan.discriminator))
    assert same(before["d_optimizer"], bits(gan.d_optimizer))
    assert not same(before["generator"], bits(gan.generator))


def test_after_a_step_every_weight_can_learn_again(make_gan, digits):
    gan = make_gan()
    discriminator_step(gan, to_float(digits[:8]))
    generator_step(gan, 8)
    for network in (gan.generator, gan.discriminator):
        assert all(p.requires_grad for p in network.parameters())
        assert all(m.track_running_stats for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d))


def test_the_steps_equal_textbook_steps_written_by_hand(make_gan, digits):
    gan = make_gan()
    generator, discriminator = copy.deepcopy(gan.generator), copy.deepcopy(gan.discriminator)
    d_adam = torch.optim.Adam(discriminator.parameters(), lr=3e-3, betas=(0.5, 0.999))
    real, noise = to_float(digits[:32]), gan.random.clone_state()
    packaged_loss, packaged_real, packaged_fake, *_ = discriminator_step(gan, real)

    fake = generator(torch.randn(32, 64, generator=noise)).detach()
    p_real, p_fake = discriminator(real).sigmoid(), discriminator(fake).sigmoid()
    d_loss = -p_real.log().mean() - (1 - p_fake).log().mean()
    d_adam.zero_grad()
    d_loss.backward()
    d_adam.step()
    assert packaged_loss == pytest.approx(d_loss.item(), rel=1e-4)
    assert (packaged_real, packaged_fake) == pytest.approx((p_real.mean().item(), p_fake.mean().item()), rel=1e-4)
    for theirs, mine in zip(gan.discriminator.parameters(), discriminator.parameters()):
        torch.testing.assert_close(theirs.grad, mine.grad, rtol=1e-3, atol=1e-4)

    discriminator.load_state_dict(gan.discriminator.state_dict())
    packaged_loss = generator_step(gan, 32)
    g_loss = -discriminator(generator(torch.randn(32, 64, generator=noise))).sigmoid().log().mean()
    g_loss.backward()
    assert packaged_loss == pytest.approx(g_loss.item(), rel=1e-3)
    for theirs, mine in zip(gan.generator.parameters(), generator.parameters()):
        torch.testing.assert_close(theirs.grad, mine.grad, rtol=1e-2, atol=1e-4)


def test_k_discriminator_steps_are_really_k(make_gan, digits):
    gan = make_gan()
    train(gan, digits, steps=3, d_steps=5, batch_size=16)
    steps = [
        {state["step"].item() for state in optimizer.state.values()} for optimizer in (gan.d_optimizer, gan.g_optimizer)
    ]
    assert steps == [{15}, {3}]
    assert gan.step == 3 and gan.seen == 3 * 5 * 16


def test_a_penalty_and_an_augmentation_are_played_by_both_sides(make_gan, digits):
    gan, looked_at = make_gan(), []

    def shift(images):
        looked_at.append(tuple(images.shape))
        return images.roll(1, dims=3)

    train(gan, digits, steps=1, batch_size=8, augment=shift, loss=wasserstein_gp)
    assert looked_at == [(8, 1, 28, 28)] * 3  # real and fake for D, fake for G
    plain = non_saturating._replace(penalty=lambda network, real, fake: torch.tensor(100.0))
    loss, *_ = discriminator_step(gan, to_float(digits[:8]), loss=plain)
    assert 100 < loss < 120


# The data


def test_every_epoch_shows_each_picture_once_in_another_order(make_gan):
    gan = make_gan()
    images = torch.arange(10, dtype=torch.uint8).reshape(10, 1, 1, 1).expand(10, 1, 28, 28)
    seen = torch.cat([next_batch(gan, images, 4)[:, 0, 0, 0] for _ in range(10)])
    epochs = ((seen + 1) * 127.5).round().int().reshape(4, 10)
    assert all(sorted(epoch.tolist()) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch.tolist()) for epoch in epochs}) == 4


def test_a_data_set_smaller_than_a_batch_trains_with_a_smaller_batch(make_gan, digits, capsys):
    gan = make_gan()
    train(gan, digits[:10], steps=2, batch_size=64)
    assert "10 pictures are fewer than a batch of 64" in capsys.readouterr().out
    assert gan.seen == 20


def test_float_pictures_are_taken_as_they_are(make_gan, digits, bits, same):
    a, b = make_gan(), make_gan()
    train(a, digits, steps=2)
    train(b, to_float(digits), steps=2)
    assert same(bits(a), bits(b))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda x: x.float() / 255, "from 0 to 1, .*images \\* 2 - 1"),
        (lambda x: x.float(), "images / 127.5 - 1"),
        (lambda x: x.long(), "int64 from 0 to 255"),
        (lambda x: to_float(x) * torch.nan, "nan"),
        (lambda x: x.permute(0, 2, 3, 1), "channels come last: use images.permute"),
        (lambda x: x[:, 0], "images\\[:, None\\]"),
        (lambda x: x[:, :, :14], "\\(200, 1, 14, 28\\)"),
        (lambda x: x.expand(-1, 3, -1, -1), "draws \\(1, 28, 28\\)"),
        (lambda x: x[:0], "\\(0, 1, 28, 28\\)"),
    ],
)
def test_pictures_that_cannot_be_used_are_refused_in_one_sentence(make_gan, digits, bits, same, spoil, words):
    gan = make_gan()
    before = bits(gan)
    with pytest.raises(ValueError, match=words) as refusal:
        train(gan, spoil(digits), steps=1)
    assert "\n" not in str(refusal.value)
    assert same(before, bits(gan))


def test_an_almost_black_data_set_is_no_error(make_gan):
    train(make_gan(), torch.zeros(8, 1, 28, 28, dtype=torch.uint8), steps=1, batch_size=8)


# The budget


@pytest.mark.parametrize(
    "budget", [{"minutes": 0}, {"minutes": -1}, {"steps": 0}, {"epochs": float("nan")}, {"minutes": float("inf")}]
)
def test_a_budget_of_nothing_is_refused(make_gan, digits, budget):
    with pytest.raises(ValueError, match="leaves nothing to do"):
        train(make_gan(), digits, **budget)


@pytest.mark.parametrize("budget", [{}, {"minutes": 1, "steps": 1}])
def test_exactly_one_budget_must_be_given(make_gan, digits, budget):
    with pytest.raises(ValueError, match="one of minutes=, steps= or epochs="):
        train(make_gan(), digits, **budget)


def test_each_kind_of_budget_ends(make_gan, digits):
    gan = make_gan()
    train(gan, digits, steps=3, batch_size=20)
    assert gan.step == 3
    train(gan, digits, epochs=1, batch_size=20)
    assert gan.step == 3 + 10
    train(gan, digits, minutes=0.001, batch_size=20)
    assert gan.step > 13


@pytest.mark.parametrize("options", [{"batch_size": 0}, {"batch_size": -4}, {"d_steps": 0}])
def test_counts_below_one_are_refused(make_gan, digits, options):
    with pytest.raises(ValueError, match="at least 1"):
        train(make_gan(), digits, steps=1, **options)


# Going on


def test_a_run_repeats_and_a_run_in_two_parts_is_the_same_run(make_gan, digits, bits, same):
    whole, again, parts, other = make_gan(), make_gan(), make_gan(), make_gan(seed=1)
    train(whole, digits, steps=9)
    train(again, digits, steps=9)
    train(parts, digits, steps=4)
    parts.sample(5)  # looking changes nothing
    train(parts, digits, steps=5)
    train(other, digits, steps=9)
    assert same(bits(whole), bits(again))
    assert same(bits(whole), bits(parts))
    assert not same(bits(whole), bits(other))


def test_a_saved_state_goes_on_in_a_new_gan(make_gan, digits, bits, same):
    whole, first, second = make_gan(), make_gan(), make_gan(seed=5)
    train(whole, digits, steps=9)
    train(first, digits, steps=4)
    saved = io.BytesIO()
    torch.save(first.state_dict(), saved)
    train(first, digits, steps=3)  # must not leak into what was saved
    saved.seek(0)
    second.load_state_dict(torch.load(saved, weights_only=True))
    train(second, digits, steps=5)
    assert same(bits(whole), bits(second))
    torch.testing.assert_close(whole.sample(whole.fixed_z), second.sample(second.fixed_z), rtol=0, atol=0)


def test_the_stop_button_at_any_moment_leaves_a_game_that_goes_on_exactly(make_gan, digits, bits, same):
    whole = make_gan()
    train(whole, digits, steps=60)
    for delay in (0.05, 0.1, 0.15, 0.2, 0.25):
        gan = make_gan()
        timer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        try:
            train(gan, digits, steps=10_000)
        finally:
            timer.join()
        assert 0 < gan.step < 10_000 and gan.step == len(gan.history.steps)
        if gan.step < 60:
            train(gan, digits, steps=60 - gan.step)
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

        train(gan, digits, steps=4, loss=non_saturating._replace(**{half: press}))
        assert gan.step == 2
        train(gan, digits, steps=2)
        assert same(bits(whole), bits(gan))


def test_training_in_a_thread_needs_no_stop_button(make_gan, digits):
    gan = make_gan()
    thread = threading.Thread(target=train, args=(gan, digits), kwargs={"steps": 2})
    thread.start()
    thread.join()
    assert gan.step == 2


def test_watch_is_called_after_each_step_and_told_the_last(make_gan, digits):
    calls = []
    train(make_gan(), digits, steps=4, watch=lambda gan, done, last: calls.append((gan.step, done, last)))
    assert calls == [(1, 0.25, False), (2, 0.5, False), (3, 0.75, False), (4, 1, True)]


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
    with pytest.raises(RuntimeError, match="out of memory"):
        train(gan, digits, steps=4, watch=press, loss=non_saturating._replace(generator=fail))
    assert calls[3:] == [(2, True)]
    with pytest.raises(RuntimeError):
        train(make_gan(), digits, steps=4, watch=press, loss=non_saturating._replace(generator=fail))
    assert calls[4:] == [], "where nothing happened, there is nothing to see"


# NaN


def test_nan_stops_with_a_sentence_that_names_the_step_and_spares_the_players(make_gan, digits, bits, same):
    gan = make_gan()
    train(gan, digits, steps=3)
    before = [bits(gan.generator), bits(gan.d_optimizer), bits(gan.g_optimizer), bits(gan.average)]

    broken = non_saturating._replace(discriminator=lambda real, fake: real.mean() * torch.nan)
    with pytest.raises(FloatingPointError, match=r"At step 4 the detective's loss is nan.*smaller learning rate"):
        train(gan, digits, steps=3, loss=broken)
    after = [bits(gan.generator), bits(gan.d_optimizer), bits(gan.g_optimizer), bits(gan.average)]
    assert all(same(a, b) for a, b in zip(before, after))
    assert gan.step == 3 and len(gan.history.steps) == 4 and math.isnan(gan.history.d_loss[3])  # for the doctor

    broken = non_saturating._replace(generator=lambda fake: fake.mean() * torch.inf)
    with pytest.raises(FloatingPointError, match="At step 4 the criminal's loss"):
        train(gan, digits, steps=3, loss=broken)


# The state


def test_the_average_follows_the_generator(make_gan, digits):
    gan = make_gan()
    train(gan, digits, steps=1)
    for kept, new in zip(gan.average.parameters(), gan.generator.parameters()):
        torch.testing.assert_close(kept, new)
    before = [p.clone() for p in gan.average.parameters()]
    train(gan, digits, steps=1)
    for kept, old, new in zip(gan.average.parameters(), before, gan.generator.parameters()):
        torch.testing.assert_close(kept, old + 10 / 11 * (new - old))


def test_the_same_z_gives_the_same_picture_alone_and_in_company(make_gan, digits):
    gan = make_gan()
    train(gan, digits, steps=3)
    together = gan.sample(gan.fixed_z)
    torch.testing.assert_close(gan.sample(gan.fixed_z[7:8])[0], together[7], rtol=1e-4, atol=1e-5)
    assert together.shape == (64, 1, 28, 28) and together.abs().max() <= 1
    assert gan.sample(300).shape == (300, 1, 28, 28)


def test_players_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=re.escape("(1, 32, 32)")):
        GAN(Generator(image_size=32), Discriminator(image_size=64))
    with pytest.raises(ValueError, match="same image_size and channels"):
        GAN(Generator(channels=3), Discriminator(channels=1))


def test_a_history_of_hours_stays_small():
    history = History()
    for step in range(10_000):
        history.append(step, *range(8))
    assert sum(values.itemsize * len(values) for values in vars(history).values()) == 9 * 8 * 10_000
    copied = History()
    copied.load_state_dict(history.state_dict())
    assert copied.d_fake == history.d_fake and copied.steps[-1] == 9999
