"""Pictures as numbers: bytes and floats, and what is refused in one sentence."""

import numpy as np
import pytest
import torch
from PIL import Image

from gans_workshop import to_float, train
from gans_workshop.game.images import check_images, to_uint8


def test_scaling_is_what_the_page_says():
    assert to_float(torch.tensor([0, 255], dtype=torch.uint8)).tolist() == [-1, 1]
    floats = torch.tensor([-0.5, 0.25])
    assert to_float(floats) is floats


def test_float_pictures_are_taken_as_they_are(make_gan, digits, bits, same):
    a, b = make_gan(), make_gan()
    train(a, digits, steps=2)
    train(b, to_float(digits), steps=2)
    assert same(bits(a), bits(b))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda x: x.float() / 255, "from 0 to 1 .*images \\* 2 - 1"),
        (lambda x: x.float(), "images / 127.5 - 1"),
        (lambda x: x.long(), "int64 from 0 to 255"),
        (lambda x: to_float(x) * torch.nan, "NaN, not numbers"),
        (lambda x: list(x), "are a list, not one tensor .*torch.stack"),
        (lambda x: [Image.fromarray(picture[0].numpy()) for picture in x], "are a list"),
        (lambda x: torch.utils.data.DataLoader(x), "are a DataLoader"),
        (lambda x: x.numpy().transpose(0, 2, 3, 1), r"channels come last, so use images.transpose\(0, 3, 1, 2\)"),
        (lambda x: x.numpy().astype(object), "are a ndarray, not one tensor"),
        (lambda x: x[0], "one picture needs images.None."),
        (lambda x: x[0, 0], "the four axes are"),
        (lambda x: x.permute(0, 2, 3, 1), "channels come last, so use images.permute"),
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


@pytest.mark.parametrize(
    "bring",
    [
        lambda x: x.numpy(),
        lambda x: to_float(x).numpy(),
        lambda x: x.numpy()[:, :, :, ::-1].copy()[:, :, :, ::-1],
        lambda x: to_float(x).double(),
        lambda x: to_float(x).numpy().astype(np.float64),
    ],
)
def test_arrays_and_doubles_are_the_same_pictures(make_gan, digits, bits, same, bring):
    a, b = make_gan(), make_gan()
    train(a, digits, steps=2)
    train(b, bring(digits), steps=2)
    assert same(bits(a), bits(b))


def test_halves_are_brought_to_single_precision(digits):
    halves = to_float(digits).half()
    assert check_images(halves).dtype == torch.float32
    torch.testing.assert_close(check_images(halves), to_float(digits), atol=1e-3, rtol=0)


def test_pictures_to_look_at_need_no_gan_but_the_right_numbers(digits):
    assert check_images(digits) is digits
    assert check_images(torch.zeros(2, 1, 9, 9)).shape == (2, 1, 9, 9), "grey, as an untrained G draws it"
    with pytest.raises(ValueError, match=r"from 0 to 1 instead of from -1 .black. to 1 .white.: use images \* 2 - 1"):
        check_images(digits.float() / 255)
    with pytest.raises(ValueError, match="keep 1 or 3 of the channels"):
        check_images(digits.expand(-1, 4, -1, -1))
    bright = to_float(digits).clamp(min=0.2)
    assert torch.equal(check_images(bright), bright), "light pictures are right ones"


def test_bytes_survive_the_way_there_and_back():
    every = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(to_float(every)), every)
    assert to_uint8(torch.tensor([-3.0, 0, 3])).tolist() == [0, 128, 255]


def test_an_almost_black_data_set_is_no_error(make_gan):
    train(make_gan(), torch.zeros(8, 1, 28, 28, dtype=torch.uint8), steps=1, batch_size=8)
