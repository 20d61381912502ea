"""Notebook 02: what is written by hand is what the package computes; the page shows both, and a whole GAN."""

import ast
import inspect
import re

import matplotlib.pyplot as plt
import pytest
import torch

from gans_workshop import discriminator_step, generator_step, minimax, non_saturating
from tools import code_cells, load_notebook, notebook, read, source_of

CELLS = ["digits", "scale", "generator", "discriminator", "two-wishes", "detach", "passes"]


@pytest.fixture
def book():
    """The page's two players, untrained, with its two passes."""
    torch.manual_seed(0)
    book = load_notebook("02", *CELLS, BATCH_SIZE=32)
    book.z = torch.randn(32, book.LATENT_DIM)
    exec(source_of("02", "check"), vars(book))  # a packaged GAN with the same weights, and the z that it will draw
    return book


def gradient(network):
    return torch.cat([parameter.grad.flatten() for parameter in network.parameters()])


def test_the_detectives_pass_is_that_of_the_package(book):
    before = [parameter.clone() for parameter in book.generator.parameters()]
    book.update_d(book.images[:32], book.first_z)
    discriminator_step(book.twin, book.images[:32])
    mine, packaged = gradient(book.discriminator), gradient(book.twin.discriminator)
    assert (mine - packaged).norm() < 0.01 * mine.norm()
    assert all(torch.equal(old, new) for old, new in zip(before, book.generator.parameters()))
    assert all(parameter.grad is None for parameter in book.generator.parameters())


def test_the_criminals_pass_is_that_of_the_package(book):
    before = [parameter.clone() for parameter in book.discriminator.parameters()]
    book.update_g(book.first_z)
    generator_step(book.twin, 32)
    mine, packaged = gradient(book.generator), gradient(book.twin.generator)
    assert (mine - packaged).norm() < 0.01 * mine.norm()
    assert all(torch.equal(old, new) for old, new in zip(before, book.discriminator.parameters()))


def test_a_gradient_of_another_loss_would_be_noticed(book):
    """The bound of the two tests above tells the two forms of G's loss apart."""
    found = []
    for loss in (non_saturating, minimax):
        book.generator.zero_grad()
        loss.generator(book.discriminator(book.generator(book.z))).backward()
        found.append(gradient(book.generator))
    assert (found[0] - found[1]).norm() > 0.1 * found[0].norm()


def test_detach_cuts_the_string_to_the_criminal(book):
    book.who_gets_gradients(book.generator(book.z).detach())
    assert all(parameter.grad is None for parameter in book.generator.parameters())
    book.who_gets_gradients(book.generator(book.z))
    assert gradient(book.generator).norm() > 0


def test_the_two_wishes_are_those_of_the_package(book):
    logits = torch.linspace(-5, 5, 11)[:, None]
    for mine, packaged in ((book.minimax_g, minimax), (book.non_saturating_g, non_saturating)):
        torch.testing.assert_close(mine(logits.sigmoid()).mean(), packaged.generator(logits), rtol=1e-4, atol=1e-4)


# The two functions side by side, and the whole GAN on one page


@pytest.fixture(scope="module")
def page():
    return read(notebook("02"))


@pytest.fixture(scope="module")
def difference(page):
    """The cell that shows both functions: (the lines of the block, the text after it)."""
    (cell,) = [cell for cell in page.cells if cell.id == "s6-difference"]
    _, block, reasons = re.split(r"^```(?:diff)?\n", cell.source, flags=re.MULTILINE)
    return block.splitlines(), reasons


def function_lines(text, name):
    """The lines of a function as they are written, without its docstring and without empty lines."""
    (function,) = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == name]
    docstring = function.body[0] if ast.get_docstring(function) else None
    left_out = range(docstring.lineno, docstring.end_lineno + 1) if docstring else ()
    lines = enumerate(text.splitlines(), start=1)
    wanted = [line for i, line in lines if function.lineno <= i <= function.end_lineno and i not in left_out]
    return [line for line in wanted if line.strip()]


def test_the_difference_shows_both_functions_as_they_are(page, difference):
    lines, _ = difference
    assert {line[0] for line in lines} == set("-+ ")
    yours = [line[1:] for line in lines if line[0] in "- "]
    packaged = [line[1:] for line in lines if line[0] in "+ "]
    (passes,) = [cell for cell in page.cells if cell.id == "passes"]
    assert yours == function_lines(passes.source, "update_d")
    assert packaged == function_lines(inspect.getsource(discriminator_step), "discriminator_step")
    assert set(yours) & set(packaged) == {line[1:] for line in lines if line[0] == " "}, "the same line is shown once"


def test_each_reason_names_what_is_new(difference):
    lines, reasons = difference
    new = "\n".join(line for line in lines if line[0] == "+")
    named = re.findall(r"^- `(\w+)`: \w", reasons, flags=re.MULTILINE)
    assert named and [name for name in named if not re.search(rf"\b{name}\b", new)] == []


def test_the_whole_gan_on_one_page_runs_without_the_package(page):
    source = "\n".join(cell.source for cell in code_cells(page) if cell.id.startswith("page-"))
    assert len(source.splitlines()) == 60  # as the page says
    assert set(re.findall(r"^(?:import|from) (\w+)", source, flags=re.MULTILINE)) == {"matplotlib", "torch"}
    names = {"digits": torch.randint(256, (70, 1, 28, 28), dtype=torch.uint8), "ONE_PAGE_STEPS": 2}
    try:
        exec(source, names)
        (axes,) = plt.gcf().axes
        assert axes.images and axes.get_title()
    finally:
        plt.close("all")
    assert torch.isfinite(names["d_loss"] + names["g_loss"])
