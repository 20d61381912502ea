"""What is noted of each round: once, small, and read from older versions too."""

import math

import pytest
import torch

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    PatchDiscriminator,
    UNet,
    discriminator_step,
    load_digits,
    pix2pix,
    to_float,
    train,
)
from gans_workshop.game.notes import (
    EVERY,
    NOTES,
    History,
    compare_classes,
    contrast,
    detect_rate,
    draw_for_labels,
    gradient_length,
    label_effect,
    opinion_push,
    variety,
)


def test_a_history_of_hours_stays_small():
    history = History()
    for step in range(10_000):
        history.append(dict.fromkeys(NOTES, 0.5) | {"steps": step})
    assert sum(values.itemsize * len(values) for values in vars(history).values()) == len(NOTES) * 8 * 10_000
    copied = History()
    copied.load_state_dict(history.state_dict())
    assert copied.d_fake == history.d_fake and copied.steps[-1] == 9999


def test_each_round_has_a_number_for_each_name(make_gan, digits):
    gan = make_gan()
    train(gan, digits, steps=3, batch_size=16)
    assert set(vars(gan.history)) == set(NOTES)
    assert list(gan.history.steps) == [1, 2, 3]
    for name in NOTES:
        values = getattr(gan.history, name)
        told = name in ("label_effect", "label_use", "class_variety", "poorest_class", "opinion_push", "contrast")
        assert len(values) == 3 and all(math.isnan(value) if told else math.isfinite(value) for value in values)
    gradient = torch.cat([p.grad.flatten() for p in gan.discriminator.parameters()])
    torch.testing.assert_close(torch.tensor(gan.history.d_slope[-1]), gradient.norm(), rtol=1e-5, atol=0)


def test_what_is_not_known_is_nan():
    history = History()
    history.append({"steps": 7})
    assert list(history.steps) == [7] and math.isnan(history.variety[0])


# What is measured


def test_the_hit_rate_counts_the_pairs_that_d_gets_right():
    real = torch.tensor([[3.0], [1.0]])
    assert detect_rate(real, torch.tensor([[0.0], [-1.0]])) == 1
    assert detect_rate(real, torch.tensor([[4.0], [5.0]])) == 0
    assert detect_rate(real, torch.tensor([[2.0], [1.0], [0.0]])) == pytest.approx((3 + 0 + 0.5 + 1) / 6)
    assert detect_rate(real, real) == 0.5


def test_variety_is_one_for_other_real_digits_and_zero_for_one_digit():
    digits = to_float(load_digits()[0])
    real, others = digits[:64], digits[64:128]
    assert variety(others, real) == pytest.approx(1, abs=0.15)
    one = others[:1].expand(64, -1, -1, -1)
    assert variety(one, real) < 0.01
    assert variety(one + 0.02 * torch.randn(64, 1, 28, 28), real) < 0.12


@pytest.mark.parametrize("few", [8, 40])
def test_a_real_picture_shown_twice_in_a_batch_does_not_count_as_alike(few):
    digits = to_float(load_digits()[0])
    real, fake = digits[:few], digits[few : 2 * few]
    assert variety(fake, torch.cat([real, real])[:64]) == pytest.approx(float(variety(fake, real)), rel=0.2)


def test_variety_means_the_same_for_any_size_and_colour():
    for shape in [(16, 1, 16, 16), (200, 3, 64, 64)]:
        assert variety(torch.rand(shape), torch.rand(shape)) == pytest.approx(1, abs=0.1)


def test_a_batch_of_one_and_equal_real_pictures_stop_nothing(make_gan, digits):
    train(make_gan(), torch.zeros(8, 1, 28, 28, dtype=torch.uint8), steps=2, batch_size=4)
    gan = make_gan()
    train(gan, digits, steps=2, batch_size=1)
    assert len(gan.history.variety) == 2


def test_the_length_of_a_gradient():
    network = torch.nn.Linear(2, 1)
    (3 * network(torch.tensor([[0.0, 4 / 3]]))).sum().backward()  # slopes 0, 4 and, for the bias, 3
    assert gradient_length(network) == pytest.approx(5)


# What the labels do


def labelled_gan(classes=3):
    torch.manual_seed(0)
    gan = GAN(Generator(width=2, classes=classes), Discriminator(width=2, classes=classes))
    for layer in gan.average_generator.modules():  # as lively as after a training
        if isinstance(layer, torch.nn.Linear):
            torch.nn.init.normal_(layer.weight, 0, 1)
    return gan


