"""The two players: each step moves one of them as the textbook says, and the state of the game can be kept."""

import copy
import io
import re

import pytest
import torch

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    discriminator_step,
    generator_step,
    non_saturating,
    to_float,
    train,
    wasserstein_gp,
)

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


# The state


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
