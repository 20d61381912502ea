"""What a training learns from is known again, in any order, and anything else is not taken for it."""

import hashlib

import pytest
import torch

from gans_workshop.files.marks import make_mark, other_data, renew_mark


def old_mark(data):
    """A mark as it was written until November 2026."""
    parts = [part for part in data if part is not None]
    return [x for p in parts for x in (list(p.shape), str(p.dtype), hashlib.sha256(p.contiguous().numpy()).hexdigest())]


def arrays(data):
    return [part.contiguous().numpy() for part in data if part is not None]


def difference(theirs, ours):
    theirs, ours = arrays(theirs), arrays(ours)
    return other_data(make_mark(theirs), make_mark(ours), ours)


@pytest.fixture
def images(digits):
    return torch.cat([digits[:20], digits[:2]])  # two of them twice


@pytest.fixture
def labels():
    return torch.arange(22) % 10


def test_the_same_pictures_in_another_order_are_the_same(images, labels):
    order = torch.randperm(22)
    for conditions in (None, labels, -images):
        theirs, ours = (images, conditions), (images[order], None if conditions is None else conditions[order])
        assert difference(theirs, ours) == "" == difference(theirs, theirs)
        assert make_mark(arrays(theirs))["order"] != make_mark(arrays(ours))["order"]


def test_how_pictures_are_laid_out_in_memory_makes_no_difference(images):
    laid_out = images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    assert make_mark(arrays((laid_out, None))) == make_mark(arrays((images, None)))


def test_two_piles_of_different_number_are_known_to_their_last_picture(images):
    few, many = images[:5], images[5:].clone()
    other = many.clone()
    other[-1, 0, 0, 0] += 1
    assert difference((few, many), (few, many.clone())) == ""
    assert difference((few, many), (few, other)) == "learns from 17 other conditions"
    assert difference((many, few), (other, few)) == "learns from 17 other pictures"


def test_what_is_not_the_same_is_named(images, labels):
    changed, twice = images.clone(), images.clone()
    changed[3, 0, 0, 0] += 1
    twice[4] = twice[5]
    for others in (changed, twice, images[:21], images.float(), images.flip(3)):
        assert difference((images, None), (others, None)) == "learns from 22 other pictures"
    assert difference((images, labels), (images, labels.flip(0))) == "learns from 22 other conditions"
    assert difference((images, labels), (images.flip(0), labels)) == "learns from 22 other conditions", "other pairs"
    assert difference((images, labels), (images, labels.int())) == "learns from 22 other conditions"
    assert difference((images, labels), (changed, labels)) == "learns from 22 other pictures"
    assert difference((images, labels), (images, None)) == "learns with labels or other conditions"
    assert difference((images, None), (images, labels)) == "learns without labels or other conditions"
    assert difference((images, None), (images[..., :14], None)).startswith(
        "draws pictures of shape (1, 28, 28), and this"
    )


def test_a_checksum_is_of_single_pictures_not_of_a_row_of_bytes():
    bars = torch.tensor([[0, 1], [2, 3]], dtype=torch.uint8)[:, None, None]
    assert difference((bars, None), (torch.tensor([[0, 2], [1, 3]], dtype=torch.uint8)[:, None, None], None))


def test_an_old_mark_holds_in_its_own_order_and_says_that_it_knows_no_other(images, labels):
    order = torch.arange(21, -1, -1)
    for conditions in (None, labels):
        data = images, conditions
        mixed = images[order], None if conditions is None else conditions[order]
        mark = renew_mark(old_mark(data))
        assert other_data(mark, make_mark(arrays(data)), arrays(data)) == ""
        why = other_data(mark, make_mark(arrays(mixed)), arrays(mixed))
        assert why.startswith(
            "learns from 22 other pictures, or from these in another order: its old checkpoint cannot"
        )
    mark, fewer = renew_mark(old_mark((images, None))), arrays((images[:9],))
    assert other_data(mark, make_mark(fewer), fewer) == "learns from 22 other pictures"
