"""Notebook 02: what is written by hand on the page is what the package computes."""

import pytest
import torch

from gans_workshop import discriminator_step, generator_step, minimax, non_saturating
from tools import load_notebook

CELLS = ["digits", "scale", "generator", "discriminator", "two-wishes", "detach", "passes", "check"]


@pytest.fixture
def book():
    """The page's two players, untrained, with its two passes."""
    torch.manual_seed(0)
    book = load_notebook("02", *CELLS, BATCH_SIZE=32)
    book.z = torch.randn(32, book.LATENT_DIM)
    return book


def slopes(network):
    return torch.cat([parameter.grad.flatten() for parameter in network.parameters()])


def test_the_detectives_pass_is_that_of_the_package(book):
    gan, z = book.twin()
    before = [parameter.clone() for parameter in book.generator.parameters()]
    book.update_d(book.images[:32], z)
    discriminator_step(gan, book.images[:32])
    assert (slopes(book.discriminator) - slopes(gan.discriminator)).norm() < 0.01 * slopes(book.discriminator).norm()
    assert all(torch.equal(old, new) for old, new in zip(before, book.generator.parameters()))
    assert all(parameter.grad is None for parameter in book.generator.parameters())


def test_the_criminals_pass_is_that_of_the_package(book):
    gan, z = book.twin()
    before = [parameter.clone() for parameter in book.discriminator.parameters()]
    book.update_g(z)
    generator_step(gan, 32)
    assert (slopes(book.generator) - slopes(gan.generator)).norm() < 0.01 * slopes(book.generator).norm()
    assert all(torch.equal(old, new) for old, new in zip(before, book.discriminator.parameters()))


def test_a_slope_of_another_loss_would_be_noticed(book):
    """The bound of the two tests above tells the two forms of G's loss apart."""
    found = []
    for loss in (non_saturating, minimax):
        book.generator.zero_grad()
        loss.generator(book.discriminator(book.generator(book.z))).backward()
        found.append(slopes(book.generator))
    assert (found[0] - found[1]).norm() > 0.1 * found[0].norm()


def test_detach_cuts_the_string_to_the_criminal(book):
    book.who_gets_slopes(book.generator(book.z).detach())
    assert all(parameter.grad is None for parameter in book.generator.parameters())
    book.who_gets_slopes(book.generator(book.z))
    assert slopes(book.generator).norm() > 0


def test_the_two_wishes_are_those_of_the_package(book):
    logits = torch.linspace(-5, 5, 11)[:, None]
    for mine, packaged in ((book.minimax_g, minimax), (book.non_saturating_g, non_saturating)):
        torch.testing.assert_close(mine(logits.sigmoid()).mean(), packaged.generator(logits), rtol=1e-4, atol=1e-4)
