"""Pictures as numbers: bytes and floats, and what is refused in one sentence."""

import pytest
import torch

from gans_workshop import to_float, train


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
