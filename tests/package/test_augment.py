"""Augmentation: one change for each picture, of the stated strength, and a way through for G's gradient."""

import pytest
import torch

from gans_workshop import GAN, Discriminator, Generator, cut_out, shift, train


def both(images):
    return cut_out(shift(images))


PARTS = [shift, cut_out, both]


@pytest.fixture(autouse=True)
def same_luck():
    torch.manual_seed(0)


@pytest.mark.parametrize("augment", PARTS)
@pytest.mark.parametrize("shape", [(5, 1, 28, 28), (5, 3, 32, 32), (1, 3, 64, 64), (2, 3, 16, 20)])
def test_the_shape_stays_and_the_pictures_change(augment, shape):
    images = torch.rand(shape) * 2 - 1
    before = images.clone()
    changed = augment(images)
    assert changed.shape == shape and changed.dtype == images.dtype
    assert torch.equal(images, before), "the pictures that came in are left alone"
    assert not torch.equal(changed, images)


@pytest.mark.parametrize("augment", PARTS)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_gradient_is_that_of_the_pictures(augment, channels):
    def with_the_same_luck(images):
        torch.manual_seed(3)
        return augment(images)

    images = torch.rand(2, channels, 8, 8, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(with_the_same_luck, (images,))


@pytest.mark.parametrize("augment", PARTS)
def test_each_picture_has_its_own_luck(augment):
    picture = torch.rand(1, 3, 32, 32) * 2 - 1
    changed = augment(picture.expand(20, -1, -1, -1))
    assert len({one.numpy().tobytes() for one in changed}) >= 15
    assert not torch.equal(augment(picture), augment(picture)), "and another one the next time"


@pytest.mark.parametrize("augment", PARTS)
def test_no_picture_leaks_into_another(augment):
    images = torch.rand(6, 3, 16, 16, requires_grad=True)
    augment(images)[2].sum().backward()
    touched = images.grad.abs().sum((1, 2, 3)) > 0
    assert touched.tolist() == [False, False, True, False, False, False]


def test_a_shift_moves_whole_pixels_by_an_eighth_at_most_and_grey_comes_in():
    image = torch.arange(1.0, 257).view(1, 1, 16, 16)
    moves = set()
    for shifted in shift(image.expand(400, -1, -1, -1)):
        matches = [
            (y, x)
            for y in range(-2, 3)
            for x in range(-2, 3)
            if torch.equal(shifted[0, 8 + y, 4 + x : 12 + x], image[0, 0, 8, 4:12])
        ]
        assert len(matches) == 1
        ((y, x),) = matches
        assert (shifted == 0).sum() == 256 - (16 - abs(y)) * (16 - abs(x))
        moves.add((y, x))
    assert len(moves) == 25, "every shift occurs"


def test_a_hole_is_a_square_of_half_the_side_or_what_the_edge_leaves_of_it():
    holes = cut_out(torch.ones(500, 3, 32, 32)) == 0
    assert (holes == holes[:, :1]).all(), "the same in all channels"
    rows, columns = holes[:, 0].any(2).sum(1), holes[:, 0].any(1).sum(1)
    assert torch.equal(holes[:, 0].flatten(1).sum(1), rows * columns), "a full rectangle"
    assert rows.min() == columns.min() == 8 and rows.max() == columns.max() == 16
    assert holes[:, 0].any(0).all(), "anywhere"


def test_channels_last_stays_so():
    images = torch.rand(4, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    assert both(images).is_contiguous(memory_format=torch.channels_last)


def test_it_fits_into_training_and_both_players_learn_through_it(digits):
    gan = GAN(Generator(width=4), Discriminator(width=4), augment=both)
    before = [network.layers[0].weight.clone() for network in (gan.generator, gan.discriminator)]
    train(gan, digits, steps=2)
    after = [network.layers[0].weight for network in (gan.generator, gan.discriminator)]
    assert not any(torch.equal(a, b) for a, b in zip(before, after))
