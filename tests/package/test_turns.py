"""The turns of the two players and one round: who learns from what, and who stands still."""

import copy

import pytest
import torch
import torch.nn.functional as F

from gans_workshop import (
    GAN,
    PatchDiscriminator,
    UNet,
    discriminator_step,
    generator_step,
    non_saturating,
    pix2pix,
    seed_everything,
    to_float,
    train,
    wasserstein_gp,
)
from gans_workshop.game import notes


def test_a_discriminator_step_changes_no_bit_of_the_generator(make_gan, digits, bits, same):
    gan = make_gan()
    train(gan, digits, steps=2)
    before = {
        name: bits(getattr(gan, name)) for name in ("generator", "average_generator", "g_optimizer", "discriminator")
    }
    discriminator_step(gan, to_float(digits[:32]))
    assert same(before["generator"], bits(gan.generator))
    assert same(before["average_generator"], bits(gan.average_generator))
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
    lesson = discriminator_step(gan, real)

    fake = generator(torch.randn(32, 64, generator=noise)).detach()
    p_real, p_fake = discriminator(real).sigmoid(), discriminator(fake).sigmoid()
    d_loss = -p_real.log().mean() - (1 - p_fake).log().mean()
    d_adam.zero_grad()
    d_loss.backward()
    d_adam.step()
    torch.testing.assert_close(lesson.d_loss, d_loss.detach(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(lesson.real_logits.sigmoid(), p_real.detach(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(lesson.fake_logits.sigmoid(), p_fake.detach(), rtol=1e-4, atol=1e-5)
    assert torch.equal(lesson.real, real)
    torch.testing.assert_close(lesson.fake, fake, rtol=1e-4, atol=1e-5)
    for theirs, mine in zip(gan.discriminator.parameters(), discriminator.parameters()):
        torch.testing.assert_close(theirs.grad, mine.grad, rtol=1e-3, atol=1e-4)

    discriminator.load_state_dict(gan.discriminator.state_dict())
    packaged_loss = generator_step(gan, 32).item()
    g_loss = -discriminator(generator(torch.randn(32, 64, generator=noise))).sigmoid().log().mean()
    g_loss.backward()
    assert packaged_loss == pytest.approx(g_loss.item(), rel=1e-3)
    for theirs, mine in zip(gan.generator.parameters(), generator.parameters()):
        torch.testing.assert_close(theirs.grad, mine.grad, rtol=1e-2, atol=1e-4)


def test_k_discriminator_steps_are_really_k(make_gan, digits):
    gan = make_gan(d_steps=5)
    train(gan, digits, steps=3, batch_size=16)
    steps = [
        {state["step"].item() for state in optimizer.state.values()} for optimizer in (gan.d_optimizer, gan.g_optimizer)
    ]
    assert steps == [{15}, {3}]
    assert gan.step == 3 and gan.seen == 3 * 5 * 16


def test_a_penalty_and_an_augmentation_are_played_by_both_sides(make_gan, digits):
    looked_at = []

    def shift(images):
        looked_at.append(tuple(images.shape))
        return images.roll(1, dims=3)

    gan = make_gan(augment=shift, loss=wasserstein_gp)
    train(gan, digits, steps=1, batch_size=8)
    assert looked_at == [(8, 1, 28, 28)] * 3  # real and fake for D, fake for G
    gan.loss = non_saturating._replace(penalty=lambda network, real, fake: torch.tensor(100.0))
    assert 100 < discriminator_step(gan, to_float(digits[:8])).d_loss < 120


def test_nothing_is_measured_twice_in_a_round(make_gan, digits, monkeypatch):
    """With five turns for D as with one: the doctor's numbers come from the last turn."""
    calls = []
    for name in ("variety", "detect_rate", "gradient_length"):
        whole = getattr(notes, name)
        monkeypatch.setattr(notes, name, lambda *a, name=name, whole=whole: calls.append(name) or whole(*a))
    train(make_gan(d_steps=5), digits, steps=2, batch_size=8)
    assert sorted(calls) == ["detect_rate"] * 2 + ["gradient_length"] * 4 + ["variety"] * 2


def test_a_step_takes_stored_pictures_and_a_number_of_fakes(make_gan, digits, bits, same):
    a, b = make_gan(), make_gan()
    discriminator_step(a, digits[:8])
    discriminator_step(b, to_float(digits[:8]))
    assert same(bits(a), bits(b))
    with pytest.raises(ValueError, match=r"count=tensor.* must be a whole number"):
        generator_step(a, digits[:8])


@pytest.mark.parametrize("turn", ["discriminator", "generator"])
@pytest.mark.parametrize(
    "spoil", [lambda loss: loss.expand(8, 1), lambda loss: loss.item(), lambda loss: loss.detach()]
)
def test_a_loss_of_ones_own_must_be_one_number_made_of_logits(make_gan, digits, turn, spoil):
    gan = make_gan()
    whole = getattr(non_saturating, turn)
    gan.loss = non_saturating._replace(**{turn: lambda *logits: spoil(whole(*logits))})
    player = {"discriminator": "detective", "generator": "criminal"}[turn]
    with pytest.raises(ValueError, match=rf"The {player}'s loss must be one number, .* end it with .mean\(\)"):
        train(gan, digits, steps=1, batch_size=8)


def test_g_pays_for_being_unlike_the_answer_beside_ds_opinion_of_the_pair():
    seed_everything(0)
    given, real = torch.rand(4, 1, 32, 32) * 2 - 1, torch.rand(4, 3, 32, 32) * 2 - 1
    gan = GAN(UNet(width=4), PatchDiscriminator(width=4), loss=pix2pix, fixed_condition=given)
    generator, discriminator = copy.deepcopy(gan.generator), copy.deepcopy(gan.discriminator)
    paid = generator_step(gan, 4, given, real)
    fake = generator(None, given)
    opinion = F.softplus(-discriminator.layers(torch.cat([given, fake], 1))).mean()
    wanted = opinion + 100 * (fake - real).abs().mean()
    torch.testing.assert_close(paid, wanted.detach())
    wanted.backward()
    for theirs, mine in zip(gan.generator.parameters(), generator.parameters()):
        torch.testing.assert_close(theirs.grad, mine.grad, rtol=1e-3, atol=1e-5)


def test_ds_turn_leaves_the_condition_to_be_measured():
    given = torch.rand(4, 1, 32, 32) * 2 - 1
    gan = GAN(UNet(width=2), PatchDiscriminator(width=2), loss=pix2pix, fixed_condition=given)
    lesson = discriminator_step(gan, torch.rand(4, 3, 32, 32) * 2 - 1, given)
    assert torch.equal(lesson.condition, given)
