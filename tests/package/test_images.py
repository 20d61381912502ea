"""Pictures as numbers: bytes and floats, and what is refused in one sentence."""

import math
import re

import numpy as np
import pytest
import torch
from PIL import Image

from gans_workshop import cut_out, shift, to_float, train
from gans_workshop.game.images import check_images, to_uint8, whole


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
        (
            lambda x: to_float(x) * torch.nan,
            "200 of 200 pictures have pixels that are NaN, not numbers: make them anew",
        ),
        (lambda x: list(x), "are a list, not one tensor .*np.stack"),
        (lambda x: [Image.fromarray(picture[0].numpy()) for picture in x], "are a list"),
        (lambda x: torch.utils.data.DataLoader(x), "are a DataLoader"),
        (lambda x: x.numpy().transpose(0, 2, 3, 1), r"channels come last, so use images.transpose\(0, 3, 1, 2\)"),
        (lambda x: x.numpy().astype(object), "are a ndarray, not one tensor"),
        (lambda x: "my-photos", "are a str, not one tensor .*load_photos"),
        (lambda x: iter(x), "are a .*iterator, not one tensor .*load_photos"),
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


class Pairs(torch.utils.data.Dataset):
    """A data set as torchvision has them: a picture and its label."""

    def __init__(self, pictures):
        self.pictures = pictures

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, i):
        return self.pictures[i], i % 10


def pil(x):
    return [Image.fromarray(picture[0].numpy()) for picture in x]


KINDS = {
    "a list of tensors": lambda x: list(x),
    "a list of PIL pictures": pil,
    "a list of arrays": lambda x: list(x.numpy()),
    "PIL pictures in colour": lambda x: [picture.convert("RGB").convert("L") for picture in pil(x)],
    "a data set": lambda x: Pairs(x),
    "a data set of PIL pictures": lambda x: Pairs(pil(x)),
    "a data set of floats from 0 to 1": lambda x: Pairs(x / 255),
    "part of a data set": lambda x: torch.utils.data.Subset(Pairs(x), range(200)),
    "a DataLoader": lambda x: torch.utils.data.DataLoader(x, 16),
    "a DataLoader of pairs": lambda x: torch.utils.data.DataLoader(Pairs(x), 16),
    "a DataLoader of a TensorDataset": lambda x: torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x)),
    "pictures and labels": lambda x: (x, torch.arange(200)),
    "objects": lambda x: x.numpy().astype(object),
    "channels last": lambda x: x.permute(0, 2, 3, 1),
    "channels last in an array": lambda x: x.permute(0, 2, 3, 1).numpy(),
    "no channels": lambda x: x[:, 0].numpy(),
    "int64": lambda x: x.long(),
    "int64 in an array": lambda x: x.long().numpy(),
    "uint16": lambda x: x.numpy().astype(np.uint16) * 257,
    "floats from 0 to 255": lambda x: x.float(),
    "floats from 0 to 1": lambda x: x / 255,
    "doubles from 0 to 1 in an array": lambda x: x.numpy() / 255,
}


def follow(images, **options):
    """Do what each sentence advises until the pictures are right."""
    for _ in range(5):
        try:
            return check_images(images, **options)
        except ValueError as refusal:
            images = eval(re.search(r"(?:use|needs?) ([^:]*\bimages\b.*)\.$", str(refusal))[1])
    raise AssertionError("the advice leads in a circle")


@pytest.mark.parametrize("shape", [None, (1, 28, 28)])
@pytest.mark.parametrize("kind", KINDS)
def test_whoever_follows_the_advice_has_the_same_pictures(digits, kind, shape):
    found = to_float(follow(KINDS[kind](digits), shape=shape))
    torch.testing.assert_close(found, to_float(digits), atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", [lambda x: x > 127, lambda x: (x > 127).numpy(), lambda x: (x > 127).byte()])
def test_yes_and_no_become_black_and_white(digits, kind):
    found = follow(kind(digits), shape=(1, 28, 28))
    assert torch.equal(found, (digits > 127) * torch.tensor(255, dtype=torch.uint8))


@pytest.mark.parametrize("kind", [torch.as_tensor, np.asarray])
def test_pictures_with_nan_are_counted_and_can_be_left_out(make_gan, digits, kind):
    images = to_float(digits).clone()
    images[[3, 17], 0, 5, 5] = torch.tensor([torch.nan, torch.inf])
    with pytest.raises(
        ValueError, match="2 of 200 pictures have pixels that are NaN, not numbers: leave them out with"
    ):
        train(make_gan(), kind(images), steps=1)
    assert len(eval(catch(kind(images)).partition("with ")[2].rstrip("."), {"images": kind(images), "np": np})) == 198


def catch(images):
    with pytest.raises(ValueError) as refusal:
        check_images(images)
    return str(refusal.value)


def test_light_pictures_are_not_taken_for_pictures_from_0_to_1(digits):
    """Their greys are odd numbers of 255ths, and the zeros are of an augmentation."""
    paper = (digits // 4 + 190).clamp(max=255)
    for images in (to_float(paper), cut_out(to_float(paper)), shift(to_float(paper))):
        assert torch.equal(check_images(images), images)
    for images in (digits / 255, (digits > 127).float(), digits.double().numpy() / 255):
        assert "from 0 to 1" in catch(images)


@pytest.mark.parametrize("number", [64, 64.0, np.int64(64), np.float32(64), torch.tensor(64)])
def test_a_whole_number_may_come_in_any_kind(number):
    assert whole("batch_size", number) == 64 and type(whole("batch_size", number)) is int


@pytest.mark.parametrize("wrong", ["64", 1.5, 0, -3, None, [64], math.nan, math.inf, torch.zeros(2, 3), np.ones(4), {}])
def test_any_other_is_refused_in_one_sentence_whose_advice_works(wrong):
    with pytest.raises(ValueError, match=r"batch_size=.* must be a whole number of at least 1, for example") as refusal:
        whole("batch_size", wrong)
    assert "\n" not in str(refusal.value) and len(str(refusal.value)) < 130
    assert whole("batch_size", int(str(refusal.value).rstrip(".").rpartition("=")[2])) > 0


@pytest.mark.parametrize("wrong", [lambda x: list(x), lambda x: (x, x), lambda x: pil(x)])
def test_only_pictures_are_scaled(digits, wrong):
    with pytest.raises(ValueError, match=r"The pictures are a .*, not one tensor"):
        to_float(wrong(digits))


@pytest.mark.parametrize("augment", [cut_out, shift])
def test_stored_pictures_are_changed_as_scaled_ones_are(digits, augment):
    results = []
    for images in (digits, digits.numpy(), to_float(digits)):
        torch.manual_seed(0)
        results.append(augment(images))
    assert all(torch.equal(results[2], result) for result in results) and results[0].dtype == torch.float32


def test_arrays_are_scaled_like_tensors(digits):
    assert torch.equal(to_float(digits.numpy()), to_float(digits))
    assert torch.equal(to_float(digits.numpy()[:, :, ::-1]), to_float(digits.flip(2)))


def test_bytes_survive_the_way_there_and_back():
    every = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(to_float(every)), every)
    assert to_uint8(torch.tensor([-3.0, 0, 3])).tolist() == [0, 128, 255]


def test_an_almost_black_data_set_is_no_error(make_gan):
    train(make_gan(), torch.zeros(8, 1, 28, 28, dtype=torch.uint8), steps=1, batch_size=8)