def columns_of_labels(gan):
    return gan.average_generator.layers[0].weight[:, 64:]  # the weights of the one-hot label


def test_the_labels_are_looked_at_every_tenth_round(digits):
    labels = torch.arange(len(digits)) % 3
    gan, twin = labelled_gan(), labelled_gan()
    train(gan, digits, conditions=labels, steps=EVERY + 2, batch_size=8)
    for name in ("label_effect", "label_use", "class_variety", "poorest_class"):
        values = getattr(gan.history, name)
        assert [i for i, value in enumerate(values) if math.isfinite(value)] == [0, EVERY], name
    dice = gan.random.get_state()
    draw_for_labels(gan)
    assert torch.equal(dice, gan.random.get_state()), "looking throws no dice"
    assert torch.equal(twin.fixed_z, gan.fixed_z)


def test_a_label_without_effect_is_noticed():
    gan = labelled_gan()
    assert label_effect(draw_for_labels(gan)) > 0.1
    with torch.no_grad():
        columns_of_labels(gan).zero_()
    assert label_effect(draw_for_labels(gan)) < 1e-3


def test_a_class_that_is_drawn_as_another_one_is_noticed():
    gan = labelled_gan(5)
    with torch.no_grad():
        columns_of_labels(gan).mul_(4)
        share, _ = compare_classes(draw_for_labels(gan))
        assert share > 0.3
        columns_of_labels(gan)[:, 3] = columns_of_labels(gan)[:, 1]
    share, row = compare_classes(draw_for_labels(gan))
    assert share < 0.01 and row in (1, 3)


def test_a_class_that_is_one_picture_is_noticed():
    asked = torch.randn(5, 8, 100, generator=torch.Generator().manual_seed(0))
    share, row = compare_classes(asked)
    assert share > 0.8
    asked[2] = asked[2, :1] + 0.01 * asked[2]
    share, row = compare_classes(asked)
    assert share < 0.02 and row == 2


# What was given and what was made of it


def painter(**options):
    given = torch.rand(8, 1, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    players = UNet(image_size=32, width=2), PatchDiscriminator(image_size=32, width=2)
    return GAN(*players, fixed_condition=given, **options), given


def test_the_part_of_d_in_the_push_is_that_of_the_two_gradients():
    gan, given = painter(loss=pix2pix)
    lesson = discriminator_step(gan, given.expand(-1, 3, -1, -1), given)
    fake = lesson.fake.clone().requires_grad_()
    paid = pix2pix.generator(gan.discriminator.layers(torch.cat([given, fake], 1))), pix2pix.likeness(fake, lesson.real)
    of_d, of_likeness = (torch.autograd.grad(part, fake)[0].norm() for part in paid)
    torch.testing.assert_close(opinion_push(gan, lesson), of_d / (of_d + of_likeness))
    assert all(weights.requires_grad for weights in gan.discriminator.parameters())


def test_the_push_is_none_where_d_has_no_say_and_all_where_it_says_all():
    alone = pix2pix._replace(generator=lambda logits: 0 * logits.mean())
    for loss, wanted in ((alone, 0), (pix2pix._replace(likeness=lambda fake, real: 0 * fake.mean()), 1)):
        gan, given = painter(loss=loss)
        assert opinion_push(gan, discriminator_step(gan, given.expand(-1, 3, -1, -1), given)) == pytest.approx(wanted)


def test_the_push_is_looked_at_every_tenth_round_and_the_contrast_in_each():
    gan, given = painter(loss=pix2pix)
    train(gan, given.expand(-1, 3, -1, -1), conditions=given, steps=11, batch_size=4)
    assert [math.isfinite(number) for number in gan.history.opinion_push] == [True] + 9 * [False] + [True]
    assert all(math.isfinite(number) for number in gan.history.contrast)


def test_an_empty_sheet_has_no_contrast_and_the_right_answers_have_one():
    gan, given = painter(loss=pix2pix)
    lesson = discriminator_step(gan, given.expand(-1, 3, -1, -1), given)
    assert contrast(lesson._replace(fake=torch.ones_like(lesson.real))) == 0
    assert contrast(lesson._replace(fake=lesson.real)) == 1
    for condition in (None, torch.zeros(8)):
        assert contrast(lesson._replace(condition=condition)).isnan()
